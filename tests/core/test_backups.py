"""Backup and restore on both databases: what comes back is what was there, verified; anything less is said."""

from __future__ import annotations

import errno
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import MetaData, select

from decision_flow import audit, backups, checkpoints
from decision_flow.audit import SYSTEM, EventName
from decision_flow.cli import main
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import AuditStream
from tests.conftest import POSTGRESQL, server
from tests.long_trail import KEY
from tests.stories.test_paths import begun


@pytest.fixture
def play(database: Database, tmp_path: Path) -> Play:
    """A matter with papers, in the data folder `old`."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / checkpoints.KEY_FILE).write_text(bytes(range(32)).hex())
    made = begun("T_major_decision_04")(database, FileStore(folder / "files"))
    with database.transaction() as session:
        checkpoints.seal(session, KEY)
    return made


@pytest.fixture
def empty(database: Database, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the same kind, and the data folder `new`."""
    (tmp_path / "new").mkdir()
    if database.is_sqlite:
        found = Database(f"sqlite:///{tmp_path / 'new' / 'decision-flow.db'}")
    else:
        server('DROP DATABASE IF EXISTS "restored" WITH (FORCE)', 'CREATE DATABASE "restored"')
        found = Database(POSTGRESQL.replace("/postgres?", "/restored?"))
    yield found
    found.dispose()
    if not database.is_sqlite:
        server('DROP DATABASE IF EXISTS "restored" WITH (FORCE)')


def rows(database: Database) -> dict[str, list[tuple]]:
    tables = MetaData()
    tables.reflect(database.engine)
    with database.engine.connect() as connection:
        return {
            table.name: sorted(tuple(map(repr, row)) for row in connection.execute(select(table)))
            for table in tables.sorted_tables
        }


def test_what_comes_back_is_what_was_there(play: Play, empty: Database, tmp_path: Path) -> None:
    assert backups.write(play.database, tmp_path / "old", tmp_path / "all.zip") >= 1
    found = backups.restore(tmp_path / "all.zip", empty, tmp_path / "new")
    assert found.is_whole and found.report.events > 10 and found.files >= 1 and not found.with_key
    assert rows(empty) == rows(play.database)
    # The triggers are back as well, and work goes on.
    play.database, play.files = empty, FileStore(tmp_path / "new" / "files")
    play.do("T_major_decision_04")
    with pytest.raises(Invalid, match="空的数据库"):
        backups.restore(tmp_path / "all.zip", empty, tmp_path / "new")


def test_a_backup_under_writers_is_of_one_moment(play: Play, empty: Database, tmp_path: Path) -> None:
    over, written = threading.Event(), [0]

    def write() -> None:
        while not over.is_set():
            with play.database.transaction() as session:
                for stream in ("a", "b"):
                    audit.append(session, stream, EventName.STEP_PASSED, actor=SYSTEM, rules=["R-15b"])
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written[0]:
            time.sleep(0)
        backups.write(play.database, tmp_path / "old", tmp_path / "all.zip")
    finally:
        over.set()
        writer.join()
    found = backups.restore(tmp_path / "all.zip", empty, tmp_path / "new")
    assert found.is_whole, found.report.text()
    with empty.transaction(read_only=True) as session:
        ends = dict(
            session.execute(select(AuditStream.name, AuditStream.seq).where(AuditStream.name.in_(["a", "b"]))).all()
        )
    # Of an act that writes to two streams both are there, or neither.
    assert ends["a"] == ends["b"] and 1 <= ends["a"] <= written[0]


def test_a_backup_without_room_leaves_nothing(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(Invalid, match="磁盘空间不足"):
        backups.write(play.database, tmp_path / "old", tmp_path / "all.zip")
    assert not list(tmp_path.glob("all.zip*"))


def test_a_paper_that_lacks_or_was_changed_is_named(play: Play, empty: Database, tmp_path: Path) -> None:
    backups.write(play.database, tmp_path / "old", tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as whole, zipfile.ZipFile(tmp_path / "some.zip", "w") as some:
        papers = [name for name in whole.namelist() if name.startswith("files/")]
        for name in whole.namelist():
            if name != papers[0]:
                some.writestr(name, whole.read(name))
    found = backups.restore(tmp_path / "some.zip", empty, tmp_path / "new")
    assert found.missing == [papers[0].removeprefix("files/")] and not found.is_whole
    path = FileStore(tmp_path / "new" / "files").path(found.missing[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"another")
    again = backups.check(empty, FileStore(tmp_path / "new" / "files"))
    assert (again.missing, again.changed) == ([], found.missing)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_or_foreign_file_is_refused_and_nothing_stays(play: Play, empty: Database, tmp_path: Path) -> None:
    backups.write(play.database, tmp_path / "old", tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as whole:
        content = {name: whole.read(name) for name in whole.namelist()}

    def with_change(**change: bytes) -> Path:
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
            for name, data in {**content, **{key.replace("__", "/"): value for key, value in change.items()}}.items():
                bad.writestr(name, data)
        return tmp_path / "bad.zip"

    about = json.loads(content["backup.json"])
    changes = [
        {"database": content["database"][:-1] + b"x"}, {"backup.json": b"{}"},
        {"backup.json": json.dumps({**about, "database": "postgresql"}).encode()},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(Invalid):
            backups.restore(with_change(**change), empty, tmp_path / "new")
        assert not (tmp_path / "new" / "files").exists()
    (tmp_path / "none.zip").write_bytes(b"nothing")
    with pytest.raises(Invalid, match="不完整"):
        backups.restore(tmp_path / "none.zip", empty, tmp_path / "new")
    with pytest.raises(Invalid, match="不完整"):
        backups.restore(with_change(files__up=b"x"), empty, tmp_path / "new")
    assert not list((tmp_path / "new").glob("files/*")) and not rows(empty)


def test_the_commands_say_what_was_verified(play: Play, empty: Database, tmp_path: Path) -> None:
    def run(folder: str, database: Database, *words: str) -> tuple[int, str]:
        config = tmp_path / f"{folder}.toml"
        config.write_text(f'data_dir = "{tmp_path / folder}"\ndatabase_url = "{database.url}"\n')
        result = CliRunner().invoke(main, ["--config", str(config), *words])
        return result.exit_code, result.output

    target = str(tmp_path / "all.zip")
    status, told = run("old", play.database, "backup", target, "--with-key")
    assert status == 0 and "已备份数据库" in told
    assert run("old", play.database, "backup", target)[0] == 1
    status, told = run("new", empty, "restore", target)
    assert status == 0 and "恢复完成" in told and "完整：" in told
    assert (tmp_path / "new" / checkpoints.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert run("new", empty, "audit", "verify", "--key", checkpoints.public_key(KEY))[0] == 0
    assert run("new", empty, "restore", target)[0] == 2


@pytest.mark.postgresql
def test_a_tool_that_lacks_or_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not POSTGRESQL:
        pytest.skip("no PostgreSQL")
    gone = Database(POSTGRESQL.replace("/postgres?", "/there_is_none?"))
    with pytest.raises(Invalid, match="pg_dump 没有成功"):
        backups.write(gone, tmp_path, tmp_path / "x.zip")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Invalid, match="没有找到 pg_dump"):
        backups.write(gone, tmp_path, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
