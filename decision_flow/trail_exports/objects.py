"""The trail as an object-centric event log: OCEL 2.0 in its JSON form, written one event and one object at a time.

Objects are matters, tasks, people with their posts, documents, and the streams that number the events. An object's
attributes change at the time of the act that changed them. See docs/trail-format.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.audit import EventName
from decision_flow.db import streamed
from decision_flow.models import Appointment, AuditEvent, Document, Matter, Organisation, Post, Task, User
from decision_flow.number_sets import NumberSet
from decision_flow.trail_exports.selection import BATCH, Filters, Tick, chosen, silent, stored

EVENT_ATTRIBUTES = ("stream", "result", "actor", "on_behalf_of", "reason", "rules", "facts", "hash")
OBJECT_TYPES = {
    "matter": ("number", "title", "status"),
    "task": ("name", "element", "state"),
    "person": ("name",),
    "post": ("title", "unit", "role"),
    "document": ("name", "sha256", "media_type", "filed"),
    "stream": (),
}
STATUS = {
    EventName.MATTER_REGISTERED: "RUNNING", EventName.MATTER_SUSPENDED: "SUSPENDED",
    EventName.MATTER_RESUMED: "RUNNING", EventName.MATTER_FINISHED: "COMPLETED",
    EventName.MATTER_CANCELLED: "CANCELLED",
}  # fmt: skip
# What is told of an object without a moment of its own holds from the beginning.
ALWAYS = "1970-01-01T00:00:00+00:00"
Changes = Iterable[tuple[str, Any, datetime | None]]
# Of each account the posts it held: from, to, id, and the post in the words that an actor's display begins with.
Held = dict[int, list[tuple[date, date | None, int, str]]]


def to_ocel(session: Session, filters: Filters, target: Path, tick: Tick = silent) -> int:
    """Write the events with the objects they concern; return how many events."""
    kinds = session.scalars(chosen(select(AuditEvent.event), filters).distinct()).all()
    seen = {kind: NumberSet() for kind in OBJECT_TYPES}
    held = _held(session)
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        out.write('{"objectTypes":' + _json([_type(name, names) for name, names in OBJECT_TYPES.items()]))
        event_types = [_type(kind, EVENT_ATTRIBUTES, seq="integer") for kind in sorted(kinds)]
        out.write(',\n"eventTypes":' + _json(event_types) + ',\n"events":[')
        for count, row in enumerate(stored(session, filters), 1):
            out.write(("\n" if count == 1 else ",\n") + _json(_event(json.loads(row.canonical), row.hash, seen, held)))
            if count % BATCH == 0:
                tick(count)
        out.write('],\n"objects":[')
        _objects(out, session, filters, seen)
        out.write("]}\n")
    return count


def _held(session: Session) -> Held:
    found: Held = {}
    query = (
        select(Appointment.user_id, Appointment.starts_on, Appointment.ends_on, Post.id, Organisation.name, Post.title)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .order_by(Appointment.id)
    )
    for user_id, first, last, post_id, unit, title in session.execute(query):
        found.setdefault(user_id, []).append((first, last, post_id, f"{unit}·{title}·"))
    return found


def _post_of(told: dict[str, Any], held: Held) -> int | None:
    """The post in which the actor acted: the one held on that day that the display names."""
    day = clock.local_date(datetime.fromisoformat(told["at"]))
    posts = [one for one in held.get(told["actor"]["id"], ()) if one[0] <= day and (one[1] is None or day <= one[1])]
    return next((post_id for *_, post_id, words in posts if told["actor"]["display"].startswith(words)), None)


def _event(told: dict[str, Any], digest: str, seen: dict[str, NumberSet], held: Held) -> dict[str, Any]:
    facts = told["facts"]
    values = {
        "stream": told["stream"], "seq": told["seq"], "result": told["result"], "actor": told["actor"]["display"],
        "on_behalf_of": told.get("on_behalf_of", ""), "reason": told.get("reason", ""),
        "rules": " ".join(told["rules"]), "facts": json.dumps(facts, ensure_ascii=False), "hash": digest,
    }  # fmt: skip
    concerned = [("stream", told["stream"])]
    parties = (("matter", told["matter"]), ("task", told["task"]), ("person", told["actor"]["id"]))
    for kind, number in (*parties, ("post", _post_of(told, held)), ("document", facts.get("document"))):
        if isinstance(number, int):
            seen[kind].add(number)
            concerned.append((kind, number))
    qualifiers = {"person": "actor", "post": "acting as"}
    return {
        "id": f"{told['stream']}/{told['seq']}",
        "type": told["event"],
        "time": told["at"],
        "attributes": [{"name": name, "value": value} for name, value in values.items()],
        "relationships": [
            {"objectId": f"{kind}:{name}", "qualifier": qualifiers.get(kind, kind)} for kind, name in concerned
        ],
    }


def _objects(out: TextIO, session: Session, filters: Filters, seen: dict[str, NumberSet]) -> None:
    first = True
    readers = (_streams, _documents, _tasks, _people, _posts, _matters)
    for reader in readers:
        for found in reader(session, filters, seen):
            out.write(("\n" if first else ",\n") + _json(found))
            first = False


def _object(kind: str, number: Any, changes: Changes, related: Iterable[tuple[str, Any, str]] = ()) -> dict[str, Any]:
    return {
        "id": f"{kind}:{number}",
        "type": kind,
        "attributes": [
            {"name": name, "time": at.isoformat() if at else ALWAYS, "value": value} for name, value, at in changes
        ],
        "relationships": [
            {"objectId": f"{other}:{key}", "qualifier": qualifier} for other, key, qualifier in related if key
        ],
    }


def _streams(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    names = session.scalars(chosen(select(AuditEvent.stream), filters).distinct())
    for name in names.yield_per(BATCH):
        yield _object("stream", name, ())


def _documents(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    columns = (
        Document.id, Document.name, Document.sha256, Document.media_type, Document.uploaded_at, Document.filed_at,
        Document.matter_id, Document.uploaded_by_id,
    )  # fmt: skip
    query = select(*columns).order_by(Document.id)
    if filters.matter_id is not None:
        query = query.where(Document.matter_id == filters.matter_id)
    for row in streamed(session, query):
        if row.id in seen["document"]:
            seen["person"].add(row.uploaded_by_id)
            if row.matter_id:
                seen["matter"].add(row.matter_id)
            changes = [("name", row.name, None), ("sha256", row.sha256, None), ("media_type", row.media_type, None)]
            filed = [("filed", "no", row.uploaded_at)] + ([("filed", "yes", row.filed_at)] if row.filed_at else [])
            related = (("matter", row.matter_id, "of"), ("person", row.uploaded_by_id, "uploaded by"))
            yield _object("document", row.id, [*changes, *filed], related)


def _tasks(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    columns = (
        Task.id, Task.name, Task.element_id, Task.matter_id, Task.state, Task.received_at, Task.claimed_at,
        Task.completed_at, Task.completed_by_id,
    )  # fmt: skip
    query = select(*columns).order_by(Task.id)
    if filters.matter_id is not None:
        query = query.where(Task.matter_id == filters.matter_id)
    for row in streamed(session, query):
        if row.id in seen["task"]:
            seen["matter"].add(row.matter_id)
            moments = (("OPEN", row.received_at), ("CLAIMED", row.claimed_at), ("COMPLETED", row.completed_at))
            states = [("state", state, at) for state, at in moments if at]
            names = [("name", row.name, None), ("element", row.element_id, None)]
            if row.completed_by_id:
                seen["person"].add(row.completed_by_id)
            related = (("matter", row.matter_id, "of"), ("person", row.completed_by_id, "completed by"))
            yield _object("task", row.id, [*names, *states], related)


def _people(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    held: dict[int, list[int]] = {}
    for user_id, post_id in session.execute(select(Appointment.user_id, Appointment.post_id)):
        held.setdefault(user_id, []).append(post_id)
    for user_id, name in session.execute(select(User.id, User.name).order_by(User.id)):
        if user_id in seen["person"]:
            # Only posts in which somebody acted: an object without an event is none to readers of such logs.
            posts = sorted(post for post in set(held.get(user_id, ())) if post in seen["post"])
            yield _object("person", user_id, [("name", name, None)], [("post", post, "holds") for post in posts])


def _posts(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    query = select(Post.id, Post.title, Organisation.name, Post.role_code).join(Post.organisation).order_by(Post.id)
    for post_id, title, unit, role in session.execute(query):
        if post_id in seen["post"]:
            yield _object("post", post_id, [("title", title, None), ("unit", unit, None), ("role", role, None)])


def _matters(session: Session, filters: Filters, seen: dict[str, NumberSet]) -> Iterator[dict[str, Any]]:
    changes = streamed(
        session,
        select(AuditEvent.matter_id, AuditEvent.event, AuditEvent.at)
        .where(AuditEvent.event.in_([str(event.value) for event in STATUS]), AuditEvent.result == "ok")
        .order_by(AuditEvent.matter_id, AuditEvent.id),
    )
    change = next(changes, None)
    query = select(Matter.id, Matter.number, Matter.title, Matter.registered_at, Matter.decision_id)
    for row in streamed(session, query.order_by(Matter.id)):
        told: list[tuple[str, Any, datetime | None]] = [("number", row.number, None), ("title", row.title, None)]
        while change is not None and (change.matter_id or 0) <= row.id:
            if change.matter_id == row.id:
                told.append(("status", STATUS[EventName(change.event)], change.at))
            change = next(changes, None)
        if row.id in seen["matter"]:
            follows = row.decision_id if row.decision_id and row.decision_id in seen["matter"] else None
            related = (("matter", follows, "follows from"),)
            yield _object("matter", row.id, told, related)


def _type(name: str, attributes: Iterable[str], **others: str) -> dict[str, Any]:
    kinds = [{"name": one, "type": "string"} for one in attributes]
    return {"name": name, "attributes": kinds + [{"name": one, "type": kind} for one, kind in others.items()]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
