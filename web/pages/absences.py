"""Absence: who stands in for whom, from when to when."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from decision_flow import absences, clock
from decision_flow.errors import Conflict, Invalid, NotPermitted
from decision_flow.identity import Permission
from decision_flow.models import Procedure
from web.auth import requires
from web.errors import by_field, record_refusal, status_of, told_with_rule
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("absences", __name__, url_prefix="/absences")


@page.get("")
@requires(Permission.TASK_WORK)
def index() -> str:
    """List substitutions, with a form for a new one."""
    return _index({})


@page.post("")
@requires(Permission.TASK_WORK)
def create() -> Response | tuple[str, int]:
    """Arrange a substitute."""
    try:
        with transaction() as session:
            absences.substitute(session, actor(), request.form)
    except Invalid as error:
        return _index(by_field(error)), 422
    except (Conflict, NotPermitted) as error:
        if isinstance(error, Conflict):
            record_refusal(error)
        return _index({}, told_with_rule(error)), status_of(error)
    flash(gettext("代理已安排，双方会收到通知。"), "success")
    return redirect(url_for("absences.index"))


@page.post("/<int:substitution_id>/end")
@requires(Permission.TASK_WORK)
def end(substitution_id: int) -> Response:
    """End a substitution."""
    with transaction() as session:
        absences.end(session, actor(), substitution_id)
    flash(gettext("代理已结束。"), "success")
    return redirect(url_for("absences.index"))


def _index(errors: dict[str, list[str]], refusal: str = "") -> str:
    with transaction(read_only=True) as session:
        listed = absences.listed(session, actor())
        people = absences.colleagues(session, actor())
        procedures = list(session.scalars(select(Procedure).order_by(Procedure.id)))
    return render_template(
        "absences/index.html", listed=listed, people=people, procedures=procedures, errors=errors, refusal=refusal,
        values=request.form.to_dict(), today=clock.today(), me=actor(), grants=bool(actor().roles & absences.GRANTORS),
    )  # fmt: skip
