"""A sample of the mutants of the shipped procedures; `scripts.benchmarks mutants` judges them all."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.verification.judging import POLICY, PROCEDURES, count, every_mutant
from tests.verification.mutants import Mutant
from tests.verification.replaying import replays

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


@pytest.mark.parametrize(("kind", "element"), [
    ("taken out", "C_da_legality"), ("led past", "C_legality"), ("without exempts", "T_required_steps_07"),
    ("taken out", "C_archive_declined"),
])  # fmt: skip
def test_the_way_past_a_step_is_one_that_the_engine_goes(everyone: list[Mutant], kind: str, element: str) -> None:
    mutant = next(each for each in everyone if (each.kind, each.element) == (kind, element))
    told = list(replays(mutant.bundle, POLICY))
    assert told and [why for _, why in told] == [""] * len(told)
