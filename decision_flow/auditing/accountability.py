"""Who answers for a matter (Art. 38): who proposed, drafted, heard, reviewed, decided, dissented, and on which text."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from decision_flow import late_entries
from decision_flow.actors import Actor
from decision_flow.auditing import access, certificates
from decision_flow.auditing.certificates import Dissent
from decision_flow.errors import N_
from decision_flow.models import Document, DraftVersion, LateEntry, Matter, Task, TaskState, User
from decision_flow.steps import StatutoryStep as S

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (N_("提出和启动"), (S.INITIATION,)),
    (N_("起草"), (S.DRAFTING,)),
    (N_("听取意见、论证和评估"), (S.PUBLIC_PARTICIPATION, S.EXPERT_ARGUMENTATION, S.RISK_ASSESSMENT)),
    (N_("审查"), (S.FAIR_COMPETITION_REVIEW, S.LEGALITY_REVIEW)),
    (N_("集体讨论和决定"), (S.COLLECTIVE_DISCUSSION, S.PARTY_REPORT)),
    (N_("公布、执行和归档"), (S.PUBLICATION, S.EXECUTION, S.ARCHIVING, S.EVALUATION)),
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One completed task: who, with the post as it was then, on which version of the draft, with which papers."""

    task: Task
    version: DraftVersion | None
    papers: tuple[Document, ...]
    late: LateEntry | None


@dataclass(frozen=True)
class Accountability:
    """The acts of a matter by part of the procedure, its texts, and who dissented."""

    matter: Matter
    parts: tuple[tuple[str, tuple[Act, ...]], ...]
    versions: tuple[DraftVersion, ...]
    dissents: tuple[tuple[User, Dissent], ...]


def find(session: Session, actor: Actor, words: str) -> tuple[Matter, ...]:
    """Return the matters that a number or a part of the title names, the latest first, at most twenty."""
    within = access.bounds(session, actor)
    named = or_(Matter.number.icontains(words, autoescape=True), Matter.title.icontains(words, autoescape=True))
    bounded = [] if within is None else [Matter.organ_id.in_(within)]
    return tuple(session.scalars(select(Matter).where(named, *bounded).order_by(Matter.id.desc()).limit(20)))


def of_matter(session: Session, actor: Actor, matter_id: int) -> Accountability:
    """Return who answers for what in a matter. Raises `NotFound`, `NotPermitted`."""
    matter = access.matter(session, actor, matter_id)
    versions = tuple(
        session.scalars(select(DraftVersion).where(DraftVersion.matter_id == matter.id).order_by(DraftVersion.number))
    )
    papers: dict[int | None, list[Document]] = {}
    for paper in session.scalars(
        select(Document).where(Document.matter_id == matter.id, Document.filed_at.is_not(None)).order_by(Document.id)
    ):
        papers.setdefault(paper.task_id, []).append(paper)
    late = late_entries.of_matter(session, matter.id)
    acts: dict[str, list[Act]] = {}
    for task in session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id, Task.state == TaskState.COMPLETED)
        .order_by(Task.completed_at, Task.id)
    ):
        stood = [one for one in versions if task.completed_at and one.frozen_at <= task.completed_at]
        found = Act(task, stood[-1] if stood else None, tuple(papers.get(task.id, ())), late.get(task.id))
        acts.setdefault(task.step or S.INITIATION, []).append(found)
    parts = tuple((name, tuple(act for step in steps for act in acts.get(step, ()))) for name, steps in PARTS)
    return Accountability(matter, parts, versions, certificates.dissenters(session, matter))
