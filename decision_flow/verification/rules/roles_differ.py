"""Those who draft and those who review (or whatever two things the policy names) are different roles."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.verification.model import Model
from decision_flow.verification.policy import Requirement
from decision_flow.verification.report import Finding

RULE = "roles_differ"


def check(model: Model, required: Requirement) -> Iterator[Finding]:
    """Compare the candidate groups of the tasks with the named forms, or on the named steps."""
    kind = "form" if required.told.get("forms") else "step"
    groups = required.steps("forms") or required.steps("steps")
    holders: dict[str, tuple[str, str]] = {}
    for group in groups:
        for source in model.sources():
            if source.kind != "userTask" or getattr(source, kind) != group:
                continue
            for role in source.roles:
                other, element = holders.setdefault(role, (group, source.id))
                if other != group:
                    yield Finding(
                        RULE,
                        "error",
                        source.id,
                        f"“{model.names[source.id]}”和“{model.names[element]}”应当由不同的岗位办理，现在都是 {role}",
                        f"Two tasks that must be kept apart have the same role {role}.",
                        required.basis,
                        (element, source.id),
                    )
