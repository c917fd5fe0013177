"""The trail (过程记录): events appended in the transaction of the act, hash-linked per stream.

An event's canonical form is JSON after RFC 8785 (JCS), so that anyone can recompute it in any language;
`hash` is the SHA-256 and `sm3` the SM3 of those bytes, and the canonical form contains `prev` and `prev_sm3`,
the two of the event before it in the stream. The first event's are 64 zeros. The whole format, for whoever
writes a verifier of their own: docs/trail-format.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.hashes import SM3, Hash
from sqlalchemy import ColumnElement, SQLColumnExpression, String, bindparam, cast, insert, literal, select, update
from sqlalchemy.orm import Session

from decision_flow import canonical_json, clock, trail_columns
from decision_flow.db import before_commit
from decision_flow.event_names import EventName as EventName
from decision_flow.models import AuditEvent, AuditStream, TrailMention
from decision_flow.prepared import Prepared
from decision_flow.write_behind import WAITS

GENESIS = "0" * 64
FORMAT = 2


class Author(Protocol):
    """Whoever acts: `display` is organisation, post and name as they are at this moment."""

    @property
    def user_id(self) -> int | None: ...
    @property
    def display(self) -> str: ...


@dataclass(frozen=True)
class SystemAuthor:
    """The product itself: timers, migrations, first set-up."""

    user_id: int | None = None
    display: str = "系统"


SYSTEM = SystemAuthor()
# Whoever writes on a public page, without an account.
PUBLIC = SystemAuthor(display="社会公众")
PEOPLE = "people"
ACCESS = "access"
CALENDAR = "calendar"
TRAIL = "trail"
OPERATIONS = "operations"


def matter_stream(matter_id: int) -> str:
    """Return the name of a matter's stream."""
    return f"matter:{matter_id}"


def matter_stream_of(matter_id: SQLColumnExpression[int]) -> ColumnElement[str]:
    """Return the SQL for the name of a matter's stream."""
    return literal("matter:") + cast(matter_id, String)


def ledger_stream_of(matter_id: SQLColumnExpression[int]) -> ColumnElement[str]:
    """Return the SQL for the name of the stream of a matter's opinions."""
    return literal("ledger:") + cast(matter_id, String)


def ledger_stream(matter_id: int) -> str:
    """Return the name of the stream of a matter's opinions: the public's comments do not hold up its tasks."""
    return f"ledger:{matter_id}"


def reading_stream(matter_id: int) -> str:
    """Return the name of the stream of who read a matter's files: readers do not hold up its tasks."""
    return f"reading:{matter_id}"


def desk_stream(user_id: int) -> str:
    """Return the name of the stream of what one person read of the trail: readers do not wait for each other."""
    return f"desk:{user_id}"


def streams_of(matter_id: int) -> tuple[str, str, str]:
    """Return the names of all streams of a matter."""
    return matter_stream(matter_id), ledger_stream(matter_id), reading_stream(matter_id)


def procedure_stream(key: str) -> str:
    """Return the name of a procedure's stream."""
    return f"procedure:{key}"


