"""A decision in execution: problems reported, suspended by the head, resumed, adjusted, ended (Arts. 35 to 37)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import acts, audit, clock, tasks
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.models import AuditStream, Matter, MatterStatus, Notification, Task
from tests.stories.telling import names, status

EX = "T_execution_tracking_"
DA = "T_decision_adjustment_"
PH = "T_problem_handling_"


def order(play: Play, **change: Any) -> dict[str, Any]:
    return {
        "measure": "suspend", "ground": "force_majeure", "urgent": True, "scope": "whole",
        "urgent_facts": "连日暴雨引发山体滑坡，K3+200段路基垮塌。", "from": f"{play.day}T09:00",
        "review_by": date.fromordinal(play.day.toordinal() + 20).isoformat(), **change,
    }  # fmt: skip


PROBLEM = {
    "ground": "force_majeure", "severity": "serious", "urgent": True, "suggested_action": "suspend",
    "facts": "连日暴雨引发山体滑坡，K3+200段路基垮塌。",
}  # fmt: skip


def test_the_head_suspends_and_the_execution_goes_on_only_when_he_says_so(road: Play) -> None:
    assert names(road) == {EX + "01"}
    road.days(20).act("suspend", "gaojianming", **order(road))
    assert status(road) == MatterStatus.SUSPENDED and names(road) == set()
    with road.database.transaction(read_only=True) as session:
        unit = session.get_one(Matter, road.matter_id).implementing_unit_id
        told = session.scalars(select(Notification).where(Notification.event == "matter.suspended")).one()
        assert told.pool == f"implementing_unit:{unit}" and told.payload["ground"] == "force_majeure"
    with pytest.raises(Conflict):
        road.act("suspend", "gaojianming", **order(road))

    (adjusting,) = road.linked("adjustment")
    assert names(adjusting) == {DA + "02"}
    with road.database.transaction(read_only=True) as session:
        task = session.scalars(select(Task).where(Task.matter_id == adjusting.matter_id)).one()
        assert task.due_at and clock.local_date(task.due_at) == date.fromordinal(road.day.toordinal() + 20)
    adjusting.do(DA + "02", "zhoukai", kind="resume")
    assert status(road) == MatterStatus.SUSPENDED
    adjusting.do(DA + "04", "gaojianming")
    road.after(adjusting)
    assert status(road) == MatterStatus.RUNNING and names(road) == {EX + "01"}
    # And again: the boundary event stands anew after each round.
    road.days(3).act("suspend", "gaojianming", **order(road))
    assert status(road) == MatterStatus.SUSPENDED
    with road.database.transaction(read_only=True) as session:
        assert all(audit.verify(session, stream) is None for stream in session.scalars(select(AuditStream.name)))


@pytest.mark.parametrize("username", ["zhoukai", "sunli", "fangyi", "liangwei"])
def test_nobody_but_the_head_of_the_organ_suspends(road: Play, username: str) -> None:
    """R-37a, R-37b: neither office, deputy, implementing unit nor the head of another organ."""
    with road.database.transaction() as session, pytest.raises((NotPermitted, NotFound)):
        acts.begin(session, road._actor(session, username), road.matter_id, "suspend")
    assert status(road) == MatterStatus.RUNNING


@pytest.mark.parametrize(
    ("change", "field"),
    [({"ground": ""}, "ground"), ({"ground": "budget"}, "ground"), ({"urgent": False}, "urgent"),
     ({"urgent_facts": " "}, "urgent_facts"), ({"review_by": "2027-01-01"}, "review_by")],
)  # fmt: skip
def test_a_suspension_needs_its_ground_its_facts_and_its_end(road: Play, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        road.act("suspend", "gaojianming", **order(road, **change))
    assert set(refusal.value.errors) == {field}
    assert status(road) == MatterStatus.RUNNING and names(road) == {EX + "01", "F-35"}


@pytest.mark.parametrize("measure", ["amend", "terminate"])
def test_the_head_cannot_amend_or_terminate_that_way(road: Play, measure: str) -> None:
    with pytest.raises(Refused) as refusal:
        road.act("suspend", "gaojianming", **order(road, measure=measure))
    assert (refusal.value.rule, status(road)) == ("R-37b", MatterStatus.RUNNING)


def test_what_is_not_carried_out_cannot_be_suspended(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session, pytest.raises(Refused) as refusal:
        acts.begin(session, play._actor(session, "gaojianming"), play.matter_id, "suspend")
    assert refusal.value.rule == "R-37b"


def test_an_act_that_was_only_begun_can_be_dropped(road: Play) -> None:
    with road.database.transaction() as session:
        head = road._actor(session, "gaojianming")
        task = acts.begin(session, head, road.matter_id, "suspend")
        assert acts.begin(session, head, road.matter_id, "suspend").id == task.id
        tasks.release(session, head, task.id)
    assert names(road) == {EX + "01"} and status(road) == MatterStatus.RUNNING


def test_a_serious_problem_nobody_reads_goes_to_the_head(road: Play) -> None:
    """R-35a: handled in a matter of its own; after one working day it is the head's."""
    road.on(date(2026, 8, 3)).act("report-problem", "fangyi", occurred_on="2026-08-02", **PROBLEM)
    assert names(road) == {EX + "01"}
    (problem,) = road.linked("problem")
    assert names(problem) == {PH + "01"}
    problem.on(date(2026, 8, 4))
    assert names(problem) == {PH + "01"}
    problem.on(date(2026, 8, 5))
    assert names(problem) == {PH + "01", PH + "02"}
    problem.do(PH + "02", "gaojianming", instruction="请督查专员当日阅处。")
    problem.do(PH + "01", "zhoukai", finding="险情属实", action="suspend").do(PH + "03", "gaojianming")
    assert status(problem) == MatterStatus.COMPLETED


