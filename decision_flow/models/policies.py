"""The policies that organs have adopted: versions that never change, each a whole table of settings."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.people import Organisation


class PolicyState(StrEnum):
    """ASKED → CONFIRMED | REFUSED, by somebody else than who asked."""

    ASKED = "ASKED"
    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"


class PolicyVersion(Base):
    """One version of an organ's policy; without an organ, the decree as shipped.

    `digest` covers organ, number, policy, binding and every setting: whoever names it names exactly this. `changes`
    lists what became another number, with the value before and after.
    """

    __tablename__ = "policy_version"
    __table_args__ = (UniqueConstraint("organ_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    number: Mapped[int] = mapped_column(Integer)
    policy: Mapped[str] = mapped_column(String(60))
    binding: Mapped[str] = mapped_column(String(20))
    settings: Mapped[Any] = deferred(mapped_column(Json, nullable=False))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    changes: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(Text, default="")
    basis: Mapped[str] = mapped_column(Text, default="")
    effective_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(12))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    asked_as: Mapped[str] = mapped_column(String(200))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_as: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")

    organ: Mapped[Organisation | None] = relationship(lazy="raise")
