"""The verifier: is a procedure sound, and is it lawful under a policy? Pure: files in, a report out.

Three answers only: it holds, it fails (with the run that shows it), or it is open, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from decision_flow.engine import Bundle
from decision_flow.engine.diagrams import refused
from decision_flow.verification import policy as policies
from decision_flow.verification.graph import NotSupportedError, TooLargeError
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Policy, Requirement
from decision_flow.verification.report import Finding, Report, Verdict
from decision_flow.verification.rules import (
    connected,
    deadline_declared,
    expression_typed,
    form_complete,
    gateway_complete,
    labelled,
    minimum_period,
    roles_differ,
    soundness,
    step_before_end,
    step_unavoidable,
)

__all__ = ["Finding", "Policy", "Report", "Verdict", "judge", "verify"]

RULES: dict[str, Callable[[Model, Requirement], Iterator[Finding]]] = {
    "step": step_unavoidable.check,
    "at_end": step_before_end.check,
    "roles_differ": roles_differ.check,
    "period": minimum_period.check,
    "deadline": deadline_declared.check,
    "form_fields": form_complete.check,
}
# Asked of every procedure, whatever the policy.
ALWAYS: tuple[Callable[[Model], Iterator[Finding]], ...] = (
    expression_typed.check,
    gateway_complete.check,
    labelled.check,
)


def verify(bundle: Bundle, *, policy: Policy | None = None, soundness_only: bool = False) -> Report:
    """Judge `bundle` under `policy` (the decree's by default), or its soundness alone.

    Raises `Invalid` for XML that cannot be read. What cannot run is `unsupported`, a run that can hang is
    `unsound`, a legal hole or an expression that cannot be meant `unlawful`, and whatever goes beyond the bounds
    `undecided`. Warnings change no verdict.
    """
    if not soundness_only:
        told = refused(bundle.bpmn)
        if told:
            return Report(
                "unsupported", tuple(Finding(each.rule, "error", each.element, each.message) for each in told)
            )
    return judge(bundle, policy=policy, soundness_only=soundness_only)


def judge(bundle: Bundle, *, policy: Policy | None = None, soundness_only: bool = False) -> Report:
    """Judge as `verify` does a bundle of which somebody else has found that it runs."""
    model = Model(bundle)
    if bundle.main not in model.processes:
        return Report("unsupported", (_problem("executable", bundle.main, "文件中没有这个流程"),))
    absent = () if soundness_only else tuple(_absent(model))
    if absent:
        return Report("unsupported", absent)
    loose = () if soundness_only else tuple(connected.check(model))
    if loose:
        return Report("unsound", loose)
    try:
        findings = [found for name in model.used for found in soundness.check(model.used[name], model.processes)]
        if findings:
            return Report("unsound", tuple(findings))
        if soundness_only:
            return Report("lawful")
        for required in (policy or policies.default()).requirements:
            if not required.when_has or model.steps & set(required.when_has):
                findings += RULES[required.kind](model, required)
        findings += (found for check in ALWAYS for found in check(model))
    except NotSupportedError as error:
        return Report("unsupported", (_problem("executable", error.element, error.reason),))
    except TooLargeError as error:
        return Report("undecided", (_problem("bound", bundle.main, f"不能在限度内判定：{error}"),))
    holds = all(found.severity == "warning" for found in findings)
    return Report("lawful" if holds else "unlawful", tuple(findings))


def _absent(model: Model) -> Iterator[Finding]:
    """Name each call of a process that is nowhere. Whether the caller is sound can be told without it."""
    for source in model.sources():
        if source.called and source.called not in model.processes:
            told = (
                f"被调用的流程“{source.called}”找不到：请把画有它的文件放进同一文件夹，或者一并给出，或者改画成子流程"
            )
            yield _problem("executable", source.id, told)


def _problem(rule: str, element: str, message: str) -> Finding:
    return Finding(rule, "error", element, message, message)
