"""Leads the real engine along a counterexample and says whether it gets where the verifier says it does.

The drawing stays as it is: its splits, joins, events, calls and what its conditions ask for with `exists`. What else a
condition compares is put in the player's hand, tables are passed, timers are a day (or, off the way, years).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from lxml import etree

from decision_flow import engine
from decision_flow.engine import Bundle, Context, Step
from decision_flow.engine.markup import CAMUNDA, NS, parse_xml
from decision_flow.expressions import compile_expression
from decision_flow.steps import StatutoryStep
from decision_flow.verification import Finding, Policy, verify
from decision_flow.verification.scopes import Scope, Source, read_scopes
from tests.engine.driver import NOON

B = f"{{{NS['bpmn']}}}"
HUMAN = ("userTask", "manualTask", "task")


class LostError(Exception):
    """The engine does not go where the counterexample goes."""


@dataclass
class Freed:
    """A bundle whose conditions the player decides: by flow the names of what it decides, and the fields asked for."""

    bundle: Bundle
    picks: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)


def freed(bundle: Bundle, way: tuple[str, ...]) -> Freed:
    """Return `bundle` made ready for the way."""
    told = Freed(bundle)
    files = {}
    for name, content in bundle.bpmn.items():
        tree = parse_xml(name, content)
        for node in tree.iter(f"{B}conditionExpression"):
            flow = node.getparent().get("id")
            free = _Free(flow, told)
            node.text = ast.unparse(free.visit(ast.parse(node.text.strip(), mode="eval").body))
        for node in tree.iter(f"{B}timerEventDefinition"):
            for text in node:
                text.text = "P1D" if node.getparent().get("id") in way else "P9999D"
        for node in list(tree.iter(f"{B}multiInstanceLoopCharacteristics")):
            node.getparent().remove(node)
        for node in list(tree.iter(f"{B}businessRuleTask")):
            node.tag = f"{B}serviceTask"
            node.set(f"{{{CAMUNDA}}}topic", "pass")
            for key in ("decisionRef", "resultVariable"):
                node.attrib.pop(f"{{{CAMUNDA}}}{key}", None)
        files[name] = etree.tostring(tree)
    # Nobody may call the process of a call that was taken out.
    used, stack = set[str](), [bundle.main]
    homes = {
        process.get("id"): name for name, text in files.items() for process in parse_xml(name, text).iter(f"{B}process")
    }
    while stack:
        process = stack.pop()
        if process not in used:
            used.add(process)
            stack += [
                node.get("calledElement") for node in parse_xml("", files[homes[process]]).iter(f"{B}callActivity")
            ]
    told.bundle = Bundle(bundle.main, {homes[name]: files[homes[name]] for name in sorted(used)})
    return told


class _Free(ast.NodeTransformer):
    """Leaves `and`, `or`, `not` and `exists`, and puts a name for everything else."""

    def __init__(self, flow: str, told: Freed) -> None:
        self.flow, self.told = flow, told

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return self.generic_visit(node)
        if isinstance(node, ast.And | ast.Or | ast.Not):
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exists":
            form, *rest = str(getattr(node.args[0], "value", "") or ast.unparse(node.args[0])).split(".")
            self.told.asked.setdefault(form, set()).update(rest)
            return node
        names = self.told.picks.setdefault(self.flow, [])
        names.append(f"pick_{self.flow}_{len(names)}")
        return ast.Name(names[-1], ast.Load())


class Replay:
    """One replay; `run` raises `LostError` when the engine cannot be led along."""

    def __init__(self, bundle: Bundle, way: tuple[str, ...], step: str, *, exemption: bool = False) -> None:
        self.way = way
        self.freed = freed(bundle, way)
        self.compiled = engine.compile(self.freed.bundle, keep=False)
        self.processes = read_scopes(self.freed.bundle.bpmn)
        self.scopes = [scope for process in self.processes.values() for scope in process.all_scopes()]
        self.elements: dict[str, Source] = {
            name: each for scope in self.scopes for name, each in scope.elements.items()
        }
        self.targets: dict[str, list[str]] = {}
        self.leaving: dict[str, list[tuple[str, str, str]]] = {}
        for scope in self.scopes:
            for flow, source, target, condition in scope.flows:
                self.targets.setdefault(source, []).append(target)
                self.leaving.setdefault(source, []).append((flow, target, condition))
        self.banned = {e.id for e in self.elements.values() if e.step == step and not e.kind.endswith("Event")}
        self.banned |= {e.id for e in self.elements.values() if exemption and e.exempts == step}
        self.now, self.passed = NOON, list[str]()
        self.at = 0
        self.state: Step | None = None

    def run(self) -> None:
        """Go the way up to its last element."""
        self._take(engine.start(self.compiled, {"matter": {"entry": "suggestion"}, **self._choices({})}, self._context))
        for place, name in enumerate(self.way):
            self.at = place
            source = self.elements.get(name)
            if place == len(self.way) - 1 or source is None:
                continue
            if source.kind in ("boundaryEvent", "intermediateCatchEvent"):
                self._happen(source)
            elif source.kind in HUMAN and name not in self.banned and not self._interrupted(source):
                self._complete(name)
            elif inner := self._inner(source):
                started = any(self.elements[n].kind == "startEvent" and n in self.way[place:] for n in inner)
                if not started and name not in self.banned and not self._interrupted(source):
                    self._drain(inner)

    def reached(self) -> bool:
        """Whether the last element has been entered."""
        last = self.way[-1]
        inner = self._inner(self.elements[last])
        return bool({last, *inner} & {*self.open(), *self.passed[-40:]})

    def open(self) -> dict[str, str]:
        """Return the tokens of the open tasks by element."""
        assert self.state is not None
        return {task.element.id: task.token for task in engine.open_tasks(self.compiled, self.state.state)}

    @property
    def _context(self) -> Context:
        return Context(self.now)

    def _take(self, step: Step) -> None:
        self.state = step
        self.passed += [entry.element_id for entry in step.passed if entry.element_id in self.elements]

    def _complete(self, name: str) -> None:
        assert self.state is not None
        token = self.open().get(name)
        if token is None:
            raise LostError(f"{name} is not open but {sorted(self.open())}")
        key = self.elements[name].form.replace("-", "")
        data: dict[str, Any] = {key: dict.fromkeys(self.freed.asked.get(key, ()), 1)} if key else {}
        task = next(each for each in engine.open_tasks(self.compiled, self.state.state) if each.token == token)
        data |= self._choices({**task.data, **data})
        self._take(engine.complete(self.compiled, self.state.state, token, data, self._context))

    def _happen(self, source: Source) -> None:
        assert self.state is not None
        if source.hears:
            name = next(iter(engine.awaited(self.compiled, self.state.state)))
            payload = self._choices(dict(self.state.data))
            self._take(engine.send(self.compiled, self.state.state, name, payload, self._context))
            return
        due = [timer.due_at for timer in self.state.timers if timer.element.id == source.id]
        if due:
            self.now = max(self.now, min(due))
            self._take(engine.fire(self.compiled, self.state.state, self._context))
        elif source.id not in self.passed:
            raise LostError(f"{source.id} does not wait")

    def _drain(self, inner: set[str]) -> None:
        """Do whatever is to be done in a process that counts as one task."""
        for _ in range(80):
            assert self.state is not None
            waiting = [name for name in self.open() if name in inner]
            timers = [timer for timer in self.state.timers if timer.element.id in inner]
            if waiting:
                self._complete(waiting[0])
            elif timers:
                self._happen(timers[0].element and self.elements[timers[0].element.id])
            else:
                return
        raise LostError(f"no end of {sorted(inner)[:3]}")

    def _inner(self, source: Source, seen: frozenset[str] = frozenset()) -> set[str]:
        scope: Scope | None = self.processes.get(source.called)
        if source.kind == "subProcess":
            scope = next((each for each in self.scopes if each.id == source.id), None)
        if scope is None or scope.id in seen:
            return set()
        below = [self._inner(each, seen | {scope.id}) for each in scope.elements.values()]
        return set(scope.elements).union(*below)

    def _interrupted(self, source: Source) -> bool:
        events = {e.id for e in self.elements.values() if e.attached == source.id and e.interrupts}
        event = self._next(events)
        return event is not None and event < (self._next({source.id, *self.targets.get(source.id, ())}) or 10**6)

    def _next(self, names: set[str], start: int | None = None) -> int | None:
        begin = (self.at if start is None else start) + 1
        return next((place for place in range(begin, len(self.way)) if self.way[place] in names), None)

    def _choices(self, known: dict[str, Any]) -> dict[str, bool]:
        """Return what is to be picked so that each split goes where the way goes next."""
        found: dict[str, bool] = {}
        for name, flows in self.leaving.items():
            if any(condition for *_, condition in flows):
                wanted = self._wanted(name, flows)
                for flow, _, condition in flows:
                    found |= self._picked(flow, condition, flow in wanted, known) if condition else {}
        return found

    def _wanted(self, name: str, flows: list[tuple[str, str, str]]) -> set[str]:
        here = self._next({name}, self.at - 1)
        if here is None:
            return {min(flows, key=lambda flow: self._distance(flow[1]))[0]}
        limit = self._next({name}, here) or len(self.way)
        ahead = {flow: self._next({target}, here) for flow, target, _ in flows}
        there = {flow: place for flow, place in ahead.items() if place is not None and place < limit}
        if not there:
            return {min(flows, key=lambda flow: self._distance(flow[1]))[0]}
        one = self.elements[name].kind == "exclusiveGateway"
        return {min(there, key=lambda flow: there[flow])} if one else set(there)

    def _distance(self, name: str) -> int:
        """Return how far the end of its process is from `name`."""
        seen, ring = {name}, [name]
        for steps in range(400):
            if any(not self.targets.get(each) for each in ring):
                return steps
            ring = [t for each in ring for t in self.targets.get(each, ()) if t not in seen]
            seen.update(ring)
            if not ring:
                break
        return 10**6

    def _picked(self, flow: str, condition: str, wanted: bool, known: dict[str, Any]) -> dict[str, bool]:
        names = self.freed.picks.get(flow, [])
        choices = [dict(zip(names, values, strict=True)) for values in product((wanted, not wanted), repeat=len(names))]
        for choice in choices:
            if bool(compile_expression(condition).evaluate({**known, **choice})) is wanted:
                return choice
        return choices[0] if choices else {}


def replayed(bundle: Bundle, finding: Finding, step: str, *, exemption: bool) -> str:
    """Return "" when the engine goes where the counterexample of a step that is passed by goes, else why not."""
    try:
        replay = Replay(replace(bundle), finding.counterexample, step, exemption=exemption)
        replay.run()
    except LostError as lost:
        return str(lost)
    done = replay.banned & set(replay.passed)
    if done:
        return f"{sorted(done)} were done"
    assert replay.state is not None
    if finding.rule == "step_before_end":
        return "" if replay.state.finished else f"not ended, open {sorted(replay.open())}"
    return "" if replay.reached() else f"{finding.element} not reached, open {sorted(replay.open())}"


def replays(bundle: Bundle, policy: Policy) -> Iterator[tuple[Finding, str]]:
    """Yield each finding of a step that can be passed by, with "" when the engine was led there, else why not."""
    steps = {f"不经过{step.label}也": step for step in StatutoryStep}
    for finding in verify(bundle, policy=policy).findings:
        if finding.rule in ("step_unavoidable", "step_before_end"):
            step = next(step for text, step in steps.items() if text in finding.message)
            exempt = any(each.told.get("step") == step and each.told.get("exemption") for each in policy.requirements)
            yield finding, replayed(bundle, finding, step, exemption=exempt)
