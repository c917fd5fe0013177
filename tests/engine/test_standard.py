"""The standard's elements one by one: what runs does what BPMN says, all else is refused by name and in two languages."""

from __future__ import annotations

import re

import pytest

from decision_flow import engine
from decision_flow.engine import Bundle
from decision_flow.errors import Invalid, NotConforming, ProcedureFault, Text
from tests.drawing import Drawing
from tests.engine.driver import Driver, bundle
from web.language import english

DECLARED = '<bpmn:message id="m" name="mm" /><bpmn:signal id="s" name="ss" /><bpmn:error id="er" />'
ROLE = 'camunda:candidateGroups="r"'
TASK = f'<bpmn:userTask id="x" {ROLE}'
AFTER = '<bpmn:sequenceFlow id="f8" sourceRef="x" targetRef="e2" /><bpmn:endEvent id="e2" />'
INSIDE = (
    f'<bpmn:startEvent id="ss" /><bpmn:userTask id="su" {ROLE} /><bpmn:endEvent id="se" />'
    '<bpmn:sequenceFlow id="sf1" sourceRef="ss" targetRef="su" />'
    '<bpmn:sequenceFlow id="sf2" sourceRef="su" targetRef="se" />'
)


def file(body: str = "", declared: str = DECLARED) -> str:
    xml = Drawing("p").start().user("a").end().chain("start", "a", "end").xml().decode()
    return xml.replace("  </bpmn:process>", f"{body}</bpmn:process>").replace(
        "  <bpmn:process ", f"{declared}<bpmn:process "
    )


def inline(element: str, more: str = "") -> str:
    """Put `element`, called x, before the task."""
    body = f'{element}{more}<bpmn:sequenceFlow id="f9" sourceRef="x" targetRef="a" />'
    return file(body).replace('sourceRef="start" targetRef="a"', 'sourceRef="start" targetRef="x"')


def attached(event: str) -> str:
    return file(event + AFTER)


def event(kind: str, definition: str, attributes: str = "") -> str:
    inner = "<bpmn:timeDuration>P1D</bpmn:timeDuration>" if definition.startswith("timer") else ""
    name = definition.split()[0]
    return f'<bpmn:{kind} id="x" {attributes}><bpmn:{definition}>{inner}</bpmn:{name}></bpmn:{kind}>'


def at(position: str, definition: str) -> str:
    if position.startswith("boundary"):
        stays = 'cancelActivity="false"' if position.endswith("stays") else ""
        return attached(event("boundaryEvent", definition, f'attachedToRef="a" {stays}'))
    if position in ("startEvent", "endEvent"):
        id = position.removesuffix("Event")
        drawn = event(position, definition).replace('id="x"', f'id="{id}"')
        return re.sub(rf'<bpmn:{position} id="{id}".*?</bpmn:{position}>', drawn, file(), flags=re.S)
    return inline(event(position, definition))


def findings(xml: str | bytes) -> list[tuple[str, str]]:
    """Return what is refused; each sentence must have its English."""
    with pytest.raises(NotConforming) as refusal:
        engine.compile(Bundle("p", {"p.bpmn": xml.encode() if isinstance(xml, str) else xml}), keep=False)
    for found in refusal.value.findings:
        told = found.message.template if isinstance(found.message, Text) else found.message
        assert english().gettext(told) != told, told
    return [(found.element, found.message) for found in refusal.value.findings]


def run(xml: str | bytes) -> Driver:
    content = xml.encode() if isinstance(xml, str) else xml
    return Driver(engine.compile(Bundle("p", {"p.bpmn": content}), keep=False), restart=True)


