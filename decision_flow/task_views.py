"""What the page of a task shows: the form with what is already known, what went before, who waits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import bundles, catalogues, clock, experts, formalities, matters, policy_versions
from decision_flow.audit import EventName
from decision_flow.errors import N_, NotFound
from decision_flow.forms import Field, Form
from decision_flow.identity import Actor
from decision_flow.models import (
    STANDING,
    Appointment,
    AuditEvent,
    Document,
    Matter,
    Organisation,
    Post,
    ProcedureVersion,
    Task,
    TaskState,
    User,
)
from decision_flow.submissions import TaskData, auto_values

_HANDS = (EventName.TASK_TRANSFERRED, EventName.TASK_CLAIMED)


@dataclass(frozen=True)
class Earlier:
    """What an earlier step of the matter said."""

    task: Task
    form: Form
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Handed:
    """Who handed the task to its holder, and why."""

    by: str
    reason: str


@dataclass(frozen=True)
class TaskView:
    """All that the page of a task shows."""

    task: Task
    matter: Matter
    form: Form | None
    values: Mapping[str, Any]
    context: Mapping[str, Any]
    auto: Mapping[str, Any]
    hint: str
    hint_en: str
    earlier: tuple[Earlier, ...]
    documents: tuple[Document, ...]
    may_claim: bool
    may_work: bool
    handed: Handed | None


@dataclass(frozen=True)
class Place:
    """Where something that is missing is done: the task that stands open for its form or step, if one does."""

    form: str
    matter_id: int
    task_id: int | None = None
    name: str = ""
    name_en: str = ""


def places(session: Session, matter: Matter, forms: Iterable[str], *, besides: int = 0) -> dict[str, Place]:
    """Return for each form where it is filled in now: its open task, else the one open in its step.

    With nothing open for it the place names the matter alone. `besides` is the task whose page it is.
    """
    wanted = set(filter(None, forms))
    if not wanted:
        return {}
    open_ones = session.scalars(
        select(Task).where(Task.matter_id == matter.id, Task.state.in_(STANDING), Task.id != besides).order_by(Task.id)
    ).all()
    version = session.get_one(ProcedureVersion, matter.procedure_version_id)
    elements = bundles.runnable(session, version).compiled.elements.values()
    steps = {element.form: element.step for element in elements if element.form and element.step}
    by_form = {task.form: task for task in open_ones if task.form}
    by_step = {task.step: task for task in open_ones if task.step}
    found = {}
    for form in wanted:
        task = by_form.get(form) or by_step.get(steps.get(form, ""))
        found[form] = Place(form, matter.id, task.id, task.name, task.name_en) if task else Place(form, matter.id)
    return found


def view(session: Session, actor: Actor, task_id: int) -> TaskView:
    """Return what the page of a task shows. Raises `NotFound` for a task of a matter one may not see."""
    task = _visible(session, actor, task_id)
    matter = task.matter
    runnable = bundles.runnable(session, matter.procedure_version)
    form = runnable.form(task.form)
    done = session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id, Task.state == TaskState.COMPLETED, Task.id != task.id)
        .options(undefer(Task.submission))
        .order_by(Task.completed_at, Task.id)
    ).all()
    earlier = tuple(
        Earlier(other, runnable.forms[other.form], other.submission or {})
        for other in done
        if other.form is not None
        and other.form in runnable.forms
        and not experts.hidden(session, actor, matter.id, other)
    )
    values = task.submission or task.draft
    if values is None:
        values = next((entry.values for entry in reversed(earlier) if entry.form.id == task.form), None)
        if values is None or task.form in formalities.FROM_REGISTERS:
            values = formalities.suggested(session, matter, task.form) or values or {}
    standing = task.state in STANDING
    element = runnable.compiled.elements.get(task.element_id)
    properties = element.properties if element else {}
    return TaskView(
        task=task,
        matter=matter,
        form=form,
        values=values,
        context=dict(TaskData(runnable, matter, task, policy_versions.numbers(session, matter))) if standing else {},
        auto=auto_values(matter, actor, task) | formalities.auto_values(session, matter, task.form) if standing else {},
        hint=properties.get("hint", ""),
        hint_en=properties.get("hint_en", ""),
        earlier=earlier,
        documents=tuple(
            session.scalars(
                select(Document)
                .where(Document.matter_id == matter.id, Document.filed_at.is_not(None))
                .order_by(Document.id)
            )
        ),
        may_claim=task.state == TaskState.OPEN and task.pool in actor.pools,
        may_work=task.state == TaskState.CLAIMED and task.assignee_id == actor.user_id,
        handed=_handed(session, task) if task.state == TaskState.CLAIMED else None,
    )


def _handed(session: Session, task: Task) -> Handed | None:
    """Return how the task came to its holder if it was not claimed: by its latest change of hands."""
    last = session.scalars(
        select(AuditEvent)
        .where(AuditEvent.task_id == task.id, AuditEvent.event.in_(_HANDS))
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).first()
    if last is None or last.event != EventName.TASK_TRANSFERRED:
        return None
    return Handed(last.actor, str(json.loads(last.canonical)["facts"].get("reason", "")))


def choices(session: Session, view: TaskView, *, english: bool = False) -> dict[str, list[tuple[int, str]]]:
    """Return what the reference fields of the task's form and of the earlier ones may name: (id, display) by target."""
    forms = [entry.form for entry in view.earlier] + ([view.form] if view.form else [])
    return _choices(session, forms, view.matter.organ_id, english)


