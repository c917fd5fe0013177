"""Who had a hand in a matter without having filed it, and who worked on a decision before it was made.

What the separation of duties asks beyond the facts: read only for the tasks that it speaks of. Whoever drafts and
hands the task on just before it is completed has drafted all the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Row, null, or_, select, union_all
from sqlalchemy.orm import Session

from decision_flow import submitted
from decision_flow.audit import EventName
from decision_flow.guards.facts import Before
from decision_flow.models import AuditEvent, Document, Matter, Organisation, Task

HANDED_ON = (EventName.TASK_TRANSFERRED, EventName.TASK_RELEASED, EventName.TASK_RETURNED)


def hands(session: Session, matter_id: int, forms: Collection[str]) -> frozenset[tuple[str, int]]:
    """Return (form, person) for whoever uploaded a file for one of `forms`, or handed on a task with a draft in it."""
    uploaded = (
        select(Task.form, Document.uploaded_by_id.label("person"), null().label("told"))
        .join(Task, Task.id == Document.task_id)
        .where(Document.matter_id == matter_id, Task.form.in_(forms))
    )
    handed_on = (
        select(Task.form, null(), AuditEvent.canonical)
        .join(Task, Task.id == AuditEvent.task_id)
        .where(AuditEvent.matter_id == matter_id, AuditEvent.event.in_(HANDED_ON), Task.form.in_(forms))
    )
    found = set()
    rows: Iterable[Row[*tuple[Any, ...]]] = session.execute(union_all(uploaded, handed_on))
    for form, person, told in rows:
        by = person if told is None else json.loads(told)["facts"].get("drafted_by")
        if by is not None:
            found.add((form, int(by)))
    return frozenset(found)


def drafted_by(task: Task, holder_id: int) -> dict[str, Any]:
    """Return what the trail says of a draft that goes on with the task: it is its holder's work too."""
    return {"drafted_by": holder_id} if task.draft else {}


def before(session: Session, evaluation: Matter) -> Before:
    """Return who worked on the decision that `evaluation` evaluates (Art. 36); nobody where it names none.

    Institutions are known by unit, by unified social credit code, or by name.
    """
    decision = session.get(Matter, evaluation.decision_id) if evaluation.decision_id else None
    if decision is None:
        return Before()
    ids: set[int] = set()
    codes: set[str] = set()
    names: set[str] = set()
    for told in submitted.every(session, decision.id, "F-30"):
        # A unit that assessed the risks of its own matter is the undertaking unit: that is SOD-07, not SOD-05.
        if told.get("assessor_type") == "third_party":
            codes.add(str(told.get("credit_code") or "").upper())
            names.add(str(told.get("assessor_name") or "").strip())
        elif told.get("assessor_type") != "own" and told.get("assessor_org_id"):
            ids.add(int(told["assessor_org_id"]))
    argued = submitted.tasks_of(session, decision.id, "F-29")
    for task in argued:
        if (task.submission or {}).get("capacity") == "institution":
            names.add(str((task.submission or {}).get("institution_name") or "").strip())
    named = [Organisation.id.in_(ids), Organisation.credit_code.in_(codes - {""}), Organisation.name.in_(names - {""})]
    return Before(
        frozenset(task.completed_by_id for task in argued if task.completed_by_id is not None),
        frozenset(session.scalars(select(Organisation.id).where(or_(*named)))),
        frozenset(unit for unit in (decision.undertaking_unit_id, decision.implementing_unit_id) if unit is not None),
    )
