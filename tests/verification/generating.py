"""Generated procedures of industrial size: blocks with loops, boundary events, inclusive joins, sub-processes, calls."""

from __future__ import annotations

import random

from decision_flow.engine import Bundle
from tests.drawing import Drawing

SIZES = (15, 300)
# Mostly small to middling with a tail up to the largest, as collections of real models are.
TYPICAL = 60
KINDS = ("task", "task", "task", "xor", "xor", "and", "inclusive", "loop", "event", "stays", "sub", "call")


class _Writer:
    def __init__(self, chance: random.Random, of: str) -> None:
        self.chance, self.of, self.count, self.called = chance, of, 0, list[Drawing]()

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def sequence(self, drawing: Drawing, budget: int, depth: int) -> tuple[str, str]:
        """Draw blocks one after the other until about `budget` elements stand; return the first and the last."""
        first = last = ""
        while True:
            begun = self.count
            head, tail = self.block(drawing, budget, depth)
            if last:
                drawing.flow(last, head)
            first, last = first or head, tail
            budget -= self.count - begun
            if budget <= 0:
                return first, last

    def block(self, drawing: Drawing, budget: int, depth: int) -> tuple[str, str]:
        kind = self.chance.choice(KINDS) if budget > 4 and depth < 5 else "task"
        name = self.name()
        if kind == "task":
            drawing.user(name, step="legality_review" if self.chance.random() < 0.02 else "")
            return name, name
        if kind in ("sub", "call"):
            inner = Drawing(f"{self.of}_{name}_in").start(f"{name}_s").end(f"{name}_e")
            head, tail = self.sequence(inner, budget // 3, depth + 2)
            inner.flow(f"{name}_s", head).flow(tail, f"{name}_e")
            self.count += 2
            if kind == "sub":
                drawing.sub(inner)
                return inner.id, inner.id
            self.called.append(inner)
            drawing.call(name, inner.id)
            return name, name
        if kind in ("event", "stays"):
            return self.event(drawing, name, stays=kind == "stays")
        return self.branches(drawing, name, kind, budget, depth)

    def event(self, drawing: Drawing, name: str, *, stays: bool) -> tuple[str, str]:
        drawing.user(name).timer(f"{name}_t", "P3D", on=name, stays=stays).user(f"{name}_r")
        drawing.flow(f"{name}_t", f"{name}_r")
        self.count += 3
        if stays:
            drawing.end(f"{name}_e").flow(f"{name}_r", f"{name}_e")
            return name, name
        drawing.xor(f"{name}_m").flow(name, f"{name}_m").flow(f"{name}_r", f"{name}_m")
        return name, f"{name}_m"

    def branches(self, drawing: Drawing, name: str, kind: str, budget: int, depth: int) -> tuple[str, str]:
        split, join = f"{name}_s", f"{name}_j"
        add = {"xor": drawing.xor, "loop": drawing.xor, "and": drawing.fork, "inclusive": drawing.inclusive}[kind]
        self.count += 1
        if kind == "loop":
            add(join).xor(split)
            # A join on a loop is refused: the repeated part is a sub-process.
            inner = Drawing(f"{name}_in").start(f"{name}_is").end(f"{name}_ie")
            head, tail = self.sequence(inner, budget // 3, depth + 2)
            drawing.sub(inner.flow(f"{name}_is", head).flow(tail, f"{name}_ie"))
            self.count += 3
            head = tail = inner.id
            drawing.flow(join, head).flow(tail, split).flow(split, join, f"again_{name} == 1")
            after = self.name()
            drawing.user(after).flow(split, after, "else")
            return join, after
        add(split)
        add(join)
        count = self.chance.randint(2, 4)
        for branch in range(count):
            head, tail = self.sequence(drawing, budget // (2 * count), depth + 1)
            condition = "" if kind == "and" else "else" if branch == 0 else f"way_{name} == {branch}"
            drawing.flow(split, head, condition).flow(tail, join)
        return split, join


def industrial(seed: int, size: int = 0) -> tuple[Bundle, int]:
    """Return a generated sound and reviewed procedure with about `size` elements (by default up to 300), and how many it has."""
    chance = random.Random(seed)
    size = size or min(SIZES[1], SIZES[0] + int(chance.expovariate(1 / TYPICAL)))
    drawing = Drawing(f"p{seed}").start().end()
    writer = _Writer(chance, drawing.id)
    head, tail = writer.sequence(drawing, size - 4, 0)
    drawing.user("review", step="legality_review").user("decide", step="collective_discussion")
    drawing.flow("start", head).chain(tail, "review", "decide", "end")
    files = {f"{each.id}.bpmn": each.xml() for each in (drawing, *writer.called)}
    return Bundle(drawing.id, files), writer.count + 4


def parallel(branches: int = 20, each: int = 3) -> Bundle:
    """Return branches side by side, each a chain of tasks."""
    drawing = Drawing("wide").start().fork("g").fork("j").end().chain("start", "g").chain("j", "end")
    for branch in range(branches):
        names = [f"t{branch}_{number}" for number in range(each)]
        for name in names:
            drawing.user(name)
        drawing.chain("g", *names, "j")
    return Bundle("wide", {"wide.bpmn": drawing.xml()})


def chain(length: int = 1000) -> Bundle:
    """Return a chain of tasks."""
    drawing = Drawing("long").start().end()
    names = [f"t{number}" for number in range(length)]
    for name in names:
        drawing.user(name)
    return Bundle("long", {"long.bpmn": drawing.chain("start", *names, "end").xml()})
