"""The working calendar: a year at a glance, and the yearly notice shown before it counts."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import calendar_notices, clock, deadlines, identity, typed_in, working_days
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from decision_flow.models import Organisation
from web.auth import requires
from web.errors import by_field
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("calendar", __name__)


@page.get("/working-calendar")
@requires(Permission.ACCOUNT_OWN)
def show() -> str:
    """Show a year of the calendar, of the country or of one organ."""
    return _show({}, {}, None)


@page.post("/working-calendar")
@requires(Permission.CALENDAR_MANAGE)
def enter() -> Response | str | tuple[str, int]:
    """Show what a notice would move, or enter it."""
    sent = {name: request.form.get(name, "")[:100_000] for name in ("text", "source", "organ_id")}
    upload = request.files.get("file")
    try:
        if upload is not None and upload.filename:
            sent["text"] = calendar_notices.text_of(upload.read(1_000_000))
        notice = calendar_notices.read(sent["text"])
        organ_id = typed_in.number(sent["organ_id"]) or None
        if "enter" not in request.form:
            with transaction(read_only=True) as session:
                moves = deadlines.preview(session, notice, organ_id)
            return _show(sent, {}, (notice, moves))
        with transaction() as session:
            identity.require(actor(), Permission.CALENDAR_MANAGE)
            calendar_notices.enter(session, actor(), notice, sent["source"] or gettext("放假安排通知"), organ_id)
            moves = deadlines.recompute(session, actor())
    except Invalid as error:
        return _show(sent, by_field(error), None), 422
    moved = sum(move.moves for move in moves)
    flash(
        gettext("%(year)s年的安排已导入，%(n)s个期限随之变动，有关人员会收到通知。", year=notice.year, n=moved),
        "success",
    )
    return redirect(url_for("calendar.show", year=notice.year))


def _show(
    values: dict[str, str],
    errors: dict[str, list[str]],
    preview: tuple[calendar_notices.Notice, list[deadlines.Move]] | None,
) -> str:
    today, year = clock.today(), typed_in.number(request.args.get("year"))
    if not 2004 <= year <= today.year + 6:
        year = today.year
    with transaction(read_only=True) as session:
        organs = _organs(session)
        chosen = typed_in.number(request.args.get("organ"))
        organ_id = chosen if chosen in {organ.id for organ in organs} else None
        found = working_days.load(session, organ_id)
        official = calendar_notices.is_official(session, year)
    return render_template(
        "calendar/show.html", year=year, months=_months(found, year), official=official, version=found.version,
        today=today, organs=organs, organ_id=organ_id, values=values, errors=errors, preview=preview,
        first=2004, last=today.year + 6,
    )  # fmt: skip


def _months(calendar: working_days.Calendar, year: int) -> list[list[list[tuple[date, str] | None]]]:
    months = []
    for month in range(1, 13):
        first = date(year, month, 1)
        cells: list[tuple[date, str] | None] = [None] * first.weekday()
        day = first
        while day.month == month:
            kind, provisional = calendar.days.get(day, ("work" if day.weekday() < 5 else "rest", True))
            cells.append((day, kind + (" provisional" if provisional else "")))
            day += timedelta(days=1)
        cells += [None] * (-len(cells) % 7)
        months.append([cells[start : start + 7] for start in range(0, len(cells), 7)])
    return months


def _organs(session: Session) -> list[Organisation]:
    return list(
        session.scalars(
            select(Organisation)
            .where(Organisation.organ_id == Organisation.id, Organisation.active)
            .order_by(Organisation.id)
        )
    )
