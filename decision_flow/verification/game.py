"""The token game: every run of a graph, or enough of them.

Each flow leads to one node, so two nodes never compete for a token: a node that can fire stays able to,
whatever the others do. It is therefore enough to look at one node at a time, the one furthest along, with
all its outcomes. Twenty branches side by side cost the sum of their lengths, not the product.
Ends that terminate, and boundary events around a scope, do compete; they are tried in every state.
"""

from __future__ import annotations

import ast
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from decision_flow.verification.graph import Graph, Node, TooLargeError, mask, subsets
from decision_flow.verification.scopes import Source

MAX_STATES = 60_000
MAX_SECONDS = 5.0
State = tuple[int, int]
Move = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True)
class Decided:
    """Runs that end decided: the discussion `after` said `value` in `field` (`F15.decision`) and nothing reopened it.

    A discussion whose outcome no form of this procedure holds counts as one that decides.
    """

    after: str
    field: str
    value: str
    reopened_by: str = ""


@dataclass
class Result:
    """What a search saw: how each state was reached, and where it ended."""

    parents: dict[State, tuple[State | None, tuple[str, ...]]]
    after: dict[State, list[State]] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    stuck: list[State] = field(default_factory=list)
    doubled: list[tuple[State, tuple[str, ...], str]] = field(default_factory=list)
    finished: list[State] = field(default_factory=list)
    met: tuple[str, ...] | None = None
    met_in: State | None = None

    def way(self, state: State) -> tuple[str, ...]:
        """Return the elements of the run that led to `state`, in order."""
        parts: list[tuple[str, ...]] = []
        at: State | None = state
        while at is not None:
            at, told = self.parents[at]
            parts.append(told)
        return tuple(name for part in reversed(parts) for name in part)


def settle(text: str, absent: frozenset[str], given: Mapping[str, str] | None = None) -> bool | None:
    """Return what a condition must be while the forms `absent` are not filled in and `given` holds; None is open."""
    known = given or {}
    if not (absent and "exists" in text) and not any(path in text for path in known):
        return None
    try:
        return _settle(_parsed(text), absent, known)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def _settle(node: ast.expr, absent: frozenset[str], given: Mapping[str, str]) -> bool | None:
    if isinstance(node, ast.BoolOp):
        stop = isinstance(node.op, ast.Or)
        values = [_settle(value, absent, given) for value in node.values]
        if stop in values:
            return stop
        return None if None in values else not stop
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = _settle(node.operand, absent, given)
        return None if value is None else not value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exists" and node.args:
        argument = node.args[0]
        path = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
        return False if str(path).split(".")[0] in absent else None
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(node.ops[0], given.get(ast.unparse(node.left)), node.comparators[0])
    return None


def _compared(how: ast.cmpop, known: str | None, other: ast.expr) -> bool | None:
    if known is None:
        return None
    if isinstance(how, (ast.Eq, ast.NotEq)) and isinstance(other, ast.Constant):
        return (known == other.value) is isinstance(how, ast.Eq)
    if isinstance(how, (ast.In, ast.NotIn)) and isinstance(other, (ast.List, ast.Tuple)):
        values = [entry.value for entry in other.elts if isinstance(entry, ast.Constant)]
        return (known in values) is isinstance(how, ast.In) if len(values) == len(other.elts) else None
    return None


@dataclass
class _Asked:
    """What a play asks: nodes never completed, nodes that end it, what is given; and the moves worked out so far."""

    shut: set[int]
    goals: set[int]
    decided: Decided | None
    given: Mapping[str, str] | None
    moves: dict[tuple[int, int], list[Move]] = field(default_factory=dict)


_NOTHING: tuple[frozenset[str], Mapping[str, str]] = frozenset(), {}


