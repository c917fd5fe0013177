"""The findings on a draft: can it run, is it lawful. Nothing is kept, so it may be asked at every change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from decision_flow import engine, verification
from decision_flow.engine import Bundle, Compiled
from decision_flow.errors import Invalid, NotConforming, Text
from decision_flow.forms import Form
from decision_flow.modelling import reading, tables
from decision_flow.procedures import ProcedureSource
from decision_flow.roles import ROLES
from decision_flow.verification import Finding, judge, verify
from decision_flow.verification import policy as policies
from decision_flow.verification.report import tell

LAWFUL = "lawful"
EXECUTABLE = "executable"
MAX_RECENT = 8
_recent: dict[tuple[str, str, str], Report] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Report:
    """The verdict on a draft with its findings; `compiled` and `forms` when it can run."""

    verdict: str
    findings: tuple[Finding, ...]
    compiled: Compiled | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether the engine can run it."""
        return self.compiled is not None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stand in the way of publication."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def check(source: ProcedureSource, policy: str) -> Report:
    """Return what is wrong with `source` under the shipped policy of that name. Raises nothing.

    A counterexample is the way as it is drawn: the elements in their order, and the flows between them.
    The last few answers are remembered: a page, a save and a walk-through ask the same again.
    """
    key = (source.bundle.digest, source.start_form, policy)
    with _lock:
        found = _recent.get(key)
    if found is None:
        found = _check(source, policy)
        with _lock:
            _recent[key] = found
            while len(_recent) > MAX_RECENT:
                del _recent[next(iter(_recent))]
    return found


def _check(source: ProcedureSource, policy: str) -> Report:
    findings: list[Finding] = []
    forms = _read_forms(source.bundle, findings)
    findings += _missing(source, forms)
    findings += (
        Finding(
            EXECUTABLE,
            told.severity,
            told.element,
            f"决策表“{told.table}”：{told.message}",
            f"Table “{told.table}”: {told.message_en}",
        )
        for told in tables.findings(source.bundle.dmn)
    )
    compiled = _compile(source.bundle, findings)
    if compiled is None or any(found.severity == "error" for found in findings):
        # What is wrong besides is told at once: a call taken out leaves a process behind, and a hole.
        findings += _legal(source.bundle, verify, policy)[1]
        return Report("unsupported", tuple(findings), None, forms)
    verdict, holes = _legal(source.bundle, judge, policy)
    return Report(verdict, (*findings, *holes), compiled, forms)


def _legal(bundle: Bundle, ask: Callable[..., verification.Report], policy: str) -> tuple[str, list[Finding]]:
    """Return the verdict of the law with its findings, each run as it is drawn. Raises nothing."""
    try:
        told = ask(bundle, policy=policy_of(policy))
        sheets = reading.sheets(bundle.bpmn)
    except Invalid:
        return "unsupported", []  # the compiler says so
    names = {node.id: node.name or node.id for sheet in sheets for node in sheet.nodes}
    return told.verdict, [
        # The run stands beside the sentence where it can be played; there it is not said twice.
        replace(
            found,
            message=found.message.removesuffix(f"：{tell(found.counterexample, names)}"),
            counterexample=_drawn(found.counterexample, sheets),
        )
        if found.counterexample
        else found
        for found in told.findings
        if told.verdict != "unsupported" or ask is judge
    ]


def policy_of(name: str) -> policies.Policy:
    """Return the shipped policy `name`; the decree for one that does not ship, so that nothing goes unasked."""
    return policies.load(name) if name in policies.policies() else policies.default()


def _drawn(way: tuple[str, ...], sheets: Iterable[reading.Sheet]) -> tuple[str, ...]:
    """Return a run with the flow that led to each element before it, where one did."""
    flows = {(source, target): flow for sheet in sheets for flow, source, target in sheet.flows}
    found: list[str] = []
    for place, element in enumerate(way):
        led = (flows.get((before, element)) for before in reversed(way[:place]))
        found += [*[flow for flow in led if flow][:1], element]
    return tuple(found)


@lru_cache(maxsize=1024)
def parsed_form(content: bytes, name: str) -> Form:
    """Return `Form.parse(content, name)`, remembered: most changes of a draft leave its forms alone."""
    return Form.parse(content, name)


def _compile(bundle: Bundle, findings: list[Finding]) -> Compiled | None:
    try:
        return engine.compile(bundle, keep=False)
    except NotConforming as error:
        findings += (
            Finding(found.rule, found.severity, found.element, found.message) for found in error.findings
        )  # fmt: skip
        if not error.findings:
            findings.append(Finding(EXECUTABLE, "error", "", Text.of(error.message, error.values)))
    except Invalid as error:
        findings.append(Finding(EXECUTABLE, "error", "", Text.of(error.message, error.values)))
    return None


def _read_forms(bundle: Bundle, findings: list[Finding]) -> dict[str, Form]:
    forms: dict[str, Form] = {}
    for name, content in bundle.forms.items():
        try:
            form = parsed_form(content, name)
            forms[form.id] = form
        except Invalid as error:
            findings.append(Finding(EXECUTABLE, "error", name, Text.of(error.message, error.values)))
    return forms


def _missing(source: ProcedureSource, forms: Mapping[str, Form]) -> Iterable[Finding]:
    """Name the tasks whose form or role does not exist, and a start form that does not."""
    if source.start_form and source.start_form not in forms:
        yield Finding(
            EXECUTABLE, "error", source.bundle.main, f"启动表单 {source.start_form} 不在程序包中",
            f"The start form {source.start_form} is not in the bundle",
        )  # fmt: skip
    for name, content in source.bundle.bpmn.items():
        try:
            nodes = reading.sheet(name, content).nodes
        except Invalid:
            continue  # the compiler says so
        for node in nodes:
            if node.kind != "userTask":
                continue
            if not node.form:
                yield Finding(EXECUTABLE, "error", node.id, "人工任务没有表单", "The task has no form")
            elif node.form not in forms:
                yield Finding(
                    EXECUTABLE, "error", node.id, f"表单 {node.form} 不在程序包中",
                    f"The form {node.form} is not in the bundle",
                )  # fmt: skip
            for role in node.roles:
                if role not in ROLES:
                    yield Finding(EXECUTABLE, "error", node.id, f"没有岗位角色 {role}", f"There is no role {role}")
            if not node.name:
                yield Finding(EXECUTABLE, "warning", node.id, "任务没有名称", "The task has no name")
