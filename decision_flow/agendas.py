"""What a meeting begins with: its papers as the steps that were performed make them, and who sits in it.

Suggestions only: whoever fills in the form may change every row, and the guards ask for what is missing (Arts. 29, 30).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock, submitted
from decision_flow.models import Appointment, Matter, Organisation, Post, Task, TaskState, User

# The paper that each form makes, in the order of the list.
PAPERS = (
    ("F-06", "draft"), ("F-06", "explanation"), ("F-20", "public_adoption"), ("F-29", "expert_adoption"),
    ("F-34", "risk_report"), ("F-10", "fair_competition"), ("F-05", "department_consultation"),
    ("F-13", "legality_opinion"),
)  # fmt: skip


def papers(session: Session, matter: Matter) -> dict[str, Any]:
    """Return the first answers to the list of papers (F-14): a row for each step performed and each point."""
    done = set(
        session.scalars(
            select(Task.form).where(Task.matter_id == matter.id, Task.state == TaskState.COMPLETED, Task.form != "")
        )
    )
    review = submitted.latest(session, matter.id, "F-13")
    points = review.get("points") if review.get("conclusion") != "lawful_after_revision" else ()
    return {
        "items": [{"item": paper} for form, paper in PAPERS if form in done],
        "responses": [{"point_no": row.get("no")} for row in points or ()],
    }


def notice(session: Session, matter: Matter) -> dict[str, Any]:
    """Return the first answers to the notice of the meeting (F-15b): its members by the register of posts."""
    members = _members(session, matter.organ_id)
    return {"members": [{"person": key} for key, _ in members], "members_total": len(members)} if members else {}


def minutes(session: Session, matter: Matter) -> dict[str, Any]:
    """Return the first answers to the minutes (F-15): what the notice says, a row for each member, the head last."""
    told = submitted.latest(session, matter.id, "F-15b")
    ids = [int(row["person"]) for row in told.get("members") or () if row.get("person")]
    names = dict(session.execute(select(User.id, User.name).where(User.id.in_(ids))).all())
    people = [(key, names[key]) for key in ids if key in names] or _members(session, matter.organ_id)
    heads = _holders(session, matter.organ_id, "admin_head")
    people.sort(key=lambda person: person[0] in heads)
    kept = {name: told[name] for name in ("held_at", "place", "members_total") if told.get(name)}
    return {
        **kept,
        "attendance": [{"person": name, "recused": False} for _, name in people],
        "opinions": [
            {"order": order, "person": name, "is_head": key in heads} for order, (key, name) in enumerate(people, 1)
        ],
    }


def _members(session: Session, organ_id: int) -> list[tuple[int, str]]:
    heads = _holders(session, organ_id, "admin_head")
    return sorted(_holders(session, organ_id, "meeting_member").items(), key=lambda person: person[0] in heads)


def _holders(session: Session, organ_id: int, role: str) -> dict[int, str]:
    today = clock.today()
    rows = session.execute(
        select(User.id, User.name)
        .join(Appointment, Appointment.user_id == User.id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            User.active, Post.role_code == role, Organisation.organ_id == organ_id, Appointment.starts_on <= today,
            Appointment.ends_on.is_(None) | (Appointment.ends_on >= today),
        )
        .order_by(User.id)
    )  # fmt: skip
    return dict(rows.all())