class Game:
    """A graph made ready to be played. `watched` forms are known to be absent until their task is done."""

    def __init__(self, graph: Graph, watched: tuple[str, ...] = ()) -> None:
        self.graph, self.watched = graph, watched
        self._said, self._decided = 1 << len(watched), 2 << len(watched)
        self._need, self._reach = graph.need, graph.reach
        self._inside = [(mask(inside), number) for inside, number, _ in graph.interrupts]

    def play(
        self,
        *,
        blocked: Callable[[Source], bool] | None = None,
        goal: Callable[[Node], bool] | None = None,
        ending: bool = False,
        decided: Decided | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Result:
        """Search from the start. `blocked` activities are never completed; fields `given` have these values.

        With `goal` the search stops when such a node is entered, with `ending` at the first end; with `decided`
        only such ends count.
        """
        nodes = self.graph.nodes
        asked = _Asked(
            shut={n for n, node in enumerate(nodes) if blocked is not None and any(map(blocked, node.completes))},
            goals={n for n, node in enumerate(nodes) if goal is not None and goal(node)},
            decided=decided,
            given=given,
        )
        first: State = (1 << self.graph.start, 0)
        result = Result({first: (None, ())})
        parents, final = result.parents, 1 << self.graph.final
        queue = deque([first])
        deadline = time.monotonic() + MAX_SECONDS
        while queue:
            state = queue.popleft()
            if len(parents) > MAX_STATES or time.monotonic() > deadline:
                raise TooLargeError("状态过多")
            if state[0] == final:
                if decided is None or state[1] & self._decided:
                    result.finished.append(state)
                    if ending:
                        return result
                continue
            following = self._following(state, asked, result)
            if result.met is not None:
                return result
            for after, told in following:
                if after not in parents:
                    parents[after] = (state, told)
                    queue.append(after)
            result.after[state] = [after for after, _ in following]
            if result.doubled and goal is None:
                return result
        return result

    def _following(self, state: State, asked: _Asked, result: Result) -> list[tuple[State, tuple[str, ...]]]:
        """Return the states that may follow, with the elements told on the way.

        What else is seen of `state` is noted in `result`: a goal that is met (then nothing follows), a flow that would
        hold two tokens, or that nothing moves.
        """
        marking, seen = state
        nodes, moves = self.graph.nodes, asked.moves
        found: list[tuple[State, tuple[str, ...]]] = []
        moved = False
        for number, consumed in self._enabled(marking):
            if number in asked.goals:
                result.met, result.met_in = (*result.way(state), nodes[number].element), state
                return []
            possible = moves.get((number, seen))
            if possible is None:
                shut = number in asked.shut
                possible = moves[number, seen] = self._moves(number, seen, shut, asked.decided, asked.given)
            if not possible:
                continue
            moved = True
            left = 0 if nodes[number].ends else marking & ~consumed
            for flows, known, told in possible:
                result.fired.update(told)
                if left & flows:
                    result.doubled.append((state, told, nodes[number].element))
                else:
                    found.append(((left | flows, known), told))
            if not self.graph.terminates:
                break
        for inside, flow in self._inside:
            if marking & inside:
                found.append(((marking & ~inside | 1 << flow, seen), ()))
                moved = True
        if not moved:
            result.stuck.append(state)
        return found

    def _enabled(self, marking: int) -> Iterator[tuple[int, int]]:
        rest = marking
        while rest:
            flow = rest.bit_length() - 1
            rest &= ~(1 << flow)
            number = self.graph.target[flow]
            if number < 0:
                continue
            need = self._need.get(number)
            if need is None:
                yield number, 1 << flow
                continue
            rest &= ~need
            if number in self._reach:
                if not marking & self._reach[number] & ~need:
                    yield number, marking & need
            elif marking & need == need:
                yield number, need

    def _moves(
        self, number: int, seen: int, shut: bool, decided: Decided | None, given: Mapping[str, str] | None
    ) -> list[Move]:
        """Return what can come of node `number`: the flows set, what is known by then, the elements told."""
        node = self.graph.nodes[number]
        told = (node.element,) if node.source is not None and node.counts else ()
        if node.ends:
            return [(1 << self.graph.final, seen, told)]
        moves: list[Move] = []
        if not shut:
            for known in self._known(node, seen, decided):
                moves += (
                    (flows, known, told) for flows in self.outcomes(number, *self.knowledge(seen, decided, given))
                )
        return moves + [(1 << flow, seen, told) for flow, _, _ in node.extra]

    def _known(self, node: Node, seen: int, decided: Decided | None) -> set[int]:
        """Return what may be known once `node` is completed: the forms filled in, and whether it is decided."""
        ways = {seen}
        if not self.watched and decided is None:
            return ways
        for source in node.completes:
            form = source.form.replace("-", "")
            if form in self.watched:
                ways = {known | 1 << self.watched.index(form) for known in ways}
            if decided is None:
                continue
            if decided.reopened_by and source.step == decided.reopened_by:
                ways = {known & ~(self._said | self._decided) for known in ways}
            elif form and form == decided.field.split(".")[0] and source.kind == "userTask":
                ways = {known | self._said | self._decided for known in ways} | {
                    known & ~self._decided | self._said for known in ways
                }
            elif source.step == decided.after:
                ways = {known if known & self._said else known | self._decided for known in ways}
        return ways

    def knowledge(
        self, seen: int, decided: Decided | None, given: Mapping[str, str] | None
    ) -> tuple[frozenset[str], Mapping[str, str]]:
        """Return the forms known to be absent, and the values of fields that are given or that the decision settled."""
        if not self.watched and decided is None:
            return _NOTHING if given is None else (frozenset(), given)
        absent = frozenset(form for place, form in enumerate(self.watched) if not seen >> place & 1)
        settled = decided is not None and seen & self._said and seen & self._decided
        known = given or {}
        return absent, {**known, decided.field: decided.value} if decided is not None and settled else known

    def outcomes(self, number: int, absent: frozenset[str], given: Mapping[str, str]) -> list[int]:
        """Return which flows node `number` may set, while the forms `absent` are not filled in and `given` holds."""
        node = self.graph.nodes[number]
        outs = node.outs
        if node.split == "stay":
            return [mask(outs[:1]), *(mask(outs[:1]) | mask(more) for more in subsets(outs[1:]))]
        if len(outs) == 1:
            return [1 << outs[0]]
        if node.split == "all":
            return [mask(outs)]
        open_, sure = [], []
        for flow in outs:
            if flow == node.default:
                continue
            value = settle(node.conditions[flow], absent, given) if flow in node.conditions else None
            if value is False:
                continue
            open_.append(flow)
            if value is True or (
                node.split == "some"
                and node.source is not None
                and flow not in node.conditions
                and node.default < 0
                and node.conditions
            ):
                sure.append(flow)
        default = [1 << node.default] if node.default >= 0 and not sure else []
        if node.split == "one":
            if sure:
                open_ = open_[: open_.index(sure[0]) + 1]
            return [*(1 << flow for flow in open_), *default]
        return [mask(choice) for choice in subsets(open_) if set(sure) <= set(choice)] + default

    def fired(
        self, before: State, after: State, decided: Decided | None, given: Mapping[str, str] | None
    ) -> tuple[int, int, bool] | None:
        """Return what led from one state to the next: the node, the flows it set, whether it was completed.

        None when an event interrupted a scope.
        """
        for number, consumed in self._enabled(before[0]):
            node = self.graph.nodes[number]
            left = 0 if node.ends else before[0] & ~consumed
            for flows, known, _ in self._moves(number, before[1], False, decided, given):
                if (left | flows, known) == after:
                    return number, flows, not any(flows == 1 << flow for flow, _, _ in node.extra)
        return None
