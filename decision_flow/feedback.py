"""What is heard of a decision in force, and the calendar of its evaluations: the register and what pages read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, evaluations, matters, typed_in, working_days
from decision_flow.audit import EventName
from decision_flow.errors import N_, Invalid, NotPermitted
from decision_flow.evaluations import Facts
from decision_flow.identity import Actor, Permission, require
from decision_flow.models import Evaluation, EvaluationStatus, Feedback, Matter
from decision_flow.working_days import Calendar

KINDS = ("opinion", "petition", "law_change", "head_order")
CHANNELS = ("letter", "phone", "email", "visit", "other")
OPEN = (EvaluationStatus.SCHEDULED, EvaluationStatus.STARTED)


@dataclass(frozen=True)
class Review:
    """One evaluation in the calendar."""

    evaluation: Evaluation
    decision: Matter
    days_left: int
    provisional: bool

    @property
    def state(self) -> str:
        """`overdue`, `soon` (30 days), `coming`, or the status once it is closed."""
        if self.evaluation.status not in OPEN:
            return str(self.evaluation.status)
        if self.days_left < 0:
            return "overdue"
        return "soon" if self.days_left <= 30 else "coming"


@dataclass(frozen=True)
class Watch:
    """A decision under watch: its evaluations, what was heard, and what the trigger table says today."""

    decision: Matter
    reviews: tuple[Review, ...]
    heard: tuple[Feedback, ...]
    facts: Facts
    triggers: tuple[str, ...]


def record(session: Session, actor: Actor, decision_id: int, values: Mapping[str, str]) -> Feedback:
    """Enter what was heard (Art. 35): `kind, channel, negative, heard_on, content`. It is never removed (R-35a).

    Only the head may enter an order to evaluate. Raises `Invalid` by field, `NotFound`, `NotPermitted`.
    """
    require(actor, Permission.TASK_WORK)
    decision = matters.get(session, actor, decision_id)
    errors: dict[str, list[str]] = {}
    kind, channel = values.get("kind", ""), values.get("channel", "")
    content = typed_in.words(values.get("content"))
    if kind not in KINDS:
        errors["kind"] = [N_("请选择种类。")]
    if kind == "opinion" and channel not in CHANNELS:
        errors["channel"] = [N_("请选择来源。")]
    if not 2 <= len(content) <= 4000:
        errors["content"] = [N_("请写明内容，2到4000字。")]
    heard_on = typed_in.day(values.get("heard_on")) or clock.today()
    if typed_in.day(values.get("heard_on")) is None:
        errors["heard_on"] = [N_("日期不正确，请按年-月-日填写。")]
    if heard_on > clock.today():
        errors["heard_on"] = [N_("日期不能晚于今天。")]
    if decision.effective_date is None:
        errors["kind"] = [N_("决策尚未生效，意见请在征求意见环节登记。")]
    if errors:
        raise Invalid(N_("没有登记，请按提示修改。"), errors=errors)
    organs = {held.organ_id for held in actor.appointments if held.role_code == "admin_head"}
    if kind == "head_order" and decision.organ_id not in organs:
        raise NotPermitted(N_("开展评估的要求由本机关行政首长提出。"))
    entry = Feedback(
        decision_id=decision_id, kind=kind, heard_on=heard_on, content=content,
        channel=channel if kind == "opinion" else "",
        negative=kind == "opinion" and values.get("negative") in ("true", "on", "1"),
        recorded_by_id=actor.user_id, recorded_at=clock.now(), recorded_as=actor.display,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    audit.append(
        session, audit.matter_stream(decision_id), EventName.FEEDBACK_RECORDED, actor=actor, matter_id=decision_id,
        facts={"feedback": entry.id, "kind": kind, "negative": entry.negative, "heard_on": heard_on.isoformat()},
        rules=["R-35b"],
    )  # fmt: skip
    if kind == "head_order":
        # What the head asks for begins at once; all else is weighed once a day.
        evaluations.trigger(session, decision_id)
    return entry


def calendar(session: Session, actor: Actor, first: date, last: date) -> list[Review]:
    """Return the evaluations due from `first` to `last` and those overdue before it, of the decisions one may see."""
    require(actor, Permission.MATTER_READ)
    rows = session.scalars(
        select(Evaluation)
        .join(Matter, Matter.id == Evaluation.decision_id)
        .where(
            matters.visible_to(actor),
            Evaluation.due_on <= last,
            (Evaluation.due_on >= first) | (Evaluation.status.in_(OPEN) & (Evaluation.due_on < clock.today())),
        )
        .options(joinedload(Evaluation.decision))
        .order_by(Evaluation.due_on, Evaluation.id)
    )
    days = working_days.load(session)
    return [_review(row, days) for row in rows]


def watch(session: Session, actor: Actor, decision_id: int) -> Watch:
    """Return a decision with its evaluations and what the trigger table says. Raises `NotFound`."""
    decision = matters.get(session, actor, decision_id)
    rows = session.scalars(
        select(Evaluation)
        .where(Evaluation.decision_id == decision_id)
        .options(joinedload(Evaluation.decision))
        .order_by(Evaluation.due_on, Evaluation.id)
    )
    heard = session.scalars(
        select(Feedback).where(Feedback.decision_id == decision_id).order_by(Feedback.id.desc()).limit(200)
    )
    facts, days = evaluations.facts_of(session, decision_id, clock.today()), working_days.load(session)
    return Watch(
        decision, tuple(_review(row, days) for row in rows), tuple(heard), facts, tuple(evaluations.triggers_of(facts))
    )


def _review(row: Evaluation, days: Calendar) -> Review:
    open_one = row.status in OPEN
    return Review(row, row.decision, (row.due_on - clock.today()).days, open_one and days.is_provisional(row.due_on))
