"""One database for a whole module of attempts: each attempt has a matter of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from decision_flow.config import Settings
from decision_flow.documents import FileStore
from tests.conftest import copied
from tests.rules.shortcut import World
from web import create_app


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The shortcut in force, on both engines."""
    folder: Path = tmp_path_factory.mktemp("world")
    template = str(request.getfixturevalue(f"{request.param}_template"))
    target = str(folder / "world.db") if request.param == "sqlite" else f"world_{template}"
    database = copied(request.param, template, target)
    settings = Settings.of({"data_dir": str(folder), "secret_key": "k" * 40, "demo": True})
    app = create_app(settings, database)
    yield World(database, app, FileStore(settings.folder / "files"), "major_decision", "post_evaluation")
    database.dispose()
