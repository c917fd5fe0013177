"""An independent judge of procedures: every interleaving of the drawing as read here, and plain questions of reach.

It shares nothing with the verifier but the language of conditions: no partial order, no numbering, no pruning beyond
one thing, that a process without anything in question counts as one task.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from decision_flow.engine import Bundle
from decision_flow.engine.markup import NS, camunda, parse_xml, properties_of, tag

MAX_STATES = 150_000
TASKS = (
    "userTask",
    "manualTask",
    "task",
    "serviceTask",
    "businessRuleTask",
    "receiveTask",
    "callActivity",
    "subProcess",
)
_ASKED = re.compile(r"exists\(\s*[\"']?([A-Za-z0-9_]+)")
Context = tuple[str, ...]
Token = tuple[str, Context, str, frozenset[str]]
State = tuple[frozenset[Token], frozenset[str]]


@dataclass
class Element:
    id: str
    kind: str
    step: str
    exempts: str
    form: str
    inner: str
    default: str
    host: str
    stays: bool
    ends: bool
    xml: Any


@dataclass
class Layer:
    """A process or sub-process."""

    elements: dict[str, Element] = field(default_factory=dict)
    flows: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    outs: dict[str, list[str]] = field(default_factory=dict)
    ins: dict[str, list[str]] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)

    def starts(self) -> list[str]:
        return [name for name, each in self.elements.items() if each.kind == "startEvent"]


class Oracle:
    """One bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self.main = bundle, bundle.main
        self.layers: dict[str, Layer] = {}
        for name, content in bundle.bpmn.items():
            for process in parse_xml(name, content).iter(f"{{{NS['bpmn']}}}process"):
                self._read(process, process.get("id"))
        asked = {
            form
            for layer in self.layers.values()
            for _, _, text in layer.flows.values()
            for form in _ASKED.findall(text)
        }
        told = [each for layer in self.layers.values() for each in layer.elements.values() if each.form]
        self.watched = {e.form for e in told if e.kind == "userTask"} - {e.form for e in told if e.kind != "userTask"}
        self.watched &= asked
        # A form that nothing fills in is never there, but for those that a matter is registered with.
        self.watched |= asked - {each.form for each in told} - {"F01", "F42"} if bundle.forms else set()

    def _read(self, node: Any, name: str) -> None:
        layer = self.layers[name] = Layer()
        for child in node:
            kind, id = tag(child), child.get("id", "")
            if kind == "sequenceFlow":
                text = (child.findtext("bpmn:conditionExpression", "", NS) or "").strip()
                layer.flows[id] = (child.get("sourceRef"), child.get("targetRef"), text)
                layer.outs.setdefault(child.get("sourceRef"), []).append(id)
                layer.ins.setdefault(child.get("targetRef"), []).append(id)
            elif kind in TASKS or kind.endswith(("Event", "Gateway")):
                told = properties_of(child)
                layer.elements[id] = Element(
                    id, kind, told.get("step", "") if kind in TASKS else "", told.get("exempts", ""),
                    (camunda(child, "formKey") or "").replace("-", ""),
                    id if kind == "subProcess" else child.get("calledElement", ""), child.get("default", ""),
                    child.get("attachedToRef", ""), child.get("cancelActivity") == "false",
                    child.find("bpmn:terminateEventDefinition", NS) is not None, child,
                )  # fmt: skip
                if kind == "boundaryEvent":
                    layer.events.setdefault(child.get("attachedToRef"), []).append(id)
                if kind == "subProcess":
                    self._read(child, id)

    def layer(self, context: Context) -> Layer:
        return self.layers[self._layers_of(context)[-1]]

    def _layers_of(self, context: Context) -> list[str]:
        names = [self.main]
        for element in context:
            names.append(self.layers[names[-1]].elements[element].inner)
        return names

    def steps(self) -> set[str]:
        used, stack = set(), [self.main]
        found: set[str] = set()
        while stack:
            name = stack.pop()
            if name not in used:
                used.add(name)
                found |= {each.step for each in self.layers[name].elements.values() if each.step}
                stack += [each.inner for each in self.layers[name].elements.values() if each.inner]
        return found

    def reachable(self, step: str, before: str, *, exemption: bool = False) -> bool | None:
        """Whether a run enters `before` ("" for the end) although `step` was never done; None: too many states."""
        search = _Search(self, step, before, exemption=exemption)
        return search.full() if search.plain() else False


