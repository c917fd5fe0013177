"""The conventions of the house, executable."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from decision_flow import errors, procedures, roles
from decision_flow.audit import EventName
from decision_flow.bundles import make
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import DecisionFlowError
from decision_flow.resources import BPMN
from web import create_app
from web.errors import STATUS, status_of
from web.presentation import EVENTS

ROOT = Path(__file__).parents[2]
CODE = [path for folder in ("decision_flow", "web") for path in sorted((ROOT / folder).rglob("*.py"))]
URLS = sorted(set((ROOT / "tests/house/urls.txt").read_text().split()))


@pytest.fixture
def app(settings: Settings, sqlite_template: Path) -> Flask:
    return create_app(settings, Database(f"sqlite:///{sqlite_template}"))


def test_imports_keep_their_direction() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run([tool, "--config", "setup.cfg"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_only_the_database_module_commits() -> None:
    guilty = [path for path in CODE if re.search(r"\.commit\(", path.read_text("utf-8"))]
    assert [path.name for path in guilty] == ["db.py"]


def test_only_the_demo_pretends_another_time() -> None:
    guilty = {path.relative_to(ROOT).parts[1] for path in CODE if "clock.pretend(" in path.read_text("utf-8")}
    assert guilty == {"demo"}


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_a_module_fits_in_a_head(path: Path) -> None:
    # The verifier is one file on purpose: whoever gets it needs nothing else.
    if "migrations/versions" not in path.as_posix() and path.name != "verify_trail.py":
        assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_public_functions_say_what_they_do(path: Path) -> None:
    if "migrations/versions" in path.as_posix():
        return
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_every_route_declares_who_may(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            view = app.view_functions[rule.endpoint]
            assert hasattr(view, "required_permission") != hasattr(view, "is_public"), rule.endpoint


def test_no_address_disappears_unnoticed(app: Flask) -> None:
    """An address that somebody may have kept stays; a new one is entered in urls.txt."""
    assert sorted({str(rule) for rule in app.url_map.iter_rules()}) == URLS
    assert all(re.fullmatch(r"[a-z0-9/<>:_.-]+", url) for url in URLS)


def test_every_error_has_its_status() -> None:
    def below(kind: type[DecisionFlowError]) -> set[type[DecisionFlowError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    told = {kind for kind in below(DecisionFlowError) if kind.__module__ == errors.__name__}
    assert told == set(STATUS)
    assert status_of(errors.Refused("x", rule="R-25a", article="条例第二十五条")) == 409


def test_every_event_of_a_matter_has_words() -> None:
    matter = ("matter.", "task.", "draft.", "decision.", "publication.", "evaluation.", "archive.", "action.")
    for event in EventName:
        if event.value.startswith(matter):
            assert event.value in EVENTS


def test_the_lock_has_no_registry_address() -> None:
    lock = (ROOT / "web/assets/package-lock.json").read_text()
    assert '"resolved"' not in lock
    for path in (ROOT / "requirements").iterdir():
        assert "http" not in path.read_text()


def test_each_dependency_has_its_licence_and_its_reason() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    asked = f"{setup['options']['install_requires']}\n{setup['options.extras_require']['dev']}"
    packages = json.loads((ROOT / "web/assets/package.json").read_text())
    named = {re.split(r"[<>=\[]", line)[0].strip() for line in asked.splitlines() if line.strip()}
    named |= packages["dependencies"].keys() | packages["devDependencies"].keys()
    rows = [
        line.strip("| ").split(" | ")
        for line in (ROOT / "docs/dependencies.md").read_text().splitlines()
        if "|" in line
    ]
    assert {row[0] for row in rows[2:]} == named and all(len(row) == 3 and all(row) for row in rows)
    pinned = (ROOT / "requirements/dev.txt").read_text().lower().replace("_", "-")
    python = named - packages["dependencies"].keys() - packages["devDependencies"].keys()
    assert [
        name for name in sorted(python) if not re.search(rf"^{re.escape(name.lower())}(\[\w+\])?==", pinned, re.M)
    ] == []
    assert all(
        re.fullmatch(r"[\d.]+", each)
        for kind in ("dependencies", "devDependencies")
        for each in packages[kind].values()
    )


@pytest.mark.parametrize("source", procedures.shipped(BPMN), ids=lambda source: source.key)
def test_shipped_procedures_run(source: procedures.ProcedureSource) -> None:
    runnable = make(source.bundle, source.start_form)
    for element in runnable.compiled.elements.values():
        if element.kind == "userTask":
            assert element.form in runnable.forms, element.id
            assert element.roles[0] in roles.ROLES, element.id
            assert element.name and element.name_en, element.id
            assert element.properties.get("hint") and element.properties.get("hint_en"), element.id
            # A sub-process lies in one lane; what stands inside it has none of its own.
            assert element.lane or element.id.startswith("T_required_steps_"), element.id


def test_every_shape_is_drawn() -> None:
    for path in BPMN.glob("procedures/*/*.bpmn"):
        text = path.read_text("utf-8")
        drawn = set(re.findall(r'bpmnElement="([^"]+)"', text))
        named = set(
            re.findall(
                r'<bpmn:(?!process|signal|definitions|collaboration|laneSet|inputDataItem|outputDataItem|dataObject)\w+ id="([^"]+)"',
                text,
            )
        )
        assert named <= drawn, path.name


def test_settings_are_documented() -> None:
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    for name in Settings.__dataclass_fields__:
        assert f"`{name}`" in page, name
