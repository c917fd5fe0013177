"""What the rules look at: the scopes as read, the inlined graph, the forms, told names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from decision_flow.engine import Bundle
from decision_flow.verification.game import Game
from decision_flow.verification.graph import Graph
from decision_flow.verification.scopes import Scope, Source, read_scopes

_EXISTS = re.compile(r"exists\(\s*[\"']?([A-Za-z0-9_]+)")


class Model:
    """One procedure under judgement."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.processes = read_scopes(bundle.bpmn)
        self._games: dict[frozenset[str], Game] = {}

    @cached_property
    def used(self) -> dict[str, Scope]:
        """The processes that the main one calls, itself first."""
        found: dict[str, Scope] = {}
        stack = [self.bundle.main]
        while stack:
            name = stack.pop()
            if name in found or name not in self.processes:
                continue
            found[name] = self.processes[name]
            for scope in found[name].all_scopes():
                stack += (source.called for source in scope.elements.values() if source.called)
        return found

    def scopes(self) -> Iterator[Scope]:
        """Yield every scope in use."""
        for process in self.used.values():
            yield from process.all_scopes()

    def sources(self) -> Iterator[Source]:
        """Yield every element in use."""
        for scope in self.scopes():
            yield from scope.elements.values()

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What each element is called in a sentence."""
        told = {source.id: source.name or source.id for source in self.sources()}
        return told | {scope.id: scope.name or scope.id for scope in self.scopes() if scope.id not in told}

    @cached_property
    def steps(self) -> frozenset[str]:
        """The statutory steps that stand on activities."""
        return frozenset(source.step for source in self.sources() if source.step and not source.kind.endswith("Event"))

    def game(self, *steps: str) -> Game:
        """The whole procedure with all it calls, as far as it bears on `steps`, ready to be played."""
        key = frozenset(steps)
        if key not in self._games:
            watched = set(self._watched)

            def relevant(source: Source) -> bool:
                named = source.step in key and not source.kind.endswith("Event")
                return named or source.exempts in key or source.form.replace("-", "") in watched

            graph = Graph(self.processes[self.bundle.main], self.processes, relevant)
            self._games[key] = Game(graph, self._watched)
        return self._games[key]

    @cached_property
    def _watched(self) -> tuple[str, ...]:
        """Forms whose absence conditions ask for, and that nothing but a task of this procedure fills in."""
        asked = {
            name for scope in self.scopes() for *_, condition in scope.flows for name in _EXISTS.findall(condition)
        }
        by_task = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind == "userTask"}
        elsewhere = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind != "userTask"}
        return tuple(sorted(asked & (by_task - elsewhere)))

    @cached_property
    def forms(self) -> dict[str, dict[str, Any]]:
        """The forms of the bundle as data, by id; one that cannot be read is left to the compiler."""
        found = {}
        for content in self.bundle.forms.values():
            try:
                told = tomllib.loads(content.decode())
            except (UnicodeDecodeError, tomllib.TOMLDecodeError):
                continue
            found[str(told.get("id", ""))] = told
        return found

    def tell(self, way: tuple[str, ...]) -> str:
        """Tell a run in words."""
        names = [self.names.get(name, name) for name in way]
        shown = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
        if len(shown) > 14:
            shown = [*shown[:7], "…", *shown[-6:]]
        return " → ".join(shown)
