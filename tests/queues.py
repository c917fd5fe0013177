"""A backlog for workers: many small matters, each waiting for one timer, and processes that work it off."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkProcess

from sqlalchemy import func, insert, select, text

from decision_flow import clock, engine, projection, timers, worker
from decision_flow.db import Database
from decision_flow.models import AuditEvent, Matter, Notification, Organisation, PolicyVersion, Task, Timer
from decision_flow.procedures import ProcedureSource
from tests import past_the_gate
from tests.drawing import Drawing
from tests.engine.driver import bundle

KEY = "waiting"
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def backlog(database: Database, count: int) -> None:
    """Add `count` matters that wait for a timer which was due an hour and a half ago; then a task opens for the office."""
    drawing = (
        Drawing(KEY).start().timer("wait", "date('2026-01-05')").user("look", "办理", role="government_office").end()
    )
    drawing.chain("start", "wait", "look", "end")
    source = ProcedureSource(KEY, "等待", "Waiting", "", bundle(drawing))
    with database.transaction() as session:
        version = past_the_gate.put_in_force(session, source)
        policy = session.scalars(select(PolicyVersion.digest)).one()
        organ = session.scalars(select(Organisation.id).where(Organisation.organ_id == Organisation.id)).first()
        compiled = engine.compile(source.bundle)
        at = clock.now()
        step = engine.start(compiled, {"matter": {"id": 0}}, projection.context(session, BEFORE))
        (due,) = step.timers
        first = (session.scalar(select(func.max(Matter.id))) or 0) + 1
        for chunk in _chunks(first, count):
            session.execute(
                insert(Matter),
                [
                    {
                        "id": number, "number": f"W-{number}", "title": f"等待{number}", "category": "",
                        "procedure_version_id": version.id, "policy_digest": policy, "organ_id": organ, "status": "RUNNING", "registered_at": at,
                        "draft_version": 0, "passed": {}, "state": step.state, "version": 1,
                    }
                    for number in chunk
                ],
            )  # fmt: skip
            session.execute(
                insert(Timer),
                [
                    {
                        "kind": "engine", "matter_id": number, "token": due.token, "element_id": "wait",
                        "due_at": at - timedelta(minutes=90), "rule": "", "explanation": "", "state": "WAITING",
                        "attempts": 0, "last_error": "", "dedupe_key": f"engine:{number}:{due.token}",
                    }
                    for number in chunk
                ],
            )  # fmt: skip
        if not database.is_sqlite:
            session.execute(text("SELECT setval(pg_get_serial_sequence('matter', 'id'), (SELECT max(id) FROM matter))"))


def _chunks(first: int, count: int) -> list[range]:
    return [range(start, min(start + 1000, first + count)) for start in range(first, first + count, 1000)]


def _work(url: str, lease: int, unsteady: bool) -> None:
    """Work until killed; with `unsteady` the business clock goes an hour back and forth."""
    database, owner = Database(url, pool_size=2), f"node:{os.getpid()}:{random.random()}"
    timers.LEASE_SECONDS = lease
    real, offset = clock.now, timedelta()
    clock.now = lambda: real() + offset  # type: ignore[assignment]
    for turn in itertools.count():
        if unsteady:
            offset = timedelta(hours=(-1, 0, 1, 0)[turn % 4])
        if not worker.tick(database, owner):
            time.sleep(0.05)


def start_worker(url: str, lease: int, unsteady: bool) -> ForkProcess:
    """Start one worker process."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(url, lease, unsteady), daemon=True)
    process.start()
    return process


def drain(
    database: Database, workers: int, *, kill_every: float = 0, limit: float = 600, lease: int = 5
) -> tuple[float, int]:
    """Let `workers` processes work the backlog off; return the seconds it took and how many were killed.

    With `kill_every` one of them, at random, gets SIGKILL so often and another is started in its place.
    """
    database.dispose()
    unsteady = kill_every > 0
    running = [start_worker(database.url, lease, unsteady) for _ in range(workers)]
    begun = last = time.monotonic()
    killed = 0
    try:
        while waiting(database) and time.monotonic() - begun < limit:
            time.sleep(0.1)
            if kill_every and time.monotonic() - last > kill_every:
                place = random.randrange(workers)
                os.kill(running[place].pid or 0, signal.SIGKILL)
                running[place].join()
                database.dispose()
                running[place] = start_worker(database.url, lease, unsteady)
                killed, last = killed + 1, time.monotonic()
        return time.monotonic() - begun, killed
    finally:
        for process in running:
            process.kill()
            process.join()


def waiting(database: Database) -> int:
    """Return how many timers and notices still wait."""
    with database.transaction(read_only=True) as session:
        left = session.scalar(
            select(func.count()).select_from(Timer).where(Timer.state == "WAITING", Timer.kind == "engine")
        )
        pending = session.scalar(
            select(func.count()).select_from(Notification).where(
                Notification.state == "PENDING", Notification.channel == "inbox")
        )  # fmt: skip
        return (left or 0) + (pending or 0)


def told(database: Database) -> dict[str, int]:
    """Count what came of the backlog: each number has to equal that of the matters."""
    within = select(Matter.id).where(Matter.number.like("W-%"))

    def count(table: type, *which: object) -> int:
        with database.transaction(read_only=True) as session:
            return session.scalar(select(func.count()).select_from(table).where(*which)) or 0  # type: ignore[arg-type]

    with database.transaction(read_only=True) as session:
        return {
            "matters": session.scalar(select(func.count()).select_from(within.subquery())) or 0,
            "fired": count(Timer, Timer.matter_id.in_(within), Timer.state == "DONE"),
            "tasks": count(Task, Task.matter_id.in_(within)),
            "advanced": session.scalar(
                select(func.count(func.distinct(AuditEvent.matter_id))).where(
                    AuditEvent.matter_id.in_(within), AuditEvent.event == "timer.fired")
            ) or 0,
            "events": count(AuditEvent, AuditEvent.matter_id.in_(within), AuditEvent.event == "timer.fired"),
            "notices": count(Notification, Notification.matter_id.in_(within), Notification.pool.is_not(None)),
            "told": session.scalar(
                select(func.count(func.distinct(Notification.matter_id))).where(
                    Notification.matter_id.in_(within), Notification.recipient_id.is_not(None),
                    Notification.channel == "inbox", Notification.state == "SENT")
            ) or 0,
            "keys": session.scalar(
                select(func.count(func.distinct(Notification.dedupe_key))).where(
                    Notification.matter_id.in_(within), Notification.pool.is_not(None))
            ) or 0,
        }  # fmt: skip
