"""What an office keeps besides its matters: its own numbers, and the yearly list of 三重一大."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import clock, office_settings, organisations, three_major, typed_in
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, status_of
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("office", __name__)


@page.get("/office/settings")
@requires(Permission.MATTER_READ)
def settings() -> str:
    """Show the numbers of one's organs, each with its basis."""
    return _settings()


@page.post("/office/settings")
@requires(Permission.RECORDS_MANAGE)
def change() -> Response | tuple[str, int]:
    """Set one number."""
    try:
        with transaction() as session:
            office_settings.change(
                session,
                actor(),
                typed_in.number(request.form.get("organ_id")),
                request.form.get("name", ""),
                request.form.get("value", ""),
                request.form.get("basis", ""),
            )
    except Invalid as error:
        return _settings(by_field(error)), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("office.settings"))


@page.get("/major-items")
@requires(Permission.MATTER_READ)
def major_items() -> str:
    """Show the list of a year."""
    asked = typed_in.number(request.args.get("year"))
    year = asked if 2000 <= asked <= 2999 else clock.today().year
    with transaction(read_only=True) as session:
        items = three_major.annual_list(session, actor(), year)
    may_propose = Permission.MATTER_REGISTER in actor().permissions
    return render_template("office/major_items.html", items=items, year=year, may_propose=may_propose)


def _settings(errors: dict[str, list[str]] | None = None) -> str:
    me = actor()
    with transaction(read_only=True) as session:
        organs = [(organ, office_settings.of_organ(session, organ)) for organ in organisations.organs_of(session, me)]
    return render_template(
        "office/settings.html",
        organs=organs,
        may_change=Permission.RECORDS_MANAGE in me.permissions,
        errors=errors or {},
        values=request.form.to_dict(),
    )
