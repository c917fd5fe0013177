"""Which events of the trail are wanted, read one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from decision_flow.db import streamed
from decision_flow.models import AuditEvent
from decision_flow.trail_filters import Filters as Filters
from decision_flow.trail_filters import chosen as chosen

BATCH = 2000
Tick = Callable[[int], None]


def silent(_count: int) -> None:
    """Tell nobody how far an export has come."""


def stored(session: Session, filters: Filters, after: int = 0) -> Iterator[Row[Any]]:
    """Yield (id, canonical, hash, sm3, stream, seq) in the order of writing, from behind event `after` on."""
    columns = (AuditEvent.id, AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3, AuditEvent.stream, AuditEvent.seq)
    query = chosen(select(*columns), filters).where(AuditEvent.id > after).order_by(AuditEvent.id)
    yield from streamed(session, query)


def events(session: Session, filters: Filters) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield (what was recorded, its SHA-256, its SM3) in the order of writing; constant memory in a snapshot."""
    for row in stored(session, filters):
        yield json.loads(row.canonical), row.hash, row.sm3
