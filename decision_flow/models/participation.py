"""What the public is told and what it answers: notices, opinions, enrolments for a hearing, and its draw."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, Json, UTCDateTime
from decision_flow.models.matters import Matter
from decision_flow.models.people import User
from decision_flow.models.records import Document


class NoticeKind(StrEnum):
    """What a page for the public is about."""

    SOLICITATION = "solicitation"
    HEARING = "hearing"
    HEARING_LIST = "hearing_list"
    ADOPTION = "adoption"
    DECISION = "decision"
    INTERPRETATION = "interpretation"
    EVALUATION = "evaluation"
    EXPROPRIATION = "expropriation"


class NoticeState(StrEnum):
    """A notice is never edited or removed: a faulty one is withdrawn and stays to be seen."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class Notice(Base):
    """One page for the public (公告), frozen when it was published.

    `sections` is what the page says, as a list of {"name", "text"}; `sha256` is the digest of its canonical
    form. `facts` holds what a kind needs besides: seats of a hearing, the digest of the seed of its draw.
    """

    __tablename__ = "notice"
    __table_args__ = (Index(None, "kind", "published_at"), Index(None, "matter_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    title: Mapped[str] = mapped_column(String(200))
    sections: Mapped[Any] = mapped_column(Json)
    open_on: Mapped[date | None] = mapped_column(Date)
    close_on: Mapped[date | None] = mapped_column(Date)
    short_reason: Mapped[str] = mapped_column(Text, default="")
    channels: Mapped[Any] = mapped_column(Json)
    facts: Mapped[Any] = mapped_column(Json)
    draft_document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    explanation_document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    state: Mapped[str] = mapped_column(String(12))
    sha256: Mapped[str] = mapped_column(String(64))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    published_at: Mapped[datetime] = mapped_column(UTCDateTime)
    published_as: Mapped[str] = mapped_column(String(200), default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_as: Mapped[str] = mapped_column(String(200), default="")
    withdrawn_reason: Mapped[str] = mapped_column(Text, default="")

    matter: Mapped[Matter] = relationship(lazy="raise")
    draft: Mapped[Document | None] = relationship(lazy="raise", foreign_keys=[draft_document_id])
    explanation: Mapped[Document | None] = relationship(lazy="raise", foreign_keys=[explanation_document_id])


class Disposition(StrEnum):
    """What was done with an opinion; an opinion without one is pending (R-18)."""

    ADOPTED = "adopted"
    PARTLY = "partly"
    NOT_ADOPTED = "not_adopted"


class Opinion(Base):
    """One opinion in the ledger (意见台账), whichever way it came.

    `receipt` is the only key the writer has; `token_key` and `content_key` make a comment sent twice count
    once. Of the sender's address only a keyed digest of the day is kept, within `content_key`.
    """

    __tablename__ = "opinion"
    __table_args__ = (
        UniqueConstraint("matter_id", "number"),
        Index(None, "matter_id", "disposition", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(String(24), unique=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    channel: Mapped[str] = mapped_column(String(20))
    person_or_org: Mapped[str] = mapped_column(String(100), default="")
    contact: Mapped[str] = mapped_column(String(100), default="")
    content: Mapped[str] = mapped_column(Text)
    position: Mapped[str] = mapped_column(String(10), default="suggest")
    received_on: Mapped[date] = mapped_column(Date)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    entered_as: Mapped[str] = mapped_column(String(200), default="")
    group_label: Mapped[str] = mapped_column(String(60), default="")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    disposition: Mapped[str | None] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")
    disposed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    disposed_as: Mapped[str] = mapped_column(String(200), default="")
    content_sha256: Mapped[str] = mapped_column(String(64), index=True)
    token_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    content_key: Mapped[str | None] = mapped_column(String(64), unique=True)

    assignee: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[assignee_id])
    notice: Mapped[Notice | None] = relationship(lazy="raise")


class Enrolment(Base):
    """Somebody who asked to take part in a hearing; the draw ranks them."""

    __tablename__ = "enrolment"
    __table_args__ = (UniqueConstraint("notice_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(String(24), unique=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    number: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(40))
    side: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(String(100))
    view: Mapped[str] = mapped_column(Text, default="")
    is_civil_servant: Mapped[bool] = mapped_column(Boolean, default=False)
    enrolled_at: Mapped[datetime] = mapped_column(UTCDateTime)
    token_key: Mapped[str | None] = mapped_column(String(64), unique=True)


class HearingDraw(Base):
    """The draw of a hearing: the digest of its seed is published first, the seed with the result."""

    __tablename__ = "hearing_draw"

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), unique=True)
    seed_sha256: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(64))
    public_value: Mapped[str] = mapped_column(String(200), default="")
    entries: Mapped[Any] = mapped_column(Json, nullable=True)
    result: Mapped[Any] = mapped_column(Json, nullable=True)
    drawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    drawn_as: Mapped[str] = mapped_column(String(200), default="")


class RateCount(Base):
    """How often something came from one source in one window of time; the source is a keyed digest."""

    __tablename__ = "rate_count"

    source: Mapped[str] = mapped_column(String(80), primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hits: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
