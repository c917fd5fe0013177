"""How a collective discussion is counted: who spoke last, what the majority held, whether the head deviates.

Pure functions over the rows of the minutes (F-15): `{order, person, is_head, position}`. Article 30 of
Decree 713; the way of counting is a product rule (section "majority" of the glossary).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]
APPROVING = ("approved", "approved_with_changes")


def head_last(opinions: Rows) -> bool:
    """Whether the administrative head spoke last (R-30c)."""
    heads = [row for row in opinions if row.get("is_head")]
    orders = [row.get("order") or 0 for row in opinions]
    return len(heads) == 1 and heads[0].get("order") == max(orders) and orders.count(max(orders)) == 1


def majority_position(opinions: Rows) -> str | None:
    """Return "agree" or "disagree" when more than half of those who took a position hold it, else None.

    The head does not count, nor do those who reserved or gave no opinion.
    """
    taken = [row["position"] for row in opinions if not row.get("is_head") and row.get("position") in _POSITIONS]
    return next((position for position in _POSITIONS if 2 * taken.count(position) > len(taken)), None)


def deviates(opinions: Rows, decision: str | None) -> bool:
    """Whether the decision differs from the majority, so that the head must explain it (R-30d)."""
    majority = majority_position(opinions)
    return majority is not None and (majority == "agree") != (decision in APPROVING)


def consumer_seats(sides: Rows) -> bool:
    """Whether consumers hold at least two fifths of the seats of a price hearing."""
    total = sum(int(row.get("seats") or 0) for row in sides)
    consumers = sum(int(row.get("seats") or 0) for row in sides if row.get("is_consumer"))
    return consumers >= math.ceil(0.4 * total)


_POSITIONS = ("agree", "disagree")
FUNCTIONS = {"head_last": head_last, "deviates": deviates, "consumer_seats": consumer_seats}
