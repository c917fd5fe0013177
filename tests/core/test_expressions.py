"""The condition language: equal to Python where both speak, refused everywhere else, and quick about it."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decision_flow.engine.data import same
from decision_flow.errors import DecisionFlowError, Invalid
from decision_flow.expressions import BUILT_IN, MAX_NUMBER, ExpressionError, compile_expression

NAMES = {"a": 3, "b": 5, "t": True, "s": "x", "row": {"n": 2, "ok": False}, "rows": [{"n": 1}, {"n": 2}]}
numbers = st.sampled_from(["a", "b", "1", "2", "7"])
simple = st.recursive(
    st.one_of(
        st.builds("({} {} {})".format, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers),
        st.sampled_from(["t", "(not t)", "(a in [1, 3])", "(s == 'x')", "(s not in ['y'])"]),
    ),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    ),
    max_leaves=12,
)


@given(simple)
def test_it_says_what_python_says(text: str) -> None:
    assert compile_expression(text).evaluate(NAMES) == eval(text, {}, dict(NAMES))


@given(st.text(max_size=60))
def test_anything_else_is_our_own_error(text: str) -> None:
    with contextlib.suppress(DecisionFlowError):
        compile_expression(text).evaluate(NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__base__.__subclasses__()", "a.__class__", "__import__('os')", "(lambda: 1)()",
        "[x for x in rows]", "{x for x in rows}", "(x := 1)", "f'{a}'", "9**9**9", "a << 60", "a @ b", "s.upper()",
        "open('x')(1)", "rows[a]", "rows[0:1]", "*rows", "len(*rows)", "len(x=1)", "b'x'", "1j", "...", "a; b", "",
        "9" * 40, "x" * 3000, "not " * 200 + "a", " and ".join(["a"] * 900), "_a", "await a",
    ],
)  # fmt: skip
def test_hostile_text_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(DecisionFlowError):
        compile_expression(text).evaluate(NAMES)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 10",
        "rows * 2",
        "s + s",
        "a / 0",
        "a < s",
        "missing",
        "row.missing",
        "s.n",
        "nope(1)",
        "1e15 * 1e15",
        "a in a",
    ],
)
def test_what_does_not_fit_is_told(text: str) -> None:
    with pytest.raises((ExpressionError, Invalid)):
        compile_expression(text).evaluate(NAMES)


def test_dotted_names_look_into_mappings_only() -> None:
    assert compile_expression("row.n + 1").evaluate(NAMES) == 3
    assert compile_expression("row.n").names() == {"row.n"}
    assert compile_expression('exists("row.n")').evaluate(NAMES) is True
    assert compile_expression('exists("row.x")').evaluate(NAMES) is False
    assert compile_expression("empty(row.x)").evaluate(NAMES) is True
    assert compile_expression("exists(s)").evaluate({"s": "words"}) is True
    assert compile_expression("exists(s)").evaluate({"s": ""}) is False
    assert compile_expression("any_of(rows, 'n', 2) and count(rows, 'n', 1) == 1").evaluate(NAMES) is True


ODD = {
    **NAMES, "none": None, "many": [[1] * 50] * 50, "long": "字" * 5000, "day": date(2026, 5, 1), "money": Decimal("9.99"),
    "nan": float("nan"), "big": 10**400, "deep": json.loads("[" * 60 + "]" * 60), "d": {"a": {"b": None}}, "yes": "是",
}  # fmt: skip
atoms = st.sampled_from([*ODD, "d.a.b", "d.a.c", "rows[0]", "row['n']", "'2026-05-01'", "'x'", "1", "0", "1e15", "True", "null",
                         "date('2026-05-01')", "[]", "unknown", "s.n", "long[9999]"])  # fmt: skip
wild = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(
            ["+", "-", "*", "/", "<", "<=", "==", "!=", "in", "not in", "and", "or", "is"]), inner),
        st.builds("{}({})".format, st.sampled_from([*BUILT_IN, "exists", "empty", "nope", "-", "not "]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max", "pluck", "days_between"]), inner, inner),
        st.builds("{}({}, {}, {})".format, st.sampled_from(["any_of", "count"]), inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    ),
    max_leaves=10,
)  # fmt: skip


@settings(deadline=1000)
@given(wild)
@example("nan or a")
@example("min(nan, a)")
@example("big")
def test_odd_values_give_a_value_or_our_own_error_and_the_same_after_a_restart(text: str) -> None:
    with contextlib.suppress(DecisionFlowError):
        value = compile_expression(text).evaluate(ODD)
        assert not isinstance(value, int | float) or isinstance(value, bool) or abs(value) <= MAX_NUMBER
    kept = {key: value for key, value in ODD.items() if key not in ("day", "money", "nan", "big")}
    with contextlib.suppress(DecisionFlowError):
        value = compile_expression(text).evaluate(kept)
        again = compile_expression(text).evaluate(json.loads(json.dumps(kept)))
        assert same(again, value) if not isinstance(value, date) else again == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("none > 5", "不能计算"), ("none + 1", "只有数字"), ("missing", "没有名称“missing”"), ("d.a.c", "没有名称“d.a.c”"),
        ("day == '2026-05-01'", "日期"), ("'2026-05-01' in [day]", "日期"), ("day < '2026-05-02'", "不能计算"),
        ("money + 1", "只有数字"), ("nan + 1", "数字过大"), ("number('nan')", "数字过大"), ("big * 1", "数字过大"),
        ("'a' 'b'", "缺少逗号"), ("s in ['a' 'b']", "缺少逗号"), ("days_between(none, day)", "不能计算"),
        ("date('2026-02-30')", "不能计算"), ("count(rows)", "不能计算"), ("sum(long)", "列表"),
    ],
)  # fmt: skip
def test_what_has_no_value_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(DecisionFlowError, match=told):
        compile_expression(text).evaluate(ODD)


def test_yes_is_no_one() -> None:
    """Python takes 1 and True for the same; a form that says 1 has not said yes."""
    assert compile_expression("1 == true").evaluate({}) is False
    assert compile_expression("1 in [true, 2]").evaluate({}) is False
    assert compile_expression("t == true and t in [true]").evaluate(NAMES) is True
