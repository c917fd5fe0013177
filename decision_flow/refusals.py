"""Refusals in the trail: whoever was refused, by page, interface, worker or command line."""

from __future__ import annotations

from sqlalchemy.orm import Session

from decision_flow import audit
from decision_flow.audit import Author, EventName
from decision_flow.db import on_refused
from decision_flow.errors import Refused


def acting(session: Session, actor: Author, matter_id: int | None = None, task_id: int | None = None) -> None:
    """Say who acts on what, so that a refusal is recorded even though the refused transaction is undone.

    Whoever called: page, interface, worker or command line (`Database.transaction` calls it).
    """

    def record(other: Session, error: Refused) -> None:
        audit.append(
            other,
            audit.matter_stream(matter_id) if matter_id else audit.ACCESS,
            EventName.ACTION_REFUSED,
            actor=actor,
            matter_id=matter_id,
            task_id=task_id,
            result="refused",
            rules=error.rules,
            facts={"told": [str(refusal)[:500] for refusal in error.refusals]},
        )

    on_refused(session, record)
