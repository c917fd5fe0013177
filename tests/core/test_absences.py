"""Standing in: with the pools of the absent person, in both names, for its days and procedure, and no further."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from decision_flow import absences, clock, identity, jobs, tasks, worker
from decision_flow.audit import AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Barred, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import Appointment, Notification, Task, User


def actor(session, username: str) -> Actor:
    return identity.actor_of(session, session.scalars(select(User).where(User.username == username)).one())


def arrange(session, principal: str, other: str, first: date, last: date, key: str = "") -> None:
    me, substitute = actor(session, principal), actor(session, other)
    absences.substitute(session, me, {
        "substitute_id": str(substitute.user_id), "starts_on": first.isoformat(), "ends_on": last.isoformat(),
        "reason": "出差", "procedure_key": key,
    })  # fmt: skip


@pytest.fixture
def task(database: Database, files: FileStore) -> Task:
    play = cases.OTHERS[6](database, files)
    with database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.state == "CLAIMED", Task.due_rule == "R-26c")
        ).one()


def test_both_names_stand_in_the_trail_and_it_ends_by_itself(
    database: Database, task: Task, travel: Callable[[date], None]
) -> None:
    today = clock.today()
    travel(today)
    with database.transaction() as session:
        # The holder of the task is absent: it returns to the post, where the substitute finds it.
        holder = session.get_one(User, task.assignee_id)
        other = "zhaolei" if holder.username != "zhaolei" else "wangmin"
        assert task.pool not in actor(session, other).pools
        arrange(session, holder.username, other, today, today + timedelta(days=3))
        assert session.get_one(Task, task.id).state == "OPEN"
        told = session.scalars(select(Notification.event).where(Notification.task_id == task.id)).all()
        assert "task.returned" in told
    worker.tick(database, "a")
    with database.transaction() as session:
        me = actor(session, other)
        told = session.scalars(
            select(Notification.event).where(Notification.recipient_id == me.user_id, Notification.task_id == task.id)
        ).all()
        assert "task.returned" in told
        tasks.claim(session, me, task.id)
    with database.transaction() as session:
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.task_id == task.id).order_by(AuditEvent.id.desc())
        ).first()
        assert json.loads(event.canonical)["on_behalf_of"].endswith(holder.name)
        assert event.actor == me.display
        assert tasks.signed_as(me, task) == f"{me.display}（代{actor(session, holder.username).display}）"
    travel(today + timedelta(days=4))
    with database.transaction() as session:
        late = actor(session, other)
        assert late.acting == () and task.pool not in late.pools
        with pytest.raises(NotPermitted):
            tasks.complete(session, late, task.id, {})
    jobs.run_due(database, "a", worker.DAILY)
    with database.transaction(read_only=True) as session:
        assert (session.get_one(Task, task.id).state, session.get_one(Task, task.id).assignee_id) == ("OPEN", None)


def test_for_one_procedure_only(database: Database, task: Task) -> None:
    with database.transaction() as session:
        holder = session.get_one(User, task.assignee_id)
        arrange(session, holder.username, "tangwen", clock.today(), clock.today(), "post_evaluation")
        # It concerns another procedure: what is in hand stays in hand.
        assert session.get_one(Task, task.id).state == "CLAIMED"
        tasks.release(session, actor(session, holder.username), task.id)
        with pytest.raises(NotPermitted, match="另一程序"):
            tasks.claim(session, actor(session, "tangwen"), task.id)


def test_administrators_and_strangers_stand_in_for_nobody(database: Database, task: Task) -> None:
    today = clock.today()
    with database.transaction() as session:
        with pytest.raises(Refused) as refusal:
            arrange(session, "wangmin", "admin", today, today)
        assert refusal.value.rule == "SOD-13"
        with pytest.raises(NotPermitted):
            absences.substitute(session, actor(session, "wangmin"), {
                "principal_id": str(actor(session, "gaojianming").user_id), "substitute_id": str(actor(session, "sunli").user_id),
                "starts_on": today.isoformat(), "ends_on": today.isoformat(), "reason": "x"})  # fmt: skip


def test_what_somebody_who_left_held_returns_to_the_post(database: Database, task: Task) -> None:
    with database.transaction() as session:
        for held in session.scalars(select(Appointment).where(Appointment.user_id == task.assignee_id)):
            held.ends_on = clock.today() - timedelta(days=1)
    jobs.run_due(database, "a", worker.DAILY)
    jobs.run_due(database, "b", worker.DAILY)
    with database.transaction(read_only=True) as session:
        found = session.get_one(Task, task.id)
        assert (found.state, found.assignee_id) == ("OPEN", None)
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.task_id == task.id, AuditEvent.event == "task.returned")
        ).all()
        assert len(events) == 1


def test_separation_of_duties_holds_for_the_substitute(database: Database, task: Task) -> None:
    """SOD-01: whoever drafted does not review, not even in the name of the reviewer."""
    with database.transaction() as session:
        drafter = session.scalars(
            select(User)
            .join(Task, Task.completed_by_id == User.id)
            .where(Task.matter_id == task.matter_id, Task.form == "F-06")
        ).first()
        arrange(
            session, session.get_one(User, task.assignee_id).username, drafter.username, clock.today(), clock.today()
        )
        me = actor(session, drafter.username)
        assert task.pool in me.pools
        with pytest.raises(Barred) as refusal:
            tasks.claim(session, me, task.id)
        assert "SOD-01" in refusal.value.rules
