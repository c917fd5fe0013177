"""The Chinese working calendar: pure counting over our own table, and every deadline explained in words.

Rules W1-W10: the day of the event is not counted; a period in calendar days that ends on a rest day ends on
the next working day (Civil Code, Art. 203); make-up days are working days; months end on the corresponding
day or the last of the month (Art. 202); "N days before" is never rolled forward.
"""

from __future__ import annotations

import calendar as civil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import chinese_calendar
from sqlalchemy import func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from decision_flow import audit, clock
from decision_flow.audit import SYSTEM, EventName
from decision_flow.models import CalendarDay, LocalDay

WORKING = ("work", "makeup")
FIRST_YEAR, LAST_OFFICIAL = 2004, 2026
PROVISIONAL_YEARS = 6
# 全国年节及纪念日放假办法 (2024): the fixed days by the sun; the lunar ones stand in LUNAR.
FIXED = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
# First day of Spring Festival's rest (New Year's Eve), Qingming, Dragon Boat, Mid-Autumn.
LUNAR: Mapping[int, tuple[str, str, str, str]] = {
    2027: ("02-05", "04-05", "06-09", "09-15"),
    2028: ("01-25", "04-04", "05-28", "10-03"),
    2029: ("02-12", "04-04", "06-16", "09-22"),
    2030: ("02-02", "04-05", "06-05", "09-12"),
    2031: ("01-22", "04-05", "06-24", "10-01"),
    2032: ("02-10", "04-04", "06-12", "09-19"),
}


@dataclass(frozen=True)
class Calendar:
    """The days known, by date: (kind, whether provisional); and the version of the table they came from."""

    days: Mapping[date, tuple[str, bool]]
    version: int

    def is_working_day(self, day: date) -> bool:
        """Whether work is done on `day`; a day outside the table counts by its weekday."""
        kind = self.days.get(day)
        return kind[0] in WORKING if kind else day.weekday() < 5

    def is_provisional(self, day: date) -> bool:
        """Whether the arrangement of `day` is not yet official."""
        kind = self.days.get(day)
        return kind[1] if kind else True


@dataclass(frozen=True)
class Deadline:
    """A date with all it was computed from."""

    due_on: date
    start: date
    count: int
    unit: str
    calendar_version: int
    provisional: bool
    explanation: str

    def __str__(self) -> str:
        return self.due_on.isoformat()

    def parts(self) -> dict[str, Any]:
        """Return what the date was computed from, as JSON values: enough to compute it again (W9)."""
        return {
            "unit": self.unit,
            "count": self.count,
            "start": self.start.isoformat(),
            "calendar_version": self.calendar_version,
        }


def working_days_after(calendar: Calendar, count: int, start: date) -> Deadline:
    """Return the deadline `count` working days after `start`, which is not counted (W1, W4)."""
    day, left, skipped, provisional = start, count, 0, False
    while left > 0:
        day += timedelta(days=1)
        provisional = provisional or calendar.is_provisional(day)
        if calendar.is_working_day(day):
            left -= 1
        else:
            skipped += 1
    text = f"自{_cn(start)}（当日不计）起{count}个工作日"
    text += f"，其间{skipped}个休息日不计" if skipped else ""
    return _deadline(calendar, day, start, count, "working_days", provisional, text)


def days_after(calendar: Calendar, count: int, start: date) -> Deadline:
    """Return the deadline `count` calendar days after `start`; a rest day rolls to the next working day (W2)."""
    last = start + timedelta(days=count)
    day, provisional = last, calendar.is_provisional(last)
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
        provisional = provisional or calendar.is_provisional(day)
    text = f"自{_cn(start)}（当日不计）起{count}日"
    if day != last:
        text += f"，{_cn(last)}为休息日，顺延"
    return _deadline(calendar, day, start, count, "days", provisional, text)


def months_after(calendar: Calendar, count: int, start: date) -> Deadline:
    """Return the day `count` months after `start`, not rolled: an internal review date (W7, vector V14)."""
    day = add_months(start, count)
    return _deadline(
        calendar, day, start, count, "months", calendar.is_provisional(day), f"自{_cn(start)}起{count}个月"
    )


def days_before(calendar: Calendar, count: int, event: date) -> Deadline:
    """Return the last day that is at least `count` calendar days before `event`; never rolled forward (W6)."""
    day = event - timedelta(days=count)
    text = f"{_cn(event)}的{count}日前"
    if not calendar.is_working_day(day):
        text += f"，{_cn(day)}为休息日，请提前办理"
    return _deadline(calendar, day, event, count, "days_before", calendar.is_provisional(day), text)


COUNTERS: Mapping[str, Callable[[Calendar, int, date], Deadline]] = {
    "working_days": working_days_after,
    "days": days_after,
    "months": months_after,
    "days_before": days_before,
}


def counted(calendar: Calendar, unit: str, count: int, start: date, *, added: int = 0, paused: int = 0) -> Deadline:
    """Return the deadline of `count` units from `start`; `added` units by extension, `paused` days not counted.

    Paused days are working days for a period in working days and calendar days for any other. Raises
    `KeyError` for an unknown unit.
    """
    more = added + (paused if unit in ("working_days", "days") else 0)
    found = COUNTERS[unit](calendar, count + more, start)
    if unit == "months" and paused:
        found = replace(days_after(calendar, paused, found.due_on), start=start, unit=unit)
    text = found.explanation
    if added:
        text += f"含延长{added}{UNITS[unit]}。"
    if paused:
        text += f"含中止计算{paused}{UNITS['working_days' if unit == 'working_days' else 'days']}。"
    return replace(found, count=count, explanation=text)


UNITS = {"working_days": "个工作日", "days": "日", "months": "个月", "days_before": "日前"}


