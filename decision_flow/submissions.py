"""What was entered in a form, checked against everything the form alone cannot know.

The form checks shape and rules; here the people, units and files that it names must exist, the files
must belong to the matter, and the columns of the matter that a field settles are set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, engine
from decision_flow.audit import EventName
from decision_flow.bundles import Runnable
from decision_flow.errors import N_, Invalid
from decision_flow.forms import Field, Form
from decision_flow.identity import Actor
from decision_flow.models import CatalogueItem, Document, Matter, Organisation, Task, User

REGISTERS: dict[str, type[Organisation] | type[User] | type[CatalogueItem]] = {
    "organisation": Organisation, "user": User, "catalogue_item": CatalogueItem,
}  # fmt: skip


class TaskData(Mapping[str, Any]):
    """The process data at a task, read out of the state only when an expression asks for it.

    `numbers` are those of the matter's policy: an act stands at no token, and is counted by them all the same.
    """

    def __init__(self, runnable: Runnable, matter: Matter, task: Task, numbers: Mapping[str, int]) -> None:
        self._source = (runnable, matter, task)
        self._numbers = numbers
        self._read: Mapping[str, Any] | None = None

    @property
    def _data(self) -> Mapping[str, Any]:
        if self._read is None:
            runnable, matter, task = self._source
            tokens = {opened.token: opened for opened in engine.open_tasks(runnable.compiled, matter.state)}
            opened = tokens.get(task.token)
            data = dict(opened.data) if opened else {}
            if opened and opened.item_name:
                data[opened.item_name] = opened.item
            data["policy"] = self._numbers
            self._read = data
        return self._read

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Any:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def auto_values(matter: Matter, actor: Actor, task: Task) -> dict[str, Any]:
    """Return the values the product itself fills in (`auto` fields of a form)."""
    return {
        "draft_version": matter.draft_version + 1,
        "current_draft_version": matter.draft_version,
        "current_draft_sha256": matter.draft_sha256,
        "matter_number": matter.number,
        "matter_title": matter.title,
        "actor": actor.display,
        "actor_id": actor.user_id,
        "today": clock.today().isoformat(),
        "received_at": task.received_at.isoformat(),
    }


def check(
    session: Session,
    form: Form,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    context: Mapping[str, Any] | None = None,
    auto: Mapping[str, Any] | None = None,
    signed: Mapping[str, Any] | None = None,
    task: Task | None = None,
) -> dict[str, Any]:
    """Return `values` checked and typed. Raises `Invalid` with every error by field path.

    `context` is the process data, `auto` the values the product itself fills in, `signed` the signatures
    made after re-authentication. Files named in `values` are replaced by what was really uploaded for
    `task`, so that a name or hash cannot be made up.
    """
    values = _own_files(session, form, values, task)
    checked = form.validate(values, context={} if context is None else context, auto=auto or {}, signed=signed or {})
    _must_exist(session, form, checked)
    return checked


def assign(session: Session, matter: Matter, form: Form, values: Mapping[str, Any]) -> None:
    """Set the columns of the matter that fields of this form settle (`assigns`)."""
    settled = form.assignments(values)
    if title := settled.get("matter_title"):
        matter.title = str(title)
    if category := settled.get("category"):
        matter.category = str(category)
    if effective := settled.get("effective_date"):
        matter.effective_date = _as_date(effective)
    for name in ("undertaking_unit", "lead_unit"):
        if unit := settled.get(name):
            matter.undertaking_unit_id = int(unit[0] if isinstance(unit, list) else unit)
    if unit := settled.get("implementing_unit"):
        matter.implementing_unit_id = int(unit[0] if isinstance(unit, list) else unit)


def file_documents(session: Session, form: Form, values: Mapping[str, Any], task: Task, actor: Actor) -> list[Document]:
    """Mark the files of a completed task as filed, each with an event of its own; return them."""
    ids = [entry["document_id"] for _, entry in _files(form.fields, values)]
    signatures = (values.get(field.name) or {} for field in form.fields if field.type == "sign")
    ids += [signature["document_id"] for signature in signatures if signature.get("kind") == "scan"]
    if not ids:
        return []
    documents = list(session.scalars(select(Document).where(Document.id.in_(ids)).order_by(Document.id)))
    for document in documents:
        document.filed_at = clock.now()
        document.step = task.step
        audit.append(
            session,
            audit.matter_stream(task.matter_id),
            EventName.DOCUMENT_FILED,
            actor=actor,
            matter_id=task.matter_id,
            task_id=task.id,
            facts={"document": document.id, "name": document.name, "sha256": document.sha256, "step": task.step},
        )
    return documents


def scanned_signature(session: Session, actor: Actor, task_id: int, document_id: int) -> dict[str, object]:
    """Return the signature made by a scan that the actor uploaded for this very task.

    Raises `Invalid` for any other document.
    """
    scan = session.scalar(
        select(Document.id).where(
            Document.id == document_id, Document.task_id == task_id, Document.uploaded_by_id == actor.user_id
        )
    )
    if scan is None:
        raise Invalid(N_("没有找到这份文件，请重新上传。"))
    return {
        "kind": "scan",
        "user_id": actor.user_id,
        "display": actor.display,
        "at": clock.now().isoformat(timespec="seconds"),
        "document_id": scan,
    }


def _own_files(session: Session, form: Form, values: Mapping[str, Any], task: Task | None) -> Mapping[str, Any]:
    named = list(_files(form.fields, values))
    if not named:
        return values
    wanted = {entry["document_id"] for _, entry in named if isinstance(entry.get("document_id"), int)}
    uploaded: dict[int, Document] = {}
    if task is not None and wanted:
        rows = session.scalars(select(Document).where(Document.id.in_(wanted), Document.matter_id == task.matter_id))
        uploaded = {document.id: document for document in rows}
    errors: dict[str, list[str]] = {}
    for path, entry in named:
        document = uploaded.get(entry.get("document_id", 0))
        if document is None:
            errors[path] = [N_("没有找到这份文件，请重新上传。")]
            continue
        entry.clear()
        entry.update(document_id=document.id, name=document.name, sha256=document.sha256, size=document.size)
    if errors:
        raise Invalid(N_("有文件没有上传成功，请检查后再提交。"), errors=errors)
    return values


def _files(
    fields: Iterable[Field], values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (path, file value) for every file in `values`, rows of tables included."""
    for field in fields:
        value = values.get(field.name)
        path = f"{prefix}{field.name}"
        if field.type == "file":
            entries = value if isinstance(value, list) else [value]
            for entry in entries:
                if isinstance(entry, dict):
                    yield path, entry
        elif field.type == "table" and isinstance(value, list):
            for number, row in enumerate(value):
                if isinstance(row, Mapping):
                    yield from _files(field.columns, row, f"{path}.{number}.")


