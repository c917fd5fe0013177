"""What the conditions and checks of a form may call besides the language's own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from decision_flow import clock, deliberation
from decision_flow.errors import DecisionFlowError
from decision_flow.expressions import Expression

Rows = Sequence[Mapping[str, Any]] | None


def where(rows: Rows, column: str, value: object) -> list[Mapping[str, Any]]:
    """Return the rows whose `column` is `value`."""
    return [row for row in rows or () if row.get(column) == value]


def same(first: Sequence[Any] | None, second: Sequence[Any] | None) -> bool:
    """Whether both lists hold the same texts or numbers, whatever their order."""
    return sorted(map(str, first or ())) == sorted(map(str, second or ()))


def distinct(values: Sequence[Any] | None) -> bool:
    """Whether no value stands in the list twice; empty ones are not looked at."""
    told = [value for value in values or () if value not in (None, "")]
    return len(set(map(str, told))) == len(told)


def covers(whole: Sequence[Any] | None, parts: Sequence[Any] | None) -> bool:
    """Whether everything in the list `parts` is in the list `whole`."""
    return all(part in (whole or ()) for part in parts or ())


FUNCTIONS: dict[str, Any] = {
    "today": clock.today,
    "iso": str,
    "now": clock.now,
    "where": where,
    "same": same,
    "distinct": distinct,
    "covers": covers,
    "majority_position": deliberation.majority_position,
    **deliberation.FUNCTIONS,
}


def holds(expression: Expression, names: Mapping[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be worked out yet, because a field is empty, does not."""
    try:
        return bool(expression.evaluate(names, FUNCTIONS))
    except DecisionFlowError:
        return False