def working_days_between(calendar: Calendar, first: date, last: date) -> int:
    """Return how many working days lie after `first` up to and with `last`."""
    span = (last - first).days
    return sum(calendar.is_working_day(first + timedelta(days=number)) for number in range(1, span + 1))


def add_months(start: date, count: int) -> date:
    """Return the corresponding day `count` months later, or the last day of that month (W7)."""
    total = start.year * 12 + start.month - 1 + count
    year, month = divmod(total, 12)
    return date(year, month + 1, min(start.day, civil.monthrange(year, month + 1)[1]))


def _deadline(
    calendar: Calendar, due_on: date, start: date, count: int, unit: str, provisional: bool, text: str
) -> Deadline:
    text += f"，至{_cn(due_on)}。"
    if provisional:
        text += "其中有日期的放假安排尚未公布，暂定。"
    return Deadline(due_on, start, count, unit, calendar.version, provisional, text)


def _cn(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


# --- the table ------------------------------------------------------------------------------------------

_kept: dict[tuple[str, int, int | None], Calendar] = {}
_lock = threading.Lock()


def version(session: Session) -> int:
    """Return the number of the newest change to the calendar, national or local; 0 for an empty one."""
    both = union_all(
        select(func.max(CalendarDay.version).label("v")), select(func.max(LocalDay.version).label("v"))
    ).subquery()
    return session.scalar(select(func.max(both.c.v))) or 0


def load(session: Session, organ_id: int | None = None) -> Calendar:
    """Return the calendar of this database, from memory as long as its version stands.

    With `organ_id` the local days of that organ lie over the national ones.
    """
    newest = version(session)
    key = (str(session.get_bind().engine.url), newest, organ_id)
    found = _kept.get(key)
    if found is None:
        rows = session.execute(
            select(CalendarDay.day, CalendarDay.kind, CalendarDay.status, literal(0).label("local")).union_all(
                select(LocalDay.day, LocalDay.kind, literal("official"), literal(1)).where(
                    LocalDay.organ_id == organ_id
                )
            )
        ).all()
        days = {row.day: (row.kind, row.status != "official") for row in sorted(rows, key=lambda row: row.local)}
        found = Calendar(days, newest)
        with _lock:
            if len(_kept) > 32:
                _kept.clear()
            if rows:
                _kept[key] = found
    return found


def package() -> Calendar:
    """Return the calendar as shipped, for use without a database: official years, then provisional ones."""
    return Calendar({row["day"]: (row["kind"], row["status"] != "official") for row in _shipped()}, 1)


def add_working_days(session: Session, start: date, count: int) -> date:
    """Return the date `count` working days after `start`."""
    return working_days_after(load(session), count, start).due_on


def functions(session: Session, organ_id: int | None = None) -> dict[str, Callable[..., Any]]:
    """Return what an expression may call: each takes a count and, if wanted, a start other than today.

    The results carry the explanation and compare as dates through `due_on`. The days are those of the organ.
    """
    calendar = load(session, organ_id)

    def from_there(count_from: Callable[[Calendar, int, date], Deadline], count: Any, start: Any = None) -> Deadline:
        if int(count) < 0:
            raise ValueError("a count of days cannot be negative")
        return count_from(calendar, int(count), _business_day(start) if start else clock.today())

    return {
        "working_days_after": partial(from_there, working_days_after),
        "days_after": partial(from_there, days_after),
        "months_after": partial(from_there, months_after),
        "days_before": lambda event, count: from_there(days_before, count, event),
        "today": clock.today,
    }


def _business_day(value: Any) -> date:
    """Return the date in China of a date, a moment or its ISO text."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return clock.local_date(value if value.tzinfo else value.replace(tzinfo=clock.BUSINESS_ZONE))
    if isinstance(value, date):
        return value
    raise ValueError("not a date")


def seed(session: Session) -> int:
    """Fill an empty table: official years from the package, later years provisionally; return how many days.

    Later years have weekends and the statutory festivals, no make-up days, and are marked provisional
    until the yearly notice is entered.
    """
    if session.scalar(select(func.count()).select_from(CalendarDay)):
        return 0
    rows = _shipped()
    session.execute(insert(CalendarDay), rows)
    audit.append(
        session,
        audit.CALENDAR,
        EventName.CALENDAR_IMPORTED,
        actor=SYSTEM,
        facts={"from": f"{FIRST_YEAR}-01-01", "official_to": f"{LAST_OFFICIAL}-12-31", "days": len(rows)},
    )
    return len(rows)


def _shipped() -> list[dict[str, Any]]:
    rows = []
    day = date(FIRST_YEAR, 1, 1)
    while day.year <= LAST_OFFICIAL + PROVISIONAL_YEARS:
        official = day.year <= LAST_OFFICIAL
        rows.append(
            {
                "day": day,
                "kind": _official_kind(day) if official else _provisional_kind(day),
                "status": "official" if official else "provisional",
                "source": "国务院办公厅放假安排" if official else "按放假办法推算",
                "version": 1,
            }
        )
        day += timedelta(days=1)
    return rows


def _official_kind(day: date) -> str:
    if chinese_calendar.is_workday(day):
        return "work" if day.weekday() < 5 else "makeup"
    return "rest" if day.weekday() >= 5 and not chinese_calendar.get_holiday_detail(day)[1] else "holiday"


def _provisional_kind(day: date) -> str:
    if (day.month, day.day) in FIXED or day in _festivals(day.year):
        return "holiday"
    return "work" if day.weekday() < 5 else "rest"


def _festivals(year: int) -> set[date]:
    if year not in LUNAR:
        return set()
    spring, *others = (date.fromisoformat(f"{year}-{text}") for text in LUNAR[year])
    return {spring + timedelta(days=number) for number in range(4)} | set(others)
