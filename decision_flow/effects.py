"""What the product does when a procedure's service task asks for it: one function per topic.

An effect only records: it changes columns of the matter, adds rows and events. Whatever must happen
later, or to another matter, becomes a timer row in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import (
    archives,
    archiving,
    audit,
    clock,
    drafts,
    evaluations,
    guarding,
    notifications,
    office_settings,
    policy_versions,
    three_major,
    working_days,
)
from decision_flow.audit import Author, EventName
from decision_flow.engine import Call
from decision_flow.errors import N_, ProcedureFault
from decision_flow.evaluations import Plan
from decision_flow.models import (
    ABOUT_A_DECISION,
    Evaluation,
    Matter,
    MatterStatus,
    Timer,
    TimerKind,
    TimerState,
)

Effect = Callable[[Session, Matter, Call, Author, datetime], None]


def perform(session: Session, matter: Matter, call: Call, *, actor: Author, at: datetime) -> None:
    """Carry out one call of the engine. Raises `ProcedureFault` for a topic the product does not have."""
    effect = EFFECTS.get(call.name)
    if effect is None:
        raise ProcedureFault(
            N_("程序要求的功能“%(name)s”不存在。请联系程序管理人员。"),
            element=call.element.id,
            name=call.name,
        )
    guarding.before_effect(session, matter, call.name)
    effect(session, matter, call, actor, at)


def _record(session: Session, matter: Matter, event: EventName, actor: Author, at: datetime, **facts: Any) -> None:
    audit.append(
        session,
        audit.matter_stream(matter.id),
        event,
        actor=actor,
        matter_id=matter.id,
        facts=facts,
        at=at,
    )


def _answers(call: Call, form_key: str) -> dict[str, Any]:
    answers = call.data.get(form_key)
    return dict(answers) if isinstance(answers, dict) else {}


def freeze_draft(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Number the current text of the draft and put its hash into the trail (R-25c)."""
    drafts.freeze(session, matter, actor, at)


