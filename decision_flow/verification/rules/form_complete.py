"""The forms of a step ask for what the policy demands."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.steps import StatutoryStep
from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding

RULE = "form_complete"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Ask that each field stands on one of the step's forms. A diagram that comes without forms is not asked."""
    step = StatutoryStep(required.told["step"])
    tasks = [source for source in model.sources() if source.step == step and source.form in model.forms]
    if not tasks:
        return
    there = {field.get("name") for source in tasks for field in model.forms[source.form].get("fields", ())}
    missing = [field for field in required.steps("fields") if field not in there]
    if missing:
        yield Finding(
            RULE, "error", tasks[0].id, f"{step.label}的表单缺少：{'、'.join(missing)}",
            f"The forms of {step.label_en.lower()} lack: {', '.join(missing)}.", required.basis, (tasks[0].id,),
        )  # fmt: skip
