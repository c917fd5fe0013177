"""The editor of a draft and what its script asks for: content, saving, findings; forms and tables of their own page."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from decision_flow.engine import Bundle
from decision_flow.errors import Conflict, Invalid, NotFound
from decision_flow.identity import Permission
from decision_flow.modelling import archive, checking, drafts, form_files, sources, tables
from decision_flow.models import DraftState, ProcedureDraft
from decision_flow.procedures import ProcedureSource
from web import editor_facts, forms
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.presentation import moment
from web.request import actor, transaction
from web.security import allow_diagram_styles

page = Blueprint("drafts", __name__, url_prefix="/procedures/drafts")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@page.get("/<int:draft_id>")
@requires(Permission.PROCEDURE_READ)
def edit(draft_id: int) -> str:
    """Show the editor."""
    draft, _ = _read(draft_id)
    allow_diagram_styles()
    return render_template("procedures/edit.html", draft=draft, may_edit=_may_edit(draft))


@page.get("/<int:draft_id>/content")
@requires(Permission.PROCEDURE_READ)
def content(draft_id: int) -> Response:
    """Return the draft and everything its panel offers for choice."""
    draft, source = _read(draft_id)
    return jsonify(
        revision=draft.revision,
        title=draft.title,
        main=draft.main,
        may_edit=_may_edit(draft),
        files={name: body.decode() for name, body in source.bundle.bpmn.items()},
        **editor_facts.facts(source, draft.policy),
    )


@page.post("/<int:draft_id>/content")
@requires(Permission.PROCEDURE_MODEL)
def save(draft_id: int) -> Response | tuple[Response, int]:
    """Save what the editor sends, made on the revision it names."""
    sent = _sent()
    try:
        with transaction() as session:
            draft = drafts.save(session, actor(), draft_id, _revision(sent), _change(sent))
            source = drafts.source_of(session, draft)
            revision, at = draft.revision, draft.updated_at
    except Conflict as error:
        with transaction(read_only=True) as session:
            latest = drafts.get(session, actor(), draft_id).revision
        return jsonify(conflict=told(error), revision=latest), 409
    except Invalid as error:
        return jsonify(detail=told(error)), status_of(error)
    return jsonify(revision=revision, saved_at=moment(at), forms=editor_facts.forms(source))


@page.post("/<int:draft_id>/copy")
@requires(Permission.PROCEDURE_MODEL)
def copy(draft_id: int) -> Response | tuple[Response, int]:
    """Keep what somebody drew on an overtaken revision as a draft of its own."""
    try:
        with transaction() as session:
            made = drafts.copy(session, actor(), draft_id, _change(_sent())).id
    except Invalid as error:
        return jsonify(detail=told(error)), status_of(error)
    return jsonify(url=url_for("drafts.edit", draft_id=made))


@page.post("/<int:draft_id>/findings")
@requires(Permission.PROCEDURE_READ)
def findings(draft_id: int) -> Response:
    """Return what is wrong with the draft as it is drawn now; nothing is written."""
    sent = _sent()
    draft, source = _read(draft_id)
    now = _overlaid(source, _files(sent))
    report = checking.check(now, str(sent.get("policy", draft.policy)))
    return jsonify(editor_facts.report(report, now))


@page.post("/<int:draft_id>/discard")
@requires(Permission.PROCEDURE_MODEL)
def discard(draft_id: int) -> Response:
    """Put the draft aside."""
    with transaction() as session:
        drafts.discard(session, actor(), draft_id)
    flash(gettext("草案已作废，内容仍可查看。"), "success")
    return redirect(url_for("procedures.index"))


@page.get("/<int:draft_id>/export")
@requires(Permission.PROCEDURE_READ)
def export(draft_id: int) -> Response:
    """Hand out the draft as one file."""
    draft, source = _read(draft_id)
    with transaction() as session:
        drafts.note_exported(session, actor(), draft_id)
    name = f"{draft.key}-draft-{draft.revision}.zip"
    body = io.BytesIO(archive.pack(source))
    return send_file(body, mimetype="application/zip", as_attachment=True, download_name=name)


@page.get("/<int:draft_id>/diagrams/<name>")
@requires(Permission.PROCEDURE_READ)
def diagram(draft_id: int, name: str) -> Response:
    """Return a diagram of the draft, for the viewer."""
    _, source = _read(draft_id)
    if name not in source.bundle.bpmn:
        raise NotFound(gettext("没有这个流程图。"))
    return jsonify(xml=source.bundle.bpmn[name].decode())


@page.get("/<int:draft_id>/forms/<form_id>")
@requires(Permission.PROCEDURE_READ)
def form(draft_id: int, form_id: str) -> str:
    """Show the designer of a form: its fields as a table, beside what they look like."""
    draft, source = _read(draft_id)
    body = source.bundle.forms.get(f"{form_id}.toml")
    if form_id == "new":
        form_id = form_files.next_id(source)
    elif body is None:
        raise NotFound(gettext("草案中没有这张表单。"))
    return render_template(
        "procedures/form.html",
        draft=draft,
        form_id=form_id,
        definition=form_files.read(body) if body else form_files.empty(form_id),
        may_edit=_may_edit(draft),
        types=editor_facts.field_types(),
    )


@page.post("/<int:draft_id>/forms/<form_id>/preview")
@requires(Permission.PROCEDURE_READ)
def preview(draft_id: int, form_id: str) -> Response:
    """Return the form as it would be drawn, or what is wrong with it."""
    try:
        made = form_files.parse(form_files.write(_definition(form_id)))
    except Invalid as error:
        return jsonify(error=told(error))
    return jsonify(html=str(forms.render(made, {})))


@page.post("/<int:draft_id>/forms/<form_id>")
@requires(Permission.PROCEDURE_MODEL)
def save_form(draft_id: int, form_id: str) -> Response | tuple[Response, int]:
    """Save a form of the draft."""
    sent = _sent()
    try:
        body = form_files.write(_definition(form_id))
        form_files.parse(body)
        with transaction() as session:
            change = drafts.Change(files={("form", f"{form_id}.toml"): body})
            revision = drafts.save(session, actor(), draft_id, _revision(sent), change).revision
    except (Conflict, Invalid) as error:
        return jsonify(error=told(error)), status_of(error)
    return jsonify(revision=revision)


@page.get("/<int:draft_id>/tables/<name>")
@requires(Permission.PROCEDURE_READ)
def table(draft_id: int, name: str) -> str:
    """Show the editor of a decision table."""
    draft, source = _read(draft_id)
    if name not in source.bundle.dmn:
        raise NotFound(gettext("草案中没有这个决策表。"))
    allow_diagram_styles()
    return render_template("procedures/table.html", draft=draft, name=name, may_edit=_may_edit(draft))


@page.get("/<int:draft_id>/tables/<name>/content")
@requires(Permission.PROCEDURE_READ)
def table_content(draft_id: int, name: str) -> Response:
    """Return a decision table with what is wrong with it."""
    _, source = _read(draft_id)
    if name not in source.bundle.dmn:
        raise NotFound(gettext("草案中没有这个决策表。"))
    body = source.bundle.dmn[name]
    return jsonify(xml=body.decode(), findings=editor_facts.table_findings(tables.findings({name: body})))


@page.post("/<int:draft_id>/tables/<name>/findings")
@requires(Permission.PROCEDURE_READ)
def check_table(draft_id: int, name: str) -> Response:
    """Return what is wrong with a table as it is typed now, cell by cell."""
    body = str(_sent().get("xml", "")).encode()
    return jsonify(findings=editor_facts.table_findings(tables.findings({name: body})))


@page.post("/<int:draft_id>/tables/<name>")
@requires(Permission.PROCEDURE_MODEL)
def save_table(draft_id: int, name: str) -> Response | tuple[Response, int]:
    """Save a decision table of the draft; one that cannot be read is refused, one with findings is kept."""
    sent = _sent()
    body = str(sent.get("xml", "")).encode()
    try:
        with transaction() as session:
            change = drafts.Change(files={("dmn", name): body})
            revision = drafts.save(session, actor(), draft_id, _revision(sent), change).revision
    except (Conflict, Invalid) as error:
        return jsonify(error=told(error)), status_of(error)
    return jsonify(revision=revision, findings=editor_facts.table_findings(tables.findings({name: body})))


def _read(draft_id: int) -> tuple[ProcedureDraft, ProcedureSource]:
    with transaction(read_only=True) as session:
        draft = drafts.get(session, actor(), draft_id)
        return draft, drafts.source_of(session, draft)


def _may_edit(draft: ProcedureDraft) -> bool:
    return draft.state == DraftState.OPEN and Permission.PROCEDURE_MODEL in actor().permissions


def _sent() -> dict[str, Any]:
    """Return the JSON object that the script sent. Anything else is no request of ours."""
    try:
        sent = request.get_json(silent=True)
        # Half a surrogate pair cannot be written as UTF-8, and PostgreSQL stores no NUL.
        plain = json.dumps(sent, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(sent, dict) or _NUL.search(plain):
        raise BadRequest
    return sent


def _revision(sent: dict[str, Any]) -> int:
    value = sent.get("revision")
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest
    return value


def _files(sent: dict[str, Any]) -> dict[str, bytes | None]:
    files = sent.get("files", {})
    if not isinstance(files, dict) or not all(isinstance(body, str | None) for body in files.values()):
        raise BadRequest
    return {str(name): body.encode() if body is not None else None for name, body in files.items()}


def _change(sent: dict[str, Any]) -> drafts.Change:
    facts = {name: sent[name] for name in ("title", "title_en", "start_form", "policy") if name in sent}
    if not all(isinstance(value, str) for value in facts.values()):
        raise BadRequest
    return drafts.Change(files={("bpmn", name): body for name, body in _files(sent).items()}, **facts)


def _definition(form_id: str) -> dict[str, Any]:
    told_of = _sent().get("definition")
    if not isinstance(told_of, dict):
        raise BadRequest
    return {**told_of, "id": form_id}


def _overlaid(source: ProcedureSource, files: dict[str, bytes | None]) -> ProcedureSource:
    """Return the draft with the diagrams that the editor holds in place of the stored ones."""
    bpmn = {**source.bundle.bpmn, **files}
    bundle = Bundle(
        main=source.bundle.main,
        bpmn={name: body for name, body in bpmn.items() if body is not None},
        dmn=source.bundle.dmn,
        forms=source.bundle.forms,
    )
    now = ProcedureSource(source.key, source.title, source.title_en, source.start_form, bundle)
    extra = sources.missing(now)
    if not extra:
        return now
    dmn = {**bundle.dmn, **{name: body for kind, name, body in extra if kind == "dmn"}}
    taken = {**bundle.forms, **{name: body for kind, name, body in extra if kind == "form"}}
    full = Bundle(main=bundle.main, bpmn=bundle.bpmn, dmn=dmn, forms=taken)
    return ProcedureSource(now.key, now.title, now.title_en, now.start_form, full)
