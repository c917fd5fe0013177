"""What cannot run is refused by name before anything starts: nothing is silently passed over."""

from __future__ import annotations

import contextlib
import json
import random
import zlib

import pytest

from decision_flow import engine
from decision_flow.engine import Bundle
from decision_flow.engine.decisions import read_tables
from decision_flow.errors import Invalid, NotConforming, ProcedureFault
from tests.drawing import Drawing
from tests.engine.driver import Driver, bundle


def reasons(xml: bytes) -> dict[str, str]:
    with pytest.raises(NotConforming) as refusal:
        engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml}))
    return {finding.element: finding.message for finding in refusal.value.findings}


def all_reasons(xml: bytes) -> list[tuple[str, str]]:
    with pytest.raises(NotConforming) as refusal:
        engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml}))
    return [(finding.element, finding.message) for finding in refusal.value.findings]


def plain(body: str = "") -> bytes:
    xml = Drawing("p").start().user("a").end().chain("start", "a", "end").xml().decode()
    return xml.replace("  </bpmn:process>", f"{body}  </bpmn:process>").encode()


@pytest.mark.parametrize(
    "element",
    [
        '<bpmn:scriptTask id="x"><bpmn:script>1</bpmn:script></bpmn:scriptTask>', '<bpmn:complexGateway id="x" />',
        '<bpmn:adHocSubProcess id="x" />', '<bpmn:transaction id="x" />', '<bpmn:dataStoreReference id="x" />',
        '<bpmn:eventBasedGateway id="x" />', '<bpmn:subProcess id="x" triggeredByEvent="true" />',
        '<bpmn:userTask id="x" />', '<bpmn:serviceTask id="x" />', '<bpmn:businessRuleTask id="x" />',
        '<bpmn:callActivity id="x" />', '<bpmn:receiveTask id="x" />', '<bpmn:task id="x" isForCompensation="true" />',
        '<bpmn:intermediateThrowEvent id="x"><bpmn:linkEventDefinition /></bpmn:intermediateThrowEvent>',
        '<bpmn:intermediateThrowEvent id="x"><bpmn:compensateEventDefinition /></bpmn:intermediateThrowEvent>',
        '<bpmn:intermediateCatchEvent id="x"><bpmn:errorEventDefinition /></bpmn:intermediateCatchEvent>',
        '<bpmn:intermediateCatchEvent id="x"><bpmn:conditionalEventDefinition /></bpmn:intermediateCatchEvent>',
        '<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition /></bpmn:intermediateCatchEvent>',
        '<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition><bpmn:timeCycle>R/P1D</bpmn:timeCycle>'
        "</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>",
        '<bpmn:intermediateCatchEvent id="x" />', '<bpmn:boundaryEvent id="x" attachedToRef="a" />',
        '<bpmn:userTask id="x" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:candidateGroups="a,b" />',
        '<bpmn:task id="x" />',
        '<bpmn:boundaryEvent id="x" attachedToRef="a" cancelActivity="false">'
        '<bpmn:signalEventDefinition signalRef="s" /></bpmn:boundaryEvent>',
        '<bpmn:task id="x"><bpmn:standardLoopCharacteristics /></bpmn:task>',
        '<bpmn:task id="x"><bpmn:multiInstanceLoopCharacteristics /></bpmn:task>',
    ],
)  # fmt: skip
def test_an_element_that_cannot_run_is_named(element: str) -> None:
    found = reasons(plain(element))
    assert found["x"]


def test_conditions_gateways_and_flows() -> None:
    drawing = Drawing("p").start().user("a").xor("g").end().chain("start", "a", "g")
    drawing.flow("g", "end", "__import__('os')").flow("g", "a")
    found = reasons(drawing.xml())
    assert "g" in found
    split = Drawing("p").start().user("a").user("b").end().chain("start", "a", "end").chain("start", "b")
    assert "start" in reasons(split.xml())
    twice = Drawing("p").start().user("a").user("b").end().chain("start", "a", "end").chain("a", "b", "end")
    assert "网关" in reasons(twice.xml())["a"]
    step = Drawing("p").start().user("a", step="coffee").end().chain("start", "a", "end")
    assert "coffee" in reasons(step.xml())["a"]


