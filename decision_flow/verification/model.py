"""What the rules look at: the scopes as read, the inlined graph, the forms, told names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from decision_flow.engine import Bundle
from decision_flow.verification.game import Game, Result
from decision_flow.verification.graph import Graph, Node
from decision_flow.verification.scopes import Scope, Source, read_scopes

_EXISTS = re.compile(r"exists\(\s*[\"']?([A-Za-z0-9_]+)")


class Model:
    """One procedure under judgement."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.processes = read_scopes(bundle.bpmn)
        self._games: dict[tuple[frozenset[str], frozenset[str]], Game] = {}

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

    def game(self, *steps: str) -> Search:
        """The whole procedure with all it calls, as far as it bears on `steps`, ready to be played."""
        return Search(self, frozenset(steps))

    def watching(self, steps: frozenset[str], watched: frozenset[str]) -> Game:
        """The game that bears on `steps` and knows of the forms `watched` whether they have been filled in."""
        if (steps, watched) not in self._games:

            def relevant(source: Source) -> bool:
                named = source.step in steps and not source.kind.endswith("Event")
                return named or source.exempts in steps or source.form.replace("-", "") in watched

            graph = Graph(self.processes[self.bundle.main], self.processes, relevant)
            self._games[steps, watched] = Game(graph, tuple(sorted(watched)))
        return self._games[steps, watched]

    @cached_property
    def asked(self) -> Mapping[str, frozenset[str]]:
        """Which forms the conditions behind an element ask for, if a task of this procedure alone fills them in."""
        found: dict[str, frozenset[str]] = {}
        for scope in self.scopes():
            for _, origin, _, condition in scope.flows:
                if "exists" in condition:
                    named = frozenset(_EXISTS.findall(condition)) & self._watched
                    found[origin] = found.get(origin, frozenset()) | named
        return found

    @cached_property
    def _watched(self) -> frozenset[str]:
        """Forms that nothing but a task of this procedure fills in."""
        by_task = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind == "userTask"}
        elsewhere = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind != "userTask"}
        return frozenset(by_task - elsewhere)

    @cached_property
    def forms(self) -> dict[str, dict[str, Any]]:
        """The forms of the bundle as data, by id; one that cannot be read is left to the compiler."""
        return {str(told.get("id", "")): told for told in map(_form, self.bundle.forms.values()) if told is not None}

    def tell(self, way: tuple[str, ...]) -> str:
        """Tell a run in words."""
        names = [self.names.get(name, name) for name in way]
        shown = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
        if len(shown) > 14:
            shown = [*shown[:7], "…", *shown[-6:]]
        return " → ".join(shown)


class Search:
    """A question about a procedure. At first every condition may turn out either way.

    A run found so may pass a condition that asks for a form nobody filled in on the way. The forms that its
    conditions ask for are watched then, and the search begins anew: few forms bear on one question.
    """

    def __init__(self, model: Model, steps: frozenset[str]) -> None:
        self._model, self._steps = model, steps

    def play(
        self,
        *,
        blocked: Callable[[Source], bool] | None = None,
        goal: Callable[[Node], bool] | None = None,
        ending: bool = False,
    ) -> Result:
        """Search as `Game.play` does. What is found stands under every condition on its way."""
        asked = self._model.asked
        everything = frozenset().union(*asked.values())
        watched = everything if goal is None and not ending else frozenset()
        while True:
            result = self._model.watching(self._steps, watched).play(blocked=blocked, goal=goal, ending=ending)
            way = result.met or (result.way(result.finished[0]) if ending and result.finished else ())
            more = watched.union(*(asked.get(element, frozenset()) for element in way))
            if more == watched:
                return result
            watched = more


@lru_cache(maxsize=1024)
def _form(content: bytes) -> dict[str, Any] | None:
    # Shared by all who read the same file; nobody changes it.
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
