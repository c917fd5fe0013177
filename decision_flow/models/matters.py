"""A matter in hand, the human tasks it opened and the dates it waits for.

`Matter.state` is the engine's and nobody else reads it; tasks and timers are its projection, written in
the same transaction by `decision_flow.matters.apply`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.people import Organisation, User
from decision_flow.models.procedures import ProcedureVersion


class MatterStatus(StrEnum):
    """Where a matter stands as a whole."""

    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class TaskState(StrEnum):
    """OPEN → CLAIMED → COMPLETED | CANCELLED."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


# The task still stands before somebody.
STANDING = (TaskState.OPEN, TaskState.CLAIMED)


class TimerKind(StrEnum):
    """What happens when a timer is due."""

    ENGINE = "engine"
    OVERDUE = "overdue"
    START_MATTER = "start_matter"
    SEND = "send"


class TimerState(StrEnum):
    """WAITING → DONE | CANCELLED; FAILED after too many attempts."""

    WAITING = "WAITING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class NumberSeries(Base):
    """The last number given in a series, such as the matters of a year."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


# The matter goes on; its timers go off.
UNDER_WAY = (MatterStatus.RUNNING, MatterStatus.SUSPENDED)
# A matter with one of these relations is about its decision; others are decisions themselves.
ABOUT_A_DECISION = ("evaluation", "adjustment", "problem", "archive")


class Matter(Base):
    """One matter (事项) with the versions of the procedure and of the policy it began with and keeps to its end."""

    __tablename__ = "matter"
    __table_args__ = (Index(None, "organ_id", "status"), Index(None, "registered_by_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(40), default="")
    procedure_version_id: Mapped[int] = mapped_column(ForeignKey("procedure_version.id"), index=True)
    # The policy version it began with, by its digest: see decision_flow.policy_versions.
    policy_digest: Mapped[str] = mapped_column(String(64), ForeignKey("policy_version.digest"))
    organ_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    undertaking_unit_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    implementing_unit_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    status: Mapped[str] = mapped_column(String(12), index=True)
    outcome: Mapped[str | None] = mapped_column(String(80))
    current_step: Mapped[str | None] = mapped_column(String(40))
    effective_date: Mapped[date | None] = mapped_column(Date)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    registered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    relation: Mapped[str | None] = mapped_column(String(20))
    draft_version: Mapped[int] = mapped_column(Integer, default=0)
    draft_sha256: Mapped[str] = mapped_column(String(64), default="")
    # How often each element and flow was passed: what the live diagram draws.
    passed: Mapped[dict[str, int]] = deferred(mapped_column(Json, default=dict))
    state: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    version: Mapped[int] = mapped_column(Integer)

    organ: Mapped[Organisation] = relationship(lazy="raise", foreign_keys=[organ_id])
    undertaking_unit: Mapped[Organisation | None] = relationship(lazy="raise", foreign_keys=[undertaking_unit_id])
    implementing_unit: Mapped[Organisation | None] = relationship(lazy="raise", foreign_keys=[implementing_unit_id])
    procedure_version: Mapped[ProcedureVersion] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}


class Task(Base):
    """One human task (环节任务). `pool` is `role:organisation`: whoever has the pool may claim it."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("matter_id", "token"),
        # The inbox: what is open in my pools, and what I hold, the earliest due date first.
        Index(None, "pool", "state", "due_at"),
        Index(None, "assignee_id", "state", "due_at"),
        Index(None, "completed_by_id", "completed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    token: Mapped[str] = mapped_column(String(64))
    element_id: Mapped[str] = mapped_column(String(80))
    process: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    step: Mapped[str | None] = mapped_column(String(40))
    basis: Mapped[str] = mapped_column(String(120), default="")
    form: Mapped[str | None] = mapped_column(String(20))
    role_code: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    pool: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    item: Mapped[Any] = mapped_column(Json, nullable=True)
    state: Mapped[str] = mapped_column(String(10))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_rule: Mapped[str] = mapped_column(String(20), default="")
    due_explanation: Mapped[str] = mapped_column(Text, default="")
    due_provisional: Mapped[bool] = mapped_column(Boolean, default=False)
    # What the date was computed from, so that it can be computed again: see decision_flow.deadlines.
    deadline: Mapped[Any] = mapped_column(Json, nullable=True)
    draft: Mapped[Any] = deferred(mapped_column(Json, nullable=True))
    draft_saved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    submission: Mapped[Any] = deferred(mapped_column(Json, nullable=True))
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    completed_as: Mapped[str] = mapped_column(String(200), default="")

    matter: Mapped[Matter] = relationship(lazy="raise")
    assignee: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[assignee_id])
    completed_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[completed_by_id])
    organisation: Mapped[Organisation] = relationship(lazy="raise", foreign_keys=[organisation_id])


class Timer(Base):
    """One thing that must happen at a time, with the rule and the count it was computed from."""

    __tablename__ = "timer"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "matter_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    token: Mapped[str | None] = mapped_column(String(64))
    element_id: Mapped[str | None] = mapped_column(String(80))
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    rule: Mapped[str] = mapped_column(String(20), default="")
    explanation: Mapped[str] = mapped_column(Text, default="")
    payload: Mapped[Any] = mapped_column(Json, nullable=True)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
