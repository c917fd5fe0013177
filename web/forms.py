"""Draws a form and reads what was sent back. The form is data; this is the only place that knows its HTML."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template
from markupsafe import Markup
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict

from decision_flow.expressions import Expression
from decision_flow.forms import MAX_ROWS, Field, Form
from web.language import gettext, said

Choices = Mapping[str, Sequence[tuple[int, str]]]
ADD, REMOVE = "_add", "_remove"


def render(
    form: Form,
    values: Mapping[str, Any],
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    choices: Choices | None = None,
    auto: Mapping[str, Any] | None = None,
    readonly: bool = False,
) -> Markup:
    """Return the fields of `form` with `values`; `errors` by path stand beside their fields.

    Read-only, it returns the answers as a list of terms.
    """
    shown = {**values, **{f.name: (auto or {}).get(f.auto, values.get(f.name)) for f in form.fields if f.auto}}
    return Markup(  # noqa: S704 - the template escapes; what it returns is HTML
        render_template(
            "components/answers.html" if readonly else "components/form.html",
            form=form,
            values=shown,
            errors={path: [said(text) for text in texts] for path, texts in (errors or {}).items()},
            choices=choices or {},
            condition=condition,
            field_label=label_of,
        )
    )


def label_of(form: Form, path: str) -> str:
    """Return the label of the field at an error's path, for the summary above the form."""
    from web.presentation import text_of

    parts = path.split(".")
    field = next((field for field in form.fields if field.name == parts[0]), None)
    if field is None:
        return gettext("表单")
    if len(parts) == 3:
        column = next((column for column in field.columns if column.name == parts[2]), None)
        if column is not None:
            row = gettext("第%(row)s行", row=int(parts[1]) + 1)
            return f"{text_of(field)} {row} {text_of(column)}"
    return text_of(field)


def read_submission(
    form: Form, sent: ImmutableMultiDict[str, str] | MultiDict[str, str], files: MultiDict[str, FileStorage]
) -> tuple[dict[str, Any], list[tuple[str, FileStorage]]]:
    """Return what was typed, by field, and the files that came with it as (field path, file).

    Files uploaded earlier come back through hidden fields. The buttons that add or remove a row are
    carried out here, so that tables work without script.
    """
    values: dict[str, Any] = {}
    uploads: list[tuple[str, FileStorage]] = []
    for field in form.fields:
        if field.type == "table":
            values[field.name] = _rows(field, sent)
        elif field.type == "file":
            values[field.name] = _files(field, sent)
            uploads += [(field.name, one) for one in files.getlist(field.name) if one.filename]
        elif field.type == "multi":
            values[field.name] = sent.getlist(field.name)
        elif field.type != "sign":
            values[field.name] = sent.get(field.name, "")
    return values, uploads


def changes_rows(sent: Mapping[str, str]) -> bool:
    """Whether a button was pressed that adds or removes a row and does not submit the form."""
    return ADD in sent or REMOVE in sent


def condition(expression: Expression | None) -> str:
    """Return a condition as JSON for the page's script; empty when the script could not work it out."""
    if expression is None:
        return ""
    try:
        return json.dumps(_tree(ast.parse(expression.text, mode="eval").body), ensure_ascii=False)
    except ValueError:
        return ""


def _tree(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant):
        return ["value", node.value]
    if isinstance(node, ast.Name):
        return ["value", {"true": True, "false": False, "null": None}[node.id]] if node.id in (
            "true", "false", "null") else ["name", node.id]  # fmt: skip
    if isinstance(node, ast.BoolOp):
        return ["and" if isinstance(node.op, ast.And) else "or", *map(_tree, node.values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ["not", _tree(node.operand)]
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        signs = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.LtE: "<=", ast.In: "in"}
        if type(node.ops[0]) in signs:
            return [signs[type(node.ops[0])], _tree(node.left), _tree(node.comparators[0])]
    if isinstance(node, ast.List):
        return ["list", *map(_tree, node.elts)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("empty", "exists", "len"):
        return [node.func.id, _tree(node.args[0])]
    raise ValueError("not for the browser")


def _rows(field: Field, sent: Mapping[str, str]) -> list[dict[str, Any]]:
    pattern = re.compile(rf"^{re.escape(field.name)}-(\d{{1,4}})-([a-z0-9_]+)$")
    rows: dict[int, dict[str, Any]] = {}
    columns = {column.name for column in field.columns}
    for key, value in sent.items():
        match = pattern.match(key)
        if match and match[2] in columns and len(rows) <= MAX_ROWS:
            rows.setdefault(int(match[1]), {})[match[2]] = value
    found = [rows[number] for number in sorted(rows)]
    removed = sent.get(REMOVE, "")
    if removed.startswith(f"{field.name}-") and removed.rsplit("-", 1)[-1].isdigit():
        position = int(removed.rsplit("-", 1)[-1])
        found = [row for number, row in enumerate(found) if number != position]
    if sent.get(ADD) == field.name:
        found.append({})
        return found
    # A row in which nothing was typed is no row.
    return [row for row in found if any(str(value).strip() for value in row.values())]


def _files(field: Field, sent: Any) -> Any:
    kept = []
    for text in sent.getlist(f"{field.name}-kept"):
        try:
            entry = json.loads(text)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("document_id"), int):
            kept.append({key: entry[key] for key in ("document_id", "name", "size") if key in entry})
    dropped = sent.getlist(f"{field.name}-drop")
    kept = [entry for entry in kept if str(entry["document_id"]) not in dropped]
    return kept if field.multiple else (kept[-1] if kept else None)


def with_upload(field: Field, value: Any, uploaded: Mapping[str, Any]) -> Any:
    """Return a file field's value with one more uploaded file."""
    return [*(value or []), dict(uploaded)] if field.multiple else dict(uploaded)
