"""Notices on their way out of the house: claimed under a lease, sent while no transaction is open, settled after.

At least once, under a key that never changes: Message-ID for mail, Idempotency-Key for hooks. Whoever was
overtaken after its lease ran out settles nothing (the fence is owner and attempt). What fails rests, longer
each time, and after eight attempts lies with the dead letters until somebody lets it try again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, clock, leases, wording
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import N_, NotFound
from decision_flow.identity import Actor, Permission, require
from decision_flow.models import Hook, Matter, Notification, NotificationState, Task, User
from decision_flow.notifications import INBOX

log = structlog.get_logger(__name__)
LEASE_SECONDS = 90
MAX_ATTEMPTS = 8


@dataclass(frozen=True)
class Parcel:
    """One notice with all that is needed to send it, read before the transaction ended."""

    id: int
    attempt: int
    key: str
    channel: str
    event: str
    at: datetime
    payload: Mapping[str, Any]
    subject: str
    body: str
    link: str
    address: str = ""
    person: str = ""
    url: str = ""
    secret: str = ""
    due_on: str = ""
    matter_number: str = ""


Sender = Callable[[Parcel, Settings], None]


def dispatch(database: Database, owner: str, settings: Settings, senders: Mapping[str, Sender], limit: int = 20) -> int:
    """Send what waits for a channel in `senders`; return how many went out. A failure is noted and stops nothing."""
    with database.transaction() as session:
        parcels = claim(session, owner, settings, list(senders), limit)
    sent = 0
    for parcel in parcels:
        error = ""
        try:
            senders[parcel.channel](parcel, settings)
        # What a mail server or a robot's library raises cannot be listed.
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
            log.warning("notice_not_sent", notice=parcel.id, channel=parcel.channel, error=error[:200])
        with database.transaction() as session:
            sent += settle(session, parcel, owner, error) and not error
    return sent


def claim(session: Session, owner: str, settings: Settings, channels: list[str], limit: int) -> list[Parcel]:
    """Take up to `limit` waiting notices of these channels under a lease, the oldest first."""
    now_there, later = leases.clock_of(session, LEASE_SECONDS)
    ids = session.scalars(
        select(Notification.id)
        .where(
            Notification.state == NotificationState.PENDING,
            Notification.channel.in_(channels),
            or_(Notification.lease_until.is_(None), Notification.lease_until < now_there),
        )
        .order_by(Notification.created_at, Notification.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return []
    attempts = dict(
        session.execute(
            update(Notification)
            .where(Notification.id.in_(ids))
            .values(owner=owner, lease_until=later, attempts=Notification.attempts + 1)
            .returning(Notification.id, Notification.attempts)
            .execution_options(synchronize_session=False)
        ).all()
    )
    rows = session.execute(
        select(Notification, User, Hook, Task.due_at, Matter.number)
        .outerjoin(User, User.id == Notification.recipient_id)
        .outerjoin(Hook, Hook.id == Notification.hook_id)
        .outerjoin(Task, Task.id == Notification.task_id)
        .outerjoin(Matter, Matter.id == Notification.matter_id)
        .where(Notification.id.in_(ids))
        .order_by(Notification.created_at, Notification.id)
    )
    return [
        _parcel(notice, user, hook, due_at, number, attempts, settings) for notice, user, hook, due_at, number in rows
    ]


def settle(session: Session, parcel: Parcel, owner: str, error: str) -> bool:
    """Note how it went; return False when somebody else has taken the notice over meanwhile."""
    _, rested = leases.clock_of(session, leases.rest(parcel.attempt, random.random() / 4))  # noqa: S311 - jitter
    dead = parcel.attempt >= MAX_ATTEMPTS
    values: dict[str, Any] = {"state": NotificationState.SENT, "sent_at": clock.now(), "last_error": ""}
    if error:
        state = NotificationState.FAILED if dead else NotificationState.PENDING
        values = {"state": state, "last_error": error[:2000], "lease_until": rested}
    settled = session.scalars(
        update(Notification)
        .where(
            Notification.id == parcel.id,
            Notification.owner == owner,
            Notification.attempts == parcel.attempt,
            Notification.state == NotificationState.PENDING,
        )
        .values(**values)
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(settled)


def dead_letters(session: Session, actor: Actor, limit: int = 100) -> list[Notification]:
    """Return the notices that were given up, the latest first."""
    require(actor, Permission.OPERATIONS_READ)
    return list(
        session.scalars(
            select(Notification)
            .where(Notification.state == NotificationState.FAILED, Notification.channel != INBOX)
            .order_by(Notification.id.desc())
            .limit(limit)
        )
    )


def retry(session: Session, actor: Actor, notice_id: int) -> None:
    """Let a dead letter try again, from its first attempt and under its old key. Raises `NotFound`."""
    require(actor, Permission.OPERATIONS_MANAGE)
    found = session.scalars(
        update(Notification)
        .where(Notification.id == notice_id, Notification.state == NotificationState.FAILED)
        .values(state=NotificationState.PENDING, attempts=0, lease_until=None, owner=None)
        .returning(Notification.channel)
        .execution_options(synchronize_session=False)
    ).all()
    if not found:
        raise NotFound(N_("没有这条未送达的通知，或者它已经重新发送。"))
    audit.append(
        session,
        audit.OPERATIONS,
        EventName.NOTICE_RETRIED,
        actor=actor,
        facts={"notice": notice_id, "channel": found[0]},
    )


def _parcel(
    notice: Notification,
    user: User | None,
    hook: Hook | None,
    due_at: datetime | None,
    number: str | None,
    attempts: Mapping[int, int],
    settings: Settings,
) -> Parcel:
    words = wording.say(notice.event, notice.payload, user.language if user else settings.language)
    path = (
        f"/tasks/{notice.task_id}"
        if notice.task_id
        else f"/matters/{notice.matter_id}"
        if notice.matter_id
        else "/messages"
    )
    return Parcel(
        id=notice.id,
        attempt=attempts[notice.id],
        key=notice.dedupe_key,
        channel=notice.channel,
        event=notice.event,
        at=notice.created_at,
        payload=notice.payload or {},
        subject=words.subject,
        body=words.body,
        link=f"{settings.base_url.rstrip('/')}{path}" if settings.base_url else "",
        address=user.email if user else "",
        person=user.name if user else "",
        url=hook.url if hook else "",
        secret=hook.secret if hook else "",
        due_on=clock.local_date(due_at).isoformat() if due_at else "",
        matter_number=number or "",
    )
