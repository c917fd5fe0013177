"""The shipped procedures with one element changed: taken out, led past, given another role, without form or mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from lxml import etree

from decision_flow.engine import Bundle
from decision_flow.engine.markup import ACTIVITIES, CAMUNDA, NS, parse_xml, tag

B = f"{{{NS['bpmn']}}}"
ROLES = ("undertaking_unit", "legality_reviewer", "legality_head")
Change = Callable[[etree._Element, etree._Element], None]  # The element, and the scope it stands in.


@dataclass(frozen=True)
class Mutant:
    """A changed bundle: of which procedure, what was done to which element."""

    procedure: str
    kind: str
    element: str
    bundle: Bundle

    def __str__(self) -> str:
        return f"{self.procedure}: {self.kind} {self.element}"


def mutants(procedure: str, bundle: Bundle) -> Iterator[Mutant]:
    """Yield `bundle` with every single change of one element that leaves a drawing to be read."""
    for file, content in bundle.bpmn.items():
        tree = parse_xml(file, content)
        for element, kind, change in _changes(tree):
            copy = deepcopy(tree)
            node = next(each for each in copy.iter() if each.get("id") == element and tag(each) != "lane")
            change(node, node.getparent())
            yield Mutant(procedure, kind, element, replace(bundle, bpmn={**bundle.bpmn, file: etree.tostring(copy)}))


def _changes(tree: etree._Element) -> Iterator[tuple[str, str, Change]]:
    for node in tree.iter():
        kind, name = tag(node), node.get("id", "")
        scope = node.getparent()
        if kind == "boundaryEvent":
            yield name, "without event", _without_event
        if (
            kind in (*ACTIVITIES, "intermediateCatchEvent", "intermediateThrowEvent")
            and len(_flows(scope, "sourceRef", name)) == 1
        ):
            yield name, "taken out", take_out
            yield name, "led past", _lead_past
        if kind == "userTask":
            if node.get(f"{{{CAMUNDA}}}formKey"):
                yield name, "without form", lambda node, _: node.attrib.pop(f"{{{CAMUNDA}}}formKey") and None
            for role in ROLES:
                if node.get(f"{{{CAMUNDA}}}candidateGroups") != role:
                    yield (
                        name,
                        f"role {role}",
                        lambda node, _, role=role: node.set(f"{{{CAMUNDA}}}candidateGroups", role),
                    )  # type: ignore[misc]
        for mark in ("step", "exempts", "due"):
            if kind in ACTIVITIES and _property(node, mark) is not None:
                yield name, f"without {mark}", lambda node, _, mark=mark: _drop(_property(node, mark))  # type: ignore[misc]


def _property(node: etree._Element, name: str) -> etree._Element | None:
    return node.find(f"bpmn:extensionElements/camunda:properties/camunda:property[@name='{name}']", NS)


def _drop(node: etree._Element) -> None:
    node.getparent().remove(node)


def _flows(scope: etree._Element, end: str, name: str) -> list[etree._Element]:
    return [flow for flow in scope.iterfind(f"{B}sequenceFlow") if flow.get(end) == name]


def take_out(node: etree._Element, scope: etree._Element) -> None:
    """Delete a node as the editor does: what led to it leads on, what hung on it goes too."""
    name = node.get("id")
    (after,) = _flows(scope, "sourceRef", name)
    for flow in _flows(scope, "targetRef", name):
        flow.set("targetRef", after.get("targetRef"))
    for event in list(scope.iterfind(f"{B}boundaryEvent[@attachedToRef='{name}']")):
        _without_event(event, scope)
    for told in list(scope.iter(f"{B}incoming", f"{B}outgoing")):
        if told.text == after.get("id"):
            _drop(told)
    _drop(after)
    _drop(node)


def _without_event(node: etree._Element, scope: etree._Element) -> None:
    for flow in _flows(scope, "sourceRef", node.get("id")):
        _drop(flow)
    _drop(node)


def _lead_past(node: etree._Element, scope: etree._Element) -> None:
    """Draw a gateway before a node whose default flow leads past it."""
    name = node.get("id")
    (after,) = _flows(scope, "sourceRef", name)
    for flow in _flows(scope, "targetRef", name):
        flow.set("targetRef", "past")
    split = etree.SubElement(scope, f"{B}exclusiveGateway", id="past", name="是否办理", default="past_by")
    etree.SubElement(
        scope, f"{B}sequenceFlow", id="past_by", name="不办理", sourceRef="past", targetRef=after.get("targetRef")
    )
    way = etree.SubElement(scope, f"{B}sequenceFlow", id="past_in", name="办理", sourceRef="past", targetRef=name)
    etree.SubElement(way, f"{B}conditionExpression").text = "matter.entry == 'suggestion'"
    for node in (split, way):
        scope.append(node)
