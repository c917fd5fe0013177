"""The Chinese of the tree has the marks of Chinese writing, and what is not Chinese keeps its own."""

from __future__ import annotations

import re

import pytest

from scripts import punctuation
from tests.house.texts import ROOT

MENDED = [
    ("没有审查意见,请补齐。", "没有审查意见，请补齐。"),  # as it is
    ("逾期%(days)s天; 请办理", "逾期%(days)s天；请办理"),  # as it is
    ("%(name)s: %(title)s已办结", "%(name)s：%(title)s已办结"),  # as it is
    ("密码至少10位 (含符号)!", "密码至少10位（含符号）！"),  # as it is
    ("模板(.docx)和程序包(.zip)", "模板（.docx）和程序包（.zip）"),  # as it is
    ("产品设定(P) 见附件", "产品设定（P）见附件"),  # as it is
    ("办理「登记」", "办理“登记”"),  # as it is
    ("见 https://example.org/?a=1,b 的说明?", "见 https://example.org/?a=1,b 的说明？"),  # as it is
]
KEPT = ["9:30至17:00", '写作 not("甲")', "金额1,000元", "The unit (镇政府) is named, and so is its head.", "a: b, c"]


@pytest.mark.parametrize(("written", "mended"), [*MENDED, *((text, text) for text in KEPT)])
def test_a_text_gets_its_marks(written: str, mended: str) -> None:
    assert punctuation.mended(written) == mended == punctuation.mended(mended)


def test_code_stays_as_it_is() -> None:
    source = """def f(a, b):  # 办理(一), 二
    \"\"\"Docs (文档), here.\"\"\"
    said = f"事项,{a['b,c']}:{'无,有' if b else ''}"
    return said, r"(事项),", "姓名,电话"  # as it is
"""  # as it is
    said = """    said = f"事项，{a['b,c']}：{'无，有' if b else ''}\""""
    lines = source.split("\n")
    assert punctuation.mend("a.py", source).split("\n") == [*lines[:2], said, *lines[3:]]


def test_every_chinese_text_of_the_tree_has_its_marks() -> None:
    """`scripts/format` mends what this lists. What a program reads as it stands ends its line with `# as it is`."""
    assert list(punctuation.places()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "web/templates").rglob("*.html")), ids=lambda path: path.stem)
def test_a_template_says_the_marks_between_its_expressions(path) -> None:
    """`{{ _('：') }}` is a colon in both languages; a bare one stands in Chinese as a foreign mark."""
    shown = re.sub(r"\{#.*?#\}|<(style|script)\b.*?</\1>", "", path.read_text("utf-8"), flags=re.S)
    shown = re.sub(r"\{\{(?:'[^']*'|[^'])*?\}\}|\{%.*?%\}", "\ue000", shown, flags=re.S)
    shown = re.sub(r"<[^<>]*>", "", shown)
    assert re.findall(r"\ue000 ?[,;:(?!)]|[,;:(] ?\ue000", shown) == []
