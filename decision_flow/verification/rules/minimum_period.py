"""After a notice the procedure waits for its period, and a shorter one must be explained in the notice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding

RULE = "minimum_period"
_DAYS = re.compile(r"^(?:working_days_after|days_after)\((\d+)\)$|^P(\d+)D$")


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Look at what follows each task with the form `form`: it is a timer of that period."""
    form, days = required.told["form"], int(required.told["days"])
    until, reason = str(required.told.get("until", "")), str(required.told.get("reason_field", ""))
    name = f"{form.replace('-', '')}.{until}"
    for scope in model.scopes():
        for source in scope.elements.values():
            if source.form != form or source.kind != "userTask":
                continue
            timers = [scope.elements[target].timer for _, origin, target, _ in scope.flows if origin == source.id]
            if not timers or not all(_long_enough(text, days, name if until else "") for text in timers):
                yield _finding(
                    source.id, f"“{source.name}”之后没有等满{days}日", f"No wait of {days} days follows.", required
                )
            told = model.forms.get(form)
            if told is None or not reason:
                continue
            field = next((each for each in told.get("fields", ()) if each.get("name") == reason), None)
            if field is None or not (field.get("required") or field.get("required_if")):
                yield _finding(
                    source.id,
                    f"表单 {form} 没有要求写明缩短期限的理由（{reason}）",
                    f"The form {form} does not ask why the period is shorter.",
                    required,
                )


def _finding(element: str, message: str, english: str, required: Requirement) -> Finding:
    return Finding(RULE, "error", element, message, english, required.basis, (element,))


def _long_enough(text: str, days: int, name: str) -> bool:
    if name and name in text and "-" not in text:
        return True
    found = _DAYS.match(text.strip().strip("'\""))
    return found is not None and int(found[1] or found[2]) >= days
