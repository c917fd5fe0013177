"""The facts of a matter as its file shows them: read in two statements, and once in a transaction.

What was read serves the same transaction again, until it writes something the facts rest on: then it is read anew.
Every way of writing is seen (`db.on_write`), so nobody has to remember to say so. What the matter's own row says is
taken from the row itself, which is held under its lock; so is the one task whose completion is being judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Update, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from decision_flow import audit, policy_versions
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.db import Sent, on_write
from decision_flow.guards.facts import Facts, Filed, Text
from decision_flow.models import (
    AuditEvent,
    DraftVersion,
    ExceptionRecord,
    ExceptionState,
    Matter,
    MatterStatus,
    Opinion,
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
MINUTES = "F-15"
# What was read rests on these; where columns are named, an update of others changes no fact.
RESTS_ON: Mapping[type[Any], frozenset[str]] = {
    Task: frozenset(
        {"matter_id", "state", "form", "submission", "completed_by_id", "completed_as", "completed_at", "role_code",
         "organisation_id"}
    ),
    Matter: frozenset({"decision_id", "relation", "procedure_version_id"}),
    User: frozenset({"name"}),
    AuditEvent: frozenset(),
    DraftVersion: frozenset(),
    ExceptionRecord: frozenset(),
    Opinion: frozenset(),
    StaleStep: frozenset(),
    Procedure: frozenset(),
    ProcedureVersion: frozenset(),
}  # fmt: skip
_COLUMNS = {model.__tablename__: columns for model, columns in RESTS_ON.items()}


def of(session: Session, matter: Matter, *, kind: str = "") -> Facts:
    """Return what the file of `matter` shows. `kind` overrules what the procedure is called."""
    if session.info.get("read_only"):
        return _facts(session, matter, _read(session, matter), None, kind)
    known = _known(session)
    if known.read and _is_pending(session, matter, known.own):
        session.flush()
    read = known.read.get(matter.id)
    if read is None or read.draft_version != matter.draft_version:
        # Reading writes first what waits to be written, and that may drop what is known.
        read = _read(session, matter)
        known.read[matter.id] = read
    return _facts(session, matter, read, known.own, kind)


def completing(session: Session, task: Task, actor: Actor) -> None:
    """Say which task is being completed and by whom: it counts as filed as soon as its row says so."""
    known = _known(session)
    known.read.pop(task.matter_id, None)
    known.own = _Own(task, actor.name)


@dataclass(frozen=True)
class _Read:
    """What two statements said of one matter."""

    draft_version: int
    filed: Sequence[Row[Any]]
    told: Row[Any]


@dataclass(frozen=True)
class _Own:
    """The task that this transaction completes, and the name of whoever does."""

    task: Task
    name: str


@dataclass
class _Known:
    """What one transaction has read, by matter."""

    read: dict[int, _Read] = field(default_factory=dict)
    own: _Own | None = None

    def note(self, statement: Sent, rows: Sequence[Mapping[str, Any]]) -> None:
        """Drop what was read when something is written that it rests on."""
        if self.read and _changes_facts(statement, rows, self.own):
            self.read.clear()


def _known(session: Session) -> _Known:
    """Return what this transaction knows; what an earlier one of the session knew is forgotten."""
    transaction = session.get_transaction() or session.begin()
    kept = session.info.get("facts")
    if kept is None or kept[0] is not transaction:
        kept = session.info["facts"] = (transaction, _Known())
        on_write(session, kept[1].note)
    known: _Known = kept[1]
    return known


def _changes_facts(statement: Sent, rows: Sequence[Mapping[str, Any]], own: _Own | None) -> bool:
    """Whether sending `statement` changes facts; in doubt it does."""
    if statement is None:
        return True
    table = getattr(statement, "table", None)
    if table is None:
        return any(name in str(statement) for name in _COLUMNS)
    columns = _COLUMNS.get(table.name)
    if columns is None:
        return False
    if not rows:
        return True
    if table.name == AuditEvent.__tablename__:
        return any(row.get("event") in (None, EventName.ARCHIVE_FILED) for row in rows)
    if isinstance(statement, Update):
        return any(_touches(row, columns) and not _is_own(table.name, row, own) for row in rows)
    # A task that has just been opened is filed nowhere.
    return not (table.name == Task.__tablename__ and all(row.get("state") == TaskState.OPEN for row in rows))


def _touches(row: Mapping[str, Any], columns: Iterable[str]) -> bool:
    return not columns or not row.keys().isdisjoint(columns)


def _is_own(table: str, row: Mapping[str, Any], own: _Own | None) -> bool:
    """Whether an update is of the very task whose row is read live; the unit of work names the key so."""
    return own is not None and table == Task.__tablename__ and row.get("task_id") == own.task.id


def _is_pending(session: Session, matter: Matter, own: _Own | None) -> bool:
    """Whether anything waits in the session to be written that the facts rest on and that is not read live."""
    models = tuple(RESTS_ON)
    if any(isinstance(one, models) for one in (*session.new, *session.deleted)):
        return True
    live = (matter, own.task if own is not None else None)
    return any(isinstance(one, models) and one not in live and session.is_modified(one) for one in session.dirty)


def _read(session: Session, matter: Matter) -> _Read:
    filed = session.execute(_FILED, {"matter_id": matter.id}).all()
    told = session.execute(_ASIDE, {"matter_id": matter.id, "number": matter.draft_version}).one()
    return _Read(matter.draft_version, filed, told)


def _facts(session: Session, matter: Matter, read: _Read, own: _Own | None, kind: str) -> Facts:
    filed = [
        Filed(row.form or "", row.submission or {}, row.completed_by_id, row.completed_as, row.role_code,
              row.organisation_id, row.completed_at, row.id)
        for row in read.filed
    ]  # fmt: skip
    names = {row.completed_by_id: row.name for row in read.filed if row.form == MINUTES and row.name}
    if own is not None and own.task.matter_id == matter.id and _counts(own.task, filed):
        filed.append(_filed(own.task))
        if own.task.form == MINUTES and own.task.completed_by_id is not None:
            names[own.task.completed_by_id] = own.name
    told = read.told
    marked = any(one.form in MARKS for one in filed)
    found = KINDS.get(told.key, "major" if marked else "other")
    if found == "three_major" and marked:
        found = "major"
    return Facts(
        kind=kind or found,
        relation=matter.relation,
        category=matter.category,
        filed=tuple(filed),
        text=None
        if told.number is None
        else Text(told.number, told.sha256 or "", told.conclusion or "", told.frozen_at),
        stale=tuple((told.stale or "").split()),
        pending=told.pending,
        undertaking_unit=matter.undertaking_unit_id,
        implementing_unit=matter.implementing_unit_id,
        decided=matter.decided_at is not None,
        published=matter.published_at is not None,
        archived=told.archived or _archives(session, matter),
        adjusted=told.adjusted,
        withdrawn=matter.status == MatterStatus.CANCELLED,
        approved=frozenset((told.approved or "").split()),
        names=names,
        settings=policy_versions.of_matter(session, matter),
    )


def _archives(session: Session, matter: Matter) -> bool:
    """Whether the archiving of `matter` waits to be written to the trail."""
    return any(
        row["event"] == EventName.ARCHIVE_FILED and row["matter_id"] == matter.id for row in audit.unwritten(session)
    )


def _counts(task: Task, filed: Iterable[Filed]) -> bool:
    done = task.state == TaskState.COMPLETED and task.submission is not None
    return done and all(one.task != task.id for one in filed)


def _filed(task: Task) -> Filed:
    return Filed(
        task.form or "", task.submission, task.completed_by_id, task.completed_as, task.role_code,
        task.organisation_id, task.completed_at, task.id,
    )  # fmt: skip


_FILED = (
    select(
        Task.id, Task.form, Task.submission, Task.completed_by_id, Task.completed_as, Task.role_code,
        Task.organisation_id, Task.completed_at, User.name,
    )
    .outerjoin(User, User.id == Task.completed_by_id)
    .where(Task.matter_id == bindparam("matter_id"), Task.state == TaskState.COMPLETED, Task.submission.is_not(None))
    .order_by(Task.completed_at, Task.id)
)  # fmt: skip


def _aside() -> Any:
    """Return the statement for what else the guards ask: one row, whatever there is."""
    linked = aliased(Matter)
    pending = (
        select(func.count()).where(Opinion.matter_id == Matter.id, Opinion.disposition.is_(None)).scalar_subquery()
    )
    stale = select(func.aggregate_strings(StaleStep.step, " ")).where(
        StaleStep.matter_id == Matter.id, StaleStep.settled.is_(None)
    )
    later = aliased(ExceptionRecord)
    # What was asked for again is no longer approved until that is decided.
    asked_again = exists().where(
        later.matter_id == ExceptionRecord.matter_id, later.rule == ExceptionRecord.rule,
        later.subject == ExceptionRecord.subject, later.id > ExceptionRecord.id,
        later.state.in_((ExceptionState.ASKED, ExceptionState.REFUSED)),
    )  # fmt: skip
    approved = select(func.aggregate_strings(ExceptionRecord.rule, " ")).where(
        ExceptionRecord.matter_id == Matter.id, ExceptionRecord.state == ExceptionState.APPROVED, ~asked_again
    )
    archived = exists().where(AuditEvent.matter_id == Matter.id, AuditEvent.event == EventName.ARCHIVE_FILED.value)
    adjusted = exists().where(linked.decision_id == Matter.id, linked.relation.in_(("adjustment", "adjusts")))
    return (
        select(
            Procedure.key, DraftVersion.number, DraftVersion.sha256, DraftVersion.conclusion, DraftVersion.frozen_at,
            pending.label("pending"), archived.label("archived"), adjusted.label("adjusted"),
            stale.scalar_subquery().label("stale"), approved.scalar_subquery().label("approved"),
        )
        .select_from(Matter)
        .join(ProcedureVersion, ProcedureVersion.id == Matter.procedure_version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .outerjoin(
            DraftVersion, (DraftVersion.matter_id == Matter.id) & (DraftVersion.number == bindparam("number"))
        )
        .where(Matter.id == bindparam("matter_id"))
    )  # fmt: skip


_ASIDE = _aside()
