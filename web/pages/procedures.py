"""The library of procedures: versions with their use, comparison, export and import, where drafts begin."""

from __future__ import annotations

import base64
import io
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from decision_flow import importing, typed_in
from decision_flow.errors import Conflict, Invalid, NotConforming, NotFound
from decision_flow.identity import Permission
from decision_flow.importing import Fate
from decision_flow.modelling import archive, checking, comparison, drafts, gate, library, reading, shipping, sources
from decision_flow.procedures import ProcedureSource, stored
from web import editor_facts
from web.auth import requires
from web.errors import by_field, status_of, told
from web.language import gettext
from web.presentation import text_of
from web.request import actor, transaction
from web.security import allow_diagram_styles

page = Blueprint("procedures", __name__, url_prefix="/procedures")
MAX_PACKAGE = 10_000_000


@page.get("")
@requires(Permission.PROCEDURE_READ)
def index() -> str:
    """Show the procedures, the open drafts, and where a draft can begin."""
    return _index()


@page.post("/drafts")
@requires(Permission.PROCEDURE_MODEL)
def start() -> Response | tuple[str, int]:
    """Begin a draft from a version or a template."""
    origin, _, name = request.form.get("source", "").partition(":")
    try:
        with transaction() as session:
            key, title = request.form.get("key", ""), request.form.get("title", "")
            base: int | None = None
            if origin == "template":
                source, told_as = (
                    sources.template(name),
                    gettext("模板“%(title)s”", title=sources.template(name).title),
                )
                key, title = key or source.key, title or source.title
            elif origin == "shipped":
                source, told_as = sources.shipped_procedure(name), gettext("随产品提供的新版本")
                current = library.in_force(session, actor(), name)
                base = current.id if current is not None else None
            else:
                name, _, number = name.partition("@")
                row = library.version(session, actor(), name, typed_in.number(number))
                source = library.source(session, actor(), name, row.number)
                base, told_as = row.id, f"{source.title} v{row.number}"
            draft_id = drafts.start(
                session, actor(), source, origin=told_as, key=key, title=title, base_version_id=base
            ).id
    except Invalid as error:
        return _index(by_field(error)), status_of(error)
    return redirect(url_for("drafts.edit", draft_id=draft_id))


@page.get("/<key>/shipped")
@requires(Permission.PROCEDURE_READ)
def shipped(key: str) -> str:
    """Show what the version that comes with the product changes against the one in force."""
    source = sources.shipped_procedure(key)
    with transaction(read_only=True) as session:
        offers = shipping.offers(session, actor(), key)
        current = library.in_force(session, actor(), key)
        before = stored(session, current).bundle if current is not None else None
    changes = comparison.compare(before, source.bundle) if before is not None else ()
    return render_template(
        "procedures/shipped.html", source=source, current=current, changes=changes, offers=offers,
        shipped=sources.shipped_procedures(),
    )  # fmt: skip


@page.post("/<key>/shipped")
@requires(Permission.PROCEDURE_PUBLISH)
def adopt(key: str) -> Response | tuple[str, int]:
    """Put a procedure in force as this release ships it, in one press."""
    try:
        with transaction() as session:
            number = gate.adopt_shipped(session, actor(), key, request.form.get("digest", "")).number
    except (Conflict, NotConforming) as error:
        return _index({"": [told(error)]}), status_of(error)
    flash(gettext("已发布为第%(number)s版并生效。正在办理的事项仍按原版本办理。", number=number), "success")
    return redirect(url_for("procedures.show", key=key))


