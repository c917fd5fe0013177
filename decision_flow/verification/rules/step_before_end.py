"""A statutory step lies on every way to the end of the procedure."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.steps import StatutoryStep
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding

RULE = "step_before_end"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Look for a run that ends although `step` was never completed."""
    step = StatutoryStep(required.told["step"])
    result = model.game(step).play(blocked=lambda source: source.step == step, ending=True)
    if result.finished:
        way = result.way(result.finished[0])
        yield Finding(
            RULE,
            "error",
            way[-1] if way else model.bundle.main,
            f"不经过{step.label}也能办结:{model.tell(way)}",
            f"The procedure can end without {step.label_en.lower()}.",
            required.basis or step.article,
            way,
        )
