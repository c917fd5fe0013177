"""The drawing as it was read: scopes with their elements and flows.

Read leniently, so that a diagram from another tool can be judged before it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from lxml import etree

from decision_flow.engine.ignored import CAMUNDA
from decision_flow.engine.markup import (
    ACTIVITIES,
    CONDITION,
    EVENTS,
    GATEWAYS,
    LOOP,
    NS,
    PREFIX,
    PROCESS,
    camunda,
    properties_of,
    roles_of,
    tag,
    tree_of,
)  # fmt: skip

# `transaction` and `adHocSubProcess` run otherwise than a sub-process; they are not judged.
KNOWN = {*GATEWAYS, *ACTIVITIES, *EVENTS, "scriptTask"}
OURS, TIMER, TERMINATE = f"{{{CAMUNDA}}}", f"{PREFIX}timerEventDefinition", f"{PREFIX}terminateEventDefinition"
SILENT_EVENTS = {f"{PREFIX}{name}EventDefinition" for name in ("link", "compensate", "cancel")}
HEARING_EVENTS = {f"{PREFIX}{name}EventDefinition" for name in ("signal", "message")}
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


@dataclass(eq=False)
class Source:
    """One element of a diagram as it was read. `hears`: a signal or message, and what comes with it, is caught.

    Nobody changes one either; it is not frozen only because that takes thrice the time to make.
    """

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
    return tuple(_scope(process) for process in tree_of(name, content).iter(PROCESS))


def _scope(node: etree._Element) -> Scope:
    scope = Scope(node.get("id", ""), node.get("name") or "")
    for child in node:
        kind = tag(child)
        if kind == "sequenceFlow":
            condition = (child.findtext(CONDITION) or "").strip()
            flow = child.get("id") or f"flow_{len(scope.flows)}"
            scope.flows.append((flow, child.get("sourceRef", ""), child.get("targetRef", ""), condition))
            scope.labels[flow] = child.get("name") or ""
        elif kind in KNOWN:
            name, inside = child.get("id", ""), {str(entry.tag): entry for entry in child}
            scope.elements[name] = _source(child, kind, inside)
            if child.get("triggeredByEvent") == "true":
                scope.problems.append((name, "事件子流程不能判定"))
            elif kind == "subProcess":
                scope.inner[name] = _scope(child)
            if not SILENT_EVENTS.isdisjoint(inside):
                scope.problems.append((name, "链接、补偿和取消事件不能判定"))
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


def _source(node: etree._Element, kind: str, inside: Mapping[str, etree._Element]) -> Source:
    """Read an element; `inside` are its children by their tags."""
    told = dict(node.items())
    properties = properties_of(node)
    timer = inside.get(TIMER)
    table = told.get(f"{OURS}decisionRef", "")
    return Source(
        id=told.get("id", ""),
        kind=kind,
        name=told.get("name", "").replace("\n", ""),
        step=properties.get("step", ""),
        exempts=properties.get("exempts", ""),
        form=told.get(f"{OURS}formKey", ""),
        roles=roles_of(node),
        called=told.get("calledElement", "") if kind == "callActivity" else "",
        attached=told.get("attachedToRef", ""),
        interrupts=told.get("cancelActivity") != "false",
        terminates=TERMINATE in inside,
        timer="".join(timer.itertext()).strip() if timer is not None else "",
        default=told.get("default", ""),
        properties=properties,
        table=table,
        variable=told.get(f"{OURS}resultVariable") or table,
        hears=kind == "receiveTask" or not HEARING_EVENTS.isdisjoint(inside),
        each=_each(node, inside.get(LOOP)),
    )


def _each(node: etree._Element, loop: etree._Element | None) -> Each | None:
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
