"""Draws a form and reads what was sent back. The form is data; this is the only place that knows its HTML.

Names in the HTML: `title`, `options-0-content`; ids the same with `field-` before. Everything works without
script: rows are added and removed by submit buttons, conditional fields simply stay visible.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import render_template
from markupsafe import Markup
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict

from decision_flow.clock import BUSINESS_ZONE
from decision_flow.errors import N_, DecisionFlowError, Text
from decision_flow.expressions import Expression, compile_expression
from decision_flow.forms import FUNCTIONS, MAX_ROWS, Field, Form, holds
from web.language import english
from web.request import language, settings

Choices = Mapping[str, Sequence[tuple[int, str]]]
ADD, REMOVE, RAISE = "_add", "_remove", "_raise"
# Above this many choices a list gets a box to search it.
LONG_LIST = 15
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
}  # fmt: skip
# What form.js can call.
_IN_BROWSER = {"empty", "exists", "len", "count", "any_of", "days_between"}


def render(
    form: Form,
    values: Mapping[str, Any],
    errors: Mapping[str, Sequence[str]] | None = None,
    choices: Choices | None = None,
    lang: str | None = None,
    *,
    auto: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    readonly: bool = False,
) -> Markup:
    """Return the fields of `form` with `values`; `errors` by path stand beside their fields.

    `choices` are what reference fields may name, by target; `auto` and `context` are what the product fills
    in and the process data. `lang` is "zh" or "en", by default the reader's. Read-only, the answers are
    returned as a list of terms.
    """
    drawing = _Drawing(form, lang or language())
    told = {path: [drawing.said(text) for text in texts] for path, texts in (errors or {}).items()}
    return Markup(  # noqa: S704 - the template escapes; what it returns is HTML
        render_template(
            "components/answers.html" if readonly else "components/form.html",
            form=form,
            values=values,
            computed={} if readonly else form.computed(values, context=context, auto=auto),
            errors=told,
            choices=choices or {},
            sections=list(drawing.sections(values if readonly else None, context or {})),
            condition=lambda expression: condition(expression, context),
            label_of=drawing.label_of,
            anchor_of=drawing.anchor_of,
            words=drawing.words,
            long_list=LONG_LIST,
            is_number=_is_number,
            upload_limit=settings().upload_limit_mb,
            local_time=_local_time,
            _=drawing.gettext,
        )
    )


class _Drawing:
    """A form in one language."""

    def __init__(self, form: Form, lang: str) -> None:
        self.form, self.lang = form, lang
        self.translate: Callable[[str], str] = english().gettext if lang == "en" else str

    def gettext(self, message: str, **values: object) -> str:
        """Return `message` in the language of the form."""
        found = self.translate(message)
        return found % values if values else found

    def words(self, thing: Any, name: str = "label") -> str:
        """Return `thing.label`, or its English where there is one and it is wanted."""
        told = getattr(thing, f"{name}_en", "") if self.lang == "en" else ""
        if name == "unit" and self.lang == "en" and re.search(r"[\u4e00-\u9fff]", thing.unit):
            return str(told)  # a measure word that English does not have
        return str(told or getattr(thing, name))

    def said(self, text: str) -> str:
        """Return an error's message, which may have come filled."""
        if self.lang != "en" or not isinstance(text, Text):
            return self.translate(text) if text else text
        if text.english:
            return text.english
        found = self.translate(text.template)
        return found % text.value if text.value is not None else found

    def sections(
        self, answers: Mapping[str, Any] | None, context: Mapping[str, Any]
    ) -> Iterator[tuple[str, list[Field]]]:
        """Yield (heading, fields); with `answers` only the fields that have one."""
        heading, found = "", list[Field]()
        for field in self.form.fields:
            if field.section:
                if found:
                    yield heading, found
                heading, found = self.words(field, "section"), []
            if answers is not None:
                wanted = field.name in answers
            else:
                wanted = not _never_shown(field.visible_if, context)
            if wanted:
                found.append(field)
        if found:
            yield heading, found

    def label_of(self, path: str) -> str:
        """Return the label of the field at an error's path, for the summary above the form."""
        parts = path.split(".")
        field = next((field for field in self.form.fields if field.name == parts[0]), None)
        if field is None:
            return self.gettext(N_("表单"))
        row = self.gettext(N_("第%(row)s行"), row=int(parts[1]) + 1) if len(parts) > 1 and parts[1].isdecimal() else ""
        column = next((column for column in field.columns if column.name == parts[-1]), None)
        return " ".join(part for part in (self.words(field), row, self.words(column) if column else "") if part)

    def anchor_of(self, path: str) -> str:
        """Return the id of the control, or of the group of controls, at an error's path."""
        parts = path.split(".")
        field = next((field for field in self.form.fields if field.name == parts[0]), None)
        if field is None:
            return ""
        cells = () if field.auto else field.columns
        in_cell = len(parts) == 3 and any(column.name == parts[2] and not column.auto for column in cells)
        return f"field-{'-'.join(parts)}" if in_cell else f"field-{field.name}"


