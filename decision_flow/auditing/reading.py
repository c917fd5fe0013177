"""Reading the trail: by filters, page by page without counting, and one event with its place in the chain."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, literal, select, tuple_
from sqlalchemy.orm import Session, joinedload

from decision_flow.actors import Actor
from decision_flow.auditing import access
from decision_flow.db import UTCDateTime
from decision_flow.errors import N_, NotFound
from decision_flow.models import Appointment, AuditEvent, Document, Matter, Post, Task, TrailMention, User
from decision_flow.trail_filters import Filters, indexed, is_digest, looked_up, spoken

PER_PAGE = 50
# How many events one page looks through for words, which no index knows: first near by, then a fraction of a second.
NEAR, LOOKED_THROUGH = 2_000, 60_000


@dataclass(frozen=True)
class Line:
    """One event as it is told: the row, what was hashed, and the names of its matter and task."""

    id: int
    stream: str
    seq: int
    at: datetime
    event: str
    result: str
    actor_id: int | None
    actor: str
    matter_id: int | None
    task_id: int | None
    prev_hash: str
    hash: str
    sm3: str
    canonical: str
    told: Mapping[str, Any]
    number: str
    title: str
    task: str
    task_en: str
    form: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was done."""
        found: Mapping[str, Any] = self.told["facts"]
        return found


@dataclass(frozen=True)
class Page:
    """Events in order; `further` is the cursor of the next page, "" at the end.

    `looked_to` is the moment up to which words were looked for, when the page ends there and not with the trail.
    """

    lines: tuple[Line, ...]
    further: str
    looked_to: datetime | None = None


@dataclass(frozen=True)
class Copy:
    """A paper where it lies."""

    document: Document
    matter: Matter


_LINE = (
    select(
        AuditEvent.id, AuditEvent.stream, AuditEvent.seq, AuditEvent.at, AuditEvent.event, AuditEvent.result,
        AuditEvent.actor_id, AuditEvent.actor, AuditEvent.matter_id, AuditEvent.task_id, AuditEvent.prev_hash,
        AuditEvent.hash, AuditEvent.sm3, AuditEvent.canonical, Matter.number, Matter.title, Task.name, Task.name_en,
        Task.form,
    )
    .outerjoin(Matter, Matter.id == AuditEvent.matter_id)
    .outerjoin(Task, Task.id == AuditEvent.task_id)
)  # fmt: skip


def search(session: Session, actor: Actor, filters: Filters, cursor: str = "", *, oldest_first: bool = False) -> Page:
    """Return one page of the events that the actor may read, from `cursor` on; the newest first unless told.

    A cursor that is none is taken for the beginning. Raises `NotPermitted`.
    """
    filters = looked_up(session, replace(filters, organ_ids=access.bounds(session, actor)))
    found_by, moment, number = _found_by(filters)
    place = tuple_(moment, number)
    order = (moment, number) if oldest_first else (moment.desc(), number.desc())
    beside = _without(filters) if found_by else filters
    further = (
        [place > _literal(after) if oldest_first else place < _literal(after)] if (after := _place(cursor)) else []
    )
    conditions = [*found_by, *further, *indexed(beside, moment)]
    # How far that is, an index alone tells, if the readings in between count as well.
    passed = [*found_by, *further, *indexed(replace(beside, reads=True), moment)]
    limit = None
    rows: Sequence[Any] = ()
    # What is common is found near by; further away is only looked when it was not.
    for reach in (NEAR, LOOKED_THROUGH) if filters.words else (0,):
        within = []
        if reach:
            far = select(moment, number).select_from(AuditEvent).where(*passed).order_by(*order)
            limit = session.execute(far.offset(reach - 1).limit(1)).one_or_none()
            if limit is not None:
                last = _literal((limit[0], limit[1]))
                within.append(place <= last if oldest_first else place >= last)
        wanted = _LINE.where(*conditions, *within, *spoken(filters)).order_by(*order).limit(PER_PAGE + 1)
        rows = session.execute(wanted).all()
        if len(rows) > PER_PAGE or limit is None:
            break
    lines = _named(session, tuple(_line(row) for row in rows[:PER_PAGE]))
    if len(rows) > PER_PAGE:
        return Page(lines, _cursor(lines[-1].at, lines[-1].id))
    if limit is not None:
        return Page(lines, _cursor(limit[0], limit[1]), limit[0])
    return Page(lines, "")


def _found_by(filters: Filters) -> tuple[list[ColumnElement[bool]], Any, Any]:
    """Return the conditions of the one mention that is asked for, and the columns of the order.

    Mentions of one value lie in the order of time: whoever goes by them reads no more than the page.
    """
    digest = filters.document.strip()
    if value := filters.rule or (digest if is_digest(digest) else ""):
        conditions = [TrailMention.event_id == AuditEvent.id, TrailMention.value == value]
        return conditions, TrailMention.at, TrailMention.event_id
    return [], AuditEvent.at, AuditEvent.id


def _without(filters: Filters) -> Filters:
    """Return the filters without the mention that the page goes by."""
    return replace(filters, rule="") if filters.rule else replace(filters, document="")


