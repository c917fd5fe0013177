"""Exemptions, exceptions and exclusions: asked for with a reason, decided by somebody else (SOD-14), registered.

What a form says anyway (an exemption signed by the leader, a shorter period with its reason, a matter out of
scope) becomes a record here, so that one register holds every departure from the ordinary course (`departures`).
Records are never changed after the decision and never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import (
    audit,
    clock,
    departures,
    drafts,
    identity,
    matters,
    notifications,
    oversight,
    refusals,
    typed_in,
)
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.departures import ARTICLES, ASKABLE, BEFORE, EXEMPTIONS, STATED
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refusal, Refused
from decision_flow.guards.said import REGISTER
from decision_flow.guards.separation import ASKED_IN
from decision_flow.models import STANDING, ExceptionKind, ExceptionRecord, ExceptionState, Matter, Task, TaskState
from decision_flow.roles import Permission
from decision_flow.steps import StatutoryStep

APPROVERS = frozenset({"deputy_head", "admin_head"})
_SHORTEST = 10
_TOO_SHORT = N_("请写明理由，不少于10个字。")
_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


@dataclass(frozen=True)
class ExceptionQuery:
    """Filters of the register: rule, organ, period (both days included), kind, state; the page from 1."""

    rule: str = ""
    organ_id: int = 0
    since: date | None = None
    until: date | None = None
    kind: str = ""
    state: str = ""
    page: int = 1
    per_page: int = 50


@dataclass(frozen=True)
class ExceptionPage:
    """One page of the register."""

    rows: tuple[ExceptionRecord, ...]
    total: int
    page: int
    pages: int


def ask(session: Session, actor: Actor, matter_id: int, rule: str, reason: str, *, step: str = "") -> ExceptionRecord:
    """Ask that a rule be applied otherwise in a matter, or (with `step`) that a stale step need not be repeated.

    Raises `Invalid` without a reason or for a rule that knows no exception, `Conflict` when the same is asked
    already.
    """
    identity.require(actor, Permission.MATTER_REGISTER)
    return _ask(session, actor, matter_id, rule, reason, step)


def _ask(
    session: Session, actor: Actor, matter_id: int, rule: str, reason: str, step: str = "", task: Task | None = None
) -> ExceptionRecord:
    matter = matters.get(session, actor, matter_id)
    refusals.acting(session, actor, matter_id)
    errors: dict[str, list[str]] = {}
    kind = ExceptionKind.STALE if step else ExceptionKind.EXCEPTION
    if step:
        rule = "R-25c"
        if step == StatutoryStep.LEGALITY_REVIEW:
            raise Refused(N_("合法性审查不得免除。修改后的草案须重新审查。"), rule="R-25a", article=ARTICLES["R-25c"])
        if step not in {entry.step for entry in drafts.open_marks(session, matter_id)}:
            errors["step"] = [N_("这个环节没有标记为需重做。")]
    elif rule not in ASKABLE:
        errors["rule"] = [N_("这条规定没有例外。")]
    if typed_in.length(reason) < _SHORTEST:
        errors["reason"] = [_TOO_SHORT]
    if errors:
        raise Invalid(_WRONG, errors=errors)
    same = select(ExceptionRecord.id).where(
        ExceptionRecord.matter_id == matter_id,
        ExceptionRecord.rule == rule,
        ExceptionRecord.subject == step,
        ExceptionRecord.state == ExceptionState.ASKED,
    )
    if session.scalar(same.limit(1)):
        raise Conflict(N_("同样的申请正在等待批准。"))
    return _new(session, matter, actor, kind, rule, reason, ExceptionState.ASKED, subject=step, task=task)


def ask_in_form(
    session: Session, actor: Actor, matter_id: int, form: str, values: Mapping[str, Any], task: Task | None = None
) -> ExceptionRecord:
    """Ask for what `form` states and needs approved before it counts, for whoever holds its `task`, which waits for it.

    Raises `Invalid` when it states no reason, `Conflict` when the same waits already.
    """
    identity.require(actor, Permission.TASK_WORK)
    rule, field = BEFORE[form]
    if typed_in.length(str(values.get(field) or "")) < _SHORTEST:
        raise Invalid(_WRONG, errors={field: [_TOO_SHORT]})
    return _ask(session, actor, matter_id, rule, departures.stated(form, values), task=task)


def must_be_approved(session: Session, matter: Matter, form: str, answers: Mapping[str, Any]) -> None:
    """Raise `Refused` when a form states a reason that nobody else has approved yet, in these words (SOD-14)."""
    if form not in BEFORE:
        return
    rule, reason = BEFORE[form][0], departures.stated(form, answers)
    if not reason:
        return
    record = approved(session, matter.id, rule)
    if record is None or record.reason != reason:
        raise Refused.of([
            Refusal(
                rule, ARTICLES[rule], N_("“%(what)s”还没有经批准。"),
                N_("点“报请批准”，由分管领导或者行政首长批准后再提交。"), REGISTER, {"what": ASKABLE[rule]},
            )
        ])  # fmt: skip


def in_form(session: Session, matter_id: int, form: str) -> ExceptionRecord | None:
    """Return what was last asked for from `form`, if it is one that needs an approval before it counts."""
    return _latest(session, matter_id, BEFORE[form][0]) if form in BEFORE else None


def decide(session: Session, actor: Actor, record_id: int, approve: bool, note: str) -> ExceptionRecord:
    """Approve or refuse what was asked. Raises `Refused` for one's own asking (SOD-14), `NotPermitted` for others."""
    record = session.scalars(
        select(ExceptionRecord).where(ExceptionRecord.id == record_id).with_for_update()
    ).one_or_none()
    if record is None:
        raise NotFound(N_("没有这条记录，或者您无权查看。"))
    matter = matters.get(session, actor, record.matter_id)
    refusals.acting(session, actor, record.matter_id)
    if record.state != ExceptionState.ASKED:
        raise Conflict(N_("这项申请已由%(who)s处理。"), who=record.decided_as)
    _not_ones_own(actor, record.asked_by_id)
    if not any(held.role_code in APPROVERS and held.organ_id == record.organ_id for held in actor.appointments):
        raise NotPermitted(N_("只有本机关的分管领导或者行政首长可以批准。"))
    note = typed_in.words(note)
    if not approve and not note:
        raise Invalid(_WRONG, errors={"note": [N_("不批准的，请写明理由。")]})
    record.state = ExceptionState.APPROVED if approve else ExceptionState.REFUSED
    record.decided_at, record.decided_by_id, record.decided_as = clock.now(), actor.user_id, actor.display
    record.note = note[:2000]
    if record.kind == ExceptionKind.STALE and approve:
        drafts.reason_away(
            session, record.matter_id, record.subject, record.reason, actor,
            asked=(record.asked_by_id, record.asked_as),
        )  # fmt: skip
    _tell(session, EventName.EXCEPTION_DECIDED, actor, record)
    if record.asked_by_id is not None:
        name, name_en = ("批准", "Approved") if approve else ("不批准", "Not approved")
        _notify(
            session, "exception.decided", matter, record, "asker", recipient_id=record.asked_by_id,
            task_id=_waiting_task(session, record), name=name, name_en=name_en, note=record.note or "—",
        )  # fmt: skip
    return record


