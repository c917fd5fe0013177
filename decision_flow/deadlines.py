"""Deadlines of tasks: why this date, computed again when the calendar changes, paused and extended on grounds.

A deadline's parts (unit, count, start, calendar version) lie in `Task.deadline`, with what happened to it
under `changes`; the date follows from them and is never typed. Grounds stand in `deadlines.toml` by rule;
what is not listed there is refused. A minimum window has no ground at all: it cannot be closed early.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, calendar_notices, clock, matters, notifications, typed_in, working_days
from decision_flow.audit import Author, EventName
from decision_flow.calendar_notices import Notice
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor, Permission, require
from decision_flow.models import STANDING, Matter, Task, Timer, TimerKind, TimerState
from decision_flow.working_days import Calendar, Deadline

# Who may approve an extension: never whoever holds the task (SOD-14).
APPROVERS = frozenset({"deputy_head", "admin_head", "supervisor"})


@dataclass(frozen=True)
class Ground:
    """One ground on which a rule lets its deadline be paused or extended, with its own basis."""

    code: str
    label: str
    label_en: str
    basis: str
    most: int = 0
    times: int = 0


@dataclass(frozen=True)
class Rule:
    """What may happen to the deadlines of one rule."""

    id: str
    statutory: bool
    basis: str
    pause: tuple[Ground, ...]
    extend: tuple[Ground, ...]


@dataclass(frozen=True)
class Move:
    """A deadline that a change of the calendar moves, or makes official without moving it."""

    task_id: int
    matter_id: int
    number: str
    title: str
    name: str
    name_en: str
    rule: str
    old: date
    new: Deadline

    @property
    def moves(self) -> bool:
        """Whether the date is another one."""
        return self.old != self.new.due_on


@dataclass(frozen=True)
class Why:
    """Why a task is due on this date: the parts, the rest days that were not counted, what happened to it."""

    task: Task
    deadline: Deadline
    rule: Rule
    skipped: tuple[date, ...]
    worked: tuple[date, ...]
    changes: tuple[Mapping[str, Any], ...]
    paused_since: date | None


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Return the rules of `deadlines.toml` by id."""
    told = tomllib.loads((Path(__file__).parent / "deadlines.toml").read_text("utf-8"))["rules"]

    def grounds(entries: Iterable[Mapping[str, Any]]) -> tuple[Ground, ...]:
        return tuple(
            Ground(
                entry["ground"], entry["label"], entry["label_en"], entry["basis"],
                int(entry.get("most", 0)), int(entry.get("times", 0)),
            )
            for entry in entries
        )  # fmt: skip

    return {
        key: Rule(
            key,
            bool(entry.get("statutory", False)),
            entry["basis"],
            grounds(entry.get("pause", ())),
            grounds(entry.get("extend", ())),
        )
        for key, entry in told.items()
    }


def rule_of(key: str) -> Rule:
    """Return the rule with this id; one that is not listed allows nothing."""
    return rules().get(key) or Rule(key, False, "", (), ())


def computed(calendar: Calendar, parts: Mapping[str, Any]) -> Deadline:
    """Return the deadline that follows from its parts; the days of a pause count once it has ended."""
    added = sum(int(change["count"]) for change in parts.get("changes", ()) if change["kind"] == "extend")
    paused = 0
    for change in parts.get("changes", ()):
        if change["kind"] == "pause" and change.get("until"):
            first, last = date.fromisoformat(change["on"]), date.fromisoformat(change["until"])
            if parts["unit"] == "working_days":
                paused += working_days.working_days_between(calendar, first, last)
            else:
                paused += (last - first).days
    start = date.fromisoformat(parts["start"])
    return working_days.counted(calendar, parts["unit"], int(parts["count"]), start, added=added, paused=paused)


def is_paused(parts: Mapping[str, Any] | None) -> bool:
    """Whether the count of a deadline stands still."""
    return any(_is_open(change) for change in (parts or {}).get("changes", ()))


def preview(session: Session, notice: Notice, organ_id: int | None = None) -> list[Move]:
    """Return every open deadline that `notice` would move or make official, the earliest first."""
    cache: dict[int, Calendar] = {}

    def after(organ: int) -> Calendar:
        if organ not in cache:
            found = working_days.load(session, organ)
            if organ_id in (None, organ):
                found = calendar_notices.applied(found, notice, local=organ_id is not None)
            cache[organ] = found
        return cache[organ]

    return [move for move in _moves(session, after) if organ_id is None or move.moves]


def recompute(session: Session, actor: Author) -> list[Move]:
    """Compute every open deadline by the calendar as it is now; return those that changed.

    A moved date is recorded with the old and the new one, and whoever holds the task is told.
    """
    moves = _moves(session, lambda organ: working_days.load(session, organ))
    locked = sorted({move.matter_id for move in moves})
    session.execute(select(Matter.id).where(Matter.id.in_(locked)).order_by(Matter.id).with_for_update(key_share=True))
    for move in moves:
        task = session.get_one(Task, move.task_id)
        if task.state in STANDING:
            _set(session, actor, task, move.new, EventName.DEADLINE_MOVED if move.moves else None)
    return moves


