"""A long trail made directly in the database: valid chains over many matters, with tasks and checkpoints."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select, text

from decision_flow import audit, checkpoints
from decision_flow.audit import GENESIS
from decision_flow.db import Database
from decision_flow.models import (
    AuditEvent,
    AuditStream,
    Matter,
    Organisation,
    PolicyVersion,
    ProcedureVersion,
    Task,
    TrailMention,
    User,
)
from decision_flow.verifier.verify_trail import canonical_json

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGUN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
ACTS = ("task.opened", "task.claimed", "document.uploaded", "task.completed", "reminder.sent")
CHUNK = 1_000


def make(database: Database, events: int, matters: int, seals: int = 3) -> None:
    """Add `matters` matters with `events` events in all, and `seals` checkpoints on the way; the rest is not covered.

    Events of different matters stand mixed, as they are written in life; a task has one of each of `ACTS`.
    """
    with database.transaction() as session:
        first_matter = (session.scalar(select(func.max(Matter.id))) or 0) + 1
        next_task = (session.scalar(select(func.max(Task.id))) or 0) + 1
        version = session.scalars(select(ProcedureVersion.id)).first()
        policy = session.scalars(select(PolicyVersion.digest)).first()
        organ = session.scalars(select(Organisation.id).where(Organisation.organ_id == Organisation.id)).first()
        users = session.scalars(select(User.id).order_by(User.id)).all()
        numbers = range(first_matter, first_matter + matters)
        session.execute(insert(Matter), [
            {"id": one, "number": f"L-{one}", "title": f"道路{one}改造", "procedure_version_id": version, "organ_id": organ,
             "policy_digest": policy, "status": "RUNNING", "registered_at": BEGUN, "passed": {}, "state": b"", "version": 1} for one in numbers
        ])  # fmt: skip
    heads = dict.fromkeys(numbers, (0, GENESIS, GENESIS))
    tasks = dict.fromkeys(numbers, 0)
    written = 0
    seal_after = [events * (turn + 1) // (seals + 1) for turn in range(seals)]
    while written < events:
        count = min(CHUNK, events - written)
        new_tasks, rows = [], []
        for turn in range(written, written + count):
            matter = first_matter + turn % matters
            seq, prev, prev_sm3 = heads[matter]
            event = ACTS[seq % len(ACTS)]
            if seq % len(ACTS) == 0:
                tasks[matter], next_task = next_task, next_task + 1
                new_tasks.append(
                    {"id": tasks[matter], "matter_id": matter, "token": f"long{tasks[matter]}", "element_id": "T_long",
                     "process": "long", "name": "合法性审查", "role_code": "legality_reviewer", "organisation_id": organ,
                     "pool": "long", "state": "COMPLETED", "received_at": BEGUN}
                )  # fmt: skip
            at, user = BEGUN + timedelta(seconds=turn), users[turn % len(users)]
            told = {
                "format": 2, "stream": f"matter:{matter}", "seq": seq + 1, "at": at.isoformat(timespec="microseconds"),
                "event": event, "result": "ok", "actor": {"id": user, "display": f"清河镇党政办公室·工作人员·{user}"},
                "matter": matter, "task": tasks[matter], "rules": ["R-25a"] if seq % 7 == 0 else [], "on_behalf_of": "",
                "reason": "", "prev": prev, "prev_sm3": prev_sm3,
                "facts": {"element": "T_long", "name": "合法性审查", "due": None, "sha256": f"{turn:064x}", "n": turn},
            }  # fmt: skip
            canonical = canonical_json(told)
            digest, sm3 = hashlib.sha256(canonical.encode()).hexdigest(), audit.sm3_of(canonical.encode())
            rows.append(
                {"stream": told["stream"], "seq": seq + 1, "at": at, "event": event, "result": "ok", "actor_id": user,
                 "actor": told["actor"]["display"], "matter_id": matter, "task_id": tasks[matter],
                 "canonical": canonical, "prev_hash": prev, "hash": digest, "sm3": sm3}
            )  # fmt: skip
            heads[matter] = (seq + 1, digest, sm3)
        moved = {row["matter_id"] for row in rows}
        with database.transaction() as session:
            connection = session.connection()
            if new_tasks:
                connection.execute(insert(Task), new_tasks)
            before = session.scalar(select(func.max(AuditEvent.id))) or 0
            connection.execute(insert(AuditEvent), rows)
            ids = session.execute(
                select(AuditEvent.id, AuditEvent.at, AuditEvent.canonical).where(AuditEvent.id > before)
            )
            connection.execute(insert(TrailMention), [
                {"event_id": one.id, "at": one.at, "value": value}
                for one in ids
                for told in [json.loads(one.canonical)]
                for value in audit.mentioned(told["rules"], told["facts"])
            ])  # fmt: skip
            connection.execute(
                text("DELETE FROM audit_stream WHERE name = :name"), [{"name": f"matter:{one}"} for one in moved]
            )
            connection.execute(insert(AuditStream), [
                {"name": f"matter:{one}", "seq": heads[one][0], "head": heads[one][1], "sm3": heads[one][2]}
                for one in moved
            ])  # fmt: skip
        written += count
        while seal_after and written >= seal_after[0]:
            seal_after.pop(0)
            with database.transaction() as session:
                checkpoints.seal(session, KEY)
