"""What was typed so far, right or wrong: a draft loses no word, and is bounded in size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from decision_flow.forms.definition import MAX_ROWS, Field

MAX_TEXT = 20_000


def draft(fields: Sequence[Field], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return `typed` as it may be stored: known fields only, no signatures, texts and lists within bounds."""
    kept: dict[str, Any] = {}
    for field in fields:
        value = typed.get(field.name)
        if value not in (None, "", []) and field.type != "sign":
            kept[field.name] = _value(field, value)
    return kept


def _value(field: Field, value: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    if field.type == "table":
        return [draft(field.columns, row) for row in several[:MAX_ROWS] if isinstance(row, Mapping)]
    if field.type == "file":
        files = [
            {key: file[key] for key in ("document_id", "name", "size") if key in file}
            for file in several[:MAX_ROWS]
            if isinstance(file, Mapping)
        ]
        return files if field.multiple else next(iter(files[-1:]), None)
    if isinstance(value, list):
        return [str(entry)[:MAX_TEXT] for entry in value[:MAX_ROWS]]
    if isinstance(value, bool | int | float):
        return value
    return str(value).replace("\x00", "")[:MAX_TEXT]
