"""Post-decision evaluations (决策后评估, Art. 36): planned, triggered, closed, and the next one set.

A planned review is an `Evaluation` row and a timer that starts a matter of its own. Once a day the trigger
table D-08 is asked about every decision in force; what it finds starts an evaluation at once, whose first
task is to begin it or to decline with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, notifications, policy_versions, submitted, working_days
from decision_flow.audit import SYSTEM, Author, EventName
from decision_flow.db import Database
from decision_flow.engine.decisions import DecisionTable, read_tables
from decision_flow.models import (
    ABOUT_A_DECISION,
    Evaluation,
    EvaluationStatus,
    Feedback,
    LinkedRecord,
    Matter,
    MatterStatus,
    Timer,
    TimerKind,
    TimerState,
)
from decision_flow.prepared import Prepared
from decision_flow.resources import BPMN

TABLE = "decision-tables/D-08-evaluation-trigger.dmn"


@dataclass(frozen=True)
class Facts:
    """What the trigger table is asked about one decision, as of a day.

    Negative opinions of the last `opinion_days` count; `opinion_threshold` of them are many.
    """

    target_attainment: float
    term_elapsed: float
    negative_opinions: int
    opinion_days: int
    opinion_threshold: float
    petitions: int
    legal_basis_changed: bool
    head_order: bool

    def names(self) -> dict[str, Any]:
        """Return the facts by the names the table uses."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Plan:
    """A review to come: its day, how thorough it is, and why that day."""

    due_on: date
    mode: str
    months: int | None
    explanation: str


_NEW_TIMER = Prepared(
    insert(Timer).inline(),
    ("kind", "matter_id", "due_at", "rule", "explanation", "payload", "state", "dedupe_key"),
)


def schedule(
    session: Session,
    decision: Matter,
    plans: Sequence[Plan],
    *,
    actor: Author,
    at: datetime,
    trigger: str = "scheduled",
    evidence: Mapping[str, Any] | None = None,
    now: bool = False,
) -> list[Evaluation]:
    """Plan reviews of `decision`: their rows, the timers that start each on its day (or `now`), and the events."""
    if not plans:
        return []
    rows = [
        {
            "decision_id": decision.id, "mode": plan.mode, "months": plan.months, "due_on": plan.due_on,
            "status": EvaluationStatus.SCHEDULED, "trigger": trigger, "evidence": dict(evidence) if evidence else None,
        }
        for plan in plans
    ]  # fmt: skip
    # All in one statement, whose answer comes in no certain order.
    written = sorted(session.scalars(insert(Evaluation).returning(Evaluation), rows), key=_by_day)
    planned = list(zip(sorted(plans, key=_by_day), written, strict=True))
    timers = [
        {
            "kind": TimerKind.START_MATTER, "matter_id": decision.id,
            "due_at": at if now else clock.start_of_day(plan.due_on), "rule": "R-36a", "explanation": plan.explanation,
            "payload": {"procedure": "post_evaluation", "relation": "evaluation", "evaluation_id": evaluation.id},
            "state": TimerState.WAITING, "dedupe_key": f"evaluation:{evaluation.id}",
        }
        for plan, evaluation in planned
    ]  # fmt: skip
    _NEW_TIMER.write(session.connection(), timers)
    for plan, evaluation in planned:
        _record(
            session, decision.id, EventName.EVALUATION_SCHEDULED, actor, at,
            evaluation=evaluation.id, due_on=plan.due_on.isoformat(), months=plan.months, mode=plan.mode,
            trigger=trigger,
        )  # fmt: skip
    return written


def _by_day(one: Plan | Evaluation) -> tuple[date, str]:
    return one.due_on, one.mode


