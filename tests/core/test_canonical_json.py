"""The canonical form is that of RFC 8785, by whichever way it is made."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from decision_flow import canonical_json

TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**55), 2**55) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


class Word(enum.StrEnum):
    """A word with a name, as states and events are."""

    DONE = "完成"


def form(dumps: Callable[[Any], bytes], value: Any) -> bytes | str:
    try:
        return dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        return "no text" if "surrogates" in str(error) else str(error)


@given(VALUES)
@example({"\U0001f600": 1, "\ufb33": 2, "é": 3})
@example({"a": ["\ud800"]})
@example({"\ud800": 1})
@example({'\x00\x1f\x7f\u2028"\\/\b\f\n\r\t': '\x00\x1f\x7f\u2028"\\/\b\f\n\r\t'})
@example([2**53, -(2**53), 2**53 - 1, True, 1.0, -0.0, 1e21, 1e-7])
@example({"状态": Word.DONE, "名单": ("甲", "乙")})
@example({1: "a key that is no word"})
@example({"a": object})
def test_every_value_has_the_form_that_the_library_gives_it(value: Any) -> None:
    assert form(canonical_json.dumps, value) == form(rfc8785.dumps, value)


def test_what_an_event_is_made_of_does_not_need_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rfc8785, "dumps")
    told = {
        "event": "task.completed",
        "task": 7,
        "rules": [],
        "facts": {"answers": {"F01": {"标题": "渡口", "n": None}}},
    }
    assert json.loads(canonical_json.dumps(told)) == told


def test_a_key_that_is_no_text_is_refused_as_a_value_is() -> None:
    for value in ({"\ud800": 1}, {"a": "\ud800"}):
        with pytest.raises(rfc8785.CanonicalizationError):
            canonical_json.dumps(value)
