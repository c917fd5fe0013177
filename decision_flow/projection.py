"""The one place where an engine step becomes rows: state, tasks, timers, notifications, trail.

All of it is written in the caller's transaction, so state and projection stand or fall together. The
statements are few and their number does not grow with the matter's history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state

from decision_flow import audit, clock, effects, evaluations, guarding, task_ids, working_days
from decision_flow.audit import Author, EventName
from decision_flow.engine import Context, Element, OpenTask, Step
from decision_flow.errors import N_, ProcedureFault
from decision_flow.expressions import compile_expression
from decision_flow.models import (
    Matter,
    MatterStatus,
    Notification,
    NotificationState,
    Task,
    TaskState,
    Timer,
    TimerKind,
    TimerState,
)
from decision_flow.prepared import Prepared

# Whose work a role's task is: the unit named in the matter. Every other role acts for the whole organ.
UNIT_OF_ROLE = {
    "undertaking_unit": "undertaking_unit_id",
    "lead_unit": "undertaking_unit_id",
    "implementing_unit": "implementing_unit_id",
}


class CalendarFunctions(Mapping[str, Any]):
    """The calendar's functions for expressions, read from the database only when one is called for."""

    def __init__(self, session: Session, organ_id: int | None = None) -> None:
        self._session, self._organ_id = session, organ_id

    @cached_property
    def _functions(self) -> dict[str, Any]:
        return dict(working_days.functions(self._session, self._organ_id))

    def __getitem__(self, name: str) -> Any:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


def context(session: Session, at: datetime, organ_id: int | None = None) -> Context:
    """Return what the engine may know of the outside: the moment and the calendar of the matter's organ."""
    return Context(now=at, functions=CalendarFunctions(session, organ_id))


def apply(session: Session, matter: Matter, step: Step, *, actor: Author, at: datetime) -> tuple[Task, ...]:
    """Write what `step` changed about the locked `matter`; return the tasks it opened.

    `at` is the moment of the act (aware). Raises `ProcedureFault` when the procedure names a unit, person
    or date that cannot be worked out.
    """
    matter.state = step.state
    counts = Counter(matter.passed or {})
    counts.update(passed.element_id for passed in step.passed)
    matter.passed = dict(counts)
    for call in step.calls:
        effects.perform(session, matter, call, actor=actor, at=at)
    if step.closed:
        _withdraw(session, matter, step.closed, actor)
    functions = CalendarFunctions(session, matter.organ_id)
    tasks = _insert(session, [_open(matter, opened, functions, at) for opened in step.opened])
    for task in tasks:
        if task.step:
            matter.current_step = task.step
    if step.finished:
        _finish(session, matter, step, actor, at)
    _announce(session, matter, tasks, actor, at)
    if step.timers_changed:
        _settle_timers(session, matter, step, at)
    return tasks


_NEW_TASK = Prepared(
    insert(Task).inline(),
    (
        "id", "matter_id", "token", "element_id", "process", "name", "name_en", "step", "basis", "form", "role_code",
        "organisation_id", "pool", "person_id", "item", "state", "received_at", "due_at", "due_rule",
        "due_explanation", "due_provisional", "deadline",
    ),
)  # fmt: skip
_NEW_NOTICE = Prepared(
    insert(Notification).inline(),
    ("event", "recipient_id", "pool", "matter_id", "task_id", "payload", "state", "dedupe_key", "created_at"),
)
_NEW_TIMER = Prepared(
    insert(Timer).inline(),
    ("kind", "matter_id", "task_id", "element_id", "due_at", "rule", "explanation", "state", "dedupe_key"),
)
_CANCEL_TIMERS = Prepared(
    update(Timer)
    .where(Timer.task_id == bindparam("of_task"), Timer.state == TimerState.WAITING)
    .values(state=TimerState.CANCELLED)
)


def _insert(session: Session, rows: list[dict[str, Any]]) -> tuple[Task, ...]:
    """Write new tasks, under ids that the trail can name at once.

    Plain inserts, here and below: the unit of work would cost more than the statements. The tasks returned
    are to be read; they do not belong to the session.
    """
    if not rows:
        return ()
    tasks = []
    for row, number in zip(rows, task_ids.take(session, len(rows)), strict=True):
        row["id"] = number
        task = Task()
        # Past the attributes, which would keep account of changes that nobody writes.
        instance_state(task).dict.update(row)
        tasks.append(task)
    _NEW_TASK.write(session.connection(), rows)
    return tuple(tasks)


def _open(matter: Matter, opened: OpenTask, functions: CalendarFunctions, at: datetime) -> dict[str, Any]:
    element = opened.element
    names = dict(opened.data)
    if opened.item_name:
        names[opened.item_name] = opened.item
    role = element.roles[0]
    unit_id = _evaluate(element, "unit", names, functions)
    if unit_id is None:
        unit_id = getattr(matter, UNIT_OF_ROLE.get(role, "organ_id")) or matter.organ_id
    person_id = _evaluate(element, "person", names, functions)
    deadline = _evaluate(element, "due", names, functions)
    return {
        "matter_id": matter.id,
        "token": opened.token,
        "element_id": element.id,
        "process": element.process,
        "name": element.name,
        "name_en": element.name_en or "",
        "step": element.step,
        "basis": element.properties.get("basis", ""),
        "form": element.form,
        "role_code": role,
        "organisation_id": int(unit_id),
        # Work for one person waits in that person's own pool, so that the inbox asks one question only.
        "pool": f"person:{int(person_id)}" if person_id else f"{role}:{int(unit_id)}",
        "person_id": int(person_id) if person_id else None,
        "item": opened.item,
        "state": TaskState.OPEN,
        "received_at": at,
        "due_at": clock.end_of_day(getattr(deadline, "due_on", deadline)) if deadline is not None else None,
        "due_rule": element.properties.get("due_rule", "") if deadline is not None else "",
        "due_explanation": getattr(deadline, "explanation", "") if deadline is not None else "",
        "due_provisional": getattr(deadline, "provisional", False),
        "deadline": _parts(element, deadline, at) if isinstance(deadline, working_days.Deadline) else None,
    }


