"""What the rules look at: the scopes as read, the inlined graph, the forms, told names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from decision_flow.engine import Bundle
from decision_flow.verification import report
from decision_flow.verification.game import Game
from decision_flow.verification.graph import Graph, Inlining
from decision_flow.verification.policy import Requirement
from decision_flow.verification.scopes import Scope, Source, read_scopes
from decision_flow.verification.search import Search, asked_for

FORM = re.compile(r"^F\d{1,3}[a-z]?$")


@dataclass(frozen=True)
class Exemption:
    """A case in which the tasks with this form do not exempt: its fields have the values that are given."""

    form: str = ""
    given: Mapping[str, str] | None = None
    words: str = ""

    def leaves(self, source: Source) -> bool:
        """Return whether `source` leaves the step to be done although it exempts."""
        return bool(self.form) and source.form.replace("-", "") == self.form

    def told(self, way: tuple[str, ...], sources: Iterable[Source]) -> str:
        """Return in words that it does not exempt, if the run `way` passes it."""
        return self.words if any(source.id in way and self.leaves(source) for source in sources) else ""


class Model:
    """One procedure under judgement."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.processes = read_scopes(bundle.bpmn)
        self._graphs: dict[frozenset[tuple[Scope, frozenset[str]]], Graph] = {}
        self._games: dict[tuple[frozenset[str], frozenset[str], frozenset[str]], Game] = {}

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

    def game(self, *steps: str, forms: tuple[str, ...] = ()) -> Search:
        """The whole procedure with all it calls, as far as it bears on `steps` and `forms`, ready to be played."""
        about = frozenset(form.replace("-", "") for form in forms)
        return Search(lambda watched: self._game(frozenset(steps), about, watched), self.askable)

    def _game(self, steps: frozenset[str], forms: frozenset[str], watched: frozenset[str]) -> Game:
        """The game that bears on `steps` and `forms`, and knows whether the forms `watched` have been filled in."""
        key = (steps, forms | watched, watched)
        if key not in self._games:

            def relevant(source: Source) -> bool:
                named = source.step in steps and not source.kind.endswith("Event")
                return named or source.exempts in steps or source.form.replace("-", "") in key[1]

            self._games[key] = Game(self._graph(Inlining(self.processes, relevant)), tuple(sorted(watched)))
        return self._games[key]

    def _graph(self, inlining: Inlining) -> Graph:
        main = self.processes[self.bundle.main]
        key = inlining.chosen(main)
        if key not in self._graphs:
            self._graphs[key] = Graph(main, self.processes, inlining)
        return self._graphs[key]

    @cached_property
    def askable(self) -> frozenset[str]:
        """Forms of which it is known whether they are there: conditions ask for them, and tasks alone fill them in.

        One that nothing fills in is never there; without the forms it is not known which a matter begins with.
        """
        asked = {name for scope in self.scopes() for *_, condition in scope.flows for name in asked_for(condition)}
        by_task = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind == "userTask"}
        elsewhere = {s.form.replace("-", "") for s in self.sources() if s.form and s.kind != "userTask"}
        nobody = {name for name in asked if FORM.match(name)} - self.start_forms if self.forms else set()
        return frozenset(asked & ((by_task | nobody) - elsewhere))

    def exemptions(self, required: Requirement) -> list[Exemption]:
        """Return the cases to ask about: whatever exempts does, and each value of its field with which it does not."""
        path = str(required.told.get("exempted_by", ""))
        form, _, field = path.partition(".")
        cases = [
            Exemption(
                form,
                {path: str(option.get("value", ""))},
                f"（“{told.get('title')}”为“{option.get('label')}”时不免除）",
            )
            for name, told in self.forms.items()
            if name.replace("-", "") == form
            for each in told.get("fields", ())
            if each.get("name") == field
            for option in each.get("options", ())
            if option.get("value") not in required.steps("exempted_as")
        ]
        return [Exemption(), *cases]

    @cached_property
    def start_forms(self) -> frozenset[str]:
        """The keys of forms that a matter may be registered with: those that settle its title."""
        return frozenset(
            name.replace("-", "")
            for name, told in self.forms.items()
            if any(each.get("assigns") == "matter_title" for each in told.get("fields", ()))
        )

    @cached_property
    def forms(self) -> dict[str, dict[str, Any]]:
        """The forms of the bundle as data, by id; one that cannot be read is left to the compiler."""
        return {str(told.get("id", "")): told for told in map(_form, self.bundle.forms.values()) if told is not None}

    def tell(self, way: tuple[str, ...]) -> str:
        """Tell a run in words."""
        return report.tell(way, self.names)


@lru_cache(maxsize=1024)
def _form(content: bytes) -> dict[str, Any] | None:
    # Shared by all who read the same file; nobody changes it.
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
