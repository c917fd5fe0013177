"""The draft as a line of frozen texts: each with its hash, the opinion bound to it, and what it made stale.

A draft changed materially puts in question what was done on the old text (P, after Art. 25: a changed draft
is an unreviewed draft). Each such step is marked; the mark goes when the step has been done again on the
new text, or when an exception with reason and approver says why that is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import exists, literal, or_, select
from sqlalchemy.orm import Session, undefer

from decision_flow import audit, clock
from decision_flow.audit import Author, EventName
from decision_flow.models import Document, DraftVersion, Matter, Settled, StaleStep, Task, TaskState
from decision_flow.steps import StatutoryStep

# The forms that end a step: when one of them is completed, the step has been done on the text of that day.
CONCLUDING: dict[StatutoryStep, frozenset[str]] = {
    StatutoryStep.PUBLIC_PARTICIPATION: frozenset({"F-23", "F-07"}),
    StatutoryStep.EXPERT_ARGUMENTATION: frozenset({"F-29s", "F-08"}),
    StatutoryStep.RISK_ASSESSMENT: frozenset({"F-34b", "F-09b"}),
    StatutoryStep.FAIR_COMPETITION_REVIEW: frozenset({"F-10"}),
    StatutoryStep.LEGALITY_REVIEW: frozenset({"F-13s"}),
}
_STEP_OF = {form: step for step, forms in CONCLUDING.items() for form in forms}
# The forms that carry a text of the draft.
DRAFTS = frozenset({"F-06", "F-11", "F-13c"})
SIGNED_OPINION, CONFIRMED_TEXT = "F-13s", "F-13e"


def freeze(session: Session, matter: Matter, actor: Author, at: datetime) -> DraftVersion:
    """Give the newest filed text of the draft the next number and put its hash into the trail (R-25c).

    A text that replaces another materially marks the steps done before as stale.
    """
    matter.draft_version += 1
    session.flush()
    task, document_id = _filed_last(session, matter)
    document = session.get(Document, document_id) if document_id is not None else None
    matter.draft_sha256 = document.sha256 if document else ""
    affected = _affected(task) if matter.draft_version > 1 else frozenset()
    version = DraftVersion(
        matter_id=matter.id,
        number=matter.draft_version,
        document_id=document.id if document else None,
        name=document.name if document else "",
        sha256=matter.draft_sha256,
        form=(task.form if task else None) or "",
        material=bool(affected),
        frozen_at=at,
        frozen_as=actor.display,
    )
    session.add(version)
    stale = mark(session, matter, affected, at)
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.DRAFT_FROZEN,
        actor=actor,
        matter_id=matter.id,
        facts={
            "version": version.number,
            "files": [{"name": version.name, "sha256": version.sha256}] if document else [],
            "stale": [entry.step for entry in stale],
        },
        at=at,
    )
    return version


def _filed_last(session: Session, matter: Matter) -> tuple[Task | None, int | None]:
    """Return the last completed task that filed a text of the draft, and its file.

    What the answers name counts, not what was uploaded last: a file that was put aside before the form was sent, or an
    earlier one that was filed again, would else stand in the place of the text that people read.
    """
    done = session.scalars(
        select(Task)
        .where(
            Task.matter_id == matter.id,
            Task.state == TaskState.COMPLETED,
            or_(Task.form.in_(DRAFTS), exists().where(Document.task_id == Task.id, Document.field.like("draft_file%"))),
        )
        .options(undefer(Task.submission))
        .order_by(Task.completed_at.desc(), Task.id.desc())
    )
    for task in done:
        for name, value in (task.submission or {}).items():
            entry = value[-1] if isinstance(value, list) and value else value
            if name.startswith("draft_file") and isinstance(entry, dict) and entry.get("document_id"):
                return task, int(entry["document_id"])
    return None, None


def mark(session: Session, matter: Matter, steps: Iterable[StatutoryStep], at: datetime) -> list[StaleStep]:
    """Mark those of `steps` that were done before `at` as done on an old text; return the marks."""
    wanted = sorted(set(steps), key=list(StatutoryStep).index)
    if not wanted:
        return []
    # One statement for both: which steps were done, and which are marked already.
    forms = select(literal("done"), Task.form).where(
        Task.matter_id == matter.id,
        Task.state == TaskState.COMPLETED,
        Task.completed_at <= at,
        Task.form.in_(_STEP_OF),
    )
    open_ones = select(literal("marked"), StaleStep.step).where(
        StaleStep.matter_id == matter.id, StaleStep.settled.is_(None)
    )
    known = {(row[0], row[1]) for row in session.execute(forms.union_all(open_ones))}
    marks = [
        StaleStep(matter_id=matter.id, step=step.value, version=matter.draft_version, marked_at=at)
        for step in wanted
        if ("marked", step.value) not in known
        and any(("done", form) in known for form in CONCLUDING.get(step, frozenset()))
    ]
    session.add_all(marks)
    return marks


def on_completed(session: Session, matter: Matter, task: Task, answers: dict[str, Any], actor: Author) -> None:
    """Draw from a completed task what it means for the draft: an opinion bound to it, a step done again."""
    at = task.completed_at
    if at is None:
        return
    if task.form == SIGNED_OPINION and answers.get("agree"):
        _bind(session, matter, task, _conclusion(session, matter), actor, at)
    elif task.form == CONFIRMED_TEXT and answers.get("confirmed"):
        if answers.get("change_kind") == "material":
            mark(session, matter, [StatutoryStep.LEGALITY_REVIEW], at)
            return
        _bind(session, matter, task, "confirmed", actor, at)
    step = _STEP_OF.get(task.form or "")
    if step is None or (task.form == SIGNED_OPINION and not answers.get("agree")):
        return
    for entry in open_marks(session, matter.id):
        # Only what was opened after the text changed was done on the new one.
        if entry.step == step and task.received_at >= entry.marked_at:
            entry.settled, entry.settled_at = Settled.REPEATED, at
            _tell(session, EventName.STALE_SETTLED, entry, actor, at)


def reason_away(
    session: Session, matter_id: int, step: str, reason: str, approver: Author, asked: tuple[int | None, str]
) -> None:
    """Settle what is stale about a step by an approved exception: who asked, why, and who approved."""
    for entry in open_marks(session, matter_id):
        if entry.step == step:
            entry.settled, entry.settled_at, entry.reason = Settled.REASONED, clock.now(), reason
            entry.asked_by_id, entry.asked_as = asked
            entry.approved_by_id, entry.approved_as = approver.user_id, approver.display
            _tell(session, EventName.STALE_SETTLED, entry, approver, entry.settled_at)


def open_marks(session: Session, matter_id: int) -> list[StaleStep]:
    """Return the steps of a matter that are stale and neither repeated nor reasoned away."""
    session.flush()
    return list(
        session.scalars(
            select(StaleStep)
            .where(StaleStep.matter_id == matter_id, StaleStep.settled.is_(None))
            .order_by(StaleStep.id)
        )
    )


def current(session: Session, matter: Matter) -> DraftVersion | None:
    """Return the text of the draft that stands, or None before the first."""
    return session.scalars(
        select(DraftVersion).where(DraftVersion.matter_id == matter.id, DraftVersion.number == matter.draft_version)
    ).one_or_none()


def versions(session: Session, matter_id: int) -> list[DraftVersion]:
    """Return all texts of the draft, the newest first."""
    return list(
        session.scalars(
            select(DraftVersion).where(DraftVersion.matter_id == matter_id).order_by(DraftVersion.number.desc())
        )
    )


def _affected(task: Task | None) -> frozenset[StatutoryStep]:
    """Return the steps that the text filed with `task` puts in question."""
    if task is None or task.form == "F-13c":
        # Whether a correction after the review is one of wording is found by the reviewer (F-13e).
        return frozenset()
    if task.form == "F-11":
        named = (task.submission or {}).get("affected_steps") or ()
        return frozenset({StatutoryStep(name) for name in named} | {StatutoryStep.LEGALITY_REVIEW})
    redrafted = frozenset(CONCLUDING)
    if not (task.submission or {}).get("affects_market_entities"):
        # The new text asks for no such review any more.
        redrafted -= {StatutoryStep.FAIR_COMPETITION_REVIEW}
    return redrafted


def _conclusion(session: Session, matter: Matter) -> str:
    opinion = session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id, Task.form == "F-13", Task.state == TaskState.COMPLETED)
        .options(undefer(Task.submission))
        .order_by(Task.completed_at.desc(), Task.id.desc())
        .limit(1)
    ).one_or_none()
    return str((opinion.submission or {}).get("conclusion", "")) if opinion else ""


def _bind(session: Session, matter: Matter, task: Task, conclusion: str, actor: Author, at: datetime) -> None:
    """Bind what the reviewer said to the text that stands."""
    version = current(session, matter)
    if version is None:
        return
    version.reviewed_at, version.reviewed_as = at, actor.display
    version.review_task_id, version.conclusion = task.id, conclusion
    audit.append(
        session,
        audit.matter_stream(matter.id),
        EventName.DRAFT_REVIEWED,
        actor=actor,
        matter_id=matter.id,
        task_id=task.id,
        facts={"version": version.number, "sha256": version.sha256, "conclusion": conclusion},
        rules=["R-25c"],
        at=at,
    )


def _tell(session: Session, event: EventName, entry: StaleStep, actor: Author, at: datetime) -> None:
    audit.append(
        session,
        audit.matter_stream(entry.matter_id),
        event,
        actor=actor,
        matter_id=entry.matter_id,
        facts={"step": entry.step, "version": entry.version, "how": entry.settled, "reason": entry.reason},
        rules=["R-25c"],
        at=at,
    )
