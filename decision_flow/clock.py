"""The one source of business time. Tests move it; only leases use the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")
# Nothing is of a day before or after; the calendar's own ends have no moment in every zone.
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)

_pretended: ContextVar[datetime | None] = ContextVar("pretended", default=None)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return _pretended.get() or datetime.now(UTC)


@contextmanager
def pretend(moment: datetime) -> Iterator[None]:
    """Let `now()` be `moment` in this context: only the loading of demo data has a past to tell.

    A house test holds that nothing but `demo` calls it.
    """
    token = _pretended.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _pretended.reset(token)


def today() -> date:
    """Return today's date in China."""
    return now().astimezone(BUSINESS_ZONE).date()


def local_date(moment: datetime) -> date:
    """Return the date in China of an aware moment."""
    return moment.astimezone(BUSINESS_ZONE).date()


def end_of_day(day: date) -> datetime:
    """Return the last second of `day` in China, in UTC: a period ends at 24:00 (Civil Code, Art. 203)."""
    return datetime.combine(_told(day), time(23, 59, 59), BUSINESS_ZONE).astimezone(UTC)


def start_of_day(day: date) -> datetime:
    """Return 00:00 of `day` in China, in UTC."""
    return datetime.combine(_told(day), time(0), BUSINESS_ZONE).astimezone(UTC)


def _told(day: date) -> date:
    return min(max(day, EARLIEST), LATEST)
