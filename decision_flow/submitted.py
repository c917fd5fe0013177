"""What the completed forms of a matter said: read by form, the latest or all, long texts and files included."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from decision_flow.models import Task, TaskState


def tasks_of(session: Session, matter_id: int, form_id: str) -> list[Task]:
    """Return the completed tasks of a form in a matter with their answers, the earliest first."""
    return list(
        session.scalars(
            select(Task)
            .where(Task.matter_id == matter_id, Task.form == form_id, Task.state == TaskState.COMPLETED)
            .options(undefer(Task.submission))
            .order_by(Task.completed_at, Task.id)
        )
    )


def every(session: Session, matter_id: int, form_id: str) -> list[dict[str, Any]]:
    """Return all answers to a form in a matter, the earliest first."""
    return [dict(task.submission or {}) for task in tasks_of(session, matter_id, form_id)]


def latest_task(session: Session, matter_id: int, form_id: str) -> Task | None:
    """Return the task in which a form of a matter was completed last, with its answers; None while none was."""
    return session.scalars(
        select(Task)
        .where(Task.matter_id == matter_id, Task.form == form_id, Task.state == TaskState.COMPLETED)
        .options(undefer(Task.submission))
        .order_by(Task.completed_at.desc(), Task.id.desc())
        .limit(1)
    ).one_or_none()


def latest(session: Session, matter_id: int, form_id: str) -> dict[str, Any]:
    """Return the latest answers to a form in a matter, or nothing."""
    task = latest_task(session, matter_id, form_id)
    return dict(task.submission or {}) if task is not None else {}


def file_id(value: Any) -> int | None:
    """Return the document that a file field names, or None."""
    entry = value[0] if isinstance(value, list) and value else value
    return int(entry["document_id"]) if isinstance(entry, dict) and entry.get("document_id") else None
