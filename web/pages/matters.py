"""Matters: begin one, find one, follow one."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from decision_flow import acts, late_entries, matter_views, matters, papers, task_views, typed_in
from decision_flow.auditing import certificates
from decision_flow.errors import Conflict, DecisionFlowError, Invalid, NotFound
from decision_flow.identity import Permission
from decision_flow.matter_views import MatterQuery
from decision_flow.modelling import shipping
from decision_flow.steps import StatutoryStep
from web import forms
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.presentation import text_of
from web.request import actor, language, page_number, transaction
from web.security import allow_diagram_styles

page = Blueprint("matters", __name__)
TABS = ("progress", "papers", "trail", "evaluations")


@page.get("/matters")
@requires(Permission.MATTER_READ)
def index() -> str:
    """List the matters that one may see."""
    query = MatterQuery(
        text=request.args.get("text", "")[:80],
        status=request.args.get("status", ""),
        step=request.args.get("step", ""),
        page=page_number(),
    )
    with transaction(read_only=True) as session:
        found = matter_views.listing(session, actor(), query)
    return render_template("matters/index.html", found=found, query=query, steps=list(StatutoryStep))


@page.get("/matters/new")
@requires(Permission.MATTER_REGISTER)
def new() -> str:
    """Show the start form of a procedure."""
    return _new_page({}, {})


@page.post("/matters/new")
@requires(Permission.MATTER_REGISTER)
def create() -> BaseResponse | tuple[str, int]:
    """Register a matter from its start form."""
    procedure, organ = request.form.get("_procedure", ""), request.form.get("_organ", "")
    with transaction() as session:
        choice = next((one for one in matters.startable(session, actor()) if one.procedure_key == procedure), None)
    if choice is None:
        raise NotFound(gettext("没有这个程序，请返回后重新选择。"))
    values, _ = forms.read_submission(choice.form, request.form, request.files)
    if forms.changes_rows(request.form):
        return _new_page(values, {}), 200
    try:
        with transaction() as session:
            matter = matters.register(session, actor(), procedure, typed_in.number(organ), values)
            number, matter_id = matter.number, matter.id
    except Invalid as error:
        return _new_page(values, error.errors), 422
    except Conflict as error:
        return _new_page(values, {"matter_name": [told(error)]}), 409
    except DecisionFlowError as error:
        return _new_page(values, {"": [told(error)]}), status_of(error)
    flash(gettext("已登记，编号%(number)s，转政府办公室核对。", number=number), "success")
    return redirect(url_for("matters.show", matter_id=matter_id))


@page.get("/matters/<int:matter_id>")
@page.get("/matters/<int:matter_id>/<tab>")
@requires(Permission.MATTER_READ)
def show(matter_id: int, tab: str = "progress") -> str:
    """Show a matter: its steps, and one of the tabs."""
    if tab not in TABS:
        raise NotFound(gettext("没有这个页面，或者您无权查看。"))
    return draw(matter_id, tab)


@page.post("/matters/<int:matter_id>/acts/<key>")
@requires(Permission.TASK_WORK)
def begin_act(matter_id: int, key: str) -> BaseResponse:
    """Begin an act on the matter: its form is filled in on the page of a task."""
    with transaction() as session:
        task_id = acts.begin(session, actor(), matter_id, key).id
    return redirect(url_for("tasks.show", task_id=task_id))


@page.get("/matters/<int:matter_id>/diagrams/<process>")
@requires(Permission.MATTER_READ)
def diagram(matter_id: int, process: str) -> Response:
    """Return a diagram with what was passed and what stands, for the viewer."""
    with transaction(read_only=True) as session:
        xml, names = matter_views.diagram(session, actor(), matter_id, process)
        view = matter_views.view(session, actor(), matter_id)
    inside: dict[str, list[str]] = {}
    for task in view.tasks:
        if task.state in ("OPEN", "CLAIMED"):
            inside.setdefault(task.process, []).append(text_of(task, "name"))
    return jsonify(
        xml=xml.decode(),
        names=names if language() == "en" else {},
        passed=view.passed,
        now={key: [text_of(one, "name") for one in who] for key, who in view.now.items()},
        standing=inside,
    )


def draw(matter_id: int, tab: str, **more: Any) -> str:
    """Return the page of a matter with one of its tabs; `more` is what a tab with a page of its own brings."""
    with transaction(read_only=True) as session:
        view = matter_views.view(session, actor(), matter_id)
        late = late_entries.of_matter(session, matter_id)
        dissents = certificates.shown(session, actor(), view.matter)
        events = matter_views.events(session, actor(), matter_id) if tab == "trail" else ()
        filed = papers.of_matter(session, actor(), matter_id) if tab == "papers" else None
    process = request.args.get("process", view.processes[0].id)
    if tab == "progress":
        allow_diagram_styles()
    return render_template(
        "matters/show.html",
        view=view,
        tab=tab,
        events=events,
        process=process,
        papers=filed,
        late=late,
        dissents=dissents,
        **more,
    )


def _new_page(values: dict[str, Any], errors: dict[str, list[str]]) -> str:
    with transaction(read_only=True) as session:
        found = matters.startable(session, actor())
        wanted = request.values.get("_procedure", "")
        choice = next((one for one in found if one.procedure_key == wanted), found[0] if found else None)
        newer = shipping.newer(session)
        choices = (
            task_views.choices_for(session, choice.form, actor(), None, english=language() == "en") if choice else {}
        )
    return render_template(
        "matters/new.html",
        offered=found,
        choice=choice,
        is_old=choice is not None and choice.procedure_key in newer,
        choices=choices,
        values=values,
        errors=errors,
        render_form=forms.render,
    )
