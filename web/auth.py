"""Who may open a route: declared on it, checked before every request, refused when nothing is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from decision_flow import first_run, identity
from decision_flow.errors import N_, NotAuthenticated, NotPermitted
from decision_flow.identity import Permission
from web.request import COOKIE, database, settings, transaction

# What must work before there is an administrator.
BEFORE_FOUNDING = ("first_run.", "observability.", "sign_in.language", "sign_in.text_size")

View = TypeVar("View", bound=Callable[..., Any])


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare that a route needs `permission`."""

    def mark(view: View) -> View:
        view.required_permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Declare that a route is open to anyone."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def guard(app: Flask) -> None:
    """Check every request of `app` against what its view declares; nothing declared is refused."""

    @app.before_request
    def check() -> Response | None:
        endpoint = request.endpoint or ""
        view = app.view_functions.get(endpoint)
        if endpoint in ("static", "observability.healthz"):
            # Asked most when the database does not answer: nobody is looked up for it.
            return None
        g.actor = _signed_in()
        if view is None:
            # No such address: told with the menu of whoever asks.
            return None
        if g.actor is None and not endpoint.startswith(BEFORE_FOUNDING) and _founding():
            return redirect(url_for("first_run.show"))
        if getattr(view, "is_public", False):
            return None
        permission = getattr(view, "required_permission", None)
        if permission is None:
            raise NotPermitted(N_("这个页面没有声明访问权限，不能打开。"))
        if g.actor is None:
            raise NotAuthenticated(N_("请先登录。"))
        if g.actor.must_change_password and endpoint not in ("account.password", "sign_in.leave"):
            return redirect(url_for("account.password"))
        identity.require(g.actor, permission)
        return None

    @app.before_request
    def refuse_nul() -> None:
        # No keyboard sends it and PostgreSQL cannot store it. After the check above, so that nobody makes us
        # read an upload without being signed in.
        sent = [value for part in (request.args, request.form) for values in part.listvalues() for value in values]
        if any("\x00" in value for value in sent):
            raise BadRequest


def _signed_in() -> identity.Actor | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    with database().reading() as connection:
        found = identity.actor_for_token(connection, token, settings())
    if found is not None and identity.is_due_for_touch(found):
        with transaction() as session:
            identity.touch(session, found)
    return found


def _founding() -> bool:
    # Accounts are never removed: once there is one, the question is settled for this process.
    known = current_app.extensions["decision_flow"]
    if not known.get("founded"):
        with transaction(read_only=True) as session:
            known["founded"] = not first_run.is_needed(session)
    return not known["founded"]
