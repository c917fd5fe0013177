"""Leases: who works on a row, until when by the database's clock, and how long a failure rests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, text
from sqlalchemy.orm import Session

FIRST_REST, LONGEST_REST = 60, 14_400


def clock_of(session: Session, seconds: int) -> tuple[Any, Any]:
    """Return SQL for the database's present and for `seconds` later; no clock of a machine counts for a lease."""
    if session.get_bind().dialect.name == "sqlite":
        form = "%Y-%m-%d %H:%M:%f000"
        return func.strftime(form, "now"), func.strftime(form, "now", f"{seconds:+d} seconds")
    return func.now(), text(f"now() + interval '{seconds} seconds'")


def rest(attempt: int, jitter: float = 0.0) -> int:
    """Return the seconds to rest after the `attempt`-th failure: doubling, bounded, longer by up to `jitter` parts."""
    return int(min(FIRST_REST * 2 ** (attempt - 1), LONGEST_REST) * (1 + jitter))
