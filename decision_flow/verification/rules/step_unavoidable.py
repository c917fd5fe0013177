"""A statutory step, or its recorded exemption where the policy allows one, lies on every way to a later step."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.steps import StatutoryStep
from decision_flow.verification.graph import Node
from decision_flow.verification.model import Exemption, Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding
from decision_flow.verification.scopes import Source

RULE = "step_unavoidable"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Look for a run that enters `before` although `step` was never completed (nor exempted, if that counts)."""
    step, before = StatutoryStep(required.told["step"]), StatutoryStep(required.told["before"])
    exemption = bool(required.told.get("exemption", False))

    def reached(node: Node) -> bool:
        return node.source is not None and node.counts and node.source.step == before and _activity(node.source)

    for case in model.exemptions(required):

        def counts(source: Source, case: Exemption = case) -> bool:
            return source.step == step or (exemption and source.exempts == step and not case.leaves(source))

        way = model.game(step, before).play(blocked=counts, goal=reached, given=case.given).met
        if way is None:
            continue
        yield Finding(
            RULE,
            "error",
            way[-1],
            f"不经过{step.label}也能到达{before.label}{case.told(way, model.sources())}：{model.tell(way)}",
            f"{before.label_en} can be reached without {step.label_en.lower()}.",
            required.basis or step.article,
            way,
        )
        return


def _activity(source: Source) -> bool:
    return not source.kind.endswith("Event")
