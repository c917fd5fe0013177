"""The working-day calendar: our own table is the truth, whatever filled it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Date, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base


class CalendarDay(Base):
    """One day: `kind` is work, rest, holiday or makeup; `status` is official or provisional."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(Integer)
