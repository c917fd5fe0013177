"""The vectors of the working calendar, and our table against a second library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
from sqlalchemy import delete

from decision_flow import working_days
from decision_flow.db import Database
from decision_flow.models import CalendarDay
from decision_flow.working_days import Calendar, add_months, days_after, days_before, months_after, working_days_after

# A Saturday on which work was made up for New Year 2006 according to one library and not to the other.
KNOWN = date(2005, 12, 31)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    days, day = {}, date(2004, 1, 1)
    while day.year <= 2032:
        official = day.year <= working_days.LAST_OFFICIAL
        kind = working_days._official_kind(day) if official else working_days._provisional_kind(day)
        days[day] = (kind, not official)
        day += timedelta(days=1)
    return Calendar(days, 1)


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        ("2026-02-10", 7, "2026-02-26"), ("2026-09-28", 7, "2026-10-13"), ("2026-04-30", 7, "2026-05-13"),
        ("2026-03-27", 10, "2026-04-13"), ("2026-09-14", 20, "2026-10-16"), ("2026-09-10", 7, "2026-09-20"),
    ],
    ids=["V1", "V2", "V3", "V4", "V5", "V6"],
)  # fmt: skip
def test_working_days(calendar: Calendar, start: str, count: int, expected: str) -> None:
    deadline = working_days_after(calendar, count, date.fromisoformat(start))
    assert str(deadline) == expected
    assert not deadline.provisional
    assert f"{count}个工作日" in deadline.explanation


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        ("2026-03-09", 30, "2026-04-08"), ("2026-01-16", 30, "2026-02-24"), ("2026-05-20", 30, "2026-06-22"),
        ("2026-04-03", 30, "2026-05-06"), ("2026-08-03", 60, "2026-10-08"), ("2026-01-30", 15, "2026-02-14"),
    ],
    ids=["V7", "V8", "V9", "V10", "V11", "V12"],
)  # fmt: skip
def test_calendar_days_roll_over_rest_days(calendar: Calendar, start: str, count: int, expected: str) -> None:
    assert str(days_after(calendar, count, date.fromisoformat(start))) == expected


def test_days_before_are_never_rolled_forward(calendar: Calendar) -> None:
    deadline = days_before(calendar, 7, date(2026, 10, 12))  # V13
    assert str(deadline) == "2026-10-05"
    assert "提前" in deadline.explanation


def test_months_end_on_the_last_day_and_do_not_roll(calendar: Calendar) -> None:
    assert str(months_after(calendar, 6, date(2026, 8, 31))) == "2027-02-28"  # V14
    assert add_months(date(2028, 1, 31), 1) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("unit", "count", "start", "more", "expected", "said"),
    [
        ("working_days", 4, "2026-02-10", {"added": 2, "paused": 1}, "2026-02-26", "含延长2个工作日。含中止计算1个工作日。"),
        ("days", 30, "2026-03-09", {"paused": 2}, "2026-04-10", "含中止计算2日。"),
        ("months", 1, "2026-01-31", {"paused": 3}, "2026-03-03", "含中止计算3日。"),
        ("months", 1, "2026-01-31", {}, "2026-02-28", ""),
        ("days_before", 7, "2026-10-12", {"paused": 3}, "2026-10-05", ""),
    ],
)  # fmt: skip
def test_what_was_added_and_what_did_not_count(
    calendar: Calendar, unit: str, count: int, start: str, more: dict[str, int], expected: str, said: str
) -> None:
    found = working_days.counted(calendar, unit, count, date.fromisoformat(start), **more)
    assert (str(found.due_on), str(found.start), found.unit, found.count) == (expected, start, unit, count)
    assert found.explanation.endswith(said) and ("含延长" in found.explanation) == ("added" in more)


def test_working_days_between_are_those_after_the_first(calendar: Calendar) -> None:
    first, last = date(2026, 2, 10), date(2026, 2, 26)
    assert working_days.working_days_between(calendar, first, last) == 7  # V1 read backwards
    assert [working_days.working_days_between(calendar, last, day) for day in (last, first)] == [0, 0]


@pytest.mark.parametrize("start", [
    "2026-02-10", "2026-02-10T08:00:00+08:00", "2026-02-09T16:00:00+00:00", "2026-02-10T23:59:59", date(2026, 2, 10),
    datetime(2026, 2, 9, 16, 0, tzinfo=UTC), datetime(2026, 2, 10, 23, 59),
])  # fmt: skip
def test_a_count_begins_on_the_day_in_china(start: object) -> None:
    assert working_days._business_day(start) == date(2026, 2, 10)


def test_a_year_without_notice_is_provisional(calendar: Calendar) -> None:
    deadline = working_days_after(calendar, 7, date(2028, 3, 1))  # V15
    assert deadline.provisional
    assert "暂定" in deadline.explanation


def test_beyond_the_table_weekdays_count_and_it_is_said(calendar: Calendar) -> None:
    deadline = working_days_after(calendar, 5, date(2040, 1, 2))
    assert str(deadline) == "2040-01-09"
    assert deadline.provisional


def test_a_second_library_agrees(calendar: Calendar) -> None:
    other = holidays.country_holidays("CN", years=range(2004, 2027))
    day, differing = date(2004, 1, 1), []
    while day.year <= 2026:
        if calendar.is_working_day(day) != other.is_working_day(day):
            differing.append(day)
        day += timedelta(days=1)
    # The one day on which the two libraries are known to differ.
    assert differing == [KNOWN]


def test_festivals_of_coming_years_agree(calendar: Calendar) -> None:
    other = holidays.country_holidays("CN", years=range(2027, 2033))
    ours = [day for day, (kind, _) in calendar.days.items() if day.year >= 2027 and kind == "holiday"]
    assert len(ours) > 6 * 10
    assert [day for day in ours if day not in other] == []


def test_the_table_is_seeded_once_and_read_again(database: Database) -> None:
    with database.transaction() as session:
        assert working_days.seed(session) == 0
        found = working_days.load(session)
        assert working_days.load(session) is found
        assert str(working_days.functions(session)["working_days_after"](7, "2026-02-10")) == "2026-02-26"
        assert found.days == working_days.package().days and found.version == working_days.version(session) == 1
        assert not found.is_provisional(date(2026, 2, 10)) and found.is_provisional(date(2028, 3, 1))
        session.execute(delete(CalendarDay))
        assert working_days.version(session) == 0
        session.rollback()
