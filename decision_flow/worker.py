"""APScheduler only ticks; the rows say what is to be done. Each tick finds ids and works on each by itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from decision_flow import documents, notifications, timers
from decision_flow.db import Database
from decision_flow.documents import FileStore

log = structlog.get_logger(__name__)
BATCH = 50
ROUNDS = 40


def tick(database: Database, owner: str) -> int:
    """Fire what is due and deliver what is pending; return how many timers went off.

    A failing timer is noted on its row and stops nothing else. A backlog is worked off batch by batch, up
    to a bound, so that one tick does not last for ever.
    """
    fired = 0
    for _ in range(ROUNDS):
        with database.transaction() as session:
            claimed = timers.claim(session, owner, BATCH)
        fired += sum(_fire(database, timer_id, owner) for timer_id in claimed)
        if len(claimed) < BATCH:
            break
    with database.transaction() as session:
        notifications.deliver(session)
    return fired


def _fire(database: Database, timer_id: int, owner: str) -> bool:
    try:
        with database.transaction() as session:
            return timers.fire(session, timer_id, owner)
    except Exception as error:
        log.exception("timer_failed", timer=timer_id)
        with database.transaction() as session:
            timers.failed(session, timer_id, owner, f"{type(error).__name__}: {error}")
        return False


def sweep_files(database: Database, files: FileStore, days: int) -> int:
    """Remove stored files that nothing names and that are older than `days`; return how many."""
    with database.transaction() as session:
        removed = documents.sweep_by_age(session, files, days)
    if removed:
        log.info("files_swept", removed=removed)
    return removed


def start(
    database: Database, seconds: float, files: FileStore | None = None, unnamed_days: int = 0
) -> Callable[[], None]:
    """Start ticking every `seconds` in a thread of its own; return the function that stops it.

    With `files` the store is swept each day of what nothing names and is older than `unnamed_days`.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}"
    scheduler = BackgroundScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(lambda: tick(database, owner), "interval", seconds=seconds, id="tick")
    if files is not None and unnamed_days > 0:
        scheduler.add_job(lambda: sweep_files(database, files, unnamed_days), "interval", hours=24, id="sweep")
    scheduler.start()
    return lambda: scheduler.shutdown(wait=True)
