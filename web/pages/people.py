"""Administration of accounts and appointments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import clock, organisations, people, typed_in
from decision_flow.errors import N_, Conflict, Invalid, Refused
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, record_refusal, status_of, told
from web.language import gettext
from web.presentation import basis
from web.request import actor, page_number, settings, transaction

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
                session, actor(), sent.get("username", ""), sent.get("name", ""), settings(), sent.get("name_en", "")
            )
            user_id = account.id
    except Invalid as error:
        return _index(sent.to_dict(), by_field(error)), 422
    flash(gettext("账号已开立，初始密码：%(password)s。只显示一次，首次登录须修改。", password=password), "secret")
    return redirect(url_for("people.show", user_id=user_id))


@page.get("/<int:user_id>")
@requires(Permission.PEOPLE_READ)
def show(user_id: int) -> str:
    """Show an account with the history of its appointments."""
    return _show(user_id)


@page.post("/<int:user_id>")
@requires(Permission.PEOPLE_MANAGE)
def change(user_id: int) -> Response | tuple[str, int]:
    """Correct an account's name and how to reach the person."""
    return _do(user_id, lambda session: people.change_user(session, actor(), user_id, request.form))


@page.post("/<int:user_id>/active")
@requires(Permission.PEOPLE_MANAGE)
def set_active(user_id: int) -> Response | tuple[str, int]:
    """Disable or enable an account."""
    active = request.form.get("active") == "true"
    return _do(user_id, lambda session: people.set_active(session, actor(), user_id, active))


@page.post("/<int:user_id>/unlock")
@requires(Permission.APPOINTMENTS_MANAGE)
def unlock(user_id: int) -> Response | tuple[str, int]:
    """Let a locked account be used again."""
    return _do(user_id, lambda session: people.unlock(session, actor(), user_id))


@page.post("/<int:user_id>/password")
@requires(Permission.APPOINTMENTS_MANAGE)
def reset_password(user_id: int) -> Response | tuple[str, int]:
    """Reset a password and show the temporary one once."""

    def act(session: Session) -> str:
        password = people.reset_password(session, actor(), user_id, settings())
        return gettext("临时密码：%(password)s。只显示一次，登录后须修改。", password=password)

    return _do(user_id, act)


@page.post("/<int:user_id>/appointments")
@requires(Permission.APPOINTMENTS_MANAGE)
def appoint(user_id: int) -> Response | tuple[str, int]:
    """Appoint to a post."""

    def act(session: Session) -> None:
        sent = request.form
        people.make_appointment(
            session,
            actor(),
            user_id,
            typed_in.number(sent.get("post_id")),
            _day("starts_on"),
            _day("until") if sent.get("until") else None,
            exception_reason=sent.get("exception_reason", "")[:500],
            exception_approver=sent.get("exception_approver", "")[:60],
        )

    return _do(user_id, act)


@page.post("/<int:user_id>/appointments/<int:appointment_id>/end")
@requires(Permission.APPOINTMENTS_MANAGE)
def end(user_id: int, appointment_id: int) -> Response | tuple[str, int]:
    """End an appointment."""
    return _do(user_id, lambda session: people.end_appointment(session, actor(), appointment_id, _day("ends_on")))


def _do(user_id: int, act: Callable[[Session], Any]) -> Response | tuple[str, int]:
    """Act on an account; what cannot be done is told on its page, with everything that was typed."""
    try:
        with transaction() as session:
            secret = act(session)
    except Invalid as error:
        return _show(user_id, errors=by_field(error)), 422
    except Conflict as error:
        record_refusal(error)
        return _show(user_id, refusal=error), status_of(error)
    if isinstance(secret, str):
        flash(secret, "secret")
    else:
        flash(gettext("已保存。"), "success")
    return redirect(url_for("people.show", user_id=user_id))


def _day(name: str) -> date:
    found = typed_in.day(request.form.get(name))
    if found is None:
        raise Invalid(N_("日期不正确。"), errors={name: [N_("日期不正确，请按年-月-日填写。")]})
    return found


def _index(values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    text = request.args.get("text", "")[:80]
    with transaction(read_only=True) as session:
        found = people.users(session, actor(), text, page_number())
    return render_template(
        "people/index.html", found=found, text=text, values=values, errors=errors, today=clock.today()
    )


def _show(user_id: int, errors: dict[str, list[str]] | None = None, refusal: Conflict | None = None) -> str:
    with transaction(read_only=True) as session:
        account = people.user(session, actor(), user_id)
        posts = organisations.posts(session, actor())
    rule = f"{refusal.rule}{gettext('，')}{basis(refusal.article)}" if isinstance(refusal, Refused) else ""
    return render_template(
        "people/show.html",
        account=account,
        posts=posts,
        errors=errors or {},
        values=request.form.to_dict(),
        refusal=told(refusal) if refusal else "",
        rule=rule,
        today=clock.today(),
        now=clock.now(),
    )
