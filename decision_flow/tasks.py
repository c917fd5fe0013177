"""What people do with a task: claim, release, transfer, keep a draft, complete.

Every command first locks the matter, then looks at the task under that lock: of two people who press at
once, one wins and the other is told who it was and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from decision_flow import (
    acts,
    audit,
    bundles,
    clock,
    contributors,
    drafts,
    engine,
    formalities,
    guarding,
    guards,
    identity,
    matters,
    notifications,
    plain_rows,
    policy_versions,
    projection,
    refusals,
    submissions,
    task_ids,
    typed_in,
)
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted
from decision_flow.formalities import Filing
from decision_flow.forms.drafts import draft
from decision_flow.identity import Actor, Permission
from decision_flow.models import (
    Appointment,
    AuditStream,
    Document,
    Matter,
    Organisation,
    Post,
    Procedure,
    ProcedureVersion,
    Task,
    TaskState,
    User,
)
from decision_flow.prepared import Prepared


@dataclass(frozen=True)
class Completed:
    """The result of completing a task: what it was and what it opened."""

    task: Task
    matter: Matter
    opened: tuple[Task, ...]


def claim(session: Session, actor: Actor, task_id: int) -> Task:
    """Take an open task (签收). Raises `Conflict` when somebody else has it, `NotPermitted` outside the pool."""
    task = _locked(session, actor, task_id)
    if task.state == TaskState.CLAIMED and task.assignee_id == actor.user_id:
        return task
    _must_stand(session, task)
    if task.state == TaskState.CLAIMED:
        raise Conflict(N_("该任务已由%(who)s签收，如需办理请联系对方转办。"), who=_name(session, task.assignee_id))
    _must_be_candidate(session, actor, task)
    guarding.before_taking(session, task.matter, task, actor)
    task.state, task.assignee_id, task.claimed_at = TaskState.CLAIMED, actor.user_id, clock.now()
    _record(session, EventName.TASK_CLAIMED, actor, task)
    return task


def release(session: Session, actor: Actor, task_id: int) -> Task:
    """Give a claimed task back to its pool (退回签收); the draft stays with the task. An act begun is dropped."""
    task = _locked(session, actor, task_id)
    _must_be_mine(session, actor, task)
    if acts.is_act(task):
        task.state = TaskState.CANCELLED
        _record(session, EventName.TASK_WITHDRAWN, actor, task)
        return task
    task.state, task.assignee_id, task.claimed_at = TaskState.OPEN, None, None
    _record(session, EventName.TASK_RELEASED, actor, task, **contributors.drafted_by(task, actor.user_id))
    return task


def transfer(session: Session, actor: Actor, task_id: int, to_user_id: int, reason: str) -> Task:
    """Hand a claimed task to another candidate (转办), with a reason. Raises `Invalid` without one."""
    task = _locked(session, actor, task_id)
    _must_be_mine(session, actor, task)
    errors: dict[str, list[str]] = {}
    reason = typed_in.words(reason)
    if not reason:
        errors["reason"] = [N_("请填写转办原因。")]
    candidates = dict(transfer_candidates(session, actor, task))
    if to_user_id not in candidates:
        errors["to_user_id"] = [N_("请选择本岗位的其他人员。")]
    if errors:
        raise Invalid(N_("转办没有成功，请按提示修改。"), errors=errors)
    guarding.before_handing(session, task.matter, task, to_user_id)
    task.assignee_id, task.claimed_at = to_user_id, clock.now()
    if task.person_id:
        task.person_id, task.pool = to_user_id, f"person:{to_user_id}"
    _record(
        session,
        EventName.TASK_TRANSFERRED,
        actor,
        task,
        to={"id": to_user_id, "display": candidates[to_user_id]},
        reason=reason,
        **contributors.drafted_by(task, actor.user_id),
    )
    notifications.enqueue(
        session, "task.transferred", dedupe_key=f"task.transferred:{task.id}:{task.claimed_at.isoformat()}",
        at=task.claimed_at, recipient_id=to_user_id, matter_id=task.matter_id, task_id=task.id,
        payload={
            "title": task.matter.title, "name": task.name, "name_en": task.name_en,
            "who": actor.display, "reason": reason,
        },
    )  # fmt: skip
    return task


_DISPLAYED = ((Organisation.name, Organisation.name_en), (Post.title, Post.title_en), (User.name, User.name_en))


def _named(name: Any, name_en: Any, english: bool) -> Any:
    """Return the column of a name, in English where that is wanted and there is one."""
    return func.coalesce(func.nullif(name_en, ""), name) if english else name


def transfer_candidates(session: Session, actor: Actor, task: Task, *, english: bool = False) -> list[tuple[int, str]]:
    """Return (user id, display) of the others who hold the task's role in its unit or organ today."""
    today = clock.today()
    rows = session.execute(
        select(User.id, *(_named(*pair, english) for pair in _DISPLAYED))
        .join(Appointment, Appointment.user_id == User.id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            User.active,
            User.id != actor.user_id,
            Post.role_code == task.role_code,
            or_(Organisation.id == task.organisation_id, Organisation.organ_id == task.organisation_id),
            Appointment.starts_on <= today,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
        )
        .order_by(Organisation.name, User.name)
    )
    between = ", " if english else "·"
    return [(user_id, between.join((unit, title, name))) for user_id, unit, title, name in rows]


