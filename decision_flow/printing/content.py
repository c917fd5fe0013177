"""The answers to a form as texts for paper: sections with lines and tables. The names of units are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from decision_flow.clock import BUSINESS_ZONE
from decision_flow.forms import Field, Form

# Returns what a reference means: its target (`organisation`, `role:expert`, …) and the id.
NameOf = Callable[[str, Any], str]


@dataclass(frozen=True)
class Line:
    """One answer; a long one is a text of its own."""

    label: str
    value: str
    long: bool = False


@dataclass(frozen=True)
class Table:
    """The rows of a table field."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A section of a form: its lines, then its tables."""

    heading: str
    lines: tuple[Line, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Printed:
    """All that a template may say. `fields` are the answers by their code name, tables left out."""

    form: str
    title: str
    basis: str
    organ: str
    number: str
    matter: str
    unit: str
    filled_as: str
    date: str
    marks: tuple[str, ...]
    digest: str
    printed_at: str
    sections: tuple[Section, ...]
    fields: Mapping[str, str] = field(default_factory=dict)

    def context(self) -> dict[str, Any]:
        """Return the same as plain values, which is all that a template gets to see."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("sections", "fields")}
        sections = [
            {
                "heading": section.heading,
                "lines": [{"label": line.label, "value": line.value, "long": line.long} for line in section.lines],
                "tables": [
                    {"label": one.label, "columns": list(one.columns), "rows": [list(row) for row in one.rows]}
                    for one in section.tables
                ],
            }
            for section in self.sections
        ]
        return {**plain, "marks": list(self.marks), "sections": sections, "fields": dict(self.fields)}


def printed(form: Form, answers: Mapping[str, Any], name_of: NameOf, **facts: Any) -> Printed:
    """Return what `form` says with `answers`; `facts` are the head data of `Printed`. Empty answers are left out."""
    sections: list[Section] = []
    heading, lines, tables = "", list[Line](), list[Table]()
    fields: dict[str, str] = {}

    def close() -> None:
        if lines or tables:
            sections.append(Section(heading, tuple(lines), tuple(tables)))
            lines.clear()
            tables.clear()

    for one in form.fields:
        if one.section:
            close()
            heading = one.section
        value = answers.get(one.name)
        if value in (None, "", []):
            continue
        if one.type == "table":
            rows = tuple(
                tuple(text_of(column, row.get(column.name), name_of) for column in one.columns) for row in value
            )
            tables.append(Table(one.label, tuple(column.label for column in one.columns), rows))
        else:
            fields[one.name] = text_of(one, value, name_of)
            lines.append(Line(one.label, fields[one.name], one.type == "long"))
    close()
    return Printed(form=form.id, sections=tuple(sections), fields=fields, **facts)


def text_of(one: Field, value: Any, name_of: NameOf) -> str:
    """Return one answer as a text."""
    if value in (None, "", []):
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "、".join(text_of(one, entry, name_of) for entry in value)
    labels = {option.value: option.label for option in one.options}
    if one.type == "bool":
        return "是" if value is True else "否"
    if labels:
        return labels.get(str(value), str(value))
    if one.ref:
        return name_of(one.ref, value)
    if one.type == "file":
        return str(value.get("name", ""))
    if one.type == "sign":
        return f"{value.get('display', '')} {moment(value.get('at', ''))}".strip()
    if one.type == "date":
        return day(value)
    if one.type == "datetime":
        return moment(value)
    if one.type == "money":
        return f"{float(value):,.2f}{one.unit}"
    return f"{value}{one.unit}"


def day(text: Any) -> str:
    """Return an ISO date as in an official document: 2026年5月8日."""
    try:
        found = date.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{found.year}年{found.month}月{found.day}日"


def moment(text: Any) -> str:
    """Return an ISO time as it is in China: 2026年5月8日9:30."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    local = found if found.tzinfo is None else found.astimezone(BUSINESS_ZONE)
    time = f"{local.hour}:{local.minute:02d}"
    return f"{local.year}年{local.month}月{local.day}日{time}"
