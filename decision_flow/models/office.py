"""What an office keeps besides its matters: its own numbers with their basis, and the register of major items."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, UTCDateTime
from decision_flow.models.matters import Matter
from decision_flow.models.records import Document


class OfficeSetting(Base):
    """A number or choice that no law fixes, as one organ has set it. The newest row of a key counts."""

    __tablename__ = "office_setting"
    __table_args__ = (Index(None, "organ_id", "key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    key: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(200))
    basis: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(UTCDateTime)
    set_as: Mapped[str] = mapped_column(String(200))


class MajorItem(Base):
    """One item of 三重一大 in the register of its organ; payee and purpose are kept as they are compared."""

    __tablename__ = "major_item"
    __table_args__ = (UniqueConstraint("matter_id"), Index(None, "organ_id", "payee", "proposed_on"))

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(20))
    payee: Mapped[str] = mapped_column(String(120), default="")
    purpose: Mapped[str] = mapped_column(String(200), default="")
    amount: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    route_amount: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))
    route: Mapped[str] = mapped_column(String(30))
    proposed_on: Mapped[date] = mapped_column(Date)

    matter: Mapped[Matter] = relationship(lazy="raise")


class PrintTemplate(Base):
    """A Word template that an office uploaded for one form. The newest row counts; without a file the default does."""

    __tablename__ = "print_template"
    __table_args__ = (Index(None, "organ_id", "form", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    form: Mapped[str] = mapped_column(String(20))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    set_at: Mapped[datetime] = mapped_column(UTCDateTime)
    set_as: Mapped[str] = mapped_column(String(200))

    document: Mapped[Document | None] = relationship(lazy="raise")
