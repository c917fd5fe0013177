"""The vectors of the working calendar, and our table against a second library."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest

from decision_flow import working_days
from decision_flow.db import Database
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