@page.post("/import")
@requires(Permission.PROCEDURE_MODEL)
def take_in() -> Response | str | tuple[str, int]:
    """Begin a draft from a package that somebody exported; of a foreign diagram show first what becomes of it."""
    sent = request.files.get("package")
    name = (sent.filename or "")[:80] if sent is not None else ""
    try:
        content = sent.stream.read(MAX_PACKAGE + 1) if sent is not None else b""
        if not content or len(content) > MAX_PACKAGE:
            raise Invalid(gettext("请选择一个程序包或者 BPMN 文件，大小不超过10 MB。"))
        if not content.startswith(b"PK"):
            return _converted(name, content)
        source = archive.unpack(content)
        with transaction() as session:
            draft_id = drafts.start(session, actor(), source, origin=gettext("导入“%(name)s”", name=name)).id
    except Invalid as error:
        return _index({"package": [told(error)]}), status_of(error)
    return redirect(url_for("drafts.edit", draft_id=draft_id))


@page.post("/import/keep")
@requires(Permission.PROCEDURE_MODEL)
def keep() -> Response | tuple[str, int]:
    """Begin a draft from a foreign diagram whose changes were shown; it is converted again from what was sent."""
    name = request.form.get("name", "")[:80]
    try:
        content = base64.b64decode(request.form.get("content", ""), validate=True)
    except ValueError:
        return _index({"package": [gettext("请重新选择要导入的文件。")]}), 422
    try:
        source = sources.foreign(importing.convert(name, content), request.form.get("main", ""))
        key, title = request.form.get("key", ""), request.form.get("title", "")
        with transaction() as session:
            origin = gettext("导入“%(name)s”", name=name)
            draft_id = drafts.start(session, actor(), source, origin=origin, key=key, title=title).id
    except Invalid as error:
        return _converted(name, content, by_field(error, otherwise="main")), status_of(error)
    return redirect(url_for("drafts.edit", draft_id=draft_id))


def _converted(name: str, content: bytes, errors: dict[str, list[str]] | None = None) -> str:
    """Draw what becomes of a foreign diagram, and the form that begins a draft from it."""
    found = importing.convert(name, content)
    source = None if found.refused else sources.foreign(found)
    return render_template(
        "procedures/import.html",
        found=found,
        source=source,
        content=base64.b64encode(content).decode(),
        notes={fate.value: [note for note in found.notes if note.fate is fate] for fate in Fate},
        errors=errors or {},
        values=request.form.to_dict(),
    )


@page.get("/<key>")
@requires(Permission.PROCEDURE_READ)
def show(key: str) -> str:
    """Show the versions of a procedure with their use, and its drafts."""
    with transaction(read_only=True) as session:
        procedure = library.procedure(session, actor(), key)
        lines = library.versions_of(session, actor(), key)
        open_drafts = library.drafts_of(session, actor(), key)
        offers = shipping.offers(session, actor(), key)
    return render_template(
        "procedures/show.html", procedure=procedure, lines=lines, drafts=open_drafts, offers=offers,
        shipped=sources.shipped_procedures(),
    )  # fmt: skip


@page.post("/<key>/retire")
@requires(Permission.PROCEDURE_PUBLISH)
def retire(key: str) -> Response:
    """Take the version in force out of force, with the reason."""
    with transaction() as session:
        gate.retire(session, actor(), key, request.form.get("reason", ""))
    flash(gettext("已停用。正在办理的事项仍按原版本办理。"), "success")
    return redirect(url_for("procedures.show", key=key))


@page.get("/<key>/versions/<int:number>")
@requires(Permission.PROCEDURE_READ)
def version(key: str, number: int) -> str:
    """Show one version: its diagrams, forms and tables."""
    with transaction(read_only=True) as session:
        procedure = library.procedure(session, actor(), key)
        row = library.version(session, actor(), key, number)
        source = library.source(session, actor(), key, number)
    allow_diagram_styles()
    name = _diagram(source, request.args.get("diagram", ""))
    return render_template(
        "procedures/version.html", procedure=procedure, row=row, source=source, name=name, titles=_titles(source),
        forms=[checking.parsed_form(content, file) for file, content in source.bundle.forms.items()],
        tables=[table for table in editor_facts.tables(source) if table["own"]],
    )  # fmt: skip