class _Search:
    def __init__(self, oracle: Oracle, step: str, before: str, *, exemption: bool) -> None:
        self.o, self.step, self.before, self.exemption = oracle, step, before, exemption
        self.bearing: dict[tuple[str, bool], bool] = {}
        self.ended = False

    def _bears(self, name: str, *, shut: bool, trail: tuple[str, ...] = ()) -> bool:
        """Whether something in question stands in a process; in one that is never completed anyway only the goal."""
        key = (name, shut)
        if key not in self.bearing:
            steps = {self.before} if shut else {self.before, self.step}
            self.bearing[key] = name not in trail and any(
                each.step in steps - {""}
                or (each.exempts == self.step and not shut)
                or each.form in self.o.watched
                or (each.inner and self._bears(each.inner, shut=shut, trail=(*trail, name)))
                for each in self.o.layers[name].elements.values()
            )
        return self.bearing[key]

    def _inner(self, context: Context, element: Element) -> str:
        bears = element.inner and self._bears(element.inner, shut=self._blocked(context, element))
        return element.inner if bears else ""

    def _blocked(self, context: Context, element: Element) -> bool:
        if self.exemption and element.exempts == self.step:
            return True
        if element.step != self.step:
            return False
        around = [self.o.layer(context[:n]).elements[name].step for n, name in enumerate(context)]
        return self.step not in around

    def _goal(self, element: Element) -> bool:
        return bool(self.before) and element.kind in TASKS and element.step == self.before

    # Plain reach: one token, joins open for anyone.
    def plain(self) -> bool:
        seen: set[tuple[Context, str]] = set()
        stack: list[tuple[Context, str]] = [((), name) for name in self.o.layer(()).starts()]
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            context, name = at
            layer = self.o.layer(context)
            element = layer.elements[name]
            if self._goal(element):
                return True
            stack += [(context, event) for event in layer.events.get(name, ())]
            if self._inner(context, element):
                below = (*context, name)
                stack += [(below, start) for start in self.o.layer(below).starts()]
                continue
            if not self._blocked(context, element):
                stack += self._next(context, name)
        return self.ended

    def _next(self, context: Context, name: str) -> list[tuple[Context, str]]:
        layer = self.o.layer(context)
        outs = layer.outs.get(name, [])
        if outs:
            return [(context, layer.flows[flow][1]) for flow in outs]
        if not context:
            self.ended |= not self.before
            return []
        host = self.o.layer(context[:-1]).elements[context[-1]]
        return [] if self._blocked(context[:-1], host) else self._next(context[:-1], context[-1])

    # Every interleaving.
    def full(self) -> bool | None:
        first: State = (frozenset(self._outs((), self.o.layer(()).starts()[0])), frozenset())
        seen, queue = {first}, deque([first])
        while queue:
            state = queue.popleft()
            if not state[0]:
                if not self.before:
                    return True
                continue
            for after in self._moves(state):
                if after is None:
                    return True
                if after not in seen:
                    if len(seen) > MAX_STATES:
                        return None
                    seen.add(after)
                    queue.append(after)
        return False

    def _outs(self, context: Context, name: str) -> set[Token]:
        return {("flow", context, flow, frozenset()) for flow in self.o.layer(context).outs.get(name, ())}

    def _moves(self, state: State) -> Iterator[State | None]:
        """Yield what can come next; a token with one way on that nothing else bears on goes it at once."""
        tokens, done = state
        for token in tokens:
            if token[0] == "flow" and self._alone(token):
                yield from self._arrive(state, token)
                return
        for token in tokens:
            where, context, name, fired = token
            if where == "flow":
                yield from self._arrive(state, token)
                continue
            layer = self.o.layer(context)
            element = layer.elements[name]
            below = {other for other in tokens if other[1][: len(context) + 1] == (*context, name)}
            rest = tokens - {token}
            if not below and not self._blocked(context, element):
                more = {element.form} & self.o.watched if element.kind == "userTask" else set()
                yield frozenset(rest | self._outs(context, name)), done | more
            for event in layer.events.get(name, ()):
                if not layer.elements[event].stays:
                    yield frozenset(rest - below | self._outs(context, event)), done
                elif event not in fired:
                    yield frozenset(rest | {(where, context, name, fired | {event})} | self._outs(context, event)), done

    def _alone(self, token: Token) -> bool:
        layer = self.o.layer(token[1])
        element = layer.elements[layer.flows[token[2]][1]]
        joins = element.kind.endswith("Gateway") and len(layer.ins.get(element.id, ())) > 1
        joins &= element.kind in ("parallelGateway", "inclusiveGateway")
        splits = element.kind in ("exclusiveGateway", "inclusiveGateway") and len(layer.outs.get(element.id, ())) > 1
        stands = element.kind in TASKS and (element.step == self.step or element.exempts == self.step)
        return not (joins or splits or stands or element.ends)

    def _arrive(self, state: State, token: Token) -> Iterator[State | None]:
        tokens, done = state
        _, context, flow, _ = token
        layer = self.o.layer(context)
        element = layer.elements[layer.flows[flow][1]]
        if self._goal(element):
            yield None
        rest = tokens - {token}
        if element.kind in TASKS:
            inner = self._inner(context, element)
            if inner or layer.events.get(element.id):
                begun: set[Token] = {("at", context, element.id, frozenset())}
                if inner:
                    below = (*context, element.id)
                    begun |= self._outs(below, self.o.layer(below).starts()[0])
                yield frozenset(rest | begun), done
            elif not self._blocked(context, element):
                more = {element.form} & self.o.watched if element.kind == "userTask" else set()
                yield frozenset(rest | self._outs(context, element.id)), done | more
            return
        taken = {token}
        ins = layer.ins.get(element.id, [])
        if element.kind in ("parallelGateway", "inclusiveGateway") and len(ins) > 1:
            here = {(("flow", context, each, frozenset())) for each in ins}
            taken = here & tokens
            if element.kind == "parallelGateway" and taken != here:
                return
            if element.kind == "inclusiveGateway" and self._awaited(tokens - taken, context, element.id):
                return
        rest = tokens - taken
        if element.ends:
            yield frozenset(other for other in rest if other[1][: len(context)] != context), done
            return
        for chosen in self._chosen(layer, element, done):
            yield frozenset(rest | {("flow", context, each, frozenset()) for each in chosen}), done

    def _awaited(self, tokens: frozenset[Token], context: Context, name: str) -> bool:
        layer = self.o.layer(context)
        reach, stack = {name}, [name]
        while stack:
            for flow in layer.ins.get(stack.pop(), ()):
                source = layer.flows[flow][0]
                for each in (source, layer.elements[source].host):
                    if each and each not in reach:
                        reach.add(each)
                        stack.append(each)
        for where, at, place, _ in tokens:
            if at == context:
                target = layer.flows[place][1] if where == "flow" else place
                if target in reach and target != name:
                    return True
            elif at[: len(context)] == context and at[len(context)] in reach:
                return True
        return False

    def _chosen(self, layer: Layer, element: Element, done: frozenset[str]) -> Iterator[tuple[str, ...]]:
        outs = layer.outs.get(element.id, [])
        if element.kind not in ("exclusiveGateway", "inclusiveGateway") or len(outs) < 2:
            yield tuple(outs)
            return
        absent = self.o.watched - done
        value = {flow: _truth(layer.flows[flow][2], absent) for flow in outs if flow != element.default}
        sure = [flow for flow in value if value[flow] is True]
        possible = [flow for flow in value if value[flow] is not False]
        if element.kind == "exclusiveGateway":
            for flow in possible:
                yield (flow,)
                if value[flow] is True:
                    return
        else:
            for size in range(1, len(possible) + 1):
                yield from (some for some in combinations(possible, size) if set(sure) <= set(some))
        if element.default and not sure:
            yield (element.default,)


def _truth(text: str, absent: set[str]) -> bool | None:
    try:
        return _of(ast.parse(text, mode="eval").body, absent)
    except SyntaxError:
        return None


def _of(node: ast.expr, absent: set[str]) -> bool | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        told = _of(node.operand, absent)
        return None if told is None else not told
    if isinstance(node, ast.BoolOp):
        values = [_of(value, absent) for value in node.values]
        stop = isinstance(node.op, ast.Or)
        return stop if stop in values else None if None in values else not stop
    match = _ASKED.fullmatch(ast.unparse(node).split(".")[0].rstrip("')\""))
    return False if match and match[1] in absent else None
