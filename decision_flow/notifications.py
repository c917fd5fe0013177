"""The outbox: rows written with the change they tell of, delivered by the worker, at least once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.models import Notification, NotificationState


def enqueue(
    session: Session,
    event: str,
    *,
    dedupe_key: str,
    at: datetime,
    recipient_id: int | None = None,
    pool: str | None = None,
    matter_id: int | None = None,
    task_id: int | None = None,
    payload: dict[str, Any] | None = None,
) -> Notification:
    """Add one notice to the outbox; the same `dedupe_key` is a conflict, never a second notice."""
    notice = Notification(
        event=event,
        recipient_id=recipient_id,
        pool=pool,
        matter_id=matter_id,
        task_id=task_id,
        payload=payload or {},
        state=NotificationState.PENDING,
        dedupe_key=dedupe_key,
        created_at=at,
    )
    session.add(notice)
    return notice


def deliver(session: Session, limit: int = 500) -> int:
    """Put pending notices before their readers; return how many. The inbox is the only channel so far."""
    ids = session.scalars(
        select(Notification.id)
        .where(Notification.state == NotificationState.PENDING)
        .order_by(Notification.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if ids:
        session.execute(
            update(Notification)
            .where(Notification.id.in_(ids))
            .values(state=NotificationState.SENT, sent_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    return len(ids)