def close(session: Session, matter: Matter, outcome: str | None, actor: Author, at: datetime) -> None:
    """Close the evaluation that `matter` was, by its outcome; set the next review when the decision continues."""
    evaluation = session.scalars(select(Evaluation).where(Evaluation.matter_id == matter.id)).one_or_none()
    if evaluation is None or evaluation.status != EvaluationStatus.STARTED:
        return
    decision = session.get_one(Matter, evaluation.decision_id)
    evaluation.closed_at = at
    begun, told = submitted.latest(session, matter.id, "F-36"), submitted.latest(session, matter.id, "F-41")
    if begun.get("start") is False:
        evaluation.status, evaluation.reason = EvaluationStatus.DECLINED, str(begun.get("decline_reason") or "")
    else:
        evaluation.status = EvaluationStatus.COMPLETED
        evaluation.outcome, evaluation.reason = str(told.get("outcome") or ""), str(told.get("reason") or "")
    _record(
        session, decision.id, EventName.EVALUATION_CLOSED, actor, at,
        evaluation=evaluation.id, number=matter.number, status=str(evaluation.status), outcome=evaluation.outcome,
        reason=evaluation.reason,
    )  # fmt: skip
    months = told.get("next_review_months")
    if evaluation.outcome == "continue" and months:
        closed_on = clock.local_date(at)
        why = f"自{closed_on.isoformat()}上次评估办结之日起{months}个月"
        plan = Plan(working_days.add_months(closed_on, int(months)), "light", int(months), why)
        (following,) = schedule(session, decision, [plan], actor=actor, at=at)
        evaluation.next_id = following.id


def run_triggers(database: Database) -> int:
    """Ask the trigger table about every decision in force; return how many evaluations it started."""
    with database.transaction(read_only=True) as session:
        ids = session.scalars(_in_force().with_only_columns(Matter.id).order_by(Matter.id)).all()
        found = [(decision_id, hits) for decision_id in ids if (hits := new_triggers(session, decision_id))]
    for decision_id, _ in found:
        with database.transaction() as session:
            trigger(session, decision_id)
    return len(found)


def trigger(session: Session, decision_id: int) -> Evaluation | None:
    """Start an evaluation of a decision for what the table says, under the decision's lock; None if nothing is new."""
    decision = session.scalars(select(Matter).where(Matter.id == decision_id).with_for_update(key_share=True)).one()
    hits = new_triggers(session, decision_id)
    if not hits:
        return None
    at, facts = clock.now(), facts_of(session, decision_id, clock.today())
    evidence = {"triggers": hits, "facts": {name: _plain(value) for name, value in facts.names().items()}}
    plan = Plan(clock.today(), "full", None, "出现条例第三十六条规定的情形")
    (evaluation,) = schedule(
        session, decision, [plan], actor=SYSTEM, at=at, trigger=hits[0], evidence=evidence, now=True
    )
    _record(
        session, decision_id, EventName.EVALUATION_TRIGGERED, SYSTEM, at,
        evaluation=evaluation.id, triggers=hits, facts={name: str(value) for name, value in facts.names().items()},
    )  # fmt: skip
    for role in ("government_office", "deputy_head"):
        notifications.enqueue(
            session, "evaluation.triggered", dedupe_key=f"evaluation.triggered:{evaluation.id}:{role}", at=at,
            pool=f"{role}:{decision.organ_id}", matter_id=decision_id, payload={"title": decision.title, "why": hits},
        )  # fmt: skip
    return evaluation


def new_triggers(session: Session, decision_id: int) -> list[str]:
    """Return what the table finds for a decision today, unless an evaluation for a trigger is still open."""
    open_one = session.scalar(
        select(Evaluation.id)
        .where(
            Evaluation.decision_id == decision_id,
            Evaluation.trigger != "scheduled",
            Evaluation.status.in_((EvaluationStatus.SCHEDULED, EvaluationStatus.STARTED)),
        )
        .limit(1)
    )
    return [] if open_one else triggers_of(facts_of(session, decision_id, clock.today()))


def triggers_of(facts: Facts) -> list[str]:
    """Return the triggers of the table D-08 for these facts, each once, in the table's order."""
    return list(dict.fromkeys(str(hit["trigger"]) for hit in table().decide(facts.names(), {})))


