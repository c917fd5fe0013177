"""What may be read of matters: the list, the page of one matter, its diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import acts, bundles, matters
from decision_flow.acts import Act
from decision_flow.audit import EventName
from decision_flow.engine import Compiled, Element
from decision_flow.errors import N_, NotFound
from decision_flow.identity import Actor
from decision_flow.models import (
    STANDING,
    AuditEvent,
    Document,
    Evaluation,
    Matter,
    Organisation,
    ProcedureVersion,
    Task,
    TaskState,
    Timer,
    TimerState,
    User,
)
from decision_flow.roles import ROLES
from decision_flow.steps import StatutoryStep


@dataclass(frozen=True)
class MatterQuery:
    """Filters of the list of matters and the page wanted (from 1)."""

    text: str = ""
    status: str = ""
    step: str = ""
    page: int = 1
    per_page: int = 20


@dataclass(frozen=True)
class MatterPage:
    """One page of matters; `page` is within 1..`pages`."""

    rows: tuple[Matter, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class StepLine:
    """One statutory step as the matter stands: done, now, coming or exempt."""

    step: StatutoryStep
    status: str
    at: datetime | None
    note: str


@dataclass(frozen=True)
class MatterView:
    """All that the page of a matter shows; `now` maps element ids to who works there."""

    matter: Matter
    steps: tuple[StepLine, ...]
    tasks: tuple[Task, ...]
    documents: tuple[Document, ...]
    evaluations: tuple[Evaluation, ...]
    linked: tuple[Matter, ...]
    timers: tuple[Timer, ...]
    processes: tuple[Element, ...]
    passed: Mapping[str, int]
    now: Mapping[str, tuple[User | Organisation, ...]]
    acts: tuple[Act, ...]


def listing(session: Session, actor: Actor, query: MatterQuery) -> MatterPage:
    """Return one page of the matters that the actor may see, the newest first."""
    conditions: list[ColumnElement[bool]] = [matters.visible_to(actor)]
    if wanted := query.text.strip()[:80]:
        conditions.append(
            or_(
                Matter.title.icontains(wanted, autoescape=True),
                Matter.number.icontains(wanted, autoescape=True),
            )
        )
    if query.status:
        conditions.append(Matter.status == query.status)
    if query.step:
        conditions.append(Matter.current_step == query.step)
    total = session.scalar(select(func.count()).select_from(Matter).where(*conditions)) or 0
    pages = max(1, -(-total // query.per_page))
    page = min(max(1, query.page), pages)
    rows = session.scalars(
        select(Matter)
        .options(
            joinedload(Matter.organ),
            joinedload(Matter.undertaking_unit),
            joinedload(Matter.procedure_version).joinedload(ProcedureVersion.procedure),
        )
        .where(*conditions)
        .order_by(Matter.id.desc())
        .limit(query.per_page)
        .offset((page - 1) * query.per_page)
    )
    return MatterPage(tuple(rows), total, page, pages)


def view(session: Session, actor: Actor, matter_id: int) -> MatterView:
    """Return what the page of a matter shows. Raises `NotFound` for one the actor may not see."""
    matter = matters.get(
        session,
        actor,
        matter_id,
        joinedload(Matter.organ),
        joinedload(Matter.undertaking_unit),
        joinedload(Matter.implementing_unit),
        joinedload(Matter.procedure_version).joinedload(ProcedureVersion.procedure),
        undefer(Matter.passed),
    )
    compiled = bundles.runnable(session, matter.procedure_version).compiled
    rows = session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id)
        .options(joinedload(Task.assignee), joinedload(Task.organisation))
        .order_by(Task.received_at, Task.id)
    )
    # An act that somebody only considers is nobody else's business, and one that was dropped never happened.
    tasks = tuple(
        task
        for task in rows
        if not acts.is_act(task) or task.state == TaskState.COMPLETED
        or (task.state == TaskState.CLAIMED and task.assignee_id == actor.user_id)
    )  # fmt: skip
    documents = session.scalars(
        select(Document).where(Document.matter_id == matter.id, Document.filed_at.is_not(None)).order_by(Document.id)
    )
    evaluations = session.scalars(
        select(Evaluation).where(Evaluation.decision_id == matter.id).order_by(Evaluation.due_on)
    )
    linked = session.scalars(
        select(Matter).where(or_(Matter.decision_id == matter.id, Matter.id == matter.decision_id)).order_by(Matter.id)
    )
    return MatterView(
        matter=matter,
        steps=step_lines(compiled, tasks),
        tasks=tasks,
        documents=tuple(documents),
        evaluations=tuple(evaluations),
        linked=tuple(linked),
        timers=waiting(session, matter.id),
        processes=processes(compiled),
        passed=dict(matter.passed or {}),
        now=_now(tasks),
        acts=acts.available(actor, matter),
    )


def waiting(session: Session, matter_id: int) -> tuple[Timer, ...]:
    """Return the periods of the procedure that a matter waits out, the next to end first; a deadline is none."""
    which = (Timer.matter_id == matter_id, Timer.state == TimerState.WAITING, Timer.kind == "engine")
    return tuple(session.scalars(select(Timer).where(*which).order_by(Timer.due_at)))


def events(session: Session, actor: Actor, matter_id: int, limit: int = 500) -> tuple[AuditEvent, ...]:
    """Return the latest events of a matter's trail, the newest first; who read its files is the auditor's."""
    matter = matters.get(session, actor, matter_id)
    return tuple(
        session.scalars(
            select(AuditEvent)
            .where(AuditEvent.matter_id == matter.id, AuditEvent.event != EventName.DOCUMENT_READ.value)
            .order_by(AuditEvent.id.desc())
            .limit(limit)
        )
    )


def diagram(session: Session, actor: Actor, matter_id: int, process_id: str) -> tuple[bytes, dict[str, str]]:
    """Return the BPMN XML in which `process_id` of the matter's version is drawn, and the English names in it by id.

    Raises `NotFound`.
    """
    matter = matters.get(session, actor, matter_id, joinedload(Matter.procedure_version))
    runnable = bundles.runnable(session, matter.procedure_version)
    wanted = f'id="{process_id}"'.encode()
    if process_id in runnable.compiled.processes:
        for content in runnable.diagrams.values():
            if wanted in content:
                return content, _english(runnable.compiled, process_id)
    raise NotFound(N_("没有这张流程图。"))


def step_lines(compiled: Compiled, tasks: tuple[Task, ...]) -> tuple[StepLine, ...]:
    """Return the statutory steps that the procedure knows, in the law's order, as they stand."""
    known = {element.step for element in compiled.elements.values() if element.step}
    lines = []
    for step in StatutoryStep:
        if step not in known:
            continue
        own = [task for task in tasks if task.step == step]
        exempted = [
            task
            for task in tasks
            if task.state == TaskState.COMPLETED
            and (element := compiled.elements.get(task.element_id)) is not None
            and element.exempts == step
        ]
        done = [task for task in own if task.state == TaskState.COMPLETED]
        standing = [task for task in own if task.state in STANDING]
        if standing:
            lines.append(StepLine(step, "now", standing[0].received_at, standing[0].name))
        elif exempted:
            lines.append(StepLine(step, "exempt", exempted[-1].completed_at, exempted[-1].name))
        elif done:
            lines.append(StepLine(step, "done", done[-1].completed_at, done[-1].name))
        else:
            lines.append(StepLine(step, "coming", None, ""))
    return tuple(lines)


def processes(compiled: Compiled) -> tuple[Element, ...]:
    """Return the main process and those it calls, the main one first."""
    ordered = [compiled.main, *(key for key in compiled.processes if key != compiled.main)]
    return tuple(compiled.elements[key] for key in ordered)


def _english(compiled: Compiled, process_id: str) -> dict[str, str]:
    """Name what a diagram of one process shows; a lane is named as the role that its id ends in."""
    inside = [element for element in compiled.elements.values() if process_id in (element.id, element.process)]
    lanes = {f"lane_{process_id}_{code}": role.label_en for code, role in ROLES.items()}
    return {element.id: element.name_en for element in inside if element.name_en} | lanes


def _now(tasks: tuple[Task, ...]) -> dict[str, tuple[User | Organisation, ...]]:
    people: dict[str, list[User | Organisation]] = {}
    for task in tasks:
        if task.state in STANDING:
            people.setdefault(task.element_id, []).append(task.assignee or task.organisation)
    return {element: tuple(names) for element, names in people.items()}