@pytest.mark.parametrize(
    "attack",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', b"<x", b"",
        b"<x>" * 5000, b"x" * 5_000_000, '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
    ],
)  # fmt: skip
def test_hostile_xml_is_refused(attack: bytes) -> None:
    with pytest.raises(Invalid):
        engine.compile(Bundle(main="p", bpmn={"p.bpmn": attack}))


def test_a_missing_process_or_table_is_named() -> None:
    drawing = Drawing("p").start().call("c", "nowhere").rule("r", "D-99", "D99").end().chain("start", "c", "r", "end")
    assert set(reasons(drawing.xml())) == {"c", "r"}


def test_a_foreign_cut_off_or_newer_state_is_refused() -> None:
    compiled = engine.compile(bundle(Drawing("p").start().user("a").end().chain("start", "a", "end")))
    state = Driver(compiled, {"text": "字" * 50}).state
    assert engine.open_tasks(compiled, state)
    damaged = [state[:length] for length in range(len(state))] + [state + b"x", state + state]
    for one in (*damaged, b"\x01abc", b"\x01" + b"\x00" * 50):
        with pytest.raises(ProcedureFault, match="损坏"):
            engine.open_tasks(compiled, one)
    with pytest.raises(ProcedureFault, match="更新版本"):
        engine.open_tasks(compiled, b"\x02" + state[1:])


def test_what_no_file_can_hold_is_told() -> None:
    compiled = engine.compile(bundle(Drawing("p").start().user("a").user("b").end().chain("start", "a", "b", "end")))
    with pytest.raises(ProcedureFault, match="不能保存"):
        Driver(compiled).do("a", F01={"text": "\ud800"})


def test_values_that_python_takes_for_equal_are_told_apart_in_a_state() -> None:
    going = Driver(
        engine.compile(bundle(Drawing("p").start().user("a").user("b").end().chain("start", "a", "b", "end"))),
        {"F01": {"count": 1, "sides": [1, {"of": 0}]}, "whole": 2},
        restart=True,
    )
    going.do("a", F01={"count": True, "sides": [1.0, {"of": False}]}, whole=2.0)
    (task,) = going.open()["b"]
    assert repr((task.data["F01"], task.data["whole"])) == "({'count': True, 'sides': [1.0, {'of': False}]}, 2.0)"


def _damage(value: object, dice: random.Random) -> object:
    """Return a state's JSON with one thing in it broken."""
    if isinstance(value, list) and value:
        position = dice.randrange(len(value))
        if dice.random() < 0.25:
            del value[position]
        else:
            value[position] = _damage(value[position], dice)
        return value
    if isinstance(value, dict) and value:
        key = dice.choice(list(value))
        value[key] = _damage(value[key], dice)
        return value
    return dice.choice([None, -1, 99999, "x", [], {}, "0" * 32, 16, 32, 64])


@pytest.mark.parametrize("seed", range(300))
def test_a_damaged_state_runs_or_is_told_and_nothing_else(seed: int) -> None:
    inner = Drawing("inner").start("is").user("b").end("ie").chain("is", "b", "ie")
    drawing = Drawing("p").start().fork("f").user("a").sub(inner).timer("t", "P1D", on="inner").end().end("e2")
    drawing.chain("start", "f", "a", "end").chain("f", "inner", "end").chain("t", "e2")
    run = Driver(engine.compile(bundle(drawing)), {"matter": {"id": 1}})
    content = _damage(json.loads(zlib.decompress(run.state[1:])), random.Random(seed))
    state = run.state[:1] + zlib.compress(json.dumps(content).encode())
    with contextlib.suppress(ProcedureFault):
        engine.open_tasks(run.compiled, state)
        engine.fire(run.compiled, state, run.context)


