"""Signing in and out, also in the middle of work: what was being sent is kept and can be sent again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import validate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from decision_flow import identity
from decision_flow.errors import N_, NotAuthenticated
from decision_flow.identity import Permission
from web.auth import public, requires
from web.errors import answer, told
from web.language import gettext
from web.request import COOKIE, actor, came_from, settings, transaction, wants_json, within_site

page = Blueprint("sign_in", __name__)

KEPT_FOR = 12 * 3600
ENDED = N_("登录已超时。重新登录后继续办理，您填写的内容已保留（附件和密码除外）。")
# What belongs to the page or the person, not to the work.
NOT_KEPT = ("csrf_token", "_password", "password", "old", "new", "again", "code")


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
    return _page()


@page.post("/sign-in")
@public
def enter() -> Response | str | tuple[str, int]:
    """Check the password; on success go where one was going, within this site."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    # Comparing takes long on purpose; no transaction is open meanwhile.
    with transaction(read_only=True) as session:
        attempt = identity.look_up(session, username)
    attempt = identity.compare(attempt, password)
    problem: NotAuthenticated | None = None
    with transaction() as session:
        try:
            token = identity.sign_in(
                session,
                username,
                password,
                settings(),
                request.remote_addr or "",
                request.user_agent.string,
                attempt=attempt,
                replaces=request.cookies.get(COOKIE, ""),
            )
        except NotAuthenticated as error:
            # Caught inside, so that the counted failure is committed.
            problem = error
    if problem is not None:
        return _page(username=username, problem=told(problem), kept=request.form.get("kept", "")), 401
    kept = _unpack(request.form.get("kept", ""), attempt.user_id)
    back = redirect(safe_next(request.values.get("next", "")))
    entered = make_response(render_template("sign_in/resume.html", **kept)) if kept else back
    entered.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings().https, path="/")
    return entered


@page.post("/sign-out")
@requires(Permission.ACCOUNT_OWN)
def leave() -> Response:
    """End the session."""
    with transaction() as session:
        identity.sign_out(session, actor())
    left = redirect(url_for("sign_in.show"))
    left.delete_cookie(COOKIE, path="/")
    return left


@page.get("/language/<code>")
@public
def language(code: str) -> Response:
    """Remember the language wanted in this browser and go back."""
    back = redirect(safe_next(request.args.get("next", "")))
    if code in ("zh", "en"):
        back.set_cookie("df_lang", code, max_age=31536000, samesite="Lax", secure=settings().https)
    return back


@page.get("/text-size/<size>")
@public
def text_size(size: str) -> Response:
    """Remember whether large type is wanted and go back."""
    back = redirect(safe_next(request.args.get("next", "")))
    if size in ("normal", "large"):
        back.set_cookie("df_size", size, max_age=31536000, samesite="Lax", secure=settings().https)
    return back


@page.app_errorhandler(NotAuthenticated)
def ask(error: NotAuthenticated) -> Response | str | tuple[Response | str, int]:
    """Ask whoever is not, or no longer, signed in to do so; then they go on where they were."""
    if wants_json():
        return answer(401, told(error), code=error.code), 401
    if request.method == "GET":
        return redirect(url_for("sign_in.show") + "?" + urlencode({"next": request.full_path.rstrip("?")}))
    if kept := _pack():
        return _page(problem=gettext(ENDED), kept=kept, next=came_from()), 401
    flash(gettext("登录已失效，这一次没有办理。请登录后再试。"), "warning")
    return redirect(url_for("sign_in.show") + "?" + urlencode({"next": came_from()}))


def safe_next(target: str) -> str:
    """Return `target` if it is a path of this site, else the inbox."""
    return within_site(target) or url_for("inbox.show")


def _sealed() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="kept work")


def _pack() -> str:
    """Return the form that was being sent, sealed for its sender, or "" when it must not be kept.

    Only what a page of ours sent (its CSRF token fits) within a session that was once given out is kept:
    otherwise another site could lay words into the mouth of whoever signs in next.
    """
    with transaction(read_only=True) as session:
        owner = identity.owner_of(session, request.cookies.get(COOKIE, ""))
    if owner is None or request.blueprint in ("account", "first_run", "sign_in"):
        return ""
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValueError:
        return ""
    pairs = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_KEPT]
    files = sorted({sent.filename for _, sent in request.files.items(multi=True) if sent.filename})
    return str(_sealed().dumps({"by": owner, "to": request.path, "from": came_from(), "pairs": pairs, "files": files}))


def _unpack(kept: str, user_id: int | None) -> dict[str, Any]:
    """Return what was kept, for the person who had sent it; nothing for anybody else."""
    try:
        found: dict[str, Any] = _sealed().loads(kept, max_age=KEPT_FOR)
    except BadData:
        return {}
    if found["by"] != user_id:
        return {}
    back = safe_next(found["from"])
    return {"target": found["to"], "back": back, "pairs": found["pairs"], "files": found["files"]}


def _page(username: str = "", problem: str = "", kept: str = "", next: str | None = None) -> str:
    accounts = []
    if settings().demo:
        from decision_flow.demo import PASSWORD
        from decision_flow.demo.roster import PEOPLE, UNITS

        units = {unit.name: unit for unit in UNITS}
        accounts = [(person, units[person.posts[0][0]], PASSWORD) for person in PEOPLE]
    return render_template(
        "sign_in/show.html",
        username=username,
        problem=problem,
        accounts=accounts,
        kept=kept,
        next=request.values.get("next", "") if next is None else next,
    )
