"""What nobody can read is not said, and does not make another name of the same one."""

from __future__ import annotations

import pytest

from decision_flow import typed_in
from decision_flow.errors import Invalid
from decision_flow.forms import Form

NOTHING = ("", "   ", "\u200b" * 30, "\u3164" * 30, "\u2800" * 30, "\ufeff\u00ad", "\u3000\u00a0\t", "\u200d\u180e\ufe0f", "\u202e\u2066")  # fmt: skip
FORM = """
id = "F-99"
title = "理由"
title_en = "Reason"
basis = "条例第十九条"

[[fields]]
name = "reason"
label = "理由"
label_en = "Reason"
type = "long"
required = true
min_length = 20
"""


@pytest.mark.parametrize("text", NOTHING)
def test_what_cannot_be_read_is_no_reason(text: str) -> None:
    assert typed_in.words(text) == "" and typed_in.length(text) == 0
    for answer in (text, f"急{text}办"):
        with pytest.raises(Invalid) as refusal:
            Form.parse(FORM.encode()).validate({"reason": answer})
        assert set(refusal.value.errors) == {"reason"}


def test_what_is_read_stays_as_it_was_typed() -> None:
    told = "㐂庄、ᠮᠣᠩᠭᠣᠯ ئۇيغۇرچە 第1项：同意。\n第2项——不同意"
    assert typed_in.words(f"\ufeff {told}\u200b ") == told and typed_in.words(None) == ""
    assert Form.parse(FORM.encode()).validate({"reason": f"\u200b{told}"}) == {"reason": told}


@pytest.mark.parametrize(
    "name", ["清河镇水厂\u200b", "清河 镇水厂", "清河镇水厂\u3164", " 清河镇\u00ad水厂。", "清河镇水厂\u2800"]
)
def test_a_name_is_the_same_however_it_is_spaced(name: str) -> None:
    assert typed_in.same(name) == typed_in.same("清河镇水厂") != typed_in.same("清河镇水站")
    assert typed_in.same("恒测(清河)ＡＢ公司") == typed_in.same("恒测（清河）ab公司")  # as it is
