"""The pools of experts and institutions: lists, one entry with its history, registration, change of standing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import registries
from decision_flow.errors import N_, Conflict, Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.request import actor, page_number, transaction

page = Blueprint("registries", __name__)

STANDINGS = {"active": N_("在库"), "suspended": N_("暂停"), "removed": N_("移出")}
LEVELS = {"own": N_("本级专家库"), "city": N_("市级专家库"), "province": N_("省级专家库")}
RATINGS = {"good": N_("好"), "fair": N_("一般"), "poor": N_("差")}
EXPERT = ("name", "field", "title", "employer", "employer_credit_code", "known_position", "pool_level", "username")
INSTITUTION = ("name", "credit_code", "legal_representative", "field", "pool_level")


@page.get("/registries/experts")
@requires(Permission.REGISTRY_READ)
def experts() -> str:
    """List the experts of the pools."""
    return _list("experts")


@page.post("/registries/experts")
@requires(Permission.REGISTRY_MANAGE)
def register_expert() -> Response | tuple[str, int]:
    """Register an expert."""
    typed = {name: request.form.get(name, "")[:300] for name in EXPERT}
    try:
        with transaction() as session:
            key = registries.register_expert(session, actor(), typed).id
    except Invalid as error:
        return _list("experts", typed=typed, errors=error.errors), 422
    flash(gettext("专家已登记入库。"), "success")
    return redirect(url_for("registries.expert", expert_id=key))


@page.get("/registries/experts/<int:expert_id>")
@requires(Permission.REGISTRY_READ)
def expert(expert_id: int) -> str:
    """Show an expert with the history of standing and the ratings."""
    return _expert(expert_id)


@page.post("/registries/experts/<int:expert_id>/standing")
@requires(Permission.REGISTRY_MANAGE)
def expert_standing(expert_id: int) -> Response | tuple[str, int]:
    """Suspend, remove or restore an expert."""
    given = (request.form.get("standing", ""), request.form.get("reason", ""))
    try:
        with transaction() as session:
            found, _, _ = registries.expert(session, actor(), expert_id)
            registries.set_standing(session, actor(), found, *given)
    except (Invalid, Conflict) as error:
        return _expert(expert_id, problem=told(error), errors=getattr(error, "errors", {})), status_of(error)
    flash(gettext("状态已变更。"), "success")
    return redirect(url_for("registries.expert", expert_id=expert_id))


@page.get("/registries/institutions")
@requires(Permission.REGISTRY_READ)
def institutions() -> str:
    """List the professional institutions."""
    return _list("institutions")


@page.post("/registries/institutions")
@requires(Permission.REGISTRY_MANAGE)
def register_institution() -> Response | tuple[str, int]:
    """Register an institution."""
    typed = {name: request.form.get(name, "")[:300] for name in INSTITUTION}
    try:
        with transaction() as session:
            key = registries.register_institution(session, actor(), typed).id
    except Invalid as error:
        return _list("institutions", typed=typed, errors=error.errors), 422
    flash(gettext("机构已登记入库。"), "success")
    return redirect(url_for("registries.institution", institution_id=key))


@page.get("/registries/institutions/<int:institution_id>")
@requires(Permission.REGISTRY_READ)
def institution(institution_id: int) -> str:
    """Show an institution with the history of its standing."""
    return _institution(institution_id)


@page.post("/registries/institutions/<int:institution_id>/standing")
@requires(Permission.REGISTRY_MANAGE)
def institution_standing(institution_id: int) -> Response | tuple[str, int]:
    """Suspend, disqualify or restore an institution."""
    given = (request.form.get("standing", ""), request.form.get("reason", ""))
    try:
        with transaction() as session:
            found, _ = registries.institution(session, actor(), institution_id)
            registries.set_standing(session, actor(), found, *given)
    except (Invalid, Conflict) as error:
        return _institution(institution_id, problem=told(error), errors=getattr(error, "errors", {})), status_of(error)
    flash(gettext("状态已变更。"), "success")
    return redirect(url_for("registries.institution", institution_id=institution_id))


def _list(kind: str, **shown: Any) -> str:
    words, standing = request.args.get("text", "")[:80], request.args.get("standing", "")[:12]
    read = registries.experts if kind == "experts" else registries.institutions
    with transaction(read_only=True) as session:
        found = read(session, actor(), words, standing, page_number())
    base: dict[str, Any] = {"typed": {}, "errors": {}}
    return render_template(
        "registries/index.html", kind=kind, found=found, words=words, standing=standing, standings=STANDINGS,
        levels=LEVELS, manages=Permission.REGISTRY_MANAGE in actor().permissions, **{**base, **shown},
    )  # fmt: skip


def _expert(expert_id: int, **shown: Any) -> str:
    with transaction(read_only=True) as session:
        found, changes, ratings = registries.expert(session, actor(), expert_id)
    return _entry("experts", found, changes, ratings, url_for("registries.expert_standing", expert_id=expert_id), shown)


def _institution(institution_id: int, **shown: Any) -> str:
    with transaction(read_only=True) as session:
        found, changes = registries.institution(session, actor(), institution_id)
    action = url_for("registries.institution_standing", institution_id=institution_id)
    return _entry("institutions", found, changes, [], action, shown)


def _entry(kind: str, found: Any, changes: Any, ratings: Any, action: str, shown: dict[str, Any]) -> str:
    base: dict[str, Any] = {"problem": "", "errors": {}}
    return render_template(
        "registries/show.html", kind=kind, found=found, changes=changes, ratings=ratings, action=action,
        standings=STANDINGS, levels=LEVELS, ratings_of=RATINGS,
        manages=Permission.REGISTRY_MANAGE in actor().permissions, **{**base, **shown},
    )  # fmt: skip
