"""Reminders and escalation: once a day the ladder of every standing deadline, one digest per person and day.

Nothing is set when a task opens: the ladder is read off the dates as they are today, so it survives return,
transfer and recalculation by itself. A rung is a row whose key is what it is about, the due day and the rung:
it is given and recorded once, whoever runs this how often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, deadlines, ladders, notifications, working_days
from decision_flow.audit import SYSTEM, EventName
from decision_flow.db import Database
from decision_flow.ladders import Reached
from decision_flow.models import (
    STANDING,
    Appointment,
    Evaluation,
    EvaluationStatus,
    Matter,
    Notification,
    Organisation,
    Post,
    Reminder,
    Task,
    User,
)


@dataclass(frozen=True)
class Subject:
    """What is due: a task or an evaluation, with all the ladder asks of it."""

    key: str
    kind: str
    id: int
    matter_id: int
    organ_id: int
    due_on: date
    since: date
    rule: str


def run(database: Database) -> int:
    """Give every reminder that is reached today and has not been given; return how many rungs were recorded."""
    today = clock.today()
    with database.transaction(read_only=True) as session:
        waiting = subjects(session, today)
        given = _given(session, [subject.key for subject in waiting])
        reached = [(subject, todo) for subject in waiting if (todo := _todo(session, subject, given, today))]
    recorded = 0
    for subject, todo in reached:
        with database.transaction() as session:
            recorded += give(session, subject, todo, today)
    with database.transaction() as session:
        digests(session, today)
    return recorded


def subjects(session: Session, today: date) -> list[Subject]:
    """Return what is due soon or overdue: standing tasks whose count is not paused, and evaluations not closed."""
    data = ladders.load()
    horizon = clock.end_of_day(today + timedelta(days=data.lead_days))
    found = []
    for row in session.execute(
        select(Task.id, Task.matter_id, Task.due_at, Task.due_rule, Task.received_at, Task.deadline, Matter.organ_id)
        .join(Matter, Matter.id == Task.matter_id)
        .where(Task.state.in_(STANDING), Task.due_at <= horizon)
        .order_by(Task.due_at, Task.id)
    ):
        if not deadlines.is_paused(row.deadline):
            found.append(
                Subject(
                    f"task:{row.id}", "task", row.id, row.matter_id, row.organ_id,
                    clock.local_date(row.due_at), clock.local_date(row.received_at), row.due_rule,
                )
            )  # fmt: skip
    for row in session.execute(
        select(Evaluation.id, Evaluation.decision_id, Evaluation.due_on, Matter.organ_id, Matter.decided_at)
        .join(Matter, Matter.id == Evaluation.decision_id)
        .where(
            Evaluation.status.in_((EvaluationStatus.SCHEDULED, EvaluationStatus.STARTED)),
            Evaluation.due_on <= clock.local_date(horizon),
        )
        .order_by(Evaluation.due_on, Evaluation.id)
    ):
        since = clock.local_date(row.decided_at) if row.decided_at else row.due_on - timedelta(days=31)
        found.append(
            Subject(
                f"evaluation:{row.id}", "evaluation", row.id, row.decision_id, row.organ_id, row.due_on, since, "R-36a"
            )
        )
    return found


def give(session: Session, subject: Subject, todo: list[Reached], today: date) -> int:
    """Record the rungs under the matter's lock, with whom they tell; return how many were new."""
    session.execute(select(Matter.id).where(Matter.id == subject.matter_id).with_for_update(key_share=True))
    if not _still(session, subject):
        return 0
    done = _given(session, [subject.key]).get((subject.key, subject.due_on), set())
    fresh = [rung for rung in todo if rung.key not in done]
    for rung in fresh:
        people = {role: _people(session, subject, role) for role in rung.to}
        session.add(
            Reminder(
                subject=subject.key, due_on=subject.due_on, rung=rung.key, matter_id=subject.matter_id,
                told=people, given_on=today,
            )
        )  # fmt: skip
        audit.append(
            session,
            audit.matter_stream(subject.matter_id),
            EventName.REMINDER_SENT,
            actor=SYSTEM,
            matter_id=subject.matter_id,
            task_id=subject.id if subject.kind == "task" else None,
            facts={
                "kind": subject.kind,
                "rung": rung.key,
                "due": subject.due_on.isoformat(),
                "told": {role: sorted(ids) for role, ids in people.items()},
            },
            rules=[subject.rule] if subject.rule else [],
        )
    session.flush()
    return len(fresh)


def digests(session: Session, today: date) -> int:
    """Put the day's reminders before each person as one notice; return how many notices are new."""
    items: dict[int, dict[str, dict[str, Any]]] = {}
    rows = session.scalars(select(Reminder).where(Reminder.given_on == today).order_by(Reminder.due_on)).all()
    facts = _facts(session, rows)
    for row in rows:
        for ids in row.told.values():
            for user_id in ids:
                item = facts.get(row.subject)
                if item is not None:
                    items.setdefault(user_id, {})[row.subject] = {
                        **item,
                        "due": row.due_on.isoformat(),
                        "late": (today - row.due_on).days,
                    }
    keys = {user_id: f"digest:{user_id}:{today.isoformat()}" for user_id in items}
    known = set(session.scalars(select(Notification.dedupe_key).where(Notification.dedupe_key.in_(keys.values()))))
    new = [user_id for user_id in items if keys[user_id] not in known]
    for user_id in new:
        listed = list(items[user_id].values())
        notifications.enqueue(
            session,
            "digest",
            dedupe_key=keys[user_id],
            at=clock.now(),
            recipient_id=user_id,
            payload={"count": len(listed), "items": listed[:50]},
        )
    return len(new)


