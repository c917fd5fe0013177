"""The gate before publication: a checklist, not a button that may fail."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import typed_in
from decision_flow.errors import Conflict, NotConforming
from decision_flow.identity import Permission
from decision_flow.modelling import drafts, gate
from web import editor_facts
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("gates", __name__, url_prefix="/procedures/drafts")


@page.get("/<int:draft_id>/publish")
@requires(Permission.PROCEDURE_READ)
def show(draft_id: int) -> str:
    """Show what must be true before the draft can be put in force, what changes, and who will be told."""
    return _page(draft_id)


@page.post("/<int:draft_id>/publish")
@requires(Permission.PROCEDURE_PUBLISH)
def publish(draft_id: int) -> Response | tuple[str, int]:
    """Put the draft in force."""
    try:
        with transaction() as session:
            version = gate.publish(session, actor(), draft_id, typed_in.number(request.form.get("revision")))
            key = drafts.get(session, actor(), draft_id).key
            number = version.number
    except (Conflict, NotConforming) as error:
        return _page(draft_id, told(error)), status_of(error)
    flash(gettext("已发布为第%(number)s版并生效。", number=number), "success")
    return redirect(url_for("procedures.show", key=key))


def _page(draft_id: int, refusal: str = "") -> str:
    with transaction(read_only=True) as session:
        draft = drafts.get(session, actor(), draft_id)
        source = drafts.source_of(session, draft)
        points = gate.checklist(session, actor(), draft, source)
    return render_template(
        "procedures/publish.html",
        draft=draft,
        points=points,
        refusal=refusal,
        report=editor_facts.report(points.report, source),
    )
