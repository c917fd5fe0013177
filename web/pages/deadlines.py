"""Why a task is due when it is, and what may be done about it on the grounds of its rule."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import deadlines, typed_in
from decision_flow.errors import Conflict, Invalid, NotPermitted
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, record_refusal, status_of, told_with_rule
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("deadlines", __name__)


@page.get("/tasks/<int:task_id>/deadline")
@requires(Permission.MATTER_READ)
def show(task_id: int) -> str:
    """Explain a deadline."""
    return _show(task_id, {})


@page.post("/tasks/<int:task_id>/deadline/pause")
@requires(Permission.TASK_WORK)
def pause(task_id: int) -> Response | tuple[str, int]:
    """Pause the count."""
    sent = request.form
    return _do(
        task_id,
        lambda session: deadlines.pause(
            session, actor(), task_id, sent.get("ground", ""), sent.get("reason", "")[:2000]
        ),
    )


@page.post("/tasks/<int:task_id>/deadline/resume")
@requires(Permission.TASK_WORK)
def resume(task_id: int) -> Response | tuple[str, int]:
    """Let the count go on."""
    return _do(task_id, lambda session: deadlines.resume(session, actor(), task_id))


@page.post("/tasks/<int:task_id>/deadline/extend")
@requires(Permission.TASK_WORK)
def extend(task_id: int) -> Response | tuple[str, int]:
    """Extend the deadline."""
    sent = request.form
    return _do(
        task_id,
        lambda session: deadlines.extend(
            session, actor(), task_id, sent.get("ground", ""),
            typed_in.number(sent.get("count")), sent.get("reason", "")[:2000],
        ),
    )  # fmt: skip


def _do(task_id: int, act: Callable[[Session], object]) -> Response | tuple[str, int]:
    try:
        with transaction() as session:
            act(session)
    except Invalid as error:
        return _show(task_id, by_field(error)), 422
    except (Conflict, NotPermitted) as error:
        if isinstance(error, Conflict):
            record_refusal(error)
        return _show(task_id, {}, told_with_rule(error)), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("deadlines.show", task_id=task_id))


def _show(task_id: int, errors: dict[str, list[str]], refusal: str = "") -> str:
    with transaction(read_only=True) as session:
        why = deadlines.why(session, actor(), task_id)
    approves = bool(actor().roles & deadlines.APPROVERS) and why.task.assignee_id != actor().user_id
    return render_template(
        "deadlines/show.html", why=why, errors=errors, refusal=refusal, values=request.form.to_dict(),
        holds=why.task.assignee_id == actor().user_id, approves=approves,
    )  # fmt: skip
