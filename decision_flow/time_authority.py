"""The outside authority that gives timestamps: asked over HTTP (RFC 3161, 3.4) once its address is set, else never.

The request goes the way of the hooks (`senders.post`): address pinned, no redirects, time and size bounded.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock, jobs, senders, timestamps
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.jobs import Job
from decision_flow.models import CronSlot

JOB = "trail_timestamp"


def stamp(database: Database, owner: str, settings: Settings) -> int:
    """Ask for a timestamp of the newest checkpoint if it has none; return 1 if one was asked for, else 0.

    A failure is noted, rests as those of the daily jobs do, and is tried again: eight times a day.
    """
    if not settings.tsa_url:
        return 0
    with database.transaction(read_only=True) as session:
        point = timestamps.waiting(session)
    if point is None:
        return 0
    number = point.number
    return jobs.run_due(database, owner, [Job(_name(number), time(), lambda database: ask(database, settings, number))])


def ask(database: Database, settings: Settings, number: int) -> int:
    """Ask for a timestamp of a checkpoint and store it; return 1. No transaction is open while the other answers.

    Raises `senders.Unsendable`, what the connection raises, and `Invalid` for a reply that is not one to this request.
    """
    with database.transaction(read_only=True) as session:
        request = timestamps.request(timestamps.point(session, number))
    parts = urlsplit(settings.tsa_url)
    # Whoever sets the address means it, be it inside the house.
    allowed = replace(settings, hook_allow=parts.hostname or "")
    reply = senders.post(settings.tsa_url, request, {"Content-Type": "application/timestamp-query"}, allowed)
    with database.transaction() as session:
        timestamps.take(session, number, reply, source=f"{parts.scheme}://{parts.netloc}{parts.path}"[:300])
    return 1


def failure(session: Session, number: int) -> str:
    """Return what went wrong when the timestamp of a checkpoint was asked for last today, "" for nothing."""
    slot = session.scalars(
        select(CronSlot).where(
            CronSlot.name == _name(number), CronSlot.slot == clock.today(), CronSlot.done_at.is_(None)
        )
    ).one_or_none()
    return slot.result if slot else ""


def _name(number: int) -> str:
    return f"{JOB}:{number}"
