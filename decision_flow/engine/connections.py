"""How the nodes of one scope hang together: what may lead where, and what an event may be attached to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from lxml import etree

from decision_flow.engine.checks import Leaving
from decision_flow.engine.markup import ACTIVITIES, PREFIX
from decision_flow.errors import N_, Text

BEFORE_NOTHING = N_("开始事件不能有流入连线，请连到其后的环节")
AFTER_NOTHING = N_("结束事件不能有流出连线，请改用中间环节")
Outgoing = Mapping[str, list[Leaving]]


def misconnected(scope: etree._Element, kinds: Mapping[str, str], outgoing: Outgoing) -> Iterator[tuple[str, str]]:
    """Yield (element id, sentence) for each node of `scope` that hangs where the library would pass it in silence.

    `kinds` are its nodes with their BPMN tags, `outgoing` the flows by where they begin.
    """
    reached = {flow.target for group in outgoing.values() for flow in group}
    for flow, source in _doubled(kinds, outgoing):
        yield flow, Text.of(N_("与另一条连线起止相同，并行网关会重复放行，请合并（起点 %s）"), source)
    starts = [name for name, kind in kinds.items() if kind == "startEvent"]
    for name in starts[1:]:
        yield name, N_("一层流程只能有一个开始事件，请合并")
    for name, kind in kinds.items():
        if kind == "startEvent" and name in reached:
            yield name, BEFORE_NOTHING
        if kind == "endEvent" and outgoing.get(name):
            yield name, AFTER_NOTHING
        if kind == "boundaryEvent" and name in reached:
            yield name, N_("边界事件不能有流入连线，它只由所附的活动引发")
    for event in scope.iterchildren(f"{PREFIX}boundaryEvent"):
        if kinds.get(event.get("attachedToRef", "")) not in ACTIVITIES:
            yield event.get("id", ""), N_("边界事件没有附着在同一层的活动上，不会触发")
    yield from _joins_on_loops(scope, kinds, outgoing)


def _doubled(kinds: Mapping[str, str], outgoing: Outgoing) -> Iterator[tuple[str, str]]:
    """Yield the flows to a parallel gateway that bring a second token of the same node: the join counts by nodes."""
    for source, group in outgoing.items():
        seen: set[str] = set()
        for flow in group:
            if flow.target in seen and kinds.get(flow.target) == "parallelGateway":
                yield flow.id, source
            seen.add(flow.target)


def _joins_on_loops(scope: etree._Element, kinds: Mapping[str, str], outgoing: Outgoing) -> Iterator[tuple[str, str]]:
    """Refuse a parallel or inclusive join that a loop reaches again in the same scope (trap 14).

    The library counts the tokens of earlier rounds there and fires early. The same fork and join in an
    embedded sub-process is entered afresh each round and is right.
    """
    follow = {source: [flow.target for flow in group] for source, group in outgoing.items()}
    incoming = Counter(target for targets in follow.values() for target in targets)
    for event in scope.iterchildren(f"{PREFIX}boundaryEvent"):
        follow.setdefault(event.get("attachedToRef", ""), []).append(event.get("id", ""))
    for name, kind in kinds.items():
        if kind in ("parallelGateway", "inclusiveGateway") and incoming[name] > 1 and _reaches_itself(name, follow):
            yield name, N_("汇合网关在循环上会提前放行，请把分支和汇合放进子流程")


def _reaches_itself(start: str, follow: Mapping[str, list[str]]) -> bool:
    seen: set[str] = set()
    stack = list(follow.get(start, ()))
    while stack:
        name = stack.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            stack.extend(follow.get(name, ()))
    return False
