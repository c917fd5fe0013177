"""Everything is in the trail: each address that changes something reaches its events, each event tells all it must."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from decision_flow import audit
from decision_flow.audit import EventName
from decision_flow.db import Database
from tests.house import recorded
from tests.house.test_architecture import app

__all__ = ["app"]
ROOT = Path(__file__).parents[2]


class Code:
    """Who refers to whom, over all modules: a function, class or constant, and the names it uses."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, str], ast.AST] = {}
        self.names: dict[str, dict[str, tuple[str, str]]] = {}
        for top in ("decision_flow", "web"):
            for path in (ROOT / top).rglob("*.py"):
                module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
                self._read(module, ast.parse(path.read_text("utf-8")))

    def _read(self, module: str, tree: ast.Module) -> None:
        known = self.names[module] = {}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and node.module.split(".")[0] in ("decision_flow", "web")
            ):
                known.update({one.asname or one.name: (node.module, one.name) for one in node.names})
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.nodes[module, node.name] = node
            for target in getattr(node, "targets", []) or [getattr(node, "target", None)]:
                if isinstance(target, ast.Name):
                    self.nodes[module, target.id] = node

    def _found(self, module: str, name: str) -> tuple[str, str] | None:
        """What a name in a module stands for, across the modules that only hand it on."""
        if (module, name) in self.nodes:
            return module, name
        told = self.names.get(module, {}).get(name)
        return self._found(*told) if told and told != (module, name) else None

    def _used(self, place: tuple[str, str]) -> Iterator[tuple[str, str]]:
        module, _ = place
        for node in ast.walk(self.nodes[place]):
            if isinstance(node, ast.Name):
                found = self._found(module, node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                told = self.names[module].get(node.value.id)
                found = self._found(f"{told[0]}.{told[1]}", node.attr) if told else None
            else:
                continue
            if found:
                yield found

    def reach(self, place: tuple[str, str]) -> frozenset[str]:
        """The events named in whatever is within reach of a function."""
        seen, rest, events = {place}, [place], set[str]()
        while rest:
            one = rest.pop()
            for node in ast.walk(self.nodes[one]):
                # EventName.X, be it `audit.EventName.X`.
                if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("EventName"):
                    events.add(node.attr)
            further = [used for used in self._used(one) if used not in seen and used[1] != "EventName"]
            seen.update(further)
            rest += further
        return frozenset(events)


@pytest.fixture(scope="module")
def code() -> Code:
    return Code()


def test_every_address_that_changes_something_stands_in_the_table(app: Flask) -> None:
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods - {"GET", "HEAD", "OPTIONS"}}
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert changing <= set(recorded.ADDRESSES) <= known
    assert {event.value for event in EventName} == set(recorded.EVENTS)


@pytest.mark.parametrize("endpoint", [key for key, told in recorded.ADDRESSES.items() if not isinstance(told, str)])
def test_the_address_reaches_its_events(code: Code, app: Flask, endpoint: str) -> None:
    view = app.view_functions[endpoint]
    missing = set(recorded.ADDRESSES[endpoint]) - code.reach((view.__module__, view.__name__))
    assert not missing, missing


@pytest.mark.parametrize("place", recorded.ELSEWHERE, ids=".".join)
def test_the_worker_and_the_command_line_reach_theirs(code: Code, place: tuple[str, str]) -> None:
    module, name = place
    missing = set(recorded.ELSEWHERE[place]) - code.reach((f"decision_flow.{module}", name))
    assert not missing, missing


def test_nothing_is_within_reach_of_what_records_nothing(code: Code) -> None:
    """The walk would be worth nothing if everything reached everything."""
    assert code.reach(("decision_flow.organisations", "create_post")) == {"POST_CREATED"}
    assert code.reach(("decision_flow.notifications", "mark_read")) == frozenset()


def test_an_event_that_tells_too_little_is_found(database: Database, events_looked_at: list[str]) -> None:
    """Every event that a test of this suite records through the product is held against the table (conftest)."""
    told = {"event": "office.setting_changed", "facts": {"organ": 1, "key": "x", "basis": ""}, "matter": None,
            "task": None, "rules": [], "reason": "", "actor": {"id": None, "display": ""}, "result": "ok"}  # fmt: skip
    assert [hole.split(": ")[1].split(" in ")[0] for hole in recorded.holes(told)] == [
        "no person",
        "no change",
        "nobody",
    ]
    with database.transaction() as session:
        # As if from within the product.
        within = {"__name__": "decision_flow.absences", "audit": audit, "session": session, "event": EventName}
        exec("audit.append(session, 'people', event.SUBSTITUTION_ENDED, actor=audit.SYSTEM, facts={'id': 1})", within)
    assert any("no substitute" in hole for hole in events_looked_at)
    events_looked_at.clear()
