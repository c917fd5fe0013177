"""Who may read at the desk, how far, and that it was read: the readers stand in the trail themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, identity, oversight
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.errors import N_, NotFound
from decision_flow.models import AuditEvent, Matter, ProcedureVersion
from decision_flow.roles import Permission

# The same question asked again within this time is the same reading; so is every further page of its answer.
SAME_READING = timedelta(minutes=30)
REMEMBERED = 20


def bounds(session: Session, actor: Actor) -> frozenset[int] | None:
    """Return the organs whose part of the trail the actor may read, None for all. Raises `NotPermitted`."""
    identity.require(actor, Permission.AUDIT_READ)
    return oversight.bounds(session, actor)


def matter(session: Session, actor: Actor, matter_id: int) -> Matter:
    """Return a matter for whoever may read its trail. Raises `NotFound` for any other."""
    within = bounds(session, actor)
    found = session.scalars(
        select(Matter)
        .where(Matter.id == matter_id, *([] if within is None else [Matter.organ_id.in_(within)]))
        .options(
            joinedload(Matter.organ),
            joinedload(Matter.undertaking_unit),
            joinedload(Matter.implementing_unit),
            joinedload(Matter.procedure_version).joinedload(ProcedureVersion.procedure),
        )
    ).one_or_none()
    if found is None:
        raise NotFound(N_("没有这个事项，或者不在您的监督范围内。"))
    return found


def note(session: Session, actor: Actor, view: str, asked: Mapping[str, Any]) -> None:
    """Record that the actor reads the trail: what was asked, once for each question and half hour.

    In a stream of the reader's own, so that no reader waits for another.
    """
    identity.require(actor, Permission.AUDIT_READ)
    facts = {"view": view, **{key: value for key, value in asked.items() if value not in (None, "", False)}}
    stream = audit.desk_stream(actor.user_id)
    lately = session.execute(
        select(AuditEvent.canonical)
        .where(AuditEvent.stream == stream, AuditEvent.at > clock.now() - SAME_READING)
        .order_by(AuditEvent.seq.desc())
        .limit(REMEMBERED)
    )
    if any(json.loads(canonical)["facts"] == facts for (canonical,) in lately):
        return
    audit.append(session, stream, EventName.TRAIL_READ, actor=actor, facts=facts, rules=["R-08b"])


def note_export(session: Session, actor: Actor, facts: Mapping[str, Any]) -> None:
    """Record that the actor takes a part of the trail away: every time."""
    identity.require(actor, Permission.AUDIT_READ)
    stream = audit.desk_stream(actor.user_id)
    audit.append(session, stream, EventName.TRAIL_EXPORTED, actor=actor, facts=dict(facts), rules=["R-08b"])
