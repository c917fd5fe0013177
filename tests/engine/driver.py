"""Drives an instance through the engine; every scenario can be run with save and restore at each rest."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from decision_flow import engine
from decision_flow.engine import Bundle, Compiled, Context, OpenTask, Step
from decision_flow.engine.codec import dump, load
from decision_flow.engine.environment import Evaluator
from tests.drawing import Drawing

NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)


def bundle(*drawings: Drawing, dmn: Mapping[str, bytes] | None = None) -> Bundle:
    return Bundle(
        main=drawings[0].id, bpmn={f"{drawing.id}.bpmn": drawing.xml() for drawing in drawings}, dmn=dmn or {}
    )


def _told(state: bytes) -> Any:
    return json.loads(zlib.decompress(state[1:]))


class Driver:
    """One instance. The state between two commands is always the stored bytes."""

    def __init__(self, compiled: Compiled, data: Mapping[str, Any] | None = None, restart: bool = False) -> None:
        self.compiled, self.restart, self.now = compiled, restart, NOON
        self.steps: list[Step] = []
        self._take(engine.start(compiled, data or {}, self.context))

    @property
    def context(self) -> Context:
        return Context(now=self.now)

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def state(self) -> bytes:
        return self.steps[-1].state

    def open(self) -> dict[str, list[OpenTask]]:
        found: dict[str, list[OpenTask]] = {}
        for task in engine.open_tasks(self.compiled, self.state):
            found.setdefault(task.element.id, []).append(task)
        return found

    def names(self) -> list[str]:
        return sorted(task.element.id for task in engine.open_tasks(self.compiled, self.state))

    def do(self, element: str, which: int = 0, **data: Any) -> Step:
        token = self.open()[element][which].token
        return self._take(engine.complete(self.compiled, self.state, token, data, self.context))

    def at(self, moment: datetime) -> Step:
        self.now = moment
        return self._take(engine.fire(self.compiled, self.state, self.context))

    def send(self, name: str, **payload: Any) -> Step:
        return self._take(engine.send(self.compiled, self.state, name, payload, self.context))

    def _take(self, step: Step) -> Step:
        if self.restart:
            # As after a restart of the process: read, write again, and nothing may have changed.
            instance = load(self.compiled, step.state, Evaluator(self.context))
            assert dump(self.compiled, instance) == step.state, (
                _told(dump(self.compiled, instance)),
                _told(step.state),
            )
        self.steps.append(step)
        return step
