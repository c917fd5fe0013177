"""Every single change of one element of the shipped procedures: which open a legal hole, and does the verifier agree?

Judged apart from the verifier by `tests/verification/judging.py`; takes about half an hour.
"""

from __future__ import annotations

from scripts.benchmarks.harness import Figures
from tests.verification.judging import count, every_mutant


def run(_url: str) -> Figures:
    counts, wrong = count(every_mutant())
    for line in wrong:
        print(f"   {line}")
    return {**{name: float(number) for name, number in sorted(counts.items())}, "not agreed": float(len(wrong))}
