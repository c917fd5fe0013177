"""The coverage of the law: every row is listed, none is done without a test, and every test named exists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from decision_flow import guards, rules
from decision_flow.guards import said
from tests.rules import test_acts, test_separation

# The tests that go through a table, and the rows that they really try.
TABLES = {
    "test_acts.py::test_a_duty_left_open_is_refused_under_any_diagram": {row[0] for row in test_acts.TRIED},
    "test_acts.py::test_an_evaluation_does_not_end_undecided": {row[0] for row in test_acts.ENDS},
    "test_acts.py::test_one_person_does_not_do_both": {row[0] for row in test_acts.APART},
    "test_acts.py::test_a_registration_is_refused": {row[0] for row in test_acts.REGISTERED},
    "test_acts.py::test_a_form_is_refused_under_any_diagram": {
        row[0] for row in test_acts.FORM_ROWS if row[1] != "F-01"
    },
    "test_separation.py::test_who_is_barred_does_it_in_no_way": {row[0] for row in test_separation.ROWS},
}
REFUSED = re.compile(r"raises\(|\b(403|404|405|409|422)\b|attempt\(|is_refused\(|refused_to_take\(")
ROOT = Path(__file__).parents[2]
RULES = rules.all_rules()
# How many rows each article of the decree, and the separation of duties, has.
ROWS = {
    "02": 1, "03": 4, "04": 1, "08": 2, "09": 1, "10": 4, "11": 2, "12": 4, "13": 2, "14": 3, "15": 3, "16": 4,
    "17": 1, "18": 1, "19": 2, "20": 3, "21": 1, "22": 2, "23": 3, "24": 1, "25": 4, "26": 3, "27": 1, "28": 2,
    "29": 2, "30": 7, "31": 1, "32": 2, "33": 1, "34": 3, "35": 2, "36": 4, "37": 3, "38": 3, "39": 1, "40": 1,
    "41": 1, "42": 1, "43": 1,
}  # fmt: skip


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def test_every_row_of_the_law_is_listed_once() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert Counter(re.sub(r"[a-z]", "", i[2:]) for i in ids if i.startswith("R-")) == ROWS
    assert [i for i in ids if i.startswith("SOD-")] == [f"SOD-{n:02d}" for n in range(1, 16)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_row_is_done_only_with_tests_that_exist(rule: rules.Rule) -> None:
    assert rule.status in ("done", "open", "later") and rule.duty and rule.duty_en and rule.article and rule.enforce
    assert bool(rule.tests) == (rule.status == "done")
    assert rule.status != "later" or rule.note
    for test in rule.tests:
        path, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", source(path), re.M), test


def named_in_code() -> Iterator[tuple[str, str]]:
    """Rule and article of every refusal that the code writes out, a number as the guards write it."""
    for top in ("decision_flow", "web"):
        for path in (ROOT / top).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                given = {word.arg: word.value for word in call.keywords}
                pair = [given.get("rule"), given.get("article")]
                if getattr(call.func, "id", "") in ("missing", "unapproved"):
                    pair = call.args[:2]
                told = [one.value for one in pair if isinstance(one, ast.Constant)]
                if len(told) == 2:
                    rule, article = told
                    yield rule, said.missing(rule, article, "").article


def test_a_refusal_names_the_article_of_its_rule_and_always_the_same() -> None:
    """Another law may be named beside the decree; of the decree it is the article that the row stands under."""
    known = {rule.id: rule.article for rule in RULES}
    named = set(named_in_code())
    assert len(named) > 60 and {rule for rule, _ in named} <= set(known)
    wrong = {(rule, article) for rule, article in named if rule.startswith("R-") and article.startswith("条例第")}
    assert {(rule, article) for rule, article in wrong if article != known[rule]} == set()
    twice = Counter(rule for rule, _ in named if rule.startswith("SOD-"))
    assert [rule for rule, times in twice.items() if times > 1] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.status == "done"], ids=lambda rule: rule.id)
def test_a_row_is_done_only_where_an_operation_was_tried(rule: rules.Rule) -> None:
    assert any(not test.startswith(rules.PURE) for test in rule.tests)
    for name, tried in TABLES.items():
        test = f"tests/rules/{name}"
        assert (test in rule.tests) == (rule.id in tried), test


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.status == "done" and "STOP" in rule.enforce], ids=lambda rule: rule.id
)
def test_a_row_that_stops_is_done_only_where_something_was_refused(rule: rules.Rule) -> None:
    """One of its tests by operation performs the violation: it waits for a refusal, by error or by status."""
    tried = [test for test in rule.tests if not test.startswith(rules.PURE)]
    assert any(test.removeprefix("tests/rules/") in TABLES or REFUSED.search(body(test)) for test in tried), tried


def body(test: str) -> str:
    """Return the text of a test function."""
    path, _, name = test.partition("::")
    found = re.search(rf"^def {name}\(.*?(?=^(?:def|@pytest|class) |\Z)", source(path), re.M | re.S)
    return found[0] if found else ""


def test_every_guarded_act_is_tried_over_http() -> None:
    guarded = {*guards.FORMS, *guards.EFFECTS, *guards.STEPS, "finish"}
    assert guarded <= {act for _, act, _ in test_acts.TRIED}
    assert set(guards.MINUTES) <= guarded


def test_what_belongs_to_later_parts_is_not_called_done() -> None:
    assert {rule.id for rule in RULES if rule.status == "later"} == {"R-09", "SOD-15"}
