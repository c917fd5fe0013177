"""What the verifier answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["lawful", "unlawful", "unsound", "unsupported", "undecided"]


@dataclass(frozen=True)
class Finding:
    """One finding: the rule, the element, a sentence in both languages, the basis, the run that shows it."""

    rule: str
    severity: str
    element: str
    message: str
    message_en: str = ""
    basis: str = ""
    counterexample: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The verdict on one procedure with its findings. Only `lawful` may be published."""

    verdict: Verdict
    findings: tuple[Finding, ...] = field(default=())


def tell(way: tuple[str, ...], names: Mapping[str, str]) -> str:
    """Tell a run in words; of a long one the beginning and the end."""
    told = [names.get(name, name) for name in way]
    return " → ".join(shortened([name for place, name in enumerate(told) if place == 0 or told[place - 1] != name]))


def shortened(way: list[str]) -> list[str]:
    """Return a way as it is read in a sentence: of a long one the beginning and the end."""
    return [*way[:7], "…", *way[-6:]] if len(way) > 14 else way
