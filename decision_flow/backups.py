"""A backup of everything in one file, and its restoration into an empty place, verified.

The file is a ZIP: `backup.json` (what it is), `database` (SQLite's own copy, or what `pg_dump` wrote), `files/SHA256`
for each paper, and the signing key only if asked for. The database is copied before the files: these are only ever
added, so the later copy has all that the earlier one names. See docs/adr/0058.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import inspect, make_url

from decision_flow import checkpoints, clock, live_trail
from decision_flow.db import Database
from decision_flow.documents import CHUNK, FileStore
from decision_flow.errors import N_, Invalid
from decision_flow.verifier.verify_trail import Report
from decision_flow.whole_files import whole

ABOUT, DATABASE, FILES = "backup.json", "database", "files/"
Tick = Callable[[int], None]


@dataclass
class Restored:
    """What was found after a restoration: the trail verified, papers that lack or are not what they were."""

    report: Report
    files: int = 0
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    with_key: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything is there and intact."""
        return not (self.report.problems or self.missing or self.changed)


def _silent(_count: int) -> None:
    """Tell nobody how far it is."""


def write(database: Database, folder: Path, target: Path, *, with_key: bool = False, tick: Tick = _silent) -> int:
    """Back up the database and the data folder's papers to `target`; return how many papers.

    Work may go on meanwhile. With `with_key` the key that signs checkpoints goes along. Raises `Invalid` when a tool
    lacks or fails, or as `whole` does; then there is no file.
    """
    with whole(target) as part:
        return _write(database, folder, part, with_key, tick)


def _write(database: Database, folder: Path, target: Path, with_key: bool, tick: Tick) -> int:
    count = 0
    with tempfile.TemporaryDirectory(dir=target.parent) as aside, zipfile.ZipFile(target, "w") as archive:
        dump = Path(aside) / DATABASE
        _dump(database, dump)
        about = {
            "format": 1, "database": "sqlite" if database.is_sqlite else "postgresql",
            "made_at": clock.now().isoformat(timespec="seconds"), "sha256": _digest(dump),
            "with_key": with_key,
        }  # fmt: skip
        archive.writestr(ABOUT, json.dumps(about))
        archive.write(dump, DATABASE, zipfile.ZIP_DEFLATED)
        for path in sorted((folder / "files").glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")):
            archive.write(path, FILES + path.name)
            count += 1
            tick(count)
        if with_key:
            archive.write(folder / checkpoints.KEY_FILE, checkpoints.KEY_FILE)
    return count


def restore(source: Path, database: Database, folder: Path, tick: Tick = _silent) -> Restored:
    """Restore a backup into an empty database and data folder, then verify the trail and every paper.

    Raises `Invalid` when the place is not empty, the file is no backup or damaged, or of the other kind of database.
    """
    files = FileStore(folder / "files")
    if inspect(database.engine).get_table_names() or any((folder / "files").glob("*")):
        raise Invalid(N_("恢复只能在空的数据库和数据目录中进行。请另设数据目录和数据库后再恢复。"))
    database.dispose()
    try:
        with zipfile.ZipFile(source) as archive, tempfile.TemporaryDirectory(dir=folder) as aside:
            about = json.loads(archive.read(ABOUT))
            if about["database"] != ("sqlite" if database.is_sqlite else "postgresql"):
                raise Invalid(N_("备份出自另一种数据库（%(kind)s），不能恢复到这里。"), kind=about["database"])
            # All of it is looked at before anything is written.
            papers = [name for name in archive.namelist() if name.startswith(FILES)]
            if archive.testzip() or not all(re.fullmatch(r"files/[0-9a-f]{64}", name) for name in papers):
                raise Invalid(N_("备份文件不完整或者被改动，没有恢复。"))
            dump = Path(archive.extract(DATABASE, aside))
            if _digest(dump) != about["sha256"]:
                raise Invalid(N_("备份文件不完整或者被改动，没有恢复。"))
            _load(database, dump)
            for count, name in enumerate(papers, 1):
                _put(archive, name, files)
                tick(count)
            if about["with_key"] and not (folder / checkpoints.KEY_FILE).exists():
                _put_key(archive.read(checkpoints.KEY_FILE), folder / checkpoints.KEY_FILE)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(N_("备份文件不完整或者被改动，没有恢复。")) from error
    return check(database, files)


def check(database: Database, files: FileStore) -> Restored:
    """Verify the trail, and that each paper that a record names lies in the store with the bytes it had."""
    with database.snapshot() as session:
        found = Restored(live_trail.verify(session), with_key=(files.root.parent / checkpoints.KEY_FILE).exists())
        for sha256, problem in live_trail.papers(session, files):
            found.files += 1
            if problem:
                (found.missing if problem == "lost" else found.changed).append(sha256)
    return found


def _dump(database: Database, target: Path) -> None:
    if database.is_sqlite:
        with closing(_sqlite(database)) as source, closing(sqlite3.connect(target)) as copy:
            try:
                source.backup(copy)
            except sqlite3.Error as error:
                raise Invalid(N_("数据库没有复制成功：%(reason)s"), reason=error) from error
        return
    _run(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def _load(database: Database, dump: Path) -> None:
    if database.is_sqlite:
        with sqlite3.connect(dump) as source, _sqlite(database) as copy:
            source.backup(copy)
        copy.close()
        source.close()
        return
    _run(
        database, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
        str(dump),
    )  # fmt: skip


def _sqlite(database: Database) -> sqlite3.Connection:
    return sqlite3.connect(str(make_url(database.url).database), timeout=60)


def _run(database: Database, tool: str, *words: str) -> None:
    """Run a tool of PostgreSQL on the database; the password goes by the environment, where nobody sees it listed."""
    path = shutil.which(tool)
    if path is None:
        raise Invalid(N_("没有找到 %(tool)s。请安装 PostgreSQL 客户端工具并加入 PATH。"), tool=tool)
    url = make_url(database.url).set(drivername="postgresql")
    address = url._replace(password=None).render_as_string(hide_password=False)
    env = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run([path, f"--dbname={address}", *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Invalid(N_("%(tool)s 没有成功：%(reason)s"), tool=tool, reason=done.stderr.strip()[-500:])


def _put(archive: zipfile.ZipFile, name: str, files: FileStore) -> None:
    path = files.path(name.removeprefix(FILES))
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as stored, path.open("wb") as out:
        shutil.copyfileobj(stored, out, CHUNK)


def _put_key(content: bytes, path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
