"""A completed form on paper: an A4 page, a Word file, and the templates by which an office prints."""

from __future__ import annotations

import io

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from decision_flow import organisations, printing, prints
from decision_flow.errors import Invalid
from decision_flow.identity import Permission
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.request import actor, files, transaction

page = Blueprint("prints", __name__)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@page.get("/tasks/<int:task_id>/print")
@requires(Permission.MATTER_READ)
def show(task_id: int) -> str:
    """Show a completed form as an A4 page."""
    with transaction(read_only=True) as session:
        printed, _ = prints.of_task(session, actor(), task_id)
    layout = printing.layout_of(printed.form)
    return render_template("print/form.html", printed=printed, layout=layout, task_id=task_id)


@page.get("/tasks/<int:task_id>/word")
@requires(Permission.MATTER_READ)
def word(task_id: int) -> Response:
    """Return a completed form as a Word file."""
    with transaction() as session:
        name, content = prints.word(session, actor(), files(), task_id)
    return send_file(io.BytesIO(content), mimetype=WORD, as_attachment=True, download_name=name)


@page.get("/office/templates")
@requires(Permission.MATTER_READ)
def templates() -> str:
    """List the forms and the templates by which each is printed."""
    return _templates()


@page.get("/office/templates/<int:organ_id>/<form_id>")
@requires(Permission.MATTER_READ)
def template(organ_id: int, form_id: str) -> Response:
    """Return the template of a form, to be edited in Word."""
    with transaction(read_only=True) as session:
        content = prints.template_file(session, actor(), files(), organ_id, form_id)
    return send_file(io.BytesIO(content), mimetype=WORD, as_attachment=True, download_name=f"{form_id}-模板.docx")


@page.post("/office/templates/<int:organ_id>/<form_id>")
@requires(Permission.RECORDS_MANAGE)
def replace(organ_id: int, form_id: str) -> BaseResponse | tuple[str, int]:
    """Print a form by another template, or by the default again."""
    sent = request.files.get("template")
    try:
        if "_default" not in request.form and (sent is None or not sent.filename):
            raise Invalid(gettext("请选择模板文件。"))
        stream, name = (None, "") if "_default" in request.form or sent is None else (sent.stream, sent.filename or "")
        with transaction() as session:
            prints.replace(session, actor(), files(), organ_id, form_id, stream, name)
    except Invalid as error:
        return _templates({f"{organ_id}-{form_id}": told(error)}), status_of(error)
    flash(gettext("已保存。"), "success")
    return redirect(url_for("prints.templates"))


def _templates(errors: dict[str, str] | None = None) -> str:
    me = actor()
    with transaction(read_only=True) as session:
        organs = [(organ, prints.templates(session, me, organ.id)) for organ in organisations.organs_of(session, me)]
    return render_template(
        "print/templates.html",
        organs=organs,
        errors=errors or {},
        may_change=Permission.RECORDS_MANAGE in me.permissions,
    )
