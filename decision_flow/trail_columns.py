"""What the trail is searched by, beside what was hashed: columns of the event, and mentions. Both must say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import case, func, select

from decision_flow.models import AuditEvent, TrailMention

# The values that an event is found by, a line each; one with another moment than the event's is of no use, and shown.
_MENTIONS = (
    select(
        func.aggregate_strings(
            case((TrailMention.at == AuditEvent.at, TrailMention.value), else_=TrailMention.value + " ?"), "\n"
        )
    )
    .where(TrailMention.event_id == AuditEvent.id)
    .scalar_subquery()
    .label("mentions")
)
# An event as it is stored, for reads that need no object; those that must say what was hashed stand together.
COLUMNS = (
    AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3, AuditEvent.stream, AuditEvent.seq, AuditEvent.event,
    AuditEvent.result, AuditEvent.matter_id, AuditEvent.task_id, AuditEvent.prev_hash, AuditEvent.actor_id,
    AuditEvent.actor, AuditEvent.at, AuditEvent.id, _MENTIONS,
)  # fmt: skip
_said = itemgetter("stream", "seq", "event", "result", "matter", "task", "prev")


def fit(row: Any, told: Any) -> bool:
    """Whether the `COLUMNS` of a row say what its canonical form, parsed as `told`, says; False for no event at all."""
    try:
        author = told["actor"]
        return bool(
            row[3:10] == _said(told)
            and row[10] == author["id"]
            and row[11] == author["display"]
            and row[12] == datetime.fromisoformat(told["at"])
        )
    except (KeyError, TypeError, ValueError):
        return False


def is_found(row: Any, told: Any) -> bool:
    """Whether an event is found by what it mentions, and by nothing else."""
    try:
        # Most events mention no paper, and their facts need not be looked through.
        facts = told["facts"] if '"sha256":"' in row[0] or '"scan":"' in row[0] else {}
        if not facts and not told["rules"]:
            return not row[14]
        return bool(row[14]) and sorted(row[14].split("\n")) == mentioned(told["rules"], facts)
    except (KeyError, TypeError):
        return False


def mentioned(rules: Iterable[str], facts: Mapping[str, Any]) -> list[str]:
    """Return what an event is to be found by: the rules it rests on, and the digests of papers in its facts."""
    found = {rule for rule in rules if len(rule) <= 64}
    rest: list[Any] = [facts]
    for value in rest:
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, str):
                    if len(inner) == 64 and key in ("sha256", "scan"):
                        found.add(inner)
                elif inner is not None:
                    rest.append(inner)
        elif isinstance(value, list | tuple):
            rest.extend(value)
    return sorted(found)
