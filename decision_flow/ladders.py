"""The ladder of reminders, pure: which rungs of a due date are reached by today."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from decision_flow.working_days import Calendar


@dataclass(frozen=True)
class Rung:
    """One rung: `when` units from the due day, again every `every` units, told to these."""

    id: str
    when: int
    unit: str
    to: tuple[str, ...]
    every: int = 0


@dataclass(frozen=True)
class Ladders:
    """The data of `reminders.toml`."""

    ladders: Mapping[str, tuple[Rung, ...]]
    rules: Mapping[str, str]
    heads: Mapping[str, str]

    def of(self, rule: str) -> tuple[Rung, ...]:
        """Return the ladder that a rule's deadlines climb."""
        return self.ladders[self.rules.get(rule, "task")]

    @property
    def lead_days(self) -> int:
        """Return how many calendar days ahead of a due date its first rung can lie; a holiday may lie between."""
        return max(-rung.when for rungs in self.ladders.values() for rung in rungs) + 20


@dataclass(frozen=True)
class Reached:
    """A rung that is reached: its key for the record (a repeated one is numbered) and the day it was reached."""

    key: str
    day: date
    to: tuple[str, ...]


@lru_cache(maxsize=1)
def load() -> Ladders:
    """Return the ladders as the data file says."""
    told = tomllib.loads((Path(__file__).parent / "reminders.toml").read_text("utf-8"))
    return Ladders(
        {
            name: tuple(
                Rung(rung["id"], rung["when"], rung["unit"], tuple(rung["to"]), rung.get("every", 0))
                for rung in ladder["rungs"]
            )
            for name, ladder in told["ladders"].items()
        },
        {rule: entry["ladder"] for rule, entry in told["rules"].items()},
        told["heads"],
    )


def reached(
    calendar: Calendar, rungs: tuple[Rung, ...], due_on: date, since: date, today: date, *, statutory: bool = False
) -> list[Reached]:
    """Return the rungs of `due_on` reached after `since` (when the task came) up to `today`, the earliest first.

    A rung that falls on a rest day is reached on the next working day, unless the deadline is statutory.
    Of a repeated rung only the latest turn counts: what was missed is not made up for one by one.
    """
    found = []
    for rung in rungs:
        last: Reached | None = None
        for turn in _turns(calendar, rung, due_on, today):
            day = _offset(calendar, due_on, rung.when + turn * rung.every, rung.unit)
            while not statutory and not calendar.is_working_day(day):
                day += timedelta(days=1)
            if day > today:
                break
            if day >= since:
                last = Reached(f"{rung.id}-{turn + 1}" if rung.every else rung.id, day, rung.to)
        if last is not None:
            found.append(last)
    return sorted(found, key=lambda entry: entry.day)


def _turns(calendar: Calendar, rung: Rung, due_on: date, today: date) -> range:
    if not rung.every:
        return range(1)
    elapsed = (today - due_on).days
    # Near the latest turn only; a matter may lie overdue for years.
    latest = max(0, (elapsed - rung.when) // rung.every)
    if rung.unit == "working_days":
        done = sum(calendar.is_working_day(due_on + timedelta(days=number)) for number in range(1, elapsed + 1))
        latest = max(0, (done - rung.when) // rung.every)
    return range(max(0, latest - 3), latest + 1)


def _offset(calendar: Calendar, start: date, count: int, unit: str) -> date:
    if unit == "days":
        return start + timedelta(days=count)
    day, left = start, abs(count)
    step = timedelta(days=1 if count > 0 else -1)
    while left:
        day += step
        left -= calendar.is_working_day(day)
    return day
