"""What the verifier says of the counterexamples is what the engine does."""

from __future__ import annotations

import pytest

from decision_flow.verification import Finding
from scripts.diagrams.pictures import FOLDER, counterexample
from tests.verification.exploring import DEPTH, Explorer, Run
from tests.verification.hanging import replay_unsound

RULES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
# What these ask is not a matter of runs: roles, periods, deadlines, fields, names.
STATIC = {"roles_differ", "minimum_period", "deadline_declared", "form_complete", "labelled"}


def wrong(rule: str, banned: str = "") -> tuple[Finding, Explorer, list[Run]]:
    bundle, report = counterexample(FOLDER / rule, "wrong")
    explorer = Explorer(bundle, frozenset({banned}))
    return report.findings[0], explorer, list(explorer.runs())


def test_the_run_past_a_step_reaches_the_goal_without_it() -> None:
    found, explorer, runs = wrong("step_unavoidable", banned="review")
    assert any(run.goes(found.counterexample) and explorer.open(run) == ["discuss"] for run in runs)


def test_the_run_past_a_step_ends_without_it() -> None:
    found, _, runs = wrong("step_before_end", banned="archive")
    assert any(run.goes(found.counterexample) and run.step is not None and run.step.finished for run in runs)


def test_the_deadlock_really_gets_stuck() -> None:
    found, _, runs = wrong("deadlock")
    assert any(run.fault and run.goes(found.counterexample) for run in runs)


def test_two_tokens_really_arrive_at_the_same_place() -> None:
    found, explorer, runs = wrong("lack_of_synchronisation")
    assert any(run.goes(found.counterexample) for run in runs)
    assert any(explorer.open(run) == ["revise", "revise"] for run in runs)


def test_from_there_the_end_is_never_reached() -> None:
    found, explorer, runs = wrong("cannot_finish")
    assert found.counterexample[-1] == "fix"
    there = [run for run in runs if run.goes(found.counterexample)]
    assert max(len(run.done) for run in there) >= DEPTH - 1
    assert {name for run in there for name in explorer.open(run)} == {"fix", "confirm"}
    assert not any(run.fault or run.step.finished for run in there if run.step)
    assert any(run.step.finished for run in runs if run.step)


def test_what_is_called_unsound_is_so_in_the_engine() -> None:
    """Generated models: it hangs, passes twice what was drawn once, never ends from there, never comes there."""
    counts, wrong = replay_unsound(range(120))
    assert wrong == []
    assert {rule for rule in counts if rule != "refused"} == {
        "deadlock",
        "lack_of_synchronisation",
        "cannot_finish",
        "dead_element",
    }
    assert counts["deadlock"] >= 10 and counts["lack_of_synchronisation"] >= 8 and counts["refused"] < 10


@pytest.mark.parametrize("rule", ["dead_element", "connected"])
def test_what_is_called_dead_is_never_passed(rule: str) -> None:
    _, report = counterexample(FOLDER / rule, "wrong")
    _, _, runs = wrong(rule)
    assert any(run.step.finished for run in runs if run.step)
    assert not {found.element for found in report.findings} & {name for run in runs for name in run.trace}


def test_the_case_that_no_branch_covers_stops_the_engine() -> None:
    _, _, runs = wrong("gateway_complete")
    # Of the five decisions two are covered by one condition and one by the other.
    assert sorted(bool(run.fault) for run in runs if "discuss" in run.done) == [False] * 3 + [True] * 2


def test_the_branch_that_compares_with_no_option_is_never_taken() -> None:
    _, _, runs = wrong("expression_typed")
    assert not any("discuss" in run.trace for run in runs)


@pytest.mark.parametrize("rule", sorted(set(RULES) - STATIC))
def test_the_right_model_passes_everything_and_always_ends(rule: str) -> None:
    bundle, _ = counterexample(FOLDER / rule, "right")
    explorer = Explorer(bundle)
    runs = list(explorer.runs())
    assert not any(run.fault for run in runs)
    passed = {name for run in runs for name in run.trace}
    assert set(explorer.compiled.elements) - {bundle.main} <= passed
    assert any(run.step.finished for run in runs if run.step)
