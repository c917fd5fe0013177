"""Timers are rows; here they are claimed with a lease and fired, each in a transaction of its own.

What is due is judged by business time, leases by the database's clock alone, so that a moved or skewed
clock of one machine neither loses nor repeats anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, clock, leases, matters, notifications
from decision_flow.audit import SYSTEM, EventName
from decision_flow.errors import Refused
from decision_flow.models import STANDING, Matter, Task, Timer, TimerKind, TimerState

LEASE_SECONDS = 120
MAX_ATTEMPTS = 8
# How soon a timer that the law refused is tried again: nobody need press anything once the duty is done.
REFUSED_REST_SECONDS = 600


@dataclass(frozen=True)
class Claimed:
    """A timer taken under a lease. `attempt` is the fence: whoever takes it over counts one further."""

    id: int
    attempt: int
    matter_id: int | None


def claim(session: Session, owner: str, limit: int = 50) -> list[Claimed]:
    """Take up to `limit` due timers for `owner` under a lease; return them, the earliest first."""
    now_there, later = leases.clock_of(session, LEASE_SECONDS)
    due = (
        select(Timer.id)
        .where(
            Timer.state == TimerState.WAITING,
            Timer.due_at <= clock.now(),
            or_(Timer.lease_until.is_(None), Timer.lease_until < now_there),
        )
        .order_by(Timer.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(due).all()
    if not ids:
        return []
    claimed = session.execute(
        update(Timer)
        .where(Timer.id.in_(ids))
        .values(owner=owner, lease_until=later, attempts=Timer.attempts + 1)
        .returning(Timer.id, Timer.attempts, Timer.matter_id, Timer.due_at)
        .execution_options(synchronize_session=False)
    ).all()
    return [Claimed(row.id, row.attempts, row.matter_id) for row in sorted(claimed, key=lambda row: (row[3], row[0]))]


def _still_claimed(session: Session, claimed: Claimed, owner: str) -> Timer | None:
    """Return the timer, locked, or None when somebody else has it by now, or it is done."""
    return session.scalars(
        select(Timer)
        .where(
            Timer.id == claimed.id,
            Timer.owner == owner,
            Timer.attempts == claimed.attempt,
            Timer.state == TimerState.WAITING,
        )
        .with_for_update()
    ).one_or_none()


def fire(session: Session, claimed: Claimed, owner: str) -> bool:
    """Let one claimed timer go off; return whether it did. A timer of somebody else, or done, is left alone.

    The matter is locked before the timer, in the order of everybody who changes a matter.
    """
    if claimed.matter_id is not None:
        session.execute(select(Matter.id).where(Matter.id == claimed.matter_id).with_for_update(key_share=True))
    timer = _still_claimed(session, claimed, owner)
    if timer is None:
        return False
    if timer.due_at > clock.now():
        # Moved since it was claimed, or the business clock was set back: it waits again, for anybody.
        timer.owner = timer.lease_until = None
        return False
    refused_with, timer.last_error = timer.last_error, ""
    try:
        return _go_off(session, timer)
    except Refused as error:
        # The same again is in the trail, and in the office's messages, already.
        error.recorded = told(error) == refused_with
        raise


def _go_off(session: Session, timer: Timer) -> bool:
    if timer.kind == TimerKind.ENGINE and timer.matter_id is not None:
        # The engine's answer settles this row too: gone off, or standing at another time.
        if not matters.fire_timers(session, timer.matter_id):
            timer.state = TimerState.CANCELLED
        elif timer.state == TimerState.WAITING:
            timer.owner = timer.lease_until = None
        return timer.state != TimerState.WAITING
    if timer.kind == TimerKind.START_MATTER:
        matters.start_linked(session, timer)
    elif timer.kind == TimerKind.SEND:
        matters.send(session, timer)
    else:
        _tell(session, timer)
    timer.state, timer.fired_at = TimerState.DONE, clock.now()
    return True


def failed(session: Session, claimed: Claimed, owner: str, error: str) -> None:
    """Note a failure: rest under a lease that doubles from one minute, give up after eight attempts.

    The due date itself is a legal fact and stays as it is.
    """
    _, rested = leases.clock_of(session, leases.rest(claimed.attempt))
    session.execute(
        update(Timer)
        .where(
            Timer.id == claimed.id,
            Timer.owner == owner,
            Timer.attempts == claimed.attempt,
            Timer.state == TimerState.WAITING,
        )
        .values(
            last_error=error[:2000],
            lease_until=rested,
            state=TimerState.FAILED if claimed.attempt >= MAX_ATTEMPTS else TimerState.WAITING,
        )
        .execution_options(synchronize_session=False)
    )


def refused(session: Session, claimed: Claimed, owner: str, error: Refused) -> None:
    """Let a timer wait that a guard refused, and tell the office what is missing, once for each refusal.

    A refusal is no failure: however often it comes, the timer is neither given up nor moved; it goes off at the next
    try after the duty is done.
    """
    _, rested = leases.clock_of(session, REFUSED_REST_SECONDS)
    timer = _still_claimed(session, claimed, owner)
    if timer is None:
        return
    text = told(error)
    matter = session.get(Matter, timer.matter_id) if timer.matter_id is not None else None
    if matter is not None and text != timer.last_error:
        at = clock.now()
        notifications.enqueue(
            session, "timer.refused", dedupe_key=f"timer.refused:{timer.id}:{at.isoformat()}", at=at,
            pool=f"government_office:{matter.organ_id}", matter_id=matter.id,
            payload={"title": matter.title, "told": text},
        )  # fmt: skip
    session.execute(
        update(Timer)
        .where(Timer.id == timer.id)
        .values(last_error=text, lease_until=rested, attempts=0)
        .execution_options(synchronize_session=False)
    )


def told(error: Refused) -> str:
    """Return all that a refusal misses, in one line."""
    return "；".join(f"{one.rule} {one.article} {one}" for one in error.refusals)[:2000]


def _tell(session: Session, timer: Timer) -> None:
    """Tell whoever holds an overdue task, and record that they were told."""
    task = session.get(Task, timer.task_id)
    if task is None or task.state not in STANDING:
        return
    matter = session.get_one(Matter, task.matter_id)
    due = clock.local_date(task.due_at).isoformat() if task.due_at else ""
    notifications.enqueue(
        session,
        f"task.{timer.kind}",
        dedupe_key=f"{timer.kind}:{timer.id}",
        at=clock.now(),
        recipient_id=task.assignee_id,
        pool=None if task.assignee_id else task.pool,
        matter_id=matter.id,
        task_id=task.id,
        payload={"title": matter.title, "name": task.name, "due": due},
    )
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.REMINDER_SENT,
        actor=SYSTEM,
        matter_id=matter.id,
        task_id=task.id,
        facts={"kind": timer.kind, "due": task.due_at.isoformat() if task.due_at else None},
        rules=[timer.rule] if timer.rule else [],
    )
