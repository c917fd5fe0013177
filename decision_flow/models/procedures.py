"""Procedures, their immutable published versions, and the drafts from which versions are made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.people import User


class VersionStatus(StrEnum):
    """Where a version stands: one version of a procedure is in force at a time."""

    DRAFT = "DRAFT"
    IN_FORCE = "IN_FORCE"
    RETIRED = "RETIRED"


class Procedure(Base):
    """A named procedure (程序), such as the major administrative decision."""

    __tablename__ = "procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    title_en: Mapped[str] = mapped_column(String(200), default="")


class ProcedureVersion(Base):
    """One bundle: BPMN, decision tables and forms. Its digest covers every byte."""

    __tablename__ = "procedure_version"
    __table_args__ = (UniqueConstraint("procedure_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"))
    number: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    main: Mapped[str] = mapped_column(String(80))
    start_form: Mapped[str] = mapped_column(String(20), default="")
    status: Mapped[str] = mapped_column(String(12), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    publisher_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    procedure: Mapped[Procedure] = relationship(lazy="raise")


class ProcedureFile(Base):
    """One file of a version, byte for byte as it was published."""

    __tablename__ = "procedure_file"
    __table_args__ = (UniqueConstraint("version_id", "kind", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("procedure_version.id"))
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class DraftState(StrEnum):
    """OPEN → PUBLISHED | DISCARDED; only an open draft is changed."""

    OPEN = "OPEN"
    PUBLISHED = "PUBLISHED"
    DISCARDED = "DISCARDED"


class ProcedureDraft(Base):
    """A procedure being drawn. `revision` counts the saves, so that nobody overwrites what they have not seen.

    `authors` are the ids of all who saved: none of them may publish. `walked` names the end events that a
    walk-through reached, and the digest of the files it was played on.
    """

    __tablename__ = "procedure_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), index=True)
    title: Mapped[str] = mapped_column(String(120))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    main: Mapped[str] = mapped_column(String(80))
    start_form: Mapped[str] = mapped_column(String(20), default="")
    policy: Mapped[str] = mapped_column(String(60), default="")
    origin: Mapped[str] = mapped_column(String(200), default="")
    base_version_id: Mapped[int | None] = mapped_column(ForeignKey("procedure_version.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("procedure_version.id"))
    revision: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(12), index=True)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    authors: Mapped[Any] = mapped_column(Json)
    walked: Mapped[Any] = mapped_column(Json)

    updated_by: Mapped[User] = relationship(lazy="raise", foreign_keys=[updated_by_id])


class DraftFile(Base):
    """One file of a draft."""

    __tablename__ = "procedure_draft_file"
    __table_args__ = (UniqueConstraint("draft_id", "kind", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("procedure_draft.id"))
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)
