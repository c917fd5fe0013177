"""The verifier: from a change in the editor to its findings, and 1,000 generated procedures (`industrial`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from lxml import etree

from decision_flow import procedures
from decision_flow.engine.markup import NS, parse_xml, tag
from decision_flow.modelling import checking
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from scripts.benchmarks import industrial
from scripts.benchmarks.harness import Figures, milliseconds

POLICY = "decree-713"
MAIN = "major_decision.bpmn"


def run(_url: str) -> Figures:
    return {**edit_to_finding(), **industrial.figures()}


def edit_to_finding() -> Figures:
    """Time `checking.check` after each of twenty small changes to the main procedure that is open in the editor."""
    source = next(source for source in procedures.shipped(BPMN) if source.key == "major_decision")
    checking.check(source, POLICY)
    cpu, clock, verdicts = [], [], []
    for edited in edits(source):
        begun, started = time.process_time(), time.perf_counter()
        verdicts.append(checking.check(edited, POLICY).verdict)
        cpu.append(time.process_time() - begun)
        clock.append(time.perf_counter() - started)
    median, slow = milliseconds(cpu)
    return {
        "major_decision: edit to finding CPU p50, ms": median,
        "major_decision: edit to finding CPU p95, ms": slow,
        "major_decision: edit to finding p50, ms": milliseconds(clock)[0],
        "major_decision: edits that are lawful": verdicts.count("lawful"),
        "major_decision: edits that are not": len(verdicts) - verdicts.count("lawful"),
    }


def edits(source: ProcedureSource) -> list[ProcedureSource]:
    """Return `source` with twenty different small changes: eight names, six tasks taken out, six steps unmarked."""
    tasks = [node.get("id", "") for node in _read(source).iter(f"{{{NS['bpmn']}}}userTask")]
    calls = [
        node.get("id", "") for node in _read(source).iter(f"{{{NS['bpmn']}}}callActivity") if _step(node) is not None
    ]
    named = [_changed(source, task, lambda node: node.set("name", f"{node.get('name')}（改）")) for task in tasks[:8]]
    without = [_changed(source, task, _take_out) for task in tasks[8:14]]
    return named + without + [_changed(source, call, _unmark) for call in calls[:6]]


def _step(node: etree._Element) -> etree._Element | None:
    return node.find("bpmn:extensionElements/camunda:properties/camunda:property[@name='step']", NS)


def _unmark(node: etree._Element) -> None:
    """Say no more which statutory step a node is."""
    told = _step(node)
    told.getparent().remove(told)


def _read(source: ProcedureSource) -> etree._Element:
    return parse_xml(MAIN, source.bundle.bpmn[MAIN])


def _changed(source: ProcedureSource, element: str, change: Callable[[etree._Element], None]) -> ProcedureSource:
    tree = _read(source)
    change(next(node for node in tree.iter() if tag(node) and node.get("id") == element))
    bundle = replace(source.bundle, bpmn={**source.bundle.bpmn, MAIN: etree.tostring(tree)})
    return replace(source, bundle=bundle)


def _take_out(node: etree._Element) -> None:
    """Delete a node as the editor does: what led to it leads on, what hung on it goes too."""
    scope, name = node.getparent(), node.get("id")
    flows = list(scope.iterfind("bpmn:sequenceFlow", NS))
    (after,) = [flow for flow in flows if flow.get("sourceRef") == name]
    for flow in flows:
        if flow.get("targetRef") == name:
            flow.set("targetRef", after.get("targetRef"))
    for event in list(scope.iterfind(f"bpmn:boundaryEvent[@attachedToRef='{name}']", NS)):
        scope.remove(next(flow for flow in flows if flow.get("sourceRef") == event.get("id")))
        scope.remove(event)
    for entry in list(scope.iter("{*}incoming", "{*}outgoing")):
        if entry.text == after.get("id"):
            entry.getparent().remove(entry)
    scope.remove(after)
    scope.remove(node)
