"""The outbox: rows written with the change they tell of, delivered by the worker, at least once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.models import (
    Appointment,
    Hook,
    Matter,
    Notification,
    NotificationState,
    Organisation,
    Post,
    Substitution,
    Task,
    TaskState,
    User,
)

INBOX = "inbox"


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


def spread(session: Session, limit: int = 200, *, mail: bool = False) -> int:
    """Put pending notices before their readers and onto their other ways out; return how many.

    A notice to a pool becomes one per person who holds the post today. E-mail (when `mail`) and hooks become
    rows of their own in this transaction, so that each is sent under one key.
    """
    notices = session.scalars(
        select(Notification)
        .where(Notification.state == NotificationState.PENDING, Notification.channel == INBOX)
        .order_by(Notification.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not notices:
        return 0
    holders = holders_of(session, {notice.pool for notice in notices if notice.pool and not notice.recipient_id})
    people = {user_id for found in holders.values() for user_id in found}
    people |= {notice.recipient_id for notice in notices if notice.recipient_id}
    choices = _choices(session, people) if mail else {}
    hooks = session.execute(select(Hook.id, Hook.kind, Hook.events, Hook.organ_id).where(Hook.active)).all()
    organs = _organs(session, notices) if hooks else {}
    rows: list[dict[str, Any]] = []
    now = clock.now()
    for notice in notices:
        readers = [notice.recipient_id] if notice.recipient_id else holders.get(notice.pool or "", [])
        if not notice.recipient_id:
            rows += [_copy(notice, INBOX, f"{user}", now, recipient_id=user, sent=True) for user in readers]
        rows += [
            _copy(notice, "email", f"mail:{user}", now, recipient_id=user)
            for user in readers
            if wants(choices.get(user or 0), notice.event)
        ]
        rows += [
            _copy(notice, hook.kind, f"hook:{hook.id}", now, hook_id=hook.id)
            for hook in hooks
            if (not hook.events or notice.event in hook.events)
            and hook.organ_id in (None, organs.get(notice.matter_id or 0))
            and not notice.event.startswith("digest")
        ]
    if rows:
        session.execute(insert(Notification), rows)
    session.execute(
        update(Notification)
        .where(Notification.id.in_([notice.id for notice in notices]))
        .values(state=NotificationState.SENT, sent_at=now)
        .execution_options(synchronize_session=False)
    )
    return len(notices)


def holders_of(session: Session, pools: Iterable[str]) -> dict[str, list[int]]:
    """Return for each pool the ids of the active people who hold it today, in order, then of their substitutes."""
    found: dict[str, list[int]] = {pool: [] for pool in pools}
    wanted: dict[str, set[int]] = {}
    for pool in found:
        role, _, number = pool.partition(":")
        if role == "person":
            found[pool] = [int(number)]
        elif number.isdecimal():
            wanted.setdefault(role, set()).add(int(number))
    today = clock.today()
    for role, units in wanted.items():
        rows = session.execute(
            select(Appointment.user_id, Organisation.id, Organisation.organ_id)
            .join(Post, Post.id == Appointment.post_id)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .join(User, User.id == Appointment.user_id)
            .where(
                Post.role_code == role,
                or_(Organisation.id.in_(units), Organisation.organ_id.in_(units)),
                User.active,
                Appointment.starts_on <= today,
                or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
            )
            .order_by(Appointment.user_id)
        ).all()
        for user_id, unit_id, organ_id in rows:
            for unit in {unit_id, organ_id} & units:
                if user_id not in found[f"{role}:{unit}"]:
                    found[f"{role}:{unit}"].append(user_id)
    _add_substitutes(session, found, today)
    return found


def _add_substitutes(session: Session, found: dict[str, list[int]], today: date) -> None:
    holders = {user_id for ids in found.values() for user_id in ids}
    rows = session.execute(
        select(Substitution.principal_id, Substitution.substitute_id)
        .join(User, User.id == Substitution.substitute_id)
        .where(
            Substitution.principal_id.in_(holders),
            Substitution.starts_on <= today,
            Substitution.ends_on >= today,
            Substitution.ended_at.is_(None),
            User.active,
        )
        .order_by(Substitution.id)
    ).all()
    for ids in found.values() if rows else ():
        ids += [other for principal, other in rows if principal in ids and other not in ids]


def wants(choices: Mapping[str, Any] | None, event: str) -> bool:
    """Whether a person with these choices gets a mail for `event`; None is somebody without an address.

    `mail` is "each" (as shipped), "daily" (only the day's digest) or "never"; `muted` are single events.
    """
    if choices is None or choices.get("mail") == "never":
        return False
    if choices.get("mail") == "daily":
        return event == "digest"
    return event not in choices.get("muted", ())


def mine(
    session: Session, user_id: int, *, unread: bool, page: int, per_page: int = 20
) -> tuple[list[Notification], int]:
    """Return one page of a person's notices in the product, the latest first, and how many there are."""
    which = [
        Notification.recipient_id == user_id,
        Notification.channel == INBOX,
        Notification.state == NotificationState.SENT,
    ]
    if unread:
        which += [Notification.read_at.is_(None), ~_settled()]
    total = session.scalar(select(func.count()).select_from(Notification).where(*which)) or 0
    rows = session.scalars(
        select(Notification)
        .where(*which)
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(per_page)
        .offset((max(1, page) - 1) * per_page)
    )
    return list(rows), total


def settled(session: Session, notices: Iterable[Notification]) -> set[int]:
    """Return which of these ask for something that is done by now; nobody has to read them any more."""
    ids = [notice.id for notice in notices]
    return set(session.scalars(select(Notification.id).where(Notification.id.in_(ids), _settled())))


def count_unread(session: Session, user_id: int) -> int:
    """Return how many notices a person has not read."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Notification)
            .where(
                Notification.recipient_id == user_id,
                Notification.read_at.is_(None),
                Notification.channel == INBOX,
                Notification.state == NotificationState.SENT,
                ~_settled(),
            )
        )
        or 0
    )


def mark_read(session: Session, user_id: int, notice_id: int | None = None) -> int:
    """Note one notice of a person, or all of them, as read; return how many were unread."""
    which = [Notification.recipient_id == user_id, Notification.channel == INBOX, Notification.read_at.is_(None)]
    if notice_id is not None:
        which.append(Notification.id == notice_id)
    return len(
        session.scalars(
            update(Notification)
            .where(*which)
            .values(read_at=clock.now())
            .returning(Notification.id)
            .execution_options(synchronize_session=False)
        ).all()
    )


def target(session: Session, user_id: int, notice_id: int) -> tuple[int | None, int | None, str] | None:
    """Return the task, the matter and the event that one of a person's notices is about; None if it is not theirs."""
    row = session.execute(
        select(Notification.task_id, Notification.matter_id, Notification.event).where(
            Notification.id == notice_id, Notification.recipient_id == user_id
        )
    ).first()
    return (row.task_id, row.matter_id, row.event) if row else None


def _settled() -> ColumnElement[bool]:
    """Whether a notice asks for a task that is done, withdrawn, or in somebody's hands."""
    done = exists().where(Task.id == Notification.task_id, Task.state.in_((TaskState.COMPLETED, TaskState.CANCELLED)))
    return and_(Notification.event.like("task.%"), done)


def _copy(
    notice: Notification,
    channel: str,
    suffix: str,
    now: datetime,
    *,
    recipient_id: int | None = None,
    hook_id: int | None = None,
    sent: bool = False,
) -> dict[str, Any]:
    return {
        "event": notice.event,
        "channel": channel,
        "recipient_id": recipient_id,
        "hook_id": hook_id,
        "matter_id": notice.matter_id,
        "task_id": notice.task_id,
        "payload": notice.payload,
        "state": NotificationState.SENT if sent else NotificationState.PENDING,
        "attempts": 0,
        "last_error": "",
        "dedupe_key": f"{notice.dedupe_key}>{suffix}",
        "created_at": notice.created_at,
        "sent_at": now if sent else None,
    }


def _choices(session: Session, people: set[int]) -> dict[int, Mapping[str, Any]]:
    rows = session.execute(
        select(User.id, User.notice_choices).where(User.id.in_(people), User.active, User.email != "")
    )
    return {user_id: choices or {} for user_id, choices in rows}


def _organs(session: Session, notices: Sequence[Notification]) -> dict[int, int]:
    ids = {notice.matter_id for notice in notices if notice.matter_id}
    return dict(session.execute(select(Matter.id, Matter.organ_id).where(Matter.id.in_(ids))).all())
