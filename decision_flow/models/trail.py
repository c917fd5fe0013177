"""The trail: one stream per matter, procedure, or register; each event carries the hash of the one before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from decision_flow.db import Base, UTCDateTime


class AuditStream(Base):
    """The head of a stream. Its row is the lock under which the next event is numbered."""

    __tablename__ = "audit_stream"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer)
    head: Mapped[str] = mapped_column(String(64))
    sm3: Mapped[str] = mapped_column(String(64), server_default="0" * 64)


class AuditEvent(Base):
    """One fact. `canonical` is what was hashed; the other columns are there to search by."""

    __tablename__ = "audit_event"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        Index(None, "matter_id", "id"),
        # Read in the order of time, page by page: whatever is asked first, the moment comes next.
        Index(None, "at", "id"),
        Index(None, "actor_id", "at", "id"),
        Index(None, "event", "at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(String(60))
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    event: Mapped[str] = mapped_column(String(60))
    result: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    actor: Mapped[str] = mapped_column(String(200))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    canonical: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    # The SM3 of the same bytes; empty where the event was written before both were kept.
    sm3: Mapped[str] = mapped_column(String(64), server_default="")


class TrailMention(Base):
    """What an event rests on or speaks of, to be found by it: a rule id, or the digest of a paper.

    Derived from the event when it is written, so it is no evidence; `audit verify` compares the two.
    """

    __tablename__ = "trail_mention"
    __table_args__ = {"sqlite_with_rowid": False}

    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    event_id: Mapped[int] = mapped_column(Integer, primary_key=True, index=True)


class TrailCheckpoint(Base):
    """A signed statement of what the trail held at a moment: how many events, and the root of their tree.

    `note` is what was signed, byte for byte. `streams` is the JSON list of [stream, seq] that moved since the
    checkpoint before; `frontier` the tree's roots from which the next checkpoint goes on. Never changed and
    never deleted: the database refuses both.
    """

    __tablename__ = "trail_checkpoint"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    size: Mapped[int] = mapped_column(Integer)
    root: Mapped[str] = mapped_column(String(64))
    streams: Mapped[str] = mapped_column(Text)
    frontier: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(128))
    public_key: Mapped[str] = mapped_column(String(64))

    stamps: Mapped[list[TrailTimestamp]] = relationship(order_by="TrailTimestamp.number", lazy="selectin")


class TrailTimestamp(Base):
    """What an outside authority answered to the request over a checkpoint's note (RFC 3161); never changed."""

    __tablename__ = "trail_timestamp"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    checkpoint: Mapped[int] = mapped_column(ForeignKey("trail_checkpoint.number"), index=True)
    # The time the authority names, its address ("" for a file brought by hand), and its whole reply in base64.
    stamped_at: Mapped[datetime] = mapped_column(UTCDateTime)
    source: Mapped[str] = mapped_column(String(300))
    reply: Mapped[str] = mapped_column(Text)


class TrailNode(Base):
    """The root of a complete part of the tree (2 ** `level` leaves that end before leaf `upto`), to make proofs from.

    In the order of the key each stands behind the two that it is made of. Derived, so no evidence.
    """

    __tablename__ = "trail_node"
    __table_args__ = {"sqlite_with_rowid": False}

    upto: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class TrailStretch(Base):
    """Where a checkpoint took events `first` to `last` of a stream into the tree: as its leaves from `leaf` on.

    Derived from the checkpoint's `streams`, so no evidence.
    """

    __tablename__ = "trail_stretch"
    __table_args__ = {"sqlite_with_rowid": False}

    stream: Mapped[str] = mapped_column(String(60), primary_key=True)
    last: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(Integer)
    leaf: Mapped[int] = mapped_column(Integer, unique=True)
    checkpoint: Mapped[int] = mapped_column(ForeignKey("trail_checkpoint.number"), index=True)
