"""A form's answers as a whole: typed, then what applies, what the product fills in, what is missing, the checks.

One pass in the order of the fields. A condition of visibility reads only fields before it (`reading` sees to
that), so that the pass is exact and checking what was checked changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import marshmallow as ma

from decision_flow.errors import N_, DecisionFlowError, Text
from decision_flow.expressions import compile_expression
from decision_flow.forms.definition import Check, Field
from decision_flow.forms.functions import FUNCTIONS, holds
from decision_flow.forms.values import EMPTY, clean, value_of

REQUIRED, REQUIRED_BY = N_("请填写此项。"), N_("请填写此项。（%s）")
UNKNOWN = N_("表单中没有这一项。")
_MARSHMALLOW = {"Unknown field.": UNKNOWN, "Field may not be null.": REQUIRED}
Errors = dict[str, list[str]]


class Checking:
    """The checking of one submission. `answers` and `errors` are its result."""

    def __init__(
        self,
        fields: tuple[Field, ...],
        checks: tuple[Check, ...],
        schema: ma.Schema,
        *,
        context: Mapping[str, Any],
        auto: Mapping[str, Any],
        signed: Mapping[str, Any],
        draft: bool,
    ) -> None:
        self.fields, self.checks, self.schema = fields, checks, schema
        self.auto, self.signed, self.draft = auto, signed, draft
        self.answers: dict[str, Any] = {}
        self.errors: Errors = {}
        # The legal rules among what is wrong, in the order they were met.
        self.rules: list[str] = []
        # Conditions read a field that is not answered as null.
        self.names: dict[str, Any] = {**dict.fromkeys(field.name for field in fields), "context": context}

    def run(self, values: Mapping[str, Any]) -> None:
        """Check `values`."""
        given = clean(values)
        for field in self.fields:
            if field.auto or field.type == "sign":  # never taken from whoever submits
                given.pop(field.name, None)
            if field.type == "sign" and self.signed.get(field.name):
                given[field.name] = self.signed[field.name]
        typed = self._typed(given)
        for field in self.fields:
            self._settle(field, typed, self.names, self.answers, "")
        if not self.draft:
            for check in self.checks:
                self._ask(check)

    def _typed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return clean(self.schema.load(given))
        except ma.ValidationError as error:
            flatten(error.messages, "", self.errors)
            return clean(error.valid_data) if isinstance(error.valid_data, dict) else {}

    def _settle(
        self, field: Field, typed: Mapping[str, Any], names: dict[str, Any], answers: dict[str, Any], prefix: str
    ) -> None:
        """Move one field from `typed` to `answers` if it applies, and say what is wrong with it."""
        path = f"{prefix}{field.name}"
        shown = field.visible_if is None or holds(field.visible_if, names)
        if not shown:
            # A person cannot mend what the page does not show. A draft keeps it, in case it is shown again.
            for key in self._wrong_at(path):
                del self.errors[key]
            if self.draft and field.name in typed:
                answers[field.name] = typed[field.name]
            return
        value = self._computed(field, names, path) if field.auto else typed.get(field.name)
        if field.type == "table" and isinstance(value, list):
            value = [self._row(field, row, number, names, path) for number, row in enumerate(value)]
        if value not in EMPTY:
            answers[field.name] = names[field.name] = value
        if not self.draft and not self._wrong_at(path) and not (prefix and prefix[:-1] in self.errors):
            self._require(field, value, names, path)

    def _wrong_at(self, path: str) -> list[str]:
        return [key for key in self.errors if key == path or key.startswith(f"{path}.")]

    def _row(
        self, field: Field, row: Mapping[str, Any], number: int, names: dict[str, Any], path: str
    ) -> dict[str, Any]:
        inner = {**names, **dict.fromkeys(column.name for column in field.columns), "row": number + 1}
        settled: dict[str, Any] = {}
        for column in field.columns:
            self._settle(column, row, inner, settled, f"{path}.{number}.")
        return settled

    def _computed(self, field: Field, names: Mapping[str, Any], path: str) -> Any:
        """Return the value that the product fills in, or None while it cannot be worked out."""
        try:
            value = compile_expression(field.auto).evaluate({**names, **self.auto}, FUNCTIONS)
        except DecisionFlowError:
            return None
        if value in EMPTY:
            return None
        try:
            return value_of(field).deserialize(value.isoformat() if isinstance(value, date) else value)
        except ma.ValidationError as error:
            flatten(error.messages, path, self.errors)
            return None

    def _require(self, field: Field, value: Any, names: Mapping[str, Any], path: str) -> None:
        if field.required_if is None:
            needed = field.required or field.min_rows > 0
        else:
            needed = field.required or holds(field.required_if, names)
        if value in EMPTY:
            if needed:
                self._count(field)
                self.errors[path] = [Text.of(*((REQUIRED_BY, _basis(field)) if field.rule else (REQUIRED,)))]
        elif field.type == "table" and len(value) < field.min_rows:
            self._count(field)
            self.errors[path] = [Text.of(N_("至少需要填写%s行。"), field.min_rows)]

    def _ask(self, check: Check) -> None:
        # What is missing or malformed has its own message; a check that reads it would only repeat it.
        wrong = {path.split(".")[0] for path in self.errors}
        read = {name.split(".")[0] for name in check.expr.names()}
        if check.each:
            for number, row in enumerate(self.answers.get(check.each, ())):
                inner = {**self.names, **dict.fromkeys(self._columns(check.each)), **row, "row": number + 1}
                start = f"{check.each}.{number}."
                bad = {path.removeprefix(start) for path in self.errors if path.startswith(start)}
                if not (read & bad) and not (read & (wrong - {check.each})) and not holds(check.expr, inner):
                    self._refuse(check, f"{start}{check.field}" if check.field else check.each)
        elif not read & wrong and not holds(check.expr, self.names):
            self._refuse(check, check.field)

    def _columns(self, table: str) -> list[str]:
        return [column.name for field in self.fields if field.name == table for column in field.columns]

    def _count(self, told: Field | Check) -> None:
        if told.rule and told.rule not in self.rules:
            self.rules.append(told.rule)

    def _refuse(self, check: Check, path: str) -> None:
        self._count(check)
        basis = f"（{_basis(check)}）" if check.rule else ""
        english = f"{check.message_en} ({_basis(check, ', ')})" if check.message_en and check.rule else check.message_en
        # The sentence is the form's own, not a text of the catalogue: its English comes with it.
        self.errors.setdefault(path, []).append(Text.of(check.message + basis, english=english))


def _basis(told: Field | Check, comma: str = "，") -> str:
    return comma.join(part for part in (told.rule, told.article) if part)


def flatten(messages: Any, prefix: str, errors: Errors) -> None:
    """Turn marshmallow's nested messages into paths: `options.0.content`."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            flatten(inner, f"{prefix}.{key}" if prefix else str(key), errors)
        return
    for text in messages:
        told = text if isinstance(text, Text) else Text.of(_MARSHMALLOW.get(text, text))
        errors.setdefault(prefix, []).append(told)
