"""What kind a value of process data is: from the fields of forms and the results of decision tables."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from decision_flow.engine.decisions import DecisionTable

LABELS = {
    "any": "不定", "none": "空", "text": "文字", "number": "数字", "money": "金额", "day": "日期", "moment": "时间",
    "date": "日期", "truth": "是否", "choice": "选项", "list": "列表", "rows": "表格", "record": "一组数据",
    "outside": "附件",
}  # fmt: skip
# What is not process data: `Form.process_data` leaves it out.
OUTSIDE = ("long", "file", "sign")
SIMPLE = {
    "text": "text", "int": "number", "number": "number", "ref": "number", "money": "money", "date": "day",
    "datetime": "moment", "bool": "truth",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """The kind of a value: what it may be chosen from, what stands in its columns, what its entries are."""

    name: str
    options: frozenset[str] = frozenset()
    columns: Mapping[str, Kind] | None = None
    entry: Kind | None = None

    @property
    def label(self) -> str:
        """Return what the kind is called in a sentence."""
        return LABELS[self.name]


ANY, NONE, TEXT, NUMBER, TRUTH, DATE = (Kind(name) for name in ("any", "none", "text", "number", "truth", "date"))


def of_form(fields: Iterable[Mapping[str, Any]]) -> Kind:
    """Return the kind of a form's answers, or of one row of a table, from its fields as data."""
    return Kind("record", columns={str(field.get("name", "")): _of_field(field) for field in fields})


def _of_field(field: Mapping[str, Any]) -> Kind:
    kind = str(field.get("type", ""))
    options = frozenset(str(option.get("value", "")) for option in field.get("options", ()))
    if kind in OUTSIDE:
        return Kind("outside")
    if kind == "enum":
        return Kind("choice", options)
    if kind == "multi":
        return Kind("list", entry=Kind("choice", options) if options else NUMBER)
    if kind == "table":
        return Kind("rows", columns=of_form(field.get("columns", ())).columns)
    return Kind(SIMPLE.get(kind, "any"))


def of_table(table: DecisionTable) -> Kind:
    """Return the kind of what a decision table answers: its outputs, or a list of them."""
    if table.aggregation:
        return Kind("record", columns={table.outputs[0]: NUMBER})
    columns = {
        name: _of_results([rule.results[place].text for rule in table.rules])
        for place, name in enumerate(table.outputs)
    }
    return Kind("rows" if table.policy in ("COLLECT", "RULE ORDER", "OUTPUT ORDER") else "record", columns=columns)


def _of_results(texts: list[str]) -> Kind:
    values = [_literal(text) for text in texts]
    if values and all(isinstance(value, str) for value in values):
        return Kind("choice", frozenset(map(str, values)))
    if values and all(isinstance(value, bool) for value in values):
        return TRUTH
    numbers = values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return NUMBER if numbers else ANY


def _literal(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def either(kinds: Iterable[Kind]) -> Kind:
    """Return the kind of a value that is one of `kinds`."""
    found = list(kinds)
    return found[0] if found and all(kind == found[0] for kind in found) else ANY
