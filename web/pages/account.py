"""One's own account: password, language and sessions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import identity
from decision_flow.auditing import certificates
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field
from web.language import gettext
from web.request import COOKIE, actor, settings, transaction

page = Blueprint("account", __name__, url_prefix="/account")


@page.get("")
@requires(Permission.ACCOUNT_OWN)
def show() -> str:
    """Show one's posts and sessions."""
    with transaction(read_only=True) as session:
        sessions = identity.live_sessions(session, actor(), settings())
    return render_template("account/show.html", me=actor(), sessions=sessions)


@page.get("/dissents")
@requires(Permission.ACCOUNT_OWN)
def dissents() -> str:
    """List the meetings at which one dissented, each with its certificate (Art. 38)."""
    with transaction(read_only=True) as session:
        found = certificates.of_person(session, actor())
    return render_template("account/dissents.html", found=found, decisions=certificates.DECISIONS)


@page.route("/password", methods=["GET", "POST"])
@requires(Permission.ACCOUNT_OWN)
def password() -> Response | str | tuple[str, int]:
    """Change one's password; every session ends, and this browser gets a new one."""
    if request.method == "GET":
        return _password({})
    new = request.form.get("new", "")
    if new != request.form.get("again"):
        return _password({"again": [gettext("两次输入的新密码不一致。")]}), 422
    problem: Invalid | None = None
    with transaction() as session:
        try:
            token = identity.change_password(
                session,
                actor(),
                request.form.get("old", ""),
                new,
                settings(),
                request.remote_addr or "",
                request.user_agent.string,
            )
        except Invalid as error:
            # Caught inside, so that a wrong password is counted.
            problem = error
    if problem is not None:
        return _password(by_field(problem, otherwise="old")), 422
    flash(gettext("密码已修改，其他登录均已退出。"), "success")
    changed = redirect(url_for("inbox.show"))
    changed.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings().https, path="/")
    return changed


@page.post("/language")
@requires(Permission.ACCOUNT_OWN)
def language() -> Response:
    """Remember one's language, in whatever browser one signs in."""
    wanted = request.form.get("language", "")
    if wanted in ("zh", "en"):
        with transaction() as session:
            identity.set_language(session, actor(), wanted)
    changed = redirect(url_for("account.show"))
    # A choice made in this browser before must not outlive the new one.
    changed.delete_cookie("df_lang")
    return changed


@page.post("/sessions/<int:session_id>/revoke")
@requires(Permission.ACCOUNT_OWN)
def revoke(session_id: int) -> Response:
    """End one of one's sessions."""
    with transaction() as session:
        identity.revoke(session, actor(), session_id)
    flash(gettext("该登录已退出。"), "success")
    return redirect(url_for("account.show"))


def _password(errors: dict[str, list[str]]) -> str:
    return render_template("account/password.html", me=actor(), errors=errors, length=settings().password_min_length)
