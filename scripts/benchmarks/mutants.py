"""Every single change of one element of the shipped procedures: which open a legal hole, and does the verifier agree?

Judged apart from the verifier by `tests/verification/judging.py`; every way past a step is gone again in the engine.
Takes about half an hour.
"""

from __future__ import annotations

from scripts.benchmarks.harness import Figures
from tests.verification.hanging import replay_unsound
from tests.verification.judging import POLICY, count, every_mutant
from tests.verification.replaying import replays


def run(_url: str) -> Figures:
    counts, wrong = count(every_mutant())
    ways = lost = 0
    for mutant in every_mutant():
        for finding, why in replays(mutant.bundle, POLICY):
            ways += 1
            lost += bool(why)
            if why:
                print(f"   {mutant}: {finding.message}: {why}")
    for line in wrong:
        print(f"   {line}")
    shown, unshown = replay_unsound(range(20_000))
    for line in unshown:
        print(f"   {line}")
    figures = {name: float(number) for name, number in sorted(counts.items())}
    return {
        **figures,
        "not agreed": float(len(wrong)),
        "ways past a step": float(ways),
        "not gone by the engine": float(lost),
        **{f"generated models, {rule}: replayed": float(number) for rule, number in sorted(shown.items())},
        "generated models: not shown by the engine": float(len(unshown)),
    }
