"""Reads BPMN files as what they are, documents from a stranger, and refuses by name what does not run.

Everything the library would accept and then silently pass over is refused here, so that what an office
draws is what happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from decision_flow.engine.checks import CHECKS, REFUSED, Leaving
from decision_flow.engine.connections import misconnected
from decision_flow.engine.data import Element, Finding, Flow
from decision_flow.engine.ignored import ignored, refused_declarations
from decision_flow.engine.markup import (
    CONDITION,
    FLOW,
    MAX_REMEMBERED,
    PREFIX,
    PROCESS,
    camunda,
    properties_of,
    roles_of,
    tag,
    tree_of,
)  # fmt: skip
from decision_flow.errors import N_, NotConforming, Text
from decision_flow.steps import StatutoryStep

# Drawn or described, but nothing that a token passes through.
PASSIVE = {
    "sequenceFlow", "laneSet", "textAnnotation", "association", "group", "documentation", "dataObject",
    "dataObjectReference", "extensionElements", "incoming", "outgoing",
    "multiInstanceLoopCharacteristics", "standardLoopCharacteristics",
}  # fmt: skip
# A sub-process may have these; a process has nobody to repeat it.
LOOPS = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
RULES = "executable"
NUMBERED_TWICE = N_("元素没有编号，或者编号重复，请另编一个编号")


@dataclass(frozen=True)
class Diagrams:
    """All files of a bundle, read: trees for the parser, elements and flows for everyone else."""

    trees: Mapping[str, etree._Element]
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    processes: Mapping[str, tuple[str, ...]]


def refused(files: Mapping[str, bytes]) -> list[Finding]:
    """Return everything in `files` (name -> bytes) that cannot run. Raises `Invalid` for XML that cannot be read."""
    findings: list[Finding] = []
    known: set[str] = set()
    for name, content in files.items():
        file = _small_refused(name, content) if len(content) <= MAX_REMEMBERED else _refused(tree_of(name, content))
        findings += file.findings
        findings += (Finding(RULES, twice, NUMBERED_TWICE) for twice in sorted(file.names & known))
        known |= file.names
    return findings


def read(files: Mapping[str, bytes]) -> Diagrams:
    """Return the diagrams of `files` (name -> bytes).

    Raises `Invalid` for XML that cannot be read or is hostile, `NotConforming` with every finding when
    something in it cannot run.
    """
    findings = refused(files)
    if findings:
        raise NotConforming(N_("程序图中有不能运行的内容。"), findings=findings)
    trees = {name: tree_of(name, content) for name, content in files.items()}
    elements: dict[str, Element] = {}
    flows: dict[str, Flow] = {}
    processes: dict[str, tuple[str, ...]] = {}
    for tree in trees.values():
        lanes = _lanes(tree)
        for process in tree.iterchildren(PROCESS):
            name = process.get("id", "")
            elements[name] = _element(process, name, lanes)
            inside = [node for scope in _scopes(process) for node in scope if tag(node) in CHECKS]
            elements |= {node.get("id"): _element(node, name, lanes) for node in inside}
            flows |= {flow.get("id"): _flow(flow, name) for flow in process.iter(FLOW)}
            processes[name] = tuple(node.get("id") for node in inside)
    return Diagrams(trees, elements, flows, processes)


class _Refused(NamedTuple):
    """What in one file cannot run, and the names of its elements."""

    findings: list[Finding]
    names: set[str]


@lru_cache(maxsize=128)
def _small_refused(name: str, content: bytes) -> _Refused:
    # A draft changes one file at a time.
    return _refused(tree_of(name, content))


def _refused(tree: etree._Element) -> _Refused:
    if tag(tree) != "definitions":
        return _Refused([Finding(RULES, tree.get("id", ""), N_("文件的根元素不是BPMN的 definitions"))], set())
    found = _Refused([Finding(RULES, name, reason) for name, reason in refused_declarations(tree)], set())
    for process in tree.iterchildren(PROCESS):
        for scope in _scopes(process):
            _look_at(scope, found)
    return found


def _scopes(process: etree._Element) -> Iterator[etree._Element]:
    """Yield the process and every embedded sub-process in it: each is entered and left on its own."""
    yield process
    yield from process.iter(f"{PREFIX}subProcess")


def _look_at(scope: etree._Element, found: _Refused) -> None:
    findings, scope_id = found.findings, scope.get("id", "")
    kinds: dict[str, str] = {}
    there: set[str] = set()  # Refused already: what leads there is not wrong besides.
    outgoing: dict[str, list[Leaving]] = {}
    for flow in scope.iterchildren(FLOW):
        condition = flow.findtext(CONDITION) if len(flow) else None
        leaving = Leaving(flow.get("id", ""), flow.get("targetRef", ""), condition)
        outgoing.setdefault(flow.get("sourceRef", ""), []).append(leaving)
        if leaving.id in found.names:
            findings.append(Finding(RULES, leaving.id, NUMBERED_TWICE))
        found.names.add(leaving.id)
        findings += [Finding(RULES, leaving.id, reason) for reason in ignored(flow)]
    if scope.tag == PROCESS:
        found.names.add(scope_id)
        findings += [Finding(RULES, scope_id, reason) for reason in ignored(scope)]
    for node in scope:
        kind, name = tag(node), node.get("id", "")
        if kind not in CHECKS:
            if not kind or (kind in PASSIVE and not (scope.tag == PROCESS and kind in LOOPS)):
                continue
            findings.append(
                Finding(
                    RULES, name or scope_id or kind, REFUSED.get(kind, Text.of(N_("不支持的元素 %s，请删去"), kind))
                )
            )
            there.add(name)
            continue
        if not name or name in found.names:
            findings.append(Finding(RULES, name or scope_id or node.get("name") or kind, NUMBERED_TWICE))
            continue
        found.names.add(name)
        kinds[name] = kind
        leave = outgoing.get(name, [])
        findings += [Finding(RULES, name, reason) for check in CHECKS[kind] for reason in check(node, kind, leave)]
    if "startEvent" not in kinds.values():
        findings.append(Finding(RULES, scope_id or "process", N_("没有开始事件")))
    if "endEvent" not in kinds.values():
        findings.append(Finding(RULES, scope_id or "process", N_("没有结束事件")))
    findings += [
        Finding(RULES, flow.id, N_("连线的起点或终点不在同一层流程中"))
        for source, group in outgoing.items()
        for flow in group
        if not {source, flow.target} <= there | kinds.keys()
    ]
    findings += [Finding(RULES, name, reason) for name, reason in misconnected(scope, kinds, outgoing)]


def _lanes(tree: etree._Element) -> dict[str, str]:
    return {
        (reference.text or "").strip(): lane.get("name", "")
        for lane in tree.iter(f"{PREFIX}lane")
        for reference in lane.iterchildren(f"{PREFIX}flowNodeRef")
    }


def _flow(node: etree._Element, process: str) -> Flow:
    return Flow(node.get("id", ""), node.get("sourceRef", ""), node.get("targetRef", ""), process)


def _element(node: etree._Element, process: str, lanes: Mapping[str, str]) -> Element:
    properties, name = properties_of(node), node.get("id", "")
    step, exempts = properties.get("step"), properties.get("exempts")
    return Element(
        id=name,
        name=(node.get("name") or "").replace("\n", ""),
        kind=tag(node),
        process=process,
        name_en=properties.get("name_en", ""),
        lane=lanes.get(name, ""),
        step=StatutoryStep(step) if step else None,
        exempts=StatutoryStep(exempts) if exempts else None,
        form=camunda(node, "formKey"),
        roles=roles_of(node),
        properties=properties,
    )