def why(session: Session, actor: Actor, task_id: int) -> Why:
    """Return why a task is due when it is. Raises `NotFound` for a task not visible, or without a computed date."""
    task = _seen(session, actor, task_id)
    if task.deadline is None or task.due_at is None:
        raise NotFound(N_("这个任务没有推算的期限。"))
    calendar = working_days.load(session, task.matter.organ_id)
    deadline = computed(calendar, task.deadline)
    span = [deadline.start.fromordinal(number) for number in _days(deadline)]
    counts_work = deadline.unit == "working_days"
    skipped = tuple(day for day in span if counts_work and not calendar.is_working_day(day))
    worked = tuple(day for day in span if counts_work and day.weekday() >= 5 and calendar.is_working_day(day))
    changes = tuple(task.deadline.get("changes", ()))
    open_pause = next((change for change in changes if _is_open(change)), None)
    since = date.fromisoformat(open_pause["on"]) if open_pause else None
    return Why(task, deadline, rule_of(task.due_rule), skipped, worked, changes, since)


def pause(session: Session, actor: Actor, task_id: int, ground: str, reason: str) -> Task:
    """Stop counting from today. Raises `Refused` where the rule has no ground, `Invalid` without a reason."""
    task = _changing(session, actor, task_id, mine=True)
    found = _ground(task, rule_of(task.due_rule).pause, ground, reason)
    if is_paused(task.deadline):
        raise Conflict(N_("期限已经中止计算。"))
    _change(session, actor, task, _noted("pause", found, reason, actor), EventName.DEADLINE_PAUSED)
    return task


def resume(session: Session, actor: Actor, task_id: int) -> Task:
    """Go on counting from tomorrow; the days of the pause are added. Raises `Conflict` when it is not paused."""
    task = _changing(session, actor, task_id, mine=True)
    if not is_paused(task.deadline):
        raise Conflict(N_("期限没有中止计算。"))
    standing = next(change for change in task.deadline["changes"] if _is_open(change))
    standing["until"] = clock.today().isoformat()
    _change(session, actor, task, None, EventName.DEADLINE_RESUMED)
    return task


def extend(session: Session, actor: Actor, task_id: int, ground: str, count: int, reason: str) -> Task:
    """Extend by `count` of the deadline's units, as far and as often as the rule's ground allows.

    Only a leader or supervisor of the organ who does not hold the task may (SOD-14). Raises `Refused`,
    `Invalid` by field, `NotPermitted`.
    """
    task = _changing(session, actor, task_id, mine=False)
    if task.assignee_id == actor.user_id:
        raise Refused(N_("本人承办的任务，不能由本人批准延期。"), rule="SOD-14", article="职责分离")
    organs = {held.organ_id for held in actor.appointments if held.role_code in APPROVERS}
    if task.matter.organ_id not in organs:
        raise NotPermitted(N_("延期由本机关的负责人或者督查人员批准。"))
    found = _ground(task, rule_of(task.due_rule).extend, ground, reason)
    if not 1 <= count <= found.most:
        raise Invalid(N_("没有延期，请按提示修改。"), errors={"count": [N_("超出了该理由允许延长的范围。")]})
    earlier = [change for change in task.deadline.get("changes", ()) if change["kind"] == "extend"]
    if len(earlier) >= found.times:
        raise Refused(N_("该期限已按规定延长过，不能再延长。"), rule=task.due_rule, article=found.basis)
    change = {**_noted("extend", found, reason, actor), "count": count}
    _change(session, actor, task, change, EventName.DEADLINE_EXTENDED)
    return task


def _noted(kind: str, ground: Ground, reason: str, actor: Actor) -> dict[str, Any]:
    return {
        "kind": kind,
        "on": clock.today().isoformat(),
        "ground": ground.code,
        "label": ground.label,
        "label_en": ground.label_en,
        "basis": ground.basis,
        "reason": typed_in.words(reason),
        "by": actor.display,
    }


def _moves(session: Session, calendar_of: Any) -> list[Move]:
    rows = session.execute(
        select(Task.id, Task.matter_id, Matter.number, Matter.title, Task.name, Task.name_en, Task.due_rule,
               Task.due_at, Task.due_provisional, Task.deadline, Matter.organ_id)
        .join(Matter, Matter.id == Task.matter_id)
        .where(Task.state.in_(STANDING), Task.due_at.is_not(None), Task.deadline.is_not(None))
        .order_by(Task.due_at, Task.id)
    )  # fmt: skip
    found = []
    for row in rows:
        if row.deadline is None:
            continue
        new = computed(calendar_of(row.organ_id), row.deadline)
        old = clock.local_date(row.due_at)
        if new.due_on != old or new.provisional != row.due_provisional:
            found.append(
                Move(row.id, row.matter_id, row.number, row.title, row.name, row.name_en, row.due_rule, old, new)
            )
    return found


