"""A sample of the mutants of the shipped procedures; `scripts.benchmarks mutants` judges them all."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.verification.judging import PROCEDURES, count, every_mutant
from tests.verification.mutants import Mutant

SEED, OF_THE_MAIN_ONE, OF_EACH_OTHER = 713, 3, 12


@pytest.fixture(scope="module")
def everyone() -> list[Mutant]:
    return list(every_mutant())


def test_what_opens_a_hole_is_caught_by_its_rule_and_what_does_not_passes(everyone: list[Mutant]) -> None:
    chance = random.Random(SEED)
    chosen = []
    for procedure in PROCEDURES:
        own = [mutant for mutant in everyone if mutant.procedure == procedure]
        chosen += chance.sample(own, OF_THE_MAIN_ONE if procedure == "major_decision" else OF_EACH_OTHER)
    counts, wrong = count(chosen)
    assert wrong == []
    assert counts["hole"] >= 5 and counts["harmless"] >= 20 and not counts["not settled"]


def test_every_kind_of_change_is_made(everyone: list[Mutant]) -> None:
    kinds = Counter(mutant.kind.split(" ")[0] for mutant in everyone)
    assert set(kinds) == {"taken", "led", "role", "without"} and sum(kinds.values()) > 900
