"""The ladder of reminders, pure: which rung on which day, over rest days, after a gap, and only while the task is there."""

from __future__ import annotations

from datetime import date

import pytest

from decision_flow import ladders, wording, working_days
from decision_flow.ladders import reached

CALENDAR = working_days.package()
TASK = ladders.load().ladders["task"]
DUE = date(2026, 3, 18)  # a Wednesday
LONG_AGO = date(2026, 1, 5)


def keys(today: date, due: date = DUE, since: date = LONG_AGO, statutory: bool = False) -> dict[str, date]:
    return {rung.key: rung.day for rung in reached(CALENDAR, TASK, due, since, today, statutory=statutory)}


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-03-15", []),
        ("2026-03-16", ["before"]),
        ("2026-03-18", ["before", "due"]),
        ("2026-03-19", ["before", "due", "late-1"]),
        ("2026-03-22", ["before", "due", "late-2"]),
        ("2026-03-23", ["before", "due", "late-3", "late-unit"]),
        ("2026-03-25", ["before", "due", "late-5", "late-unit", "late-deputy"]),
    ],
)
def test_each_rung_on_its_day(today: str, expected: list[str]) -> None:
    assert sorted(keys(date.fromisoformat(today))) == sorted(expected)


def test_a_rung_waits_for_a_working_day_unless_the_deadline_is_statutory() -> None:
    sunday = date(2026, 3, 22)
    monday = date(2026, 3, 23)
    assert "due" not in keys(sunday, due=sunday)
    assert keys(monday, due=sunday)["due"] == monday
    assert keys(sunday, due=sunday, statutory=True)["due"] == sunday


def test_what_was_missed_is_told_once() -> None:
    late = [key for key in keys(date(2026, 4, 30)) if key.startswith("late-") and key[5:].isdigit()]
    assert len(late) == 1


def test_a_task_that_came_late_is_not_reminded_of_what_was_before() -> None:
    assert set(keys(date(2026, 3, 18), since=date(2026, 3, 17))) == {"due"}


def test_every_notice_has_its_words_in_both_languages() -> None:
    names = {path.stem for path in (wording.HERE / "zh").glob("*.txt")}
    assert names == {path.stem for path in (wording.HERE / "en").glob("*.txt")}
    told = {"title": "道路", "name": "审查", "name_en": "Review", "count": 1, "why": ["many_opinions"],
            "items": [{"title": "道路", "name": "审查", "name_en": "Review", "due": "2026-03-18", "late": 2}]}  # fmt: skip
    for name in names:
        for language in wording.LANGUAGES:
            words = wording.say(name, told, language)
            assert words.subject and "%(" not in words.subject + words.body
    assert "逾期2天" in wording.say("digest", told).body and "2 days overdue" in wording.say("digest", told, "en").body
    assert "many opinions" in wording.say("evaluation.triggered", told, "en").body
    assert wording.say("unheard.of", {"title": "x"}).subject == "通知：x"
