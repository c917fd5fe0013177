"""The drawing as it was read: scopes with their elements and flows.

Read leniently, so that a diagram from another tool can be judged before it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from lxml import etree

from decision_flow.engine.diagrams import ACTIVITIES, EVENTS, GATEWAYS, NS, camunda, parse_xml, properties_of, tag

# `transaction` and `adHocSubProcess` run otherwise than a sub-process; they are not judged.
KNOWN = {*GATEWAYS, *ACTIVITIES, *EVENTS, "scriptTask"}
SILENT_EVENTS = {"linkEventDefinition", "compensateEventDefinition", "cancelEventDefinition"}
UNJUDGED = {
    "complexGateway",
    "adHocSubProcess",
    "transaction",
    "choreographyTask",
    "subChoreography",
    "callChoreography",
}


@dataclass(frozen=True)
class Each:
    """A multi-instance: over which list, what one of it is called, and the list of the results."""

    collection: str
    item: str
    results: str
    until: str = ""


@dataclass(frozen=True)
class Source:
    """One element of a diagram as it was read. `hears`: a signal or message, and what comes with it, is caught."""

    id: str
    kind: str
    name: str
    step: str = ""
    exempts: str = ""
    form: str = ""
    roles: tuple[str, ...] = ()
    called: str = ""
    attached: str = ""
    interrupts: bool = True
    terminates: bool = False
    timer: str = ""
    default: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    variable: str = ""
    hears: bool = False
    each: Each | None = None

    @cached_property
    def stepless(self) -> Source:
        """The same element inside an activity of the same step, of which it is a part."""
        return replace(self, step="")


@dataclass(eq=False)
class Scope:
    """A process or an embedded sub-process: its elements, its flows, the scopes inside it.

    Nobody changes one once it is read: it is shared by all who read the same file.
    """

    id: str
    name: str
    elements: dict[str, Source] = field(default_factory=dict)
    flows: list[tuple[str, str, str, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    inner: dict[str, Scope] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def all_scopes(self) -> Iterator[Scope]:
        """Yield this scope and every one inside it."""
        yield self
        for scope in self.inner.values():
            yield from scope.all_scopes()


def read_scopes(files: Mapping[str, bytes]) -> dict[str, Scope]:
    """Return the processes of `files` by id. Raises `Invalid` for XML that cannot be read."""
    return {scope.id: scope for name, content in files.items() for scope in _processes(name, content)}


@lru_cache(maxsize=128)
def _processes(name: str, content: bytes) -> tuple[Scope, ...]:
    # A draft changes one file at a time; what is known about the others is known by their scopes.
    return tuple(_scope(process) for process in parse_xml(name, content).iter(f"{{{NS['bpmn']}}}process"))


def _scope(node: etree._Element) -> Scope:
    scope = Scope(node.get("id", ""), node.get("name") or "")
    for child in node:
        kind = tag(child)
        if kind == "sequenceFlow":
            condition = (child.findtext("bpmn:conditionExpression", "", NS) or "").strip()
            flow = child.get("id") or f"flow_{len(scope.flows)}"
            scope.flows.append((flow, child.get("sourceRef", ""), child.get("targetRef", ""), condition))
            scope.labels[flow] = child.get("name") or ""
        elif kind in KNOWN:
            scope.elements[child.get("id", "")] = _source(child, kind)
            if child.get("triggeredByEvent") == "true":
                scope.problems.append((child.get("id", ""), "事件子流程不能判定"))
            elif kind == "subProcess":
                scope.inner[child.get("id", "")] = _scope(child)
            if any(tag(entry) in SILENT_EVENTS for entry in child):
                scope.problems.append((child.get("id", ""), "链接、补偿和取消事件不能判定"))
        elif kind in UNJUDGED:
            scope.problems.append((child.get("id", ""), f"{kind} 不能判定"))
    scope.problems += (
        [
            (flow, "连线的起点或终点不存在")
            for flow, source, target, _ in scope.flows
            if source not in scope.elements or target not in scope.elements
        ]
        if not scope.problems
        else []
    )
    return scope


def _source(node: etree._Element, kind: str) -> Source:
    properties = properties_of(node)
    timer = node.find("bpmn:timerEventDefinition", NS)
    return Source(
        id=node.get("id", ""),
        kind=kind,
        name=(node.get("name") or "").replace("\n", ""),
        step=properties.get("step", ""),
        exempts=properties.get("exempts", ""),
        form=camunda(node, "formKey") or "",
        roles=tuple(part.strip() for part in (camunda(node, "candidateGroups") or "").split(",") if part.strip()),
        called=node.get("calledElement", "") if kind == "callActivity" else "",
        attached=node.get("attachedToRef", ""),
        interrupts=node.get("cancelActivity") != "false",
        terminates=node.find("bpmn:terminateEventDefinition", NS) is not None,
        timer="".join(timer.itertext()).strip() if timer is not None else "",
        default=node.get("default", ""),
        properties=properties,
        table=camunda(node, "decisionRef") or "",
        variable=camunda(node, "resultVariable") or camunda(node, "decisionRef") or "",
        hears=kind == "receiveTask"
        or any(
            node.find(f"bpmn:{name}", NS) is not None for name in ("signalEventDefinition", "messageEventDefinition")
        ),
        each=_each(node),
    )


def _each(node: etree._Element) -> Each | None:
    loop = node.find("bpmn:multiInstanceLoopCharacteristics", NS)
    if loop is None:
        return None
    told = loop.find("bpmn:inputDataItem", NS)
    item = (told.get("name") or told.get("id")) if told is not None else camunda(loop, "elementVariable")
    return Each(
        (loop.findtext("bpmn:loopDataInputRef", "", NS) or camunda(loop, "collection") or "").strip(),
        item or f"{node.get('id')}_item",
        (loop.findtext("bpmn:loopDataOutputRef", "", NS) or f"{node.get('id')}_results").strip(),
        (loop.findtext("bpmn:completionCondition", "", NS) or "").strip(),
    )
