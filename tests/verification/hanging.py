"""Leads the real engine along the run of an unsound model: it hangs, doubles, never ends or never comes there.

The models are blocks without loops, so that whatever passes twice has passed twice at once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from decision_flow import engine
from decision_flow.engine import Bundle, Context, Step
from decision_flow.errors import DecisionFlowError, ProcedureFault
from decision_flow.verification import Finding, verify
from tests.drawing import Drawing
from tests.engine.driver import NOON
from tests.verification.replaying import HUMAN, LostError, Replay

KINDS = ("task", "task", "xor", "and", "sub")


def model(seed: int) -> Drawing:
    """Return blocks of tasks, splits and sub-processes; a join may be of another kind, a flow may be missing or led astray."""
    chance = random.Random(seed)
    drawing = Drawing("p").start().end()
    first, last = _block(chance, drawing, 3)
    drawing.flow("start", first).flow(last, "end")
    if chance.random() < 0.3:
        chance.choice([_astray, _round, _dead])(chance, drawing)
    return drawing


def _block(chance: random.Random, drawing: Drawing, depth: int) -> tuple[str, str]:
    name = f"{drawing.id}_n{len(drawing.nodes)}"
    kind = chance.choice(KINDS) if depth else "task"
    if kind == "task":
        drawing.user(name)
        return name, name
    if kind == "sub":
        inner = Drawing(f"{name}_in").start(f"{name}_s").end(f"{name}_e")
        first, last = _block(chance, inner, depth - 1)
        drawing.sub(inner.flow(f"{name}_s", first).flow(last, f"{name}_e"))
        return inner.id, inner.id
    split, join = f"{name}s", f"{name}j"
    joined = kind if chance.random() < 0.7 else {"xor": "and", "and": "xor"}[kind]
    for gate, how in ((split, kind), (join, joined)):
        (drawing.fork if how == "and" else drawing.xor)(gate)
    for branch in range(2):
        first, last = _block(chance, drawing, depth - 1)
        drawing.flow(split, first, "" if kind == "and" else "else" if branch else "F1.yes").flow(last, join)
    return split, join


def _round(chance: random.Random, drawing: Drawing) -> None:
    """Lead a branch of a decision to two tasks that lead to each other."""
    gates = [name for name, node in drawing.nodes.items() if node.kind == "exclusiveGateway" and len(node.outgoing) > 1]
    if gates:
        drawing.xor("again").user("one").user("other").chain("again", "one", "other", "again")
        drawing.flow(chance.choice(gates), "again", "F1.other")


def _dead(chance: random.Random, drawing: Drawing) -> None:
    """Draw a task that nothing leads to."""
    drawing.user("dead").flow("dead", "end")


def _astray(chance: random.Random, drawing: Drawing) -> None:
    """Lead a branch of a split past everything, to the end or to the last join."""
    gates = [name for name, node in drawing.nodes.items() if "Gateway" in node.kind]
    if gates:
        drawing.flow(chance.choice(gates), "end", "F1.other")


def shown(bundle: Bundle, finding: Finding) -> str:
    """Return "" when the engine does what the finding says, else what it does instead."""
    if finding.rule == "dead_element":
        runs = list(_runs(bundle, None))
        passed = any(finding.element in run for run, _ in runs)
        return f"{finding.element} is passed" if passed or not any(done for _, done in runs) else ""
    replay = Replay(bundle, finding.counterexample, "none")
    try:
        replay.run()
        _finish(replay)
    except ProcedureFault:
        # The act that leads to where nothing can go on is refused, also where it would pass an element once more.
        again = finding.rule == "lack_of_synchronisation" and finding.element in replay.passed
        return "" if finding.rule == "deadlock" or again else "stuck"
    except LostError as lost:
        return str(lost)
    assert replay.state is not None
    if finding.rule == "deadlock":
        waits = bool(replay.open()) or bool(replay.state.timers)
        return f"it waits at {sorted(replay.open())}" if waits or replay.state.finished else ""
    if finding.rule == "lack_of_synchronisation":
        times = replay.passed.count(finding.element) + list(_standing(replay)).count(finding.element)
        return "" if times >= 2 else f"{finding.element} is passed {times} times"
    return "it ends" if any(done for _, done in _runs(bundle, replay)) else ""


def _finish(replay: Replay) -> None:
    """Do the last element of the way, where it is a task."""
    last = replay.way[-1]
    replay.at = len(replay.way) - 1
    if replay.elements[last].kind in HUMAN and last in replay.open():
        replay._complete(last)


def _standing(replay: Replay) -> Iterator[str]:
    assert replay.state is not None
    return (task.element.id for task in engine.open_tasks(replay.compiled, replay.state.state))


def _runs(bundle: Bundle, replay: Replay | None) -> Iterator[tuple[frozenset[str], bool]]:
    """Yield what every run passes and whether it ends, from the start or from where `replay` stands."""
    replay = replay or Replay(bundle, ("",), "none")
    compiled, at = replay.compiled, Context(NOON)
    names = sorted(name for picks in replay.freed.picks.values() for name in picks)
    choices = [dict(zip(names, values, strict=True)) for values in product((True, False), repeat=len(names))]
    first: list[Step] = [replay.state] if replay.state is not None else []
    stack = [(frozenset[str](), step) for step in first]
    if not first:
        for choice in choices:
            try:
                stack.append((frozenset(), engine.start(compiled, dict[str, Any](choice), at)))
            except ProcedureFault:
                continue
    known = set[tuple[frozenset[str], frozenset[str]]]()
    while stack:
        seen, step = stack.pop()
        seen |= {entry.element_id for entry in step.passed}
        tasks = {task.element.id: task for task in engine.open_tasks(compiled, step.state)}
        if (seen, frozenset(tasks)) in known:
            continue
        known.add((seen, frozenset(tasks)))
        yield seen | set(tasks), step.finished
        for task, choice in product(list(tasks.values())[:1], choices):
            try:
                stack.append((seen, engine.complete(compiled, step.state, task.token, dict(choice), at)))
            except ProcedureFault:
                continue


def _findings(drawing: Drawing) -> Iterator[tuple[Bundle, Finding]]:
    """Yield what is wrong in a drawing and each of its sub-processes: each is judged by itself, and is played so."""
    alone = Drawing(drawing.id)
    alone.flows = drawing.flows
    for name, node in drawing.nodes.items():
        if node.inner is None:
            alone.nodes[name] = node
        else:
            yield from _findings(node.inner)
            alone.user(name)
    bundle = Bundle(alone.id, {"p.bpmn": alone.xml()})
    yield from ((bundle, found) for found in verify(bundle, soundness_only=True).findings)


def replay_unsound(seeds: range) -> tuple[Counter[str], list[str]]:
    """Return how many findings of each rule the engine shows among the models of `seeds`, and those it does not."""
    counts, wrong = Counter[str](), []
    for seed in seeds:
        for bundle, finding in _findings(model(seed)):
            try:
                why = shown(bundle, finding)
            except DecisionFlowError as refused:
                counts["refused"] += 1  # The engine does not begin it.
                assert getattr(refused, "findings", ()), refused
                continue
            counts[finding.rule] += 1
            if why:
                wrong.append(f"{seed} {finding.rule} {finding.counterexample}: {why}")
    return counts, wrong
