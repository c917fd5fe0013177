"""Experts, institutions and who has an interest in a matter. Nothing is deleted: a status is history (R-21, R-41)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base, UTCDateTime


class Standing(StrEnum):
    """Whether an expert or institution may be invited: active → suspended | removed, and back with a reason."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class Expert(Base):
    """One person of the expert pool (专家库); `pool_level` says whose pool it is."""

    __tablename__ = "expert"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(100), default="")
    employer: Mapped[str] = mapped_column(String(120), default="")
    employer_credit_code: Mapped[str] = mapped_column(String(18), default="")
    known_position: Mapped[str] = mapped_column(String(200), default="")
    pool_level: Mapped[str] = mapped_column(String(12))
    standing: Mapped[str] = mapped_column(String(12), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), unique=True)
    registered_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Institution(Base):
    """One professional institution (专业机构), known by its unified social credit code."""

    __tablename__ = "institution"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    credit_code: Mapped[str] = mapped_column(String(18), unique=True)
    legal_representative: Mapped[str] = mapped_column(String(40), default="")
    field: Mapped[str] = mapped_column(String(100), default="")
    pool_level: Mapped[str] = mapped_column(String(12))
    standing: Mapped[str] = mapped_column(String(12), index=True)
    registered_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StandingChange(Base):
    """One change of standing, with its reason; the latest is the standing."""

    __tablename__ = "standing_change"
    __table_args__ = (Index(None, "expert_id", "id"), Index(None, "institution_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    expert_id: Mapped[int | None] = mapped_column(ForeignKey("expert.id"))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    standing: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_as: Mapped[str] = mapped_column(String(200), default="")


class ExpertRating(Base):
    """How an expert did in one matter: the integrity record that Art. 21 asks for."""

    __tablename__ = "expert_rating"
    __table_args__ = (UniqueConstraint("expert_id", "task_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    expert_id: Mapped[int] = mapped_column(ForeignKey("expert.id"))
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    rating: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text, default="")
    rated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    rated_as: Mapped[str] = mapped_column(String(200), default="")


class InterestedParty(Base):
    """Who has a direct interest in a matter (利害关系方): designer, contractor, tender candidate, proposer."""

    __tablename__ = "interested_party"
    __table_args__ = (Index(None, "matter_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    relation: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    credit_code: Mapped[str] = mapped_column(String(18), default="")
    legal_representative: Mapped[str] = mapped_column(String(40), default="")
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_as: Mapped[str] = mapped_column(String(200), default="")
