"""Expropriation of collective land: periods that no reason shortens, and the hearing that a majority forces.

Land Administration Law, Art. 47; its Implementing Regulation, Arts. 26 to 31. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from decision_flow.errors import N_
from decision_flow.working_days import Calendar, Deadline, days_after, working_days_after

# The form of each notice, with the text that says what is missing.
TOO_SHORT = {
    "F-43": N_("预公告期限不少于%s个工作日，最早到%s届满。法律没有规定可以缩短，填写理由也不能缩短。"),
    "F-43c": N_("补偿安置公告期限不少于%s日，最早到%s届满。法律没有规定可以缩短，填写理由也不能缩短。"),
}
ARTICLES = {"F-43": "土地管理法实施条例第二十六条", "F-43c": "土地管理法第四十七条"}
# What may only be recorded when the period of the notice before it is over.
WAITS_FOR = {"F-43b": "F-43", "F-43d": "F-43c"}
# What each notice says, by field of its form: (field, section of the page).
SECTIONS = {
    "F-43": (("scope_text", "area"),),
    "F-43c": (("body", "plan"), ("how_to_object", "objecting")),
    "F-43g": (("body", "area"),),
}


@dataclass(frozen=True)
class Objections:
    """Members of the collective, and how many of them say that the plan breaks the rules."""

    members: int
    objecting: int


def shortest_end(calendar: Calendar, form: str, opened: date, numbers: Mapping[str, int]) -> Deadline:
    """Return the first day on which the notice made by `form` may end; the day of publication is not counted.

    The pre-notice (F-43) runs for working days, the notice of the plan (F-43c) for days that roll to a working day;
    how many say the matter's settings.
    """
    if form == "F-43":
        return working_days_after(calendar, numbers["land_pre_notice_workdays"], opened)
    return days_after(calendar, numbers["land_compensation_notice_days"], opened)


def hearing_is_mandatory(told: Objections) -> bool:
    """Whether more than half of the members say that the plan breaks the rules (Law, Art. 47)."""
    return told.objecting * 2 > told.members
