"""What the pages of procedures read: procedures, their versions, who made them, and how many matters use them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Integer, func, select
from sqlalchemy.orm import Session

from decision_flow import audit, bundles, identity, procedures
from decision_flow.audit import EventName
from decision_flow.errors import N_, NotFound
from decision_flow.identity import Actor, Permission
from decision_flow.modelling import archive
from decision_flow.models import (
    UNDER_WAY,
    DraftState,
    Matter,
    Procedure,
    ProcedureDraft,
    ProcedureVersion,
    User,
    VersionStatus,
)
from decision_flow.procedures import ProcedureSource


@dataclass(frozen=True)
class Line:
    """One procedure of the library."""

    procedure: Procedure
    in_force: ProcedureVersion | None
    versions: int
    running: int
    matters: int


@dataclass(frozen=True)
class VersionLine:
    """One version: by whom, and how many matters run or ran on it."""

    version: ProcedureVersion
    author: str
    publisher: str
    running: int
    matters: int


@dataclass(frozen=True)
class DraftLine:
    """One open draft and who saved it last."""

    draft: ProcedureDraft
    by: str


def procedures_of(session: Session, actor: Actor) -> list[Line]:
    """Return all procedures, those in force first."""
    identity.require(actor, Permission.PROCEDURE_READ)
    counts = _counts(session)
    lines = []
    versions: dict[int, list[ProcedureVersion]] = {}
    for version in session.scalars(select(ProcedureVersion).order_by(ProcedureVersion.number)):
        versions.setdefault(version.procedure_id, []).append(version)
    for procedure in session.scalars(select(Procedure).order_by(Procedure.id)):
        made = versions.get(procedure.id, [])
        lines.append(
            Line(
                procedure,
                next((version for version in made if version.status == VersionStatus.IN_FORCE), None),
                len(made),
                sum(counts.get(version.id, (0, 0))[0] for version in made),
                sum(counts.get(version.id, (0, 0))[1] for version in made),
            )
        )
    return sorted(lines, key=lambda line: line.in_force is None)


def drafts_of(session: Session, actor: Actor, key: str = "") -> list[DraftLine]:
    """Return the open drafts, the latest first; of one procedure if `key` is given."""
    identity.require(actor, Permission.PROCEDURE_READ)
    query = (
        select(ProcedureDraft, User.name)
        .join(User, User.id == ProcedureDraft.updated_by_id)
        .where(ProcedureDraft.state == DraftState.OPEN)
        .order_by(ProcedureDraft.updated_at.desc(), ProcedureDraft.id.desc())
        .limit(200)
    )
    if key:
        query = query.where(ProcedureDraft.key == key)
    return [DraftLine(draft, name) for draft, name in session.execute(query)]


def procedure(session: Session, actor: Actor, key: str) -> Procedure:
    """Return a procedure. Raises `NotFound`."""
    identity.require(actor, Permission.PROCEDURE_READ)
    found = session.scalars(select(Procedure).where(Procedure.key == key)).one_or_none()
    if found is None:
        raise NotFound(N_("没有这个程序。"))
    return found


def versions_of(session: Session, actor: Actor, key: str) -> list[VersionLine]:
    """Return the versions of a procedure, the latest first."""
    found = procedure(session, actor, key)
    counts = _counts(session)
    rows = list(
        session.scalars(
            select(ProcedureVersion)
            .where(ProcedureVersion.procedure_id == found.id)
            .order_by(ProcedureVersion.number.desc())
        )
    )
    ids = {user for row in rows for user in (row.author_id, row.publisher_id) if user is not None}
    names = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(ids)))}
    return [
        VersionLine(
            row, names.get(row.author_id or 0, ""), names.get(row.publisher_id or 0, ""), *counts.get(row.id, (0, 0))
        )
        for row in rows
    ]


def version(session: Session, actor: Actor, key: str, number: int) -> ProcedureVersion:
    """Return one version. Raises `NotFound`."""
    found = procedure(session, actor, key)
    row = session.scalars(
        select(ProcedureVersion).where(ProcedureVersion.procedure_id == found.id, ProcedureVersion.number == number)
    ).one_or_none()
    if row is None:
        raise NotFound(N_("没有这个版本。"))
    return row


def in_force(session: Session, actor: Actor, key: str) -> ProcedureVersion | None:
    """Return the version in force, None where there is none."""
    identity.require(actor, Permission.PROCEDURE_READ)
    return bundles.found_in_force(session, key)


def source(session: Session, actor: Actor, key: str, number: int) -> ProcedureSource:
    """Return a version as a bundle with its description. Raises `NotFound`."""
    return procedures.stored(session, version(session, actor, key, number))


def export(session: Session, actor: Actor, key: str, number: int) -> bytes:
    """Return a version as one file; that it was taken out is recorded. Raises `NotFound`."""
    return hand_out(session, actor, version(session, actor, key, number))


def hand_out(session: Session, author: audit.Author, version: ProcedureVersion) -> bytes:
    """Return a version as one file and record who took it out."""
    source = procedures.stored(session, version)
    audit.append(
        session,
        audit.procedure_stream(source.key),
        EventName.PROCEDURE_EXPORTED,
        actor=author,
        facts={"key": source.key, "version": version.number, "digest": version.digest},
    )
    return archive.pack(source)


def _counts(session: Session) -> dict[int, tuple[int, int]]:
    """Return (running, all) matters by version."""
    rows = session.execute(
        select(
            Matter.procedure_version_id,
            func.sum((Matter.status.in_(UNDER_WAY)).cast(Integer)),
            func.count(),
        ).group_by(Matter.procedure_version_id)
    )
    return {version_id: (int(running or 0), int(total)) for version_id, running, total in rows}
