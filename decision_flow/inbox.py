"""The inbox: one page of tasks and the counters above it, read from the task table alone.

Every question starts from an index on my pools or on me, so the cost follows the number of my tasks and
never the number of all tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from decision_flow import clock, working_days
from decision_flow.identity import Actor
from decision_flow.models import Matter, Organisation, Task, TaskState, User

TABS = ("todo", "claimable", "done", "started")


@dataclass(frozen=True)
class InboxQuery:
    """What is asked of the inbox: a tab, filters, an order and a page (from 1)."""

    tab: str = "todo"
    text: str = ""
    step: str = ""
    due: str = ""
    sort: str = "due"
    page: int = 1
    per_page: int = 20


@dataclass(frozen=True)
class Waiting:
    """How much waits in one tab, and how much of it by when."""

    total: int
    today: int
    three: int
    overdue: int


@dataclass(frozen=True)
class Counters:
    """How much work waits: what I hold and what I may claim."""

    held: Waiting
    free: Waiting

    @property
    def todo(self) -> int:
        """Return how many tasks I hold."""
        return self.held.total

    @property
    def claimable(self) -> int:
        """Return how many tasks I may claim."""
        return self.free.total

    @property
    def overdue(self) -> int:
        """Return how many of both are overdue."""
        return self.held.overdue + self.free.overdue


@dataclass(frozen=True)
class InboxRow:
    """One row. In the tab `started` a row is a matter: the task's own columns are None."""

    task_id: int | None
    matter_id: int
    number: str
    title: str
    name: str
    name_en: str
    step: str | None
    basis: str
    unit: str
    unit_en: str
    state: str | None
    assignee: str | None
    received_at: datetime | None
    due_at: datetime | None
    due_rule: str
    due_explanation: str
    completed_at: datetime | None
    matter_status: str


@dataclass(frozen=True)
class InboxPage:
    """One page of rows with the counters; `page` is within 1..`pages`."""

    rows: tuple[InboxRow, ...]
    total: int
    page: int
    pages: int
    counters: Counters


def inbox(session: Session, actor: Actor, query: InboxQuery) -> InboxPage:
    """Return one page of the actor's inbox. An unknown tab or a page out of range falls back to the nearest."""
    now = clock.now()
    three = clock.end_of_day(working_days.add_working_days(session, clock.today(), 3))
    counters = _counters(session, actor, now, three)
    if query.tab == "started":
        return _started(session, actor, query, counters)
    condition = and_(_mine(actor, query.tab), *_filters(query, now, three))
    count = select(func.count()).select_from(Task).where(condition)
    if query.text.strip():
        count = count.join(Matter)
    total = session.scalar(count) or 0
    page, pages = _page(total, query)
    assignee = aliased(User)
    rows = session.execute(
        select(
            Task.id,
            Task.matter_id,
            Matter.number,
            Matter.title,
            Task.name,
            Task.name_en,
            Task.step,
            Task.basis,
            Organisation.name,
            Organisation.name_en,
            Task.state,
            assignee.name,
            Task.received_at,
            Task.due_at,
            Task.due_rule,
            Task.due_explanation,
            Task.completed_at,
            Matter.status,
        )
        .join(Matter, Matter.id == Task.matter_id)
        .join(Organisation, Organisation.id == func.coalesce(Matter.undertaking_unit_id, Matter.organ_id))
        .outerjoin(assignee, assignee.id == Task.assignee_id)
        .where(condition)
        .order_by(*_order(query))
        .limit(query.per_page)
        .offset((page - 1) * query.per_page)
    )
    return InboxPage(tuple(InboxRow(*tuple(row)) for row in rows), total, page, pages, counters)


def _mine(actor: Actor, tab: str) -> ColumnElement[bool]:
    if tab == "claimable":
        return and_(Task.pool.in_(actor.pools), Task.state == TaskState.OPEN)
    if tab == "done":
        return Task.completed_by_id == actor.user_id
    return and_(Task.assignee_id == actor.user_id, Task.state == TaskState.CLAIMED)


def _counters(session: Session, actor: Actor, now: datetime, three: datetime) -> Counters:
    """Count in one statement of two index ranges; an OR over both would read the whole table."""
    tonight = clock.end_of_day(clock.today())

    def part(tab: str) -> Select[Any]:
        return select(
            literal(tab).label("tab"),
            func.count().label("n"),
            *(
                func.coalesce(func.sum(case((condition, 1), else_=0)), 0).label(name)
                for name, condition in (
                    ("today", and_(Task.due_at >= now, Task.due_at <= tonight)),
                    ("three", and_(Task.due_at >= now, Task.due_at <= three)),
                    ("late", Task.due_at < now),
                )
            ),
        ).where(_mine(actor, tab))

    rows = {row.tab: row for row in session.execute(union_all(part("todo"), part("claimable")))}
    held, free = (Waiting(row.n, row.today, row.three, row.late) for row in (rows["todo"], rows["claimable"]))
    return Counters(held, free)


def _filters(query: InboxQuery, now: datetime, three: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.text.strip():
        conditions.append(_matches(query.text))
    if query.step:
        conditions.append(Task.step == query.step)
    due: dict[str, ColumnElement[bool]] = {
        "overdue": Task.due_at < now,
        "today": and_(Task.due_at >= now, Task.due_at <= clock.end_of_day(clock.today())),
        "three": and_(Task.due_at >= now, Task.due_at <= three),
    }
    if query.due:
        conditions.append(due.get(query.due, false()))
    return conditions


def _matches(text: str) -> ColumnElement[bool]:
    wanted = text.strip()[:80]
    return or_(Matter.title.icontains(wanted, autoescape=True), Matter.number.icontains(wanted, autoescape=True))


def _order(query: InboxQuery) -> tuple[Any, ...]:
    if query.tab == "done":
        return (Task.completed_at.desc(), Task.id.desc())
    if query.sort == "received":
        return (Task.received_at.desc(), Task.id.desc())
    if query.sort == "number":
        return (Matter.number, Task.id)
    # What is overdue comes first by itself; what has no date comes last.
    return (case((Task.due_at.is_(None), 1), else_=0), Task.due_at, Task.id)


def _page(total: int, query: InboxQuery) -> tuple[int, int]:
    pages = max(1, -(-total // query.per_page))
    return min(max(1, query.page), pages), pages


def _started(session: Session, actor: Actor, query: InboxQuery, counters: Counters) -> InboxPage:
    conditions: list[ColumnElement[bool]] = [Matter.registered_by_id == actor.user_id]
    if query.text.strip():
        conditions.append(_matches(query.text))
    if query.step:
        conditions.append(Matter.current_step == query.step)
    total = session.scalar(select(func.count()).select_from(Matter).where(*conditions)) or 0
    page, pages = _page(total, query)
    rows = session.execute(
        select(
            Matter.id,
            Matter.number,
            Matter.title,
            Matter.current_step,
            Organisation.name,
            Organisation.name_en,
            Matter.registered_at,
            Matter.closed_at,
            Matter.status,
        )
        .join(Organisation, Organisation.id == func.coalesce(Matter.undertaking_unit_id, Matter.organ_id))
        .where(*conditions)
        .order_by(Matter.id.desc())
        .limit(query.per_page)
        .offset((page - 1) * query.per_page)
    )
    found = tuple(
        InboxRow(
            None, matter_id, number, title, "", "", step, "", unit, unit_en, None, None,
            registered_at, None, "", "", closed_at, status,
        )
        for matter_id, number, title, step, unit, unit_en, registered_at, closed_at, status in rows
    )  # fmt: skip
    return InboxPage(found, total, page, pages, counters)
