"""Diagrams of other tools: what is changed and dropped is said, what cannot run is named, hostile files are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from decision_flow import clock, engine, importing
from decision_flow.engine.diagrams import refused
from decision_flow.engine.markup import parse_xml
from decision_flow.errors import Invalid
from decision_flow.expressions import compile_expression
from decision_flow.importing import Fate
from decision_flow.modelling import sources
from decision_flow.procedures_cli import procedures

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:flowable="http://flowable.org/bpmn" xmlns:activiti="http://activiti.org/bpmn" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="x">'
)


def drawn(inside: str, attributes: str = 'isExecutable="true"') -> bytes:
    return f'{HEAD}<process id="p" {attributes}>{inside}</process></definitions>'.encode()


def flow(name: str, source: str, target: str, condition: str = "") -> str:
    told = f'<conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression>' if condition else ""
    number = f'id="{name}" ' if name else ""
    return f'<sequenceFlow {number}sourceRef="{source}" targetRef="{target}">{told}</sequenceFlow>'


LINE = '<startEvent id="s"/><userTask id="t" {}/><endEvent id="e"/>' + flow("", "s", "t") + flow("f2", "t", "e")


def notes(converted: importing.Converted) -> set[tuple[str, str]]:
    return {(note.element, note.fate.value) for note in converted.notes}


@pytest.mark.parametrize("dialect", ["camunda", "flowable", "activiti"])
def test_a_task_keeps_its_role_in_every_dialect(dialect: str) -> None:
    task = f'{dialect}:candidateGroups="legality_reviewer" {dialect}:formKey="F-13" {dialect}:assignee="${{me}}"'
    found = importing.convert("a.bpmn", drawn(LINE.format(task)))
    assert found.refused == ()
    assert ("t", "dropped") in notes(found)
    element = engine.compile(engine.Bundle("p", {"a.bpmn": found.xml})).elements["t"]
    assert (element.roles, element.form) == (("legality_reviewer",), "F-13")


def test_flows_without_an_id_are_numbered_and_a_task_without_a_role_is_said() -> None:
    found = importing.convert("a.bpmn", drawn(LINE.format("")))
    assert found.refused == ()
    assert {("t", "changed"), ("p_sequenceFlow_3", "changed")} <= notes(found)


def test_listeners_and_forms_of_other_engines_are_dropped_by_name() -> None:
    inside = LINE.replace("<userTask id=\"t\" {}/>", (
        '<userTask id="t" camunda:candidateGroups="expert"><extensionElements><camunda:taskListener class="x"/>'
        '<flowable:formProperty id="y"/></extensionElements></userTask>'
    ))  # fmt: skip
    found = importing.convert("a.bpmn", drawn(inside))
    dropped = {note.text for note in found.notes if note.fate is Fate.DROPPED}
    assert dropped == {"扩展 camunda:taskListener", "扩展 flowable:formProperty"}
    assert found.refused == ()


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        ("${amount > 100 && kind == 'fund'}", "amount > 100 and kind == 'fund'"),
        ("#{!approved || level ne 'low'}", "not approved or level != 'low'"),
        ('= status = "open"', 'status == "open"'),
        ("x >= 3", "x >= 3"),
        ("${name == 'a && b'}", "name == 'a && b'"),
    ],
)
def test_conditions_are_spelt_our_way(foreign: str, ours: str) -> None:
    assert importing.translated(foreign) == ours
    compile_expression(ours)


@pytest.mark.parametrize("hostile", ["${execution.getVariable('x')}", "__import__('os')", "${x.class.forName('y')}"])
def test_a_condition_that_calls_is_refused_with_its_flow(hostile: str) -> None:
    inside = (
        '<startEvent id="s"/><exclusiveGateway id="g" default="f3"/><endEvent id="e"/><endEvent id="e2"/>'
        + flow("f1", "s", "g") + flow("f2", "g", "e", hostile) + flow("f3", "g", "e2")
    )  # fmt: skip
    found = importing.convert("a.bpmn", drawn(inside))
    assert "f2" in {note.element for note in found.refused}


def test_what_other_engines_guess_is_repaired_with_a_word() -> None:
    inside = (
        '<userTask id="a" camunda:candidateGroups="expert"/><userTask id="b" camunda:candidateGroups="expert"/>'
        '<userTask id="c" camunda:candidateGroups="expert"/>' + flow("f1", "a", "b") + flow("f2", "a", "c")
    )  # fmt: skip
    found = importing.convert("a.bpmn", drawn(inside, ""))
    assert found.refused == ()
    assert {("p", "changed"), ("a", "changed"), ("b", "changed"), ("c", "changed")} <= notes(found)
    step = engine.start(engine.compile(engine.Bundle("p", {"a.bpmn": found.xml})), {}, engine.Context(now=clock.now()))
    assert [task.element.id for task in step.opened] == ["a"]


@pytest.mark.parametrize("kind", ["scriptTask", "complexGateway", "adHocSubProcess", "transaction"])
def test_what_cannot_run_is_refused_with_its_element(kind: str) -> None:
    inside = (
        f'<startEvent id="s"/><{kind} id="bad"/><endEvent id="e"/>' + flow("f1", "s", "bad") + flow("f2", "bad", "e")
    )
    found = importing.convert("a.bpmn", drawn(inside))
    assert "bad" in {note.element for note in found.refused}


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b"<a>" * 5000 + b"</a>" * 5000,
        b"not xml",
        b"",
        b"<x>" + b"y" * 4_100_000 + b"</x>",
    ],
)
def test_hostile_files_are_refused(hostile: bytes) -> None:
    with pytest.raises(Invalid):
        importing.convert("a.bpmn", hostile)


def test_a_folder_is_counted_by_reason(tmp_path: Path) -> None:
    (tmp_path / "good.bpmn").write_bytes(drawn(LINE.format('camunda:candidateGroups="expert"')))
    (tmp_path / "below").mkdir()
    (tmp_path / "below/bad.bpmn").write_bytes(drawn('<startEvent id="s"/><scriptTask id="x"/>' + flow("f", "s", "x")))
    (tmp_path / "broken.bpmn").write_bytes(b"<x")
    (tmp_path / "empty.bpmn").write_bytes(b"<x/>")
    ran = CliRunner().invoke(procedures, ["import", "--check", str(tmp_path), "--format", "json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    assert (told["total"], told["converted"], told["refused"]) == (4, 1, 3)
    assert sum(told["reasons"].values()) >= 3
    assert all(file["notes"][0]["element"] for file in told["files"] if file["verdict"] == "refused")
    assert CliRunner().invoke(procedures, ["import", "--check", str(tmp_path / "none")]).exit_code == 2


def test_one_file_is_written_only_when_it_can_run(tmp_path: Path) -> None:
    source, out = tmp_path / "a.bpmn", tmp_path / "b.bpmn"
    source.write_bytes(drawn(LINE.format("")))
    assert CliRunner().invoke(procedures, ["import", str(source), "-o", str(out)]).exit_code == 0
    assert b"undertaking_unit" in out.read_bytes()
    source.write_bytes(drawn('<startEvent id="s"/>'))
    out.unlink()
    assert CliRunner().invoke(procedures, ["import", str(source), "-o", str(out)]).exit_code == 0
    assert out.exists()


PART = '<process id="q"><startEvent id="s2"/><userTask id="t2"/><endEvent id="e2"/>' + flow("g1", "s2", "t2") + flow("g2", "t2", "e2")  # fmt: skip
CALLER = '<startEvent id="s"/><callActivity id="c" calledElement="q"/><endEvent id="e"/>' + flow("f1", "s", "c") + flow("f2", "c", "e")  # fmt: skip


def several(*processes: str) -> bytes:
    return f"{HEAD}{''.join(f'{process}</process>' for process in processes)}</definitions>".encode()


def test_a_process_that_another_one_calls_comes_with_it_and_others_stay_away() -> None:
    found = importing.convert("a.bpmn", several(f'<process id="p">{CALLER}', PART))
    assert found.refused == ()
    assert "t2" in engine.compile(sources.foreign(found).bundle).elements
    alone = PART.replace('"q"', '"r"').replace("2", "3")
    found = importing.convert("a.bpmn", several(f'<process id="p">{CALLER}', PART, alone))
    assert found.refused == () and ("r", "changed") in notes(found)
    for main, tasks in (("", {"t2"}), ("r", {"t3"})):
        [content] = sources.foreign(found, main).bundle.bpmn.values()
        tree = parse_xml("a.bpmn", content)
        assert {node.get("id") for node in tree.iter("{*}userTask")} == tasks
        names = {node.get("id") for node in tree.iter()}
        assert {shape.get("bpmnElement") for shape in tree.iter("{*}BPMNShape", "{*}BPMNEdge", "{*}BPMNPlane")} <= names


def test_what_only_the_file_says_is_taken_out_with_what_leads_to_it() -> None:
    inside = LINE.replace("{}/>", (
        '><ioSpecification><dataInput id="i"/></ioSpecification><dataInputAssociation id="d"><sourceRef>o</sourceRef>'
        "</dataInputAssociation><potentialOwner><resourceAssignmentExpression><formalExpression>group(management)"
        "</formalExpression></resourceAssignmentExpression></potentialOwner></userTask>"
        '<dataStoreReference id="o"/><association id="a" sourceRef="t" targetRef="o"/><textAnnotation id="n"/>'
    ))  # fmt: skip
    found = importing.convert("a.bpmn", drawn(inside))
    assert found.refused == ()
    dropped = {note.text for note in found.notes if note.fate is Fate.DROPPED}
    assert {"内容 ioSpecification", "内容 dataInputAssociation", "内容 dataStoreReference"} <= dropped
    tree = parse_xml("a.bpmn", found.xml)
    assert not list(tree.iter("{*}association", "{*}dataStoreReference")) and list(tree.iter("{*}textAnnotation"))
    assert engine.compile(engine.Bundle("p", {"a.bpmn": found.xml})).elements["t"].roles == ("management",)


def test_ids_that_are_missing_or_shared_lose_nothing() -> None:
    inside = '<startEvent id="s"/><userTask id="t"/><endEvent id="e"/>' + flow("f", "s", "t") + flow("f", "t", "e")
    assert ("f", "refused") in {(each.element, "refused") for each in refused({"a.bpmn": drawn(inside)})}
    found = importing.convert("a.bpmn", drawn(inside))
    assert found.refused == () and ("f", "changed") in notes(found)
    compiled = engine.compile(engine.Bundle("p", {"a.bpmn": found.xml}))
    assert len(compiled.flows) == 2
    unnamed = f"{HEAD}<process><startEvent/><scriptTask/></process><process><task/></process></definitions>".encode()
    found = importing.convert("a.bpmn", unnamed)
    assert found.processes == ("process", "process_2")
    assert found.refused and all(note.element for note in (*found.notes, *refused({"a.bpmn": unnamed})))
    twice = inside.replace('<endEvent id="e"/>', '<endEvent id="e"/><task id="t"/>')
    assert ("t", "refused") in notes(importing.convert("a.bpmn", drawn(twice)))


@pytest.mark.parametrize(("encoding", "mark"), [("utf-16", b""), ("gbk", b""), ("utf-8", b"\xef\xbb\xbf")])
def test_other_encodings_and_line_ends_are_read(encoding: str, mark: bytes) -> None:
    text = drawn(LINE.format('name="审批"')).decode().replace("><", ">\r\n<")
    found = importing.convert("a.bpmn", mark + f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding))
    assert found.refused == () and 'name="审批"'.encode() in found.xml


def test_lists_times_and_counts_are_spelt_our_way_or_refused() -> None:
    many = '<multiInstanceLoopCharacteristics flowable:collection="${F15.members}" flowable:elementVariable="m">%s</multiInstanceLoopCharacteristics>'  # fmt: skip
    wait = '<boundaryEvent id="b" attachedToRef="t"><timerEventDefinition><timeDate>${F15.held_on}</timeDate></timerEventDefinition></boundaryEvent>'  # fmt: skip
    inside = LINE.replace("{}/>", f">{many}</userTask>{wait}") + flow("f3", "b", "e")
    found = importing.convert("a.bpmn", drawn(inside % ""))
    assert found.refused == () and b">F15.held_on<" in found.xml and b'collection="F15.members"' in found.xml
    done = "<completionCondition>${%s}</completionCondition>"
    assert importing.convert("a.bpmn", drawn(inside % done % "stop == true")).refused == ()
    found = importing.convert("a.bpmn", drawn(inside % done % "nrOfCompletedInstances == 2"))
    assert {note.element for note in found.refused} == {"t"}


def test_a_name_that_no_shape_can_hold_is_kept_whole_beside_it() -> None:
    name = "很长的名称" * 2000
    inside = LINE.format(f'name="{name}"').replace('id="f2"', f'id="f2" name="{name}"')
    assert "t" in {each.element for each in refused({"a.bpmn": drawn(inside)})}
    found = importing.convert("a.bpmn", drawn(inside, f'name="{name}"'))
    assert found.refused == () and {("t", "changed"), ("f2", "changed"), ("p", "changed")} <= notes(found)
    tree = parse_xml("a.bpmn", found.xml)
    assert [node.text for node in tree.iter("{*}documentation")] == [name] * 3
    assert max(len(node.get("name", "")) for node in tree.iter()) == 120
