"""A form being designed: its file as plain values and back. What the designer does not show stays as it was."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from decision_flow.errors import N_, Invalid
from decision_flow.forms import Form
from decision_flow.modelling.sources import LOCAL_FORMS
from decision_flow.procedures import ProcedureSource

_BARE = re.compile(r"[A-Za-z0-9_]+")
MAX_DEPTH = 6


def read(content: bytes) -> dict[str, Any]:
    """Return a form file as plain values. Raises `Invalid` when it cannot be read."""
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise Invalid(N_("表单文件读不出来：%(reason)s"), reason=str(error)) from error


def empty(form_id: str) -> dict[str, Any]:
    """Return a new form with one field, so that there is something to look at."""
    field = {"name": "note", "label": "说明", "label_en": "Note", "type": "long", "required": True}
    return {"id": form_id, "title": "新表单", "title_en": "New form", "basis": "本单位规定", "fields": [field]}


def next_id(source: ProcedureSource) -> str:
    """Return an id that no form of the draft has."""
    taken = {int(number) for name in source.bundle.forms for number in re.findall(r"^F-([0-9]{1,3})", name)}
    return f"F-{next(number for number in range(LOCAL_FORMS + 1, 1000) if number not in taken)}"


def write(told: Mapping[str, Any]) -> bytes:
    """Return plain values as a form file. Raises `Invalid` for values that no file can hold."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in told.items() if name not in ("fields", "checks")]
    for group in ("fields", "checks"):
        entries = told.get(group, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise Invalid(N_("表单的内容不完整。"))
        for entry in entries:
            lines += ["", f"[[{group}]]", *(f"{_key(name)} = {_value(value)}" for name, value in entry.items())]
    return ("\n".join(lines) + "\n").encode()


def parse(content: bytes) -> Form:
    """Return the form, read as strictly as at publication. Raises `Invalid` naming the place."""
    return Form.parse(content)


def _key(name: str) -> str:
    if not isinstance(name, str) or not _BARE.fullmatch(name):
        raise Invalid(N_("表单的内容不完整。"))
    return name


def _value(value: Any, depth: int = 0) -> str:
    if depth > MAX_DEPTH:
        raise Invalid(N_("表单的内容不完整。"))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(entry, depth + 1) for entry in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {_value(entry, depth + 1)}" for name, entry in value.items()) + "}"
    raise Invalid(N_("表单的内容不完整。"))
