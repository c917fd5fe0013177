"""A step with a statutory period declares when it is due."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.steps import StatutoryStep
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding

RULE = "deadline_declared"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Ask that one of the human tasks of `step` has the property `due`."""
    step = StatutoryStep(required.told["step"])
    tasks = [source for source in model.sources() if source.step == step and source.kind == "userTask"]
    if tasks and not any(source.properties.get("due") for source in tasks):
        yield Finding(
            RULE, "error", tasks[0].id, f"{step.label}没有声明办理期限", f"{step.label_en} declares no deadline.",
            required.basis, (tasks[0].id,),
        )  # fmt: skip