def save_draft(
    session: Session, actor: Actor, task_id: int, values: Mapping[str, Any], seen: str | None = None
) -> datetime:
    """Keep what was typed so far (暂存), right or wrong; return when it was saved.

    `seen` is the moment of the draft on which this one was typed, "" for none: raises `Conflict` if there is
    another by now, from another window, that it would overwrite. None overwrites whatever is there.
    """
    task = _locked(session, actor, task_id)
    _must_be_mine(session, actor, task)
    if seen is not None and seen != (task.draft_saved_at.isoformat() if task.draft_saved_at else ""):
        raise Conflict(N_("这项任务在别的窗口或者设备上暂存过新的内容，本页的内容没有暂存。"))
    form = bundles.runnable(session, task.matter.procedure_version).form(task.form)
    if form is not None:
        task.draft = draft(form.fields, values)
        task.draft_saved_at = clock.now()
    return task.draft_saved_at or clock.now()


def must_hold(session: Session, actor: Actor, task: Task) -> None:
    """Raise unless the task stands and the actor holds it, or may still take it."""
    _must_stand(session, task)
    if task.state == TaskState.OPEN:
        _must_be_candidate(session, actor, task)
    else:
        _must_be_mine(session, actor, task)


def complete(
    session: Session,
    actor: Actor,
    task_id: int,
    values: Mapping[str, Any],
    signature: Mapping[str, Any] | None = None,
) -> Completed:
    """Complete a task with its form and let the procedure go on.

    `values` are the answers to the task's form; `signature` is what a fresh re-authentication gave, if
    the form asks for one. Raises `Conflict` (who completed it, and when), `NotPermitted`, `Invalid` (all
    errors by field), `Refused` (rule and article), `ProcedureFault`.
    """
    task = _locked(session, actor, task_id)
    if task.state == TaskState.OPEN:
        _must_be_candidate(session, actor, task)
        task.assignee_id, task.claimed_at = actor.user_id, clock.now()
    else:
        _must_be_mine(session, actor, task)
        # The post, or the substitution it was taken under, may have ended since.
        _must_be_candidate(session, actor, task)
    matter, at = task.matter, clock.now()
    if acts.is_act(task):
        acts.must_be_allowed(matter, task)
    runnable = bundles.runnable(session, matter.procedure_version)
    form = runnable.form(task.form)
    answers: dict[str, Any] = {}
    filing: Filing | None = None
    documents: list[Document] = []
    if form is not None:
        numbers = policy_versions.numbers(session, matter)
        context = submissions.TaskData(runnable, matter, task, numbers)
        answers = submissions.check(
            session,
            form,
            values,
            actor=actor,
            context=context,
            auto=submissions.auto_values(matter, actor, task) | formalities.auto_values(session, matter, form.id),
            signed={field.name: signature for field in form.fields if field.type == "sign"} if signature else {},
            task=task,
        )
        guarding.before_completion(session, matter, task, answers, actor, at)
        filing = Filing(session, actor, matter, task, answers, context)
        formalities.check(filing)
        documents = submissions.file_documents(session, form, answers, task, actor)
        submissions.assign(session, matter, form, answers)
    else:
        guarding.before_completion(session, matter, task, answers, actor, at)
    task.state, task.submission, task.draft = TaskState.COMPLETED, answers, None
    task.completed_at, task.completed_by_id, task.completed_as = at, actor.user_id, signed_as(actor, task)
    data = {form.key: form.process_data(answers)} if form else {}
    _record(
        session,
        EventName.TASK_COMPLETED,
        actor,
        task,
        element=task.element_id,
        form=task.form,
        answers=data,
        submission_sha256=audit.digest_of(answers),
        documents=[{"name": paper.name, "sha256": paper.sha256} for paper in documents],
        rules=[acts.rule_of(task)] if acts.is_act(task) else [*filter(None, [guards.RECORDED.get(task.form or "")])],
    )
    drafts.on_completed(session, matter, task, answers, actor)
    if filing is not None:
        formalities.record(filing)
    if acts.is_act(task):
        return Completed(task, matter, acts.perform(session, matter, task, answers, actor, at))
    step = engine.complete(
        runnable.compiled, matter.state, task.token, data, projection.context(session, at, matter.organ_id)
    )
    if task.due_at:
        projection.cancel_task_timers(session, [task.id])
    opened = projection.apply(session, matter, step, actor=actor, at=at)
    return Completed(task, matter, opened)


