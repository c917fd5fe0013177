"""What a collective discussion has passed is published: the requirement of the decree, and what the template keeps of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from decision_flow import procedures
from decision_flow.engine import Bundle
from decision_flow.engine.markup import NS, parse_xml
from decision_flow.modelling import sources
from decision_flow.resources import BPMN
from decision_flow.verification import Report, game, policy, verify
from tests.drawing import Drawing

MAIN = next(source for source in procedures.shipped(BPMN) if source.key == "major_decision").bundle
PASSED = policy.parse(
    """
    [[require]]
    kind = "at_end"
    step = "publication"
    after = "collective_discussion"
    decided_by = "F15.decision"
    decided_as = ["approved", "approved_with_changes"]
    reopened_by = "legality_review"
    recorded_by = ["F-07"]
    exemption = true
    """,
    "test",
)
YES = "F15.decision in ['approved', 'approved_with_changes']"


def discussed(form: str = "F-15") -> Drawing:
    drawing = Drawing("p").start().user("meet", form=form, step="collective_discussion")
    return drawing.user("publish", step="publication").xor("passed").end()


def judge(drawing: Drawing) -> Report:
    return verify(Bundle(drawing.id, {"p.bpmn": drawing.xml()}), policy=PASSED)


def found(drawing: Drawing) -> list[tuple[str, ...]]:
    return [one.counterexample for one in judge(drawing).findings if one.rule == "step_before_end"]


@pytest.mark.parametrize("name", policy.policies())
@pytest.mark.parametrize("template", sources.templates(), ids=lambda source: source.key)
def test_a_template_is_lawful_under_every_shipped_policy(template: procedures.ProcedureSource, name: str) -> None:
    assert verify(template.bundle, policy=policy.load(name)) == Report("lawful")
    tasks = template.bundle.bpmn["local_decision.bpmn"].count(b"<bpmn:userTask")
    assert 9 <= tasks <= 11


def test_what_is_passed_is_published_and_what_is_not_may_end() -> None:
    drawing = discussed().chain("start", "meet", "passed").flow("passed", "publish", YES).flow("passed", "end", "else")
    assert found(drawing.chain("publish", "end")) == []
    (way,) = found(discussed().chain("start", "meet", "passed").flow("passed", "publish", "F15.x").flow("passed", "end", "else").chain("publish", "end"))  # fmt: skip
    assert way == ("start", "meet", "passed", "end")


def test_one_of_the_values_that_decide_is_enough_for_a_hole() -> None:
    drawing = discussed().chain("start", "meet", "passed").chain("publish", "end")
    drawing.flow("passed", "publish", "F15.decision == 'approved'").flow("passed", "end", "else")
    assert found(drawing) == [("start", "meet", "passed", "end")]
    assert "集体讨论决定作出决定后，不经过公布也能办结：开始" in judge(drawing).findings[0].message


def test_a_discussion_whose_outcome_no_form_holds_counts_as_one_that_decides() -> None:
    for form, ways in (("F-99", [("start", "meet", "end")]), ("F-15", [("start", "meet", "end")])):
        drawing = Drawing("p").start().user("meet", form=form, step="collective_discussion").end()
        assert found(drawing.chain("start", "meet", "end")) == ways
    rejected = Drawing("p").start().user("meet", form="F-99", step="collective_discussion").xor("x").xor("m").end()
    rejected.user("publish", step="publication").chain("start", "meet", "x").chain("publish", "m", "end")
    rejected.flow("x", "publish", YES).flow("x", "m", "else")
    assert found(rejected) == [("start", "meet", "x", "m", "end")]


def test_an_exemption_or_what_is_not_to_be_disclosed_stands_in() -> None:
    for attributes in ({"exempts": "publication"}, {"form": "F-07"}, {}):
        drawing = discussed().user("record", **attributes).chain("start", "meet", "passed", "record", "end")
        drawing.flows[2] = (*drawing.flows[2][:3], "F06.secret", "")
        drawing.flow("passed", "publish", "else").chain("publish", "end")
        assert (found(drawing) == []) is bool(attributes), attributes


@pytest.mark.parametrize("name", ["decree-713", "province-example"])
def test_withholding_a_part_does_not_exempt_from_hearing_the_public(name: str) -> None:
    """The way that only a part is withheld has to lead to the public: taken past it, it is a hole in words and drawn."""
    tree = parse_xml("major_decision.bpmn", MAIN.bpmn["major_decision.bpmn"])
    (gate,) = tree.iterfind(".//bpmn:exclusiveGateway[@id='G_withheld']", NS)
    for flow in tree.iterfind(f".//bpmn:sequenceFlow[@sourceRef='{gate.get('id')}']", NS):
        if flow.get("id") == gate.get("default"):
            flow.set("targetRef", "G_public_done")
    broken = replace(MAIN, bpmn={**MAIN.bpmn, "major_decision.bpmn": etree.tostring(tree)})
    assert verify(MAIN, policy=policy.load(name)).verdict == "lawful"
    told = verify(broken, policy=policy.load(name))
    holes = [found for found in told.findings if found.rule == "step_unavoidable"]
    assert told.verdict == "unlawful"
    assert [found.basis for found in holes] == ["条例第十四条", "条例第二十六条"]
    assert all("（“不予公开认定”为“部分不公开”时不免除）：" in found.message for found in holes)
    assert all("T_required_steps_07" in found.counterexample for found in holes)
    whole = policy.parse(
        '[[require]]\nstep = "public_participation"\nbefore = "collective_discussion"\nexemption = true', "x"
    )
    assert verify(broken, policy=whole).verdict == "lawful"


def test_a_new_legality_review_opens_the_decision_again() -> None:
    for step in ("legality_review", "drafting"):
        drawing = discussed().user("again", step=step).chain("start", "meet", "passed", "again", "end")
        drawing.flows[2] = (*drawing.flows[2][:3], "F15.material_change", "")
        drawing.flow("passed", "publish", "else").chain("publish", "end")
        assert (found(drawing) == []) is (step == "legality_review")


@pytest.mark.parametrize(("element", "basis"), [("C_publication", "条例第三十二条"), ("C_party", "条例第三十一条")])
def test_the_shipped_procedure_without_it_is_unlawful(element: str, basis: str) -> None:
    name = "major_decision.bpmn"
    tree = parse_xml(name, MAIN.bpmn[name])
    node = next(each for each in tree.iter() if each.get("id") == element)
    scope = node.getparent()
    flows = list(scope.iterfind("bpmn:sequenceFlow", NS))
    leaving = next(flow for flow in flows if flow.get("sourceRef") == element)
    for flow in flows:
        if flow.get("targetRef") == element:
            flow.set("targetRef", leaving.get("targetRef"))
    scope.remove(leaving)
    scope.remove(node)
    report = verify(replace(MAIN, bpmn={**MAIN.bpmn, name: etree.tostring(tree)}))
    assert report.verdict == "unlawful" and basis in {one.basis for one in report.findings}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("F15.decision == 'approved'", True), ("F15.decision != 'approved'", False), ("F15.decision in ['rejected']", False),
        ("F15.decision not in ('rejected', 'returned')", True), ("not F15.decision == 'approved'", False),
        ("F15.decision == 'approved' and F06.x", None), ("F15.decision == 'x' and F06.x", False), ("F15.decision == F06.x", None),
        ("F15.decision in [F06.x]", None), ("F15.decision in F06.list", None), ("F15.decision_on == 'x'", None),
        ("exists('F15.decision')", None), ("F15.decision ==", None),
    ],
)  # fmt: skip
def test_what_a_decision_settles_and_what_stays_open(text: str, answer: bool | None) -> None:
    assert game.settle(text, frozenset(), {"F15.decision": "approved"}) is answer


def test_forms_are_watched_only_where_a_run_needs_them() -> None:
    """A branch closed while a form is missing is no way round, and a call that may have filled the form in is looked into."""
    drawing = Drawing("p").start().xor("x").xor("m").user("review", step="legality_review", form="F-13")
    drawing.user("meet", step="collective_discussion").end().chain("start", "x").chain("review", "m", "meet", "end")
    drawing.flow("x", "m", "exists('F13.a')").flow("x", "review", "else")
    rule = policy.parse('[[require]]\nstep="legality_review"\nbefore="collective_discussion"', "test")
    assert verify(Bundle("p", {"p.bpmn": drawing.xml()}), policy=rule).verdict == "lawful"
    inner = Drawing("q").start("s").user("fill", form="F-99").end("e").chain("s", "fill", "e")
    outer = Drawing("p").start().call("c", "q").xor("x").xor("m").user("review", step="legality_review")
    outer.user("meet", step="collective_discussion").end().chain("start", "c", "x").chain("review", "m", "meet", "end")
    outer.flow("x", "m", "exists('F99.a')").flow("x", "review", "else")
    report = verify(Bundle("p", {"p.bpmn": outer.xml(), "q.bpmn": inner.xml()}), policy=rule)
    (hole,) = [one for one in report.findings if one.rule == "step_unavoidable"]
    assert hole.counterexample == ("start", "c", "s", "fill", "e", "x", "m", "meet")
