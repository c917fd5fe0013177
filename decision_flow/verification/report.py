"""What the verifier answers with."""

from __future__ import annotations

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
