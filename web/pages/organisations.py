"""Administration of units and posts: the tree, a unit with its posts, and their changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from decision_flow import organisations
from decision_flow.errors import Conflict, Invalid
from decision_flow.identity import Permission
from decision_flow.roles import ROLES
from web.auth import requires
from web.errors import by_field, status_of, told
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("organisations", __name__, url_prefix="/people")


@page.get("/organisations")
@requires(Permission.PEOPLE_READ)
def index() -> str:
    """Show the tree of units with their posts and holders."""
    return _index()


@page.post("/organisations")
@requires(Permission.PEOPLE_MANAGE)
def create() -> Response | tuple[str, int]:
    """Add a unit."""
    try:
        with transaction() as session:
            unit_id = organisations.create_organisation(session, actor(), request.form).id
    except Invalid as error:
        return _index(by_field(error)), 422
    flash(gettext("单位已保存。"), "success")
    return redirect(url_for("organisations.show", organisation_id=unit_id))


@page.get("/organisations/<int:organisation_id>")
@requires(Permission.PEOPLE_READ)
def show(organisation_id: int) -> str:
    """Show a unit with its posts."""
    return _show(organisation_id)


@page.post("/organisations/<int:organisation_id>")
@requires(Permission.PEOPLE_MANAGE)
def change(organisation_id: int) -> Response | tuple[str, int]:
    """Correct or close a unit."""
    return _do(
        organisation_id,
        lambda session: organisations.change_organisation(session, actor(), organisation_id, request.form),
    )


@page.post("/organisations/<int:organisation_id>/posts")
@requires(Permission.PEOPLE_MANAGE)
def create_post(organisation_id: int) -> Response | tuple[str, int]:
    """Add a post to a unit."""
    sent = request.form
    return _do(
        organisation_id,
        lambda session: organisations.create_post(
            session,
            actor(),
            organisation_id,
            sent.get("title", ""),
            sent.get("role_code", ""),
            sent.get("title_en", ""),
            leads=sent.get("leads") == "true",
        ),
    )


@page.post("/organisations/<int:organisation_id>/posts/<int:post_id>")
@requires(Permission.PEOPLE_MANAGE)
def change_post(organisation_id: int, post_id: int) -> Response | tuple[str, int]:
    """Correct or close a post."""
    sent = request.form
    return _do(
        organisation_id,
        lambda session: organisations.change_post(
            session,
            actor(),
            post_id,
            sent.get("title", ""),
            sent.get("title_en", ""),
            sent.get("active") == "true",
            leads=sent.get("leads") == "true",
        ),
        of=f"post-{post_id}-",
    )


def _do(organisation_id: int, act: Callable[[Session], Any], of: str = "") -> Response | tuple[str, int]:
    """Change something of a unit; `of` begins the names of the controls that were used."""
    try:
        with transaction() as session:
            act(session)
    except Invalid as error:
        return _show(organisation_id, {of + path: texts for path, texts in by_field(error).items()}), 422
    except Conflict as error:
        return _show(organisation_id, refusal=told(error)), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("organisations.show", organisation_id=organisation_id))


def _index(errors: dict[str, list[str]] | None = None) -> str:
    with transaction(read_only=True) as session:
        lines = organisations.tree(session, actor())
    return render_template(
        "people/organisations.html",
        lines=lines,
        errors=errors or {},
        values=request.form.to_dict(),
        levels=organisations.LEVELS,
        kinds=organisations.KINDS,
        bindings=organisations.BINDINGS,
    )


def _show(organisation_id: int, errors: dict[str, list[str]] | None = None, refusal: str = "") -> str:
    with transaction(read_only=True) as session:
        unit = organisations.organisation(session, actor(), organisation_id)
        lines = organisations.tree(session, actor())
    names = {line.unit.id: line.unit for line in lines}
    return render_template(
        "people/organisation.html",
        unit=unit,
        seats=next(line.seats for line in lines if line.unit.id == unit.id),
        names=names,
        errors=errors or {},
        values=request.form.to_dict(),
        refusal=refusal,
        kinds=organisations.KINDS,
        roles=list(ROLES.values()),
    )
