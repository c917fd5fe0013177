"""The page of a task: what is asked, what went before, the form, and what can be done with it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import (
    departures,
    documents,
    exceptions,
    identity,
    late_entries,
    matter_views,
    submissions,
    task_views,
    tasks,
    typed_in,
)
from decision_flow.errors import Conflict, DecisionFlowError, Invalid, NotFound, Refused
from decision_flow.forms import Form
from decision_flow.identity import Actor, Permission
from decision_flow.models import Task, User
from web import forms
from web.auth import requires
from web.errors import record_refusal, refusals, status_of, told
from web.language import gettext
from web.presentation import text_of
from web.request import actor, files, kept, language, settings, transaction, wants_json

page = Blueprint("tasks", __name__)


@page.get("/tasks/<int:task_id>")
@requires(Permission.MATTER_READ)
def show(task_id: int) -> str:
    """Show a task; its form can be filled in by whoever holds it."""
    return _page(task_id)


@page.post("/tasks/<int:task_id>/claim")
@requires(Permission.TASK_WORK)
def claim(task_id: int) -> Response | tuple[str, int]:
    """Claim the task; whoever comes second is told on its page who has it."""
    try:
        with transaction() as session:
            tasks.claim(session, actor(), task_id)
    except Conflict as error:
        if wants_json() or isinstance(error, Refused):  # the law's refusal names its rule, and is recorded
            raise
        return _page(task_id, taken=told(error)), status_of(error)
    flash(gettext("已签收，可以办理。"), "success")
    return redirect(url_for("tasks.show", task_id=task_id))


@page.post("/tasks/<int:task_id>/release")
@requires(Permission.TASK_WORK)
def release(task_id: int) -> Response:
    """Give the task back to its pool."""
    with transaction() as session:
        tasks.release(session, actor(), task_id)
    flash(gettext("已退回签收，同岗位人员可以签收办理。"), "success")
    return redirect(url_for("inbox.show"))


@page.post("/tasks/<int:task_id>/transfer")
@requires(Permission.TASK_WORK)
def transfer(task_id: int) -> Response | tuple[str, int]:
    """Hand the task to a colleague, with a reason."""
    to_user = typed_in.number(request.form.get("to_user_id"))
    try:
        with transaction() as session:
            reason = request.form.get("reason", "")
            tasks.transfer(session, actor(), task_id, to_user, reason)
            receiver = session.get_one(User, to_user)
    except Invalid as error:
        return _page(task_id, transfer_errors=error.errors), 422
    flash(gettext("已转办给%(who)s。", who=text_of(receiver, "name")), "success")
    return redirect(url_for("inbox.show"))


@page.post("/tasks/<int:task_id>/draft")
@requires(Permission.TASK_WORK)
def draft(task_id: int) -> Response:
    """Keep what was typed so far, right or wrong; files are kept by the full form only."""
    values, _ = forms.read_submission(_form(task_id), request.form, request.files)
    with transaction() as session:
        at = tasks.save_draft(session, actor(), task_id, values, request.form.get("_seen"))
    return jsonify(saved=True, at=at.isoformat())


@page.post("/tasks/<int:task_id>")
@requires(Permission.TASK_WORK)
def complete(task_id: int) -> Response | tuple[str, int]:
    """Complete the task, or keep it, or add a row: whatever the pressed button says."""
    form = _form(task_id)
    values, uploads = forms.read_submission(form, request.form, request.files)
    errors = store_uploads(task_id, form, values, uploads)
    if forms.changes_rows(request.form):
        return _page(task_id, values=values, errors=errors), 200
    try:
        if errors:
            raise Invalid(gettext("有文件没有上传成功，请检查后再提交。"), errors=errors)
        if "_save" in request.form:
            with transaction() as session:
                tasks.save_draft(session, actor(), task_id, values, request.form.get("_seen"))
            flash(gettext("已暂存。"), "success")
            return redirect(url_for("tasks.show", task_id=task_id))
        signature = _signature(form, task_id, values)
        with transaction() as session:
            done = tasks.complete(session, actor(), task_id, values, signature)
            opened = [(task.name, task.name_en) for task in done.opened]
            matter_id = done.matter.id
    except Invalid as error:
        return _page(task_id, values=values, errors=error.errors or {"": [told(error)]}), status_of(error)
    except Refused as error:
        record_refusal(error)
        return _page(task_id, values=values, refusals=refusals(error)), status_of(error)
    except Conflict as error:
        again = gettext("再次暂存以本页为准。") if "_save" in request.form else ""
        return _page(task_id, values=values, conflict=told(error) + again), 409
    return redirect(url_for("tasks.done", task_id=task_id, n=len(opened), matter=matter_id))


@page.post("/tasks/<int:task_id>/approval")
@requires(Permission.TASK_WORK)
def ask_approval(task_id: int) -> Response | tuple[str, int]:
    """Keep what was typed and ask for the approval that the form needs before it counts."""
    form = _form(task_id)
    values, uploads = forms.read_submission(form, request.form, request.files)
    errors = store_uploads(task_id, form, values, uploads)
    if form.id not in departures.BEFORE:
        raise NotFound(gettext("没有这个页面，或者您无权查看。"))
    try:
        if errors:
            raise Invalid(gettext("有文件没有上传成功，请检查后再提交。"), errors=errors)
        with transaction() as session:
            tasks.save_draft(session, actor(), task_id, values)
            task = session.get_one(Task, task_id)
            exceptions.ask_in_form(session, actor(), task.matter_id, form.id, values, task)
    except Invalid as error:
        return _page(task_id, values=values, errors=error.errors), status_of(error)
    except Conflict as error:
        return _page(task_id, values=values, conflict=told(error)), status_of(error)
    flash(gettext("已报请批准，内容已暂存。批准后请再次提交。"), "success")
    return redirect(url_for("tasks.show", task_id=task_id))


@page.get("/tasks/<int:task_id>/done")
@requires(Permission.MATTER_READ)
def done(task_id: int) -> str:
    """Show what completing the task led to: what opened next and with whom it lies."""
    with transaction(read_only=True) as session:
        view = task_views.view(session, actor(), task_id)
        following = task_views.opened_after(session, view.task)
        timers = matter_views.waiting(session, view.matter.id)
    return render_template("tasks/done.html", view=view, following=following, timers=timers)


def _form(task_id: int) -> Form:
    """Return the form of a task. It is that of the page on which it was answered: a task never changes its form."""
    form: Form | None = kept("forms").get(task_id)
    if form is None:
        with transaction(read_only=True) as session:
            form = task_views.form_of(session, task_id) or Form("F-0", "", "", "", ())
        kept("forms")[task_id] = form
    return form


def store_uploads(
    task_id: int, form: Form, values: dict[str, Any], uploads: list[Any], who: Actor | None = None
) -> dict[str, list[str]]:
    """Store the files that came with the form; they are kept even if something else is wrong.

    `who` may work on the task, by default whoever is signed in. Returns what was refused, by field.
    """
    who = who or actor()
    errors: dict[str, list[str]] = {}
    fields = {field.name: field for field in form.fields}
    for name, sent in uploads:
        try:
            with transaction() as session:
                task = session.get_one(Task, task_id)
                tasks.must_hold(session, who, task)
                document = documents.store(
                    session, who, files(), sent.stream, sent.filename or "",
                    matter_id=task.matter_id, task_id=task_id, form=form.id, field=name,
                )  # fmt: skip
                entry = {
                    "document_id": document.id, "name": document.name,
                    "sha256": document.sha256, "size": document.size,
                }  # fmt: skip
            values[name] = forms.with_upload(fields[name], values.get(name), entry)
        except DecisionFlowError as error:
            errors.setdefault(name, []).append(told(error))
    return errors


def _signature(form: Form, task_id: int, values: dict[str, Any]) -> dict[str, object] | None:
    """Return the signature: the password typed again, or else a scan that was uploaded."""
    signed = [field.name for field in form.fields if field.type == "sign"]
    password = request.form.get("_password", "")
    scan = next((values[name]["document_id"] for name in signed if isinstance(values.get(name), dict)), None)
    if not signed or not (password or scan):
        return None
    problem: Invalid | None = None
    signature: dict[str, object] | None = None
    with transaction() as session:
        try:
            if password:
                signature = identity.reauthenticate(session, actor(), password, settings())
            elif scan is not None:
                signature = submissions.scanned_signature(session, actor(), task_id, scan)
        except Invalid as error:
            problem = error
    if problem is not None:
        raise Invalid(problem.message, errors={signed[0]: [told(problem)]})
    return signature


def _page(task_id: int, **shown: Any) -> str:
    """Draw the page; `values` typed by the person win over everything stored."""
    with transaction(read_only=True) as session:
        view = task_views.view(session, actor(), task_id)
        late = late_entries.of_matter(session, view.matter.id)
        free = view.task.state == "OPEN" or (view.task.state == "CLAIMED" and view.may_work)
        may_enter_late = free and late_entries.may_enter(session, actor(), view.task)
        choices = task_views.choices(session, view, english=language() == "en")
        asked = exceptions.in_form(session, view.matter.id, view.form.id) if view.form else None
        missing = [one["form"] for one in shown.get("refusals", ())]
        places = task_views.places(session, view.matter, missing, besides=task_id)
        colleagues = (
            tasks.transfer_candidates(session, actor(), view.task, english=language() == "en") if view.may_work else []
        )
    if view.form:
        kept("forms")[task_id] = view.form
    values = shown.pop("values", None)
    values = view.values if values is None else values
    return render_template(
        "tasks/show.html",
        view=view,
        choices=choices,
        colleagues=colleagues,
        asked=asked,
        stated=departures.stated(view.form.id, values) if view.form else "",
        places=places,
        late=late,
        may_enter_late=may_enter_late,
        values=values,
        render_form=forms.render,
        **{"errors": {}, "transfer_errors": {}, "refusals": [], "conflict": "", "taken": "", **shown},
    )