def record_decision(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Record what the administrative head has decided (R-30e).

    A matter deferred or returned is not decided yet.
    """
    minutes = _answers(call, "F15")
    if minutes.get("decision") not in ("deferred", "returned"):
        matter.decided_at = at
    _record(
        session,
        matter,
        EventName.DECISION_RECORDED,
        actor,
        at,
        decision=minutes.get("decision"),
        meeting_no=minutes.get("meeting_no"),
        draft_version=matter.draft_version,
    )


def record_publication(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Record that the decision was published (R-32a)."""
    matter.published_at = at
    page = _answers(call, "F17b")
    _record(session, matter, EventName.PUBLICATION_RECORDED, actor, at, channels=page.get("channels"))
    if matter.relation == "adjusts":
        _settle_decision(session, matter, call, at, "replaced")


def schedule_evaluations(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Turn the evaluation plan of the task order (F-18) into dated reviews (R-36a).

    Each becomes an `Evaluation` row and a timer that starts a matter of its own on its day, also after
    this matter has closed. A decision for a fixed term is reviewed after its end besides (local practice: a
    setting). Internal review dates do not roll off rest days (vector V14).
    """
    order = _answers(call, "F18")
    effective = order.get("effective_date")
    start = date.fromisoformat(effective) if effective else clock.local_date(at)
    matter.effective_date = start
    planned = [
        Plan(
            working_days.add_months(start, int(row["months"])), row["mode"], int(row["months"]),
            f"自{start.isoformat()}生效之日起{row['months']}个月",
        )
        for row in order.get("post_eval_plan") or ()
    ]  # fmt: skip
    if order.get("term_end"):
        end = date.fromisoformat(order["term_end"])
        after = policy_versions.setting(session, matter, "evaluation_after_term_months").value
        why = f"自{end.isoformat()}执行期限届满之日起{after}个月"
        planned.append(Plan(working_days.add_months(end, after), "full", after, why))
    known = set(session.scalars(select(Evaluation.due_on).where(Evaluation.decision_id == matter.id)).all())
    # One review a day; of two that fall on the same one the first stands.
    new = {plan.due_on: plan for plan in reversed(planned) if plan.due_on not in known}
    evaluations.schedule(
        session, matter, [plan for plan in planned if new.get(plan.due_on) is plan], actor=actor, at=at
    )


def suspend_execution(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Mark the decision as suspended and tell whoever carries it out (R-37b)."""
    matter.status = MatterStatus.SUSPENDED
    order = _answers(call, "F35")
    told = {key: order.get(key) for key in ("ground", "scope", "part_scope", "from", "review_by")}
    _record(session, matter, EventName.MATTER_SUSPENDED, actor, at, **told)
    if matter.implementing_unit_id is not None:
        notifications.enqueue(
            session,
            "matter.suspended",
            dedupe_key=f"suspended:{matter.id}:{at.isoformat()}",
            at=at,
            pool=f"implementing_unit:{matter.implementing_unit_id}",
            matter_id=matter.id,
            payload={"title": matter.title, **told},
        )


def resume_execution(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Let a suspended decision go on; one that was not suspended goes on anyway (R-37b)."""
    _settle_decision(session, matter, call, at, "resumed")


def end_execution(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """End the execution of the decision, suspended or not, because its termination was decided (R-37c)."""
    _settle_decision(session, matter, call, at, "terminated")


def start_adjustment(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Ask for a `decision_adjustment` matter, linked to the decision this matter is about (R-37c)."""
    facts = {key: call.data[key] for key in ("F35", "F41", "F19b", "F19d") if key in call.data}
    _start(session, matter, call, at, "decision_adjustment", "adjustment", facts, "R-37c")


def start_redraft(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Ask for a new decision that replaces this one: a major adjustment repeats the procedure (R-37c)."""
    facts = {key: call.data[key] for key in ("F35b", "F35d") if key in call.data}
    _start(session, matter, call, at, "major_decision", "adjusts", facts, "R-37c")


def transfer_matter(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Ask for the same matter at the organ that has the authority; this one ends (R-25c)."""
    facts = {key: call.data[key] for key in ("F01", "F01t") if key in call.data}
    _start(session, matter, call, at, "major_decision", "transfer", facts, "R-25c",
           organ_id=_answers(call, "F01t").get("transfer_to"))  # fmt: skip


def archive_part(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Record that a part of the file was handed to the archive (R-33), with what it held.

    A matter that only archives another one hands over the other's papers with its own.
    """
    papers = guarding.before_archiving(session, matter)
    kept = archiving.retentions(papers)
    _record(
        session,
        matter,
        EventName.ARCHIVE_FILED,
        actor,
        at,
        documents=[{"name": paper.name, "sha256": paper.sha256, "retention": kept[paper.id]} for paper in papers],
        retention=archives.longest(kept.values()),
        retention_table_approved=office_settings.is_set_to(session, matter.organ_id, "retention_approved", "yes"),
    )


def enter_three_major(session: Session, matter: Matter, call: Call, actor: Author, at: datetime) -> None:
    """Enter the item in the register from which split payments are seen and the list of the year is made."""
    route = str((call.data.get("D05") or {}).get("route") or "")
    item = three_major.enter(session, matter, _answers(call, "F42"), route, clock.local_date(at))
    _record(
        session, matter, EventName.MAJOR_ITEM_ENTERED, actor, at,
        kind=item.kind, route=route, amount=str(item.amount or ""), sum=str(item.route_amount or ""),
    )  # fmt: skip


def _settle_decision(session: Session, matter: Matter, call: Call, at: datetime, outcome: str) -> None:
    """Send the result of an adjustment to the decision, through a row: another matter has its own lock."""
    decision_id = matter.decision_id
    if decision_id is None:
        return
    session.add(
        Timer(
            kind=TimerKind.SEND,
            matter_id=decision_id,
            due_at=at,
            rule="R-37c",
            payload={
                # A suspended decision waits for the first; one that is being carried out knows the second.
                "signals": ["resume_decision"] + ([] if outcome == "resumed" else ["end_execution"]),
                "data": {"adjusted": {"outcome": outcome, "matter_id": matter.id, "number": matter.number}},
            },
            state=TimerState.WAITING,
            dedupe_key=f"settle:{matter.id}:{call.element.id}:{matter.version}",
        )
    )


def _start(
    session: Session,
    matter: Matter,
    call: Call,
    at: datetime,
    procedure: str,
    relation: str,
    facts: dict[str, Any],
    rule: str,
    **payload: Any,
) -> None:
    linked = matter.decision_id if matter.relation in ABOUT_A_DECISION else None
    session.add(
        Timer(
            kind=TimerKind.START_MATTER,
            matter_id=linked or matter.id,
            due_at=at,
            rule=rule,
            payload={"procedure": procedure, "relation": relation, "from": matter.id, "facts": facts, **payload},
            state=TimerState.WAITING,
            dedupe_key=f"{relation}:{matter.id}:{call.element.id}:{matter.version}",
        )
    )


EFFECTS: dict[str, Effect] = {
    "freeze_draft": freeze_draft,
    "record_decision": record_decision,
    "record_publication": record_publication,
    "schedule_evaluations": schedule_evaluations,
    "suspend_execution": suspend_execution,
    "resume_execution": resume_execution,
    "end_execution": end_execution,
    "start_adjustment": start_adjustment,
    "start_redraft": start_redraft,
    "transfer_matter": transfer_matter,
    "archive_part": archive_part,
    "enter_three_major": enter_three_major,
}
