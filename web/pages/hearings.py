"""The office's pages on a hearing, the risks and the parties of a matter."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from decision_flow import draws, hearings, interests, matters, opinions, risks
from decision_flow.errors import N_, Conflict, Invalid, Refused
from decision_flow.identity import Permission
from decision_flow.models import Matter
from web.auth import requires
from web.errors import record_refusal, status_of, told
from web.language import gettext
from web.request import actor, transaction

page = Blueprint("hearings", __name__)

RELATIONS = {
    "designer": N_("设计单位"), "contractor": N_("施工或者承包单位"), "tender_candidate": N_("投标候选人"),
    "proposer": N_("建议提出人"), "other": N_("其他利害关系方"),
}  # fmt: skip
LEVELS = {"high": N_("高"), "medium": N_("中"), "low": N_("低")}
FINDINGS = {
    "controllable": N_("可控"), "controllable_with_measures": N_("采取措施后可控"), "uncontrollable": N_("不可控"),
}  # fmt: skip
RISKS = {
    "social_stability": N_("社会稳定"), "public_safety": N_("公共安全"), "ecology": N_("生态环境"),
    "fiscal_economic": N_("财政经济"), "public_opinion": N_("舆情"), "legal": N_("法律合规"), "other": N_("其他"),
}  # fmt: skip


@page.get("/matters/<int:matter_id>/hearing")
@requires(Permission.MATTER_READ)
def show(matter_id: int) -> str:
    """Show plan, enrolments and draw of a matter's hearing."""
    return _hearing(matter_id)


@page.post("/matters/<int:matter_id>/hearing/draw")
@requires(Permission.TASK_WORK)
def draw(matter_id: int) -> Response | tuple[str, int]:
    """Draw the participants from the enrolments."""
    try:
        with transaction() as session:
            hearings.draw(session, actor(), matter_id, request.form.get("public_value", ""))
    except Conflict as error:
        if isinstance(error, Refused):
            record_refusal(error)
        return _hearing(matter_id, problem=told(error)), status_of(error)
    flash(gettext("已抽取，结果不能改变。请在“报名与遴选”任务中登记参加人。"), "success")
    return redirect(url_for("hearings.show", matter_id=matter_id))


@page.get("/matters/<int:matter_id>/risks")
@requires(Permission.MATTER_READ)
def risk(matter_id: int) -> str:
    """Show the risk matrix of a matter, round by round."""
    with transaction(read_only=True) as session:
        matter = matters.get(session, actor(), matter_id)
        rounds = risks.rounds(session, actor(), matter_id)
    return render_template(
        "hearings/risks.html", matter=matter, rounds=rounds, matrix=risks.matrix, level=risks.level, levels=LEVELS,
        findings=FINDINGS, kinds=RISKS,
    )  # fmt: skip


@page.get("/matters/<int:matter_id>/parties")
@requires(Permission.MATTER_READ)
def parties(matter_id: int) -> str:
    """Show who has a direct interest in a matter."""
    return _parties(matter_id)


@page.post("/matters/<int:matter_id>/parties")
@requires(Permission.TASK_WORK)
def record_party(matter_id: int) -> Response | tuple[str, int]:
    """Record somebody with a direct interest."""
    names = ("relation", "name", "credit_code", "legal_representative")
    typed = {name: request.form.get(name, "")[:200] for name in names}
    try:
        with transaction() as session:
            interests.record(session, actor(), matter_id, typed)
    except Invalid as error:
        return _parties(matter_id, typed=typed, errors=error.errors), 422
    flash(gettext("已登记。邀请专家、委托评估时会与之比对。"), "success")
    return redirect(url_for("hearings.parties", matter_id=matter_id))


def _hearing(matter_id: int, problem: str = "") -> str:
    with transaction(read_only=True) as session:
        view = hearings.view(session, actor(), matter_id)
    return render_template(
        "hearings/show.html", view=view, matter=view.matter, problem=problem, algorithm=draws.ALGORITHM
    )


def _parties(matter_id: int, **shown: Any) -> str:
    with transaction(read_only=True) as session:
        matter = matters.get(session, actor(), matter_id, joinedload(Matter.undertaking_unit))
        rows = interests.of_matter(session, actor(), matter_id)
    base: dict[str, Any] = {"typed": {}, "errors": {}}
    return render_template(
        "hearings/parties.html", matter=matter, rows=rows, relations=RELATIONS,
        keeps=opinions.may_keep(actor(), matter), **{**base, **shown},
    )  # fmt: skip
