"""A statutory step, or its recorded exemption where the policy allows one, lies on every way to a later step."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.steps import StatutoryStep
from decision_flow.verification.graph import Node
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding
from decision_flow.verification.scopes import Source

RULE = "step_unavoidable"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Look for a run that enters `before` although `step` was never completed (nor exempted, if that counts)."""
    step, before = StatutoryStep(required.told["step"]), StatutoryStep(required.told["before"])
    exemption = bool(required.told.get("exemption", False))

    def counts(source: Source) -> bool:
        return source.step == step or (exemption and source.exempts == step)

    def reached(node: Node) -> bool:
        return node.source is not None and node.counts and node.source.step == before and _activity(node.source)

    way = model.game(step, before).play(blocked=counts, goal=reached).met
    if way is not None:
        yield Finding(
            RULE,
            "error",
            way[-1],
            f"不经过{step.label}也能到达{before.label}:{model.tell(way)}",
            f"{before.label_en} can be reached without {step.label_en.lower()}.",
            required.basis or step.article,
            way,
        )


def _activity(source: Source) -> bool:
    return not source.kind.endswith("Event")
