"""补录: a step that was done on paper is entered with its scan, its true date and who did it."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import documents, late_entries, task_views, typed_in
from decision_flow.errors import Conflict, DecisionFlowError, Invalid, Refused
from decision_flow.forms import Form
from decision_flow.identity import Permission
from decision_flow.models import Document, Task
from web import forms
from web.auth import requires
from web.errors import record_refusal, refusals, status_of, told
from web.language import gettext, said
from web.pages.tasks import store_uploads
from web.request import actor, files, language, transaction

page = Blueprint("late", __name__)
GIVEN = ("_late_on", "_late_by", "_late_reason")


@page.get("/tasks/<int:task_id>/late")
@requires(Permission.TASK_WORK)
def show(task_id: int) -> str:
    """Show the form of the step with what must be told of a step done on paper."""
    return _page(task_id)


@page.post("/tasks/<int:task_id>/late")
@requires(Permission.TASK_WORK)
def complete(task_id: int) -> Response | tuple[str, int]:
    """Enter the step."""
    with transaction(read_only=True) as session:
        form = task_views.form_of(session, task_id) or Form("F-0", "", "", "", ())
        worker = late_entries.entering(session, actor(), session.get_one(Task, task_id))
    values, uploads = forms.read_submission(form, request.form, request.files)
    errors = store_uploads(task_id, form, values, uploads, worker)
    scan_id, wrong = _scan(task_id)
    if forms.changes_rows(request.form):
        return _page(task_id, values=values, errors=errors | wrong, scan_id=scan_id), 200
    sent = request.form
    given = {"on": sent.get("_late_on", ""), "by": sent.get("_late_by", ""), "reason": sent.get("_late_reason", "")}
    try:
        if errors or wrong:
            raise Invalid(gettext("有文件没有上传成功，请检查后再提交。"), errors=errors | wrong)
        with transaction() as session:
            done, entry = late_entries.complete(
                session, actor(), files(), task_id, values, {**given, "scan": str(scan_id or "")}
            )
            opened, matter_id, later = len(done.opened), done.matter.id, entry.later_files
    except Invalid as error:
        return _page(task_id, values=values, errors=error.errors or {"": [told(error)]}, scan_id=scan_id), 422
    except Refused as error:
        record_refusal(error)
        return _page(task_id, values=values, refusals=refusals(error), scan_id=scan_id), status_of(error)
    except Conflict as error:
        return _page(task_id, values=values, refusal=told(error), scan_id=scan_id), status_of(error)
    if later:
        flash(gettext("已补录。注意：文件生成日期晚于所填日期：%(files)s", files=later), "warning")
    else:
        flash(gettext("已补录。"), "success")
    return redirect(url_for("tasks.done", task_id=task_id, n=opened, matter=matter_id))


def _scan(task_id: int) -> tuple[int | None, dict[str, list[str]]]:
    """Return the scan that came with the form, or came before; and what was wrong with it."""
    kept = typed_in.number(request.form.get("_late_scan_kept"))
    sent = request.files.get("_late_scan")
    if sent is None or not sent.filename:
        return kept or None, {}
    try:
        with transaction() as session:
            task = session.get_one(Task, task_id)
            document = documents.store(
                session, late_entries.entering(session, actor(), task), files(), cast(BinaryIO, sent.stream),
                sent.filename,
                matter_id=task.matter_id, task_id=task_id, form=task.form, field=late_entries.SCAN,
            )  # fmt: skip
            return document.id, {}
    except DecisionFlowError as error:
        return None, {"_late_scan": [told(error)]}


def _page(task_id: int, **shown: Any) -> str:
    me = actor()
    with transaction(read_only=True) as session:
        view = task_views.view(session, me, task_id)
        late_entries.entering(session, me, view.task)
        choices = task_views.choices(session, view, english=language() == "en")
        kept = session.get(Document, shown["scan_id"]) if shown.get("scan_id") else None
    errors: dict[str, list[str]] = shown.get("errors") or {}
    return render_template(
        "tasks/late.html",
        view=view,
        choices=choices,
        values=shown.get("values", view.values),
        given={name: request.form.get(name, "") for name in GIVEN},
        scan=kept if kept is not None and kept.task_id == task_id else None,
        errors={path: [said(text) for text in texts] for path, texts in errors.items()},
        form_errors={path: texts for path, texts in errors.items() if not path.startswith("_late")},
        refusal=shown.get("refusal", ""),
        refusals=shown.get("refusals", []),
        render_form=forms.render,
    )