POSITIONS = (
    "startEvent", "endEvent", "intermediateThrowEvent", "intermediateCatchEvent", "boundaryEvent", "boundaryEvent stays",
)  # fmt: skip
DEFINITIONS = {
    "message": 'messageEventDefinition messageRef="m"', "signal": 'signalEventDefinition signalRef="s"',
    "timer": "timerEventDefinition", "error": 'errorEventDefinition errorRef="er"',
    "escalation": "escalationEventDefinition", "compensate": "compensateEventDefinition",
    "cancel": "cancelEventDefinition", "conditional": "conditionalEventDefinition", "link": 'linkEventDefinition name="l"',
    "terminate": "terminateEventDefinition",
}  # fmt: skip
RUNS = {
    ("endEvent", "terminate"), ("intermediateCatchEvent", "message"), ("intermediateCatchEvent", "signal"),
    ("intermediateCatchEvent", "timer"), ("boundaryEvent", "message"), ("boundaryEvent", "signal"),
    ("boundaryEvent", "timer"), ("boundaryEvent stays", "timer"),
}  # fmt: skip


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("trigger", DEFINITIONS)
def test_every_trigger_in_every_place_runs_or_is_named(position: str, trigger: str) -> None:
    xml = at(position, DEFINITIONS[trigger])
    if (position, trigger) in RUNS:
        assert not run(xml).last.finished
    else:
        name = {"startEvent": "start", "endEvent": "end"}.get(position, "x")
        assert name in dict(findings(xml))


