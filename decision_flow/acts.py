"""What may be done to a matter at any time, outside the steps of its diagram.

An act is a task that a person opens for themself: the same page, draft, files and signature as any task, and
the same place in the timeline. Completing it does not go to the engine as the answer of a step; it does what
the act is for: suspend a decision that is being carried out (R-37b), report a problem (R-35a), have an expert
explain the draft to the public (R-15c), add a note to minutes that nobody may edit (R-30f), end a matter before
anything is decided. Until then it can be dropped; afterwards nothing removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, bundles, clock, engine, identity, matters, projection, refusals
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, NotFound, NotPermitted, Refused
from decision_flow.models import (
    ABOUT_A_DECISION,
    Matter,
    MatterStatus,
    Task,
    TaskState,
    Timer,
    TimerKind,
    TimerState,
)
from decision_flow.roles import Permission
from decision_flow.steps import StatutoryStep

PREFIX = "act:"
SUSPEND = "suspend_decision"

Answers = Mapping[str, Any]
Performance = Callable[[Session, Matter, Task, Answers, Actor, datetime], tuple[Task, ...]]


@dataclass(frozen=True)
class Act:
    """One act: whose it is, the form it takes, where it is allowed and what it rests on."""

    key: str
    name: str
    name_en: str
    form: str
    role: str
    step: StatutoryStep
    rule: str
    basis: str
    allowed: Callable[[Matter], bool]


def _is_a_decision(matter: Matter) -> bool:
    return matter.relation not in ABOUT_A_DECISION


def may_suspend(matter: Matter) -> bool:
    """Whether a decision is being carried out, so that it can be suspended (R-37b)."""
    return may_report(matter) and matter.status == MatterStatus.RUNNING


def may_report(matter: Matter) -> bool:
    """Whether a decision has reached whoever carries it out, so that problems can be reported (R-35a)."""
    return _is_a_decision(matter) and matter.effective_date is not None and matter.implementing_unit_id is not None


def may_withdraw(matter: Matter) -> bool:
    """Whether a matter is still on its way to a decision, so that it can be ended without one."""
    return _is_a_decision(matter) and matter.status == MatterStatus.RUNNING and matter.decided_at is None


def may_explain(matter: Matter) -> bool:
    """Whether a draft is before the public, so that an expert may explain it (R-15c)."""
    return may_withdraw(matter) and bool(matter.category) and matter.draft_version > 0


def may_note(matter: Matter) -> bool:
    """Whether a meeting has decided, so that its minutes stand and can only be added to (R-30f)."""
    return _is_a_decision(matter) and (matter.decided_at is not None or matter.outcome == "E_rejected")


ACTS: dict[str, Act] = {
    act.key: act
    for act in (
        Act("suspend", N_("决定中止执行"), "Suspend execution", "F-35", "admin_head", StatutoryStep.EXECUTION, "R-37b",
            "条例第三十七条", may_suspend),
        Act("report-problem", N_("报告执行中的问题"), "Report a problem", "F-19b", "implementing_unit",
            StatutoryStep.EXECUTION, "R-35a", "条例第三十五条", may_report),
        Act("explain", N_("发布专家访谈、解读"), "Publish an interview with an expert", "F-17i", "disclosure_officer",
            StatutoryStep.PUBLIC_PARTICIPATION, "R-15c", "条例第十五条", may_explain),
        Act("note-minutes", N_("更正、补充会议记录"), "Add to the minutes", "F-15n", "hearing_clerk",
            StatutoryStep.COLLECTIVE_DISCUSSION, "R-30f", "条例第三十条", may_note),
        Act("withdraw", N_("终止办理"), "End the matter", "F-03w", "admin_head", StatutoryStep.INITIATION, "R-10d",
            "条例第十条", may_withdraw),
    )
}  # fmt: skip


def available(actor: Actor, matter: Matter) -> tuple[Act, ...]:
    """Return the acts that `actor` may begin on `matter` as it stands."""
    return tuple(act for act in ACTS.values() if act.allowed(matter) and pool_of(act, matter) in actor.pools)


def pool_of(act: Act, matter: Matter) -> str:
    """Return the pool whose people may do the act."""
    return f"{act.role}:{getattr(matter, projection.UNIT_OF_ROLE.get(act.role, 'organ_id'))}"


def begin(session: Session, actor: Actor, matter_id: int, key: str) -> Task:
    """Open the task of an act for `actor`, or return the one already begun.

    Raises `NotFound` for an act there is not, `NotPermitted` when it is not theirs, `Refused` (rule and
    article) when the matter does not stand where it is allowed.
    """
    identity.require(actor, Permission.TASK_WORK)
    act = ACTS.get(key)
    if act is None:
        raise NotFound(N_("没有这个页面，或者您无权查看。"))
    matters.get(session, actor, matter_id)
    refusals.acting(session, actor, matter_id)
    matter = matters.lock(session, matter_id)
    if pool_of(act, matter) not in actor.pools:
        raise NotPermitted(N_("该任务不属于您的岗位，不能办理。"))
    _must_be_allowed(act, matter)
    if bundles.runnable(session, matter.procedure_version).form(act.form) is None:
        raise Conflict(N_("本事项所用的程序版本没有这张表单，不能在系统中办理。"))
    return _begun(session, actor, matter, act) or _open(session, actor, matter, act)


def _begun(session: Session, actor: Actor, matter: Matter, act: Act) -> Task | None:
    return session.scalars(
        select(Task).where(
            Task.matter_id == matter.id,
            Task.element_id == act.form,
            Task.state == TaskState.CLAIMED,
            Task.assignee_id == actor.user_id,
            Task.token.startswith(PREFIX, autoescape=True),
        )
    ).first()


def _open(session: Session, actor: Actor, matter: Matter, act: Act) -> Task:
    at = clock.now()
    task = Task(
        matter_id=matter.id,
        token=f"{PREFIX}{act.key}:{actor.user_id}:{at:%Y%m%d%H%M%S%f}",
        element_id=act.form,
        process=act.key,
        name=act.name,
        name_en=act.name_en,
        step=act.step,
        basis=f"{act.rule} {act.basis}",
        form=act.form,
        role_code=act.role,
        organisation_id=matter.implementing_unit_id if act.role == "implementing_unit" else matter.organ_id,
        pool=pool_of(act, matter),
        state=TaskState.CLAIMED,
        assignee_id=actor.user_id,
        claimed_at=at,
        received_at=at,
    )
    session.add(task)
    session.flush()
    audit.append(
        session, audit.matter_stream(matter.id), EventName.TASK_OPENED,
        actor=actor, matter_id=matter.id, task_id=task.id, at=at,
        facts={"act": act.key, "name": act.name, "pool": task.pool},
    )  # fmt: skip
    return task


def is_act(task: Task) -> bool:
    """Whether a task is an act and no step of the diagram."""
    return task.token.startswith(PREFIX)


def must_be_allowed(matter: Matter, task: Task) -> None:
    """Raise `Refused` when the matter has moved on since the act was begun."""
    _must_be_allowed(_act_of(task), matter)


def rule_of(task: Task) -> str:
    """Return the rule that an act rests on."""
    return _act_of(task).rule


def perform(
    session: Session, matter: Matter, task: Task, answers: Answers, actor: Actor, at: datetime
) -> tuple[Task, ...]:
    """Do what a completed act is for; return the tasks that this opened. Raises `Refused`, `Conflict`."""
    act = _act_of(task)
    return _PERFORM[act.key](session, matter, task, answers, actor, at)


def check_suspension(answers: Answers) -> None:
    """Raise `Refused` when the head would amend or terminate by way of a suspension (R-37b, G-SUSPEND)."""
    if answers.get("measure") != "suspend":
        raise Refused(
            N_("行政首长先行决定的只能是中止执行；变更或者终止执行，请办理决策调整程序。"),
            rule="R-37b",
            article="条例第三十七条",
        )


def _suspend(
    session: Session, matter: Matter, task: Task, answers: Answers, actor: Actor, at: datetime
) -> tuple[Task, ...]:
    """Interrupt the execution; the diagram records it, starts the adjustment and waits for its result."""
    check_suspension(answers)
    runnable = bundles.runnable(session, matter.procedure_version)
    data = runnable.form(task.form).process_data(answers)  # type: ignore[union-attr]
    step = engine.send(
        runnable.compiled, matter.state, SUSPEND, {"F35": data}, projection.context(session, at, matter.organ_id)
    )
    return projection.apply(session, matter, step, actor=actor, at=at)


def _report_problem(
    session: Session, matter: Matter, task: Task, answers: Answers, actor: Actor, at: datetime
) -> tuple[Task, ...]:
    """Have the report handled in a matter of its own, by row and not by token: it may come at any time."""
    runnable = bundles.runnable(session, matter.procedure_version)
    data = runnable.form(task.form).process_data(answers)  # type: ignore[union-attr]
    _start_matter(session, matter, task, at, "problem_handling", "problem", {"F19b": data}, "R-35a")
    return ()


def _filed(
    session: Session, matter: Matter, task: Task, answers: Answers, actor: Actor, at: datetime
) -> tuple[Task, ...]:
    """Nothing more: what the form means it did itself (`formalities.record`)."""
    return ()


def _withdraw(
    session: Session, matter: Matter, task: Task, answers: Answers, actor: Actor, at: datetime
) -> tuple[Task, ...]:
    """End the matter where it stands; what exists of its file is archived all the same."""
    runnable = bundles.runnable(session, matter.procedure_version)
    step = engine.cancel(runnable.compiled, matter.state, projection.context(session, at, matter.organ_id))
    projection.apply(session, matter, step, actor=actor, at=at)
    matter.status, matter.outcome = MatterStatus.CANCELLED, "E_terminated"
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.MATTER_CANCELLED,
        actor=actor,
        matter_id=matter.id,
        facts={"kind": answers.get("kind"), "reason": answers.get("reason")},
        rules=["R-10d"],
        at=at,
    )
    _start_matter(session, matter, task, at, "archiving", "archive", {}, "R-33")
    return ()


def _start_matter(
    session: Session,
    matter: Matter,
    task: Task,
    at: datetime,
    procedure: str,
    relation: str,
    facts: Mapping[str, Any],
    rule: str,
) -> None:
    session.add(
        Timer(
            kind=TimerKind.START_MATTER,
            matter_id=matter.id,
            due_at=at,
            rule=rule,
            payload={"procedure": procedure, "relation": relation, "facts": dict(facts)},
            state=TimerState.WAITING,
            dedupe_key=f"{relation}:{task.id}",
        )
    )


def _act_of(task: Task) -> Act:
    return ACTS[task.token.removeprefix(PREFIX).split(":")[0]]


def _must_be_allowed(act: Act, matter: Matter) -> None:
    if act.allowed(matter):
        return
    if matter.status == MatterStatus.SUSPENDED:
        raise Conflict(N_("该决策已经中止执行，正在办理决策调整。"))
    raise Refused(N_("事项所处的阶段不能办理“%(name)s”。"), rule=act.rule, article=act.basis, name=act.name)


_PERFORM: dict[str, Performance] = {
    "suspend": _suspend,
    "report-problem": _report_problem,
    "explain": _filed,
    "note-minutes": _filed,
    "withdraw": _withdraw,
}
