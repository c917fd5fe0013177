"""What was filed, what is to be evaluated, and who is to be told."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.matters import Matter


class Document(Base):
    """A file in a matter (材料): its digest names the bytes in the store, its hash stands in the trail."""

    __tablename__ = "document"
    __table_args__ = (Index(None, "matter_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    form: Mapped[str | None] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(80), default="")
    step: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    uploaded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    uploaded_as: Mapped[str] = mapped_column(String(200), default="")
    # Set when the task it was uploaded for is completed: before that it is part of a draft.
    filed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class EvaluationStatus(StrEnum):
    """Where a planned post-decision evaluation stands."""

    SCHEDULED = "SCHEDULED"
    STARTED = "STARTED"
    DECLINED = "DECLINED"
    COMPLETED = "COMPLETED"


class Evaluation(Base):
    """One planned review of a decision (决策后评估, Art. 36) and the matter it became."""

    __tablename__ = "evaluation"
    __table_args__ = (Index(None, "decision_id", "due_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    mode: Mapped[str] = mapped_column(String(10))
    months: Mapped[int | None] = mapped_column(Integer)
    due_on: Mapped[date] = mapped_column(Date, index=True)
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")
    # Why it was begun: scheduled, or what the trigger table said; and the facts it said so from.
    trigger: Mapped[str] = mapped_column(String(30), default="scheduled")
    evidence: Mapped[Any] = mapped_column(Json, nullable=True)
    outcome: Mapped[str] = mapped_column(String(20), default="")
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_id: Mapped[int | None] = mapped_column(ForeignKey("evaluation.id"))

    decision: Mapped[Matter] = relationship(lazy="raise", foreign_keys=[decision_id])


class NotificationState(StrEnum):
    """PENDING → SENT, or FAILED after too many attempts. What nobody wanted is SENT nowhere: SKIPPED."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Notification(Base):
    """The outbox: written with the change it tells of, delivered later, at least once."""

    __tablename__ = "notification"
    __table_args__ = (Index(None, "state", "created_at"), Index(None, "recipient_id", "read_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(20), default="inbox")
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    hook_id: Mapped[int | None] = mapped_column(ForeignKey("hook.id"))
    pool: Mapped[str | None] = mapped_column(String(60))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    payload: Mapped[Any] = mapped_column(Json, nullable=True)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
