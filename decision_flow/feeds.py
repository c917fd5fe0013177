"""What a person chooses about notices, and the calendar feed of their deadlines under a secret address."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, identity, senders
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, NotFound
from decision_flow.identity import Actor
from decision_flow.models import Matter, Task, TaskState, User

EVENTS = (
    "task.opened", "task.overdue", "task.returned", "task.transferred", "digest", "deadline.moved", "deadline.paused",
    "deadline.resumed", "deadline.extended", "evaluation.triggered", "substitution.made",
    "exception.asked", "exception.decided", "timer.refused",
)  # fmt: skip
MAILS = ("each", "daily", "never")


def choices(session: Session, actor: Actor) -> Mapping[str, Any]:
    """Return what the actor chose: `mail` (each, daily, never), `muted` events, and whether there is an address."""
    stored, email, feed = session.execute(
        select(User.notice_choices, User.email, User.feed_hash).where(User.id == actor.user_id)
    ).one()
    return {"mail": "each", "muted": [], **(stored or {}), "email": email, "feed": feed is not None}


def choose(session: Session, actor: Actor, mail: str, events: Sequence[str]) -> None:
    """Keep which notices the actor wants by mail; `events` are those wanted. In the product all are shown."""
    user = session.get_one(User, actor.user_id)
    was = dict(user.notice_choices or {})
    user.notice_choices = {
        "mail": mail if mail in MAILS else "each",
        "muted": [event for event in EVENTS if event not in events],
    }
    _record(session, actor, {"notices": was}, {"notices": user.notice_choices})


def new_address(session: Session, actor: Actor) -> str:
    """Return a new secret for the actor's feed; only its hash is kept, and the one before ends."""
    token, user = secrets.token_urlsafe(32), session.get_one(User, actor.user_id)
    _record(session, actor, {"calendar_feed": bool(user.feed_hash)}, {"calendar_feed": "new"})
    user.feed_hash = _digest(token)
    return token


def calendar(session: Session, token: str, settings: Settings) -> bytes:
    """Return the feed of whoever has this secret: what they hold or may take, with its date. Raises `NotFound`."""
    user = session.scalars(select(User).where(User.feed_hash == _digest(token))).one_or_none()
    if user is None or not user.active or (user.is_demo and not settings.demo):
        raise NotFound(N_("没有这个日历地址，或者它已经失效。"))
    actor = identity.actor_of(session, user)
    rows = session.execute(
        select(Task.id, Task.name, Task.due_at, Task.due_provisional, Matter.title)
        .join(Matter, Matter.id == Task.matter_id)
        .where(
            Task.due_at.is_not(None),
            or_(
                and_(Task.assignee_id == user.id, Task.state == TaskState.CLAIMED),
                and_(Task.pool.in_(actor.pools), Task.state == TaskState.OPEN),
            ),
        )
        .order_by(Task.due_at, Task.id)
        .limit(1000)
    )
    base = settings.base_url.rstrip("/")
    return senders.calendar_of(
        [
            (
                f"task-{row.id}@decision-flow",
                clock.local_date(row.due_at).isoformat(),
                f"{row.title}：{row.name}{'（暂定）' if row.due_provisional else ''}",
                f"{base}/tasks/{row.id}" if base else "",
            )
            for row in rows
        ]
    )


def _record(session: Session, actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    facts = {"before": dict(before), "after": dict(after)}
    audit.append(session, audit.ACCESS, EventName.OWN_CHOICES_CHANGED, actor=actor, facts=facts)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