def dmn(cells: list[tuple[str, str]], policy: str = "UNIQUE", extra: str = "", output: str = "") -> dict[str, bytes]:
    rows = "".join(
        f"<rule id='r{n}'><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>{out}</text></outputEntry></rule>"
        for n, (cell, out) in enumerate(cells)
    )
    return {"t.dmn": (
        "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/'><decision id='T'>"
        f"<decisionTable hitPolicy='{policy}' {extra}><input><inputExpression><text>x</text></inputExpression></input>"
        f"<output name='y'>{output}</output>{rows}</decisionTable></decision></definitions>"
    ).encode()}  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "hits", "misses"),
    [
        ('"a","b"', ["a", "b"], ["c"]), ('not("a")', ["b"], ["a"]), ("&gt;= 5", [5, 9], [4]), ("[1..5]", [1, 5], [0, 6]),
        ("]1..5[", [2, 4], [1, 5]), ("-", ["x", 3, None], []), ("true", [True], [False, 1]), ("3", [3], [4]),
        ("&lt; 2, &gt; 8", [1, 9], [5]), ("[1..3],[7..9[", [2, 7], [5, 9]), ("&gt;= 5, 1", [5, 1], [3]),
        ('not("a","b")', ["c"], ["a", "b"]), ("not([1..5], 9)", [6], [3, 9]), ('"a,b"', ["a,b"], ["a"]),
        ("null", [None], [1, "", False]), ("-1, -2", [-1], [1]), ("1", [1], [True]),
    ],
)  # fmt: skip
def test_cells_mean_what_they_say(cell: str, hits: list, misses: list) -> None:
    table = read_tables(dmn([(cell, '"hit"')]))["T"]
    assert all(table.decide({"x": value}, {}) == {"y": "hit"} for value in hits)
    assert all(table.decide({"x": value}, {}) == {} for value in misses)


def test_hit_policies_are_honoured_or_refused() -> None:
    both = [("&gt; 1", "1"), ("&gt; 2", "2")]
    with pytest.raises(ProcedureFault):
        read_tables(dmn(both))["T"].decide({"x": 3}, {})
    assert read_tables(dmn(both, "FIRST"))["T"].decide({"x": 3}, {}) == {"y": 1}
    assert read_tables(dmn(both, "COLLECT"))["T"].decide({"x": 3}, {}) == [{"y": 1}, {"y": 2}]
    assert read_tables(dmn([("&gt; 1", "1"), ("&gt; 2", "1")], "ANY"))["T"].decide({"x": 3}, {}) == {"y": 1}
    with pytest.raises(ProcedureFault):
        read_tables(dmn(both, "ANY"))["T"].decide({"x": 3}, {})
    values = "<outputValues><text>2, 1</text></outputValues>"
    assert read_tables(dmn(both, "PRIORITY", output=values))["T"].decide({"x": 3}, {}) == {"y": 2}
    assert read_tables(dmn(both, "OUTPUT ORDER", output=values))["T"].decide({"x": 3}, {}) == [{"y": 2}, {"y": 1}]
    for policy, extra in (("PRIORITY", ""), ("OUTPUT ORDER", ""), ("COLLECT", "aggregation='AVG'"), ("LAST", ""),
                          ("FIRST", "aggregation='SUM'")):  # fmt: skip
        with pytest.raises(Invalid):
            read_tables(dmn(both, policy, extra))


@pytest.mark.parametrize(
    ("how", "three", "none"),
    [("SUM", {"y": 3}, {"y": 0}), ("COUNT", {"y": 2}, {"y": 0}), ("MIN", {"y": 1}, {}), ("MAX", {"y": 2}, {})],
)
def test_collected_results_are_aggregated(how: str, three: dict, none: dict) -> None:
    table = read_tables(dmn([("&gt; 1", "1"), ("&gt; 2", "2")], "COLLECT", f"aggregation='{how}'"))["T"]
    assert table.decide({"x": 3}, {}) == three
    assert table.decide({"x": 0}, {}) == none


def test_a_result_that_its_column_does_not_know_is_refused() -> None:
    values = "<outputValues><text>2, 1</text></outputValues>"
    for policy in ("UNIQUE", "PRIORITY"):
        with pytest.raises(Invalid, match="取值之中"):
            read_tables(dmn([("-", "3")], policy, output=values))


def test_words_are_not_added_up() -> None:
    table = read_tables(dmn([("-", "'a'")], "COLLECT", "aggregation='SUM'"))["T"]
    with pytest.raises(ProcedureFault, match="数字"):
        table.decide({"x": 1}, {})


@pytest.mark.parametrize(
    "part",
    [
        "<informationRequirement><requiredDecision href='#other' /></informationRequirement>",
        "<knowledgeRequirement><requiredKnowledge href='#other' /></knowledgeRequirement>",
    ],
)
def test_a_table_that_asks_another_is_refused(part: str) -> None:
    content = dmn([("-", "1")])["t.dmn"].replace(b"<decision id='T'>", f"<decision id='T'>{part}".encode())
    with pytest.raises(Invalid, match="不会起作用"):
        read_tables({"t.dmn": content})


