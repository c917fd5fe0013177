"""The working-day calendar: our own table is the truth, whatever filled it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Date, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from decision_flow.db import Base


class CalendarDay(Base):
    """One day: `kind` is work, rest, holiday or makeup; `status` is official or provisional."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(Integer, index=True)


class LocalDay(Base):
    """A day on which one organ differs from the country: a local holiday (放假办法, Art. 4) or its make-up day."""

    __tablename__ = "local_day"

    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(Integer, index=True)