# Of a task only what decides about it: every column costs, and the rest is read when it is asked for.
_TASK = plain_rows.Read(Task, (
    column for column in Task.__table__.columns
    if column.name not in (
        "process", "name_en", "basis", "due_explanation", "due_provisional", "deadline", "draft", "draft_saved_at",
        "submission",
    )
))  # fmt: skip
_MATTER = plain_rows.Read(Matter, Matter.__table__.columns)
_VERSION = plain_rows.Read(
    ProcedureVersion, (ProcedureVersion.__table__.columns[column.name] for column in bundles.VERSION_COLUMNS)
)
_HEAD = (AuditStream.seq, AuditStream.head, AuditStream.sm3)
_LOCKED = Prepared(
    select(*_TASK.columns, *_MATTER.columns, *_VERSION.columns, task_ids.NEXT, *_HEAD)
    .select_from(Task.__table__)
    .join(Matter.__table__, Matter.id == Task.matter_id)
    .join(ProcedureVersion.__table__, ProcedureVersion.id == Matter.procedure_version_id)
    .join(AuditStream, AuditStream.name == audit.matter_stream_of(Matter.id))
    .where(Task.id == bindparam("task_id"))
    # All three, in this order: a writer that had to wait is given each row as the one before left it.
    # No key of theirs ever changes, so whoever writes a row that points to them need not wait: an upload or a refusal
    # that holds the head of the trail would wait for us, and we for it.
    .with_for_update(of=(Matter, Task, AuditStream), key_share=True)
)


def _locked(session: Session, actor: Actor, task_id: int) -> Task:
    """Return the task with its matter and the head of its trail, all locked, as they are under that lock."""
    identity.require(actor, Permission.TASK_WORK)
    session.flush()
    found = _LOCKED.rows(session.connection(), {"task_id": task_id})
    if not found:
        raise NotFound(N_("没有这个任务，或者您无权查看。"))
    told = iter(found[0])
    task = _TASK.attach(session, told)
    matter = _MATTER.attach(session, told)
    version = _VERSION.attach(session, told)
    set_committed_value(task, "matter", matter)
    set_committed_value(matter, "procedure_version", version)
    task_ids.hold(session, next(told))
    audit.hold(session, audit.matter_stream(matter.id), *told)
    acting = actor.stands_in(task.pool)
    audit.stand_in(session, actor, acting.principal if acting else "")
    refusals.acting(session, actor, matter.id, task.id)
    if task.pool not in actor.pools and task.assignee_id != actor.user_id:
        matters.get(session, actor, matter.id)
    return task


def _must_stand(session: Session, task: Task) -> None:
    if task.state == TaskState.COMPLETED:
        raise Conflict(
            N_("该任务已由%(who)s于%(when)s办结，您填写的内容没有提交。"),
            who=task.completed_as or _name(session, task.completed_by_id),
            when=_local(task.completed_at),
        )
    if task.state == TaskState.CANCELLED:
        raise Conflict(N_("该任务已随程序进展撤回，无需再办理。"))


def signed_as(actor: Actor, task: Task) -> str:
    """Return how the actor's name stands under the task: with that of whoever they stand in for (代)."""
    acting = actor.stands_in(task.pool)
    return f"{actor.display}（代{acting.principal}）"[:200] if acting else actor.display


def _must_be_candidate(session: Session, actor: Actor, task: Task) -> None:
    if task.pool not in actor.pools:
        raise NotPermitted(N_("该任务不属于您的岗位，不能办理。"))
    acting = actor.stands_in(task.pool)
    if acting is not None and acting.procedure_key:
        version = task.matter.procedure_version_id
        key = session.scalar(select(Procedure.key).join(ProcedureVersion).where(ProcedureVersion.id == version))
        if key != acting.procedure_key:
            raise NotPermitted(N_("您只代理另一程序的任务，不能办理本任务。"))


def _must_be_mine(session: Session, actor: Actor, task: Task) -> None:
    _must_stand(session, task)
    if task.state != TaskState.CLAIMED:
        raise Conflict(N_("请先签收该任务，再办理。"))
    if task.assignee_id != actor.user_id:
        raise Conflict(N_("该任务已由%(who)s签收，如需办理请联系对方转办。"), who=_name(session, task.assignee_id))


def _record(
    session: Session, event: EventName, actor: Actor, task: Task, *, rules: Sequence[str] = (), **facts: Any
) -> None:
    audit.append(
        session,
        audit.matter_stream(task.matter_id),
        event,
        actor=actor,
        matter_id=task.matter_id,
        task_id=task.id,
        facts=facts,
        rules=rules,
    )


def _name(session: Session, user_id: int | None) -> str:
    return session.scalar(select(User.name).where(User.id == user_id)) or ""


def _local(moment: datetime | None) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if moment else ""