@page.get("/<key>/versions/<int:number>/diagrams/<name>")
@requires(Permission.PROCEDURE_READ)
def diagram(key: str, number: int, name: str) -> Response:
    """Return a diagram of a version, for the viewer."""
    with transaction(read_only=True) as session:
        source = library.source(session, actor(), key, number)
    if name not in source.bundle.bpmn:
        raise NotFound(gettext("没有这个流程图。"))
    return jsonify(xml=source.bundle.bpmn[name].decode())


@page.get("/<key>/versions/<int:number>/export")
@requires(Permission.PROCEDURE_READ)
def export(key: str, number: int) -> Response:
    """Hand out a version as one file."""
    with transaction() as session:
        packed = library.export(session, actor(), key, number)
    return send_file(
        io.BytesIO(packed), mimetype="application/zip", as_attachment=True, download_name=f"{key}-v{number}.zip"
    )


@page.get("/<key>/compare")
@requires(Permission.PROCEDURE_READ)
def compare(key: str) -> str:
    """Compare two versions, or a version with a draft, in words and on both diagrams."""
    with transaction(read_only=True) as session:
        procedure = library.procedure(session, actor(), key)
        lines = library.versions_of(session, actor(), key)
        numbers = [line.version.number for line in lines]
        before, after = _sides(numbers)
        old = library.source(session, actor(), key, before)
        draft = typed_in.number(request.args.get("draft"))
        if draft:
            new = drafts.source_of(session, drafts.get(session, actor(), draft))
        else:
            new = library.source(session, actor(), key, after)
    allow_diagram_styles()
    changes = comparison.compare(old.bundle, new.bundle)
    names = [*new.bundle.bpmn, *(name for name in old.bundle.bpmn if name not in new.bundle.bpmn)]
    touched = [name for name in names if old.bundle.bpmn.get(name) != new.bundle.bpmn.get(name)]
    wanted = request.args.get("diagram", "")
    name = wanted if wanted in names else (touched or names)[0]
    return render_template(
        "procedures/compare.html", procedure=procedure, numbers=numbers, before=before, after=after,
        draft=draft or "", changes=changes, names=names, touched=touched, name=name, titles=_titles(old, new),
        in_old=name in old.bundle.bpmn, in_new=name in new.bundle.bpmn,
        marks={kind: [one.id for one in changes if one.kind == kind] for kind in ("added", "removed", "changed")},
    )  # fmt: skip


def _titles(*sides: ProcedureSource) -> dict[str, str]:
    """Return what each diagram is called in the reader's language; the last of `sides` has the word."""
    found: dict[str, str] = {}
    for side in sides:
        for name, content in side.bundle.bpmn.items():
            try:
                found[name] = text_of(reading.sheet(name, content), "title") or name
            except Invalid:
                found[name] = name
    return found


def _sides(numbers: list[int]) -> tuple[int, int]:
    """Return which two versions to compare: those asked for, else the latest and the one before it."""
    if not numbers:
        raise Conflict(gettext("这个程序还没有版本可以比较。"))

    def asked(name: str, otherwise: int) -> int:
        value = typed_in.number(request.args.get(name))
        return value if value in numbers else otherwise

    after = asked("to", numbers[0])
    return asked("from", numbers[1] if len(numbers) > 1 else numbers[0]), after


def _diagram(source: ProcedureSource, wanted: str) -> str:
    """Return the diagram asked for, else the one with the main process."""
    if wanted in source.bundle.bpmn:
        return wanted
    main = f"{source.bundle.main}.bpmn"
    return main if main in source.bundle.bpmn else next(iter(source.bundle.bpmn), "")


def _index(errors: dict[str, list[str]] | None = None) -> str:
    with transaction(read_only=True) as session:
        lines = library.procedures_of(session, actor())
        open_drafts = library.drafts_of(session, actor())
        offers = shipping.offers(session, actor())
    shown: dict[str, Any] = {"errors": errors or {}, "values": request.form.to_dict()}
    return render_template(
        "procedures/index.html", lines=lines, drafts=open_drafts, templates=sources.templates(), offers=offers,
        shipped=sources.shipped_procedures(), **shown,
    )  # fmt: skip