def _change(session: Session, actor: Actor, task: Task, change: Mapping[str, Any] | None, event: EventName) -> None:
    changes = [*task.deadline.get("changes", ()), *([change] if change else [])]
    task.deadline = {**task.deadline, "changes": changes}
    calendar = working_days.load(session, task.matter.organ_id)
    facts = {key: value for key, value in (change or changes[-1]).items() if key != "by"}
    _set(session, actor, task, computed(calendar, task.deadline), event, **facts)


def _set(session: Session, actor: Author, task: Task, new: Deadline, event: EventName | None, **facts: Any) -> None:
    """Write a computed date to the task and to what waits for it; record and tell it."""
    old, was = task.due_at, task.deadline["calendar_version"]
    task.due_at, task.due_explanation = clock.end_of_day(new.due_on), new.explanation
    task.due_provisional = new.provisional
    task.deadline = {**task.deadline, "calendar_version": new.calendar_version}
    if event is None:
        return
    # While the count is paused nothing falls due.
    pausing = event == EventName.DEADLINE_PAUSED
    session.execute(
        update(Timer)
        .where(
            Timer.task_id == task.id,
            Timer.kind == TimerKind.OVERDUE,
            Timer.state.in_((TimerState.WAITING, TimerState.CANCELLED)),
        )
        .values(
            due_at=task.due_at,
            explanation=new.explanation,
            state=TimerState.CANCELLED if pausing or is_paused(task.deadline) else TimerState.WAITING,
        )
        .execution_options(synchronize_session=False)
    )
    dates = {"from": clock.local_date(old).isoformat() if old else None, "to": new.due_on.isoformat()}
    audit.append(
        session,
        audit.matter_stream(task.matter_id),
        event,
        actor=actor,
        matter_id=task.matter_id,
        task_id=task.id,
        facts={
            **facts,
            **dates,
            "calendar_from": was,
            "calendar_to": new.calendar_version,
            "provisional": new.provisional,
        },
        rules=[task.due_rule] if task.due_rule else [],
    )
    state = f"{len(task.deadline.get('changes', ()))}:{new.calendar_version}:{new.due_on}"
    notifications.enqueue(
        session,
        str(event.value),
        dedupe_key=f"{event.value}:{task.id}:{state}",
        at=clock.now(),
        recipient_id=task.assignee_id,
        pool=None if task.assignee_id else task.pool,
        matter_id=task.matter_id,
        task_id=task.id,
        payload={
            "title": session.get_one(Matter, task.matter_id).title,
            "name": task.name,
            "name_en": task.name_en,
            **dates,
        },
    )


def _changing(session: Session, actor: Actor, task_id: int, *, mine: bool) -> Task:
    require(actor, Permission.TASK_WORK)
    seen = _seen(session, actor, task_id)
    session.execute(select(Matter.id).where(Matter.id == seen.matter_id).with_for_update(key_share=True))
    session.refresh(seen, ["state", "assignee_id", "deadline", "due_at"])
    if seen.state not in STANDING or seen.deadline is None:
        raise Conflict(N_("任务已经办结或者没有推算的期限，不能改变期限。"))
    if mine and seen.assignee_id != actor.user_id:
        raise NotPermitted(N_("请先签收该任务，再办理。"))
    # A copy, so that the ORM sees what is changed inside.
    seen.deadline = {**seen.deadline, "changes": [dict(change) for change in seen.deadline.get("changes", ())]}
    return seen


def _seen(session: Session, actor: Actor, task_id: int) -> Task:
    task = session.scalars(select(Task).where(Task.id == task_id).options(joinedload(Task.matter))).one_or_none()
    if task is None:
        raise NotFound(N_("没有这个任务，或者您无权查看。"))
    if task.pool not in actor.pools and task.assignee_id != actor.user_id:
        matters.get(session, actor, task.matter_id)
    return task


def _ground(task: Task, allowed: tuple[Ground, ...], code: str, reason: str) -> Ground:
    if not allowed:
        raise Refused(
            N_("规则没有允许中止计算或者延长这个期限。"),
            rule=task.due_rule or "W8",
            article=rule_of(task.due_rule).basis or "产品设定",
        )
    found = next((ground for ground in allowed if ground.code == code), None)
    errors: dict[str, list[str]] = {}
    if found is None:
        errors["ground"] = [N_("请选择规则允许的理由。")]
    if not typed_in.words(reason):
        errors["reason"] = [N_("请写明具体情况。")]
    if errors or found is None:
        raise Invalid(N_("期限没有改变，请按提示修改。"), errors=errors)
    return found


def _is_open(change: Mapping[str, Any]) -> bool:
    return bool(change["kind"] == "pause" and not change.get("until"))


def _days(deadline: Deadline) -> range:
    return range(deadline.start.toordinal() + 1, deadline.due_on.toordinal() + 1)
