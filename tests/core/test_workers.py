"""Many workers on one PostgreSQL: killed at random under a clock that moves, everything happens exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select

from decision_flow import clock, jobs, notifications, timers
from decision_flow.db import Database
from decision_flow.jobs import Job
from decision_flow.models import CronSlot, Node, Timer
from tests import queues

COUNT = 150
ROOT = Path(__file__).parents[2]


def test_killed_workers_and_a_moving_clock(database: Database) -> None:
    queues.backlog(database, COUNT)
    _, killed = queues.drain(database, 4 if not database.is_sqlite else 2, kill_every=0.4, limit=300, lease=1)
    assert killed > 0
    assert set(queues.told(database).values()) == {COUNT}


def test_whoever_was_overtaken_changes_nothing(database: Database) -> None:
    queues.backlog(database, 1)
    with database.transaction() as session:
        (first,) = timers.claim(session, "a")
        session.get_one(Timer, first.id).lease_until = None
        session.flush()
        (second,) = timers.claim(session, "a")
    assert (second.id, second.attempt) == (first.id, first.attempt + 1)
    with database.transaction() as session:
        # The same owner, an older attempt: the fence is both.
        assert timers.fire(session, first, "a") is False
        timers.failed(session, first, "a", "too late")
        assert timers.fire(session, second, "a") is True
    assert queues.told(database)["fired"] == 1


def test_an_idle_tick_loads_no_matter(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            insert(Timer),
            [
                {"kind": "reminder", "due_at": clock.end_of_day(clock.today().replace(year=2090)), "rule": "", "explanation": "",
                 "state": "WAITING", "attempts": 0, "last_error": "", "dedupe_key": f"idle:{number}"}
                for number in range(500)
            ],
        )  # fmt: skip
    seen: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    with database.transaction() as session:
        assert timers.claim(session, "a") == []
        assert notifications.spread(session) == 0
    assert len([statement for statement in seen if statement.lstrip().upper().startswith("SELECT")]) == 2
    assert not any(" matter" in statement.lower() for statement in seen)


def test_a_daily_job_is_done_once_whoever_dies(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    job = Job(
        "x",
        clock.now().astimezone(clock.BUSINESS_ZONE).time().replace(hour=0, minute=0),
        lambda _: runs.append("ran") or 1,
    )
    today = clock.today()
    with database.transaction() as session:
        # Somebody took it and died: nobody else may until the lease is over.
        assert jobs.claim(session, "x", today, "dead") == 1
    assert jobs.run_due(database, "a", [job]) == 0
    with database.transaction() as session:
        row = session.get_one(CronSlot, ("x", today))
        row.lease_until = clock.end_of_day(today.replace(year=2020))
    assert jobs.run_due(database, "a", [job]) == 1
    done: set = set()
    assert jobs.run_due(database, "b", [job], done) == 0
    assert done == {("x", today)} and runs == ["ran"]

    def broken(_: Database) -> int:
        raise RuntimeError("no luck")

    assert jobs.run_due(database, "a", [Job("y", job.at, broken)]) == 0
    with database.transaction(read_only=True) as session:
        found = session.get_one(CronSlot, ("y", today))
        assert (found.done_at, found.result) == (None, "RuntimeError: no luck")


def test_nodes_are_alive_by_the_clock_of_the_database(database: Database) -> None:
    with database.transaction() as session:
        jobs.beat(session, "n1", "worker", clock.now())
        jobs.beat(session, "n1", "worker", clock.now())
        jobs.beat(session, "n2", "web", clock.now())
        jobs.stop(session, "n2")
        session.add(Node(name="n3", kind="web", started_at=clock.now(), seen_at=clock.now().replace(year=2020)))
    with database.transaction(read_only=True) as session:
        assert [(node.name, well) for node, well in jobs.alive(session)] == [("n1", True), ("n2", False)]


def test_a_worker_process_shows_itself_works_and_ends_in_order(database: Database, tmp_path: Path) -> None:
    queues.backlog(database, 3)
    environment = {
        **os.environ, "DECISION_FLOW_DATABASE_URL": database.url, "DECISION_FLOW_DATA_DIR": str(tmp_path),
        "DECISION_FLOW_SECRET_KEY": "k" * 40, "DECISION_FLOW_WORKER_SECONDS": "0.2",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "decision_flow", "worker"], env=environment, cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while queues.waiting(database) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert set(queues.told(database).values()) == {3}
        with database.transaction(read_only=True) as session:
            (node,) = session.scalars(select(Node))
            assert (node.kind, node.stopped_at) == ("worker", None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        with database.transaction(read_only=True) as session:
            assert session.get_one(Node, node.name).stopped_at is not None
    finally:
        process.kill()
        process.wait()
