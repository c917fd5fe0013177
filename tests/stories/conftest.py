"""Stories begin where another has come to: the way there is played once and copied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from tests.conftest import copied

Way = Callable[[Database, FileStore], Play]
Told = Callable[[Way], Play]
# (engine, way) -> where its database lies, and what the play knows: day, minute, matter.
_KEPT: dict[tuple[str, str], tuple[str, date, int, int]] = {}


@pytest.fixture(scope="session")
def kept_files(tmp_path_factory: pytest.TempPathFactory) -> FileStore:
    """One store for all: a file lies in it under its own hash and never changes."""
    return FileStore(tmp_path_factory.mktemp("files"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def told(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, kept_files: FileStore
) -> Iterator[Told]:
    """Return a function from a way to a play at its end, in a database of its own."""
    opened: list[Database] = []
    engine = request.param
    template = str(request.getfixturevalue(f"{engine}_template"))

    def tell(way: Way) -> Play:
        key = (engine, way.__name__)
        if key not in _KEPT:
            place = (
                str(tmp_path_factory.mktemp("way") / "way.db") if engine == "sqlite" else f"way_{len(_KEPT)}_{template}"
            )
            database = copied(engine, template, place)
            play = way(database, kept_files)
            database.dispose()
            _KEPT[key] = (place, play.day, play._minute, play.matter_id)
        place, day, minute, matter_id = _KEPT[key]
        mine = str(tmp_path / "story.db") if engine == "sqlite" else f"story_{template}"
        database = copied(engine, place, mine)
        opened.append(database)
        play = Play(database, kept_files, day)
        play.matter_id, play._minute = matter_id, minute
        return play

    yield tell
    for database in opened:
        database.dispose()


def in_execution(database: Database, files: FileStore) -> Play:
    """Case A up to its execution."""
    return cases.rural_road(database, files, date(2026, 1, 12))


@pytest.fixture
def road(told: Told) -> Play:
    return told(in_execution)
