"""Finds people, posts and records of the demo district for the tests of the registers."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, identity, people
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.identity import Actor
from decision_flow.models import AuditEvent, Organisation, Post, User


def person(session: Session, username: str) -> Actor:
    return identity.actor_of(session, account(session, username))


def account(session: Session, username: str) -> User:
    return session.scalars(select(User).where(User.username == username)).one()


def post(session: Session, role: str, unit: str | None = None) -> Post:
    query = select(Post).join(Organisation, Organisation.id == Post.organisation_id).where(Post.role_code == role)
    return session.scalars(query.where(Organisation.name == unit) if unit else query.order_by(Post.id)).first()


def unit(session: Session, name: str) -> Organisation:
    return session.scalars(select(Organisation).where(Organisation.name == name)).one()


def recorded(session: Session, name: EventName) -> dict[str, Any]:
    """The latest event of this name, as it was hashed."""
    session.flush()
    if held := [event for event in audit.unwritten(session) if event["event"] == name.value]:
        return json.loads(held[-1]["canonical"])  # written with the commit
    query = select(AuditEvent.canonical).where(AuditEvent.event == name.value).order_by(AuditEvent.id.desc()).limit(1)
    return json.loads(session.scalars(query).one())


def new_user(session: Session, settings: Settings, username: str = "qianjin") -> User:
    return people.create_user(session, person(session, "admin"), username, "钱进", settings, "Qian Jin")[0]


def entered(session: Session, token: str, settings: Settings) -> Actor | None:
    """Who a token lets in, as a request would find that comes after what the session holds."""
    session.flush()
    return identity.actor_for_token(session.connection(), token, settings)
