"""Who may open a route: declared on it, checked before every request, refused when nothing is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, g, redirect, request, url_for
from werkzeug.wrappers import Response

from decision_flow import identity, people
from decision_flow.errors import N_, NotAuthenticated, NotPermitted
from decision_flow.identity import Permission
from web.request import COOKIE, database, settings, transaction

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
        if request.endpoint == "static":
            return None
        view = app.view_functions.get(request.endpoint or "")
        if view is None:
            return None
        g.actor = _signed_in()
        if getattr(view, "is_public", False):
            return None
        permission = getattr(view, "required_permission", None)
        if permission is None:
            raise NotPermitted(N_("这个页面没有声明访问权限,不能打开。"))
        if g.actor is None:
            if _first_run():
                return redirect(url_for("first_run.show"))
            raise NotAuthenticated(N_("请先登录。"))
        if g.actor.must_change_password and request.endpoint not in ("account.password", "sign_in.leave"):
            return redirect(url_for("account.password"))
        identity.require(g.actor, permission)
        return None


def _signed_in() -> identity.Actor | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    with transaction() as session:
        return identity.actor_for_token(session, token, settings())


def _first_run() -> bool:
    with database().transaction(read_only=True) as session:
        return people.needs_first_run(session)