def read_submission(
    form: Form, sent: ImmutableMultiDict[str, str] | MultiDict[str, str], files: MultiDict[str, FileStorage]
) -> tuple[dict[str, Any], list[tuple[str, FileStorage]]]:
    """Return what was typed, by field, and the files that came with it as (field, file).

    Files uploaded earlier come back through hidden fields. The buttons that add or remove a row are carried
    out here, so that tables work without script. What the product fills in is not read.
    """
    values: dict[str, Any] = {}
    uploads: list[tuple[str, FileStorage]] = []
    for field in form.fields:
        if field.auto:
            continue
        if field.type == "table":
            values[field.name] = _rows(field, sent)
        elif field.type in ("file", "sign"):  # a signature may come as a scan
            values[field.name] = _files(field, sent)
            uploads += [(field.name, one) for one in files.getlist(field.name) if one.filename]
        elif field.type == "multi":
            values[field.name] = sent.getlist(field.name)
        else:
            values[field.name] = sent.get(field.name, "")
    return values, uploads


def changes_rows(sent: Mapping[str, str]) -> bool:
    """Whether a button was pressed that adds, removes or moves a row and does not submit the form."""
    return any(button in sent for button in (ADD, REMOVE, RAISE))


def with_upload(field: Field, value: Any, uploaded: Mapping[str, Any]) -> Any:
    """Return a file field's value with one more uploaded file."""
    return [*(value or []), dict(uploaded)] if field.multiple else dict(uploaded)


def condition(expression: Expression | None, context: Mapping[str, Any] | None = None) -> str:
    """Return a condition as JSON for form.js, the process data already filled in; "" when it could not work it out."""
    if expression is None:
        return ""
    try:
        return json.dumps(_tree(ast.parse(expression.text, mode="eval").body, context or {}), ensure_ascii=False)
    except ValueError:
        return ""


def _local_time(text: str) -> str:
    """Return an ISO time as it is in China: 2026-05-08 09:30; what is none as it stands."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return str(text)
    return (at if at.tzinfo is None else at.astimezone(BUSINESS_ZONE)).strftime("%Y-%m-%d %H:%M")


def _is_number(value: Any) -> bool:
    """Whether a number box can hold what was typed."""
    return value in (None, "") or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(value)) is not None


def _never_shown(expression: Expression | None, context: Mapping[str, Any]) -> bool:
    """Whether a condition depends on the process data alone and does not hold."""
    if expression is None or not all(name.split(".")[0] == "context" for name in expression.names()):
        return False
    return not holds(expression, {"context": context})


def _tree(node: ast.expr, context: Mapping[str, Any]) -> Any:
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    if "context" in names:
        calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
        if names <= {"context"} | {called.id for called in calls if isinstance(called, ast.Name)}:
            return ["value", _known(ast.unparse(node), context)]
    match node:
        case ast.Constant(value=value):
            return ["value", value]
        case ast.Name(id=name):
            known = {"true": True, "false": False, "null": None}
            return ["value", known[name]] if name in known else ["name", name]
        case ast.BoolOp(op=operator, values=parts):
            return ["and" if isinstance(operator, ast.And) else "or", *(_tree(part, context) for part in parts)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ["not", _tree(operand, context)]
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _SIGNS:
            return [_SIGNS[type(operator)], _tree(left, context), _tree(right, context)]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return ["list", *(_tree(part, context) for part in parts)]
        case ast.Call(func=ast.Name(id=name), args=parts) if name in _IN_BROWSER:
            return [name, *(_tree(part, context) for part in parts)]
    raise ValueError("not for the browser")


def _known(text: str, context: Mapping[str, Any]) -> Any:
    """Return the value of an expression over the process data alone."""
    try:
        value = compile_expression(text).evaluate({"context": context}, FUNCTIONS)
    except DecisionFlowError:
        return None
    if not isinstance(value, str | int | float | bool | list | None):
        raise ValueError("not for the browser")
    return value


def _rows(field: Field, sent: Mapping[str, str]) -> list[dict[str, Any]]:
    pattern = re.compile(rf"{re.escape(field.name)}-([0-9]{{1,4}})-([a-z0-9_]+)")
    columns = {column.name for column in field.columns if not column.auto}
    rows: dict[int, dict[str, Any]] = {}
    for key, value in sent.items():
        match = pattern.fullmatch(key)
        if match and match[2] in columns and (int(match[1]) in rows or len(rows) <= MAX_ROWS):
            rows.setdefault(int(match[1]), {})[match[2]] = value
    numbers = sorted(rows)
    removed, raised = (_asked(field, sent.get(button, "")) for button in (REMOVE, RAISE))
    numbers = [number for number in numbers if number != removed]
    if sent.get(ADD) != field.name:
        # A row in which nothing was typed is no row.
        numbers = [number for number in numbers if any(str(value).strip() for value in rows[number].values())]
    if raised in numbers[1:]:
        at = numbers.index(raised)
        numbers[at - 1 : at + 1] = [numbers[at], numbers[at - 1]]
    return [*(rows[number] for number in numbers), *([{}] if sent.get(ADD) == field.name else [])]


def _asked(field: Field, value: str) -> int | None:
    """Return the row of this field that a button of its own names."""
    name, _, position = value.rpartition("-")
    return int(position) if name == field.name and re.fullmatch("[0-9]{1,4}", position) else None


def _files(field: Field, sent: Any) -> Any:
    kept = []
    for text in sent.getlist(f"{field.name}-kept"):
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and isinstance(entry.get("document_id"), int):
            kept.append({key: entry[key] for key in ("document_id", "name", "size") if key in entry})
    dropped = sent.getlist(f"{field.name}-drop")
    kept = [entry for entry in kept if str(entry["document_id"]) not in dropped]
    return kept if field.multiple else (kept[-1] if kept else None)
