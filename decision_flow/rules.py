"""Every duty of Decree 713 and every separation of duties: where it is held, and which test tries to break it.

The list lies in `rules.toml`. A row is done only with a test; a house test resolves every test that is named.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Tests that ask a rule or a form and call no operation.
PURE = ("tests/guards/", "tests/rules/test_forms.py")


@dataclass(frozen=True)
class Rule:
    """One row: `enforce` are the verbs of the law's table, `held` the guards, forms and modules that hold it.

    `status` is done, open, or later (belongs to another part of the product, see `note`).
    """

    id: str
    article: str
    duty: str
    duty_en: str
    enforce: tuple[str, ...]
    status: str
    held: tuple[str, ...]
    tests: tuple[str, ...]
    note: str = ""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every row in the order of the law."""
    told = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return tuple(
        Rule(
            row["id"], row["article"], row["duty"], row["duty_en"], tuple(row["enforce"]), row["status"],
            tuple(row["held"]), tuple(row["tests"]), row.get("note", ""),
        )
        for row in told["rules"]
    )  # fmt: skip


def rule(rule_id: str) -> Rule:
    """Return one row. Raises `KeyError` for an id that the law's table does not have."""
    return {row.id: row for row in all_rules()}[rule_id]
