"""Administration of units, posts, accounts and appointments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import clock, people
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from decision_flow.roles import ROLES
from web.auth import requires
from web.language import gettext, said
from web.request import actor, page_number, transaction

page = Blueprint("people", __name__, url_prefix="/people")


@page.get("")
@requires(Permission.PEOPLE_READ)
def index() -> str:
    """List accounts."""
    return _index({}, {})


@page.post("")
@requires(Permission.PEOPLE_MANAGE)
def create_user() -> Response | tuple[str, int]:
    """Open an account and show its first password once."""
    sent = request.form
    try:
        with transaction() as session:
            account, password = people.create_user(
                session, actor(), sent.get("username", ""), sent.get("name", ""), sent.get("name_en", "")
            )
            user_id = account.id
    except Invalid as error:
        return _index(sent.to_dict(), _texts(error)), 422
    flash(gettext("账号已开立,初始密码:%(password)s。只显示一次,首次登录须修改。", password=password), "secret")
    return redirect(url_for("people.show", user_id=user_id))


@page.get("/<int:user_id>")
@requires(Permission.PEOPLE_READ)
def show(user_id: int) -> str:
    """Show an account with the history of its appointments."""
    return _show(user_id, {})


@page.post("/<int:user_id>/active")
@requires(Permission.PEOPLE_MANAGE)
def set_active(user_id: int) -> Response:
    """Disable or enable an account."""
    with transaction() as session:
        people.set_active(session, actor(), user_id, request.form.get("active") == "true")
    return redirect(url_for("people.show", user_id=user_id))


@page.post("/<int:user_id>/password")
@requires(Permission.APPOINTMENTS_MANAGE)
def reset_password(user_id: int) -> Response:
    """Reset a password and show the temporary one once."""
    with transaction() as session:
        password = people.reset_password(session, actor(), user_id)
    flash(gettext("临时密码:%(password)s。只显示一次,登录后须修改。", password=password), "secret")
    return redirect(url_for("people.show", user_id=user_id))


@page.post("/<int:user_id>/appointments")
@requires(Permission.APPOINTMENTS_MANAGE)
def appoint(user_id: int) -> Response | tuple[str, int]:
    """Appoint to a post."""

    def act(session: Session) -> None:
        post = request.form.get("post_id", "")
        people.make_appointment(session, actor(), user_id, int(post) if post.isdigit() else 0, _day("starts_on"), None)

    return _change(user_id, act)


@page.post("/<int:user_id>/appointments/<int:appointment_id>/end")
@requires(Permission.APPOINTMENTS_MANAGE)
def end(user_id: int, appointment_id: int) -> Response | tuple[str, int]:
    """End an appointment."""
    return _change(user_id, lambda session: people.end_appointment(session, actor(), appointment_id, _day("ends_on")))


@page.route("/organisations", methods=["GET", "POST"])
@requires(Permission.PEOPLE_READ)
def organisations() -> Response | str | tuple[str, int]:
    """List units and their posts; add a unit."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            with transaction() as session:
                people.create_organisation(session, actor(), request.form)
            flash(gettext("单位已保存。"), "success")
            return redirect(url_for("people.organisations"))
        except Invalid as error:
            errors = _texts(error)
    return _organisations(errors), 422 if errors else 200


@page.post("/posts")
@requires(Permission.PEOPLE_MANAGE)
def create_post() -> Response | tuple[str, int]:
    """Add a post to a unit."""
    sent = request.form
    try:
        with transaction() as session:
            unit = sent.get("organisation_id", "")
            people.create_post(
                session, actor(), int(unit) if unit.isdigit() else 0, sent.get("title", ""), sent.get("role_code", "")
            )
    except Invalid as error:
        return _organisations(_texts(error)), 422
    flash(gettext("岗位已保存。"), "success")
    return redirect(url_for("people.organisations"))


def _change(user_id: int, act: Callable[[Session], Any]) -> Response | tuple[str, int]:
    try:
        with transaction() as session:
            act(session)
    except Invalid as error:
        return _show(user_id, _texts(error)), 422
    flash(gettext("已保存。"), "success")
    return redirect(url_for("people.show", user_id=user_id))


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Invalid(gettext("日期不正确。"), errors={name: [gettext("日期不正确,请按年-月-日填写。")]}) from None


def _texts(error: Invalid) -> dict[str, list[str]]:
    return {path: [said(text) for text in texts] for path, texts in error.errors.items()}


def _index(values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    text = request.args.get("text", "")[:80]
    with transaction(read_only=True) as session:
        found = people.users(session, actor(), text, page_number())
    return render_template(
        "people/index.html", found=found, text=text, values=values, errors=errors, today=clock.today()
    )


def _show(user_id: int, errors: dict[str, list[str]]) -> str:
    with transaction(read_only=True) as session:
        account = people.user(session, actor(), user_id)
        posts = people.posts(session, actor())
    return render_template("people/show.html", account=account, posts=posts, errors=errors, today=clock.today())


def _organisations(errors: dict[str, list[str]]) -> str:
    with transaction(read_only=True) as session:
        units = people.organisations(session, actor())
        posts = people.posts(session, actor())
    return render_template(
        "people/organisations.html",
        units=units,
        posts=posts,
        errors=errors,
        values=request.form.to_dict(),
        levels=people.LEVELS,
        kinds=people.KINDS,
        roles=list(ROLES.values()),
    )
