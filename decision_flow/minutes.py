"""Who spoke at a meeting: the minutes (F-15) name members in words, and two of one name must be told apart.

Responsibility and its mitigation (Art. 38) fall on a person, so a row of the minutes is somebody's only when the post
held on that day, and where the name is shared the person chosen in the row, leave no doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import clock
from decision_flow.errors import N_, Invalid
from decision_flow.models import Appointment, Matter, Organisation, Post, Task, TaskState, User

FORM = "F-15"
DISSENT = ("disagree", "reserve")


@dataclass(frozen=True)
class Member:
    """Somebody who held a post in the organ on the day, and that post in words."""

    user: User
    post: str


def of_matter(session: Session, matter_id: int) -> list[Task]:
    """Return the tasks that hold the completed minutes of a matter, the earliest first."""
    query = select(Task).where(Task.matter_id == matter_id, Task.form == FORM, Task.state == TaskState.COMPLETED)
    tasks = session.scalars(query.order_by(Task.completed_at, Task.id).options(undefer(Task.submission)))
    return [task for task in tasks if isinstance(task.submission, dict)]


def held_on(task: Task) -> date:
    """Return the day of the meeting."""
    told = str(task.submission.get("held_at") or "")[:10]
    return date.fromisoformat(told) if told else clock.local_date(task.completed_at or clock.now())


def members(session: Session, organ_id: int, day: date, names: Collection[str]) -> dict[str, list[Member]]:
    """Return by name those who held a post in the organ on that day, each once."""
    held = session.scalars(
        select(Appointment)
        .join(Appointment.user)
        .join(Appointment.post)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            User.name.in_(names), Appointment.starts_on <= day,
            (Appointment.ends_on.is_(None)) | (Appointment.ends_on >= day), Organisation.organ_id == organ_id,
        )
        .options(joinedload(Appointment.user), joinedload(Appointment.post).joinedload(Post.organisation))
        .order_by(Appointment.starts_on, Appointment.id)
    )  # fmt: skip
    found: dict[str, dict[int, Member]] = {}
    for one in held:
        member = Member(one.user, f"{one.post.organisation.name}·{one.post.title}")
        found.setdefault(one.user.name, {}).setdefault(one.user_id, member)
    return {name: list(of_name.values()) for name, of_name in found.items()}


def speaker(row: Mapping[str, Any], known: Mapping[str, list[Member]]) -> Member | None:
    """Return whose row of the minutes this is; None for somebody without a post there, or when it is in doubt."""
    of_name, chosen = known.get(str(row.get("person") or ""), []), row.get("member_id")
    if chosen:
        return next((one for one in of_name if one.user.id == chosen), None)
    return of_name[0] if len(of_name) == 1 else None


def dissents(session: Session, matter: Matter, task: Task) -> list[tuple[Member | None, Mapping[str, Any]]]:
    """Return the rows of one meeting's minutes that dissent, with whose they are."""
    rows = [row for row in task.submission.get("opinions") or () if row.get("position") in DISSENT]
    known = members(session, matter.organ_id, held_on(task), {str(row.get("person") or "") for row in rows})
    return [(speaker(row, known), row) for row in rows]


def must_be_told_apart(session: Session, matter: Matter, answers: Mapping[str, Any]) -> None:
    """Raise `Invalid` when a row of the opinions could be of two members, or names another than its name does."""
    rows = answers.get("opinions") or ()
    day = date.fromisoformat(str(answers.get("held_at"))[:10]) if answers.get("held_at") else clock.today()
    known = members(session, matter.organ_id, day, {str(row.get("person") or "") for row in rows})
    errors: dict[str, list[str]] = {}
    for number, row in enumerate(rows):
        of_name = known.get(str(row.get("person") or ""), [])
        if row.get("member_id") and speaker(row, known) is None:
            errors[f"opinions.{number}.member_id"] = [N_("所选人员当日在本机关没有职务，或者姓名不是这一位。")]
        elif len(of_name) > 1 and not row.get("member_id"):
            errors[f"opinions.{number}.member_id"] = [N_("本机关有同名的成员，请选择是哪一位。")]
    if errors:
        raise Invalid(N_("会议记录没有办结：同名的成员应当分清（条例第三十八条）。"), errors=errors)
