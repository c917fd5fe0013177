"""What belongs to a matter: matters that follow from it, petitions kept elsewhere, orders to correct, liability."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import documents, linked_records, matters
from decision_flow.errors import Conflict, Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import by_field, status_of
from web.language import gettext
from web.pages.matters import draw
from web.request import actor, files, page_number, transaction

page = Blueprint("linked", __name__)


@page.get("/liability")
@requires(Permission.MATTER_READ)
def register() -> str:
    """Show the register of orders to correct and of who was held to account (Arts. 38 to 40)."""
    with transaction(read_only=True) as session:
        found = linked_records.register(session, actor(), page_number())
    return render_template(
        "linked/register.html", found=found, kinds=linked_records.KINDS, states=linked_records.STATES,
        articles=linked_records.LIABILITY,
    )  # fmt: skip


@page.get("/matters/<int:matter_id>/linked")
@requires(Permission.MATTER_READ)
def show(matter_id: int) -> str:
    """Show what is linked to a matter."""
    return _page(matter_id)


@page.post("/matters/<int:matter_id>/linked")
@requires(Permission.MATTER_REGISTER)
def add(matter_id: int) -> Response | tuple[str, int]:
    """Link a record."""
    sent = request.files.get("paper")
    try:
        with transaction() as session:
            paper = None
            if sent is not None and sent.filename:
                matters.get(session, actor(), matter_id)
                paper = documents.store(
                    session, actor(), files(), cast(BinaryIO, sent.stream), sent.filename,
                    matter_id=matter_id, field=linked_records.PAPER,
                )  # fmt: skip
            linked_records.add(session, actor(), matter_id, request.form, paper)
    except Invalid as error:
        return _page(matter_id, by_field(error, otherwise="paper")), status_of(error)
    except Conflict as error:
        return _page(matter_id, by_field(error, otherwise="number")), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("linked.show", matter_id=matter_id))


@page.post("/matters/<int:matter_id>/linked/<int:record_id>")
@requires(Permission.MATTER_REGISTER)
def change(matter_id: int, record_id: int) -> Response:
    """Say how a linked record stands."""
    with transaction() as session:
        linked_records.change_state(session, actor(), matter_id, record_id, request.form.get("state", ""))
    flash(gettext("已保存。"), "success")
    return redirect(url_for("linked.show", matter_id=matter_id))


def _page(matter_id: int, errors: dict[str, list[str]] | None = None) -> str:
    with transaction(read_only=True) as session:
        records = linked_records.of_matter(session, matter_id)
        proofs = linked_records.papers(session, matter_id)
    return draw(
        matter_id, "linked", records=records, proofs=proofs, kinds=linked_records.KINDS, states=linked_records.STATES,
        errors=errors or {}, values=request.form.to_dict(),
    )  # fmt: skip
