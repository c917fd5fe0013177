"""Ways through a procedure: what can never be reached or left, and which statutory step can be passed by.

Called processes are read inline. A join of parallel or inclusive ways is reached when all of its inputs are: an
inclusive split is read as taking every way, so a way that a condition leaves out is not found here. An activity that
a boundary event interrupts is left without having been completed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from decision_flow.modelling.reading import Node, Sheet
from decision_flow.steps import StatutoryStep

MAX_DEPTH = 12
ACTIVITIES = frozenset({
    "userTask", "manualTask", "task", "serviceTask", "businessRuleTask", "sendTask", "receiveTask", "callActivity",
    "subProcess",
})  # fmt: skip
Place = tuple[str, ...]


@dataclass(frozen=True)
class Demand:
    """No way to `before` without `step`; `exemptible` if a recorded exemption stands in for it."""

    step: StatutoryStep
    before: StatutoryStep
    exemptible: bool
    basis: str


S = StatutoryStep
POLICIES: Mapping[str, tuple[Demand, ...]] = {
    "decree-713": (
        Demand(S.PUBLIC_PARTICIPATION, S.COLLECTIVE_DISCUSSION, True, "条例第十四条"),
        Demand(S.EXPERT_ARGUMENTATION, S.COLLECTIVE_DISCUSSION, True, "条例第十九条"),
        Demand(S.RISK_ASSESSMENT, S.COLLECTIVE_DISCUSSION, True, "条例第二十二条"),
        Demand(S.LEGALITY_REVIEW, S.COLLECTIVE_DISCUSSION, False, "条例第二十五条"),
        Demand(S.COLLECTIVE_DISCUSSION, S.PUBLICATION, False, "条例第三十条"),
    ),
    # A major adjustment goes the whole way as a matter of its own; an urgent stop is reviewed and discussed.
    "decision-adjustment": (Demand(S.LEGALITY_REVIEW, S.COLLECTIVE_DISCUSSION, False, "条例第二十五条"),),
}


@dataclass(frozen=True)
class Fault:
    """One fault with the way to it, by element and flow."""

    rule: str
    element: str
    message: str
    message_en: str
    basis: str = ""
    way: tuple[str, ...] = ()


class Ways:
    """The flow of a bundle from the start of its main process, called processes inline."""

    def __init__(self, main: str, sheets: Iterable[Sheet]) -> None:
        read = list(sheets)
        self.main = main
        self.nodes: dict[str, Node] = {node.id: node for one in read for node in one.nodes}
        self.outgoing: dict[str, list[tuple[str, str]]] = {}
        self.incoming: dict[str, int] = {}
        for one in read:
            for flow, source, target in one.flows:
                self.outgoing.setdefault(source, []).append((flow, target))
                self.incoming[target] = self.incoming.get(target, 0) + 1
        self.starts: dict[str, list[str]] = {}
        self.attached: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.kind == "startEvent":
                self.starts.setdefault(node.scope, []).append(node.id)
            if node.on:
                self.attached.setdefault(node.on, []).append(node.id)

    def reach(self, blocked: frozenset[str] = frozenset()) -> dict[Place, tuple[Place, str] | None]:
        """Return every place that is reached when no activity of `blocked` is ever completed.

        A place is a node below the calls that lead to it; the value says where it was reached from and by which
        flow.
        """
        found: dict[Place, tuple[Place, str] | None] = {}
        arrived: dict[Place, int] = {}
        queue: deque[Place] = deque()

        def enter(place: Place, origin: tuple[Place, str] | None) -> None:
            node = self.nodes.get(place[-1])
            if node is None or place in found:
                return
            if node.kind in ("parallelGateway", "inclusiveGateway"):
                arrived[place] = arrived.get(place, 0) + 1
                if arrived[place] < self.incoming.get(node.id, 1):
                    return
            found[place] = origin
            queue.append(place)

        for start in self.starts.get(self.main, ()):
            enter((start,), None)
        while queue:
            place = queue.popleft()
            node = self.nodes[place[-1]]
            for event in self.attached.get(node.id, ()):
                enter((*place[:-1], event), (place, ""))
            inside = self._inside(node)
            if inside and len(place) < MAX_DEPTH:
                for start in inside:
                    enter((*place, start), (place, ""))
            elif node.id not in blocked:
                self._leave(place, place, blocked, enter)
        return found

    def _inside(self, node: Node) -> list[str]:
        return self.starts.get(node.calls or node.id, []) if node.kind in ("callActivity", "subProcess") else []

    def _leave(self, place: Place, origin: Place, blocked: frozenset[str], enter: object) -> None:
        """Go on behind a completed node; behind an end event that is the activity it stands in."""
        node = self.nodes[place[-1]]
        if node.kind == "endEvent":
            if len(place) > 1 and place[-2] not in blocked:
                self._leave(place[:-1], origin, blocked, enter)
            return
        for flow, target in self.outgoing.get(node.id, ()):
            enter((*place[:-1], target), (origin, flow))  # type: ignore[operator]

    def way(self, place: Place, found: Mapping[Place, tuple[Place, str] | None]) -> tuple[str, ...]:
        """Return the elements and flows on the way to `place`, from the start."""
        ids: list[str] = []
        at: Place | None = place
        while at is not None:
            ids.append(at[-1])
            origin = found[at]
            if origin is not None and origin[1]:
                ids.append(origin[1])
            at = origin[0] if origin is not None else None
        return tuple(reversed(ids))


def faults(ways: Ways, policy: str) -> list[Fault]:
    """Return what cannot be reached or left, and which steps that `policy` demands can be passed by."""
    found = ways.reach()
    told = list(_connected(ways, {place[-1] for place in found}))
    for demand in POLICIES.get(policy, ()):
        told += _unavoidable(ways, demand)
    if policy in POLICIES and not any(node.step == S.COLLECTIVE_DISCUSSION for node in ways.nodes.values()):
        told.append(
            Fault(
                "step_present", ways.main, "没有集体讨论决定环节", "There is no collective discussion", "条例第三十条"
            )
        )  # fmt: skip
    return told


def _connected(ways: Ways, reached: set[str]) -> Iterable[Fault]:
    called = {node.calls for node in ways.nodes.values() if node.calls}
    for node in ways.nodes.values():
        ends = node.kind == "endEvent"
        if not ends and not ways.outgoing.get(node.id):
            yield Fault("connected", node.id, "走到这里就停住了,没有下一步", "Nothing follows; the way stops here")
        if node.id not in reached and (node.scope == ways.main or node.scope in ways.nodes or node.scope in called):
            yield Fault("connected", node.id, "怎么也走不到这里", "No way leads here")


def _unavoidable(ways: Ways, demand: Demand) -> list[Fault]:
    done = frozenset(
        node.id
        for node in ways.nodes.values()
        if node.kind in ACTIVITIES and (node.step == demand.step or (demand.exemptible and node.exempts == demand.step))
    )
    found = ways.reach(done)
    goals = [
        place
        for place in found
        if ways.nodes[place[-1]].step == demand.before and ways.nodes[place[-1]].kind in ACTIVITIES
    ]
    if not goals:
        return []
    goal = min((ways.way(place, found) for place in goals), key=len)
    return [
        Fault(
            "step_unavoidable",
            goal[-1],
            f"不经过{demand.step.label}也能到达{demand.before.label}",
            f"{demand.before.label_en} can be reached without {demand.step.label_en}",
            demand.basis,
            goal,
        )
    ]
