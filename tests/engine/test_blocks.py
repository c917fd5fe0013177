"""Random procedures in random orders against the reference of `blocks`, straight and restored at every rest."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import count

import pytest

from decision_flow import engine
from decision_flow.engine import OpenTask
from tests.drawing import Drawing
from tests.engine.blocks import Block, Key, Scope
from tests.engine.driver import NOON, Driver, bundle

# Ten times as many agree as well; these few stand so that the suite stays quick.
SEEDS = 60


def key_of(task: OpenTask, blocks: dict[str, list[str]]) -> Key:
    """Return the task's element and the item of each multi-instance around it."""
    return task.element.id, tuple(task.data[f"i_{name}"] for name in blocks[task.element.id])


def around(block: Block, names: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the multi-instances around each task."""
    found = {block.name + end: list(names) for end in ("", "_a", "_r")}
    inside = (*names, block.name) if block.kind in ("at once", "in a row") else names
    for part in block.parts:
        found |= around(part, inside)
    return found


@pytest.mark.parametrize("restart", [False, True], ids=["straight", "restored"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_stands_open_is_what_the_blocks_say(restart: bool, seed: int) -> None:
    dice = random.Random(seed)
    block = Block(dice, count(1), 14)
    called: list[Drawing] = []
    drawing = Drawing("p").start().user("go").end()
    head, tail = block.drawn(drawing, called)
    compiled = engine.compile(bundle(drawing.chain("start", "go", head).flow(tail, "end"), *called), keep=False)
    choices = block.chosen(dice)
    run = Driver(compiled, choices, restart=restart)
    now, names = NOON, around(block)
    run.do("go")
    reference = Scope(block, choices, now, ())
    again = {each.name: each for each in block.all() if each.kind in ("back", "loop")}
    for _ in range(60):
        reference.settle(now)
        expected = dict(reference.open())
        found = {key_of(task, names): task for task in engine.open_tasks(compiled, run.state)}
        assert sorted(found) == sorted(expected)
        assert run.last.finished == reference.done
        if not expected:
            break
        if dice.random() < 0.2:
            now += timedelta(days=2)
            run.at(now)
            reference.timers(now)
            continue
        key = dice.choice(sorted(expected))
        name = key[0].removesuffix("_a")
        data = {}
        if name in again and key[0] in (name, f"{name}_a"):
            data = {f"again_{name}": dice.random() < 0.4, **again[name].chosen(dice)}
        run.now = now
        run._take(engine.complete(compiled, run.state, found[key].token, data, run.context))
        expected[key].complete(key[0], data, now)
