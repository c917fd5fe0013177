"""What a view may ask of a request: a transaction, the actor, the page number, the language, where one came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

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


def kept(name: str, most: int = 10_000) -> dict[Any, Any]:
    """Return what this process has read of its database and need not read again, because it never changes."""
    found = cast(dict[Any, Any], current_app.extensions["decision_flow"].setdefault(name, {}))
    if len(found) >= most:
        found.clear()
    return found


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
    return max(1, int(value)) if value.isdecimal() and len(value) < 7 else 1


def language() -> str:
    """Return "zh" or "en": the address, then the cookie, then the person's choice, then the setting."""
    mine = g.get("actor")
    wanted = (request.args.get("lang"), request.cookies.get("df_lang"), mine.language if mine else "")
    return next((code for code in wanted if code in ("zh", "en")), settings().language)


def within_site(target: str) -> str:
    """Return `target` if a browser takes it for a path of this site, else ""."""
    inside = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if inside and target.isprintable() else ""


def came_from() -> str:
    """Return the page of this site that the request was sent from, as a path, or ""."""
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    if parts.netloc != request.host:
        return ""
    return within_site(parts.path + (f"?{parts.query}" if parts.query else ""))


def wants_json() -> bool:
    """Whether the answer is read by a script rather than shown as a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" and request.accept_mimetypes["text/html"] < 1
