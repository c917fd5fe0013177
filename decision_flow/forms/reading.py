"""A form file, read strictly: whatever is unknown, double or cannot work is refused by file and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from decision_flow.errors import N_, Invalid
from decision_flow.expressions import BUILT_IN, Expression, compile_expression
from decision_flow.forms.definition import (
    ASSIGNS,
    COLUMN_TYPES,
    MAX_LONG,
    MAX_ROWS,
    NUMERIC,
    REFERENCES,
    TEXTUAL,
    TYPES,
    Check,
    Field,
    Option,
)
from decision_flow.forms.functions import FUNCTIONS
from decision_flow.roles import ROLES

TOP = {"id", "title", "title_en", "basis", "fields", "checks"}
MAX_FIELDS = 200
# What only some types understand; anywhere else it would be silently without effect.
_ONLY_FOR: dict[str, frozenset[str]] = {
    "min": NUMERIC,
    "max": NUMERIC,
    "unit": NUMERIC,
    "unit_en": NUMERIC,
    "min_length": TEXTUAL,
    "max_length": TEXTUAL,
    "pattern": TEXTUAL,
    "columns": frozenset({"table"}),
    "min_rows": frozenset({"table", "multi", "file"}),
    "max_rows": frozenset({"table", "multi", "file"}),
    "multiple": frozenset({"file"}),
    "ref": frozenset({"ref", "multi"}),
    "options": frozenset({"enum", "multi"}),
}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "required": bool, "multiple": bool, "min_length": int, "max_length": int, "min_rows": int, "max_rows": int,
    "min": (int, float, str), "max": (int, float, str), "options": list, "columns": list,
}  # fmt: skip
_FIELD_KEYS = {attribute.name for attribute in fields(Field)}
_CHECK_KEYS = {attribute.name for attribute in fields(Check)}
_OPTION_KEYS = {attribute.name for attribute in fields(Option)}


@dataclass(frozen=True)
class Read:
    """What a form file says."""

    id: str
    title: str
    title_en: str
    basis: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]


class _Fault(Exception):
    """Something is wrong at a place of the file."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


def read(content: bytes, name: str = "") -> Read:
    """Return what the form file `content` says; `name` is how it is called when it has no readable id.

    Raises `Invalid` naming file, field and what is wrong there.
    """
    told: dict[str, Any] = {}
    try:
        told = tomllib.loads(content.decode())
        return _form(told)
    except (_Fault, ValueError, RecursionError) as error:
        called = told.get("id") if isinstance(told.get("id"), str) else None
        where = error.where if isinstance(error, _Fault) else ""
        raise Invalid(
            N_("表单文件“%(name)s”的%(where)s有误：%(reason)s"),
            name=name or called or content[:60].decode(errors="replace").split("\n")[0],
            where=where or "写法",
            reason=str(error),
        ) from error


def _form(told: Mapping[str, Any]) -> Read:
    _known_keys(told, TOP, "表头")
    for key in ("id", "title", "title_en", "basis"):
        if not isinstance(told.get(key, ""), str) or (key in ("id", "title") and not told.get(key)):
            raise _Fault("表头", f"“{key}”应当是文字，且不能为空。")
    if not re.fullmatch(r"F-[0-9]{1,3}[a-z]?", told["id"]):
        raise _Fault("表头", "编号应当写成 F-06 或者 F-13c 的样子。")
    entries = _tables(told, "fields", "表头")
    if not 0 < len(entries) <= MAX_FIELDS:
        raise _Fault("表头", f"应当有1至{MAX_FIELDS}个字段。")
    found = tuple(_field(entry, f"字段“{entry.get('name', number)}”") for number, entry in enumerate(entries, 1))
    _distinct((field.name for field in found), "表头", "字段名称")
    _names_exist(found)
    checks = tuple(_check(entry, found, number) for number, entry in enumerate(_tables(told, "checks", "表头"), 1))
    return Read(told["id"], told["title"], told.get("title_en", ""), told.get("basis", ""), found, checks)


def _field(told: Mapping[str, Any], where: str, *, column: bool = False) -> Field:
    _known_keys(told, _FIELD_KEYS, where)
    for key, value in told.items():
        wanted = _KINDS.get(key, str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise _Fault(where, f"“{key}”的值类型不对。")
    name, kind = told.get("name", ""), told.get("type", "")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name) or name in ("context", "row", "true", "false", "null"):
        raise _Fault(where, "名称只能用小写字母、数字和下划线，以字母开头，且不能用保留字。")
    if not told.get("label"):
        raise _Fault(where, "没有名称（label）。")
    if kind not in (COLUMN_TYPES if column else TYPES):
        raise _Fault(where, f"类型“{kind}”不存在，或者不能用在这里。")
    for key in told:
        if key in _ONLY_FOR and kind not in _ONLY_FOR[key]:
            raise _Fault(where, f"类型“{kind}”没有“{key}”这一设置。")
    _fits_type(told, kind, where)
    entry: dict[str, Any] = dict(told)
    for key in ("required_if", "visible_if"):
        if key in entry:
            entry[key] = _expression(entry[key], where)
    if "auto" in entry:
        _expression(entry["auto"], where)
    options = tuple(_option(option, where) for option in _tables(told, "options", where))
    _distinct((option.value for option in options), where, "选项")
    columns = tuple(
        _field(inner, f"{where}的列“{inner.get('name', number)}”", column=True)
        for number, inner in enumerate(_tables(told, "columns", where), 1)
    )
    _distinct((inner.name for inner in columns), where, "列名称")
    return Field(**{**entry, "options": options, "columns": columns})


