"""The columns of an event that the trail is searched by: they must say what was hashed."""

from __future__ import annotations

from typing import Any

from decision_flow.models import AuditEvent

# An event as it is stored, for reads that need no object.
COLUMNS = (
    AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3, AuditEvent.stream, AuditEvent.seq, AuditEvent.at,
    AuditEvent.event, AuditEvent.result, AuditEvent.actor_id, AuditEvent.actor, AuditEvent.matter_id,
    AuditEvent.task_id, AuditEvent.prev_hash,
)  # fmt: skip


def fit(row: Any, told: Any) -> bool:
    """Whether the `COLUMNS` of a row say what its canonical form, parsed as `told`, says; False for no event at all."""
    _, _, _, stream, seq, at, event, result, actor_id, actor, matter, task, prev = row
    try:
        author = told["actor"]
        said = (told["stream"], told["seq"], told["at"], told["event"], told["result"], told["matter"], told["task"])
        return (*said, author["id"], author["display"], told["prev"]) == (
            stream, seq, at.isoformat(timespec="microseconds"), event, result, matter, task, actor_id, actor, prev,
        )  # fmt: skip
    except (KeyError, TypeError):
        return False