def on_completed(session: Session, matter: Matter, task: Task, answers: Mapping[str, Any], actor: Actor) -> None:
    """Register the departure that a completed form states. Raises `Refused` when its asker approves it (SOD-14)."""
    form = task.form or ""
    if form in EXEMPTIONS:
        rule, step, field = EXEMPTIONS[form]
        asker = _completed(session, matter, ASKED_IN[form])
        _not_ones_own(actor, asker.completed_by_id if asker else None)
        told = _new(
            session, matter, actor, ExceptionKind.EXEMPTION, rule, str(answers.get(field) or ""),
            ExceptionState.APPROVED, subject=step.value, task=task,
        )  # fmt: skip
        if asker is not None:
            told.asked_by_id, told.asked_as = asker.completed_by_id, asker.completed_as
    elif form in STATED:
        rule, field = STATED[form]
        if reason := typed_in.words(answers.get(field)):
            latest = _latest(session, matter.id, rule)
            if latest is None or latest.reason != reason or latest.state == ExceptionState.REFUSED:
                _new(session, matter, actor, ExceptionKind.EXCEPTION, rule, reason, ExceptionState.ASKED, task=task)
    elif form in BEFORE:
        rule, field = BEFORE[form]
        record = approved(session, matter.id, rule) if answers.get(field) else None
        if record is not None:
            record.task_id = task.id
    elif form == "F-01" and answers.get("exclusion_type") not in (None, "none") and task.token != "start":  # noqa: S105
        _new(
            session, matter, actor, ExceptionKind.EXCLUSION, "R-03c", str(answers.get("summary") or ""),
            ExceptionState.ASKED, subject=str(answers["exclusion_type"]), task=task,
        )  # fmt: skip
    elif form == "F-01b" and answers.get("in_scope") is False:
        reason = str(answers.get("reason") or "")
        _new(session, matter, actor, ExceptionKind.EXCLUSION, "R-03c", reason, ExceptionState.ASKED,
             subject="office_judgement", task=task)  # fmt: skip


