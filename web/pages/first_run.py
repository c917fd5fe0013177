"""First run: the organ and its three administrators, guarded by a code that the server printed."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import first_run, working_days
from decision_flow.errors import Invalid, NotFound
from decision_flow.modelling import gate
from decision_flow.roles import ADMINISTRATORS
from web.auth import public
from web.errors import told
from web.language import gettext, said
from web.request import settings, transaction

page = Blueprint("first_run", __name__, url_prefix="/first-run")


@page.get("")
@public
def show() -> str:
    """Show the set-up form, as long as there is no account."""
    _must_be_first()
    return _page({}, {})


@page.post("")
@public
def create() -> Response | tuple[str, int]:
    """Create the organ and its administrators, the calendar and the procedures."""
    _must_be_first()
    sent = request.form
    given = sent.get("code", "").strip().lower().encode()
    if not hmac.compare_digest(given, first_run.setup_code(settings()).encode()):
        return _page(sent.to_dict(), {"code": [gettext("设置码不正确，请查看服务器启动时的输出。")]}), 422
    administrators = [
        {key: sent.get(f"{role}-{key}", "") for key in ("username", "name", "password")} | {"role": role}
        for role in ADMINISTRATORS
    ]
    try:
        with transaction() as session:
            first_run.create_first_administrators(
                session,
                {key: sent.get(key, "") for key in ("name", "level", "binding")},
                administrators,
                settings(),
                exception_reason=sent.get("exception_reason", ""),
                exception_approver=sent.get("exception_approver", ""),
            )
            working_days.seed(session)
            gate.put_shipped_in_force(session)
    except Invalid as error:
        return _page(sent.to_dict(), _beside(error) or {"": [told(error)]}), 422
    first_run.forget_setup_code(settings())
    flash(gettext("初始设置已完成，请登录。"), "success")
    return redirect(url_for("sign_in.show"))


def _must_be_first() -> None:
    with transaction(read_only=True) as session:
        if not first_run.is_needed(session):
            raise NotFound(gettext("系统已经完成初始设置。"))


def _beside(error: Invalid) -> dict[str, list[str]]:
    """Return the errors by the name of the control that they belong to: `people.1.name` is `security_admin-name`."""
    found: dict[str, list[str]] = {}
    for path, texts in error.errors.items():
        parts = path.split(".")
        name = f"{ADMINISTRATORS[int(parts[1])]}-{parts[2]}" if len(parts) == 3 else path
        found[name] = [said(text) for text in texts]
    return found


def _page(values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    return render_template(
        "first_run/show.html",
        values=values,
        errors=errors,
        roles=ADMINISTRATORS,
        length=settings().password_min_length,
        levels=first_run.LEVELS,
    )
