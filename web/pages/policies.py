"""The numbers the law is counted by, for each organ: what counts today, since when, by whom, and how it is changed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import clock, policy_changes, typed_in
from decision_flow.errors import Conflict, Invalid, NotFound, Refused
from decision_flow.identity import Permission
from decision_flow.policy_changes import OrganPolicy, Wanted
from web.auth import requires
from web.errors import by_field, record_refusal, status_of
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("policies", __name__)
Answer = Response | tuple[str, int]


@page.get("/rules/settings")
@requires(Permission.PROCEDURE_READ)
def index() -> str:
    """Show the policy of one organ: every number with its basis, and all versions."""
    return _index()


@page.post("/rules/settings/versions/<int:version_id>")
@requires(Permission.POLICY_CONFIRM)
def decide(version_id: int) -> Answer:
    """Confirm or refuse what another person asked for."""
    try:
        with transaction() as session:
            version = policy_changes.decide(
                session, actor(), version_id, "_confirm" in request.form, request.form.get("note", "")
            )
    except (Refused, Invalid, Conflict) as error:
        return _index(by_field(error)), _status(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("policies.index", organ=version.organ_id))


@page.get("/rules/settings/<int:organ_id>/policy")
@requires(Permission.PROCEDURE_READ)
def adoption(organ_id: int) -> str:
    """Show which policy the organ has adopted and which it may adopt."""
    return _adoption(organ_id)


@page.post("/rules/settings/<int:organ_id>/policy")
@requires(Permission.POLICY_CHANGE)
def adopt(organ_id: int) -> Answer:
    """Ask that the organ adopt another policy."""
    sent = request.form
    try:
        with transaction() as session:
            policy_changes.adopt(session, actor(), organ_id, sent.get("policy", ""), sent.get("binding", ""), _wanted())
    except (Refused, Invalid, Conflict) as error:
        return _adoption(organ_id, by_field(error)), _status(error)
    return _asked(organ_id)


@page.get("/rules/settings/<int:organ_id>/<key>")
@requires(Permission.PROCEDURE_READ)
def setting(organ_id: int, key: str) -> str:
    """Show one number: its bounds, its basis, and every change of it."""
    return _setting(organ_id, key)


@page.post("/rules/settings/<int:organ_id>/<key>")
@requires(Permission.POLICY_CHANGE)
def change(organ_id: int, key: str) -> Answer:
    """Ask for another value."""
    sent = request.form
    try:
        with transaction() as session:
            policy_changes.change(
                session, actor(), organ_id, key, sent.get("value", ""), sent.get("status", ""), _wanted()
            )
    except (Refused, Invalid, Conflict) as error:
        return _setting(organ_id, key, by_field(error)), _status(error)
    return _asked(organ_id)


def _asked(organ_id: int) -> Response:
    flash(gettext("已提出，等待另一位有权人员核准。"), "success")
    return redirect(url_for("policies.index", organ=organ_id))


def _wanted() -> Wanted:
    sent = request.form
    return Wanted(sent.get("reason", ""), sent.get("basis", ""), sent.get("effective_on", ""))


def _index(errors: dict[str, list[Any]] | None = None) -> str:
    asked = typed_in.number(request.form.get("organ") or request.args.get("organ"))
    with transaction(read_only=True) as session:
        organs = policy_changes.organs(session, actor())
        chosen = asked or (organs[0].id if organs else 0)
        found = policy_changes.of_organ(session, actor(), chosen) if organs else None
    return render_template(
        "rules/settings.html",
        organs=organs,
        policy=found,
        titles=policy_changes.adoptable(),
        names={line.setting.key: line.setting for line in found.lines} if found else {},
        today=clock.today(),
        errors=errors or {},
        values=request.form.to_dict(),
    )


def _setting(organ_id: int, key: str, errors: dict[str, list[Any]] | None = None) -> str:
    found = _of_organ(organ_id)
    line = next((line for line in found.lines if line.setting.key == key), None)
    if line is None:
        raise NotFound(gettext("没有这个设置。"))
    return render_template(
        "rules/setting.html",
        policy=found,
        line=line,
        history=[
            (version, row) for version in found.history for row in version.changes if row["key"] == key
        ],
        today=clock.today(),
        errors=errors or {},
        values=request.form.to_dict() or {"status": "confirmed", "effective_on": clock.today().isoformat()},
    )  # fmt: skip


def _adoption(organ_id: int, errors: dict[str, list[Any]] | None = None) -> str:
    found = _of_organ(organ_id)
    standing = {
        "policy": found.version.policy, "binding": found.binding, "effective_on": clock.today().isoformat(),
    }  # fmt: skip
    return render_template(
        "rules/adoption.html",
        policy=found,
        titles=policy_changes.adoptable(),
        bindings=policy_changes.BINDINGS,
        errors=errors or {},
        values=request.form.to_dict() or standing,
    )


def _of_organ(organ_id: int) -> OrganPolicy:
    with transaction(read_only=True) as session:
        return policy_changes.of_organ(session, actor(), organ_id)


def _status(error: Refused | Invalid | Conflict) -> int:
    if isinstance(error, Refused):
        record_refusal(error)
        return 409
    return status_of(error)
