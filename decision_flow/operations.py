"""What an operator sees: nodes, queues, what failed, what runs next; and the ways out of the house."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, clock, deliveries, jobs
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid, NotFound
from decision_flow.identity import Actor, Permission, require
from decision_flow.jobs import Job
from decision_flow.models import (
    AuditEvent,
    CronSlot,
    Hook,
    Matter,
    Node,
    Notification,
    NotificationState,
    Timer,
    TimerState,
)
from decision_flow.notifications import INBOX

KINDS = ("webhook", "dingtalk", "wecom", "feishu")


@dataclass(frozen=True)
class Queue:
    """How much waits and since when the oldest does."""

    name: str
    waiting: int
    oldest: datetime | None
    failed: int


@dataclass(frozen=True)
class Run:
    """A daily job: when it runs next and how it went last."""

    name: str
    next_at: datetime
    last: CronSlot | None


@dataclass(frozen=True)
class Overview:
    """All of the operations page."""

    nodes: list[tuple[Node, bool]]
    queues: list[Queue]
    failed: list[tuple[Timer, str]]
    dead: list[Notification]
    runs: list[Run]
    hooks: list[Hook]


def overview(session: Session, actor: Actor, planned: Iterable[Job]) -> Overview:
    """Return what the operations page shows; `planned` are the daily jobs. Raises `NotPermitted`."""
    require(actor, Permission.OPERATIONS_READ)
    now = clock.now()
    due = session.execute(
        select(func.count(), func.min(Timer.due_at)).where(Timer.state == TimerState.WAITING, Timer.due_at <= now)
    ).one()
    lost = session.scalar(select(func.count()).select_from(Timer).where(Timer.state == TimerState.FAILED)) or 0
    queues = [Queue("timers", due[0], due[1], lost)]
    counted = session.execute(
        select(Notification.channel, Notification.state, func.count(), func.min(Notification.created_at))
        .where(Notification.state.in_((NotificationState.PENDING, NotificationState.FAILED)))
        .group_by(Notification.channel, Notification.state)
    ).all()
    for channel in (INBOX, "email", *KINDS):
        told = {state: (number, oldest) for name, state, number, oldest in counted if name == channel}
        waiting, oldest = told.get(NotificationState.PENDING, (0, None))
        queues.append(Queue(channel, waiting, oldest, told.get(NotificationState.FAILED, (0, None))[0]))
    failed = session.execute(
        select(Timer, Matter.title)
        .outerjoin(Matter, Matter.id == Timer.matter_id)
        .where((Timer.state == TimerState.FAILED) | ((Timer.state == TimerState.WAITING) & (Timer.last_error != "")))
        .order_by(Timer.id.desc())
        .limit(100)
    ).all()
    last = jobs.last_runs(session)
    runs = [Run(job.name, jobs.next_run(job, now), last.get(job.name)) for job in planned]
    hooks = session.scalars(select(Hook).order_by(Hook.id)).all()
    return Overview(
        jobs.alive(session), queues, [(timer, title or "") for timer, title in failed],
        deliveries.dead_letters(session, actor), runs, list(hooks),
    )  # fmt: skip


def retry_timer(session: Session, actor: Actor, timer_id: int) -> None:
    """Let a timer that failed try again from its first attempt. Raises `NotFound`."""
    require(actor, Permission.OPERATIONS_MANAGE)
    found = session.scalars(
        update(Timer)
        .where(Timer.id == timer_id, Timer.state.in_((TimerState.FAILED, TimerState.WAITING)), Timer.last_error != "")
        .values(state=TimerState.WAITING, attempts=0, lease_until=None, owner=None)
        .returning(Timer.kind)
        .execution_options(synchronize_session=False)
    ).all()
    if not found:
        raise NotFound(N_("没有这个失败的定时任务，或者它已经重新执行。"))
    audit.append(
        session, audit.OPERATIONS, EventName.TIMER_RETRIED, actor=actor, facts={"timer": timer_id, "kind": found[0]}
    )


def save_hook(session: Session, actor: Actor, values: Mapping[str, str]) -> Hook:
    """Add a way out: `kind, name, url, secret`. The secret is not shown again. Raises `Invalid` by field."""
    require(actor, Permission.OPERATIONS_MANAGE)
    errors: dict[str, list[str]] = {}
    name, url, kind = values.get("name", "").strip(), values.get("url", "").strip(), values.get("kind", "")
    if kind not in KINDS:
        errors["kind"] = [N_("请选择种类。")]
    if not 1 <= len(name) <= 80:
        errors["name"] = [N_("请填写名称。")]
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and len(url) <= 500
    except ValueError:
        fits = False
    if not fits:
        errors["url"] = [N_("请填写完整的网址。")]
    if kind == "webhook" and len(values.get("secret", "")) < 16:
        errors["secret"] = [N_("密钥至少16个字符，用于签名。")]
    if len(values.get("secret", "")) > 200:
        errors["secret"] = [N_("密钥过长。")]
    if errors:
        raise Invalid(N_("没有保存，请按提示修改。"), errors=errors)
    hook = Hook(kind=kind, name=name, url=url, secret=values.get("secret", ""), events=[], active=True)
    session.add(hook)
    session.flush()
    _record(session, actor, hook, None)
    return hook


def note_settings(session: Session, settings: Settings) -> bool:
    """Record the settings that a start finds other than the last start did, secrets masked; return whether any were.

    Whoever changes the file or the environment is not known to the product: the event is the system's.
    """
    told = {
        entry.name: ("***" if getattr(settings, entry.name) else "")
        if entry.metadata["secret"]
        else getattr(settings, entry.name)
        for entry in fields(Settings)
    }
    query = select(AuditEvent.canonical).where(AuditEvent.event == EventName.SETTINGS_CHANGED.value)
    last = session.scalars(query.order_by(AuditEvent.id.desc()).limit(1)).one_or_none()
    known = json.loads(last)["facts"]["settings"] if last else {}
    names = sorted(name for name, value in told.items() if known.get(name) != value)
    if names:
        before = {name: known.get(name) for name in names}
        after = {name: told[name] for name in names}
        facts = {"before": before, "after": after, "settings": told}
        audit.append(session, audit.OPERATIONS, EventName.SETTINGS_CHANGED, actor=audit.SYSTEM, facts=facts)
    return bool(names)


def switch_hook(session: Session, actor: Actor, hook_id: int, active: bool) -> Hook:
    """Open or close a way out. Raises `NotFound`."""
    require(actor, Permission.OPERATIONS_MANAGE)
    hook = session.get(Hook, hook_id)
    if hook is None:
        raise NotFound(N_("没有这个推送。"))
    was, hook.active = hook.active, active
    _record(session, actor, hook, was)
    return hook


def _record(session: Session, actor: Actor, hook: Hook, was: bool | None) -> None:
    host = urlsplit(hook.url).hostname
    facts = {"id": hook.id, "kind": hook.kind, "name": hook.name, "host": host, "active": hook.active,
             "before": {"active": was}, "after": {"active": hook.active}}  # fmt: skip
    audit.append(session, audit.OPERATIONS, EventName.HOOK_CHANGED, actor=actor, facts=facts)
