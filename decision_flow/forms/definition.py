"""What a form consists of: fields, their options, and checks over the whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from decision_flow.expressions import Expression

TYPES = (
    "text", "long", "int", "number", "money", "date", "datetime", "bool", "enum", "multi", "ref", "file",
    "table", "sign",
)  # fmt: skip
# What a cell of a table may hold: one control of one value.
COLUMN_TYPES = frozenset(TYPES) - {"multi", "file", "table", "sign"}
NUMERIC = frozenset({"int", "number", "money"})
TEXTUAL = frozenset({"text", "long"})
# The columns of a matter that a form may settle.
ASSIGNS = (
    "matter_title", "category", "undertaking_unit", "lead_unit", "implementing_unit", "effective_date",
)  # fmt: skip
# What a reference may point at; besides these, `role:<code>` for the people who hold a role.
REFERENCES = ("organisation", "user", "document", "matter", "catalogue_item")
MAX_TEXT, MAX_LONG, MAX_ROWS, MAX_MONEY = 500, 20_000, 500, Decimal(10) ** 13


@dataclass(frozen=True)
class Option:
    """One choice of an `enum` or `multi` field."""

    value: str
    label: str
    label_en: str = ""


@dataclass(frozen=True)
class Check:
    """A rule over the whole form: an expression that must hold, and what to say when it does not.

    `field` is where the message stands. With `each`, the name of a table, the rule is asked of every row,
    whose columns are then names too, and `field` is one of the columns.
    """

    expr: Expression
    message: str
    message_en: str = ""
    field: str = ""
    each: str = ""
    rule: str = ""
    article: str = ""


@dataclass(frozen=True)
class Field:
    """One field, or one column of a table.

    `required_if` and `visible_if` are conditions over the form's other fields and the process data
    (`context.F06.is_technical`). `auto` is filled in by the product: the name of a value handed in by the
    caller, or an expression. `section` begins a section: the fields after it belong to it too. `min` and
    `max` are in the field's own unit, `unit`.
    """

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
    unit_en: str = ""
    min: int | float | str | None = None
    max: int | float | str | None = None
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

    @property
    def longest(self) -> int:
        """The most characters a text may have."""
        return self.max_length or (MAX_LONG if self.type == "long" else MAX_TEXT)
