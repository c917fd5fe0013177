"""A statutory step lies on every way to the end of the procedure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from decision_flow.steps import StatutoryStep
from decision_flow.verification.game import Decided
from decision_flow.verification.model import Exemption, Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding
from decision_flow.verification.scopes import Source

RULE = "step_before_end"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Look for a run that ends although `step` was never completed (nor exempted, if that counts).

    With `after` only runs are looked for that end decided by that discussion, for each value that decides.
    """
    step, told = StatutoryStep(required.told["step"]), required.told
    exemption, recorded_by = bool(told.get("exemption", False)), required.steps("recorded_by")
    after, reopened_by, field = (str(told.get(key, "")) for key in ("after", "reopened_by", "decided_by"))
    steps = [str(each) for each in (step, after, reopened_by) if each]
    game = model.game(*steps, forms=(*recorded_by, field.split(".")[0]) if after else recorded_by)
    values = required.steps("decided_as") or ("",)
    ends = [Decided(after, field, value, reopened_by) for value in values] if after else [None]
    for decided, case in product(ends, model.exemptions(required)):

        def counts(source: Source, case: Exemption = case) -> bool:
            exempts = (exemption and source.exempts == step) or source.form in recorded_by
            return source.step == step or (exempts and not case.leaves(source))

        result = game.play(blocked=counts, ending=True, decided=decided, given=case.given)
        if not result.finished:
            continue
        way = result.way(result.finished[0])
        begun = f"{StatutoryStep(after).label}作出决定后，" if after else ""
        english = f"After {StatutoryStep(after).label_en.lower()} has decided, the" if after else "The"
        yield Finding(
            RULE,
            "error",
            way[-1] if way else model.bundle.main,
            f"{begun}不经过{step.label}也能办结{case.told(way, model.sources())}：{model.tell(way)}",
            f"{english} procedure can end without {step.label_en.lower()}.",
            required.basis or step.article,
            way,
        )
        return