@pytest.mark.parametrize(
    ("element", "xml"),
    [
        # Yes and no, as the schema also writes them, and attributes in the namespace of the elements.
        ("x", inline(f'{TASK} isForCompensation="1" />')),
        ("x", inline(f'{TASK} isForCompensation="TRUE" />')),
        ("x", inline(f'{TASK} bpmn:isForCompensation="true" />')),
        ("x", inline(f'<bpmn:subProcess id="x" triggeredByEvent="1">{INSIDE}</bpmn:subProcess>')),
        ("x", inline('<bpmn:exclusiveGateway id="x" bpmn:default="f9" />')),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="a" cancelActivity="0"'))),
        ("x", attached(event("boundaryEvent", DEFINITIONS["timer"], 'attachedToRef="a" bpmn:cancelActivity="false"'))),
        ("x", inline(f'{TASK}><bpmn:multiInstanceLoopCharacteristics isSequential="1" camunda:collection="a" />'
                     "</bpmn:userTask>")),
        ("p", file().replace('isExecutable="true"', 'isExecutable="0"')),
        ("d", file(declared='<bpmn:extension mustUnderstand="1" definition="d" />')),
        # Quantities, defaults and conditions in odd places.
        ("x", inline(f'{TASK} startQuantity="2" />')),
        ("x", inline('<bpmn:parallelGateway id="x" default="f9" />')),
        ("x", inline('<bpmn:exclusiveGateway id="x" default="nowhere" />')),
        ("a", file().replace('targetRef="end" />', 'targetRef="end"><bpmn:conditionExpression>1 == 1'
                             "</bpmn:conditionExpression></bpmn:sequenceFlow>")),
        # Where events hang.
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="nowhere"'))),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"]))),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="start"'))),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="a"')).replace(
            'targetRef="a"', 'targetRef="x"', 1)),
        ("s2", file('<bpmn:startEvent id="s2" /><bpmn:sequenceFlow id="f7" sourceRef="s2" targetRef="a" />')),
        ("start", file('<bpmn:userTask id="x" camunda:candidateGroups="r" />'
                       '<bpmn:sequenceFlow id="f7" sourceRef="x" targetRef="start" />')),
        ("end", file('<bpmn:sequenceFlow id="f7" sourceRef="end" targetRef="a" />')),
        # Messages and signals.
        ("x", attached(event("boundaryEvent", 'messageEventDefinition messageRef="nowhere"', 'attachedToRef="a"'))),
        ("x", inline('<bpmn:receiveTask id="x" messageRef="nowhere" />')),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="a"')).replace('name="ss"', "")),
        ("x", attached(event("boundaryEvent", DEFINITIONS["signal"], 'attachedToRef="a"')).replace(
            DECLARED, f'{DECLARED}<bpmn:signal id="s" name="other" />')),
        ("x", attached('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:messageEventDefinition messageRef="m">'
                       "<bpmn:operationRef>o</bpmn:operationRef></bpmn:messageEventDefinition></bpmn:boundaryEvent>")),
        ("x", attached('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:signalEventDefinition signalRef="s" '
                       'camunda:async="true" /></bpmn:boundaryEvent>')),
        ("x", attached('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:signalEventDefinition signalRef="s" />'
                       "<bpmn:eventDefinitionRef>t</bpmn:eventDefinitionRef></bpmn:boundaryEvent>")),
        # Multi-instance.
        *[("x", inline(f"{TASK}>{loop}</bpmn:userTask>")) for loop in (
            '<bpmn:multiInstanceLoopCharacteristics camunda:collection="${x}" />',
            '<bpmn:multiInstanceLoopCharacteristics camunda:collection="a" />' * 2,
            '<bpmn:multiInstanceLoopCharacteristics camunda:collection="a"><bpmn:completionCondition>'
            "numberOfCompletedInstances &gt; 1</bpmn:completionCondition></bpmn:multiInstanceLoopCharacteristics>",
            '<bpmn:multiInstanceLoopCharacteristics camunda:collection="a"><bpmn:completionCondition language="groovy">'
            "1 &gt; 1</bpmn:completionCondition></bpmn:multiInstanceLoopCharacteristics>",
            '<bpmn:multiInstanceLoopCharacteristics camunda:collection="a"><bpmn:complexBehaviorDefinition />'
            "</bpmn:multiInstanceLoopCharacteristics>",
        )],
        ("x", inline('<bpmn:exclusiveGateway id="x"><bpmn:multiInstanceLoopCharacteristics camunda:collection="a" />'
                     "</bpmn:exclusiveGateway>")),
        ("p", file('<bpmn:multiInstanceLoopCharacteristics camunda:collection="a" />')),
        # Expressions that would be cut off, and two where one counts.
        *[("f7", inline('<bpmn:exclusiveGateway id="x" default="f9" />',
                        f'<bpmn:sequenceFlow id="f7" sourceRef="x" targetRef="end">{text}</bpmn:sequenceFlow>'))
          for text in ("<bpmn:conditionExpression>1 == 1<b /> and 1 == 2</bpmn:conditionExpression>",
                       "<bpmn:conditionExpression>1 == 2</bpmn:conditionExpression>" * 2)],
        ("f7", inline('<bpmn:parallelGateway id="x" /><bpmn:parallelGateway id="y" />',
                      '<bpmn:sequenceFlow id="f6" sourceRef="x" targetRef="y" />'
                      '<bpmn:sequenceFlow id="f7" sourceRef="x" targetRef="y" />'
                      '<bpmn:sequenceFlow id="f5" sourceRef="y" targetRef="a" />')
         .replace('<bpmn:sequenceFlow id="f9" sourceRef="x" targetRef="a" />', "")),
        # Timers.
        *[("x", attached('<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:timerEventDefinition>'
                         f"{time}</bpmn:timerEventDefinition></bpmn:boundaryEvent>"))
          for time in ('<bpmn:timeDate language="java">P1D</bpmn:timeDate>', "<bpmn:timeDuration>P</bpmn:timeDuration>",
                       "<bpmn:timeDate>2026-13-45</bpmn:timeDate>", "<bpmn:timeDuration>P99999999Y</bpmn:timeDuration>",
                       "<bpmn:timeDuration>P99999999999999D</bpmn:timeDuration>", "<bpmn:timeDate>30</bpmn:timeDate>",
                       "<bpmn:timeDate>2026-01-01/P1D</bpmn:timeDate>", "<bpmn:timeCycle>R3/P1D</bpmn:timeCycle>",
                       "<bpmn:timeDate>2026-05-01</bpmn:timeDate><bpmn:timeDuration>P1D</bpmn:timeDuration>")],
        # Whole models of another kind, what belongs to nobody, calls that never end.
        ("c", file(declared='<bpmn:choreography id="c" />')),
        ("c", file(declared='<bpmn:globalUserTask id="c" />')),
        ("x", inline('<bpmn:callChoreography id="x" />')),
        ("x", inline('<bpmn:callActivity id="x" calledElement="p" />')),
        ("x", inline('<bpmn:callActivity id="x" calledElement="ns:elsewhere" />')),
        ("a", file().replace("</bpmn:userTask>", '<w:script xmlns:w="urn:wrong" /></bpmn:userTask>')),
        ("p", file('<w:userTask xmlns:w="urn:wrong" id="w" />')),
        *[("zz", file(f'<bpmn:{name} id="zz" />')) for name in (
            "correlationSubscription", "potentialOwner", "implicitThrowEvent", "event", "auditing", "monitoring",
            "property", "ioSpecification", "dataStoreReference", "choreographyTask", "subChoreography")],
        # Ids that the library takes for its own, or no id at all.
        *[(name, file().replace('"a"', f'"{name}"')) for name in (
            "Start", "End", "Root", "p.EndJoin", "a.BoundaryEventSplit", "a.BoundaryEventJoin", "a [child]", 'a<b')],
        ("definitions_p", file().replace("bpmn:definitions", "bpmn:other")),
    ],
)  # fmt: skip
def test_what_would_be_passed_in_silence_is_named(element: str, xml: str) -> None:
    assert element in dict(findings(xml.replace('"a<b"', '"a&lt;b"')))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_bytes_of_any_honest_encoding_are_read(encoding: str) -> None:
    text = file().replace("UTF-8", "UTF-16" if encoding == "utf-16" else "UTF-8").replace('"a"', '"审查-1.b"')
    assert run(text.encode(encoding)).names() == ["审查-1.b"]


