"""Plays a small model in the real engine in every way: each open task with every answer that its conditions ask for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

from decision_flow import engine
from decision_flow.engine import Bundle, Compiled, Context, Step
from decision_flow.errors import ProcedureFault
from tests.engine.driver import NOON

_READ = re.compile(r"\b(F\d+[a-z]?)\.(\w+)")
DEPTH = 10
FUNCTIONS = {"date": lambda value: NOON.date() + timedelta(days=30), "working_days_after": lambda *_: NOON.date()}


@dataclass
class Run:
    """One way through: what was entered and passed, in order, which tasks were completed, and how it stands."""

    trace: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    step: Step | None = None
    days: int = 0
    fault: str = ""

    def goes(self, way: tuple[str, ...]) -> bool:
        """Whether the run passes the elements `way` in this order."""
        rest = iter(self.trace)
        return all(element in rest for element in way)


@dataclass
class Explorer:
    """Every run of a bundle up to a depth, with `banned` tasks never completed."""

    bundle: Bundle
    banned: frozenset[str] = frozenset()
    compiled: Compiled = field(init=False)

    def __post_init__(self) -> None:
        self.compiled = engine.compile(self.bundle)
        text = b"".join(self.bundle.bpmn.values()).decode()
        self.asked: dict[str, dict[str, list[Any]]] = {}
        forms = {told["id"].replace("-", ""): told for told in map(_told, self.bundle.forms.values())}
        for form, name in sorted(set(_READ.findall(text))):
            entry = next(each for each in forms[form]["fields"] if each["name"] == name)
            options = [option["value"] for option in entry.get("options", ())]
            self.asked.setdefault(form, {})[name] = {"bool": [True, False], "enum": options}.get(
                entry["type"], ["2026-06-01"]
            )

    def runs(self) -> Iterator[Run]:
        """Yield every run, also unfinished ones, shorter ones first."""
        runs = [self._after(Run(), lambda at: engine.start(self.compiled, {}, at))]
        for _ in range(DEPTH):
            yield from runs
            runs = [more for run in runs if not run.fault and not run.step.finished for more in self._next(run)]
            if not runs:
                return

    def _next(self, run: Run) -> Iterator[Run]:
        assert run.step is not None
        state = run.step.state
        for task in engine.open_tasks(self.compiled, state):
            if task.element.id in self.banned:
                continue
            key = (task.element.form or "").replace("-", "")
            fields = self.asked.get(key, {})
            for values in product(*fields.values()):
                data = {key: dict(zip(fields, values, strict=True))} if key else {}

                def act(at: Context, token: str = task.token, data: dict[str, Any] = data) -> Step:
                    return engine.complete(self.compiled, state, token, data, at)

                yield self._after(run, act, done=task.element.id)
        if run.step.timers:
            yield self._after(run, lambda at: engine.fire(self.compiled, state, at), days=400)

    def _after(self, run: Run, act: Any, done: str = "", days: int = 0) -> Run:
        days += run.days
        names = (*run.done, done) if done else run.done
        try:
            step = act(Context(NOON + timedelta(days=days), FUNCTIONS))
        except ProcedureFault as fault:
            return Run((*run.trace, done), names, None, days, str(fault))
        told = [entry.element_id for entry in step.passed if entry.element_id in self.compiled.elements]
        return Run((*run.trace, *told, *(task.element.id for task in step.opened)), names, step, days)

    def open(self, run: Run) -> list[str]:
        """Return the elements whose tasks stand open at the end of `run`."""
        if run.step is None:
            return []
        return sorted(task.element.id for task in engine.open_tasks(self.compiled, run.step.state))


def _told(content: bytes) -> dict[str, Any]:
    return tomllib.loads(content.decode())
