"""What a form file says: fields, options and checks, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from decision_flow.errors import N_, Invalid
from decision_flow.expressions import Expression, compile_expression

TYPES = (
    "text", "long", "int", "number", "money", "date", "datetime", "bool", "enum", "multi", "ref", "file",
    "table", "sign",
)  # fmt: skip
ASSIGNS = (
    "matter_title", "category", "undertaking_unit", "lead_unit", "implementing_unit", "effective_date",
)  # fmt: skip
MAX_ROWS = 500


@dataclass(frozen=True)
class Option:
    """One choice of an `enum` or `multi` field."""

    value: str
    label: str
    label_en: str = ""


@dataclass(frozen=True)
class Check:
    """A rule over the whole form: an expression that must hold, and what to say when it does not."""

    expr: Expression
    message: str
    message_en: str = ""
    field: str = ""
    rule: str = ""
    article: str = ""


@dataclass(frozen=True)
class Field:
    """One field. `required_if` and `visible_if` are conditions over the form's other fields."""

    name: str
    label: str
    type: str
    label_en: str = ""
    required: bool = False
    required_if: Expression | None = None
    visible_if: Expression | None = None
    help: str = ""
    help_en: str = ""
    section: str = ""
    section_en: str = ""
    unit: str = ""
    min: Any = None
    max: Any = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    min_rows: int = 0
    max_rows: int = MAX_ROWS
    multiple: bool = False
    ref: str = ""
    auto: str = ""
    assigns: str = ""
    rule: str = ""
    article: str = ""
    options: tuple[Option, ...] = ()
    columns: tuple[Field, ...] = ()

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The values that may be chosen."""
        return tuple(option.value for option in self.options)


def read_field(told: Mapping[str, Any]) -> Field:
    """Return the field of a form file's entry. Raises `Invalid` or `TypeError` naming what is wrong."""
    entry = dict(told)
    for key in ("required_if", "visible_if"):
        if key in entry:
            entry[key] = compile_expression(entry[key])
    entry["options"] = tuple(Option(**option) for option in entry.get("options", ()))
    entry["columns"] = tuple(read_field(column) for column in entry.get("columns", ()))
    field = Field(**entry)
    if field.type not in TYPES:
        raise Invalid(N_("字段「%(name)s」的类型 %(type)s 不存在。"), name=field.name, type=field.type)
    if field.assigns and field.assigns not in ASSIGNS:
        raise Invalid(N_("字段「%(name)s」的 assigns 不存在。"), name=field.name)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", field.name):
        raise Invalid(N_("字段名称「%(name)s」只能用小写字母、数字和下划线。"), name=field.name)
    if field.type in ("enum", "multi") and not field.options and not field.ref:
        raise Invalid(N_("字段「%(name)s」没有选项。"), name=field.name)
    if field.type == "table" and not field.columns:
        raise Invalid(N_("表格「%(name)s」没有列。"), name=field.name)
    return field
