"""Changes that somebody with the database in their hands could make, drawn at random: each in a stream of its own."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, String, bindparam, delete, insert, select, text, update
from sqlalchemy.orm import Session

from decision_flow import audit
from decision_flow.db import Database, UTCDateTime
from decision_flow.models import AuditEvent, AuditStream, Document, TrailMention
from decision_flow.verifier.verify_trail import canonical_json
from tests.long_trail import BEGUN

EVENT, MENTION, STREAM, PAPER = (model.__table__ for model in (AuditEvent, TrailMention, AuditStream, Document))
GUARDED = ("audit_event", "trail_mention", "trail_checkpoint", "trail_node", "trail_stretch")
# What these change lies beside the events, and is not taken along in a file.
BESIDE = ("column", "mention_gone", "mention_added", "paper")
SEARCHED = ("at", "event", "result", "actor", "task_id", "prev_hash", "hash", "sm3")


@contextmanager
def unguarded(database: Database) -> Iterator[Session]:
    """Yield a session in which everything may be changed, and nothing stays so."""
    with database.engine.connect() as connection, connection.begin() as work:
        for statement in _opening(connection):
            connection.execute(text(statement))
        with Session(connection, autoflush=False) as session:
            yield session
        work.rollback()


def _opening(connection: Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        return [f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in (*GUARDED, "document", "audit_stream")]
    found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    return [*(f"DROP TRIGGER {name}" for (name,) in found), "PRAGMA defer_foreign_keys = ON"]


def other(value: Any, column: Any = None) -> Any:
    """Return another value of the same kind; where there is none, one that fits the column."""
    if value is None and isinstance(column.type, UTCDateTime):
        return BEGUN
    if value is None and isinstance(column.type, String):
        return "0"
    if value is None or isinstance(value, int):
        return (value or 0) + 1000
    if isinstance(value, bytes):
        return bytes(32) if any(value) else b""
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] == "0" else "0")
    return value.replace(year=value.year - 1)  # a moment, a year back


class Tampering:
    """Changes at random in the events of matters; `made` says which, by (what, stream)."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        self.session, self.chance = session, chance
        self.made: list[tuple[str, str]] = []
        self.kinds: tuple[Callable[[Any], None], ...] = (
            self.column, self.letter, self.deletion, self.insertion, self.swap, self.redating, self.truncation,
            self.head, self.mention_gone, self.mention_added, self.paper,
        )  # fmt: skip

    def change(self, count: int) -> None:
        """Make so many changes, of each kind in turn, in as many streams."""
        with_papers = select(audit.matter_stream_of(PAPER.c.matter_id))
        query = select(STREAM.c.name, STREAM.c.seq).where(STREAM.c.name.in_(with_papers), STREAM.c.seq > 10)
        streams = self.session.execute(query.order_by(STREAM.c.name)).all()
        for turn, (name, length) in enumerate(self.chance.sample(streams, min(count, len(streams)))):
            # Not the last: what a change does to the next event is seen as well.
            seq = self.chance.randrange(2, length - 1)
            event = self.session.execute(
                select(EVENT).where(EVENT.c.stream == name, EVENT.c.seq == seq)
            ).one()  # fmt: skip
            kind = self.kinds[turn % len(self.kinds)]
            kind(event)
            self.made.append((kind.__name__, name))

    def _set(self, event: Any, values: dict[str, Any]) -> None:
        self.session.execute(update(EVENT).where(EVENT.c.id == event.id).values(values))

    def column(self, event: Any) -> None:
        name = self.chance.choice(SEARCHED)
        self._set(event, {name: other(getattr(event, name), EVENT.c[name])})

    def letter(self, event: Any) -> None:
        at = self.chance.randrange(len(event.canonical))
        new = self.chance.choice([letter for letter in "0123456789 区" if letter != event.canonical[at]])
        self._set(event, {"canonical": event.canonical[:at] + new + event.canonical[at + 1 :]})

    def deletion(self, event: Any) -> None:
        self.session.execute(delete(MENTION).where(MENTION.c.event_id == event.id))
        self.session.execute(delete(EVENT).where(EVENT.c.id == event.id))

    def insertion(self, event: Any) -> None:
        last = self._last(event.stream)
        row = {name: value for name, value in last._mapping.items() if name != "id"}
        told = {**json.loads(row["canonical"]), "seq": last.seq + 1, "prev": last.hash, "prev_sm3": last.sm3}
        self.session.execute(insert(EVENT).values(**row | hashed(told) | {"seq": last.seq + 1, "prev_hash": last.hash}))

    def swap(self, event: Any) -> None:
        beside = self.session.execute(
            select(EVENT).where(EVENT.c.stream == event.stream, EVENT.c.seq == event.seq + 1)
        ).one()  # fmt: skip
        for one, two in ((event, beside), (beside, event)):
            row = {name: value for name, value in two._mapping.items() if name not in ("id", "seq")}
            self._set(one, row)

    def redating(self, event: Any) -> None:
        at = other(event.at)
        told = {**json.loads(event.canonical), "at": at.isoformat(timespec="microseconds")}
        self._set(event, {"at": at, **hashed(told)})
        self.session.execute(update(MENTION).where(MENTION.c.event_id == event.id).values(at=at))

    def truncation(self, event: Any) -> None:
        gone = select(EVENT.c.id).where(EVENT.c.stream == event.stream, EVENT.c.seq >= event.seq)
        self.session.execute(delete(MENTION).where(MENTION.c.event_id.in_(gone)))
        self.session.execute(delete(EVENT).where(EVENT.c.id.in_(gone)))

    def head(self, event: Any) -> None:
        column = self.chance.choice(("seq", "head", "sm3"))
        now = self.session.execute(select(STREAM).where(STREAM.c.name == event.stream)).one()
        changed = {column: other(getattr(now, column))}
        self.session.execute(update(STREAM).where(STREAM.c.name == event.stream).values(**changed))

    def mention_gone(self, event: Any) -> None:
        some = (
            select(MENTION).join(EVENT, EVENT.c.id == MENTION.c.event_id).where(EVENT.c.stream == event.stream).limit(1)
        )
        found = self.session.execute(some).one()
        self.session.execute(
            delete(MENTION).where(*(MENTION.c[name] == value for name, value in found._mapping.items()))
        )

    def mention_added(self, event: Any) -> None:
        self.session.execute(insert(MENTION).values(value="R-99", at=event.at, event_id=event.id))

    def paper(self, event: Any) -> None:
        some = select(PAPER).where(PAPER.c.matter_id == event.matter_id).order_by(PAPER.c.id)
        found = self.session.execute(some).first()
        column = self.chance.choice(
            ("name", "sha256", "size", "task_id", "uploaded_at", "uploaded_by_id", "uploaded_as")
        )
        assert found is not None
        changed = {column: other(getattr(found, column), PAPER.c[column])}
        self.session.execute(update(PAPER).where(PAPER.c.id == found.id).values(**changed))

    def _last(self, stream: str) -> Any:
        query = select(EVENT).where(EVENT.c.stream == stream).order_by(EVENT.c.seq.desc()).limit(1)
        return self.session.execute(query).one()

    def papers(self) -> dict[int, str]:
        """Return the stream of each paper of the matters that were changed."""
        query = select(PAPER.c.id, PAPER.c.matter_id).where(PAPER.c.matter_id == bindparam("matter"))
        return {
            row.id: stream
            for _, stream in self.made
            for row in self.session.execute(query, {"matter": int(stream.split(":")[1])})
        }

    def unfound(self, problems: list[tuple[str, tuple[Any, ...]]]) -> set[tuple[str, str]]:
        """Return what was changed and is not named, and what is named and was not changed."""
        papers = self.papers()
        named = {
            papers.get(values[0], str(values)) if code == "register" else values[1 if code == "covers" else 0]
            for code, values in problems
            if code not in ("line", "root", "count", "stray", "kept")
        }
        changed = {stream for _, stream in self.made}
        return {one for one in self.made if one[1] not in named} | {("unchanged", one) for one in named - changed}


def hashed(told: dict[str, Any]) -> dict[str, str]:
    """Return the canonical form with both hashes made to fit, as a forger would."""
    canonical = canonical_json(told)
    content = canonical.encode()
    return {"canonical": canonical, "hash": hashlib.sha256(content).hexdigest(), "sm3": audit.sm3_of(content)}