def event(session: Session, actor: Actor, event_id: int) -> Line:
    """Return one event. Raises `NotFound` for one that the actor may not read."""
    bounded = indexed(Filters(organ_ids=access.bounds(session, actor)))
    row = session.execute(_LINE.where(AuditEvent.id == event_id, *bounded)).one_or_none()
    if row is None:
        raise NotFound(N_("没有这条记录，或者不在您的监督范围内。"))
    return _line(row)


@dataclass(frozen=True)
class Change:
    """One value before and after; both as they were recorded."""

    name: str
    before: Any
    after: Any


def changes(session: Session, line: Line) -> tuple[Change, ...]:
    """Return what an event changed: the fields it names itself, or the answers since the form was last completed."""
    before, after = line.facts.get("before"), line.facts.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return tuple(Change(name, before.get(name), value) for name, value in after.items())
    answers = line.facts.get("answers")
    if not isinstance(answers, Mapping):
        return ()
    found = []
    for key, values in answers.items():
        earlier = _answered(session, line, key)
        if earlier is None or not isinstance(values, Mapping):
            continue
        names = [*values, *(name for name in earlier if name not in values)]
        found += [
            Change(name, earlier.get(name), values.get(name)) for name in names if earlier.get(name) != values.get(name)
        ]
    return tuple(found)


def neighbours(session: Session, line: Line) -> tuple[int | None, int | None]:
    """Return the ids of the events before and after in the stream."""
    rows = session.execute(
        select(AuditEvent.seq, AuditEvent.id).where(
            AuditEvent.stream == line.stream, AuditEvent.seq.in_((line.seq - 1, line.seq + 1))
        )
    )
    found = {row.seq: row.id for row in rows}
    return found.get(line.seq - 1), found.get(line.seq + 1)


def person(session: Session, actor: Actor, user_id: int) -> User:
    """Return a person whose acts may be followed. Raises `NotFound`."""
    access.bounds(session, actor)
    found = session.get(User, user_id)
    if found is None:
        raise NotFound(N_("没有这个人员。"))
    return found


def posts(session: Session, user_id: int) -> tuple[Appointment, ...]:
    """Return every post that a person ever held, the first first."""
    query = select(Appointment).where(Appointment.user_id == user_id).order_by(Appointment.starts_on, Appointment.id)
    return tuple(session.scalars(query.options(joinedload(Appointment.post).joinedload(Post.organisation))))


def copies(session: Session, actor: Actor, sha256: str) -> tuple[Copy, ...]:
    """Return the papers with this digest in the matters that the actor may read. Raises `NotFound` without one."""
    within = access.bounds(session, actor)
    query = (
        select(Document, Matter)
        .join(Matter, Matter.id == Document.matter_id)
        .where(Document.sha256 == sha256, *([] if within is None else [Matter.organ_id.in_(within)]))
        .order_by(Document.id)
    )
    found = tuple(Copy(document, matter) for document, matter in session.execute(query))
    if not found:
        raise NotFound(N_("没有这份材料，或者不在您的监督范围内。"))
    return found


def _answered(session: Session, line: Line, key: str) -> Mapping[str, Any] | None:
    """Return what the form was answered the time before in the same matter and for the same task, if it was."""
    rows = session.execute(
        select(AuditEvent.canonical)
        .join(Task, Task.id == AuditEvent.task_id)
        .where(
            AuditEvent.stream == line.stream, AuditEvent.seq < line.seq, AuditEvent.event == line.event,
            Task.form == line.form,
        )
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    ).all()  # fmt: skip
    earlier = json.loads(rows[0].canonical)["facts"].get("answers", {}).get(key) if rows else None
    return earlier if isinstance(earlier, Mapping) else None


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    return Line(
        row.id, row.stream, row.seq, row.at, row.event, row.result, row.actor_id, row.actor, row.matter_id, row.task_id,
        row.prev_hash, row.hash, row.sm3, row.canonical, json.loads(row.canonical), row.number or "", row.title or "",
        row.name or "", row.name_en or "", row.form or "",
    )  # fmt: skip


def _named(session: Session, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines, those of a stream beside that of a matter with the matter they belong to."""
    beside = {line.stream: int(line.stream.split(":")[1]) for line in lines if _lies_beside(line)}
    if not beside:
        return lines
    rows = session.execute(select(Matter.id, Matter.number, Matter.title).where(Matter.id.in_(beside.values())))
    known = {row.id: row for row in rows}
    return tuple(
        replace(line, matter_id=found.id, number=found.number, title=found.title)
        if (found := known.get(beside.get(line.stream, 0)))
        else line
        for line in lines
    )


def _lies_beside(line: Line) -> bool:
    return line.matter_id is None and line.stream.startswith("ledger:")


def _cursor(at: datetime, event_id: int) -> str:
    return f"{at.isoformat(timespec='microseconds')}~{event_id}"


def _place(cursor: str) -> tuple[datetime, int] | None:
    at, _, event_id = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, int(event_id)) if moment.tzinfo and event_id.isdecimal() and len(event_id) < 19 else None


def _literal(place: tuple[datetime, int]) -> Any:
    return tuple_(literal(place[0], UTCDateTime), literal(place[1]))