def _parts(element: Element, deadline: working_days.Deadline, at: datetime) -> dict[str, Any]:
    """Return what a deadline was computed from, with the event it counts from in words (W9)."""
    event = element.properties.get("due_event", "")
    if not event:
        event = "received" if deadline.start == clock.local_date(at) else "stated"
    return {**deadline.parts(), "event": event, "event_en": element.properties.get("due_event_en", "")}


def _evaluate(element: Element, key: str, names: Mapping[str, Any], functions: CalendarFunctions) -> Any:
    text = element.properties.get(key)
    if not text:
        return None
    try:
        return compile_expression(text).evaluate(names, functions)
    except Exception as error:
        raise ProcedureFault(
            N_("程序的环节“%(name)s”没有算出%(key)s：%(text)s。请联系程序管理人员。"),
            element=element.id,
            expression=text,
            name=element.name,
            key=key,
            text=text,
        ) from error


def _withdraw(session: Session, matter: Matter, tokens: tuple[str, ...], actor: Author) -> None:
    """Cancel the open tasks whose tokens the engine closed, with their timers."""
    ids = session.scalars(
        update(Task)
        .where(
            Task.matter_id == matter.id,
            Task.token.in_(tokens),
            Task.state.in_((TaskState.OPEN, TaskState.CLAIMED)),
        )
        .values(state=TaskState.CANCELLED)
        .returning(Task.id)
        .execution_options(synchronize_session=False)
    ).all()
    cancel_task_timers(session, ids)
    for task_id in ids:
        audit.append(
            session,
            audit.matter_stream(matter.id),
            EventName.TASK_WITHDRAWN,
            actor=actor,
            matter_id=matter.id,
            task_id=task_id,
        )


def cancel_task_timers(session: Session, task_ids: Sequence[int]) -> None:
    """Cancel what still waits for tasks that are no longer open.

    Sent on the connection: through the session it would first flush all that the one flush at the end writes.
    """
    _CANCEL_TIMERS.write(session.connection(), [{"of_task": task_id} for task_id in task_ids])


def _finish(session: Session, matter: Matter, step: Step, actor: Author, at: datetime) -> None:
    guarding.before_finish(session, matter)
    matter.status = MatterStatus.COMPLETED
    matter.outcome = step.outcome
    matter.closed_at = at
    if matter.relation == "evaluation":
        evaluations.close(session, matter, step.outcome, actor, at)
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.MATTER_FINISHED,
        actor=actor,
        matter_id=matter.id,
        facts={"outcome": step.outcome},
        at=at,
    )


def _announce(session: Session, matter: Matter, tasks: tuple[Task, ...], actor: Author, at: datetime) -> None:
    """Record each opened task, tell its candidates, and set the notice for its due date."""
    for task in tasks:
        audit.append(
            session,
            audit.matter_stream(matter.id),
            EventName.TASK_OPENED,
            actor=actor,
            matter_id=matter.id,
            task_id=task.id,
            facts={
                "element": task.element_id,
                "name": task.name,
                "pool": task.pool,
                "due": task.due_at.isoformat() if task.due_at else None,
                "due_rule": task.due_rule,
            },
            at=at,
        )
    notices = [
        {
            "event": "task.opened",
            "recipient_id": task.person_id,
            "pool": task.pool,
            "matter_id": matter.id,
            "task_id": task.id,
            "payload": {"title": matter.title, "name": task.name, "name_en": task.name_en},
            "state": NotificationState.PENDING,
            "dedupe_key": f"task.opened:{task.id}",
            "created_at": at,
        }
        for task in tasks
    ]
    overdue = [
        {
            "kind": TimerKind.OVERDUE,
            "matter_id": matter.id,
            "task_id": task.id,
            "element_id": task.element_id,
            "due_at": task.due_at,
            "rule": task.due_rule,
            "explanation": task.due_explanation,
            "state": TimerState.WAITING,
            "dedupe_key": f"overdue:{task.id}",
        }
        for task in tasks
        if task.due_at
    ]
    if notices:
        _NEW_NOTICE.write(session.connection(), notices)
    if overdue:
        _NEW_TIMER.write(session.connection(), overdue)


def _settle_timers(session: Session, matter: Matter, step: Step, at: datetime) -> None:
    """Make the waiting engine timers of the matter equal to those that stand in the state."""
    waiting = {
        timer.token: timer
        for timer in session.scalars(
            select(Timer).where(
                Timer.matter_id == matter.id,
                Timer.kind == TimerKind.ENGINE,
                Timer.state == TimerState.WAITING,
            )
        )
    }
    standing = {due.token: due for due in step.timers}
    for token, timer in waiting.items():
        if token not in standing:
            timer.state = TimerState.DONE if timer.due_at <= at else TimerState.CANCELLED
            timer.fired_at = at
    for token, due in standing.items():
        if token in waiting:
            waiting[token].due_at = due.due_at
            continue
        session.add(
            Timer(
                kind=TimerKind.ENGINE,
                matter_id=matter.id,
                token=token,
                element_id=due.element.id,
                due_at=due.due_at,
                rule=due.element.properties.get("due_rule", ""),
                explanation=due.text,
                state=TimerState.WAITING,
                dedupe_key=f"engine:{matter.id}:{token}",
            )
        )
