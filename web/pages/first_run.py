"""First run: the organ and its three administrators, guarded by a code that the server printed."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import people, procedures, working_days
from decision_flow.audit import SYSTEM
from decision_flow.config import Settings
from decision_flow.errors import Invalid, NotFound
from decision_flow.resources import BPMN
from decision_flow.roles import ADMINISTRATORS
from web.auth import public
from web.language import gettext, said
from web.request import settings, transaction

page = Blueprint("first_run", __name__, url_prefix="/first-run")


def setup_code(given: Settings) -> str:
    """Return the code that proves access to the server; kept in the data folder until set-up is done."""
    path = given.folder / "setup-code"
    given.folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(4))
    return path.read_text().strip()


@page.get("")
@public
def show() -> str:
    """Show the set-up form, as long as there is no account."""
    _must_be_first()
    return _page({}, {})


@page.post("")
@public
def create() -> Response | tuple[str, int]:
    """Create the organ and its administrators."""
    _must_be_first()
    sent = request.form
    errors: dict[str, list[str]] = {}
    if not hmac.compare_digest(sent.get("code", "").strip().encode(), setup_code(settings()).encode()):
        errors["code"] = [gettext("设置码不正确,请查看服务器启动时的输出。")]
    administrators = [
        {key: sent.get(f"{role}-{key}", "") for key in ("username", "name", "password")} | {"role": role}
        for role in ADMINISTRATORS
    ]
    if not errors:
        try:
            with transaction() as session:
                people.create_first_administrators(
                    session,
                    {key: sent.get(key, "") for key in ("name", "level", "binding")},
                    administrators,
                    settings(),
                    exception_reason=sent.get("exception_reason", ""),
                    exception_approver=sent.get("exception_approver", ""),
                )
                working_days.seed(session)
                for source in procedures.shipped(BPMN):
                    procedures.publish(session, source, author=SYSTEM, publisher=SYSTEM)
        except Invalid as error:
            errors = {path: [said(text) for text in texts] for path, texts in error.errors.items()}
    if errors:
        return _page(sent.to_dict(), errors), 422
    (settings().folder / "setup-code").unlink(missing_ok=True)
    flash(gettext("初始设置已完成,请登录。"), "success")
    return redirect(url_for("sign_in.show"))


def _must_be_first() -> None:
    with transaction(read_only=True) as session:
        if not people.needs_first_run(session):
            raise NotFound(gettext("系统已经完成初始设置。"))


def _page(values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    return render_template("first_run/show.html", values=values, errors=errors, roles=ADMINISTRATORS)
