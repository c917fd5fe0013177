"""What is printed of a task, by whose template, and the templates of an office."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import audit, bundles, clock, documents, identity, matters, printing, submitted, typed_in
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.documents import FileStore
from decision_flow.errors import N_, Invalid, NotFound, NotPermitted
from decision_flow.forms import Form
from decision_flow.models import (
    CatalogueItem,
    Document,
    LateEntry,
    Matter,
    Organisation,
    PrintTemplate,
    Procedure,
    ProcedureVersion,
    Task,
    TaskState,
    User,
    VersionStatus,
)
from decision_flow.printing import Printed
from decision_flow.roles import Permission

STREAM = "office"
EXAMPLE = "示例"


@dataclass(frozen=True)
class TemplateLine:
    """A form that can be printed, and the template it is printed by: the office's own or the default."""

    form: Form
    layout: str
    own: PrintTemplate | None


def of_task(session: Session, actor: Actor, task_id: int) -> tuple[Printed, int]:
    """Return what is printed of a completed task, and its organ. Raises `NotFound` for others."""
    task = session.scalars(
        select(Task)
        .where(Task.id == task_id)
        .options(
            undefer(Task.submission),
            joinedload(Task.matter).options(
                joinedload(Matter.procedure_version), joinedload(Matter.organ), joinedload(Matter.undertaking_unit)
            ),
            joinedload(Task.organisation),
        )
    ).one_or_none()
    if task is None or task.state != TaskState.COMPLETED or task.form is None:
        raise NotFound(N_("没有可以打印的内容：该任务还没有办结，或者您无权查看。"))
    if task.pool not in actor.pools and task.completed_by_id != actor.user_id:
        matters.get(session, actor, task.matter_id)
    matter = task.matter
    form = bundles.runnable(session, matter.procedure_version).forms.get(task.form)
    if form is None:
        raise NotFound(N_("没有可以打印的内容：该任务还没有办结，或者您无权查看。"))
    unit = matter.undertaking_unit or task.organisation
    told = _on_paper(completed(session, form, task, matter, unit.name))
    if form.id == "F-15":
        told = dataclasses.replace(told, marks=(*told.marks, *_notes(session, matter.id)))
    return told, matter.organ_id


def word(session: Session, actor: Actor, files: FileStore, task_id: int) -> tuple[str, bytes]:
    """Return (file name, Word file) of a completed task, by the office's own template or the default.

    That it was taken away is recorded.
    """
    told, organ_id = of_task(session, actor, task_id)
    matter_id = session.get_one(Task, task_id).matter_id
    audit.append(
        session, audit.reading_stream(matter_id), EventName.FORM_EXPORTED, actor=actor, matter_id=matter_id,
        task_id=task_id, facts={"form": told.form, "name": told.title, "format": "docx"},
    )  # fmt: skip
    own = _newest(session, organ_id).get(told.form)
    return f"{told.number}-{told.title}.docx", printing.render(_bytes(files, own, told.form), told.context())


def templates(session: Session, actor: Actor, organ_id: int) -> list[TemplateLine]:
    """Return the forms of the procedures in force with the template each is printed by."""
    identity.require(actor, Permission.MATTER_READ)
    newest = _newest(session, organ_id)
    return [
        TemplateLine(
            form, printing.layout_of(form.id), own if (own := newest.get(form.id)) and own.document_id else None
        )
        for form in _forms(session).values()
    ]


def template_file(session: Session, actor: Actor, files: FileStore, organ_id: int, form: str) -> bytes:
    """Return the template by which a form is printed, to be edited. Raises `NotFound`."""
    identity.require(actor, Permission.MATTER_READ)
    if form not in _forms(session):
        raise NotFound(N_("没有这张表单。"))
    return _bytes(files, _newest(session, organ_id).get(form), form)


def replace(
    session: Session,
    actor: Actor,
    files: FileStore,
    organ_id: int,
    form_id: str,
    stream: IO[bytes] | None,
    name: str = "",
) -> PrintTemplate:
    """Print a form by this Word template from now on; None goes back to the default.

    Raises `Invalid` when the template is no Word file, names what there is not, or cannot be filled: then the
    one before stays.
    """
    identity.require(actor, Permission.RECORDS_MANAGE)
    if organ_id not in {held.organ_id for held in actor.appointments}:
        raise NotPermitted(N_("只能管理本人任职机关的模板。"))
    form = _forms(session).get(form_id)
    if form is None:
        raise NotFound(N_("没有这张表单。"))
    document: Document | None = None
    if stream is not None:
        content = stream.read(printing.MAX_TEMPLATE + 1)
        if not name.lower().endswith(".docx"):
            raise Invalid(N_("模板应当是 Word 文件（.docx）。"))
        printing.check_template(content, _example(form).context())
        document = documents.store(
            session, actor, files, io.BytesIO(content), name, matter_id=None, form=form_id, field="print_template"
        )
    earlier = _newest(session, organ_id).get(form_id)
    was = earlier.document.sha256 if earlier is not None and earlier.document is not None else ""
    row = PrintTemplate(
        organ_id=organ_id, form=form_id, document_id=document.id if document else None,
        set_at=clock.now(), set_as=actor.display,
    )  # fmt: skip
    session.add(row)
    audit.append(
        session,
        STREAM,
        EventName.PRINT_TEMPLATE_CHANGED,
        actor=actor,
        facts={
            "organ": organ_id,
            "form": form_id,
            "sha256": document.sha256 if document else "",
            "before": {"sha256": was},
            "after": {"sha256": document.sha256 if document else ""},
        },
    )
    return row