def test_a_decision_that_is_no_table_a_default_and_another_language_are_refused() -> None:
    plain_table = dmn([("-", "1")])["t.dmn"]
    with pytest.raises(Invalid, match="不是决策表"):
        read_tables({"t.dmn": b"<definitions><decision id='T'><literalExpression /></decision></definitions>"})
    with pytest.raises(Invalid, match="defaultOutputEntry"):
        read_tables(dmn([("-", "1")], output="<defaultOutputEntry><text>2</text></defaultOutputEntry>"))
    with pytest.raises(Invalid, match="javascript"):
        read_tables(
            {"t.dmn": plain_table.replace(b"<inputExpression>", b"<inputExpression expressionLanguage='javascript'>")}
        )
    with pytest.raises(Invalid, match="两次"):
        read_tables({"a.dmn": plain_table, "b.dmn": plain_table})


@pytest.mark.parametrize(
    "cell",
    [
        "a.__class__", "__import__('os')", "lambda: 1", "[1..", "x := 1", 'not("a"),"b"', '"a" or "b"', "&gt; 5 or 7",
        "x &gt; 5", "&gt; 5 and &lt; 9", '"a" "b"', '"a",', "[1,2]", "? &gt; 5", 'contains(?, "x")', "in (1,2)",
        "between 1 and 5", "some v in x satisfies v &gt; 0", "x instance of number", '@"2026-01-01"', "{a: 1}",
        "if true then 1 else 2", "1 if x else 2", "function(v) v", "“a”", "1<b/>,2",
    ],
)  # fmt: skip
def test_a_cell_that_means_nothing_is_refused(cell: str) -> None:
    with pytest.raises(Invalid):
        read_tables(dmn([(cell, "1")]))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        *[(f'<bpmn:userTask id="x" camunda:candidateGroups="r" camunda:{name}="v" />', name)
          for name in ("assignee", "candidateUsers", "dueDate", "followUpDate", "priority", "formRef", "asyncBefore",
                       "asyncAfter", "exclusive", "jobPriority", "formRefBinding")],
        *[(f'<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:extensionElements><camunda:{name} />'
           "</bpmn:extensionElements></bpmn:userTask>", name)
          for name in ("executionListener", "taskListener", "inputOutput", "connector", "formData", "field", "script",
                       "failedJobRetryTimeCycle")],
        *[(f'<bpmn:callActivity id="x" calledElement="p" camunda:{name}="v" />', name)
          for name in ("calledElementBinding", "variableMappingClass", "asyncBefore")],
        ('<bpmn:callActivity id="x" calledElement="p"><bpmn:extensionElements><camunda:in source="a" target="b" />'
         '<camunda:out source="a" target="b" /></bpmn:extensionElements></bpmn:callActivity>', "camunda:in"),
        *[(f'<bpmn:serviceTask id="x" camunda:topic="t" camunda:{name}="v" />', name)
          for name in ("class", "expression", "delegateExpression", "resultVariable", "type")],
        ('<bpmn:businessRuleTask id="x" camunda:decisionRef="D" camunda:mapDecisionResult="singleEntry" />', "map"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:ioSpecification /></bpmn:userTask>', "ioSpec"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:dataInputAssociation /></bpmn:userTask>', "dataInput"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:potentialOwner /></bpmn:userTask>', "potentialOwner"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r" completionQuantity="2" />', "completionQuantity"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r" default="f" />', "default"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r" isForCompensation="true" />', "补偿"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:multiInstanceLoopCharacteristics behavior="One" '
         'camunda:collection="a" /></bpmn:userTask>', "behavior"),
        ('<bpmn:userTask id="x" camunda:candidateGroups="r"><bpmn:multiInstanceLoopCharacteristics>'
         "<bpmn:loopCardinality>3</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>",
         "loopCardinality"),
        ('<bpmn:sendTask id="x" messageRef="m" />', "消息不会送到"),
        ('<bpmn:endEvent id="x"><bpmn:messageEventDefinition messageRef="m" /></bpmn:endEvent>', "消息不会送到"),
        ('<bpmn:startEvent id="x"><bpmn:signalEventDefinition signalRef="m" /></bpmn:startEvent>', "触发方式"),
        ('<bpmn:startEvent id="x" camunda:initiator="who" />', "initiator"),
        ('<bpmn:receiveTask id="x" messageRef="m" instantiate="true" />', "instantiate"),
        ('<bpmn:intermediateThrowEvent id="x"><bpmn:errorEventDefinition /></bpmn:intermediateThrowEvent>', "错误"),
        ('<bpmn:intermediateThrowEvent id="x"><bpmn:escalationEventDefinition /></bpmn:intermediateThrowEvent>', "升级"),
        ('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:errorEventDefinition /></bpmn:boundaryEvent>', "错误"),
        ('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:compensateEventDefinition /></bpmn:boundaryEvent>', "补偿"),
        ('<bpmn:property id="x" name="v" />', "property"), ('<bpmn:ioSpecification id="x" />', "ioSpecification"),
        ('<bpmn:task id="x" camunda:candidateGroups="r" xmlns:f="http://flowable.org/bpmn" f:skipExpression="v" />',
         "flowable:skipExpression"),
    ],
)  # fmt: skip
def test_what_other_engines_act_on_is_named(written: str, told: str) -> None:
    assert any(told in reason for name, reason in all_reasons(plain(written)) if name == "x")


