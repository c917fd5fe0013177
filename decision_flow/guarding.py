"""The guards at work: asked of the facts of a matter (`matter_facts`) where an act would take effect.

Called under the matter's lock by whoever completes a task, carries out an effect or ends a matter, so page,
interface, worker and import meet the same rules. For an act that no rule speaks of, nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, guards, matter_facts
from decision_flow.actors import Actor
from decision_flow.errors import Barred, Refused
from decision_flow.guards import separation
from decision_flow.guards.facts import Facts, Filed
from decision_flow.guards.said import Found, collect
from decision_flow.guards.separation import Duty, Person
from decision_flow.models import Appointment, Matter, Post, Task, User

# What only a major decision does; the minutes of an adjustment are recorded too.
DECIDING = frozenset({"record_decision", "record_publication", "schedule_evaluations", "freeze_draft"})


def before_completion(
    session: Session, matter: Matter, task: Task, answers: Mapping[str, Any], actor: Actor, at: datetime
) -> None:
    """Raise `Refused` (409) when a guard stands against completing this task, `Barred` (403) for this person."""
    form, step = task.form or "", task.step or ""
    duty = Duty(task.role_code, form, step)
    guarded = form in guards.FORMS or step in guards.STEPS
    if not guarded and not _is_separated(duty):
        return
    matter_facts.completing(session, task, actor)
    known = matter_facts.of(session, matter)
    _must_be_apart(known, duty, _person(actor))
    if not guarded:
        return
    filed = Filed(form, answers, actor.user_id, actor.display, task.role_code, task.organisation_id, at, task.id)
    known = known.with_filing(filed)
    if form == "F-24":
        known = _with_trail(session, matter, known)
    _ask(guard_of(known.kind, form, step), known)


def guard_of(kind: str, form: str, step: str) -> guards.Guard | None:
    """Return the guard that a task of this form and step asks in a matter of this kind, or None."""
    if kind in ("major", "adjustment", "evaluation", "archive"):
        if form in guards.FORMS:
            return guards.FORMS[form][1]
        return guards.STEPS[step][1] if kind == "major" and step in guards.STEPS else None
    return guards.MINUTES[form][1] if form in guards.MINUTES else None


def before_effect(session: Session, matter: Matter, name: str) -> None:
    """Raise `Refused` when a guard stands against an effect that the diagram asks for."""
    if name not in guards.EFFECTS:
        return
    known = matter_facts.of(session, matter)
    if known.kind in ("three_major", "other") and name in DECIDING:
        known = matter_facts.of(session, matter, kind="major")
    if name == "archive_part":
        known = _with_trail(session, matter, known)
    _ask(guards.EFFECTS[name][1], known)


def before_finish(session: Session, matter: Matter) -> None:
    """Raise `Refused` when a matter would end with a duty open, at whichever end of whichever diagram."""
    _ask(guards.FINISH[1], matter_facts.of(session, matter))


def before_taking(session: Session, matter: Matter, task: Task, actor: Actor) -> None:
    """Raise `Barred` when this person may not take this task in this matter (SOD-*)."""
    duty = Duty(task.role_code, task.form or "", task.step or "")
    if _is_separated(duty):
        _must_be_apart(matter_facts.of(session, matter), duty, _person(actor))


def before_handing(session: Session, matter: Matter, task: Task, user_id: int) -> None:
    """Raise `Barred` when the task may not be handed to this person (SOD-*)."""
    duty = Duty(task.role_code, task.form or "", task.step or "")
    if not _is_separated(duty):
        return
    units = session.scalars(
        select(Post.organisation_id)
        .join(Appointment, Appointment.post_id == Post.id)
        .where(Appointment.user_id == user_id, Appointment.ends_on.is_(None))
    )
    name = session.scalar(select(User.name).where(User.id == user_id)) or ""
    _must_be_apart(matter_facts.of(session, matter), duty, Person(user_id, name, frozenset(units)))


def _with_trail(session: Session, matter: Matter, known: Facts) -> Facts:
    broken = audit.verify(session, audit.matter_stream(matter.id))
    if broken is None:
        return known
    return Facts(**{**known.__dict__, "trail_break": broken.reason})


def _is_separated(duty: Duty) -> bool:
    return duty.role in separation.ROLES or duty.form in separation.FORMS


def _person(actor: Actor) -> Person:
    return Person(actor.user_id, actor.name, frozenset(held.organisation_id for held in actor.appointments))


def _must_be_apart(known: Facts, duty: Duty, person: Person) -> None:
    if found := collect(separation.barred(known, duty, person)):
        raise Barred.of(found)


def _ask(guard: guards.Guard | None, known: Facts) -> None:
    if guard is None:
        return
    found: Found = guard(known)
    if refusals := collect(found):
        raise Refused.of(refusals)
