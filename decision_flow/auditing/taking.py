"""Taking a part of the trail away: allowed, recorded, written to a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import checkpoints, trail_exports
from decision_flow.actors import Actor
from decision_flow.auditing import access
from decision_flow.errors import N_, Invalid
from decision_flow.models import AuditEvent
from decision_flow.trail_filters import Filters, chosen

# What one request of a page may take; more is written by the command, which nothing waits for.
AT_ONCE = 200_000


def allowed(session: Session, actor: Actor, kind: str, filters: Filters) -> Filters:
    """Record that the actor takes away what `filters` choose, and return them bounded to what the actor may read.

    Raises `Invalid` for days the wrong way round, and for more than `AT_ONCE` events, with the command that writes
    them; `NotPermitted`.
    """
    if filters.are_backwards:
        raise Invalid(N_("开始日期晚于结束日期，没有导出。请把两个日期对调。"))
    wanted = replace(filters, organ_ids=access.bounds(session, actor))
    some = chosen(select(AuditEvent.id), wanted).limit(AT_ONCE + 1).subquery()
    if (session.scalar(select(func.count()).select_from(some)) or 0) > AT_ONCE:
        raise Invalid(
            N_(
                "符合条件的记录超过%(most)s条，网页上不能一次导出。请缩小期间，或者由系统管理员在服务器上执行："
                "decision-flow audit export --format %(kind)s -o 文件名"
            ),
            most=AT_ONCE,
            kind=kind,
        )
    told = {key: value for key, value in filters.__dict__.items() if value not in (None, "") and key != "reads"}
    facts = {key: value if isinstance(value, str | int) else value.isoformat() for key, value in told.items()}
    access.note_export(session, actor, {"format": kind, **facts})
    return wanted


def is_whole(filters: Filters) -> bool:
    """Whether everything that there is was asked for: then JSON Lines are the trail that can be verified."""
    return replace(filters, reads=True).are_empty


def write(session: Session, kind: str, filters: Filters, target: Path) -> int:
    """Write the events to `target`; return how many. `session` is a snapshot."""
    if kind != "jsonl" or not is_whole(filters):
        return trail_exports.WRITERS[kind](session, filters, target)
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for line in checkpoints.lines(session):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += line["kind"] == "event"
    return count
