"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from decision_flow import identity
from decision_flow.errors import NotAuthenticated
from decision_flow.identity import Permission
from web.auth import public, requires
from web.errors import told
from web.request import COOKIE, actor, settings, transaction

page = Blueprint("sign_in", __name__)


@page.get("/")
@public
def home() -> Response:
    """Lead to the inbox."""
    return redirect(url_for("inbox.show"))


@page.get("/sign-in")
@public
def show() -> Response | str:
    """Show the sign-in page; in demo mode with the demo accounts."""
    if g.actor is not None:
        return redirect(url_for("inbox.show"))
    return _page("", "")


@page.post("/sign-in")
@public
def enter() -> Response | tuple[str, int]:
    """Check the password; on success go where one was going, within this site."""
    username = request.form.get("username", "")
    problem: NotAuthenticated | None = None
    with transaction() as session:
        try:
            token = identity.sign_in(
                session,
                username,
                request.form.get("password", ""),
                settings(),
                request.remote_addr or "",
                request.user_agent.string,
            )
        except NotAuthenticated as error:
            # Caught inside, so that the counted failure is committed.
            problem = error
    if problem is not None:
        return _page(username, told(problem)), 401
    answer = redirect(safe_next(request.values.get("next", "")))
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings().https, path="/")
    return answer


@page.post("/sign-out")
@requires(Permission.ACCOUNT_OWN)
def leave() -> Response:
    """End the session."""
    with transaction() as session:
        identity.sign_out(session, actor())
    answer = redirect(url_for("sign_in.show"))
    answer.delete_cookie(COOKIE, path="/")
    return answer


@page.get("/language/<code>")
@public
def language(code: str) -> Response:
    """Remember the language wanted and go back."""
    answer = make_response(redirect(safe_next(request.args.get("next", ""))))
    if code in ("zh", "en"):
        answer.set_cookie("df_lang", code, max_age=31536000, samesite="Lax", secure=settings().https)
    return answer


@page.get("/text-size/<size>")
@public
def text_size(size: str) -> Response:
    """Remember whether large type is wanted and go back."""
    answer = make_response(redirect(safe_next(request.args.get("next", ""))))
    if size in ("normal", "large"):
        answer.set_cookie("df_size", size, max_age=31536000, samesite="Lax", secure=settings().https)
    return answer


def safe_next(target: str) -> str:
    """Return `target` if it is a path of this site, else the inbox."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if inside and "\n" not in target and "\r" not in target else url_for("inbox.show")


def _page(username: str, problem: str) -> str:
    accounts = []
    if settings().demo:
        from decision_flow.demo import PASSWORD
        from decision_flow.demo.roster import PEOPLE

        accounts = [(person, PASSWORD) for person in PEOPLE]
    return render_template(
        "sign_in/show.html",
        username=username,
        problem=problem,
        accounts=accounts,
        next=request.values.get("next", ""),
    )
