"""A form's answers as JSON Schema (2020-12), for whoever fills it in through the interface."""

from __future__ import annotations

from typing import Any

from decision_flow.forms.definition import TEXTUAL, Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILE = {
    "type": "object",
    "properties": {
        "document_id": {"type": "integer", "minimum": 1},
        "name": {"type": "string", "maxLength": 255},
        "sha256": {"type": "string"},
        "size": {"type": "integer", "minimum": 0},
    },
    "required": ["document_id"],
    "additionalProperties": False,
}
_SIGNATURE = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["attestation", "scan"]},
        "user_id": {"type": "integer"},
        "display": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "document_id": {"type": "integer"},
    },
}
_SIMPLE: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "money": {"type": "string", "pattern": r"^-?\d{1,14}(\.\d{1,2})?$"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "bool": {"type": "boolean"},
    "ref": {"type": "integer", "minimum": 1},
    "file": _FILE,
    "sign": _SIGNATURE,
}


def object_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the schema of one submission, or of one row.

    What is required only under a condition is not in `required`; its condition stands in `x-required-if`.
    Fields that the product fills in, signatures too, are `readOnly`.
    """
    return {
        "type": "object",
        "properties": {field.name: property_schema(field) for field in fields},
        "required": [field.name for field in fields if (field.required or field.min_rows) and not _conditional(field)],
        "additionalProperties": False,
    }


def property_schema(field: Field) -> dict[str, Any]:
    """Return the schema of one field."""
    schema: dict[str, Any] = {"title": field.label, **_shape(field)}
    if field.help:
        schema["description"] = field.help
    if field.auto or field.type == "sign":
        schema["readOnly"] = True
    if field.ref:
        schema["x-ref"] = field.ref
    for name, condition in (("x-required-if", field.required_if), ("x-visible-if", field.visible_if)):
        if condition is not None:
            schema[name] = condition.text
    return schema


def _conditional(field: Field) -> bool:
    given_by_product = bool(field.auto) or field.type == "sign"
    return given_by_product or field.required_if is not None or field.visible_if is not None


def _shape(field: Field) -> dict[str, Any]:
    if field.type in TEXTUAL:
        pattern = field.pattern and f"^(?:{field.pattern})$"
        limits = {"minLength": field.min_length, "maxLength": field.longest, "pattern": pattern}
        return {"type": "string", **{key: value for key, value in limits.items() if value}}
    if field.type == "enum":
        return {"enum": list(field.values)}
    if field.type == "table":
        return _list(field, object_schema(field.columns))
    if field.type == "multi":
        return {**_list(field, _SIMPLE["ref"] if field.ref else {"enum": list(field.values)}), "uniqueItems": True}
    if field.type == "file" and field.multiple:
        return _list(field, _FILE)
    shape = dict(_SIMPLE[field.type])
    if field.type in ("int", "number"):
        for key, limit in (("minimum", field.min), ("maximum", field.max)):
            if limit is not None:
                shape[key] = limit
    return shape


def _list(field: Field, items: dict[str, Any]) -> dict[str, Any]:
    least = max(field.min_rows, 1 if field.required and not field.required_if else 0)
    return {"type": "array", "items": items, "minItems": least, "maxItems": field.max_rows}
