"""A form as data: read from its file, and the one validator of page, API and import.

A form file is TOML: `id, title, title_en, basis`, `[[fields]]`, `[[checks]]`. It is frozen into the
procedure's version. Values are checked through marshmallow and come back as JSON values: dates as ISO text,
money as text with two decimals.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import marshmallow as ma

from decision_flow import clock, deliberation
from decision_flow.errors import N_, DecisionFlowError, Invalid
from decision_flow.expressions import Expression, compile_expression

TYPES = (
    "text", "long", "int", "number", "money", "date", "datetime", "bool", "enum", "multi", "ref", "file",
    "table", "sign",
)  # fmt: skip
ASSIGNS = (
    "matter_title", "category", "undertaking_unit", "lead_unit", "implementing_unit", "effective_date",
)  # fmt: skip
MAX_TEXT, MAX_LONG, MAX_ROWS, MAX_MONEY = 500, 20_000, 500, Decimal(10) ** 13
FUNCTIONS: dict[str, Any] = {"today": clock.today, "iso": str, **deliberation.FUNCTIONS}
REQUIRED = N_("请填写此项。")
UNKNOWN = N_("表单中没有这一项。")


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
            fields = tuple(_field(entry) for entry in told["fields"])
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
                _schema(fields),
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
            _flatten(error.messages, "", errors)
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
                text = check.message
                if check.rule:
                    text = f"{text}({check.rule},{check.article})"
                errors.setdefault(check.field, []).append(text)


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
            errors[path] = [N_("至少需要填写%s行。") % field.min_rows]
        for number, row in enumerate(value):
            inner = {**names, **{column.name: row.get(column.name) for column in field.columns}}
            for column in field.columns:
                shown = Form._shows(column, inner)
                _require(column, row.get(column.name), inner, f"{path}.{number}.{column.name}", errors, shown)


def _field(told: Mapping[str, Any]) -> Field:
    entry = dict(told)
    for key in ("required_if", "visible_if"):
        if key in entry:
            entry[key] = compile_expression(entry[key])
    entry["options"] = tuple(Option(**option) for option in entry.get("options", ()))
    entry["columns"] = tuple(_field(column) for column in entry.get("columns", ()))
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


# --- marshmallow ----------------------------------------------------------------------------------------


class _Text(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ma.ValidationError(N_("请填写文字。"))
        text = value.strip()
        if "\x00" in text:
            raise ma.ValidationError(N_("含有不能保存的字符。"))
        longest = self.field.max_length or (MAX_LONG if self.field.type == "long" else MAX_TEXT)
        if len(text) > longest:
            raise ma.ValidationError(N_("不能超过%s个字。") % longest)
        if text and self.field.min_length and len(text) < self.field.min_length:
            raise ma.ValidationError(N_("至少需要%s个字。") % self.field.min_length)
        if text and self.field.pattern and not re.fullmatch(self.field.pattern, text):
            raise ma.ValidationError(N_("格式不正确。"))
        if text and self.field.type == "enum" and text not in self.field.values:
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return text


class _Number(ma.fields.Field[Any]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = Decimal(str(value).replace(",", "").strip())
        except (InvalidOperation, ValueError):
            raise ma.ValidationError(N_("请填写数字。")) from None
        if not number.is_finite() or abs(number) > MAX_MONEY:
            raise ma.ValidationError(N_("数字超出范围。"))
        low = 0 if self.field.type == "money" and self.field.min is None else self.field.min
        if low is not None and number < Decimal(str(low)):
            raise ma.ValidationError(N_("不能小于%s。") % low)
        if self.field.max is not None and number > Decimal(str(self.field.max)):
            raise ma.ValidationError(N_("不能大于%s。") % self.field.max)
        if self.field.type == "money":
            return str(number.quantize(Decimal("0.01"), ROUND_HALF_UP))
        if self.field.type == "number":
            return float(number)
        if number != number.to_integral_value():
            raise ma.ValidationError(N_("请填写整数。"))
        return int(number)


class _Moment(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            if self.field.type == "date":
                parsed = date.fromisoformat(str(value).strip())
            else:
                parsed = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ma.ValidationError(N_("日期不正确,请按年-月-日填写。")) from None
        if not 1949 <= parsed.year <= 2199:
            raise ma.ValidationError(N_("日期超出范围。"))
        return parsed.isoformat() if self.field.type == "date" else parsed.isoformat(timespec="minutes")


class _Bool(ma.fields.Field[bool]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() not in words:
            raise ma.ValidationError(N_("请选择是或否。"))
        return words[str(value).lower()]


class _Reference(ma.fields.Field[int]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,15}", str(value)):
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return int(value)


class _Many(ma.fields.Field[list[Any]]):
    """Several of the same: choices, references, files or rows."""

    def __init__(self, inner: ma.fields.Field[Any], field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner, self.field = inner, field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            value = [value]
        if len(value) > self.field.max_rows:
            raise ma.ValidationError(N_("不能超过%s项。") % self.field.max_rows)
        found: list[Any] = []
        errors: dict[Any, Any] = {}
        for number, entry in enumerate(value):
            try:
                found.append(self.inner.deserialize(entry))
            except ma.ValidationError as error:
                errors[number] = error.messages
        if errors:
            raise ma.ValidationError(errors)  # type: ignore[arg-type]
        if self.field.type == "multi":
            return list(dict.fromkeys(found))
        return found


class _Choice(ma.fields.Field[str]):
    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.field.values:
            raise ma.ValidationError(N_("请从列出的选项中选择。"))
        return str(value)


class _Row(ma.fields.Field[dict[str, Any]]):
    def __init__(self, schema: type[ma.Schema], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schema_class = schema

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ma.ValidationError(N_("表格的一行写法不正确。"))
        given = {key: entry for key, entry in value.items() if entry not in (None, "", [])}
        return dict(self.schema_class().load(given))


class _File(ma.fields.Field[dict[str, Any]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not isinstance(value.get("document_id"), int):
            raise ma.ValidationError(N_("请上传文件。"))
        return {key: value[key] for key in ("document_id", "name", "sha256", "size") if key in value}


class _Signature(ma.fields.Field[dict[str, Any]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ma.ValidationError(N_("请重新验证本人身份。"))
        return dict(value)


def _schema(fields: tuple[Field, ...]) -> type[ma.Schema]:
    return ma.Schema.from_dict({field.name: _marshal(field) for field in fields}, name="FormSchema")  # type: ignore[arg-type]


def _marshal(field: Field) -> ma.fields.Field[Any]:
    if field.type in ("text", "long", "enum"):
        return _Text(field)
    if field.type in ("int", "number", "money"):
        return _Number(field)
    if field.type in ("date", "datetime"):
        return _Moment(field)
    if field.type == "bool":
        return _Bool()
    if field.type == "ref":
        return _Reference()
    if field.type == "multi":
        return _Many(_Reference() if field.ref else _Choice(field), field)
    if field.type == "file":
        return _Many(_File(), field) if field.multiple else _File()
    if field.type == "table":
        return _Many(_Row(_schema(field.columns)), field)
    return _Signature()


def _flatten(messages: Any, prefix: str, errors: dict[str, list[str]]) -> None:
    """Turn marshmallow's nested messages into paths."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            _flatten(inner, f"{prefix}.{key}" if prefix else str(key), errors)
    else:
        texts = [UNKNOWN if text == "Unknown field." else str(text) for text in messages]
        errors.setdefault(prefix, []).extend(texts)


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
