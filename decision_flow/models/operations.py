"""What keeps the product going: nodes, daily jobs, reminders given, where notices go, and who stands in for whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.people import User


class Node(Base):
    """One process of the product. `seen_at` is of the database's clock, as leases are."""

    __tablename__ = "node"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    release: Mapped[str] = mapped_column(String(20), default="")
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CronSlot(Base):
    """One run of a daily job: whoever holds the row's lease does it, and it is done once."""

    __tablename__ = "cron_slot"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    slot: Mapped[date] = mapped_column(Date, primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    result: Mapped[str] = mapped_column(Text, default="")


class Reminder(Base):
    """One rung of a ladder that was reached: of which date, and who was told. The key keeps it to once."""

    __tablename__ = "reminder"
    __table_args__ = (Index(None, "matter_id"),)

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_on: Mapped[date] = mapped_column(Date, primary_key=True)
    rung: Mapped[str] = mapped_column(String(20), primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    told: Mapped[Any] = mapped_column(Json)
    given_on: Mapped[date] = mapped_column(Date)


class Hook(Base):
    """Where notices of an organ go besides people: a webhook, or a robot in a DingTalk, WeCom or Feishu group."""

    __tablename__ = "hook"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(200), default="")
    events: Mapped[Any] = mapped_column(Json)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class Substitution(Base):
    """Somebody stands in for an absent person, for some days (both included) and perhaps for one procedure only."""

    __tablename__ = "substitution"
    __table_args__ = (Index(None, "substitute_id", "ends_on"), Index(None, "principal_id", "ends_on"))

    id: Mapped[int] = mapped_column(primary_key=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    substitute_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    procedure_key: Mapped[str] = mapped_column(String(60), default="")
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    principal: Mapped[User] = relationship(lazy="raise", foreign_keys=[principal_id])
    substitute: Mapped[User] = relationship(lazy="raise", foreign_keys=[substitute_id])


class Feedback(Base):
    """What was heard of a decision in force: an opinion (Art. 35), a petition, a change of law, an order."""

    __tablename__ = "feedback"
    __table_args__ = (Index(None, "decision_id", "heard_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    kind: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20), default="")
    negative: Mapped[bool] = mapped_column(Boolean, default=False)
    heard_on: Mapped[date] = mapped_column(Date)
    content: Mapped[str] = mapped_column(Text)
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_as: Mapped[str] = mapped_column(String(200), default="")