def approved(session: Session, matter_id: int, rule: str, subject: str = "") -> ExceptionRecord | None:
    """Return the exception from `rule` in a matter if the latest asked for is approved: what a REASON row asks."""
    record = _latest(session, matter_id, rule, subject)
    return record if record is not None and record.state == ExceptionState.APPROVED else None


def waiting(session: Session, actor: Actor) -> int:
    """Return how many wait for the actor's approval."""
    organs = {held.organ_id for held in actor.appointments if held.role_code in APPROVERS}
    if not organs:
        return 0
    asked = select(func.count()).where(
        ExceptionRecord.organ_id.in_(organs), ExceptionRecord.state == ExceptionState.ASKED,
        or_(ExceptionRecord.asked_by_id.is_(None), ExceptionRecord.asked_by_id != actor.user_id),
    )  # fmt: skip
    return session.scalar(asked) or 0


def of_matter(session: Session, matter_id: int) -> list[ExceptionRecord]:
    """Return all records of a matter in their order."""
    return list(
        session.scalars(
            select(ExceptionRecord).where(ExceptionRecord.matter_id == matter_id).order_by(ExceptionRecord.id)
        )
    )


def tasks_of(session: Session, records: Iterable[ExceptionRecord]) -> dict[int, Task]:
    """Return by id the tasks in which these were asked for: the act that waits, or the paper that gives the reason."""
    ids = {record.task_id for record in records if record.task_id is not None}
    return {task.id: task for task in session.scalars(select(Task).where(Task.id.in_(ids)))}


def needs_approval(record: ExceptionRecord, records: Iterable[ExceptionRecord]) -> bool:
    """Whether a reason was only stated, as was once enough, and the same has not been asked for since."""
    counts = {rule for rule, _ in STATED.values()}
    later = any(other.rule == record.rule and other.id > record.id for other in records)
    return record.state == ExceptionState.STATED and record.rule in counts and not later