def test_a_comment_in_a_condition_does_not_cut_it_off() -> None:
    flow = (
        '<bpmn:sequenceFlow id="f7" sourceRef="x" targetRef="end"><bpmn:conditionExpression>1 == 1<!-- c --> and 1 == 2'
        "</bpmn:conditionExpression></bpmn:sequenceFlow>"
    )
    assert run(inline('<bpmn:exclusiveGateway id="x" default="f9" />', flow)).names() == ["a"]


def test_a_file_of_twenty_megabytes_is_not_read() -> None:
    with pytest.raises(Invalid, match="超过"):
        engine.compile(Bundle("p", {"p.bpmn": file().encode() + b" " * 20_000_000}))


def test_a_circle_without_a_rest_is_told_and_not_run_for_ever() -> None:
    drawing = Drawing("p").start().user("go").xor("one", "第一").service("two", "freeze_draft").end()
    drawing.chain("start", "go", "one").flow("one", "two", "else").chain("two", "one").flow("one", "end", "1 == 2")
    going = Driver(engine.compile(bundle(drawing)))
    before = going.state
    with pytest.raises(ProcedureFault, match="自动循环") as fault:
        going.do("go")
    assert going.state == before and fault.value.element in ("one", "two")


def test_a_choice_without_a_way_on_names_itself_as_it_is_drawn() -> None:
    drawing = Drawing("p").start().user("go").xor("which", "是否同意").user("b").end()
    drawing.chain("start", "go", "which").flow("which", "b", "F01.ok").flow("which", "end", "F01.no").chain("b", "end")
    going = Driver(engine.compile(bundle(drawing)))
    with pytest.raises(ProcedureFault, match=r"排他网关.是否同意\(which\).没有一条连线的条件成立"):
        going.do("go", F01={"ok": False, "no": False})
    with pytest.raises(ProcedureFault, match=r"在.是否同意\(which\).处不能继续.没有名称.F01.ok"):
        going.do("go", F01={})