def choices_for(
    session: Session, form: Form, actor: Actor, matter: Matter | None, *, english: bool = False
) -> dict[str, list[tuple[int, str]]]:
    """Return what the reference fields of one form may name, by target: (id, display)."""
    organ_id = matter.organ_id if matter else next((held.organ_id for held in actor.appointments), None)
    return _choices(session, [form], organ_id, english)


_FORM_OF = (
    select(Task.form, *bundles.VERSION_COLUMNS)
    .join(Matter, Matter.id == Task.matter_id)
    .join(ProcedureVersion, ProcedureVersion.id == Matter.procedure_version_id)
    .where(Task.id == bindparam("task_id"))
)


def form_of(session: Session, task_id: int) -> Form | None:
    """Return the form of a task as its matter's version has it; None for a task without one."""
    row = session.connection().execute(_FORM_OF, {"task_id": task_id}).one_or_none()
    if row is None:
        raise NotFound(N_("没有这个任务，或者您无权查看。"))
    return bundles.runnable(session, row).form(row.form)


def opened_after(session: Session, task: Task) -> tuple[Task, ...]:
    """Return the tasks of the matter that stand open now, the latest first: what completing led to."""
    return tuple(
        session.scalars(
            select(Task)
            .where(Task.matter_id == task.matter_id, Task.state.in_(STANDING))
            .options(joinedload(Task.organisation), joinedload(Task.assignee))
            .order_by(Task.id.desc())
        )
    )


def _choices(
    session: Session, forms: Iterable[Form], organ_id: int | None, english: bool
) -> dict[str, list[tuple[int, str]]]:
    targets = {field.ref for form in forms for field in _all_fields(form.fields) if field.ref}
    found: dict[str, list[tuple[int, str]]] = {}
    for target in sorted(targets):
        if target == "organisation":
            rows = session.execute(
                select(Organisation.id, Organisation.name, Organisation.name_en)
                .where(Organisation.active)
                # One's own organ first: that is where the unit looked for nearly always is.
                .order_by(Organisation.organ_id != organ_id, Organisation.id)
            )
            found[target] = [(key, (english and name_en) or name) for key, name, name_en in rows]
        elif target == "catalogue_item":
            found[target] = catalogues.choices(session, organ_id)
        elif target == "user" or target.startswith("role:"):
            found[target] = _people(session, target.removeprefix("role:") if ":" in target else None, organ_id, english)
    return found


def _visible(session: Session, actor: Actor, task_id: int) -> Task:
    task = session.scalars(
        select(Task)
        .where(Task.id == task_id)
        .options(
            joinedload(Task.matter, innerjoin=True).options(
                joinedload(Matter.procedure_version, innerjoin=True),
                joinedload(Matter.organ, innerjoin=True),
                joinedload(Matter.undertaking_unit),
                undefer(Matter.state),
            ),
            joinedload(Task.organisation, innerjoin=True),
            joinedload(Task.assignee),
            joinedload(Task.completed_by),
            undefer(Task.draft),
            undefer(Task.submission),
        )
    ).one_or_none()
    if task is None:
        raise NotFound(N_("没有这个任务，或者您无权查看。"))
    if task.pool not in actor.pools and task.assignee_id != actor.user_id:
        matters.get(session, actor, task.matter_id)
    return task


def _people(session: Session, role: str | None, organ_id: int | None, english: bool) -> list[tuple[int, str]]:
    today = clock.today()
    query = (
        select(User.id, Organisation.name, Post.title, User.name, Organisation.name_en, Post.title_en, User.name_en)
        .join(Appointment, Appointment.user_id == User.id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            User.active,
            Appointment.starts_on <= today,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
        )
        .order_by(Organisation.organ_id != organ_id, Organisation.id, User.name)
    )
    if role:
        query = query.where(Post.role_code == role)
    found: dict[int, str] = {}
    for user_id, *names in session.execute(query):
        own, other = names[:3], names[3:]
        shown = [said or name for name, said in zip(own, other, strict=True)] if english else own
        found.setdefault(user_id, "·".join(shown))
    return list(found.items())


def _all_fields(fields: Iterable[Field]) -> Iterable[Field]:
    for field in fields:
        yield field
        yield from _all_fields(field.columns or ())
