"""What cannot run is refused by name before anything starts: nothing is silently passed over."""

from __future__ import annotations

import contextlib
import json
import random
import zlib

import pytest

from decision_flow import engine
from decision_flow.engine import Bundle, Context
from decision_flow.engine.decisions import read_tables
from decision_flow.errors import Invalid, NotConforming, ProcedureFault
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle


def reasons(xml: bytes) -> dict[str, str]:
    with pytest.raises(NotConforming) as refusal:
        engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml}))
    return {finding.element: finding.message for finding in refusal.value.findings}


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


def test_a_join_on_a_loop_is_refused_by_name() -> None:
    """Trap 14: in the same scope it would open early in a later round."""
    drawing = Drawing("p").start().xor("again").fork("split").user("a").user("b").fork("meet").xor("more").end()
    drawing.chain("start", "again", "split", "a", "meet", "more").chain("split", "b", "meet")
    drawing.flow("more", "again", "redo").flow("more", "end", "else")
    assert "子流程" in reasons(drawing.xml())["meet"]


def test_flows_without_an_id_are_kept() -> None:
    """Trap 10: the library drops them and ends early."""
    xml = Drawing("p").start().user("a").end().chain("start", "a", "end").xml().decode()
    xml = xml.replace('sequenceFlow id="flow_p_02"', "sequenceFlow").replace(
        'sequenceFlow id="flow_p_01"', "sequenceFlow"
    )
    run = Driver(engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml.encode()})))
    assert run.names() == ["a"]
    assert run.do("a").outcome == "end"


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


@pytest.mark.parametrize("state", [b"", b"\x02abc", b"\x01abc", b"\x01" + b"\x00" * 50])
def test_a_foreign_or_damaged_state_is_refused(state: bytes) -> None:
    drawing = Drawing("p").start().user("a").end().chain("start", "a", "end")
    with pytest.raises(ProcedureFault):
        engine.open_tasks(engine.compile(bundle(drawing)), state)


def test_a_state_never_meets_another_plan() -> None:
    one = engine.compile(bundle(Drawing("p").start().user("a").end().chain("start", "a", "end")))
    other = engine.compile(bundle(Drawing("p").start().user("b").end().chain("start", "b", "end")))
    step = engine.start(one, {}, Context(now=NOON))
    with pytest.raises(ProcedureFault, match="版本"):
        engine.open_tasks(other, step.state)


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


def dmn(cells: list[tuple[str, str]], policy: str = "UNIQUE", extra: str = "") -> dict[str, bytes]:
    rows = "".join(
        f"<rule id='r{n}'><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>{out}</text></outputEntry></rule>"
        for n, (cell, out) in enumerate(cells)
    )
    return {"t.dmn": (
        "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/'><decision id='T'>"
        f"<decisionTable hitPolicy='{policy}' {extra}><input><inputExpression><text>x</text></inputExpression></input>"
        f"<output name='y' />{rows}</decisionTable></decision></definitions>"
    ).encode()}  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "hits", "misses"),
    [
        ('"a","b"', ["a", "b"], ["c"]), ('not("a")', ["b"], ["a"]), ("&gt;= 5", [5, 9], [4]), ("[1..5]", [1, 5], [0, 6]),
        ("]1..5[", [2, 4], [1, 5]), ("-", ["x", 3, None], []), ("true", [True], [False]), ("3", [3], [4]),
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
    for policy, extra in (("PRIORITY", ""), ("OUTPUT ORDER", ""), ("COLLECT", "aggregation='SUM'")):
        with pytest.raises(Invalid):
            read_tables(dmn(both, policy, extra))


@pytest.mark.parametrize("cell", ["a.__class__", "__import__('os')", "lambda: 1", "[1..", "x := 1"])
def test_a_cell_that_means_nothing_is_refused(cell: str) -> None:
    with pytest.raises(Invalid):
        read_tables(dmn([(cell, "1")]))