def _fits_type(told: Mapping[str, Any], kind: str, where: str) -> None:
    if kind == "enum" and not told.get("options"):
        raise _Fault(where, "没有选项。")
    if kind == "multi" and bool(told.get("options")) == bool(told.get("ref")):
        raise _Fault(where, "选项（options）和引用（ref）应当有且只有一个。")
    if kind == "table" and not told.get("columns"):
        raise _Fault(where, "表格没有列。")
    target = told.get("ref", "")
    if kind == "ref" or target:
        role = target.removeprefix("role:")
        if not (target in REFERENCES or (target != role and role in ROLES)):
            raise _Fault(where, f"引用对象“{target}”不存在。")
    if told.get("assigns", ASSIGNS[0]) not in ASSIGNS:
        raise _Fault(where, f"“assigns”不能是“{told['assigns']}”。")
    if not 0 <= told.get("min_rows", 0) <= told.get("max_rows", MAX_ROWS) <= MAX_ROWS:
        raise _Fault(where, f"行数应当在0至{MAX_ROWS}之间，下限不高于上限。")
    if not 0 <= told.get("min_length", 0) <= told.get("max_length", MAX_LONG) <= MAX_LONG:
        raise _Fault(where, f"字数应当在0至{MAX_LONG}之间，下限不高于上限。")
    for key in ("min", "max"):
        if isinstance(told.get(key), str) and not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,6})?", told[key]):
            raise _Fault(where, f"“{key}”应当是数字。")
    try:
        re.compile(told.get("pattern", ""))
    except re.error as error:
        raise _Fault(where, f"“pattern”写法有误：{error}") from error


def _check(told: Mapping[str, Any], found: tuple[Field, ...], number: int) -> Check:
    where = f"第{number}条检查"
    _known_keys(told, _CHECK_KEYS, where)
    if not all(isinstance(value, str) for value in told.values()) or not told.get("expr") or not told.get("message"):
        raise _Fault(where, "“expr”和“message”应当是文字，且不能为空。")
    expression, each = _expression(told["expr"], where), told.get("each", "")
    by_name = {field.name: field for field in found}
    if each and (each not in by_name or by_name[each].type != "table"):
        raise _Fault(where, f"“{each}”不是本表单的表格。")
    columns = {column.name for column in by_name[each].columns} if each else set()
    _reads_only(expression, set(by_name) | columns | ({"row"} if each else set()), where)
    if (place := told.get("field", "")) and place not in (columns if each else by_name):
        raise _Fault(where, f"“field”所指的“{place}”不存在。")
    return Check(**{**told, "expr": expression})


def _names_exist(found: tuple[Field, ...]) -> None:
    """Refuse conditions over names that do not exist; one of visibility may only look back."""
    every, before = {field.name for field in found}, set[str]()
    for field in found:
        where = f"字段“{field.name}”"
        if field.visible_if:
            _reads_only(field.visible_if, before, where, "显示条件只能用前面的字段，")
        if field.required_if:
            _reads_only(field.required_if, every, where)
        columns, left = {column.name for column in field.columns}, set[str]()
        for column in field.columns:
            inner = f"{where}的列“{column.name}”"
            if column.visible_if:
                _reads_only(column.visible_if, before | left | {"row"}, inner, "显示条件只能用前面的字段，")
            if column.required_if:
                _reads_only(column.required_if, every | columns | {"row"}, inner)
            left.add(column.name)
        before.add(field.name)


def _reads_only(expression: Expression, known: set[str], where: str, why: str = "") -> None:
    unknown = {name.split(".")[0] for name in expression.names()} - known - {"context"}
    if unknown:
        raise _Fault(where, f"表达式“{expression.text}”用到的名称不能用：{why}{'、'.join(sorted(unknown))}")


def _expression(text: str, where: str) -> Expression:
    try:
        expression = compile_expression(text)
    except Invalid as error:
        raise _Fault(where, str(error)) from error
    missing = set(expression.functions) - set(BUILT_IN) - set(FUNCTIONS) - {"exists", "empty"}
    if missing:
        raise _Fault(where, f"表达式“{text}”用到的函数不存在：{'、'.join(sorted(missing))}")
    return expression


def _option(told: Mapping[str, Any], where: str) -> Option:
    _known_keys(told, _OPTION_KEYS, f"{where}的选项")
    if not all(isinstance(value, str) for value in told.values()) or not told.get("value") or not told.get("label"):
        raise _Fault(where, "选项的“value”和“label”应当是文字，且不能为空。")
    return Option(**told)


def _tables(told: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    entries = told.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise _Fault(where, f"“{key}”的写法不对。")
    return entries


def _known_keys(told: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := set(told) - known:
        raise _Fault(where, f"不认识的设置：{'、'.join(sorted(unknown))}")


def _distinct(names: Iterable[str], where: str, what: str) -> None:
    seen = set[str]()
    for name in names:
        if name in seen:
            raise _Fault(where, f"{what}重复：{name}")
        seen.add(name)
