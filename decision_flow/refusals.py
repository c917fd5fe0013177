"""Refusals in the trail: whoever was refused, by page, interface, worker or command line."""

from __future__ import annotations

from sqlalchemy.orm import Session

from decision_flow import audit
from decision_flow.audit import Author, EventName
from decision_flow.db import on_refused
from decision_flow.errors import Invalid, Refused


def acting(session: Session, actor: Author, matter_id: int | None = None, task_id: int | None = None) -> None:
    """Say who acts on what, so that a refusal is recorded even though the refused transaction is undone.

    Whoever called: page, interface, worker or command line (`Database.transaction` calls it).
    """

    def record(other: Session, error: Refused | Invalid) -> None:
        audit.append(
            other,
            audit.matter_stream(matter_id) if matter_id else audit.ACCESS,
            EventName.ACTION_REFUSED,
            actor=actor,
            matter_id=matter_id,
            task_id=task_id,
            result="refused",
            rules=error.rules,
            on_behalf_of=audit.stood_in_for(session, actor),
            facts={"told": [told[:500] for told in _told(error)]},
        )

    on_refused(session, record)


def _told(error: Refused | Invalid) -> list[str]:
    if isinstance(error, Invalid):
        return [f"{path}: {text}" for path, texts in error.errors.items() for text in texts]
    return [str(refusal) for refusal in error.refusals]
