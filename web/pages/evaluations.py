"""The calendar of post-decision evaluations, and each decision under watch."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import clock, feedback, typed_in, working_days
from decision_flow.errors import Invalid, NotPermitted
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, told
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("evaluations", __name__, url_prefix="/evaluations")
MONTHS = 12


@page.get("")
@requires(Permission.MATTER_READ)
def index() -> str:
    """Show twelve months of evaluations from a month on, what is overdue first."""
    first = _month(request.args.get("from", ""))
    last = working_days.add_months(first, MONTHS)
    with transaction(read_only=True) as session:
        found = feedback.calendar(session, actor(), first, last.replace(day=1))
    overdue = [review for review in found if review.state == "overdue"]
    by_month: dict[date, list[feedback.Review]] = {}
    for review in found:
        by_month.setdefault(review.evaluation.due_on.replace(day=1), []).append(review)
    months = [working_days.add_months(first, number) for number in range(MONTHS)]
    return render_template(
        "evaluations/index.html", first=first, overdue=overdue, today=clock.today(),
        months=[(month, by_month.get(month, [])) for month in months],
        before=working_days.add_months(first, -MONTHS), after=working_days.add_months(first, MONTHS),
    )  # fmt: skip


@page.get("/decisions/<int:matter_id>")
@requires(Permission.MATTER_READ)
def watch(matter_id: int) -> str:
    """Show a decision's evaluations, what was heard of it, and what the trigger table says."""
    return _watch(matter_id, {})


@page.post("/decisions/<int:matter_id>")
@requires(Permission.TASK_WORK)
def record(matter_id: int) -> Response | tuple[str, int]:
    """Record what was heard."""
    try:
        with transaction() as session:
            feedback.record(session, actor(), matter_id, request.form)
    except Invalid as error:
        return _watch(matter_id, by_field(error)), 422
    except NotPermitted as error:
        return _watch(matter_id, {"kind": [told(error)]}), 403
    flash(gettext("已登记。"), "success")
    return redirect(url_for("evaluations.watch", matter_id=matter_id))


def _watch(matter_id: int, errors: dict[str, list[str]]) -> str:
    with transaction(read_only=True) as session:
        found = feedback.watch(session, actor(), matter_id)
    return render_template(
        "evaluations/watch.html", watch=found, errors=errors, values=request.form.to_dict(), today=clock.today()
    )


def _month(text: str) -> date:
    found = typed_in.day(f"{text[:7]}-01")
    # A year of months must have its place in the calendar before it and behind it.
    return found if found and clock.EARLIEST <= found < clock.LATEST.replace(month=1) else clock.today().replace(day=1)
