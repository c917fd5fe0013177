"""Timers are rows; here they are claimed with a lease and fired, each in a transaction of its own.

What is due is judged by business time, leases by the database's clock alone, so that a moved or skewed
clock of one machine neither loses nor repeats anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, or_, select, text, update
from sqlalchemy.orm import Session

from decision_flow import audit, clock, matters, notifications
from decision_flow.audit import SYSTEM, EventName
from decision_flow.models import Matter, Task, TaskState, Timer, TimerKind, TimerState

LEASE_SECONDS = 120
MAX_ATTEMPTS = 8


def claim(session: Session, owner: str, limit: int = 50) -> list[int]:
    """Take up to `limit` due timers for `owner` under a lease; return their ids, the earliest first."""
    now_there: Any = func.now()
    later: Any = text(f"now() + interval '{LEASE_SECONDS} seconds'")
    if session.get_bind().dialect.name == "sqlite":
        now_there = func.strftime("%Y-%m-%d %H:%M:%f000", "now")
        later = func.strftime("%Y-%m-%d %H:%M:%f000", "now", f"+{LEASE_SECONDS} seconds")
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
    claimed = session.scalars(
        update(Timer)
        .where(Timer.id.in_(due))
        .values(owner=owner, lease_until=later, attempts=Timer.attempts + 1)
        .returning(Timer.id)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(claimed)


def fire(session: Session, timer_id: int, owner: str) -> bool:
    """Let one claimed timer go off; return whether it did. A timer of somebody else, or done, is left alone."""
    timer = session.scalars(
        select(Timer).where(Timer.id == timer_id, Timer.owner == owner, Timer.state == TimerState.WAITING)
    ).one_or_none()
    if timer is None or timer.due_at > clock.now():
        return False
    if timer.matter_id is not None and timer.kind == TimerKind.ENGINE:
        matters.fire_timers(session, timer.matter_id)
    elif timer.kind == TimerKind.START_MATTER:
        matters.start_linked(session, timer)
    elif timer.kind in (TimerKind.OVERDUE, TimerKind.REMINDER):
        _tell(session, timer)
    timer.state, timer.fired_at, timer.last_error = TimerState.DONE, clock.now(), ""
    return True


def failed(session: Session, timer_id: int, owner: str, error: str) -> None:
    """Note a failure: back off, doubling from one minute, and give up after eight attempts."""
    attempts = session.scalar(select(Timer.attempts).where(Timer.id == timer_id)) or 1
    pause = timedelta(minutes=min(2 ** (attempts - 1), 240))
    session.execute(
        update(Timer)
        .where(Timer.id == timer_id, Timer.owner == owner, Timer.state == TimerState.WAITING)
        .values(
            last_error=error[:2000],
            lease_until=None,
            due_at=clock.now() + pause,
            state=case((Timer.attempts >= MAX_ATTEMPTS, TimerState.FAILED), else_=TimerState.WAITING),
        )
        .execution_options(synchronize_session=False)
    )


def _tell(session: Session, timer: Timer) -> None:
    """Tell whoever holds an overdue task, and record that they were told."""
    task = session.get(Task, timer.task_id)
    if task is None or task.state not in (TaskState.OPEN, TaskState.CLAIMED):
        return
    matter = session.get_one(Matter, task.matter_id)
    notifications.enqueue(
        session,
        f"task.{timer.kind}",
        dedupe_key=f"{timer.kind}:{timer.id}",
        at=clock.now(),
        recipient_id=task.assignee_id,
        pool=None if task.assignee_id else task.pool,
        matter_id=matter.id,
        task_id=task.id,
        payload={"title": matter.title, "name": task.name, "due": str(task.due_at)},
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
