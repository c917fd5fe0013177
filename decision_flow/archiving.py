"""The file of a matter before it closes: read from the register, held against the checklist (R-33)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import archives
from decision_flow.archives import ArchiveFacts, Exemption
from decision_flow.errors import N_, Refused
from decision_flow.models import (
    Document,
    ExceptionKind,
    ExceptionRecord,
    ExceptionState,
    Matter,
    Procedure,
    ProcedureVersion,
    Task,
    TaskState,
)

APPROVED = ("approved", "approved_with_changes")


def facts_of(session: Session, matter: Matter) -> ArchiveFacts:
    """Return what the checklist asks of a matter."""
    # The join from the version on: a matter without a completed form has its procedure all the same.
    rows = session.execute(
        select(Procedure.key, Task.form, Task.submission)
        .select_from(ProcedureVersion)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .outerjoin(Task, (Task.matter_id == matter.id) & (Task.state == TaskState.COMPLETED) & Task.form.is_not(None))
        .where(ProcedureVersion.id == matter.procedure_version_id)
        .order_by(Task.completed_at, Task.id)
    ).all()
    key = rows[0].key
    said = {str(row.form): dict(row.submission or {}) for row in rows if row.form is not None}
    if key == "three_major_one_large":
        agreed = said.get("F-42a", {}).get("approved") or said.get("F-42d", {}).get("agreed")
        decided = bool(agreed) or said.get("F-15", {}).get("decision") in APPROVED
    else:
        # What was terminated or adjusted away before it was published has no full file.
        decided = said.get("F-15", {}).get("decision") in APPROVED and "F-18" in said
    return ArchiveFacts(str(key), decided, frozenset(said), said, _exemptions(session, matter))


def _exemptions(session: Session, matter: Matter) -> dict[str, Exemption]:
    """Return by form what was approved there, the latest of each."""
    rows = session.execute(
        select(Task.form, ExceptionRecord)
        .join(Task, Task.id == ExceptionRecord.task_id)
        .where(
            ExceptionRecord.matter_id == matter.id,
            ExceptionRecord.kind == ExceptionKind.EXEMPTION,
            ExceptionRecord.state == ExceptionState.APPROVED,
        )
        .order_by(ExceptionRecord.id)
    )
    return {
        str(form): Exemption(record.article, record.reason, record.decided_as, record.decided_at)
        for form, record in rows
        if record.decided_at is not None
    }


def must_be_complete(session: Session, matter: Matter) -> None:
    """Raise `Refused` with the list of what is missing while the file of a matter is not complete (R-33)."""
    absent = archives.missing(facts_of(session, matter))
    if absent:
        raise Refused(
            N_("归档材料不全，不能接收。缺少：%(missing)s。请补齐后再接收。"),
            rule="R-33",
            article="条例第三十三条",
            missing="；".join(f"{item.number}.{item.name}（{'、'.join(item.missing)}）" for item in absent),
        )


def whose(matter: Matter) -> tuple[int | None, ...]:
    """Return the matters whose papers `matter` hands over: its own, and those of the matter that it only archives."""
    return (matter.id, matter.decision_id if matter.relation == "archive" else None)


def filed(session: Session, *matter_ids: int | None) -> list[Document]:
    """Return the papers that were filed in these matters, in their order."""
    return list(
        session.scalars(
            select(Document)
            .where(Document.matter_id.in_(matter_ids), Document.filed_at.is_not(None))
            .order_by(Document.id)
        )
    )


def retentions(papers: Iterable[Document]) -> dict[int, str]:
    """Return how long each of the filed papers is kept, by document (D-09)."""
    rows = list(papers)
    newest: dict[int | None, int] = {}
    for row in rows:
        if row.field.startswith("draft_file"):
            newest[row.matter_id] = max(row.id, newest.get(row.matter_id, 0))
    drafts = set(newest.values())
    return {
        row.id: archives.retention_of(archives.kind_of(row.form, row.field, newest=row.id in drafts)) for row in rows
    }
