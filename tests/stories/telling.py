"""What the stories ask of a matter."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import guarding, matter_facts
from decision_flow.demo.play import Play
from decision_flow.guards.said import collect
from decision_flow.models import Matter, Task


def names(play: Play) -> set[str]:
    """The elements at which tasks stand open."""
    with play.database.transaction(read_only=True) as session:
        return set(
            session.scalars(
                select(Task.element_id).where(Task.matter_id == play.matter_id, Task.state.in_(("OPEN", "CLAIMED")))
            )
        )


def status(play: Play) -> str:
    """Where the matter stands as a whole."""
    with play.database.transaction(read_only=True) as session:
        return session.get_one(Matter, play.matter_id).status


def completed(session: Session, play: Play, element: str) -> datetime:
    """When the task at an element was completed, the last time."""
    at = session.scalars(
        select(Task.completed_at)
        .where(Task.matter_id == play.matter_id, Task.element_id == element, Task.completed_at.is_not(None))
        .order_by(Task.id.desc())
    ).first()
    assert at is not None, element
    return at


def outcome(play: Play) -> str | None:
    """At which end the matter came out."""
    with play.database.transaction(read_only=True) as session:
        return session.get_one(Matter, play.matter_id).outcome


def refused(play: Play, form: str) -> set[str]:
    """The rules that stand against completing a form in the matter now, whichever diagram would offer it."""
    with play.database.transaction(read_only=True) as session:
        known = matter_facts.of(session, session.get_one(Matter, play.matter_id))
        guard = guarding.guard_of(known.kind, form, "")
        assert guard is not None, form
        return {one.rule for one in collect(guard(known))}
