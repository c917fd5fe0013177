"""Random procedures with a reference beside them: what must stand open is told by the blocks, without any token.

A procedure is nested blocks: a task, a choice, a fork, an inclusive fork, a step sent back, a repeated sub-process, a
called process, a multi-instance in a row or at once, a task or sub-process with a timer on it. `Block.drawn` draws
one, `Block.begun` tells what happens once it is reached.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.drawing import Drawing

KINDS = (
    "task", "task", "chain", "chain", "xor", "fork", "fork", "inclusive", "back", "loop", "sub", "call", "at once", "in a row",
    "late", "late", "reminded", "cut short",
)  # fmt: skip
SCOPED = ("loop", "sub", "call", "at once", "in a row", "cut short")
Key = tuple[str, tuple[int, ...]]
Choices = Mapping[str, Any]


class Block:
    """One part of a procedure: what it is, and what is in it."""

    def __init__(self, dice: random.Random, numbers: Iterator[int], budget: int) -> None:
        self.kind = dice.choice(KINDS) if budget > 1 else "task"
        self.name = f"n{next(numbers)}"
        self.days = dice.randint(1, 5)
        count = dice.randint(2, 3) if self.kind in ("chain", "xor", "fork", "inclusive") else int(self.kind in SCOPED)
        self.parts = [Block(dice, numbers, budget // max(count, 1) - 1) for _ in range(count)]
        # Of a choice the last way leads past everything.
        self.size = count + (self.kind == "xor")

    def all(self) -> Iterator[Block]:
        yield self
        for part in self.parts:
            yield from part.all()

    def chosen(self, dice: random.Random) -> dict[str, Any]:
        """Return data for one round: which ways are taken, and over how many."""
        data: dict[str, Any] = {}
        for block in self.all():
            if block.kind == "xor":
                data[f"way_{block.name}"] = dice.randrange(block.size)
            elif block.kind == "inclusive":
                data[f"ways_{block.name}"] = sorted(dice.sample(range(block.size), dice.randint(1, block.size)))
            elif block.kind in ("at once", "in a row"):
                data[f"list_{block.name}"] = list(range(dice.randint(0, 3)))
        return data

    def drawn(self, into: Drawing, called: list[Drawing]) -> tuple[str, str]:
        """Draw the block; return the elements that it begins and ends with."""
        name, parts = self.name, self.parts
        if self.kind == "task":
            into.user(name)
        elif self.kind == "chain":
            ends = [part.drawn(into, called) for part in parts]
            for (_, before), (after, _) in pairwise(ends):
                into.flow(before, after)
            return ends[0][0], ends[-1][1]
        elif self.kind in ("xor", "fork", "inclusive"):
            add = {"xor": into.xor, "fork": into.fork, "inclusive": into.inclusive}[self.kind]
            add(f"{name}_s")
            add(f"{name}_j")
            for number, part in enumerate(parts):
                head, tail = part.drawn(into, called)
                told = {"xor": f"way_{name} == {number}", "inclusive": f"{number} in ways_{name}"}.get(self.kind, "")
                into.flow(f"{name}_s", head, told).flow(tail, f"{name}_j")
            if self.kind == "xor":
                into.flow(f"{name}_s", f"{name}_j", "else")
            return f"{name}_s", f"{name}_j"
        elif self.kind == "back":
            into.user(name).xor(f"{name}_m").flow(name, f"{name}_m").flow(f"{name}_m", name, f"again_{name}")
            into.xor(f"{name}_o").flow(f"{name}_m", f"{name}_o", "else")
            return name, f"{name}_o"
        elif self.kind in ("late", "reminded"):
            into.user(name).timer(f"{name}_t", f"P{self.days}D", on=name, stays=self.kind == "reminded")
            into.user(f"{name}_r").flow(f"{name}_t", f"{name}_r")
            if self.kind == "reminded":
                into.end(f"{name}_e").flow(f"{name}_r", f"{name}_e")
                return name, name
            into.xor(f"{name}_j").flow(name, f"{name}_j").flow(f"{name}_r", f"{name}_j")
            return name, f"{name}_j"
        else:
            return self._scope(into, called)
        return name, name

    def _scope(self, into: Drawing, called: list[Drawing]) -> tuple[str, str]:
        name = self.name
        inner = Drawing(f"{name}_in").start(f"{name}_is").end(f"{name}_ie")
        head, tail = self.parts[0].drawn(inner, called)
        inner.flow(f"{name}_is", head).flow(tail, f"{name}_ie")
        if self.kind == "call":
            called.append(inner)
            into.call(name, inner.id)
            return name, name
        if self.kind in ("at once", "in a row"):
            into.sub(
                inner, each=f"list_{name}", item=f"i_{name}", results=f"r_{name}", sequential=self.kind == "in a row"
            )
            return inner.id, inner.id
        into.sub(inner)
        if self.kind == "loop":
            into.xor(f"{name}_b").user(f"{name}_a").xor(f"{name}_m").chain(
                f"{name}_b", inner.id, f"{name}_a", f"{name}_m"
            )
            into.flow(f"{name}_m", f"{name}_b", f"again_{name}").xor(f"{name}_o").flow(f"{name}_m", f"{name}_o", "else")
            return f"{name}_b", f"{name}_o"
        if self.kind == "cut short":
            into.timer(f"{name}_t", f"P{self.days}D", on=inner.id).xor(f"{name}_j")
            into.flow(inner.id, f"{name}_j").flow(f"{name}_t", f"{name}_j")
            return inner.id, f"{name}_j"
        return inner.id, inner.id


class Running:
    """A block that was reached: `open()` are the tasks in it, `done` whether what comes after is reached."""

    def __init__(self, block: Block, choices: Choices, now: datetime, at: tuple[int, ...], scope: Scope) -> None:
        self.block, self.choices, self.at, self.scope = block, dict(choices), at, scope
        self.inner: list[Any] = []
        self.tasks: list[str] = []
        self.due: datetime | None = None
        self.left: list[Block] = []
        self._begin(now)

    def _begin(self, now: datetime) -> None:
        block, kind = self.block, self.block.kind
        if kind in ("task", "back", "late", "reminded"):
            self.tasks = [block.name]
        if kind in ("late", "reminded", "cut short"):
            self.due = now + timedelta(days=block.days)
        if kind == "chain":
            self.left = block.parts[1:]
            self.inner = [self._run(block.parts[0], now)]
        elif kind == "fork":
            self.inner = [self._run(part, now) for part in block.parts]
        elif kind == "inclusive":
            self.inner = [self._run(block.parts[number], now) for number in self.choices[f"ways_{block.name}"]]
        elif kind == "xor":
            self.inner = [self._run(part, now) for part in block.parts[self.choices[f"way_{block.name}"] :][:1]]
        elif kind in ("loop", "sub", "call", "cut short"):
            self.inner = [Scope(block.parts[0], self.choices, now, self.at)]
        elif kind in ("at once", "in a row"):
            self.items = list(self.choices[f"list_{block.name}"])
            first = self.items if kind == "at once" else self.items[:1]
            self.items = self.items[len(first) :]
            self.inner = [Scope(block.parts[0], self.choices, now, (*self.at, item)) for item in first]
        self.settle(now)

    def _run(self, block: Block, now: datetime) -> Running:
        return Running(block, self.choices, now, self.at, self.scope)

    @property
    def done(self) -> bool:
        return not (self.tasks or self.inner or self.left)

    def settle(self, now: datetime) -> None:
        """Go on with what comes next until something is waited for."""
        for each in self.inner:
            each.settle(now)
        self.inner = [each for each in self.inner if not each.done]
        if self.inner or self.tasks:
            return
        self.due = None if self.block.kind == "cut short" else self.due
        if self.left:
            self.inner = [self._run(self.left.pop(0), now)]
            self.settle(now)
        elif self.block.kind == "in a row" and self.items:
            self.inner = [Scope(self.block.parts[0], self.choices, now, (*self.at, self.items.pop(0)))]
            self.settle(now)
        elif self.block.kind == "loop" and not getattr(self, "asked", False):
            self.asked = True
            self.tasks = [f"{self.block.name}_a"]

    def open(self) -> Iterator[tuple[Key, Running]]:
        for task in self.tasks:
            yield (task, self.at), self
        for each in self.inner:
            yield from each.open()

    def complete(self, task: str, data: Choices, now: datetime) -> None:
        self.tasks.remove(task)
        self.due = None
        if data.get(f"again_{self.block.name}"):
            self.choices |= data
            self.asked = False
            self._begin(now)

    def timers(self, now: datetime) -> None:
        """Let what is due happen, the outermost first."""
        if self.due is not None and self.due <= now and (self.tasks or self.inner):
            self.due = None
            if self.block.kind == "cut short":
                self.inner = []
            elif self.block.kind == "late":
                self.tasks = [f"{self.block.name}_r"]
            else:
                self.scope.beside.append((f"{self.block.name}_r", self.at))
        for each in self.inner:
            each.timers(now)


class Scope:
    """A process, sub-process or instance: it is done when nothing in it is left, reminders among it."""

    def __init__(self, block: Block, choices: Choices, now: datetime, at: tuple[int, ...]) -> None:
        self.beside: list[Key] = []
        self.at = at
        self.main = Running(block, choices, now, at, self)

    @property
    def done(self) -> bool:
        return self.main.done and not self.beside

    def settle(self, now: datetime) -> None:
        self.main.settle(now)

    def open(self) -> Iterator[tuple[Key, Any]]:
        yield from self.main.open()
        yield from ((key, self) for key in self.beside)

    def complete(self, task: str, data: Choices, now: datetime) -> None:
        self.beside.remove((task, self.at))

    def timers(self, now: datetime) -> None:
        self.main.timers(now)
