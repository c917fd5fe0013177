"""The register of exemptions, exceptions and exclusions, and those of one matter."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import departures, drafts, exceptions, organisations, typed_in
from decision_flow.errors import Conflict, Invalid, Refused
from decision_flow.exceptions import ExceptionQuery
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, record_refusal, status_of
from web.language import gettext
from web.pages.matters import draw
from web.request import actor, page_number, transaction

page = Blueprint("exceptions", __name__)


@page.get("/exceptions")
@requires(Permission.MATTER_READ)
def index() -> str:
    """Show the register, filtered by rule, organ, period, kind and state."""
    asked = request.args
    query = ExceptionQuery(
        rule=asked.get("rule", "")[:20],
        organ_id=typed_in.number(asked.get("organ")),
        since=typed_in.day(asked.get("since")),
        until=typed_in.day(asked.get("until")),
        kind=asked.get("kind", "")[:12],
        state=asked.get("state", "")[:12],
        page=page_number(),
    )
    with transaction(read_only=True) as session:
        found = exceptions.register(session, actor(), query)
        organs = organisations.organs_of(session, actor())
    return render_template(
        "exceptions/index.html",
        found=found,
        query=query,
        organs=organs,
        rules=departures.ARTICLES,
        asked=departures.ASKABLE,
    )


@page.get("/matters/<int:matter_id>/exceptions")
@requires(Permission.MATTER_READ)
def show(matter_id: int) -> str:
    """Show those of one matter."""
    return _page(matter_id)


@page.post("/matters/<int:matter_id>/exceptions")
@requires(Permission.MATTER_REGISTER)
def ask(matter_id: int) -> Response | tuple[str, int]:
    """Ask for one."""
    rule, _, step = request.form.get("rule", "").partition(":")
    try:
        with transaction() as session:
            exceptions.ask(session, actor(), matter_id, rule, request.form.get("reason", ""), step=step)
    except Refused as error:
        record_refusal(error)
        return _page(matter_id, by_field(error, otherwise="rule")), 409
    except (Invalid, Conflict) as error:
        return _page(matter_id, by_field(error)), status_of(error)
    flash(gettext("已提出，等待批准。"), "success")
    return redirect(url_for("exceptions.show", matter_id=matter_id))


@page.post("/matters/<int:matter_id>/exceptions/<int:record_id>")
@requires(Permission.MATTER_REGISTER)
def decide(matter_id: int, record_id: int) -> Response | tuple[str, int]:
    """Approve or refuse one."""
    try:
        with transaction() as session:
            note, approve = request.form.get("note", ""), "_approve" in request.form
            exceptions.decide(session, actor(), record_id, approve, note)
    except Invalid as error:
        texts = {f"{path}-{record_id}": listed for path, listed in by_field(error).items()}
        return _page(matter_id, texts), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("exceptions.show", matter_id=matter_id))


def _page(matter_id: int, errors: dict[str, list[str]] | None = None) -> str:
    me = actor()
    with transaction(read_only=True) as session:
        records = exceptions.of_matter(session, matter_id)
        asked_in = exceptions.tasks_of(session, records)
        stale = [entry.step for entry in drafts.open_marks(session, matter_id)]
    return draw(
        matter_id,
        "exceptions",
        records=[(record, exceptions.may_decide(me, record)) for record in records],
        asked_in=asked_in,
        unapproved={record.id for record in records if exceptions.needs_approval(record, records)},
        askable=departures.ASKABLE,
        stale=stale,
        errors=errors or {},
        values=request.form.to_dict(),
    )
