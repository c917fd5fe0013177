"""The text of a decision as it changes: numbered versions, what was reviewed, what was done on an old text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base, UTCDateTime


class DraftVersion(Base):
    """One frozen text of the draft and, once there is one, the legality opinion that was given on it (R-25c)."""

    __tablename__ = "draft_version"
    __table_args__ = (UniqueConstraint("matter_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    number: Mapped[int] = mapped_column(Integer)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="", index=True)
    form: Mapped[str] = mapped_column(String(20), default="")
    material: Mapped[bool] = mapped_column(Boolean, default=False)
    frozen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    frozen_as: Mapped[str] = mapped_column(String(200), default="")
    reviewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reviewed_as: Mapped[str] = mapped_column(String(200), default="")
    review_task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    conclusion: Mapped[str] = mapped_column(String(40), default="")


class Settled(StrEnum):
    """How a step that was done on an old text was put right."""

    REPEATED = "repeated"
    REASONED = "reasoned"


class StaleStep(Base):
    """A statutory step that was done on a text which has since been changed materially (需重做)."""

    __tablename__ = "stale_step"
    __table_args__ = (UniqueConstraint("matter_id", "step", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    step: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    marked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    settled: Mapped[str | None] = mapped_column(String(20))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    asked_as: Mapped[str] = mapped_column(String(200), default="")
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    approved_as: Mapped[str] = mapped_column(String(200), default="")
