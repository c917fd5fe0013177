"""The annual catalogue of decision matters (年度目录, Art. 3): versions, their items, and what else a matter names."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.matters import Matter
from decision_flow.models.people import Organisation


class CatalogueStatus(StrEnum):
    """DRAFT → PUBLISHED → REPLACED by a later version of the same year."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    REPLACED = "REPLACED"


class Completion(StrEnum):
    """What became of a matter of the catalogue by the end of its year."""

    DONE = "done"
    RUNNING = "running"
    POSTPONED = "postponed"
    WITHDRAWN = "withdrawn"


class Catalogue(Base):
    """One version of an organ's catalogue for a year. What was published is never changed, only replaced."""

    __tablename__ = "catalogue"
    __table_args__ = (UniqueConstraint("organ_id", "year", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    year: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")
    party_consent_doc_no: Mapped[str] = mapped_column(String(80), default="")
    party_consent_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_as: Mapped[str] = mapped_column(String(200), default="")
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_as: Mapped[str] = mapped_column(String(200), default="")
    completion_published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    organ: Mapped[Organisation] = relationship(lazy="raise")
    items: Mapped[list[CatalogueItem]] = relationship(
        lazy="raise", order_by="CatalogueItem.seq_no", cascade="all, delete-orphan"
    )


class CatalogueItem(Base):
    """One matter of a catalogue; `planned_finish` is a month, YYYY-MM."""

    __tablename__ = "catalogue_item"
    __table_args__ = (UniqueConstraint("catalogue_id", "seq_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    catalogue_id: Mapped[int] = mapped_column(ForeignKey("catalogue.id"))
    seq_no: Mapped[int] = mapped_column(Integer)
    matter_name: Mapped[str] = mapped_column(String(200))
    undertaking_unit_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    planned_finish: Mapped[str] = mapped_column(String(7))
    required_steps: Mapped[Any] = mapped_column(Json)
    completion: Mapped[str] = mapped_column(String(12), default="")
    completion_note: Mapped[str] = mapped_column(Text, default="")

    undertaking_unit: Mapped[Organisation] = relationship(lazy="raise")


class LinkedRecord(Base):
    """A petition, mediation or other record kept elsewhere that belongs to a matter."""

    __tablename__ = "linked_record"
    __table_args__ = (Index(None, "matter_id", "kind"), UniqueConstraint("matter_id", "kind", "number"))

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(80))
    occurred_on: Mapped[date] = mapped_column(Date)
    summary: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_as: Mapped[str] = mapped_column(String(200), default="")

    matter: Mapped[Matter] = relationship(lazy="raise")
