"""Timers: each goes off once whoever dies, a failure stops nothing, and a moved clock does no harm."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from decision_flow import clock, timers, worker
from decision_flow.audit import AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.models import Matter, Notification, Task, Timer

COUNT = 120


def overdue(database: Database, task: Task, count: int) -> None:
    with database.transaction() as session:
        session.execute(
            insert(Timer),
            [
                {
                    "kind": "reminder", "matter_id": task.matter_id, "task_id": task.id, "due_at": clock.now() - timedelta(hours=1),
                    "state": "WAITING", "attempts": 0, "rule": "", "explanation": "", "last_error": "", "dedupe_key": f"t{number}",
                }
                for number in range(count)
            ],
        )  # fmt: skip


@pytest.fixture
def task(database: Database, files: FileStore) -> Task:
    play = cases.OTHERS[0](database, files)
    with database.transaction(read_only=True) as session:
        return session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.state == "OPEN")).one()


def told(database: Database, task: Task) -> tuple[int, int, int]:
    with database.transaction(read_only=True) as session:
        done = select(func.count()).select_from(Timer).where(Timer.kind == "reminder", Timer.state == "DONE")
        # What was recorded; the copies for each reader carry the key of their notice before a ">".
        notices = select(func.count()).select_from(Notification).where(
            Notification.event == "task.reminder", ~Notification.dedupe_key.contains(">")
        )  # fmt: skip
        events = select(func.count()).select_from(AuditEvent).where(
            AuditEvent.event == "reminder.sent", AuditEvent.task_id == task.id
        )  # fmt: skip
        return session.scalar(done) or 0, session.scalar(notices) or 0, session.scalar(events) or 0


def _work(url: str) -> None:
    database = Database(url)
    while True:
        worker.tick(database, f"worker-{os.getpid()}")
        time.sleep(0.01)


def test_each_goes_off_once_whoever_is_killed(database: Database, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    overdue(database, task, COUNT)
    monkeypatch.setattr(timers, "LEASE_SECONDS", 1)
    context = multiprocessing.get_context("fork")
    database.dispose()
    workers = [context.Process(target=_work, args=(database.url,), daemon=True) for _ in range(3)]
    for process in workers:
        process.start()
    time.sleep(0.4)
    os.kill(workers[0].pid or 0, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and told(database, task)[0] < COUNT:
        time.sleep(0.1)
    for process in workers:
        process.kill()
        process.join()
    assert told(database, task) == (COUNT, COUNT, COUNT)


def test_a_failing_timer_rests_keeps_its_date_and_stops_nothing(database: Database, task: Task) -> None:
    overdue(database, task, 2)
    with database.transaction() as session:
        broken = Timer(
            kind="start_matter", matter_id=task.matter_id, due_at=clock.now() - timedelta(days=1), state="WAITING",
            payload={"procedure": "nowhere", "relation": "x"}, dedupe_key="broken",
        )  # fmt: skip
        session.add(broken)
    assert worker.tick(database, "a") == 2
    with database.transaction(read_only=True) as session:
        found = session.get_one(Timer, broken.id)
        assert (found.state, found.attempts) == ("WAITING", 1)
        assert "nowhere" in found.last_error
        assert found.due_at == broken.due_at
    assert worker.tick(database, "b") == 0  # it rests under its lease


def test_a_timer_of_another_owner_is_left_alone(database: Database, task: Task) -> None:
    overdue(database, task, 1)
    with database.transaction() as session:
        (claimed,) = timers.claim(session, "a")
        assert timers.claim(session, "b") == []
    with database.transaction() as session:
        assert timers.fire(session, claimed, "b") is False
        assert timers.fire(session, claimed, "a") is True
        assert timers.fire(session, claimed, "a") is False


def test_a_timer_of_a_matter_that_has_ended_is_cancelled(database: Database, task: Task) -> None:
    with database.transaction() as session:
        session.get_one(Matter, task.matter_id).status = "CANCELLED"
        timer = Timer(
            kind="engine", matter_id=task.matter_id, token="x", due_at=clock.now() - timedelta(hours=1), state="WAITING",
            dedupe_key="gone",
        )  # fmt: skip
        session.add(timer)
    worker.tick(database, "a")
    with database.transaction(read_only=True) as session:
        assert session.get_one(Timer, timer.id).state == "CANCELLED"
