"""Expropriation of land inside a decision: periods that no reason shortens, and the hearing that a majority forces."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import land, land_steps, policies, submitted, working_days
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, Refused
from decision_flow.land import Objections
from decision_flow.models import Matter, Task

DECREE, PRE_NOTICE = policies.numbers(policies.decree()), "land_pre_notice_workdays"
M, PP, T = cases.M, cases.PP, "T_land_expropriation_"


def test_the_periods_of_the_land_law() -> None:
    calendar = working_days.package()
    assert land.shortest_end(calendar, "F-43", date(2026, 3, 16), DECREE).due_on == date(2026, 3, 30)
    assert land.shortest_end(calendar, "F-43", date(2026, 3, 16), {**DECREE, PRE_NOTICE: 12}).due_on == date(2026, 4, 1)
    # Thirty days end on 3 May, a holiday: rolled to the first working day.
    assert land.shortest_end(calendar, "F-43c", date(2026, 4, 3), DECREE).due_on == date(2026, 5, 6)


@pytest.mark.parametrize(
    ("members", "objecting", "mandatory"), [(206, 118, True), (206, 103, False), (206, 104, True), (1, 1, True), (9, 0, False)]
)  # fmt: skip
def test_more_than_half_make_a_hearing_mandatory(members: int, objecting: int, mandatory: bool) -> None:
    assert land.hearing_is_mandatory(Objections(members, objecting)) is mandatory


def standing(database: Database, play: Play) -> set[str]:
    with database.transaction(read_only=True) as session:
        query = select(Task.element_id).where(Task.matter_id == play.matter_id, Task.state.in_(("OPEN", "CLAIMED")))
        return set(session.scalars(query))


@pytest.fixture
def play(database: Database, files: FileStore) -> Play:
    """A matter in which land is expropriated, at its pre-notice on 16 March 2026."""
    found = cases.OTHERS[4](database, files)
    found.on(max(found.day, date(2026, 11, 2)))
    return found.do(M + "09", land_expropriation=True).run_to(T + "01", *_OTHER_BRANCHES)


_OTHER_BRANCHES = ("T_public_participation_01", "T_required_steps_08", "T_required_steps_09", "T_risk_assessment_03")


def notice(database: Database, play: Play, form: str, **more: Any) -> dict[str, Any]:
    with database.transaction(read_only=True) as session:
        due = land.shortest_end(working_days.load(session), form, play.day, DECREE).due_on
    return {"open_on": play.day.isoformat(), "close_on": due.isoformat(), **more}


def test_a_window_of_twenty_days_is_refused_even_with_a_reason(database: Database, play: Play) -> None:
    short = {**notice(database, play, "F-43"), "close_on": (play.day + timedelta(days=9)).isoformat()}
    with pytest.raises(Invalid) as refusal:
        play.do(T + "01", **short, channels=["website"], short_reason_public="工期紧")
    assert "short_reason_public" in refusal.value.errors or "close_on" in refusal.value.errors
    with pytest.raises(Invalid) as refusal:
        play.do(T + "01", **short, channels=["website"])
    assert "10个工作日" in refusal.value.errors["close_on"][0]
    assert T + "01" in standing(database, play)
    long_enough = notice(database, play, "F-43")
    # Nor one that began long before anybody could read it.
    past = {
        **long_enough,
        "open_on": (play.day - timedelta(days=60)).isoformat(),
        "close_on": (play.day - timedelta(days=1)).isoformat(),
    }
    with pytest.raises(Invalid) as back:
        play.do(T + "01", **past, channels=["website"])
    assert set(back.value.errors) == {"open_on"} and T + "01" in standing(database, play)
    play.do(T + "01", **long_enough, channels=["website"])
    with pytest.raises(Refused, match="没有届满") as early:
        play.do(T + "02", confirmed=True, villagers_took_part=True)
    assert early.value.rule == "R-03b"
    play.on(date.fromisoformat(long_enough["close_on"]) + timedelta(days=1))
    play.do(T + "02", confirmed=True, villagers_took_part=True)
    twenty = {**notice(database, play, "F-43c"), "close_on": (play.day + timedelta(days=20)).isoformat()}
    with pytest.raises(Invalid) as refusal:
        play.do(T + "03", **twenty, members_total=206, hearing_right_told=True)
    assert "30日" in refusal.value.errors["close_on"][0]


def test_a_majority_that_objects_must_be_heard(database: Database, play: Play) -> None:
    first = notice(database, play, "F-43")
    play.do(T + "01", **first, channels=["website"]).on(date.fromisoformat(first["close_on"]) + timedelta(days=1))
    play.do(T + "02", confirmed=True, villagers_took_part=True)
    second = notice(database, play, "F-43c", members_total=206, hearing_right_told=True)
    play.do(T + "03", **second).on(date.fromisoformat(second["close_on"]) + timedelta(days=1))
    play.do(T + "04", objections=118)
    assert "T_hearing_01" in standing(database, play) and T + "05" not in standing(database, play)
    # Whatever diagram leaves the hearing out, and whatever a form redrawn by the office says of it.
    with database.transaction() as session:
        row = submitted.tasks_of(session, play.matter_id, "F-43d")[-1]
        row.submission = {**(row.submission or {}), "hearing_mandatory": False}
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        for form in ("F-12", "F-43e"):
            with pytest.raises(Refused) as refusal:
                land_steps.check(session, matter, form, {})
            assert (refusal.value.rule, refusal.value.article) == ("R-16a", "土地管理法第四十七条")


def test_without_a_majority_the_agreements_follow(database: Database, play: Play) -> None:
    first = notice(database, play, "F-43")
    play.do(T + "01", **first, channels=["website"]).on(date.fromisoformat(first["close_on"]) + timedelta(days=1))
    play.do(T + "02", confirmed=True, villagers_took_part=True)
    second = notice(database, play, "F-43c", members_total=206, hearing_right_told=True)
    play.do(T + "03", **second).on(date.fromisoformat(second["close_on"]) + timedelta(days=1))
    with pytest.raises(Invalid) as refusal:
        play.do(T + "04", objections=207)
    assert set(refusal.value.errors) == {"objections"}
    play.do(T + "04", objections=103)
    with pytest.raises(Invalid) as refusal:
        play.do(T + "05", signed=187, funds_ready=True)
    assert "unsigned_statement" in refusal.value.errors
    play.do(T + "05", signed=187, funds_ready=True, unsigned_statement="19人因安置房面积未达成一致，已如实说明。")
    assert not any(name.startswith(T) for name in standing(database, play))
