"""The form itself: one validator for page, API and import.

Values are checked through marshmallow and come back as JSON values: dates as ISO text, money as text with two
decimals. Which fields are asked for, and the rules over several of them, are conditions in our own language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

import marshmallow as ma

from decision_flow import clock, deliberation
from decision_flow.errors import N_, DecisionFlowError, Invalid, Text
from decision_flow.expressions import Expression, compile_expression
from decision_flow.forms.definition import Check, Field, read_field
from decision_flow.forms.values import flatten, schema_of

FUNCTIONS: dict[str, Any] = {"today": clock.today, "iso": str, **deliberation.FUNCTIONS}
REQUIRED = N_("请填写此项。")


@dataclass(frozen=True)
class Form:
    """A form: its fields in order and the checks over them."""

    id: str
    title: str
    title_en: str
    basis: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...] = ()
    schema: type[ma.Schema] = attribute(repr=False, compare=False, default=ma.Schema)

    @property
    def key(self) -> str:
        """The name of this form's answers in process data: `F06` for F-06."""
        return self.id.replace("-", "")

    @staticmethod
    def parse(content: bytes) -> Form:
        """Return the form of a TOML file. Raises `Invalid` naming the form and what is wrong in it."""
        try:
            told = tomllib.loads(content.decode())
            fields = tuple(read_field(entry) for entry in told["fields"])
            names = [field.name for field in fields]
            if len(set(names)) != len(names):
                raise Invalid(N_("字段名称重复。"))
            checks = tuple(
                Check(**{**entry, "expr": compile_expression(entry["expr"])}) for entry in told.get("checks", ())
            )
            unknown = set(told) - {"id", "title", "title_en", "basis", "fields", "checks"}
            if unknown:
                raise Invalid(N_("不认识的设置:%(names)s"), names="、".join(sorted(unknown)))
            return Form(
                told["id"],
                told["title"],
                told.get("title_en", ""),
                told.get("basis", ""),
                fields,
                checks,
                schema_of(fields),
            )
        except (KeyError, TypeError, ValueError, Invalid) as error:
            name = content[:60].decode(errors="replace").split("\n")[0]
            raise Invalid(N_("表单文件(%(name)s)有误:%(reason)s"), name=name, reason=str(error)) from error

    def validate(
        self,
        values: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        auto: Mapping[str, Any] | None = None,
        signed: Mapping[str, Any] | None = None,
        draft: bool = False,
    ) -> dict[str, Any]:
        """Return the answers, typed and JSON-safe; fields that do not apply are left out.

        `context` is the process data, `auto` the values for fields the product fills in, `signed` the
        signatures made by re-authentication, by field. A draft may be incomplete, not malformed. Raises
        `Invalid` with every error by path (`options.0.content`).
        """
        given = {key: value for key, value in values.items() if value not in (None, "", [])}
        errors: dict[str, list[str]] = {}
        for field in self.fields:
            if field.type == "sign" or field.auto:
                given.pop(field.name, None)
            if field.type == "sign" and signed and signed.get(field.name):
                given[field.name] = signed[field.name]
            if field.auto and auto and field.auto in auto:
                given[field.name] = auto[field.auto]
        try:
            answers: dict[str, Any] = dict(self.schema().load(given))
        except ma.ValidationError as error:
            flatten(error.messages, "", errors)
            answers = dict(error.valid_data) if isinstance(error.valid_data, dict) else {}
        names = _Names(self.fields, answers, context or {})
        answers = {
            field.name: answers[field.name]
            for field in self.fields
            if field.name in answers and (draft or self._shows(field, names))
        }
        if not draft:
            for field in self.fields:
                _require(field, answers.get(field.name), names, field.name, errors, self._shows(field, names))
            if not errors:
                self._run_checks(names, errors)
        if errors:
            raise Invalid(N_("填写的内容有误,请按提示修改后再提交。"), errors=errors)
        return answers

    def process_data(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the procedure decides by: the answers without long texts, files and signatures."""
        return _short(self.fields, answers)

    def assignments(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the matter that these answers settle."""
        return {
            field.assigns: answers[field.name]
            for field in self.fields
            if field.assigns and answers.get(field.name) not in (None, "", [])
        }

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of this form's answers."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            **_object_schema(self.fields),
        }

    @staticmethod
    def _shows(field: Field, names: Mapping[str, Any]) -> bool:
        return field.visible_if is None or holds(field.visible_if, names)

    def _run_checks(self, names: Mapping[str, Any], errors: dict[str, list[str]]) -> None:
        for check in self.checks:
            if not holds(check.expr, names):
                where = f"({check.rule},{check.article})" if check.rule else ""
                english = f"{check.message_en} ({check.rule}, {check.article})" if check.rule else check.message_en
                errors.setdefault(check.field, []).append(Text.of(check.message + where, english=english))


class _Names(dict[str, Any]):
    """What a form's expressions may read: its own fields (null when empty) and the process data."""

    def __init__(self, fields: tuple[Field, ...], answers: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        super().__init__({field.name: answers.get(field.name) for field in fields})
        self["context"] = context


def holds(expression: Expression, names: Mapping[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be worked out yet, because a field is empty, does not."""
    try:
        return bool(expression.evaluate(names, FUNCTIONS))
    except DecisionFlowError:
        return False


def _require(
    field: Field, value: Any, names: Mapping[str, Any], path: str, errors: dict[str, list[str]], shows: bool
) -> None:
    if path in errors or not shows:
        return
    empty = value is None or value == "" or value == []
    needed = field.required or (field.required_if is not None and holds(field.required_if, names))
    if empty and (needed or field.min_rows > 0) and not (field.auto and not needed):
        errors[path] = [REQUIRED]
        return
    if field.type == "table" and isinstance(value, list):
        if needed and len(value) < field.min_rows:
            errors[path] = [Text.of(N_("至少需要填写%s行。"), field.min_rows)]
        for number, row in enumerate(value):
            inner = {**names, **{column.name: row.get(column.name) for column in field.columns}}
            for column in field.columns:
                shown = Form._shows(column, inner)
                _require(column, row.get(column.name), inner, f"{path}.{number}.{column.name}", errors, shown)


def _short(fields: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        value = answers.get(field.name)
        if field.type in ("long", "file", "sign"):
            continue
        if field.type == "table":
            value = [_short(field.columns, row) for row in value or ()]
        found[field.name] = value
    return found


def _object_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _property_schema(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property_schema(field: Field) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "int": {"type": "integer"},
        "number": {"type": "number"},
        "money": {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$"},
        "date": {"type": "string", "format": "date"},
        "datetime": {"type": "string", "format": "date-time"},
        "bool": {"type": "boolean"},
        "ref": {"type": "integer"},
        "file": {"type": "object"},
        "sign": {"type": "object"},
    }
    schema: dict[str, Any] = dict(kinds.get(field.type, {"type": "string"}))
    if field.type == "enum":
        schema["enum"] = list(field.values)
    if field.type == "multi":
        inner: dict[str, Any] = {"type": "integer"} if field.ref else {"enum": list(field.values)}
        schema = {"type": "array", "items": inner}
    if field.type == "table":
        schema = {"type": "array", "items": _object_schema(field.columns), "minItems": field.min_rows}
    return {**schema, "title": field.label}
