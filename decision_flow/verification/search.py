"""A question about a procedure, answered by as small a game as will do.

At first every condition may turn out either way. A run found so may pass a condition that asks for a form
nobody filled in on the way: then that form is watched, and the search begins anew. Few forms bear on one
question, so few are watched, and called processes that hold none of them stay one task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from decision_flow.verification.game import Decided, Game, Result, State
from decision_flow.verification.graph import Node
from decision_flow.verification.scopes import Scope, Source

_EXISTS = re.compile(r"exists\(\s*[\"']?([A-Za-z0-9_]+)")


def asked_for(condition: str) -> set[str]:
    """Return the forms of which `condition` asks whether they are there."""
    return set(_EXISTS.findall(condition)) if "exists" in condition else set()


class Search:
    """Plays the games that `game` makes for a set of watched forms, of those that are `askable`."""

    def __init__(self, game: Callable[[frozenset[str]], Game], askable: frozenset[str]) -> None:
        self._game, self._askable = game, askable
        # What one play had to watch, the next about the same things has to as well.
        self._watched: frozenset[str] = frozenset()

    def play(
        self,
        *,
        blocked: Callable[[Source], bool] | None = None,
        goal: Callable[[Node], bool] | None = None,
        ending: bool = False,
        decided: Decided | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Result:
        """Search as `Game.play` does. The run that is found stands under every condition on its way."""
        if goal is None and not ending:
            self._watched = self._askable
        while True:
            game = self._game(self._watched)
            result = game.play(blocked=blocked, goal=goal, ending=ending, decided=decided, given=given)
            more = self._missed(game, result, decided, given)
            if not more:
                return result
            self._watched |= more

    def _missed(
        self, game: Game, result: Result, decided: Decided | None, given: Mapping[str, str] | None
    ) -> frozenset[str]:
        """Return the forms to watch because the run found takes a way that is shut, or may be, without them.

        Of several such ways the last: what stands close to the end decides most.
        """
        watched = frozenset(game.watched)
        missed: frozenset[str] = frozenset()
        at = result.met_in or (result.finished[0] if result.finished else None)
        filled: set[str] = set()
        unsure: set[str] = set()
        for before, after in _steps(result, at):
            fired = game.fired(before, after, decided, given)
            if fired is None:
                continue
            number, flows, completed = fired
            node = game.graph.nodes[number]
            asked = self._askable & {name for text in node.conditions.values() for name in asked_for(text)}
            settled = game.knowledge(before[1], decided, given)[1]
            if asked & unsure - filled - watched:
                missed = asked & unsure - filled - watched
            elif asked - watched and flows not in game.outcomes(number, asked - filled, settled):
                missed = asked - watched
            if completed:
                filled.update(source.form.replace("-", "") for source in node.completes if source.form)
            if node.hides is not None:
                unsure |= _forms(node.hides, game.graph.processes, set())
        return missed


def _forms(scope: Scope, processes: Mapping[str, Scope], seen: set[str]) -> set[str]:
    """Return the forms that may be filled in within `scope` and what it calls."""
    found: set[str] = set()
    for source in (source for each in scope.all_scopes() for source in each.elements.values()):
        found.add(source.form.replace("-", ""))
        if source.called in processes and source.called not in seen:
            seen.add(source.called)
            found |= _forms(processes[source.called], processes, seen)
    return found


def _steps(result: Result, at: State | None) -> list[tuple[State, State]]:
    steps: list[tuple[State, State]] = []
    while at is not None and (before := result.parents[at][0]) is not None:
        steps.append((before, at))
        at = before
    return steps[::-1]
