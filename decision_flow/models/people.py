"""Who acts: organisations, posts, appointments and accounts. Nothing here is ever deleted (R-38b)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime


class Organisation(Base):
    """An organ, department, office or outside body.

    `organ_id` is the decision-making organ it belongs to; an organ points to itself. `binding` says
    whether Decree 713 binds the organ directly or by reference (Arts. 2 and 42).
    """

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")
    level: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(30))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    organ_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    credit_code: Mapped[str | None] = mapped_column(String(18))
    binding: Mapped[str | None] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    @property
    def is_organ(self) -> bool:
        """Whether this is itself a decision-making organ."""
        return self.organ_id == self.id


class Post(Base):
    """A post in an organisation; its role code says which tasks it may take."""

    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(120), default="")
    role_code: Mapped[str] = mapped_column(String(40), index=True)
    # Whoever holds it heads the unit: overdue work of the unit is told there.
    leads: Mapped[bool] = mapped_column(Boolean, default=False)
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class User(Base):
    """A person with an account. A person who left is disabled, never removed."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(120), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    password_changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    failed_sign_ins: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False)
    language: Mapped[str] = mapped_column(String(10), default="")
    # Which notices go where; None is as shipped. Read by the worker alone.
    notice_choices: Mapped[Any] = mapped_column(Json, nullable=True)
    # SHA-256 of the secret in the address of one's calendar feed.
    feed_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    appointments: Mapped[list[Appointment]] = relationship(lazy="raise", back_populates="user")


class Appointment(Base):
    """Who holds a post, from when to when (both days included). Ended, never deleted."""

    __tablename__ = "appointment"
    __table_args__ = (Index(None, "user_id", "ends_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)

    user: Mapped[User] = relationship(lazy="raise", back_populates="appointments")
    post: Mapped[Post] = relationship(lazy="raise")


class SignInSession(Base):
    """A session on the server. Only the SHA-256 of its token is stored; revoking ends it at once."""

    __tablename__ = "sign_in_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    client_addr: Mapped[str] = mapped_column(String(60), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