def register(session: Session, actor: Actor, query: ExceptionQuery) -> ExceptionPage:
    """Return one page of the register, the newest first: of the actor's organs, for a supervisor of all."""
    identity.require(actor, Permission.MATTER_READ)
    wanted: list[ColumnElement[bool]] = [ExceptionRecord.organ_id.in_(oversight.organ_ids(session, actor))]
    for column, value in (
        (ExceptionRecord.rule, query.rule), (ExceptionRecord.organ_id, query.organ_id),
        (ExceptionRecord.kind, query.kind), (ExceptionRecord.state, query.state),
    ):  # fmt: skip
        if value:
            wanted.append(column == value)
    if query.since:
        wanted.append(ExceptionRecord.asked_at >= clock.start_of_day(query.since))
    if query.until:
        wanted.append(ExceptionRecord.asked_at <= clock.end_of_day(query.until))
    total = session.scalar(select(func.count()).select_from(ExceptionRecord).where(*wanted)) or 0
    pages = max(1, -(-total // query.per_page))
    page = min(max(1, query.page), pages)
    rows = session.scalars(
        select(ExceptionRecord)
        .options(joinedload(ExceptionRecord.matter).joinedload(Matter.organ))
        .where(*wanted)
        .order_by(ExceptionRecord.asked_at.desc(), ExceptionRecord.id.desc())
        .limit(query.per_page)
        .offset((page - 1) * query.per_page)
    )
    return ExceptionPage(tuple(rows), total, page, pages)


def may_decide(actor: Actor, record: ExceptionRecord) -> bool:
    """Whether the actor is one who may decide this record now."""
    holds = any(held.role_code in APPROVERS and held.organ_id == record.organ_id for held in actor.appointments)
    return record.state == ExceptionState.ASKED and holds and record.asked_by_id != actor.user_id


def _latest(session: Session, matter_id: int, rule: str, subject: str = "") -> ExceptionRecord | None:
    return session.scalars(
        select(ExceptionRecord)
        .where(ExceptionRecord.matter_id == matter_id, ExceptionRecord.rule == rule, ExceptionRecord.subject == subject)
        .order_by(ExceptionRecord.id.desc())
        .limit(1)
    ).one_or_none()


def _not_ones_own(actor: Actor, asked_by_id: int | None) -> None:
    if asked_by_id is not None and asked_by_id == actor.user_id:
        raise Refused(N_("不能批准本人提出的例外或者豁免，请由其他有权人员批准。"), rule="SOD-14", article="职责分离")


def _completed(session: Session, matter: Matter, form: str) -> Task | None:
    return session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id, Task.form == form, Task.state == TaskState.COMPLETED)
        .order_by(Task.completed_at.desc(), Task.id.desc())
        .limit(1)
    ).one_or_none()


def _new(
    session: Session, matter: Matter, actor: Actor, kind: ExceptionKind, rule: str, reason: str, state: ExceptionState,
    *, subject: str = "", task: Task | None = None,
) -> ExceptionRecord:  # fmt: skip
    now = clock.now()
    decided = state == ExceptionState.APPROVED
    record = ExceptionRecord(
        matter_id=matter.id, organ_id=matter.organ_id, task_id=task.id if task else None, kind=kind, rule=rule,
        article=ARTICLES.get(rule, ""), subject=subject, reason=typed_in.words(reason)[:4000], state=state,
        asked_at=now, asked_by_id=actor.user_id, asked_as=actor.display, note="",
        decided_at=now if decided else None, decided_by_id=actor.user_id if decided else None,
        decided_as=actor.display if decided else "",
    )  # fmt: skip
    session.add(record)
    session.flush()
    _tell(session, EventName.EXCEPTION_RECORDED, actor, record)
    if state == ExceptionState.ASKED:
        for role in sorted(APPROVERS):
            _notify(session, "exception.asked", matter, record, role, pool=f"{role}:{matter.organ_id}")
    return record


def _waiting_task(session: Session, record: ExceptionRecord) -> int | None:
    """Return the task that waited for the decision, while it stands open: there the asker goes on."""
    return session.scalar(select(Task.id).where(Task.id == record.task_id, Task.state.in_(STANDING)))


def _notify(
    session: Session, event: str, matter: Matter, record: ExceptionRecord, to: str, *, pool: str | None = None,
    recipient_id: int | None = None, task_id: int | None = None, **more: str,
) -> None:  # fmt: skip
    notifications.enqueue(
        session, event, dedupe_key=f"{event}:{record.id}:{to}", at=clock.now(), matter_id=matter.id, pool=pool,
        recipient_id=recipient_id, task_id=task_id,
        payload={"title": matter.title, "rule": record.rule, "reason": record.reason[:200], **more},
    )  # fmt: skip


def _tell(session: Session, event: EventName, actor: Actor, record: ExceptionRecord) -> None:
    audit.append(
        session,
        audit.matter_stream(record.matter_id),
        event,
        actor=actor,
        matter_id=record.matter_id,
        task_id=record.task_id,
        facts={
            "exception": record.id, "kind": record.kind, "subject": record.subject, "reason": record.reason,
            "state": record.state, "note": record.note,
        },
        rules=[record.rule],
    )  # fmt: skip
