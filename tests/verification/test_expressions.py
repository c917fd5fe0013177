"""Expressions are typed against forms and tables, splits cover every case, drawings hang together."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from decision_flow import working_days
from decision_flow.engine import Bundle
from decision_flow.expressions import BUILT_IN
from decision_flow.verification import Report, inference, policy, verify
from decision_flow.verification.covering import gap
from tests.drawing import Drawing

NOTHING = policy.parse("", "test")
FORM = """
id = "F-06"
title = "草案"
[[fields]]
name = "draft_text"
label = "正文"
type = "long"
[[fields]]
name = "technical"
label = "专业性强"
type = "bool"
required = true
[[fields]]
name = "reply"
label = "答复"
type = "enum"
required = true
options = [{value = "yes", label = "同意"}, {value = "no", label = "不同意"}]
[[fields]]
name = "groups"
label = "群体"
type = "multi"
options = [{value = "workers", label = "职工"}, {value = "women", label = "妇女"}]
[[fields]]
name = "people"
label = "人数"
type = "int"
[[fields]]
name = "budget"
label = "资金"
type = "money"
[[fields]]
name = "closes"
label = "截止"
type = "date"
[[fields]]
name = "points"
label = "意见"
type = "table"
columns = [{name = "issue", label = "问题", type = "text"}, {name = "binding", label = "必须", type = "bool"}]
"""
TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:test">
<decision id="D-1" name="去向"><decisionTable id="t" hitPolicy="FIRST">
<input id="i"><inputExpression id="ie"><text>%s</text></inputExpression></input><output id="o" name="route" />
<rule id="r1"><inputEntry id="c1"><text>%s</text></inputEntry><outputEntry id="e1"><text>"meeting"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="c2"><text>-</text></inputEntry><outputEntry id="e2"><text>"again"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def judge(drawing: Drawing, *others: Drawing, table: str = "", forms: tuple[str, ...] = (FORM,)) -> Report:
    bundle = Bundle(
        drawing.id,
        {f"{each.id}.bpmn": each.xml() for each in (drawing, *others)},
        {"d.dmn": table.encode()} if table else {},
        {f"{number}.toml": text.encode() for number, text in enumerate(forms)},
    )
    return verify(bundle, policy=NOTHING)


def asking(condition: str) -> Drawing:
    """Fill in F-06, then ask `condition`."""
    drawing = Drawing("p").start().user("fill", form="F-06").xor("g").user("more").end()
    drawing.chain("start", "fill", "g").flow("g", "more", condition, "是").flow("g", "end", "else", "否")
    return drawing.chain("more", "end")


def told(report: Report) -> list[str]:
    return [found.message for found in report.findings]


@pytest.mark.parametrize("condition", [
    "F06.technical", "F06.reply == 'no'", "F06.reply in ['yes', 'no']", "'women' in F06.groups", "F06.people > 5",
    "number(F06.budget) >= 10000", "any_of(F06.points, 'binding', true)", "F06.closes < '2026-01-01'",
    "days_between(today(), F06.closes) > 3", "exists('F06.people') and F06.people * 2 == 4", "empty(F06.groups)",
    "F06.people > (3 if F06.technical else 5)", "matter.entry == 'adjusts'", "total(F06.points, 'issue') == 0 or true",
])  # fmt: skip
def test_an_expression_that_fits_its_forms_is_not_touched(condition: str) -> None:
    report = judge(asking(condition))
    if "total" in condition:
        assert "不能合计" in told(report)[0]
    else:
        assert report == Report("lawful")


@pytest.mark.parametrize(("condition", "right"), [
    ("exists('F10.x') and F10.x == 'no'", True), ("not exists('F10.x') or F10.x < 3", True),
    ("F06.technical and exists('F10.x') and F10.x < 3", True), ("not empty(F10.x) and F10.x < 3", True),
    ("exists('F10.x') or F10.x == 'no'", False), ("F10.x == 'no' and exists('F10.x')", False),
    ("exists('F11.x') and F10.x == 'no'", False), ("not exists('F10.x') and F10.x < 3", False),
])  # fmt: skip
def test_what_is_asked_for_first_may_be_missing(condition: str, right: bool) -> None:
    assert (judge(asking(condition)).verdict == "lawful") is right


@pytest.mark.parametrize(("condition", "complaint"), [
    ("F06.tecnical", "没有“tecnical”这一项"),
    ("F07.reply == 'no'", "没有环节填写表单“F07”"),
    ("technical", "没有名称“technical”"),
    ("F06.reply == 'maybe'", "没有“maybe”这一选项，有：no、yes"),
    ("F06.reply in ['yes', 'nein']", "没有“nein”这一选项"),
    ("'men' in F06.groups", "没有“men”这一选项"),
    ("F06.people == 'many'", "是数字，“'many'”是文字，两者永远不会相等"),
    ("F06.closes > 5", "是日期，“5”是数字，不能比较大小"),
    ("F06.budget > 10000", "应当写成 number(F06.budget)"),
    ("F06.budget == 10000", "金额应当写成 number"),
    ("F06.technical > 1", "是是否，不能比较大小"),
    ("F06.reply > 'a'", "是选项，不能比较大小"),
    ("F06.technical == 'yes'", "永远不会相等"),
    ("F06.reply + 1 == 2", "不能计算"),
    ("F06.draft_text == 'x'", "不进入程序数据"),
    ("any_of(F06.points, 'urgent', true)", "没有“urgent”这一列"),
    ("any_of(F06.points, 'binding', 'yes')", "永远不会相等"),
    ("count(F06.people, 'a', 1) > 0", "函数 count 不能用于“F06.people”（数字）"),
    ("weekday(F06.closes) == 1", "没有函数“weekday”"),
    ("len(F06.points, 2) > 0", "参数个数不对"),
    ("F06.closes == 'tomorrow'", "“tomorrow”不是日期"),
    ("'a' in F06.people", "不能在其中查找"),
    ("exists('F06.pepole')", "没有“pepole”这一项"),
])  # fmt: skip
def test_an_expression_that_cannot_be_meant_is_found(condition: str, complaint: str) -> None:
    report = judge(asking(condition))
    assert (report.verdict, {found.rule for found in report.findings}) == ("unlawful", {"expression_typed"})
    assert complaint in told(report)[0]


def test_what_is_filled_in_later_or_elsewhere_cannot_be_asked_for() -> None:
    drawing = Drawing("p").start().xor("g").user("fill", form="F-06").user("other").end()
    drawing.chain("start", "g").flow("g", "fill", "F06.technical", "是").flow("g", "other", "else", "否")
    report = judge(drawing.chain("fill", "end").chain("other", "end"))
    assert "走到这里之前不会有“F06”" in told(report)[0]
    # Once round a loop it has been.
    drawing = Drawing("p").start().xor("in").user("fill", form="F-06").xor("g").end()
    drawing.chain("start", "in", "fill", "g").flow("g", "in", "F06.technical", "是").flow("g", "end", "else", "否")
    assert judge(drawing).verdict == "lawful"
    # In the branch beside it has not.
    drawing = Drawing("p").start().fork("s").user("fill", form="F-06").user("a", due="date(F06.closes)").fork("j")
    drawing.end().chain("start", "s", "fill", "j", "end").chain("s", "a", "j")
    assert [found.element for found in judge(drawing).findings] == ["a"]


def test_a_called_process_reads_what_its_caller_filled_in_and_hands_back_its_own() -> None:
    inner = Drawing("q").start("s2").user("ask", form="F-07", due="date(F06.closes)").end("e2")
    inner.chain("s2", "ask", "e2")
    other = 'id = "F-07"\ntitle = "意见"\n[[fields]]\nname = "agree"\nlabel = "同意"\ntype = "bool"\nrequired = true\n'
    drawing = Drawing("p").start().user("fill", form="F-06").call("c", "q").xor("g").end().end("no")
    drawing.chain("start", "fill", "c", "g").flow("g", "end", "F07.agree", "是").flow("g", "no", "else", "否")
    assert judge(drawing, inner, forms=(FORM, other)) == Report("lawful")
    drawing = Drawing("p").start().call("c", "q").user("fill", form="F-06").end().chain("start", "c", "fill", "end")
    report = judge(drawing, inner, forms=(FORM, other))
    assert [found.element for found in report.findings] == ["ask"]


def test_lists_timers_and_the_persons_of_tasks_are_typed() -> None:
    drawing = Drawing("p").start().user("fill", form="F-06")
    drawing.user("each", form="F-06", each="F06.points", item="point", results="answers", person="point.issue")
    drawing.timer("wait", "F06.people").xor("g").end().end("no").chain("start", "fill", "each", "wait", "g")
    drawing.flow("g", "end", "any_of(answers, 'reply', 'no')", "是").flow("g", "no", "else", "否")
    report = judge(drawing)
    assert {found.element: found.message.split("：")[-1] for found in report.findings} == {
        "each": "“point.issue”是文字，得不出人员", "wait": "“F06.people”是数字，得不出日期",
    }  # fmt: skip
    drawing = Drawing("p").start().user("fill", form="F-06").user("each", each="F06.people").end()
    assert "不是列表" in told(judge(drawing.chain("start", "fill", "each", "end")))[0]


@pytest.mark.parametrize(("told_by", "cell", "asked", "right"), [
    ("F06.reply", '"yes"', "D1.route == 'meeting'", True),
    ("F06.reply", '"ja"', "D1.route == 'meeting'", False),
    ("F06.people", '"many"', "D1.route == 'meeting'", False),
    ("F06.people", "&gt;= 5", "D1.route == 'meeting'", True),
    ("F06.poeple", "-", "D1.route == 'meeting'", False),
    ("F06.people", "-", "D1.route == 'party'", False),
    ("F06.people", "-", "D1.rout == 'meeting'", False),
])  # fmt: skip
def test_tables_are_typed_by_their_inputs_and_ask_for_their_results(
    told_by: str, cell: str, asked: str, right: bool
) -> None:
    drawing = Drawing("p").start().user("fill", form="F-06").rule("r", "D-1", "D1").xor("g").end().end("no")
    drawing.chain("start", "fill", "r", "g").flow("g", "end", asked, "是").flow("g", "no", "else", "否")
    report = judge(drawing, table=TABLE % (told_by, cell))
    assert (report.verdict == "lawful") is right, report


def test_a_signal_may_bring_what_is_not_known_here_and_a_diagram_without_forms_is_not_asked() -> None:
    drawing = Drawing("p").start().user("fill", form="F-06").signal("s", "go").xor("g").end().end("no")
    drawing.chain("start", "fill", "s", "g").flow("g", "end", "adjusted.outcome == 'x'", "是")
    assert judge(drawing.flow("g", "no", "else", "否")).verdict == "lawful"
    assert judge(asking("whatever == 1"), forms=()).verdict == "lawful"


def test_every_function_of_the_language_and_of_the_calendar_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_days, "load", lambda *_: working_days.package())
    assert set(inference.FUNCTIONS) == set(BUILT_IN) | set(working_days.functions(Session()))


FIELDS = {
    "F06.technical": {"type": "bool", "required": True}, "F06.urgent": {"type": "bool"},
    "F06.reply": {"type": "enum", "required": True, "options": [{"value": "yes"}, {"value": "no"}, {"value": "later"}]},
    "F06.groups": {"type": "multi", "required": True, "options": [{"value": "a"}, {"value": "b"}]},
    "F06.people": {"type": "int", "required": True}, "F06.share": {"type": "number", "required": True},
}  # fmt: skip


@pytest.mark.parametrize("conditions", [
    ["F06.technical", "not F06.technical"],
    ["F06.technical == true", "F06.technical == false"],
    ["F06.reply == 'yes'", "F06.reply in ['no', 'later']"],
    ["F06.reply == 'yes' and F06.technical", "F06.reply != 'yes'", "not F06.technical"],
    ["F06.urgent", "not F06.urgent"],
    ["'a' in F06.groups", "'b' in F06.groups"],
    ["F06.people < 5", "F06.people >= 5"],
    ["F06.people <= 5", "F06.people >= 6"],
    ["len(F06.list) > 0", "len(F06.list) == 0"],
    ["F06.people < F06.share", "F06.people >= F06.share"],
    ["F06.people * 2 > 10", "F06.people * 2 <= 10"],
    ["anything == 'x'", "anything != 'x'"],
    ["exists('F11.x')", "not exists('F11.x')"],
])  # fmt: skip
def test_conditions_that_cover_every_case_have_no_gap(conditions: list[str]) -> None:
    assert gap(conditions, FIELDS) is None


@pytest.mark.parametrize(("conditions", "case"), [
    (["F06.reply == 'yes'", "F06.reply == 'no'"], {"F06.reply": "later"}),
    (["F06.technical == true and F06.reply == 'yes'", "F06.technical == false"], {"F06.technical": True}),
    (["F06.urgent == true", "F06.urgent == false"], {"F06.urgent": None}),
    (["'a' in F06.groups"], {"F06.groups": ["b"]}),
    (["F06.people < 5", "F06.people > 5"], {"F06.people": 5}),
    (["F06.share <= 5", "F06.share >= 6"], {"F06.share": 5.5}),
    (["F06.people < F06.share", "F06.people > F06.share"], {}),
    (["anything == 'x'", "anything == 'y'"], {"anything": "其他"}),
    ([f"x{number} == 'a'" for number in range(20)], {}),
])  # fmt: skip
def test_a_gap_is_told_by_the_case_that_falls_into_it(conditions: list[str], case: dict[str, object]) -> None:
    found = gap(conditions, FIELDS)
    assert found is not None
    assert case.items() <= found.items()


def test_a_split_without_default_must_cover_every_case() -> None:
    for gateway in ("xor", "inclusive"):
        for second, verdict in (("F06.reply == 'no'", "lawful"), ("F06.technical", "unlawful")):
            drawing = Drawing("p").start().user("fill", form="F-06").end().end("no")
            getattr(drawing, gateway)("g").chain("start", "fill", "g")
            drawing.flow("g", "end", "F06.reply == 'yes'", "是").flow("g", "no", second, "否")
            report = judge(drawing)
            assert report.verdict == verdict
            assert [found.rule for found in report.findings] == ["gateway_complete"] * (verdict != "lawful")


def test_what_does_not_hang_together_is_named_and_what_is_not_labelled_only_warned_of() -> None:
    drawing = Drawing("p").start().user("a").user("alone").end().chain("start", "a", "end").chain("alone", "end")
    report = judge(drawing)
    assert (report.verdict, [(f.rule, f.element) for f in report.findings]) == ("unsound", [("connected", "alone")])
    drawing = Drawing("p").start().xor("g").user("a").end().chain("start", "g").flow("g", "a", "x", "是")
    report = judge(drawing.flow("g", "end", "else", "否"), forms=())
    assert (report.verdict, [(f.rule, f.element) for f in report.findings]) == ("unsound", [("connected", "a")])
    drawing = Drawing("p").start().user("a", name=" ").xor("g").end().end("no").chain("start", "a", "g")
    drawing.flow("g", "end", "x == 1").flow("g", "no", "else", "否")
    report = judge(drawing, forms=())
    assert report.verdict == "lawful"
    assert [(found.rule, found.severity) for found in report.findings] == [("labelled", "warning")] * 2
