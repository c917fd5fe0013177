"""The trail: one stream per matter, procedure, or register; each event carries the hash of the one before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base, UTCDateTime


class AuditStream(Base):
    """The head of a stream. Its row is the lock under which the next event is numbered."""

    __tablename__ = "audit_stream"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer)
    head: Mapped[str] = mapped_column(String(64))


class AuditEvent(Base):
    """One fact. `canonical` is what was hashed; the other columns are there to search by."""

    __tablename__ = "audit_event"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        Index(None, "matter_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(String(60))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    event: Mapped[str] = mapped_column(String(60), index=True)
    result: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    actor: Mapped[str] = mapped_column(String(200))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    canonical: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
