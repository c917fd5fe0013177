"""The operations page: nodes, queues, what failed with its error and a retry, next runs, ways out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import clock, deliveries, operations, worker
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field
from web.language import gettext
from web.request import actor, files, settings, transaction

page = Blueprint("operations", __name__, url_prefix="/operations")


@page.get("")
@requires(Permission.OPERATIONS_READ)
def show() -> str:
    """Show how the product runs."""
    return _show({})


@page.post("/timers/<int:timer_id>/retry")
@requires(Permission.OPERATIONS_MANAGE)
def retry_timer(timer_id: int) -> Response:
    """Let a failed timer try again."""
    return _do(lambda session: operations.retry_timer(session, actor(), timer_id))


@page.post("/notices/<int:notice_id>/retry")
@requires(Permission.OPERATIONS_MANAGE)
def retry_notice(notice_id: int) -> Response:
    """Let an undelivered notice try again."""
    return _do(lambda session: deliveries.retry(session, actor(), notice_id))


@page.post("/hooks")
@requires(Permission.OPERATIONS_MANAGE)
def save_hook() -> Response | tuple[str, int]:
    """Add a way out."""
    try:
        return _do(lambda session: operations.save_hook(session, actor(), request.form))
    except Invalid as error:
        return _show(by_field(error)), 422


@page.post("/hooks/<int:hook_id>")
@requires(Permission.OPERATIONS_MANAGE)
def switch_hook(hook_id: int) -> Response:
    """Open or close a way out."""
    return _do(lambda session: operations.switch_hook(session, actor(), hook_id, request.form.get("active") == "true"))


def _do(act: Callable[[Session], object]) -> Response:
    with transaction() as session:
        act(session)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("operations.show"))


def _show(errors: dict[str, list[str]]) -> str:
    with transaction(read_only=True) as session:
        found = operations.overview(session, actor(), worker.planned(settings(), files()))
    return render_template(
        "operations/show.html", found=found, errors=errors, values=request.form.to_dict(), now=clock.now(),
        manages=Permission.OPERATIONS_MANAGE in actor().permissions,
    )  # fmt: skip
