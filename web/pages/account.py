"""One's own account: password and sessions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import identity
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.language import gettext, said
from web.request import COOKIE, actor, settings, transaction

page = Blueprint("account", __name__, url_prefix="/account")


@page.get("")
@requires(Permission.ACCOUNT_OWN)
def show() -> str:
    """Show one's posts and sessions."""
    with transaction(read_only=True) as session:
        sessions = identity.live_sessions(session, actor())
    return render_template("account/show.html", me=actor(), sessions=sessions)


@page.route("/password", methods=["GET", "POST"])
@requires(Permission.ACCOUNT_OWN)
def password() -> Response | str | tuple[str, int]:
    """Change one's password; every session ends, this one too."""
    if request.method == "GET":
        return render_template("account/password.html", me=actor(), errors={})
    errors: dict[str, list[str]] = {}
    if request.form.get("new") != request.form.get("again"):
        errors["again"] = [gettext("两次输入的新密码不一致。")]
    if not errors:
        try:
            with transaction() as session:
                identity.change_password(
                    session, actor(), request.form.get("old", ""), request.form.get("new", ""), settings()
                )
        except Invalid as error:
            errors = {name: [said(text) for text in texts] for name, texts in error.errors.items()}
    if errors:
        return render_template("account/password.html", me=actor(), errors=errors), 422
    flash(gettext("密码已修改,请用新密码登录。"), "success")
    answer = redirect(url_for("sign_in.show"))
    answer.delete_cookie(COOKIE, path="/")
    return answer


@page.post("/sessions/<int:session_id>/revoke")
@requires(Permission.ACCOUNT_OWN)
def revoke(session_id: int) -> Response:
    """End one of one's sessions."""
    with transaction() as session:
        identity.revoke(session, actor(), session_id)
    flash(gettext("该登录已退出。"), "success")
    return redirect(url_for("account.show"))