def test_a_general_problem_has_five_working_days_and_may_lead_to_an_adjustment(road: Play) -> None:
    road.on(date(2026, 8, 3))
    road.act("report-problem", "fangyi", occurred_on="2026-08-02", **{**PROBLEM, "severity": "general"})
    (problem,) = road.linked("problem")
    problem.on(date(2026, 8, 10))
    assert names(problem) == {PH + "01"}
    problem.do(PH + "01", "zhoukai", finding="需要调整线位", action="adjust")
    assert names(road.after(problem).linked("adjustment")[0]) == {DA + "02"}


def test_problems_are_reported_while_the_decision_stands_still_and_nobody_removes_them(road: Play) -> None:
    """R-35a: no operation takes a report back, and only the implementing unit makes one."""
    road.act("suspend", "gaojianming", **order(road))
    road.act("report-problem", "fangyi", occurred_on=road.day.isoformat(), **PROBLEM)
    with road.database.transaction() as session:
        report = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.element_id == "F-19b")).one()
        author = road._actor(session, "fangyi")
        for verb in (tasks.release, tasks.claim):
            with pytest.raises(Conflict):
                verb(session, author, report.id)
        with pytest.raises(NotPermitted):
            acts.begin(session, road._actor(session, "chenbin"), road.matter_id, "report-problem")


def test_a_minor_adjustment_is_approved_by_the_head_and_published(road: Play) -> None:
    road.act("suspend", "gaojianming", **order(road))
    (adjusting,) = road.linked("adjustment")
    adjusting.do(DA + "02", "zhoukai", kind="minor").do(DA + "02a", "gaojianming", approved=False)
    adjusting.do(DA + "02", "zhoukai", kind="minor")
    adjusting.do(DA + "02a", "gaojianming", approved=True, content="完工时间推迟两个月")
    assert status(road) == MatterStatus.SUSPENDED
    adjusting.do(DA + "03", "linyue")
    assert status(adjusting) == MatterStatus.COMPLETED
    assert names(road.after(adjusting)) == {EX + "01"}


def test_a_termination_is_reviewed_and_discussed_and_ends_the_execution(road: Play) -> None:
    road.days(30).do(EX + "01", "fangyi")
    road.act("suspend", "gaojianming", **order(road))
    (adjusting,) = road.linked("adjustment")
    adjusting.do(DA + "02", "zhoukai", kind="terminate").run_to("T_legality_review_04")
    with pytest.raises(RuntimeError, match="no open task"):
        adjusting.do("T_collective_discussion_06")
    adjusting.run_to("T_collective_discussion_06", given=cases.meeting_of(road.database))
    assert status(road) == MatterStatus.SUSPENDED
    adjusting.run_to(DA + "08", given=cases.meeting_of(road.database)).do(DA + "08", "linyue")
    assert names(road.after(adjusting)) == {"T_archiving_01"}
    adjusting.run_to()
    road.run_to()
    assert (status(road), status(adjusting)) == (MatterStatus.COMPLETED, MatterStatus.COMPLETED)


def test_a_termination_also_ends_an_execution_that_was_never_suspended(road: Play) -> None:
    road.act("report-problem", "fangyi", occurred_on=road.day.isoformat(), **PROBLEM)
    (problem,) = road.linked("problem")
    problem.do(PH + "01", "zhoukai", finding="已不需要", action="adjust")
    (adjusting,) = road.after(problem).linked("adjustment")
    adjusting.do(DA + "02", "zhoukai", kind="terminate").run_to(given=cases.meeting_of(road.database))
    assert names(road.after(adjusting)) == {"T_archiving_01"}


def test_a_major_adjustment_is_a_decision_of_its_own_that_replaces_the_old_one(road: Play) -> None:
    """R-37c: drafted, reviewed, discussed and published again; only then the old one ends."""
    road.act("suspend", "gaojianming", **order(road))
    (adjusting,) = road.linked("adjustment")
    adjusting.do(DA + "02", "zhoukai", kind="major").do(DA + "05", "zhoukai")
    (new,) = road.after(adjusting).linked("adjusts")
    assert names(new) == {cases.M + "05"} and status(adjusting) == MatterStatus.COMPLETED
    new.run_to("T_publication_03", given=cases.meeting_of(road.database))
    assert status(road) == MatterStatus.SUSPENDED
    new.do("T_publication_03")
    assert names(road.after(new)) == {"T_archiving_01"}


def test_a_matter_is_ended_before_its_decision_and_what_exists_is_archived(
    database: Database, files: FileStore
) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session, pytest.raises(NotPermitted):
        acts.begin(session, play._actor(session, "zhoukai"), play.matter_id, "withdraw")
    play.act("withdraw", "gaojianming")
    assert status(play) == MatterStatus.CANCELLED and names(play) == set()
    (archive,) = play.linked("archive")
    archive.run_to()
    assert status(archive) == MatterStatus.COMPLETED


def test_a_decision_cannot_be_ended_that_way(road: Play) -> None:
    with road.database.transaction() as session, pytest.raises(Refused) as refusal:
        acts.begin(session, road._actor(session, "gaojianming"), road.matter_id, "withdraw")
    assert refusal.value.rule == "R-10d"
