"""APScheduler only ticks; the rows say what is to be done. Each tick finds ids and works on each by itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from decision_flow import notifications, timers
from decision_flow.db import Database

log = structlog.get_logger(__name__)
BATCH = 50


def tick(database: Database, owner: str) -> int:
    """Fire what is due and deliver what is pending; return how many timers went off.

    A failing timer is noted on its row and stops nothing else.
    """
    with database.transaction() as session:
        claimed = timers.claim(session, owner, BATCH)
    fired = 0
    for timer_id in claimed:
        try:
            with database.transaction() as session:
                fired += timers.fire(session, timer_id, owner)
        except Exception as error:
            log.exception("timer_failed", timer=timer_id)
            with database.transaction() as session:
                timers.failed(session, timer_id, owner, f"{type(error).__name__}: {error}")
    with database.transaction() as session:
        notifications.deliver(session)
    return fired


def start(database: Database, seconds: float) -> Callable[[], None]:
    """Start ticking every `seconds` in a thread of its own; return the function that stops it."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    scheduler = BackgroundScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(lambda: tick(database, owner), "interval", seconds=seconds, id="tick")
    scheduler.start()
    return lambda: scheduler.shutdown(wait=True)
