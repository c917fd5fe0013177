"""Decision tables looked at cell by cell: what the engine would not evaluate, and what rows leave open or say twice.

Overlaps and gaps are found over the values the cells themselves name: between and beside them nothing can
differ. A table too large for that is left to its hit policy at run time, and is said to be.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from lxml import etree

from decision_flow.engine.decisions import AGGREGATIONS, POLICIES, allowed_of, condition_of
from decision_flow.engine.markup import parse_xml
from decision_flow.errors import DecisionFlowError, Invalid
from decision_flow.expressions import Expression, compile_expression

MAX_POINTS = 20_000
# A text that no cell names.
OTHER = "…"
_PATH = re.compile(r"^[A-Za-z_][\w.]*$")
_TEXT = re.compile(r'"([^"]*)"')
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class TableFinding:
    """One thing about a table; `element` is the id of the cell, row or table."""

    element: str
    severity: str
    message: str
    message_en: str
    table: str = ""


def findings(files: Mapping[str, bytes]) -> tuple[TableFinding, ...]:
    """Return what is wrong with the tables of `files`, cell by cell."""
    return tuple(found for name, content in files.items() for found in _file(name, content))


@lru_cache(maxsize=256)
def _file(name: str, content: bytes) -> tuple[TableFinding, ...]:
    # Most changes of a draft leave its tables alone.
    try:
        tree = parse_xml(name, content)
    except Invalid as error:
        return (TableFinding(name, "error", str(error), "The file is not readable XML", name),)
    found: list[TableFinding] = []
    for decision in tree.iter("{*}decision"):
        table = decision.find("{*}decisionTable")
        if table is not None:
            key = decision.get("id", name)
            found += (replace(one, table=key) for one in _table(key, table))
    return tuple(found)


def _table(decision: str, table: etree._Element) -> Iterator[TableFinding]:
    policy = table.get("hitPolicy", "UNIQUE")
    aggregation = table.get("aggregation", "")
    if policy not in POLICIES or (aggregation and (policy != "COLLECT" or aggregation not in AGGREGATIONS)):
        policy = f"{policy} {aggregation}".strip()
        yield TableFinding(decision, "error", f"命中策略 {policy} 不能运行", f"The hit policy {policy} cannot run")
    outputs = [entry.get("name", "") for entry in table.iterfind("{*}output")]
    if not outputs or len(set(outputs)) != len(outputs) or not all(outputs):
        yield TableFinding(decision, "error", "输出列需要各不相同的名称", "The output columns need distinct names")
    for entry in table.iterfind("{*}input"):
        text = _expression(entry)
        if not text or not _compiles(text):
            yield TableFinding(
                entry.get("id", decision),
                "error",
                f"输入列的表达式“{text}”不能使用",
                f"The input “{text}” cannot be used",
            )
    rows: list[tuple[str, list[Expression | None], list[str]]] = []
    sound = True
    for number, row in enumerate(table.iterfind("{*}rule"), 1):
        conditions: list[Expression | None] = []
        for cell in row.iterfind("{*}inputEntry"):
            text = cell.findtext("{*}text") or ""
            try:
                conditions.append(condition_of(text))
            except Invalid:
                sound = False
                yield TableFinding(
                    cell.get("id", decision), "error", f"第{number}行的条件“{text}”不能判定",
                    f"Row {number}: the condition “{text}” cannot be evaluated",
                )  # fmt: skip
        for cell in row.iterfind("{*}outputEntry"):
            text = (cell.findtext("{*}text") or "").strip()
            if not text or not _compiles(text):
                sound = False
                yield TableFinding(
                    cell.get("id", decision), "error", f"第{number}行的结果“{text}”不能使用",
                    f"Row {number}: the result “{text}” cannot be used",
                )  # fmt: skip
        texts = [cell.findtext("{*}text") or "" for cell in row.iterfind("{*}inputEntry")]
        rows.append((row.get("id", ""), conditions, texts))
    if sound and rows:
        columns = [
            _column(entry, [row[2][place] for row in rows]) for place, entry in enumerate(table.iterfind("{*}input"))
        ]
        yield from _coverage(decision, policy, columns, rows)


@dataclass(frozen=True)
class _Column:
    """An input: its label, its expression, and the values that tell its cells apart, of those it allows."""

    label: str
    text: str
    points: list[Any]


def _column(entry: etree._Element, cells: list[str]) -> _Column:
    allowed = allowed_of(entry)
    keeps = condition_of(allowed)
    points = [
        point
        for point in _points([*cells, allowed], whole=_is_whole(entry))
        if keeps is None or _matches([keeps], (point,))
    ]
    return _Column(entry.get("label") or entry.get("id", ""), _expression(entry), points)


def _expression(entry: etree._Element) -> str:
    return (entry.findtext("{*}inputExpression/{*}text") or "").strip()


def _coverage(
    decision: str, policy: str, columns: list[_Column], rows: list[tuple[str, list[Expression | None], list[str]]]
) -> Iterator[TableFinding]:
    """Say which values no row answers, and which rows of a UNIQUE table answer the same values."""
    labels = [column.label for column in columns]
    own = {column.text for column in columns if _PATH.match(column.text)}
    follow = [bool(names) and names <= own for names in (_names(column.text) for column in columns)]
    follow = [follows and column.text not in own for follows, column in zip(follow, columns, strict=True)]
    points = [[None] if follows else column.points for follows, column in zip(follow, columns, strict=True)]
    size = 1
    for choices in points:
        size *= len(choices)
    if size > MAX_POINTS:
        yield TableFinding(
            decision, "warning", "表太大，没有核对空缺和重叠", "The table is too large to look for gaps and overlaps"
        )
        return
    gap: tuple[Any, ...] | None = None
    overlaps: dict[tuple[int, int], tuple[Any, ...]] = {}
    for chosen in itertools.product(*points):
        point = _completed(columns, follow, chosen) if any(follow) else chosen
        hits = [number for number, row in enumerate(rows) if _matches(row[1], point)]
        if not hits and gap is None:
            gap = point
        if policy == "UNIQUE" and len(hits) > 1:
            overlaps.setdefault((hits[0], hits[1]), point)
    # A list of answers may be empty.
    if gap is not None and policy not in ("COLLECT", "RULE ORDER", "OUTPUT ORDER"):
        told = _told(labels, gap)
        yield TableFinding(
            decision, "warning", f"没有一行适用于：{told}", f"No row answers: {told}"
        )  # fmt: skip
    for (first, second), point in overlaps.items():
        told = _told(labels, point)
        yield TableFinding(
            rows[second][0] or decision, "error", f"第{first + 1}行和第{second + 1}行重叠，例如：{told}",
            f"Rows {first + 1} and {second + 1} overlap, for instance: {told}",
        )  # fmt: skip


def _completed(columns: list[_Column], follow: list[bool], point: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `point` with the values of the inputs that are worked out from the others."""
    names: dict[str, Any] = {}
    for column, value, follows in zip(columns, point, follow, strict=True):
        if not follows and _PATH.match(column.text):
            *way, last = column.text.split(".")
            inner = names
            for part in way:
                inner = inner.setdefault(part, {})
            inner[last] = value
    return tuple(
        compile_expression(column.text).evaluate(names) if follows else value
        for column, value, follows in zip(columns, point, follow, strict=True)
    )


