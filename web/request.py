"""What a view may ask of a request: a transaction, the actor, the page number, the language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import N_, NotAuthenticated
from decision_flow.identity import Actor

COOKIE = "df_session"


def settings() -> Settings:
    """Return the settings of the running application."""
    return cast(Settings, current_app.extensions["decision_flow"]["settings"])


def database() -> Database:
    """Return the database of the running application."""
    return cast(Database, current_app.extensions["decision_flow"]["database"])


def files() -> FileStore:
    """Return the file store of the running application."""
    return cast(FileStore, current_app.extensions["decision_flow"]["files"])


def attach(app: Flask, **parts: Any) -> None:
    """Give the application its settings, database and file store."""
    app.extensions["decision_flow"] = parts


@contextmanager
def transaction(*, read_only: bool = False) -> Iterator[Session]:
    """Open a transaction for a view; it commits when the block ends well."""
    with database().transaction(read_only=read_only) as session:
        yield session


def actor() -> Actor:
    """Return who is signed in. Raises `NotAuthenticated`."""
    found: Actor | None = g.get("actor")
    if found is None:
        raise NotAuthenticated(N_("请先登录。"))
    return found


def page_number() -> int:
    """Return the page asked for, at least 1."""
    value = request.args.get("page", "1")
    return max(1, int(value)) if value.isdigit() and len(value) < 7 else 1


def is_fragment() -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def language() -> str:
    """Return "zh" or "en": the address, then the cookie, then the setting."""
    wanted = request.args.get("lang") or request.cookies.get("df_lang") or ""
    return wanted if wanted in ("zh", "en") else settings().language