@pytest.mark.parametrize(
    ("place", "attribute", "told"),
    [
        ("bpmn:process", 'camunda:candidateStarterGroups="v"', "candidateStarterGroups"),
        ("bpmn:sequenceFlow", 'isImmediate="false"', "isImmediate"),
    ],
)
def test_so_it_is_on_processes_and_flows(place: str, attribute: str, told: str) -> None:
    xml = plain().decode().replace(f"<{place} ", f"<{place} {attribute} ", 1).encode()
    assert any(told in reason for _, reason in all_reasons(xml))


def test_a_process_that_must_not_or_would_never_run_is_refused() -> None:
    idle = Drawing("idle").start("is").end("ie").chain("is", "ie")
    with pytest.raises(NotConforming) as refusal:
        drawing = Drawing("p").start().user("a").end().chain("start", "a", "end")
        engine.compile(bundle(drawing, idle))
    assert [finding.element for finding in refusal.value.findings] == ["idle"]
    off = plain().replace(b'isExecutable="true"', b'isExecutable="false"')
    assert "isExecutable" in reasons(off)["p"]
    asks = plain().replace(
        b"  <bpmn:process", b'  <bpmn:extension mustUnderstand="true" definition="d" />\n  <bpmn:process'
    )
    assert reasons(asks)["d"]


def test_a_signal_nobody_waits_for_is_refused() -> None:
    drawing = Drawing("p").start().user("a").add("intermediateThrowEvent", "shout", signal="news").end()
    assert "等待" in reasons(drawing.chain("start", "a", "shout", "end").xml())["shout"]


def test_defaults_and_conditions_that_contradict_each_other() -> None:
    drawing = Drawing("p").start().user("a").xor("g").end().chain("start", "a", "g")
    xml = drawing.flow("g", "end", "else").flow("g", "a", "x").xml().decode()
    twice = xml.replace('targetRef="end" />', 'targetRef="end"><bpmn:conditionExpression>x'
                        "</bpmn:conditionExpression></bpmn:sequenceFlow>")  # fmt: skip
    assert "默认连线" in reasons(twice.encode())["g"]
    assert "默认连线" in reasons(xml.replace('default="flow_p_03"', 'default="flow_p_01"').encode())["g"]
    other = '<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression" language="groovy">'
    assert (
        "语言"
        in reasons(xml.replace('<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">', other).encode())[
            "flow_p_04"
        ]
    )


def test_annotations_of_tools_and_what_repeats_a_default_are_no_findings() -> None:
    xml = plain().decode()
    xml = xml.replace('<bpmn:userTask id="a"', '<bpmn:userTask id="a" xmlns:t="urn:tool" t:colour="red" '
                      'isForCompensation="false" startQuantity="1" implementation="##unspecified"')  # fmt: skip
    xml = xml.replace("  </bpmn:process>", '<bpmn:dataObjectReference id="d" /><bpmn:textAnnotation id="t" />'
                      "  </bpmn:process>")  # fmt: skip
    assert Driver(engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml.encode()}))).names() == ["a"]
