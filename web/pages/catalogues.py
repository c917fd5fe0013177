"""The annual catalogue: drafted, consented to, published, revised; and what the public sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import catalogues, clock, organisations, typed_in
from decision_flow.errors import N_, Conflict, Invalid, NotFound, Refused
from decision_flow.identity import Permission
from web.auth import public, requires
from web.errors import by_field, record_refusal, status_of
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("catalogues", __name__)


@page.get("/catalogues")
@requires(Permission.MATTER_READ)
def index() -> str:
    """List the versions of the catalogues one may see."""
    return _index()


@page.post("/catalogues")
@requires(Permission.RECORDS_MANAGE)
def begin() -> Response | tuple[str, int]:
    """Begin the catalogue of a year."""
    organ, year = request.form.get("organ_id", ""), request.form.get("year", "")
    try:
        with transaction() as session:
            found = catalogues.begin(session, actor(), typed_in.number(organ), typed_in.number(year)).id
    except (Invalid, Conflict) as error:
        return _index(by_field(error)), status_of(error)
    return redirect(url_for("catalogues.show", catalogue_id=found))


@page.get("/catalogues/<int:catalogue_id>")
@requires(Permission.MATTER_READ)
def show(catalogue_id: int) -> str:
    """Show one version; a draft can be edited."""
    return _show(catalogue_id)


@page.post("/catalogues/<int:catalogue_id>/items")
@requires(Permission.RECORDS_MANAGE)
def add_item(catalogue_id: int) -> Response | tuple[str, int]:
    """Add an item to a draft."""
    return _do(catalogue_id, lambda session: catalogues.save_item(session, actor(), catalogue_id, _values()))


@page.post("/catalogues/<int:catalogue_id>/items/<int:item_id>")
@requires(Permission.RECORDS_MANAGE)
def change_item(catalogue_id: int, item_id: int) -> Response | tuple[str, int]:
    """Change an item of a draft, or take it out."""
    if "_remove" in request.form:
        return _do(catalogue_id, lambda session: catalogues.remove_item(session, actor(), catalogue_id, item_id))
    return _do(
        catalogue_id,
        lambda session: catalogues.save_item(session, actor(), catalogue_id, _values(), item_id),
        of=f"item-{item_id}-",
    )


@page.post("/catalogues/<int:catalogue_id>/consent")
@requires(Permission.RECORDS_MANAGE)
def consent(catalogue_id: int) -> Response | tuple[str, int]:
    """Record the consent of the Party committee."""
    doc_no, on = request.form.get("party_consent_doc_no", ""), request.form.get("party_consent_on", "")
    return _do(catalogue_id, lambda session: catalogues.consent(session, actor(), catalogue_id, doc_no, on))


@page.post("/catalogues/<int:catalogue_id>/publish")
@requires(Permission.RECORDS_MANAGE)
def publish(catalogue_id: int) -> Response | tuple[str, int]:
    """Publish a draft."""
    return _do(catalogue_id, lambda session: catalogues.publish(session, actor(), catalogue_id))


@page.post("/catalogues/<int:catalogue_id>/revise")
@requires(Permission.RECORDS_MANAGE)
def revise(catalogue_id: int) -> Response | tuple[str, int]:
    """Begin a new version."""
    found: list[int] = []

    def act(session: Session) -> None:
        reason = request.form.get("reason", "")
        found.append(catalogues.revise(session, actor(), catalogue_id, reason).id)

    answer = _do(catalogue_id, act)
    return redirect(url_for("catalogues.show", catalogue_id=found[0])) if found else answer


@page.post("/catalogues/<int:catalogue_id>/completion")
@requires(Permission.RECORDS_MANAGE)
def completion(catalogue_id: int) -> Response | tuple[str, int]:
    """Publish what became of each item."""
    told_of = {
        typed_in.number(item): (value, request.form.get(f"note-{item}", ""))
        for key, value in request.form.items()
        if (item := key.removeprefix("completion-")) != key
    }
    return _do(catalogue_id, lambda session: catalogues.record_completion(session, actor(), catalogue_id, told_of))


@page.get("/public/catalogues")
@public
def public_index() -> str:
    """Show the public the catalogues in force, and those before them."""
    with transaction(read_only=True) as session:
        found = catalogues.published(session)
    return render_template("catalogues/public.html", found=found)


@page.get("/public/catalogues/<int:catalogue_id>")
@public
def public_show(catalogue_id: int) -> str:
    """Show the public one published version."""
    with transaction(read_only=True) as session:
        found = catalogues.published(session, catalogue_id)
        if not found:
            raise NotFound(N_("没有这份目录，或者您无权查看。"))
        others = [one for one in catalogues.published(session) if one.organ_id == found[0].organ_id]
    same_year = [one for one in others if one.year == found[0].year and one.id != found[0].id]
    return render_template("catalogues/public_show.html", catalogue=found[0], others=same_year, steps=catalogues.STEPS)


def _do(catalogue_id: int, act: Callable[[Session], Any], of: str = "") -> Response | tuple[str, int]:
    try:
        with transaction() as session:
            act(session)
    except Refused as error:
        record_refusal(error)
        return _show(catalogue_id, refusal=error), 409
    except (Invalid, Conflict) as error:
        texts = {of + path: listed for path, listed in by_field(error).items()}
        return _show(catalogue_id, texts), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("catalogues.show", catalogue_id=catalogue_id))


def _values() -> dict[str, Any]:
    return {**request.form.to_dict(), "required_steps": request.form.getlist("required_steps")}


def _index(errors: dict[str, list[str]] | None = None) -> str:
    me = actor()
    with transaction(read_only=True) as session:
        found = catalogues.listing(session, me)
        organs = [
            (organ.id, organ.name)
            for organ in organisations.organs_of(session, me)
            if catalogues.may_manage(me, organ.id)
        ]
    values = {"year": clock.today().year, **request.form.to_dict()}
    return render_template("catalogues/index.html", found=found, organs=organs, errors=errors or {}, values=values)


def _show(catalogue_id: int, errors: dict[str, list[str]] | None = None, refusal: Refused | None = None) -> str:
    with transaction(read_only=True) as session:
        catalogue = catalogues.get(session, actor(), catalogue_id)
        units = organisations.units_of_organ(session, catalogue.organ_id)
    return render_template(
        "catalogues/show.html",
        catalogue=catalogue,
        may_manage=catalogues.may_manage(actor(), catalogue.organ_id),
        units=[(unit.id, unit.name) for unit in units],
        steps=catalogues.STEPS,
        always=catalogues.ALWAYS,
        values=_values(),
        errors=errors or {},
        refusal=refusal,
    )
