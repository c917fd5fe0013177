"""Which events of the trail are wanted, read one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock
from decision_flow.models import AuditEvent

BATCH = 2000
Tick = Callable[[int], None]


def silent(_count: int) -> None:
    """Tell nobody how far an export has come."""


@dataclass(frozen=True)
class Filters:
    """Which events: of a matter, of a person, under a rule, within days (China's, both included)."""

    matter_id: int | None = None
    person_id: int | None = None
    rule: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def are_empty(self) -> bool:
        """Whether everything is wanted."""
        return self == Filters()


def stored(session: Session, filters: Filters, after: int = 0) -> Iterator[Row[Any]]:
    """Yield (id, canonical, hash, sm3, stream, seq) in the order of writing, from behind event `after` on."""
    columns = (AuditEvent.id, AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3, AuditEvent.stream, AuditEvent.seq)
    query = chosen(select(*columns), filters).where(AuditEvent.id > after).order_by(AuditEvent.id)
    for row in session.execute(query.execution_options(yield_per=BATCH)):
        if wanted(row.canonical, filters):
            yield row


def events(session: Session, filters: Filters) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield (what was recorded, its SHA-256, its SM3) in the order of writing; constant memory in a snapshot."""
    for row in stored(session, filters):
        yield json.loads(row.canonical), row.hash, row.sm3


def wanted(canonical: str, filters: Filters) -> bool:
    """Whether an event that `chosen` found is really under the rule: the database finds what only names it."""
    return not filters.rule or filters.rule in json.loads(canonical)["rules"]


def chosen(query: Select[*tuple[Any, ...]], filters: Filters) -> Select[*tuple[Any, ...]]:
    """Return `query` over the events with what the database can decide of `filters`."""
    if filters.matter_id is not None:
        # What the public said of a matter is in a stream beside it.
        ledger = AuditEvent.stream == audit.ledger_stream(filters.matter_id)
        query = query.where(or_(AuditEvent.matter_id == filters.matter_id, ledger))
    if filters.person_id is not None:
        query = query.where(AuditEvent.actor_id == filters.person_id)
    if filters.rule:
        query = query.where(AuditEvent.canonical.contains(f'"{filters.rule}"', autoescape=True))
    if filters.first is not None:
        query = query.where(AuditEvent.at >= _midnight(filters.first))
    if filters.last is not None:
        query = query.where(AuditEvent.at < _midnight(filters.last + timedelta(days=1)))
    return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), clock.BUSINESS_ZONE).astimezone(UTC)