def _todo(session: Session, subject: Subject, given: Mapping[tuple[str, date], set[str]], today: date) -> list[Reached]:
    data = ladders.load()
    rungs = data.ladders["evaluation"] if subject.kind == "evaluation" else data.of(subject.rule)
    statutory = deadlines.rule_of(subject.rule).statutory
    calendar = working_days.load(session, subject.organ_id)
    if not statutory and not calendar.is_working_day(today):
        return []
    found = ladders.reached(calendar, rungs, subject.due_on, subject.since, today, statutory=statutory)
    done = given.get((subject.key, subject.due_on), set())
    return [rung for rung in found if rung.key not in done]


def _still(session: Session, subject: Subject) -> bool:
    """Whether it is still to be done and due on the same day, now that nobody can change it."""
    if subject.kind == "evaluation":
        row = session.execute(select(Evaluation.status, Evaluation.due_on).where(Evaluation.id == subject.id)).one()
        return row.due_on == subject.due_on and row.status in (EvaluationStatus.SCHEDULED, EvaluationStatus.STARTED)
    state, due_at = session.execute(select(Task.state, Task.due_at).where(Task.id == subject.id)).one()
    return state in STANDING and due_at is not None and clock.local_date(due_at) == subject.due_on


def _given(session: Session, keys: list[str]) -> dict[tuple[str, date], set[str]]:
    found: dict[tuple[str, date], set[str]] = {}
    for first in range(0, len(keys), 500):
        rows = session.execute(
            select(Reminder.subject, Reminder.due_on, Reminder.rung).where(
                Reminder.subject.in_(keys[first : first + 500])
            )
        )
        for subject, due_on, rung in rows:
            found.setdefault((subject, due_on), set()).add(rung)
    return found


def _people(session: Session, subject: Subject, role: str) -> list[int]:
    if role in ("deputy_head", "admin_head", "supervisor"):
        return _in_pool(session, f"{role}:{subject.organ_id}")
    if role == "office":
        return _in_pool(session, f"government_office:{subject.organ_id}")
    if role == "evaluator":
        started = session.scalar(select(Evaluation.matter_id).where(Evaluation.id == subject.id))
        holders = session.scalars(
            select(Task.assignee_id).where(
                Task.matter_id == started, Task.role_code == "post_evaluator", Task.assignee_id.is_not(None)
            )
        )
        return sorted({user_id for user_id in holders if user_id}) if started else []
    task = session.get_one(Task, subject.id)
    if role == "handler":
        return [task.assignee_id] if task.assignee_id else _in_pool(session, task.pool)
    leading = _leading(session, task.organisation_id, task.assignee_id)
    heads = ladders.load().heads
    return leading or _in_pool(session, f"{heads.get(task.role_code, heads['default'])}:{subject.organ_id}")


def _in_pool(session: Session, pool: str) -> list[int]:
    return notifications.holders_of(session, [pool])[pool]


def _leading(session: Session, unit_id: int, holder_id: int | None) -> list[int]:
    """Return who leads the task's unit, or the unit of whoever holds it."""
    today = clock.today()
    in_force = (Appointment.starts_on <= today, or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today))
    units = {unit_id}
    if holder_id is not None:
        units |= set(
            session.scalars(
                select(Post.organisation_id)
                .join(Appointment, Appointment.post_id == Post.id)
                .join(Organisation, Organisation.id == Post.organisation_id)
                .where(
                    Appointment.user_id == holder_id,
                    or_(Organisation.id == unit_id, Organisation.organ_id == unit_id),
                    *in_force,
                )
            )
        )
    return list(
        session.scalars(
            select(Appointment.user_id)
            .join(Post, Post.id == Appointment.post_id)
            .join(User, User.id == Appointment.user_id)
            .where(Post.organisation_id.in_(units), Post.leads, User.active, *in_force)
            .order_by(Appointment.user_id)
            .distinct()
        )
    )


def _facts(session: Session, rows: Iterable[Reminder]) -> dict[str, dict[str, Any]]:
    """Return what the digest says of each subject."""
    rows = list(rows)
    tasks = [int(row.subject[5:]) for row in rows if row.subject.startswith("task:")]
    found: dict[str, dict[str, Any]] = {
        f"task:{task_id}": {"task": task_id, "matter": matter_id, "title": title, "name": name, "name_en": english}
        for task_id, matter_id, title, name, english in session.execute(
            select(Task.id, Task.matter_id, Matter.title, Task.name, Task.name_en)
            .join(Matter, Matter.id == Task.matter_id)
            .where(Task.id.in_(tasks))
        )
    }
    matters = {row.matter_id for row in rows if not row.subject.startswith("task:")}
    titles = dict(session.execute(select(Matter.id, Matter.title).where(Matter.id.in_(matters))).all())
    for row in rows:
        if row.subject not in found and row.matter_id in titles:
            found[row.subject] = {
                "task": None,
                "matter": row.matter_id,
                "title": titles[row.matter_id],
                "name": "决策后评估",
                "name_en": "Post-decision evaluation",
            }
    return found
