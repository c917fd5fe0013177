"""Procedures and their immutable published versions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, UTCDateTime


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
