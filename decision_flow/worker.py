"""APScheduler only ticks; the rows say what is to be done. Each tick finds ids and works on each by itself."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import InterfaceError, OperationalError

from decision_flow import (
    absences,
    checkpoints,
    clock,
    deliveries,
    documents,
    evaluations,
    jobs,
    notifications,
    rate_limits,
    reminders,
    senders,
    time_authority,
    timers,
)
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Refused
from decision_flow.jobs import Job

log = structlog.get_logger(__name__)
BATCH = 50
ROUNDS = 40
BEAT_SECONDS = 15


def tick(database: Database, owner: str, *, mail: bool = False) -> int:
    """Fire what is due and put before its readers what is pending; return how many timers went off.

    A failing timer is noted on its row and stops nothing else; one that the law refuses waits for the duty. A backlog
    is worked off batch by batch, up to a bound, so that one tick does not last for ever.
    """
    fired = 0
    for _ in range(ROUNDS):
        with database.transaction() as session:
            claimed = timers.claim(session, owner, BATCH)
        fired += sum(_fire(database, one, owner) for one in claimed)
        with database.transaction() as session:
            spread = notifications.spread(session, mail=mail)
        if len(claimed) < BATCH and not spread:
            break
    return fired


def _fire(database: Database, claimed: timers.Claimed, owner: str) -> bool:
    try:
        with database.transaction() as session:
            return timers.fire(session, claimed, owner)
    except Refused as error:
        log.info("timer_refused", timer=claimed.id, rules=error.rules)
        with database.transaction() as session:
            timers.refused(session, claimed, owner, error)
        return False
    # One timer, whatever its procedure raises, must not hold up the others: it is tried again, and shown when given up.
    except Exception as error:
        log.exception("timer_failed", timer=claimed.id)
        with database.transaction() as session:
            timers.failed(session, claimed, owner, f"{type(error).__name__}: {error}")
        return False


def sweep_files(database: Database, files: FileStore, days: int) -> int:
    """Remove stored files that nothing names and that are older than `days`; return how many."""
    with database.transaction() as session:
        removed = documents.sweep_by_age(session, files, days)
    if removed:
        log.info("files_swept", removed=removed)
    return removed


def _tidy(database: Database) -> int:
    with database.transaction() as session:
        return jobs.forget_old(session) + rate_limits.sweep(session)


def seal(database: Database, settings: Settings) -> int:
    """Sign the day's checkpoint of the trail; return how many events are covered now, 0 if nothing was new."""
    with database.snapshot() as session:
        found = checkpoints.survey(session)
    if found is None:
        return 0
    with database.transaction() as session:
        checkpoints.seal(session, checkpoints.signing_key(settings.folder), found=found)
    return found.tree.size


# What happens once a day, in China's time of day.
DAILY = (
    Job("return_tasks", time(0, 10), absences.run),
    Job("evaluation_triggers", time(2, 0), evaluations.run_triggers),
    Job("tidy", time(3, 0), _tidy),
    Job("reminders", time(8, 30), reminders.run),
)


def planned(settings: Settings, files: FileStore | None) -> tuple[Job, ...]:
    """Return all that is done once a day, by the time of day; sweeping the store needs the store."""
    days = settings.unnamed_file_days
    found = [*DAILY, Job("trail_checkpoint", time(1, 0), lambda database: seal(database, settings))]
    if files is not None and days > 0:
        found.append(Job("sweep_files", time(3, 30), lambda database: sweep_files(database, files, days)))
    return tuple(sorted(found, key=lambda job: job.at))


@dataclass
class Worker:
    """One working process: its name among the nodes and what it does at every beat."""

    database: Database
    settings: Settings
    files: FileStore | None = None
    kind: str = "worker"
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}")
    done: set[tuple[str, date]] = field(default_factory=set)

    def work(self) -> None:
        """One tick: timers, notices, and what leaves the house."""
        tick(self.database, self.name, mail=bool(self.settings.smtp_host))
        jobs.run_due(self.database, self.name, planned(self.settings, self.files), self.done)
        time_authority.stamp(self.database, self.name, self.settings)
        ways = senders.senders(self.settings)
        for _ in range(ROUNDS):
            if deliveries.dispatch(self.database, self.name, self.settings, ways) == 0:
                break


def _told_of(name: str, run: Callable[[], None]) -> Callable[[], None]:
    """Return `run` that never raises: what went wrong is a line of the log, and the next tick tries again."""

    def runs() -> None:
        try:
            run()
        except (OperationalError, InterfaceError) as error:
            # Every two seconds, for as long as it lasts: no place for where in the code it was noticed.
            log.error("database_away", job=name, told=" ".join(str(error.orig).split())[:200])
        except Exception:
            log.exception("job_failed", job=name)

    return runs


def start(
    database: Database, settings: Settings, files: FileStore | None = None, *, kind: str = "worker"
) -> Callable[[], None]:
    """Start working in threads of their own; return the function that stops it in order.

    `kind` is "worker", "web" (only shows that it is alive) or "both".
    """
    if files is not None:
        documents.keep_files(database, files)
    worker, started = Worker(database, settings, files, kind), clock.now()
    scheduler = BackgroundScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def beat() -> None:
        with database.transaction() as session:
            jobs.beat(session, worker.name, kind, started)

    beat()
    if kind != "web":
        scheduler.add_job(_told_of("tick", worker.work), "interval", seconds=settings.worker_seconds, id="tick")
    scheduler.add_job(_told_of("beat", beat), "interval", seconds=BEAT_SECONDS, id="beat")
    scheduler.start()

    def stop() -> None:
        scheduler.shutdown(wait=True)
        with database.transaction() as session:
            jobs.stop(session, worker.name)

    return stop
