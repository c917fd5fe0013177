"""Signs people in for the tests of identity."""

from __future__ import annotations

from typing import Any

from decision_flow import identity
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.errors import NotAuthenticated
from decision_flow.identity import Actor


def enter(
    database: Database, settings: Settings, username: str = "chenbin", password: str = PASSWORD, **more: Any
) -> str:
    """Sign in as a page does: the failed try is committed, the error raised afterwards."""
    problem = None
    with database.transaction() as session:
        try:
            return identity.sign_in(session, username, password, settings, "10.1.1.9", "Test", **more)
        except NotAuthenticated as error:
            problem = error
    raise problem


def who(database: Database, settings: Settings, token: str) -> Actor | None:
    with database.transaction(read_only=True) as session:
        return identity.actor_for_token(session.connection(), token, settings)
