"""What the papers of a matter look like: the texts of the draft, and every filed paper by step and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import archives, archiving, drafts, matters, office_settings
from decision_flow.archives import ArchiveItem
from decision_flow.identity import Actor
from decision_flow.models import Document, DraftVersion, Organisation, StaleStep
from decision_flow.steps import StatutoryStep


@dataclass(frozen=True)
class Paper:
    """A filed paper; `version` counts those that were filed for the same field, from 1."""

    document: Document
    version: int
    is_newest: bool


@dataclass(frozen=True)
class Group:
    """The papers of one statutory step, in the order in which they came."""

    step: str
    papers: tuple[Paper, ...]


@dataclass(frozen=True)
class Papers:
    """The papers of a matter: `versions` of the draft the newest first, `stale` what must be done again."""

    versions: tuple[DraftVersion, ...]
    stale: tuple[StaleStep, ...]
    groups: tuple[Group, ...]
    items: tuple[ArchiveItem, ...]
    retention: Mapping[int, str]
    retention_approved: bool


def of_matter(session: Session, actor: Actor, matter_id: int) -> Papers:
    """Return the papers of a matter that the actor may see. Raises `NotFound` for another."""
    matter = matters.get(session, actor, matter_id)
    organ = session.get_one(Organisation, matter.organ_id)
    documents = session.scalars(
        select(Document).where(Document.matter_id == matter_id, Document.filed_at.is_not(None)).order_by(Document.id)
    ).all()
    last = {(paper.form, paper.field): paper.id for paper in documents}
    seen: dict[tuple[str | None, str], int] = {}
    grouped: dict[str, list[Paper]] = {}
    for document in documents:
        key = (document.form, document.field)
        seen[key] = seen.get(key, 0) + 1
        grouped.setdefault(document.step or "", []).append(Paper(document, seen[key], last[key] == document.id))
    order = [step.value for step in StatutoryStep]
    groups = sorted(grouped, key=lambda step: order.index(step) if step in order else len(order))
    stale = session.scalars(select(StaleStep).where(StaleStep.matter_id == matter_id).order_by(StaleStep.id))
    return Papers(
        versions=tuple(drafts.versions(session, matter_id)),
        stale=tuple(stale),
        items=tuple(archives.checklist(archiving.facts_of(session, matter))),
        retention=archiving.retentions(archiving.filed(session, matter_id)),
        retention_approved=office_settings.of_organ(session, organ)["retention_approved"].value == "yes",
        groups=tuple(Group(step, tuple(grouped[step])) for step in groups),
    )
