"""A step that was done on paper and entered afterwards (补录)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base, UTCDateTime


class LateEntry(Base):
    """When a step was really done and by whom, the scan that shows it, and who entered it here and when.

    `later_files` names files that say they were made after the claimed day (R-39, a warning).
    """

    __tablename__ = "late_entry"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), index=True)
    done_on: Mapped[date] = mapped_column(Date)
    done_by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    scan_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    entered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    entered_as: Mapped[str] = mapped_column(String(200))
    signed: Mapped[bool] = mapped_column(Boolean, default=False)
    later_files: Mapped[str] = mapped_column(Text, default="")
