"""The guards at work: asked of the facts of a matter (`matter_facts`) where an act would take effect.

Called under the matter's lock by whoever completes a task, carries out an effect or ends a matter, so page,
interface, worker and import meet the same rules. For an act that no rule speaks of, nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from decision_flow import archiving, audit, contributors, documents, guards, matter_facts
from decision_flow.actors import Actor, actor_of
from decision_flow.errors import Barred, Refused
from decision_flow.guards import separation
from decision_flow.guards.facts import Facts, Filed
from decision_flow.guards.said import Found, collect
from decision_flow.guards.separation import Duty, Person
from decision_flow.models import Document, Matter, Task, User

# What only a major decision does; the minutes of an adjustment are recorded too.
DECIDING = frozenset({"record_decision", "record_publication", "schedule_evaluations", "freeze_draft"})

ARCHIVES = "archive_part"


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
    if _is_separated(duty):
        known = _with_hands(session, matter, duty, known)
        _must_be_apart(known, duty, _people(actor, task))
    if not guarded:
        return
    filed = Filed(form, answers, actor.user_id, actor.display, task.role_code, task.organisation_id, at, task.id)
    known = known.with_filing(filed)
    if form == "F-24":
        known = _with_file(session, matter, known, archiving.filed(session, *archiving.whose(matter)))
    _ask(guard_of(known.kind, form, step), known)


def guard_of(kind: str, form: str, step: str) -> guards.Guard | None:
    """Return the guard that a task of this form and step asks in a matter of this kind, or None."""
    if kind in ("major", "adjustment", "evaluation", "archive"):
        if form in guards.FORMS:
            return guards.FORMS[form][1]
        return guards.STEPS[step][1] if kind == "major" and step in guards.STEPS else None
    return guards.MINUTES[form][1] if form in guards.MINUTES else None


def before_effect(session: Session, matter: Matter, name: str) -> None:
    """Raise `Refused` when a guard stands against an effect that the diagram asks for.

    Handing over the file is asked of by itself (`before_archiving`).
    """
    if name not in guards.EFFECTS or name == ARCHIVES:
        return
    known = matter_facts.of(session, matter)
    if known.kind in ("three_major", "other") and name in DECIDING:
        known = matter_facts.of(session, matter, kind="major")
    _ask(guards.EFFECTS[name][1], known)


def before_archiving(session: Session, matter: Matter) -> list[Document]:
    """Raise `Refused` when a guard stands against handing over the file; return the papers that were looked at."""
    papers = archiving.filed(session, *archiving.whose(matter))
    _ask(guards.EFFECTS[ARCHIVES][1], _with_file(session, matter, matter_facts.of(session, matter), papers))
    return papers


def before_finish(session: Session, matter: Matter) -> None:
    """Raise `Refused` when a matter would end with a duty open, at whichever end of whichever diagram."""
    _ask(guards.FINISH[1], matter_facts.of(session, matter))


def before_taking(session: Session, matter: Matter, task: Task, actor: Actor) -> None:
    """Raise `Barred` when this person may not take this task in this matter (SOD-*)."""
    _hand(session, matter, task, actor)


def before_handing(session: Session, matter: Matter, task: Task, user_id: int) -> None:
    """Raise `Barred` when the task may not be handed to this person (SOD-*)."""
    _hand(session, matter, task, actor_of(session, session.get_one(User, user_id)))


def _hand(session: Session, matter: Matter, task: Task, to: Actor) -> None:
    duty = Duty(task.role_code, task.form or "", task.step or "")
    if _is_separated(duty):
        known = _with_hands(session, matter, duty, matter_facts.of(session, matter))
        _must_be_apart(known, duty, _people(to, task))


def _with_file(session: Session, matter: Matter, known: Facts, filed: Iterable[Document]) -> Facts:
    """Return the facts with what becomes of the file itself: does the trail verify, are the papers those filed."""
    broken = audit.verify(session, audit.matter_stream(matter.id))
    papers = documents.damaged(session, filed)
    return replace(
        known,
        trail_break=broken.reason if broken is not None else "",
        papers_missing=papers.missing,
        papers_changed=papers.changed,
    )


def _with_hands(session: Session, matter: Matter, duty: Duty, known: Facts) -> Facts:
    """Return the facts with what the separation of duties asks besides."""
    hands = contributors.hands(session, matter.id, separation.WORKED_ON)
    evaluates = duty.form in separation.EVALUATION_FORMS
    return replace(known, hands=hands, before=contributors.before(session, matter) if evaluates else known.before)


def _is_separated(duty: Duty) -> bool:
    return duty.role in separation.ROLES or duty.form in separation.FORMS


def _people(actor: Actor, task: Task) -> list[Person]:
    """Return who would do the task: the actor, and whoever they stand in for."""
    found = [Person(actor.user_id, actor.name, frozenset(held.organisation_id for held in actor.appointments))]
    if acting := actor.stands_in(task.pool):
        found.append(Person(acting.principal_id, acting.principal, acting.units))
    return found


def _must_be_apart(known: Facts, duty: Duty, people: Iterable[Person]) -> None:
    if found := collect(*(separation.barred(known, duty, person) for person in people)):
        raise Barred.of(found)


def _ask(guard: guards.Guard | None, known: Facts) -> None:
    if guard is None:
        return
    found: Found = guard(known)
    if refusals := collect(found):
        raise Refused.of(refusals)