def _names(text: str) -> frozenset[str]:
    return compile_expression(text).names() if _compiles(text) else frozenset()


def _is_whole(entry: etree._Element) -> bool:
    told = entry.find("{*}inputExpression")
    return told is not None and told.get("typeRef") == "integer"


def _points(cells: Iterable[str], *, whole: bool = False) -> list[Any]:
    """Return values that tell the cells of one column apart: those they name, between them, and one they do not."""
    found: set[Any] = set()
    numbers: set[float] = set()
    plain = False
    for cell in cells:
        found.update(_TEXT.findall(cell))
        rest = _TEXT.sub("", cell)
        numbers.update(float(number) for number in _NUMBER.findall(rest))
        plain = plain or bool(re.search(r"\b(true|false)\b", rest))
    if plain:
        return [True, False]
    if numbers:
        marks = sorted(numbers)
        if whole:
            return sorted({mark + beside for mark in marks for beside in (-1, 0, 1)})
        between = [(low + high) / 2 for low, high in itertools.pairwise(marks)]
        return [marks[0] - 1, *marks, *between, marks[-1] + 1]
    return [*sorted(found), OTHER] if found else [OTHER]


def _matches(conditions: list[Expression | None], point: tuple[Any, ...]) -> bool:
    try:
        return all(
            condition is None or condition.evaluate({"value": value})
            for condition, value in zip(conditions, point, strict=True)
        )
    except DecisionFlowError:
        return False


def _told(labels: list[str], point: tuple[Any, ...]) -> str:
    """Return a point in words; a column whose cells name no value at all says nothing."""

    def value(entry: Any) -> str:
        if isinstance(entry, bool):
            return "true" if entry else "false"
        return f"{entry:g}" if isinstance(entry, float) else str(entry)

    pairs = zip(labels, point, strict=True)
    return "、".join(f"{label} = {value(entry)}" for label, entry in pairs if entry != OTHER) or "…"


def _compiles(text: str) -> bool:
    try:
        compile_expression(text)
    except Invalid:
        return False
    return True
