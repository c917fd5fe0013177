"""A run never gets stuck, never doubles, uses everything drawn, and can always come to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from decision_flow.errors import N_
from decision_flow.verification.game import Game, Result, State
from decision_flow.verification.graph import Graph
from decision_flow.verification.report import Finding, tell
from decision_flow.verification.scopes import Scope

BASIS = N_("程序必须能够办结")
# A scope is read once per file and never changed; a change of one process leaves the others judged.
_judged: WeakKeyDictionary[Scope, tuple[Finding, ...]] = WeakKeyDictionary()


def check(scope: Scope, processes: Mapping[str, Scope]) -> Iterator[Finding]:
    """Judge one process and the sub-processes in it, each by itself: what is sound inside may count as one task."""
    for inner in scope.all_scopes():
        if inner not in _judged:
            _judged[inner] = tuple(_scope(inner, processes))
        yield from _judged[inner]


def _scope(scope: Scope, processes: Mapping[str, Scope]) -> Iterator[Finding]:
    game = Game(Graph(scope, processes))
    result = game.play()
    names = {source.id: source.name or source.id for source in scope.elements.values()}

    def finding(rule: str, element: str, text: str, english: str, way: tuple[str, ...] = ()) -> Finding:
        run = f":{tell(way, names)}" if way else ""
        return Finding(rule, "error", element, f"“{names.get(element, element)}”{text}{run}", english, BASIS, way)

    for state, told, element in result.doubled[:1]:
        way = (*result.way(state), *told)
        yield finding("lack_of_synchronisation", element, "之后会有两个并行的办理同时到达同一处，没有汇合",
                      "Two branches arrive at the same place without a join.", way)  # fmt: skip
    if result.doubled:
        return
    for state in result.stuck[:1]:
        way = result.way(state)
        yield finding("deadlock", way[-1] if way else scope.id, "之后程序停住，不能继续", "The run gets stuck.", way)
    if not result.stuck:
        lost = _cannot_finish(result)
        if lost is not None:
            way = (*result.way(lost), *_entered(game, result, lost)[:1])
            yield finding("cannot_finish", way[-1] if way else scope.id, "之后再也不能办结",
                          "From here the end can never be reached.", way)  # fmt: skip
            return
        for source in scope.elements.values():
            if source.id not in result.fired:
                yield finding("dead_element", source.id, "永远不会办到", "This element can never be reached.")


def _entered(game: Game, result: Result, state: State) -> list[str]:
    """Return the elements that the last step of the run to `state` leads to: which branch it took."""
    before = result.parents[state][0]
    came = state[0] & ~(before[0] if before is not None else 0)
    nodes = [game.graph.target[flow] for flow in range(came.bit_length()) if came >> flow & 1]
    return [game.graph.nodes[node].element for node in nodes if node >= 0 and game.graph.nodes[node].source is not None]


def _cannot_finish(result: Result) -> State | None:
    before: dict[State, list[State]] = {}
    for state, following in result.after.items():
        for each in following:
            before.setdefault(each, []).append(state)
    good, stack = set(result.finished), list(result.finished)
    while stack:
        for each in before.get(stack.pop(), ()):
            if each not in good:
                good.add(each)
                stack.append(each)
    return next((state for state in result.parents if state not in good), None)