def test_a_list_that_does_not_exist_is_no_empty_list() -> None:
    """A wrong name would leave out everybody; a form that names nobody leaves out nobody else."""
    drawing = Drawing("p").start().user("go").user("each", "征求意见", each="F04.units", item="unit").end()
    compiled = engine.compile(bundle(drawing.chain("start", "go", "each", "end")))
    with pytest.raises(ProcedureFault, match=r"征求意见\(each\)"):
        Driver(compiled).do("go", F03={})
    assert Driver(compiled).do("go", F04={}).finished


@pytest.mark.parametrize("sequential", [False, True])
def test_a_completion_condition_ends_the_rest(sequential: bool) -> None:
    drawing = Drawing("p").start().user("each", each="people", item="one", sequential=sequential).user("last").end()
    xml = drawing.chain("start", "each", "last", "end").xml().decode()
    xml = xml.replace("</bpmn:multiInstance", "<bpmn:completionCondition>one_answer.enough</bpmn:completionCondition>"
                      "</bpmn:multiInstance")  # fmt: skip
    going = Driver(engine.compile(Bundle("p", {"p.bpmn": xml.encode()})), {"people": ["a", "b", "c"]}, restart=True)
    going.do("each", F01={"enough": False})
    step = going.do("each", F01={"enough": True})
    assert going.names() == ["last"] and len(step.closed) == (0 if sequential else 1)
    assert len(going.open()["last"][0].data["each_results"]) == 2


def test_terminating_ends_only_the_scope_it_stands_in() -> None:
    inner = Drawing("inner").start("is").fork("if").user("stop").user("stay").end("ie", terminate=True).end("ie2")
    inner.chain("is", "if", "stop", "ie").chain("if", "stay", "ie2")
    drawing = Drawing("p").start().fork("f").sub(inner).user("after").user("beside").end().end("e2")
    drawing.chain("start", "f", "inner", "after", "end").chain("f", "beside", "e2")
    going = Driver(engine.compile(bundle(drawing)), restart=True)
    assert going.names() == ["beside", "stay", "stop"]
    assert len(going.do("stop").closed) == 1
    assert going.names() == ["after", "beside"]
    going.do("after")
    assert going.do("beside").finished


def test_a_token_ends_where_nothing_leads_on() -> None:
    drawing = Drawing("p").start().fork("f").user("a").user("b").end().chain("start", "f", "a", "end").chain("f", "b")
    going = Driver(engine.compile(bundle(drawing)), restart=True)
    going.do("b")
    assert going.names() == ["a"] and going.do("a").finished


def test_a_signal_wakes_all_who_wait_and_a_message_is_received() -> None:
    drawing = Drawing("p").start().fork("f").signal("one", "news").signal("two", "news").user("a").user("b").end()
    drawing.end("e2").chain("start", "f", "one", "a", "end").chain("f", "two", "b", "e2")
    going = Driver(engine.compile(bundle(drawing)), restart=True)
    going.send("news")
    assert going.names() == ["a", "b"]
    received = run(inline('<bpmn:receiveTask id="x" messageRef="m" />'))
    assert received.names() == []
    received.send("mm")
    assert received.names() == ["a"]


@pytest.mark.parametrize("kind", ["endEvent", "intermediateThrowEvent"])
def test_a_signal_from_inside_interrupts_the_activity_around_it(kind: str) -> None:
    inner = Drawing("inner").start("is").user("iu").add(kind, "out", signal="stop").chain("is", "iu", "out")
    if kind != "endEvent":
        inner.end("ie").chain("out", "ie")
    drawing = Drawing("p").start().fork("f").sub(inner).signal("b", "stop", on="inner").user("stopped").user("normal")
    drawing.signal("also", "stop").user("told").end().end("e2").end("e3").chain("start", "f", "inner", "normal", "end")
    drawing.chain("f", "also", "told", "e2").chain("b", "stopped", "e3")
    going = Driver(engine.compile(bundle(drawing)), restart=True)
    step = going.do("iu")
    assert going.names() == ["stopped", "told"] and step.signals == ()
