"""Somebody else's verifier, written from docs/trail-format.md alone, agrees with ours."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path

import pytest

from decision_flow import clock, timestamps
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from tests.core import reader
from tests.core.authority import answer
from tests.core.test_checkpoints import seal, signatures_checked_once, taken, write
from tests.core.test_packages import packed, small

__all__ = ["signatures_checked_once", "small"]


@pytest.fixture
def trail(database: Database) -> list[dict]:
    """Two streams, three checkpoints, one with a timestamp, and two events that none covers."""
    for count in (4, 3):
        write(database, count)
        seal(database)
    with database.transaction() as session:
        timestamps.take(session, 2, answer(timestamps.request(timestamps.point(session, 2)), clock.now()))
    write(database, 1)
    seal(database)
    write(database, 2)
    return taken(database)


def test_an_untouched_trail_is_intact_for_the_second_verifier_too(trail: list[dict]) -> None:
    assert reader.wrong_in_trail(trail) == []


def test_the_second_verifier_finds_what_ours_finds(trail: list[dict]) -> None:
    """Every line dropped or doubled, every text in it changed by one letter."""
    for number, line in enumerate(trail[1:], 1):
        assert reader.wrong_in_trail(trail[:number] + trail[number + 1 :]), line
        assert reader.wrong_in_trail([*trail[:number], line, *trail[number:]]) or line["kind"] == "end", line
        for name, value in line.items():
            if isinstance(value, str) and name not in ("kind", "public_key"):
                changed = copy.deepcopy(trail)
                changed[number][name] = value[:-1] + ("0" if value[-1] != "0" else "1")
                try:
                    assert reader.wrong_in_trail(changed), (line, name)
                except ValueError:
                    continue  # no JSON or no number any more: found as well


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_package_is_read_by_the_second_verifier(
    small: Play, database: Database, files: FileStore, tmp_path: Path
) -> None:
    whole = packed(database, files, small.matter_id, tmp_path / "p.zip")
    assert reader.wrong_in_package(whole) == []
    with zipfile.ZipFile(whole) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for victim in held:
        other = tmp_path / "changed.zip"
        with zipfile.ZipFile(other, "w") as archive:
            for name, content in held.items():
                archive.writestr(name, content if name != victim else content[:-2] + b"\x00" + content[-1:])
        try:
            assert reader.wrong_in_package(other), victim
        except json.JSONDecodeError:
            continue  # found as well
