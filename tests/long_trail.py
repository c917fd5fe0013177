"""A long trail made directly in the database: valid chains over many matters, with tasks and checkpoints.

Rows go in as the databases take them fastest, so that a million events are there in minutes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, text

from decision_flow import audit, checkpoints, trail_columns
from decision_flow.audit import GENESIS
from decision_flow.db import Database
from decision_flow.models import AuditEvent, Document, Matter, Organisation, PolicyVersion, ProcedureVersion, Task, User
from decision_flow.verifier.verify_trail import canonical_json

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGUN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
ACTS = ("task.opened", "task.claimed", "document.uploaded", "task.completed", "reminder.sent")
CHUNK = 10_000
# In so many events of a matter it is one paper that they speak of.
OF_A_PAPER = 25

COLUMNS = {
    "audit_event": "id stream seq at event result actor_id actor matter_id task_id canonical prev_hash hash sm3",
    "trail_mention": "value at event_id",
    "audit_stream": "name seq head sm3",
}


@dataclass
class _Life:
    """What the rows of a trail are made from, and how far each matter has come."""

    matters: range
    next_task: int
    next_event: int
    next_document: int
    organ: int
    users: Sequence[int]
    heads: dict[int, tuple[int, str, str]] = field(default_factory=dict)
    tasks: dict[int, int] = field(default_factory=dict)

    def rows(self, turns: range) -> Iterator[tuple[str, Any]]:
        """Yield (table, row) for the events of these turns."""
        for turn in turns:
            matter = self.matters[turn % len(self.matters)]
            seq, prev, prev_sm3 = self.heads.get(matter, (0, GENESIS, GENESIS))
            event = ACTS[seq % len(ACTS)]
            if seq % len(ACTS) == 0:
                task = self.tasks[matter] = self.next_task
                self.next_task += 1
                yield "task", {
                    "id": task, "matter_id": matter, "token": f"long{task}", "element_id": "T_long", "process": "long",
                    "name": "合法性审查", "role_code": "legality_reviewer", "organisation_id": self.organ,
                    "pool": "long", "state": "COMPLETED", "received_at": BEGUN,
                }  # fmt: skip
            at, user, task = BEGUN + timedelta(seconds=turn), self.users[turn % len(self.users)], self.tasks[matter]
            facts: dict[str, Any] = {"element": "T_long", "name": "合法性审查", "due": None, "n": turn}
            paper = {"sha256": f"{matter:032x}{seq // OF_A_PAPER:032x}", "name": f"审查意见{task}.pdf", "size": 40_960}
            if event == "task.completed":
                facts["answers"] = {"paper": paper}
            if event == "document.uploaded":
                facts |= {"document": self.next_document, **paper}
                yield "document", {
                    "id": self.next_document, "matter_id": matter, "task_id": task, "media_type": "application/pdf",
                    "uploaded_at": at, "uploaded_by_id": user, "uploaded_as": _display(user), **paper,
                }  # fmt: skip
                self.next_document += 1
            told = {
                "format": 2, "stream": f"matter:{matter}", "seq": seq + 1, "at": at.isoformat(timespec="microseconds"),
                "event": event, "result": "ok", "actor": {"id": user, "display": _display(user)},
                "matter": matter, "task": task, "rules": ["R-25a"] if seq % 7 == 0 else [], "on_behalf_of": "",
                "reason": "", "prev": prev, "prev_sm3": prev_sm3,
                "facts": facts,
            }  # fmt: skip
            canonical = canonical_json(told)
            digest, sm3 = hashlib.sha256(canonical.encode()).hexdigest(), audit.sm3_of(canonical.encode())
            yield "audit_event", (
                self.next_event, told["stream"], seq + 1, at, event, "ok", user, told["actor"]["display"], matter, task,
                canonical, prev, digest, sm3,
            )  # fmt: skip
            for value in trail_columns.mentioned(told["rules"], told["facts"]):
                yield "trail_mention", (value, at, self.next_event)
            self.heads[matter] = (seq + 1, digest, sm3)
            self.next_event += 1


def make(database: Database, events: int, matters: int, seals: int = 3) -> None:
    """Add `matters` matters with `events` events in all, and `seals` checkpoints on the way; the rest is not covered.

    Events of different matters stand mixed, as they are written in life; a task has one of each of `ACTS`.
    """
    with database.transaction() as session:
        first = (session.scalar(select(func.max(Matter.id))) or 0) + 1
        version = session.scalars(select(ProcedureVersion.id)).first()
        policy = session.scalars(select(PolicyVersion.digest)).first()
        organ = session.scalars(select(Organisation.id).where(Organisation.organ_id == Organisation.id)).first() or 0
        life = _Life(
            matters=range(first, first + matters),
            next_task=(session.scalar(select(func.max(Task.id))) or 0) + 1,
            next_event=(session.scalar(select(func.max(AuditEvent.id))) or 0) + 1,
            next_document=(session.scalar(select(func.max(Document.id))) or 0) + 1,
            organ=organ,
            users=session.scalars(select(User.id).order_by(User.id)).all(),
        )
        session.execute(insert(Matter), [
            {"id": one, "number": f"L-{one}", "title": f"道路{one}改造", "procedure_version_id": version, "organ_id": organ,
             "policy_digest": policy, "status": "RUNNING", "registered_at": BEGUN, "passed": {}, "state": b"", "version": 1}
            for one in life.matters
        ])  # fmt: skip
    seal_after = [events * (turn + 1) // (seals + 1) for turn in range(seals)]
    done = 0
    for stop in sorted({*range(CHUNK, events, CHUNK), *seal_after, events}):
        rows: dict[str, list[Any]] = {"task": [], "document": [], "audit_event": [], "trail_mention": []}
        for table, row in life.rows(range(done, stop)):
            rows[table].append(row)
        with database.transaction() as session:
            for table, model in (("task", Task), ("document", Document)):
                if rows[table]:
                    session.execute(insert(model), rows[table])
            for table in ("audit_event", "trail_mention"):
                _put(session.connection(), table, rows[table])
            if stop in seal_after or stop == events:
                _end(session.connection(), life)
        if stop in seal_after:
            with database.transaction() as session:
                checkpoints.seal(session, KEY)
            # That it was sealed is an event itself.
            with database.transaction(read_only=True) as session:
                life.next_event = (session.scalar(select(func.max(AuditEvent.id))) or 0) + 1
        done = stop


def _display(user: int) -> str:
    return f"清河镇党政办公室·工作人员·{user}"


def _end(connection: Connection, life: _Life) -> None:
    """Register where the streams end; numbers that the database gives go on behind ours."""
    names = [{"name": f"matter:{one}"} for one in life.heads]
    connection.execute(text("DELETE FROM audit_stream WHERE name = :name"), names)
    _put(connection, "audit_stream", [(f"matter:{one}", *head) for one, head in life.heads.items()])
    if connection.dialect.name == "postgresql":
        for table in ("matter", "task", "document", "audit_event"):
            place = f"setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            connection.execute(text(f"SELECT {place}"))


def _put(connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = COLUMNS[table].split()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT 1"))  # what waits goes first
        with driver.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", map(_as_sqlite, rows))


def _as_sqlite(row: tuple[Any, ...]) -> list[Any]:
    """Return a row with moments as SQLAlchemy stores them there."""
    return [f"{one:%Y-%m-%d %H:%M:%S.%f}" if isinstance(one, datetime) else one for one in row]