def append(
    session: Session,
    stream: str,
    event: EventName,
    *,
    actor: Author,
    facts: Mapping[str, Any] | None = None,
    matter_id: int | None = None,
    task_id: int | None = None,
    result: str = "ok",
    rules: Iterable[str] = (),
    at: datetime | None = None,
    on_behalf_of: str = "",
    reason: str = "",
) -> str:
    """Add one event to `stream` and return its hash; it stands or falls with the caller's transaction.

    `facts` must be JSON values; integers beyond 2**53 and floats that JSON cannot hold are refused by
    the canonical form. `at` defaults to the present; it is stored to the microsecond in UTC. `on_behalf_of`
    is the display of whoever the actor stands in for (`stand_in` says it for a whole transaction), `reason` the
    words given for the act: those among the facts, unless they are given.
    """
    head = _head(session, stream)
    moment, rules, facts = at or clock.now(), list(rules), dict(facts or {})
    on_behalf_of = on_behalf_of or stood_in_for(session, actor)
    if not reason and result == "ok" and isinstance(said := facts.get("reason"), str):
        reason = said
    canonical = canonical_json.dumps(
        {
            "format": FORMAT,
            "stream": stream,
            "seq": head.seq + 1,
            "at": moment.isoformat(timespec="microseconds"),
            "event": event.value,
            "result": result,
            "actor": {"id": actor.user_id, "display": actor.display},
            "matter": matter_id,
            "task": task_id,
            "rules": rules,
            "on_behalf_of": on_behalf_of,
            "reason": reason,
            "facts": facts,
            "prev": head.head,
            "prev_sm3": head.sm3,
        }
    )
    digest, sm3 = hashlib.sha256(canonical).hexdigest(), sm3_of(canonical)
    _trail(session).mentions += [
        {"value": value, "in_stream": stream, "number": head.seq + 1} for value in trail_columns.mentioned(rules, facts)
    ]
    _trail(session).events.append(
        {
            "stream": stream,
            "seq": head.seq + 1,
            "at": moment,
            "event": event.value,
            "result": result,
            "actor_id": actor.user_id,
            "actor": actor.display,
            "matter_id": matter_id,
            "task_id": task_id,
            "canonical": canonical.decode(),
            "prev_hash": head.head,
            "hash": digest,
            "sm3": sm3,
        }
    )
    head.seq, head.head, head.sm3, head.moved = head.seq + 1, digest, sm3, True
    return digest


def stand_in(session: Session, actor: Author, principal: str) -> None:
    """Say for whom the actor acts in this transaction, "" for nobody: every event of theirs tells it."""
    session.info["stands_in"] = (actor.user_id, principal)


def stood_in_for(session: Session, actor: Author) -> str:
    """Return for whom the actor acts in this transaction, "" for nobody."""
    user_id, principal = session.info.get("stands_in", (None, ""))
    return principal if actor.user_id is not None and actor.user_id == user_id else ""


@dataclass
class _Head:
    """The last event of a stream as this transaction knows it, under the lock of the stream's row."""

    seq: int
    head: str
    sm3: str
    is_new: bool = False
    moved: bool = False


@dataclass
class _Trail:
    """What a transaction has appended and not yet written: all of it goes out in one statement."""

    heads: dict[str, _Head]
    events: list[dict[str, Any]]
    mentions: list[dict[str, Any]]

    def write(self, session: Session) -> None:
        connection = session.connection()
        if self.events:
            _NEW_EVENT.write(connection, self.events)
            self.events.clear()
        if self.mentions:
            connection.execute(_NEW_MENTION, self.mentions)
            self.mentions.clear()
        for name, head in self.heads.items():
            if head.moved:
                last = {"seq": head.seq, "head": head.head, "sm3": head.sm3}
                if head.is_new:
                    _NEW_HEAD.write(connection, [{"name": name, **last}])
                else:
                    _MOVE_HEAD.write(connection, [{"stream": name, **last}])
                head.is_new = head.moved = False


_HEAD = Prepared(
    select(AuditStream.seq, AuditStream.head, AuditStream.sm3)
    .where(AuditStream.name == bindparam("name"))
    .with_for_update()
)
_NEW_HEAD = Prepared(insert(AuditStream).inline(), ("name", "seq", "head", "sm3"))
_MOVE_HEAD = Prepared(update(AuditStream).where(AuditStream.name == bindparam("stream")), ("seq", "head", "sm3"))
_NEW_EVENT = Prepared(
    insert(AuditEvent).inline(),
    (
        "stream", "seq", "at", "event", "result", "actor_id", "actor", "matter_id", "task_id", "canonical",
        "prev_hash", "hash", "sm3",
    ),
)  # fmt: skip
_NEW_MENTION = (
    insert(TrailMention)
    .from_select(
        ["value", "at", "event_id"],
        select(bindparam("value", type_=String), AuditEvent.at, AuditEvent.id).where(
            AuditEvent.stream == bindparam("in_stream"), AuditEvent.seq == bindparam("number")
        ),
    )
    .execution_options(**WAITS)
)


def _trail(session: Session) -> _Trail:
    found: _Trail | None = session.info.get("trail")
    if found is None:
        found = session.info["trail"] = _Trail({}, [], [])
        before_commit(session, found.write)
    return found


