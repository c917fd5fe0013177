"""A deadline says why; it is paused and extended on the grounds of its rule and on no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from decision_flow import clock, deadlines, identity, worker, working_days
from decision_flow.audit import AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import Task, Timer, User

REVIEW = date(2026, 3, 9)


def actor(session, username: str) -> Actor:
    return identity.actor_of(session, session.scalars(select(User).where(User.username == username)).one())


@pytest.fixture
def review(database: Database, files: FileStore, travel: Callable[[date], None]) -> Task:
    """A legality review in somebody's hands, counted from a Monday in March 2026."""
    play = cases.OTHERS[6](database, files)
    travel(REVIEW)
    with database.transaction() as session:
        task = session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.due_rule == "R-26c", Task.state == "CLAIMED")
        ).one()
        task.deadline = {**task.deadline, "start": REVIEW.isoformat()}
        deadlines.recompute(session, actor(session, "wangmin"))
    return task


def holder(session, task: Task) -> Actor:
    return identity.actor_of(session, session.get_one(User, task.assignee_id))


def due(database: Database, task: Task) -> date:
    with database.transaction(read_only=True) as session:
        return clock.local_date(session.get_one(Task, task.id).due_at)


def test_it_says_why(database: Database, review: Task) -> None:
    with database.transaction(read_only=True) as session:
        told = deadlines.why(session, holder(session, review), review.id)
        assert (told.deadline.unit, told.deadline.count, told.deadline.start) == ("working_days", 7, REVIEW)
        assert told.deadline.due_on == date(2026, 3, 18)
        assert told.skipped == (date(2026, 3, 14), date(2026, 3, 15))
        assert told.rule.statutory and told.deadline.calendar_version == 1
        with pytest.raises(NotFound):
            deadlines.why(session, actor(session, "duanrui"), review.id)


def test_the_days_of_a_pause_do_not_count(database: Database, review: Task, travel: Callable[[date], None]) -> None:
    travel(date(2026, 3, 11))
    with database.transaction() as session:
        me = holder(session, review)
        with pytest.raises(Invalid) as refusal:
            deadlines.pause(session, me, review.id, "weather", " ")
        assert set(refusal.value.errors) == {"ground", "reason"}
        deadlines.pause(session, me, review.id, "materials", "缺财政部门意见")
        with pytest.raises(Conflict):
            deadlines.pause(session, me, review.id, "materials", "再次")
    travel(date(2026, 4, 1))
    assert worker.tick(database, "a") == 0  # nothing falls due meanwhile
    with database.transaction() as session:
        deadlines.resume(session, holder(session, review), review.id)
        with pytest.raises(Conflict):
            deadlines.resume(session, holder(session, review), review.id)
    # Fifteen working days from 12 March to 1 April are added to seven, over Qingming.
    calendar = working_days.package()
    assert due(database, review) == working_days.working_days_after(calendar, 22, REVIEW).due_on
    with database.transaction(read_only=True) as session:
        assert session.scalars(select(Timer).where(Timer.task_id == review.id)).one().state == "WAITING"
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.task_id == review.id, AuditEvent.event.like("deadline.%"))
        ).all()
        paused, resumed = events[-2:]
        assert (paused.event, resumed.event) == ("deadline.paused", "deadline.resumed")
        facts = json.loads(resumed.canonical)["facts"]
        assert facts["from"] != facts["to"] and facts["until"] == "2026-04-01"
        assert "中止计算15个工作日" in session.get_one(Task, review.id).due_explanation


def test_what_the_rule_does_not_allow_is_refused(database: Database, review: Task) -> None:
    with database.transaction() as session:
        with pytest.raises(Refused) as refusal:
            deadlines.extend(session, actor(session, "sunli"), review.id, "complex", 5, "事项复杂")
        assert refusal.value.rule == "R-26c"
        with pytest.raises(NotPermitted):
            deadlines.pause(session, actor(session, "zhaolei"), review.id, "materials", "不是本人的任务")


def test_extension_is_approved_by_another_as_far_as_the_ground_goes(database: Database, review: Task) -> None:
    with database.transaction() as session:
        session.get_one(Task, review.id).due_rule = "R-19b"
    with database.transaction() as session:
        with pytest.raises(Refused, match="本人"):
            deadlines.extend(session, holder(session, review), review.id, "complex", 5, "x")
        leader = actor(session, "sunli")
        with pytest.raises(NotPermitted):
            deadlines.extend(session, actor(session, "zhaolei"), review.id, "complex", 5, "x")
        with pytest.raises(Invalid, match="没有延期"):
            deadlines.extend(session, leader, review.id, "complex", 11, "x")
        deadlines.extend(session, leader, review.id, "complex", 10, "涉及多个专业")
        with pytest.raises(Refused, match="延长过"):
            deadlines.extend(session, leader, review.id, "complex", 1, "x")
    assert due(database, review) == working_days.working_days_after(working_days.package(), 17, REVIEW).due_on
    assert due(database, review) > REVIEW + timedelta(days=14)


def test_a_change_of_months_and_days_is_counted_in_its_own_unit() -> None:
    calendar = working_days.package()
    three = working_days.counted(calendar, "months", 3, date(2026, 1, 31), added=1)
    assert str(three) == "2026-05-31" and "延长1个月" in three.explanation
    later = working_days.counted(calendar, "days", 30, date(2026, 3, 9), paused=3)
    assert str(later) == "2026-04-13"  # 11 April is a Saturday
