"""Daily jobs and nodes: of many processes one does a day's run, whoever dies, and each is seen to be alive.

A run is a row `(name, day)`. Whoever inserts it, or takes it over after its lease ran out, does it; once it
is done nobody does it again. A job must therefore be harmless when it is begun a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from decision_flow import __version__, clock, leases
from decision_flow.db import Database
from decision_flow.models import CronSlot, Node

log = structlog.get_logger(__name__)
LEASE_SECONDS = 600
MAX_ATTEMPTS = 8
ALIVE_SECONDS = 60
KEEP_DAYS = 90


@dataclass(frozen=True)
class Job:
    """A daily job: when in the day (China) its run may begin, and what it does; it returns how much it did."""

    name: str
    at: time
    run: Callable[[Database], int]


def run_due(database: Database, owner: str, jobs: Iterable[Job], done: set[tuple[str, date]] | None = None) -> int:
    """Run the jobs whose time of day has come and which nobody has done; return how many were run here.

    `done` remembers, for this process, what need not be asked again.
    """
    now = clock.now().astimezone(clock.BUSINESS_ZONE)
    ran = 0
    for job in jobs:
        slot = (job.name, now.date())
        if now.time() < job.at or (done is not None and slot in done):
            continue
        with database.transaction() as session:
            attempt = claim(session, *slot, owner)
            if attempt is None:
                finished = session.scalar(
                    select(CronSlot.done_at).where(CronSlot.name == job.name, CronSlot.slot == now.date())
                )
        if attempt is None:
            if done is not None and finished is not None:
                done.add(slot)
            continue
        try:
            result = str(job.run(database))
        # A job of the day that fails must not hold up the others: it rests and is tried again.
        except Exception as error:
            log.exception("job_failed", job=job.name)
            with database.transaction() as session:
                _, rested = leases.clock_of(session, leases.rest(attempt))
                _settle(
                    session, slot, owner, attempt, result=f"{type(error).__name__}: {error}"[:2000], lease_until=rested
                )
            continue
        with database.transaction() as session:
            _settle(session, slot, owner, attempt, result=result, done_at=clock.now())
        ran += 1
    return ran


def claim(session: Session, name: str, slot: date, owner: str) -> int | None:
    """Take the run of a job on a day; return which attempt it is, or None when it is done or in other hands."""
    now_there, later = leases.clock_of(session, LEASE_SECONDS)
    taken = session.scalars(
        update(CronSlot)
        .where(
            CronSlot.name == name,
            CronSlot.slot == slot,
            CronSlot.done_at.is_(None),
            CronSlot.attempts < MAX_ATTEMPTS,
            CronSlot.lease_until < now_there,
        )
        .values(owner=owner, lease_until=later, attempts=CronSlot.attempts + 1)
        .returning(CronSlot.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is not None:
        return taken
    insert = _insert(session)
    fresh = session.scalars(
        insert(CronSlot)
        .values(name=name, slot=slot, owner=owner, attempts=1, lease_until=later, result="")
        .on_conflict_do_nothing(index_elements=[CronSlot.name, CronSlot.slot])
        .returning(CronSlot.attempts)
    ).one_or_none()
    return 1 if fresh is not None else None


def beat(session: Session, name: str, kind: str, started_at: datetime) -> None:
    """Note that a process is alive, by the database's clock."""
    now_there, _ = leases.clock_of(session, 0)
    insert = _insert(session)
    statement = insert(Node).values(
        name=name, kind=kind, release=__version__, started_at=started_at, seen_at=now_there, stopped_at=None
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Node.name], set_={"seen_at": now_there, "kind": kind, "stopped_at": None}
        )
    )


def stop(session: Session, name: str) -> None:
    """Note that a process ended in order."""
    session.execute(update(Node).where(Node.name == name).values(stopped_at=clock.now()))


def alive(session: Session) -> list[tuple[Node, bool]]:
    """Return the processes seen in the last days and whether each is alive by the database's clock."""
    _, recent = leases.clock_of(session, -ALIVE_SECONDS)
    _, old = leases.clock_of(session, -3 * 86_400)
    rows = session.execute(
        select(Node, (Node.stopped_at.is_(None) & (Node.seen_at >= recent)).label("alive"))
        .where(Node.seen_at >= old)
        .order_by(Node.name)
    )
    return [(node, bool(well)) for node, well in rows]


def next_run(job: Job, now: datetime) -> datetime:
    """Return when the job runs next, in China."""
    local = now.astimezone(clock.BUSINESS_ZONE)
    found = datetime.combine(local.date(), job.at, clock.BUSINESS_ZONE)
    return found if found > local else found + timedelta(days=1)


def last_runs(session: Session) -> dict[str, CronSlot]:
    """Return the latest run of each job."""
    newest = select(CronSlot.name, func.max(CronSlot.slot).label("slot")).group_by(CronSlot.name).subquery()
    rows = session.scalars(
        select(CronSlot).join(newest, (newest.c.name == CronSlot.name) & (newest.c.slot == CronSlot.slot))
    )
    return {row.name: row for row in rows}


def forget_old(session: Session) -> int:
    """Remove runs and nodes that nobody asks for any more; return how many."""
    before = clock.today() - timedelta(days=KEEP_DAYS)
    runs = session.execute(delete(CronSlot).where(CronSlot.slot < before).returning(CronSlot.name)).all()
    _, old = leases.clock_of(session, -7 * 86_400)
    nodes = session.execute(
        delete(Node)
        .where(or_(Node.stopped_at.is_not(None), Node.seen_at < old), Node.seen_at < old)
        .returning(Node.name)
    ).all()
    return len(runs) + len(nodes)


def _settle(session: Session, slot: tuple[str, date], owner: str, attempt: int, **values: object) -> None:
    session.execute(
        update(CronSlot)
        .where(
            CronSlot.name == slot[0], CronSlot.slot == slot[1], CronSlot.owner == owner, CronSlot.attempts == attempt
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _insert(session: Session):  # type: ignore[no-untyped-def]
    """Return the INSERT of this database that can meet a row already there."""
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
