"""Whether a matter kept its procedure and its deadlines: the duties of its checklist, and what its tasks show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import checklist, clock, deadlines, late_entries
from decision_flow.actors import Actor
from decision_flow.auditing import access
from decision_flow.checklist import Entry
from decision_flow.models import ExceptionRecord, ExceptionState, Matter, MatterStatus, Task, TaskState
from decision_flow.steps import StatutoryStep

PER_PAGE = 20
S = StatutoryStep
# What the law puts one after another; the steps of one stage may be taken in any order.
STAGES = {
    step: stage
    for stage, steps in enumerate((
        (S.INITIATION,), (S.DRAFTING,),
        (S.PUBLIC_PARTICIPATION, S.EXPERT_ARGUMENTATION, S.RISK_ASSESSMENT, S.FAIR_COMPETITION_REVIEW),
        (S.LEGALITY_REVIEW,), (S.COLLECTIVE_DISCUSSION, S.PARTY_REPORT), (S.PUBLICATION,),
        (S.EXECUTION, S.ARCHIVING, S.EVALUATION),
    ))
    for step in steps
}  # fmt: skip
GRANTED = (ExceptionState.APPROVED, ExceptionState.STATED)


@dataclass(frozen=True)
class StepKept:
    """One statutory step: when it was first and last worked at, and whether it came after one that follows it."""

    step: StatutoryStep
    first: datetime
    last: datetime
    out_of_order: bool


@dataclass(frozen=True)
class DeadlineKept:
    """One deadline: the last day, the day of completion, how many days late (0: met), and what moved it."""

    task: Task
    due_on: date
    done_on: date | None
    late: int
    changes: tuple[str, ...]
    basis: str

    @property
    def is_open(self) -> bool:
        """Whether the task is still to be done."""
        return self.done_on is None


@dataclass(frozen=True)
class Conformance:
    """What of a matter was kept, exempted, missed."""

    matter: Matter
    duties: tuple[Entry, ...]
    steps: tuple[StepKept, ...]
    exceptions: tuple[ExceptionRecord, ...]
    deadlines: tuple[DeadlineKept, ...]
    entered_late: frozenset[int] = frozenset()

    @property
    def violated(self) -> tuple[Entry, ...]:
        """Return the duties that an act went past."""
        return tuple(entry for entry in self.duties if entry.state == checklist.VIOLATED)

    @property
    def missed(self) -> tuple[DeadlineKept, ...]:
        """Return the deadlines that were missed."""
        return tuple(one for one in self.deadlines if one.late)

    @property
    def conforms(self) -> bool:
        """Whether nothing was violated, out of order or late."""
        return not self.violated and not self.missed and not any(step.out_of_order for step in self.steps)

    def state(self, state: str) -> int:
        """Return how many duties are in `state` (done, open, exempt, violated)."""
        return sum(entry.state == state for entry in self.duties)


@dataclass(frozen=True)
class Page:
    """One page of finished matters; `page` is within 1..`pages`."""

    rows: tuple[Conformance, ...]
    total: int
    page: int
    pages: int


def of_matter(session: Session, actor: Actor, matter_id: int) -> Conformance:
    """Return whether a matter kept its procedure and deadlines. Raises `NotFound`, `NotPermitted`."""
    return _of(session, access.matter(session, actor, matter_id))


def listing(session: Session, actor: Actor, page: int = 1, text: str = "") -> Page:
    """Return one page of the matters that are finished or decided, the latest first."""
    within = access.bounds(session, actor)
    wanted: list[ColumnElement[bool]] = [
        Matter.status.in_((MatterStatus.COMPLETED, MatterStatus.CANCELLED)) | Matter.decided_at.is_not(None)
    ]
    if within is not None:
        wanted.append(Matter.organ_id.in_(within))
    if text:
        wanted.append(Matter.title.icontains(text, autoescape=True) | Matter.number.icontains(text, autoescape=True))
    total = session.scalar(select(func.count()).select_from(Matter).where(*wanted)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, page), pages)
    rows = session.scalars(
        select(Matter).options(joinedload(Matter.organ)).where(*wanted).order_by(Matter.id.desc())
        .limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    )  # fmt: skip
    return Page(tuple(_of(session, matter) for matter in rows.all()), total, page, pages)


def _of(session: Session, matter: Matter) -> Conformance:
    standing = select(Task).where(Task.matter_id == matter.id, Task.state != TaskState.CANCELLED)
    tasks = session.scalars(standing.order_by(Task.received_at, Task.id)).all()
    granted = select(ExceptionRecord).where(ExceptionRecord.matter_id == matter.id, ExceptionRecord.state.in_(GRANTED))
    return Conformance(
        matter, checklist.entries(session, matter), tuple(_steps(tasks)),
        tuple(session.scalars(granted.order_by(ExceptionRecord.id))), tuple(_deadlines(tasks)),
        frozenset(late_entries.of_matter(session, matter.id)),
    )  # fmt: skip


def _steps(tasks: Iterable[Task]) -> list[StepKept]:
    """Return the steps in the law's order, and which began only when one of a later stage was over."""
    done: dict[StatutoryStep, list[datetime]] = {}
    for task in tasks:
        if task.step and task.completed_at is not None:
            done.setdefault(StatutoryStep(task.step), []).append(task.completed_at)
    found = []
    for step in (one for one in StatutoryStep if one in done):
        # A step may be repeated; what counts is that none of a later stage was over before this one had begun.
        ends = [max(moments) for other, moments in done.items() if STAGES[other] > STAGES[step]]
        first = min(done[step])
        found.append(StepKept(step, first, max(done[step]), any(end < first for end in ends)))
    return found


def _deadlines(tasks: Iterable[Task]) -> list[DeadlineKept]:
    found = []
    for task in tasks:
        if task.due_at is None:
            continue
        due_on = clock.local_date(task.due_at)
        done_on = clock.local_date(task.completed_at) if task.completed_at else None
        late = max(0, ((done_on or clock.today()) - due_on).days)
        if deadlines.is_paused(task.deadline) and done_on is None:
            late = 0
        moved = (task.deadline or {}).get("changes", ())
        changes = tuple(str(change.get("label") or change.get("kind")) for change in moved)
        found.append(DeadlineKept(task, due_on, done_on, late, changes, deadlines.rule_of(task.due_rule).basis))
    return found