def facts_of(session: Session, decision_id: int, today: date) -> Facts:
    """Return the facts of a decision: its progress reports, what was heard of it, and how much of its term is over.

    What was weighed in an evaluation that has closed (or was declined) does not count again.
    """
    decision = session.get_one(Matter, decision_id)
    policy = policy_versions.numbers(session, decision)
    weighed = session.scalar(
        select(func.max(Evaluation.closed_at)).where(
            Evaluation.decision_id == decision_id, Evaluation.closed_at.is_not(None)
        )
    )
    heard = select(Feedback.kind, func.count()).where(Feedback.decision_id == decision_id)
    recent = today - timedelta(days=policy["evaluation_opinion_days"])
    linked = select(func.count()).select_from(LinkedRecord).where(
        LinkedRecord.matter_id == decision_id, LinkedRecord.kind == "petition"
    )  # fmt: skip
    if weighed is not None:
        heard = heard.where(Feedback.recorded_at > weighed)
        linked = linked.where(LinkedRecord.recorded_at > weighed)
    negative = heard.where(Feedback.kind == "opinion", Feedback.negative, Feedback.heard_on > recent)
    others = dict(session.execute(heard.where(Feedback.kind != "opinion").group_by(Feedback.kind)).all())
    opinions = dict(session.execute(negative.group_by(Feedback.kind)).all())
    order = submitted.latest(session, decision_id, "F-18")
    reported = submitted.latest_task(session, decision_id, "F-19")
    report = dict(reported.submission or {}) if reported is not None else {}
    at = reported.completed_at if reported is not None else None
    people = int(submitted.latest(session, decision_id, "F-06").get("affected_people_count") or 0)
    counts = weighed is None or (at is not None and at > weighed)
    return Facts(
        target_attainment=_attainment(order, report) if report and counts else 1.0,
        term_elapsed=_elapsed(decision, order, today, policy["evaluation_open_term_months"]),
        negative_opinions=opinions.get("opinion", 0),
        opinion_days=policy["evaluation_opinion_days"],
        opinion_threshold=max(
            policy["evaluation_opinions_least"], people * policy["evaluation_opinions_per_mille"] / 1000
        ),
        petitions=others.get("petition", 0) + (session.scalar(linked) or 0),
        legal_basis_changed=others.get("law_change", 0) > 0,
        head_order=others.get("head_order", 0) > 0,
    )


@lru_cache(maxsize=1)
def table() -> DecisionTable:
    """Return the trigger table D-08 as shipped."""
    return read_tables({"D-08": (BPMN / TABLE).read_bytes()})["D-08"]


def _in_force() -> Any:
    return select(Matter).where(
        Matter.effective_date.is_not(None),
        Matter.effective_date <= clock.today(),
        func.coalesce(Matter.relation, "").not_in(ABOUT_A_DECISION),
        Matter.status.in_((MatterStatus.RUNNING, MatterStatus.SUSPENDED, MatterStatus.COMPLETED)),
    )


def _attainment(order: Mapping[str, Any], report: Mapping[str, Any]) -> float:
    """Return how far the targets are reached (mean over those that are numbers), else the overall progress."""
    targets = {row.get("indicator"): _number(row.get("target")) for row in order.get("targets") or ()}
    parts = []
    for row in report.get("target_values") or ():
        target, value = targets.get(row.get("indicator")), _number(row.get("value"))
        if target and value is not None:
            parts.append(min(1.0, value / target))
    if parts:
        return sum(parts) / len(parts)
    return int(report.get("percent_done") or 0) / 100


def _elapsed(decision: Matter, order: Mapping[str, Any], today: date, months: int) -> float:
    """Return which part of the term is over; a decision without one is measured by its first `months`."""
    start = decision.effective_date or today
    end = date.fromisoformat(order["term_end"]) if order.get("term_end") else working_days.add_months(start, months)
    return min(1.0, max(0.0, (today - start).days / max(1, (end - start).days)))


def _number(text: Any) -> float | None:
    digits = "".join(character for character in str(text or "") if character.isdecimal() or character == ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _record(session: Session, matter_id: int, event: EventName, actor: Author, at: datetime, **facts: Any) -> None:
    audit.append(session, audit.matter_stream(matter_id), event, actor=actor, matter_id=matter_id, facts=facts, at=at)