def _head(session: Session, stream: str) -> _Head:
    """Return the locked head of `stream`, once per transaction; a new stream starts at the genesis."""
    heads = _trail(session).heads
    if stream not in heads:
        found = _HEAD.rows(session.connection(), {"name": stream})
        heads[stream] = _Head(*found[0]) if found else _Head(0, GENESIS, GENESIS, is_new=True)
    return heads[stream]


def hold(session: Session, stream: str, seq: int, head: str, sm3: str) -> None:
    """Take a head that was locked with other rows in one statement as that of this transaction.

    One that the transaction knows already stays: what it appended since is written with the commit alone.
    """
    _trail(session).heads.setdefault(stream, _Head(seq, head, sm3))


def unwritten(session: Session) -> Iterable[Mapping[str, Any]]:
    """Return the events that this transaction has appended and not yet written, as rows."""
    return _trail(session).events


def sm3_of(content: bytes) -> str:
    """Return the SM3 (hex, GB/T 32905) of `content`."""
    hashing = Hash(SM3())
    hashing.update(content)
    return hashing.finalize().hex()


class Sm3:
    """An SM3 that takes its content part by part, as those of hashlib do."""

    def __init__(self) -> None:
        self._hashing = Hash(SM3())

    def update(self, part: bytes) -> None:
        """Add a part of the content."""
        self._hashing.update(part)

    def hexdigest(self) -> str:
        """Return the hash of all parts; nothing can be added afterwards."""
        return self._hashing.finalize().hex()


def digest_of(value: Any) -> str:
    """Return the SHA-256 (hex) of the canonical form (RFC 8785) of a JSON value."""
    return hashlib.sha256(canonical_json.dumps(value)).hexdigest()


@dataclass(frozen=True)
class Break:
    """The first place where a stream does not hold: which event, and in words what is wrong."""

    stream: str
    seq: int
    reason: str


def verify(session: Session, stream: str) -> Break | None:
    """Recompute a whole stream and return the first break, or None when it is intact.

    Checks numbering, links, hashes, that the searchable columns say what was hashed, and that the
    stream's head is the last event.
    """
    expected, seq, head = (GENESIS, GENESIS), 0, None
    # One statement: between two of them a writer might append. On the connection: what this transaction has
    # not written yet is not what is verified.
    for event in session.connection().execute(_WITH_HEAD, {"name": stream}).yield_per(500):
        head = (event.last, event.head, event.head_sm3)
        if event.seq is None:
            break
        seq += 1
        reason = _defect(event, seq, expected)
        if reason:
            return Break(stream, event.seq, reason)
        expected = (event.hash, event.sm3 or GENESIS)
    if head is not None and (seq, *expected) != head:
        return Break(stream, seq + 1, "流的末尾与登记的最后一条记录不符")
    return None


_WITH_HEAD = (
    select(
        *trail_columns.COLUMNS,
        AuditStream.seq.label("last"), AuditStream.head.label("head"), AuditStream.sm3.label("head_sm3"),
    )
    .select_from(AuditStream)
    .outerjoin(AuditEvent, AuditEvent.stream == AuditStream.name)
    .where(AuditStream.name == bindparam("name"))
    .order_by(AuditEvent.seq)
)  # fmt: skip


def _defect(event: Any, seq: int, expected: tuple[str, str]) -> str | None:
    if event.seq != seq:
        return "序号不连续"
    if event.prev_hash != expected[0]:
        return "与上一条记录的链接断开"
    if hashlib.sha256(event.canonical.encode()).hexdigest() != event.hash:
        return "内容与散列值不符"
    told = json.loads(event.canonical)
    # What was written in format 1 has no SM3; it is proven by SHA-256 alone.
    if told.get("format") != 1:
        if sm3_of(event.canonical.encode()) != event.sm3:
            return "内容与SM3散列值不符"
        if told.get("prev_sm3") != expected[1]:
            return "与上一条记录的SM3链接断开"
    elif event.sm3:
        return "内容与SM3散列值不符"
    fits = trail_columns.fit(event, told) and trail_columns.is_found(event, told)
    return None if fits else "检索列与记录内容不符"