def completed(session: Session, form: Form, task: Task, matter: Matter, unit: str) -> Printed:
    """Return what a completed task says by its form; whether it may be seen is the caller's question."""
    answers = task.submission or {}
    return printing.printed(
        form,
        answers,
        lambda target, value: _name(session, target, value),
        title=form.title,
        basis=form.basis,
        organ=matter.organ.name,
        number=matter.number,
        matter=matter.title,
        unit=unit,
        filled_as=task.completed_as,
        date=printing.day(clock.local_date(task.completed_at).isoformat() if task.completed_at else ""),
        marks=late_marks(session.get(LateEntry, task.id)),
        digest=audit.digest_of(answers)[:16],
        printed_at=printing.moment(clock.now().isoformat()),
    )


def _notes(session: Session, matter_id: int) -> tuple[str, ...]:
    """Return what was added to a matter's minutes afterwards (R-30f), each with who added it, when and why."""
    return tuple(
        f"{task.completed_as}于{printing.day(clock.local_date(task.completed_at).isoformat())}"
        f"{'更正' if told.get('kind') == 'correction' else '补充'}：{told.get('note')}（理由：{told.get('reason')}）"
        for task in submitted.tasks_of(session, matter_id, "F-15n")
        if task.completed_at is not None and (told := task.submission) is not None
    )


def _on_paper(told: Printed) -> Printed:
    """Return what is set on paper: no columns that nobody filled in, and a notice under its own title."""
    title = told.fields.get(printing.NOTICES.get(told.form, ""))
    sections = tuple(
        dataclasses.replace(
            section,
            lines=tuple(line for line in section.lines if title is None or line.value != title),
            tables=tuple(_filled(table) for table in section.tables),
        )
        for section in told.sections
    )
    return dataclasses.replace(told, title=title or told.title, sections=sections)


def _filled(table: printing.Table) -> printing.Table:
    kept = [place for place in range(len(table.columns)) if any(row[place] for row in table.rows)]
    return dataclasses.replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def late_marks(late: LateEntry | None) -> tuple[str, ...]:
    """Return what paper must say of a step that was entered later."""
    if late is None:
        return ()
    entered = printing.moment(late.entered_at.isoformat())
    done = printing.day(late.done_on.isoformat())
    told = f"补录：{late.done_by}于{done}在线下办理，{late.entered_as}于{entered}补录"
    return (told, f"文件生成日期晚于所填日期：{late.later_files}") if late.later_files else (told,)


def _example(form: Form) -> Printed:
    """A filled example of a form, for trying a template: every field has a text, every table a row."""
    head = {
        "organ": EXAMPLE, "number": "ZD-2026-0001", "matter": EXAMPLE, "unit": EXAMPLE, "filled_as": EXAMPLE,
        "date": "2026年5月8日", "marks": (EXAMPLE,), "digest": "0" * 16, "printed_at": "2026年5月8日9:30",
    }  # fmt: skip
    told = printing.printed(form, {}, lambda target, value: EXAMPLE, title=form.title, basis=form.basis, **head)
    lines = tuple(printing.Line(one.label, EXAMPLE) for one in form.fields if one.type != "table")
    tables = tuple(
        printing.Table(
            one.label, tuple(column.label for column in one.columns), (tuple(EXAMPLE for _ in one.columns),) * 2
        )
        for one in form.fields
        if one.type == "table"
    )
    return dataclasses.replace(
        told,
        sections=(printing.Section(EXAMPLE, lines, tables),),
        fields={one.name: EXAMPLE for one in form.fields if one.type != "table"},
    )


def _forms(session: Session) -> dict[str, Form]:
    versions = session.scalars(
        select(ProcedureVersion).join(Procedure).where(ProcedureVersion.status == VersionStatus.IN_FORCE)
    )
    found: dict[str, Form] = {}
    for version in versions:
        for form in bundles.runnable(session, version).forms.values():
            found.setdefault(form.id, form)
    return dict(sorted(found.items()))


def _newest(session: Session, organ_id: int) -> dict[str, PrintTemplate]:
    rows = session.scalars(
        select(PrintTemplate)
        .options(joinedload(PrintTemplate.document))
        .where(PrintTemplate.organ_id == organ_id)
        .order_by(PrintTemplate.id)
    )
    return {row.form: row for row in rows}


def _bytes(files: FileStore, own: PrintTemplate | None, form: str) -> bytes:
    if own is not None and own.document is not None:
        path = files.path(own.document.sha256)
        if path.exists():
            return path.read_bytes()
    return printing.default_template(printing.layout_of(form))


_REGISTERS: dict[str, Any] = {
    "organisation": (Organisation, Organisation.name),
    "user": (User, User.name),
    "matter": (Matter, Matter.title),
    "document": (Document, Document.name),
    "catalogue_item": (CatalogueItem, CatalogueItem.matter_name),
}


def _name(session: Session, target: str, value: Any) -> str:
    """Return what a reference names, also when it was closed since."""
    table, column = _REGISTERS["user" if target.startswith("role:") else target]
    found = session.scalar(select(column).where(table.id == typed_in.number(value)))
    return str(found or value)
