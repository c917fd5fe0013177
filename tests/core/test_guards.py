"""The guards as pure rules: what each asks for, one thing missing at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from decision_flow import guards
from decision_flow.errors import Refused
from decision_flow.guards import Facts

SAID: dict[str, dict[str, Any]] = {
    "F-02": {}, "F-04": {"legal_basis": [{"title": "公路法"}]}, "F-06": {"affects_market_entities": True},
    "F-23": {}, "F-08": {}, "F-34b": {"finding": "controllable_with_measures"}, "F-10": {"conclusion": "no_restriction"},
    "F-15": {"decision": "approved"}, "F-15s": {}, "F-16b": {"reply": "agreed_with_comments"}, "F-21": {"result": "pass"},
}  # fmt: skip
RIGHT = Facts(said=SAID, conclusion="lawful", implementing_unit=True)


def without(*forms: str, **more: dict[str, Any]) -> Facts:
    said = {form: answers for form, answers in SAID.items() if form not in forms}
    return replace(RIGHT, said=said | {name.replace("_", "-"): answers for name, answers in more.items()})


@pytest.mark.parametrize("guard", set(guards.GUARDS.values()))
def test_whoever_did_everything_passes(guard: Callable[[Facts], None]) -> None:
    guard(RIGHT)


@pytest.mark.parametrize(
    ("guard", "facts", "rule"),
    [
        (guards.initiate, without("F-02"), "R-10a"),
        (guards.submit_to_review, without(F_04={"legal_basis": []}), "R-12b"),
        (guards.submit_to_review, without("F-23"), "R-14a"),
        (guards.submit_to_review, without("F-08"), "R-19a"),
        (guards.submit_to_review, without("F-34b"), "R-22a"),
        (guards.submit_to_review, without("F-10"), "R-29c"),
        (guards.submit_to_review, without(F_34b={"finding": "uncontrollable"}), "R-24"),
        (guards.submit_to_meeting, replace(RIGHT, conclusion=""), "R-25a"),
        (guards.submit_to_meeting, replace(RIGHT, conclusion="unlawful_content"), "R-25c"),
        (guards.submit_to_meeting, replace(RIGHT, conclusion="lawful_after_revision"), "R-25c"),
        (guards.submit_to_meeting, replace(RIGHT, stale=("risk_assessment",)), "R-25c"),
        (guards.submit_to_meeting, without(F_34b={"finding": "uncontrollable"}), "R-24"),
        (guards.submit_to_meeting, without(F_10={"conclusion": "violates_no_exception"}), "R-29c"),
        (guards.publish, without(F_15={"decision": "deferred"}), "R-30a"),
        (guards.publish, without("F-15s"), "R-30a"),
        (guards.publish, without("F-16b"), "R-31"),
        (guards.publish, without(F_16b={"reply": "not_agreed"}), "R-31"),
        (guards.publish, without(F_06={"npc_report_required": True}), "R-08a"),
        (guards.publish, without(F_21={"result": "return"}), "R-32a"),
        (guards.publish, replace(RIGHT, implementing_unit=False), "R-34a"),
    ],
)
def test_one_thing_missing_is_refused_with_its_rule(guard: Callable[[Facts], None], facts: Facts, rule: str) -> None:
    with pytest.raises(Refused) as refusal:
        guard(facts)
    assert refusal.value.rule == rule and refusal.value.article


def test_an_exemption_stands_for_its_step() -> None:
    guards.submit_to_review(without("F-23", "F-34b", F_07={}, F_09b={}))


def test_a_new_decision_that_replaces_another_was_studied_before() -> None:
    guards.initiate(replace(without("F-02"), adjusts=True))
