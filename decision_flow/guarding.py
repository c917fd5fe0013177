"""The guards at work: the facts of a matter read from the database, and asked where an act would take effect.

Called under the matter's lock by whoever completes a task, carries out an effect or ends a matter, so page,
interface, worker and import meet the same rules. For an act that no rule speaks of, nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from decision_flow import audit, guards
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.errors import Barred, Refused
from decision_flow.guards import separation
from decision_flow.guards.facts import Facts, Filed, Text
from decision_flow.guards.said import Found, collect
from decision_flow.guards.separation import Duty, Person
from decision_flow.models import (
    Appointment,
    AuditEvent,
    DraftVersion,
    ExceptionRecord,
    ExceptionState,
    Matter,
    MatterStatus,
    Opinion,
    Post,
    Procedure,
    ProcedureVersion,
    StaleStep,
    Task,
    TaskState,
    User,
)

KINDS = {
    "major_decision": "major",
    "decision_adjustment": "adjustment",
    "post_evaluation": "evaluation",
    "three_major_one_large": "three_major",
    "archiving": "archive",
}
# A matter with one of these in its file is a major decision, whatever its procedure is called.
MARKS = frozenset({"F-01", "F-03", "F-06", "F-13c", "F-18"})
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
    known = facts(session, matter)
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
    known = facts(session, matter)
    if known.kind in ("three_major", "other") and name in DECIDING:
        known = facts(session, matter, kind="major")
    if name == "archive_part":
        known = _with_trail(session, matter, known)
    _ask(guards.EFFECTS[name][1], known)


def before_finish(session: Session, matter: Matter) -> None:
    """Raise `Refused` when a matter would end with a duty open, at whichever end of whichever diagram."""
    _ask(guards.FINISH[1], facts(session, matter))


def before_taking(session: Session, matter: Matter, task: Task, actor: Actor) -> None:
    """Raise `Barred` when this person may not take this task in this matter (SOD-*)."""
    duty = Duty(task.role_code, task.form or "", task.step or "")
    if _is_separated(duty):
        _must_be_apart(facts(session, matter), duty, _person(actor))


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
    _must_be_apart(facts(session, matter), duty, Person(user_id, name, frozenset(units)))


def facts(session: Session, matter: Matter, *, kind: str = "") -> Facts:
    """Return what the file of `matter` shows, in four statements. `kind` overrules what the procedure is called."""
    session.flush()
    rows = session.execute(_FILED.where(Task.matter_id == matter.id)).all()
    filed = tuple(
        Filed(row.form or "", row.submission or {}, row.completed_by_id, row.completed_as, row.role_code,
              row.organisation_id, row.completed_at, row.id)
        for row in rows
    )  # fmt: skip
    told = session.execute(_aside(matter)).one()
    text = Text(told.number, told.sha256 or "", told.conclusion or "") if told.number is not None else None
    clerks = {one.by for one in filed if one.form == "F-15" and one.by is not None}
    people = session.execute(select(User.id, User.name).where(User.id.in_(clerks))) if clerks else ()
    names = {row[0]: row[1] for row in people}
    stale = session.scalars(select(StaleStep.step).where(StaleStep.matter_id == matter.id, StaleStep.settled.is_(None)))
    approved = session.scalars(
        select(ExceptionRecord.rule).where(
            ExceptionRecord.matter_id == matter.id, ExceptionRecord.state == ExceptionState.APPROVED
        )
    )
    marked = any(one.form in MARKS for one in filed)
    found = KINDS.get(told.key, "major" if marked else "other")
    if found == "three_major" and marked:
        found = "major"
    return Facts(
        kind=kind or found,
        relation=matter.relation,
        category=matter.category,
        filed=filed,
        text=text,
        stale=tuple(stale),
        pending=told.pending,
        undertaking_unit=matter.undertaking_unit_id,
        implementing_unit=matter.implementing_unit_id,
        decided=matter.decided_at is not None,
        published=matter.published_at is not None,
        archived=told.archived,
        adjusted=told.adjusted,
        withdrawn=matter.status == MatterStatus.CANCELLED,
        approved=frozenset(approved),
        names=names,
    )


_FILED = (
    select(
        Task.id, Task.form, Task.submission, Task.completed_by_id, Task.completed_as, Task.role_code,
        Task.organisation_id, Task.completed_at,
    )
    .where(Task.state == TaskState.COMPLETED, Task.submission.is_not(None))
    .order_by(Task.completed_at, Task.id)
)  # fmt: skip


def _aside(matter: Matter) -> Any:
    """Return the statement for what else the guards ask: one row, whatever there is."""
    pending = (
        select(func.count())
        .select_from(Opinion)
        .where(Opinion.matter_id == matter.id, Opinion.disposition.is_(None))
        .scalar_subquery()
    )
    archived = exists().where(AuditEvent.matter_id == matter.id, AuditEvent.event == EventName.ARCHIVE_FILED.value)
    linked = aliased(Matter)
    adjusted = exists().where(linked.decision_id == matter.id, linked.relation.in_(("adjustment", "adjusts")))
    return (
        select(
            Procedure.key, DraftVersion.number, DraftVersion.sha256, DraftVersion.conclusion,
            pending.label("pending"), archived.label("archived"), adjusted.label("adjusted"),
        )
        .select_from(ProcedureVersion)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .outerjoin(
            DraftVersion, (DraftVersion.matter_id == matter.id) & (DraftVersion.number == matter.draft_version)
        )
        .where(ProcedureVersion.id == matter.procedure_version_id)
    )  # fmt: skip


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