def _must_exist(session: Session, form: Form, values: Mapping[str, Any]) -> None:
    """Refuse references to units or people that the registers do not hold."""
    named: dict[str, list[tuple[str, int]]] = {}
    for path, target, ids in _references(form.fields, values):
        register = "user" if target.startswith("role:") else target
        if register in REGISTERS:
            named.setdefault(register, []).extend((path, int(number)) for number in ids)
    errors: dict[str, list[str]] = {}
    for register, entries in named.items():
        table = REGISTERS[register]
        wanted = {number for _, number in entries}
        known = set(session.scalars(select(table.id).where(table.id.in_(wanted))))
        for path, number in entries:
            if number not in known:
                errors.setdefault(path, []).append(N_("选择的单位或人员不存在，请重新选择。"))
    if errors:
        raise Invalid(N_("填写的内容有误，请按提示修改后再提交。"), errors=errors)


def _references(
    fields: Iterable[Field], values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str, list[Any]]]:
    for field in fields:
        value = values.get(field.name)
        path = f"{prefix}{field.name}"
        if field.type == "table" and isinstance(value, list):
            for number, row in enumerate(value):
                yield from _references(field.columns, row, f"{path}.{number}.")
        elif field.ref and value not in (None, "", []):
            yield path, field.ref, value if isinstance(value, list) else [value]


def _as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
