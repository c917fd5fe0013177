"""A year after a decision: reminders, the evaluation on its day, escalation, an early trigger, a decline with reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from decision_flow import audit, bundles, clock, effects, feedback, identity, jobs, worker, working_days
from decision_flow.audit import SYSTEM, AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.engine import Call
from decision_flow.errors import Invalid, NotPermitted
from decision_flow.evaluations import Facts, triggers_of
from decision_flow.evaluations import facts_of as found_facts
from decision_flow.identity import Actor
from decision_flow.models import (
    AuditStream,
    Evaluation,
    Matter,
    Notification,
    ProcedureVersion,
    Reminder,
    Task,
    Timer,
    User,
)


def actor(session, username: str) -> Actor:
    return identity.actor_of(session, session.scalars(select(User).where(User.username == username)).one())


def evaluations(database: Database, play: Play) -> list[Evaluation]:
    with database.transaction(read_only=True) as session:
        return list(
            session.scalars(
                select(Evaluation).where(Evaluation.decision_id == play.matter_id).order_by(Evaluation.due_on)
            )
        )


def rungs(database: Database, subject: str) -> dict[str, date]:
    with database.transaction(read_only=True) as session:
        rows = session.execute(select(Reminder.rung, Reminder.given_on).where(Reminder.subject == subject))
        return dict(rows.all())


def test_a_year(database: Database, files: FileStore, travel: Callable[[date], None]) -> None:
    play = cases.rural_road(database, files, date(2026, 1, 12))
    light, _ = evaluations(database, play)
    subject = f"evaluation:{light.id}"
    calendar = working_days.package()

    def working(day: date) -> date:
        while not calendar.is_working_day(day):
            day += timedelta(days=1)
        return day

    # The days around each rung, as the worker lives them; twice a day changes nothing.
    near = (-30, -7, 0, 7, 14)
    for offset in sorted({number + step for number in near for step in (-1, 0, 1, 2, 3)}):
        if offset == 0:
            assert evaluations(database, play)[0].status == "SCHEDULED"
        travel(light.due_on + timedelta(days=offset))
        worker.tick(database, "a")
        jobs.run_due(database, "a", worker.DAILY)
        assert jobs.run_due(database, "b", worker.DAILY) == 0
    given = rungs(database, subject)
    assert given["before-30"] == working(light.due_on - timedelta(days=30))
    assert given["before-7"] == working(light.due_on - timedelta(days=7))
    assert given["due"] == working(light.due_on)
    assert given["late-1"] == working(light.due_on + timedelta(days=7))
    assert given["late-2"] == working(light.due_on + timedelta(days=14))
    assert given["late-head"] == working(light.due_on + timedelta(days=14))
    assert set(given) == {"before-30", "before-7", "due", "late-1", "late-2", "late-head"}

    (started, _) = evaluations(database, play)
    assert (started.status, started.trigger) == ("STARTED", "scheduled")
    with database.transaction(read_only=True) as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.event == "evaluation.started", AuditEvent.matter_id == play.matter_id)
        ).all()
        assert [clock.local_date(event.at) for event in events] == [light.due_on]
        recorded = [
            json.loads(event.canonical)["facts"]["rung"]
            for event in session.scalars(
                select(AuditEvent).where(AuditEvent.event == "reminder.sent", AuditEvent.matter_id == play.matter_id)
            )
            if json.loads(event.canonical)["facts"]["kind"] == "evaluation"
        ]
        assert sorted(recorded) == sorted(given)
        office = actor(session, "zhoukai")
        mine = session.scalars(
            select(Notification).where(Notification.recipient_id == office.user_id, Notification.event == "digest")
        ).all()
        # One digest a day, whatever it holds.
        assert len({notice.dedupe_key for notice in mine}) == len(mine)
        assert any(item["title"].startswith("清河镇青石") for notice in mine for item in notice.payload["items"])

    # A decline without a reason is refused; with one it is kept.
    _evaluate(database, files, started, play, decline=True)
    assert (evaluations(database, play)[0].status, evaluations(database, play)[0].reason) == (
        "DECLINED",
        "执行时间尚短，效果还不能判断。",
    )

    _early_trigger(database, files, play, travel)
    with database.transaction(read_only=True) as session:
        for stream in session.scalars(select(AuditStream.name)):
            assert audit.verify(session, stream) is None


def _evaluate(database: Database, files: FileStore, found: Evaluation, play: Play, *, decline: bool) -> None:
    reviewing = Play(database, files, clock.today())
    reviewing.matter_id = found.matter_id or 0
    if decline:
        with pytest.raises(Invalid) as refusal:
            reviewing.do("T_post_evaluation_01", start=False, trigger_type="scheduled", decline_reason="")
        assert set(refusal.value.errors) == {"decline_reason"}
        reviewing.do(
            "T_post_evaluation_01",
            start=False,
            trigger_type="scheduled",
            decline_reason="执行时间尚短，效果还不能判断。",
        )
        return
    reviewing.run_to(given={"T_post_evaluation_07": {"outcome": "continue", "next_review_months": 12}})


def _early_trigger(database: Database, files: FileStore, play: Play, travel: Callable[[date], None]) -> None:
    """One opinion less is not many; the last one begins an evaluation that night, once."""
    travel(clock.today() + timedelta(days=1))
    today = clock.today()
    with database.transaction(read_only=True) as session:
        many = math.ceil(found_facts(session, play.matter_id, today).opinion_threshold)
    with database.transaction() as session:
        clerk = actor(session, "zhoukai")
        told = {"kind": "opinion", "channel": "phone", "negative": "true", "heard_on": today.isoformat()}
        for number in range(many - 1):
            feedback.record(session, clerk, play.matter_id, {**told, "content": f"来电反映路面积水{number}"})
        with pytest.raises(Invalid) as refusal:
            feedback.record(session, clerk, play.matter_id, {"kind": "x", "content": "", "heard_on": "2099-01-01"})
        assert set(refusal.value.errors) == {"kind", "content", "heard_on"}
        with pytest.raises(NotPermitted):
            feedback.record(session, clerk, play.matter_id, {**told, "kind": "head_order", "content": "开展评估"})
    travel(today + timedelta(days=1))
    jobs.run_due(database, "a", worker.DAILY)
    assert [found for found in evaluations(database, play) if found.trigger != "scheduled"] == []
    with database.transaction() as session:
        feedback.record(session, actor(session, "zhoukai"), play.matter_id, {**told, "content": "来信要求返工"})
    for offset in (2, 3):
        travel(today + timedelta(days=offset))
        jobs.run_due(database, "a", worker.DAILY)
        worker.tick(database, "a")
    (early,) = [found for found in evaluations(database, play) if found.trigger != "scheduled"]
    assert (early.trigger, early.status, early.due_on) == ("many_opinions", "STARTED", today + timedelta(days=2))
    assert early.evidence["facts"]["negative_opinions"] == many
    with database.transaction(read_only=True) as session:
        told_of = session.scalars(
            select(Notification).where(Notification.event == "evaluation.triggered", Notification.channel == "inbox")
        ).all()
        assert {notice.pool for notice in told_of if notice.pool} == {
            f"{role}:{session.get_one(Matter, play.matter_id).organ_id}"
            for role in ("government_office", "deputy_head")
        }

    # It ends in "continue": the next review is set from that day, and the opinions weighed do not count again.
    _evaluate(database, files, early, play, decline=False)
    closed = next(found for found in evaluations(database, play) if found.id == early.id)
    assert (closed.status, closed.outcome) == ("COMPLETED", "continue")
    following = next(found for found in evaluations(database, play) if found.id == closed.next_id)
    assert following.due_on == working_days.add_months(clock.local_date(closed.closed_at), 12)
    travel(clock.local_date(closed.closed_at) + timedelta(days=1))
    jobs.run_due(database, "a", worker.DAILY)
    assert len([found for found in evaluations(database, play) if found.trigger != "scheduled"]) == 1
    # An order of the head begins one at once.
    with database.transaction() as session:
        feedback.record(
            session, actor(session, "gaojianming"), play.matter_id,
            {"kind": "head_order", "heard_on": clock.today().isoformat(), "content": "请评估养护机制"},
        )  # fmt: skip
    worker.tick(database, "a")
    assert [found.status for found in evaluations(database, play) if found.trigger == "deemed_necessary"] == ["STARTED"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"target_attainment": 0.59, "term_elapsed": 0.5}, ["below_expectation"]),
        ({"target_attainment": 0.59, "term_elapsed": 0.49}, []),
        ({"target_attainment": 0.6, "term_elapsed": 0.9}, []),
        ({"negative_opinions": 19}, []),
        ({"negative_opinions": 20}, ["many_opinions"]),
        ({"negative_opinions": 49, "opinion_threshold": 50}, []),
        ({"negative_opinions": 50, "opinion_threshold": 50, "petitions": 9}, ["many_opinions"]),
        ({"petitions": 5}, ["many_opinions"]),
        ({"petitions": 4}, []),
        ({"legal_basis_changed": True, "head_order": True}, ["law_change", "deemed_necessary"]),
    ],
)
def test_the_trigger_table(facts: dict, expected: list[str]) -> None:
    told = {"target_attainment": 1.0, "term_elapsed": 0.5, "negative_opinions": 0, "opinion_days": 90,
            "opinion_threshold": 20, "petitions": 0, "legal_basis_changed": False, "head_order": False, **facts}  # fmt: skip
    assert triggers_of(Facts(**told)) == expected


def test_overdue_work_climbs_to_the_head_of_the_unit_and_the_deputy(
    database: Database, files: FileStore, travel: Callable[[date], None]
) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction(read_only=True) as session:
        task = session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.due_rule == "R-26c", Task.state == "CLAIMED")
        ).one()
        due, calendar = clock.local_date(task.due_at), working_days.load(session)
    day = due - timedelta(days=10)
    while day <= due + timedelta(days=12):
        travel(day)
        worker.tick(database, "a")
        jobs.run_due(database, "a", worker.DAILY)
        day += timedelta(days=1)
    given = rungs(database, f"task:{task.id}")
    late = [due + timedelta(days=number) for number in range(1, 13)]
    nth = [day for day in late if calendar.is_working_day(day)]
    assert given["due"] == due and given["before"] < due
    assert (given["late-1"], given["late-unit"], given["late-deputy"]) == (nth[0], nth[2], nth[4])
    with database.transaction(read_only=True) as session:
        rows = {
            row.rung: row.told for row in session.scalars(select(Reminder).where(Reminder.subject == f"task:{task.id}"))
        }
        assert rows["late-1"] == {"handler": [task.assignee_id]}
        assert set(rows["late-unit"]) == {"unit_head"} and rows["late-unit"]["unit_head"]
        assert rows["late-deputy"]["deputy_head"] == [actor(session, "sunli").user_id, actor(session, "mabo").user_id]
        told = session.scalars(
            select(Notification).where(Notification.event == "digest", Notification.recipient_id == task.assignee_id)
        ).all()
        assert len(told) == len({notice.dedupe_key for notice in told}) >= 5


def test_a_decision_for_a_fixed_term_is_reviewed_after_its_end(database: Database, files: FileStore) -> None:
    play = cases.rural_road(database, files, date(2026, 1, 12))
    planned = {found.due_on for found in evaluations(database, play)}
    with database.transaction() as session:
        matter = session.get_one(Matter, play.matter_id)
        runnable = bundles.runnable(session, session.get_one(ProcedureVersion, matter.procedure_version_id))
        order = {"effective_date": str(matter.effective_date), "term_end": "2028-08-31", "post_eval_plan": []}
        call = Call("schedule_evaluations", runnable.compiled.elements["S_evaluations"], {"F18": order})
        for _ in range(2):  # the same order once more plans nothing anew
            effects.perform(session, matter, call, actor=SYSTEM, at=clock.now())
    (added,) = [found for found in evaluations(database, play) if found.due_on not in planned]
    # Half a year after the last of August: the last of February, which does not roll off a rest day.
    assert (added.due_on, added.mode, added.months) == (date(2029, 2, 28), "full", 6)
    with database.transaction(read_only=True) as session:
        timer = session.scalars(select(Timer).where(Timer.dedupe_key == f"evaluation:{added.id}")).one()
        assert timer.explanation == "自2028-08-31执行期限届满之日起6个月" and timer.rule == "R-36a"
