"""Commands on a matter as a whole: register, start one that follows from a decision, fire its timers.

The matter's row is the lock: whoever changes a matter holds it, and its version column tells a writer
that came too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select, text
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import (
    audit,
    bundles,
    clock,
    engine,
    identity,
    oversight,
    policy_versions,
    refusals,
    submissions,
    three_major,
)
from decision_flow.audit import SYSTEM, Author, EventName
from decision_flow.bundles import Runnable
from decision_flow.errors import N_, Conflict, NotFound, NotPermitted
from decision_flow.forms import Form
from decision_flow.identity import Actor, Permission
from decision_flow.models import (
    UNDER_WAY,
    Evaluation,
    EvaluationStatus,
    Matter,
    MatterStatus,
    Organisation,
    Procedure,
    ProcedureVersion,
    Task,
    TaskState,
    Timer,
    VersionStatus,
)
from decision_flow.projection import apply, context


@dataclass(frozen=True)
class Startable:
    """A procedure that a person may begin, with its start form and the organs they may begin it for."""

    procedure_key: str
    title: str
    title_en: str
    form: Form
    organs: tuple[Organisation, ...]


def startable(session: Session, actor: Actor) -> list[Startable]:
    """Return the procedures in force that begin with a form, for the organs the actor belongs to."""
    identity.require(actor, Permission.MATTER_REGISTER)
    organ_ids = {appointment.organ_id for appointment in actor.appointments}
    organs = tuple(
        session.scalars(
            select(Organisation).where(Organisation.id.in_(organ_ids), Organisation.active).order_by(Organisation.id)
        )
    )
    versions = session.scalars(
        select(ProcedureVersion)
        .join(Procedure)
        .options(joinedload(ProcedureVersion.procedure))
        .where(ProcedureVersion.status == VersionStatus.IN_FORCE, ProcedureVersion.start_form != "")
        .order_by(Procedure.id)
    )
    return [
        Startable(
            version.procedure.key,
            version.procedure.title,
            version.procedure.title_en,
            bundles.runnable(session, version).forms[version.start_form],
            organs,
        )
        for version in versions
    ]


def register(session: Session, actor: Actor, procedure_key: str, organ_id: int, values: Mapping[str, Any]) -> Matter:
    """Register a matter from its start form and start its procedure; return it, running.

    `values` are the answers to the start form. Raises `Invalid` with all errors by field, `NotPermitted`
    when the organ is not the actor's, `Conflict` when an open matter has the same title (F-01).
    """
    identity.require(actor, Permission.MATTER_REGISTER)
    refusals.acting(session, actor)
    if organ_id not in {appointment.organ_id for appointment in actor.appointments}:
        raise NotPermitted(N_("只能为本人任职的机关登记事项。"))
    version = bundles.in_force(session, procedure_key)
    runnable = bundles.runnable(session, version)
    form = runnable.forms[version.start_form]
    auto = three_major.start_values(session, organ_id, values) if form.id == three_major.FORM else {}
    answers = submissions.check(session, form, values, actor=actor, auto=auto)
    title = str(form.assignments(answers).get("matter_title") or version.procedure.title)
    duplicate = session.scalar(
        select(Matter.number).where(
            Matter.title == title, Matter.organ_id == organ_id, Matter.status == MatterStatus.RUNNING
        )
    )
    if duplicate:
        raise Conflict(
            N_("同名事项“%(title)s”正在办理（编号%(number)s），请在该事项中办理或改用其他名称。"),
            title=title,
            number=duplicate,
        )
    at = clock.now()
    matter = _new_matter(session, version, organ_id, title, at, registered_by_id=actor.user_id)
    submissions.assign(session, matter, form, answers)
    session.add(_suggestion(matter, runnable, form, answers, actor, at))
    _start(session, matter, runnable, {form.key: form.process_data(answers)}, actor, at)
    return matter


def start_linked(session: Session, timer: Timer) -> Matter:
    """Start the matter that a `start_matter` timer asks for, linked to the one the timer stands on.

    The timer's payload names `procedure` and `relation`, and may hold `facts` for the process data,
    `evaluation_id`, or `organ_id` when another organ takes the matter over. Raises `NotFound` when the
    procedure has no version in force.
    """
    refusals.acting(session, SYSTEM, timer.matter_id)
    payload = timer.payload
    decision = session.get_one(Matter, timer.matter_id)
    version = bundles.in_force(session, payload["procedure"])
    at = clock.now()
    moved = payload["relation"] == "transfer"
    title = decision.title if moved else f"{decision.title}（{version.procedure.title}）"
    matter = _new_matter(
        session, version, payload.get("organ_id") or decision.organ_id, title[:200], at, registered_by_id=None
    )
    matter.category = decision.category
    matter.decision_id, matter.relation = decision.id, payload["relation"]
    facts: dict[str, Any] = {"decision": {"id": decision.id, "number": decision.number}, **payload.get("facts", {})}
    if not moved:
        matter.undertaking_unit_id = decision.undertaking_unit_id
        matter.implementing_unit_id = decision.implementing_unit_id
    if payload["relation"] == "adjusts":
        facts = {**_said_before(session, decision), **facts}
    if evaluation_id := payload.get("evaluation_id"):
        evaluation = session.get_one(Evaluation, evaluation_id)
        evaluation.matter_id, evaluation.status = matter.id, EvaluationStatus.STARTED
        facts["evaluation"] = {
            "id": evaluation.id,
            "mode": evaluation.mode,
            "months": evaluation.months,
            "trigger": evaluation.trigger,
        }
        audit.append(
            session,
            audit.matter_stream(decision.id),
            EventName.EVALUATION_STARTED,
            actor=SYSTEM,
            matter_id=decision.id,
            facts={"evaluation": evaluation.id, "number": matter.number},
            at=at,
        )
    _start(session, matter, bundles.runnable(session, version), facts, SYSTEM, at)
    return matter


def _said_before(session: Session, decision: Matter) -> dict[str, Any]:
    """Return what was entered before drafting, for a new decision that begins with drafting."""
    version = session.get_one(ProcedureVersion, decision.procedure_version_id)
    forms = bundles.runnable(session, version).forms
    rows = session.scalars(
        select(Task)
        .where(Task.matter_id == decision.id, Task.form.in_(("F-01", "F-02", "F-03")), Task.submission.is_not(None))
        .options(undefer(Task.submission))
        .order_by(Task.completed_at, Task.id)
    )
    said = ((forms.get(task.form or ""), task.submission) for task in rows)
    return {form.key: form.process_data(answers) for form, answers in said if form is not None}


def send(session: Session, timer: Timer) -> bool:
    """Hand a signal to the matter of a `send` timer; return whether anything waited for it.

    The payload names `signals`, of which the first that the matter waits for is sent, and `data` that goes
    with it. A matter that has ended, or waits for none of them, is left as it is.
    """
    refusals.acting(session, SYSTEM, timer.matter_id)
    matter = lock(session, timer.matter_id or 0)
    runnable = bundles.runnable(session, matter.procedure_version)
    if matter.status not in UNDER_WAY:
        return False
    waiting = engine.awaited(runnable.compiled, matter.state)
    name = next((name for name in timer.payload["signals"] if name in waiting), None)
    if name is None:
        return False
    at = clock.now()
    if matter.status == MatterStatus.SUSPENDED:
        matter.status = MatterStatus.RUNNING
        audit.append(
            session,
            audit.matter_stream(matter.id),
            EventName.MATTER_RESUMED,
            actor=SYSTEM,
            matter_id=matter.id,
            facts=timer.payload["data"],
            rules=[timer.rule],
            at=at,
        )
    step = engine.send(
        runnable.compiled, matter.state, name, timer.payload["data"], context(session, at, matter.organ_id)
    )
    apply(session, matter, step, actor=SYSTEM, at=at)
    return True


def fire_timers(session: Session, matter_id: int) -> bool:
    """Let the engine timers of a matter that are due go off; return whether the matter still runs.

    Early, late or twice does no harm.
    """
    refusals.acting(session, SYSTEM, matter_id)
    matter = lock(session, matter_id)
    if matter.status not in UNDER_WAY:
        return False
    runnable = bundles.runnable(session, matter.procedure_version)
    at = clock.now()
    step = engine.fire(runnable.compiled, matter.state, context(session, at, matter.organ_id))
    if step.passed:
        audit.append(
            session, audit.matter_stream(matter.id), EventName.TIMER_FIRED, actor=SYSTEM, matter_id=matter.id,
            facts={"elements": [passed.element_id for passed in step.passed]}, at=at,
        )  # fmt: skip
    apply(session, matter, step, actor=SYSTEM, at=at)
    return True


def lock(session: Session, matter_id: int) -> Matter:
    """Return the matter with its state, locked until the transaction ends. Raises `NotFound`.

    Every lock of a matter or of an account is FOR NO KEY UPDATE (`key_share`): an event of the trail names both, and
    whoever holds the head of a stream writes it. A full lock would let the two wait for one another for good.
    """
    matter = session.scalars(
        select(Matter)
        .where(Matter.id == matter_id)
        .options(
            joinedload(Matter.procedure_version, innerjoin=True),
            undefer(Matter.state),
            undefer(Matter.passed),
        )
        .with_for_update(of=Matter, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if matter is None:
        raise NotFound(N_("没有这个事项，或者您无权查看。"))
    return matter


def visible_to(actor: Actor) -> Any:
    """Return the SQL condition under which a matter may be seen by `actor`.

    One sees the matters of the organs one serves in, those one's unit carries, and those that ever
    brought one a task; supervisors see those of every organ below theirs too (Art. 8).
    """
    overseen = [Matter.organ_id.in_(oversight.organs(actor))] if oversight.roots(actor) else []
    return or_(
        Matter.organ_id.in_({held.organ_id for held in actor.appointments}),
        Matter.undertaking_unit_id.in_({held.organisation_id for held in actor.appointments}),
        Matter.registered_by_id == actor.user_id,
        exists().where(Task.matter_id == Matter.id, Task.pool.in_(actor.pools)),
        *overseen,
    )


def get(session: Session, actor: Actor, matter_id: int, *options: Any) -> Matter:
    """Return a matter that `actor` may see. Raises `NotFound` for others, which tells nothing."""
    query = select(Matter).where(Matter.id == matter_id, visible_to(actor)).options(*options)
    matter: Matter | None = session.scalars(query).one_or_none()
    if matter is None:
        raise NotFound(N_("没有这个事项，或者您无权查看。"))
    return matter


def _new_matter(
    session: Session,
    version: ProcedureVersion,
    organ_id: int,
    title: str,
    at: datetime,
    *,
    registered_by_id: int | None,
) -> Matter:
    matter = Matter(
        number=_next_number(session, at),
        title=title,
        procedure_version=version,
        policy_digest=policy_versions.to_begin_with(session, organ_id).digest,
        organ_id=organ_id,
        status=MatterStatus.RUNNING,
        registered_by_id=registered_by_id,
        registered_at=at,
        draft_version=0,
        passed={},
        state=b"",
    )
    session.add(matter)
    session.flush()
    return matter


def _next_number(session: Session, at: datetime) -> str:
    """Return the next number of the year, ZD-2026-0001; one statement, so that two never get the same."""
    year = clock.local_date(at).year
    last = session.scalar(
        text(
            "INSERT INTO number_series (name, last) VALUES (:name, 1) "
            "ON CONFLICT (name) DO UPDATE SET last = number_series.last + 1 RETURNING last"
        ),
        {"name": f"matter:{year}"},
    )
    return f"ZD-{year}-{last:04d}"


def _suggestion(
    matter: Matter, runnable: Runnable, form: Form, answers: dict[str, Any], actor: Actor, at: datetime
) -> Task:
    """The start form as a completed task, so that who did what begins with whoever suggested it."""
    start = next(
        element
        for element in runnable.compiled.elements.values()
        if element.kind == "startEvent" and element.process == runnable.compiled.main
    )
    return Task(
        matter_id=matter.id,
        token="start",  # noqa: S106 - the engine's word for a place in the flow, no secret
        element_id=start.id,
        process=start.process,
        name=start.name or form.title,
        name_en=start.name_en or form.title_en,
        step=start.step or "initiation",
        form=form.id,
        role_code="proposer",
        organisation_id=matter.organ_id,
        pool=f"proposer:{matter.organ_id}",
        state=TaskState.COMPLETED,
        assignee_id=actor.user_id,
        received_at=at,
        submission=answers,
        completed_at=at,
        completed_by_id=actor.user_id,
        completed_as=actor.display,
    )


def _start(
    session: Session,
    matter: Matter,
    runnable: Runnable,
    facts: Mapping[str, Any],
    actor: Author,
    at: datetime,
) -> None:
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.MATTER_REGISTERED,
        actor=actor,
        matter_id=matter.id,
        facts={
            "number": matter.number,
            "title": matter.title,
            "procedure": matter.procedure_version.procedure.key,
            "version": matter.procedure_version.number,
            "digest": matter.procedure_version.digest,
            "policy": matter.policy_digest,
        },
        at=at,
    )
    organ = session.get_one(Organisation, matter.organ_id)
    data = {
        "matter": {
            "id": matter.id,
            "kind": matter.procedure_version.procedure.key,
            "organ_id": organ.id,
            "organ_level": organ.level,
            "entry": matter.relation or "suggestion",
            "decision_id": matter.decision_id,
        },
        "policy": policy_versions.numbers(session, matter),
        **facts,
    }
    step = engine.start(runnable.compiled, data, context(session, at, matter.organ_id))
    apply(session, matter, step, actor=actor, at=at)
