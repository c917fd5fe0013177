"""Where a matter departs from the ordinary course of the law: each departure with its reason and who approved it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, UTCDateTime
from decision_flow.models.matters import Matter


class ExceptionKind(StrEnum):
    """EXEMPTION: a conditional step is left out. EXCEPTION: a rule is applied otherwise. EXCLUSION: out of scope."""

    EXEMPTION = "exemption"
    EXCEPTION = "exception"
    EXCLUSION = "exclusion"
    STALE = "stale"


class ExceptionState(StrEnum):
    """ASKED → APPROVED | REFUSED. STATED: given in the paper alone, from before each reason needed its approval."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    STATED = "stated"


class ExceptionRecord(Base):
    """One exemption, exception or exclusion. Never changed after it was decided, never deleted."""

    __tablename__ = "exception_record"
    __table_args__ = (Index(None, "organ_id", "asked_at"), Index(None, "matter_id", "rule"))

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    kind: Mapped[str] = mapped_column(String(12))
    rule: Mapped[str] = mapped_column(String(20))
    article: Mapped[str] = mapped_column(String(80), default="")
    subject: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), index=True)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    asked_as: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_as: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")

    matter: Mapped[Matter] = relationship(lazy="raise")
