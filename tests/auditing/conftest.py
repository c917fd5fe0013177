"""The auditor at the desk, over the rural road: one matter carried to execution, played once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.demo.rural_road import RuralRoad
from decision_flow.documents import FileStore
from decision_flow.identity import Actor
from tests.core.registry import person
from tests.stories.conftest import kept_files, road, told
from tests.web.client import Desk
from web import equip

__all__ = ["kept_files", "road", "told"]


@pytest.fixture
def app(shell: Flask, road: Play, settings: Settings) -> Flask:
    equip(shell, replace(settings, demo=True), road.database)
    shell.extensions["decision_flow"]["files"] = road.files
    return shell


@pytest.fixture
def at_desk(app: Flask) -> Callable[[str], Desk]:
    return lambda username: Desk(app, username)


@pytest.fixture
def auditor(road: Play) -> Actor:
    return actor(road, "audit")


def disputed(database: Database, files: FileStore) -> Play:
    """The road as it would be told had 孙丽 spoken against it."""
    case = RuralRoad(database, files)
    reviewed = case.reviewed(case.in_review(case.heard(case.opened(case.drafted()))))
    return case.discussed(reviewed, against=1)


def actor(play: Play, username: str) -> Actor:
    with play.database.transaction(read_only=True) as session:
        return person(session, username)
