"""The drawing as a graph of nodes and flows on which a token game is played.

A marking is an integer: bit n is set while a token stands on flow n. Flows further along have higher numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from decision_flow.engine.markup import ACTIVITIES, GATEWAYS
from decision_flow.verification.scopes import Scope, Source

MAX_INCLUSIVE = 10
MAX_NODES = 20_000


class NotSupportedError(Exception):
    """Something in the drawing has no token game here; names the element."""

    def __init__(self, element: str, reason: str) -> None:
        super().__init__(reason)
        self.element, self.reason = element, reason


class TooLargeError(Exception):
    """The bound of time or memory was met; the answer is open."""


@dataclass(slots=True)
class Node:
    """A node of the game. `join`: any, all, or inclusive. `hides` is a scope that counts as this one task."""

    element: str
    join: str = "any"
    split: str = "all"
    ins: list[int] = field(default_factory=list)
    outs: list[int] = field(default_factory=list)
    conditions: dict[int, str] = field(default_factory=dict)
    default: int = -1
    extra: list[tuple[int, str, bool]] = field(default_factory=list)
    source: Source | None = None
    ends: bool = False
    counts: bool = True
    completes: tuple[Source, ...] = ()
    hides: Scope | None = None


class Inlining:
    """Which sub-processes and called processes are played too: those that hold an element that is `relevant`.

    The others are one task, which is right because each is sound by itself.
    """

    def __init__(self, processes: Mapping[str, Scope], relevant: Callable[[Source], bool]) -> None:
        self._processes, self._relevant = processes, relevant
        self._held: dict[tuple[Scope, frozenset[str]], bool] = {}

    def chosen(self, scope: Scope, steps: frozenset[str] = frozenset()) -> frozenset[tuple[Scope, frozenset[str]]]:
        """Return what is played of `scope`: where that is the same, the graphs are the same."""
        found: set[tuple[Scope, frozenset[str]]] = set()
        stack = [(scope, steps)]
        while stack:
            at, own = stack.pop()
            for source in at.elements.values():
                inner = at.inner.get(source.id) or self._processes.get(source.called)
                if inner is None:
                    continue
                below = own | {source.step} if source.step else own
                if (inner, below) not in found and self.holds(inner, below, ()):
                    found.add((inner, below))
                    stack.append((inner, below))
        return frozenset(found)

    def holds(self, scope: Scope, steps: frozenset[str], calls: tuple[str, ...]) -> bool:
        """Return whether something relevant stands in `scope`, at any depth; `steps` are those that it is a part of."""
        key = (scope, steps)
        if key in self._held:
            return self._held[key]
        if len(calls) > 20:
            raise NotSupportedError(scope.id, "流程调用了自己")
        self._held[key] = found = any(
            self._relevant(source.stepless if source.step in steps else source)
            or self._inside(scope, source, steps, calls)
            for source in scope.elements.values()
        )
        return found

    def _inside(self, scope: Scope, source: Source, steps: frozenset[str], calls: tuple[str, ...]) -> bool:
        inner = scope.inner.get(source.id) or self._processes.get(source.called)
        below = steps | {source.step} if source.step else steps
        return inner is not None and self.holds(inner, below, (*calls, source.id))


class Graph:
    """The game of one scope, and of what `inlining` says is played within it; without it nothing is."""

    def __init__(self, scope: Scope, processes: Mapping[str, Scope], inlining: Inlining | None = None) -> None:
        self.nodes: list[Node] = []
        self.target: list[int] = []
        self.interrupts: list[tuple[list[int], int, str]] = []
        self._origin: list[int] = []
        self.processes = processes
        self._inlining = inlining
        self.start = self._flow(-1)
        end = self._place(scope, self.start, (), frozenset())
        self.final = self._flow(end)
        self._renumber()
        self.terminates = any(node.ends for node in self.nodes)

    def _flow(self, origin: int) -> int:
        self.target.append(-1)
        self._origin.append(origin)
        if origin >= 0:
            self.nodes[origin].outs.append(len(self.target) - 1)
        return len(self.target) - 1

    def _to(self, flow: int, node: int) -> None:
        self.target[flow] = node
        self.nodes[node].ins.append(flow)

    def _add(self, node: Node) -> int:
        if len(self.nodes) >= MAX_NODES:
            raise TooLargeError("元素过多")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _place(self, scope: Scope, entry: int, calls: tuple[str, ...], steps: frozenset[str]) -> int:
        """Lay the nodes of `scope`, entered by the flow `entry`; return the node where it ends."""
        for element, reason in scope.problems:
            raise NotSupportedError(element, reason)
        coming = {target for _, _, target, _ in scope.flows}
        leaving = {source for _, source, _, _ in scope.flows}
        attached: dict[str, list[Source]] = {}
        for source in scope.elements.values():
            if source.kind == "boundaryEvent":
                attached.setdefault(source.attached, []).append(source)
        end = self._add(Node(scope.id, join="inclusive", counts=False))
        doors: dict[str, int] = {}
        exits: dict[str, int] = {}
        for source in scope.elements.values():
            doors[source.id], exits[source.id] = self._element(
                scope, source, attached.get(source.id, []), calls, steps, exits
            )
        starts = [s.id for s in scope.elements.values() if s.kind == "startEvent"]
        begin = self._add(Node(scope.id, split="one" if starts else "all", counts=False))
        self._to(entry, begin)
        first = starts or [s.id for s in scope.elements.values() if s.id not in coming and s.kind != "boundaryEvent"]
        if not first:
            raise NotSupportedError(scope.id, "没有可以开始的元素")
        for name in first:
            self._to(self._flow(begin), doors[name])
        for flow, origin, target, condition in scope.flows:
            number = self._flow(exits[origin])
            self._to(number, doors[target])
            node = self.nodes[exits[origin]]
            if condition:
                node.conditions[number] = condition
            if scope.elements[origin].default == flow:
                node.default = number
        for source in scope.elements.values():
            if source.id not in leaving and not source.terminates:
                self._to(self._flow(exits[source.id]), end)
        for source in scope.elements.values():
            node = self.nodes[exits[source.id]]
            if source.kind not in GATEWAYS and node.conditions:
                node.split = "some"
        return end

    def _element(
        self,
        scope: Scope,
        source: Source,
        attached: list[Source],
        calls: tuple[str, ...],
        steps: frozenset[str],
        exits: dict[str, int],
    ) -> tuple[int, int]:
        kind = source.kind
        if kind in GATEWAYS:
            join = {"parallelGateway": "all", "inclusiveGateway": "inclusive"}.get(kind, "any")
            split = {"parallelGateway": "all", "inclusiveGateway": "some"}.get(kind, "one")
            number = self._add(Node(source.id, join, split, source=source))
            return number, number
        inner = scope.inner.get(source.id)
        if kind == "callActivity" and self._inlining is not None:
            inner = self.processes.get(source.called)
            if source.called in calls or len(calls) > 20:
                raise NotSupportedError(source.id, "流程调用了自己")
        # The same statutory step on what stands inside is part of this one: it has not been taken before this is done.
        own = source if source.step not in steps else None
        done = (source,) if (own is not None and kind in ACTIVITIES) or source.exempts or source.form else ()
        if own is None and done:
            done = (Source(source.id, kind, source.name, exempts=source.exempts, form=source.form),)
        if source.terminates and calls:
            raise TooLargeError("被调用的流程中有终止结束事件")
        door = exit_ = self._add(Node(source.id, source=source, completes=done, ends=source.terminates))
        below = steps | ({source.step} if source.step else set())
        if inner is not None and self._inlining is not None and self._inlining.holds(inner, frozenset(below), calls):
            self.nodes[door].completes = ()
            before = len(self.target)
            last = self._place(inner, self._flow(door), (*calls, source.called or source.id), frozenset(below))
            inside = list(range(before, len(self.target)))
            exit_ = self._add(Node(source.id, source=source, completes=done, counts=False))
            link = self._flow(last)
            self._to(link, exit_)
            inside.append(link)
        else:
            self.nodes[door].hides, inside = inner, []
        staying = [event for event in attached if not event.interrupts]
        if staying:
            fork = self._add(Node(source.id, split="stay", counts=False))
            self._to(self._flow(fork), door)
            door = fork
            for event in staying:
                exits[event.id] = self._boundary(event, fork)
        for event in attached:
            if event.interrupts and inside:
                number = self._flow(-1)
                self.interrupts.append((inside, number, event.id))
                exits[event.id] = self._add(Node(event.id, source=event))
                self._to(number, exits[event.id])
            elif event.interrupts:
                exits[event.id] = self._boundary(event, exit_, extra=True)
        if kind == "boundaryEvent":
            return door, exits.get(source.id, door)
        return door, exit_

    def _boundary(self, event: Source, at: int, *, extra: bool = False) -> int:
        number = self._flow(at)
        if extra:
            self.nodes[at].outs.remove(number)
            self.nodes[at].extra.append((number, event.id, False))
        node = self._add(Node(event.id, source=event))
        self._to(number, node)
        return node

    def _renumber(self) -> None:
        """Number the flows in the order of the way, so that the game can run one branch to its end first."""
        order: list[int] = []
        seen: set[int] = set()
        by_node: dict[int, list[int]] = {}
        for inside, number, _ in self.interrupts:
            for flow in inside:
                by_node.setdefault(self.target[flow], []).append(number)
        # ~n: flow n and all that follows it have been seen.
        stack = [self.start]
        while stack:
            flow = stack.pop()
            if flow < 0:
                order.append(~flow)
                continue
            if flow in seen:
                continue
            seen.add(flow)
            stack.append(~flow)
            target = self.target[flow]
            if target >= 0:
                node = self.nodes[target]
                stack += node.outs
                stack += [each for each, _, _ in node.extra]
                stack += by_node.get(target, ())
        order.reverse()
        order += [flow for flow in range(len(self.target)) if flow not in seen]
        new = [0] * len(order)
        for number, flow in enumerate(order):
            new[flow] = number
        self.target = [self.target[flow] for flow in order]
        self.start, self.final = new[self.start], new[self.final]
        for each in self.nodes:
            each.ins, each.outs = [new[f] for f in each.ins], [new[f] for f in each.outs]
            each.default = new[each.default] if each.default >= 0 else -1
            if each.conditions:
                each.conditions = {new[f]: text for f, text in each.conditions.items()}
            if each.extra:
                each.extra = [(new[f], name, done) for f, name, done in each.extra]
        self.interrupts = [([new[f] for f in inside], new[n], name) for inside, n, name in self.interrupts]

    @cached_property
    def need(self) -> dict[int, int]:
        """The flows that a join waits for, by the number of its node."""
        return {number: mask(node.ins) for number, node in enumerate(self.nodes) if node.join != "any"}

    @cached_property
    def reach(self) -> dict[int, int]:
        """The flows from which a token can still come to an inclusive join, by the number of its node."""
        return {number: self._reaching(number) for number, node in enumerate(self.nodes) if node.join == "inclusive"}

    def _reaching(self, node: int) -> int:
        """Return the flows from which a token can come to `node`, without those behind `node` alone."""
        found, stack, before = 0, list(self.nodes[node].ins), self._before
        while stack:
            flow = stack.pop()
            if found >> flow & 1:
                continue
            found |= 1 << flow
            for number in before.get(flow, ()):
                if number != node:
                    stack += self.nodes[number].ins
        return found

    @cached_property
    def _before(self) -> dict[int, list[int]]:
        """The nodes that can set a token on each flow."""
        before: dict[int, list[int]] = {}
        for number, each in enumerate(self.nodes):
            for flow in (*each.outs, *(extra[0] for extra in each.extra)):
                before[flow] = [number]
        for inside, flow, _ in self.interrupts:
            before[flow] = sorted({self.target[each] for each in inside if self.target[each] >= 0})
        return before


def subsets(flows: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield every choice of at least one of `flows`. Raises `TooLargeError` beyond the bound."""
    if len(flows) > MAX_INCLUSIVE:
        raise TooLargeError("包容网关的分支过多")
    for size in range(1, len(flows) + 1):
        yield from combinations(flows, size)


def mask(flows: Iterable[int]) -> int:
    """Return the marking with a token on each of `flows`."""
    found = 0
    for flow in flows:
        found |= 1 << flow
    return found
