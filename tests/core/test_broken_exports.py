"""Exports that are killed, find no room, meet another or a trail that grows: what stands there is whole or nothing."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner

from decision_flow import audit, checkpoints, clock, trail_exports
from decision_flow.audit import SYSTEM, EventName
from decision_flow.cli import main
from decision_flow.db import Database
from decision_flow.errors import Invalid
from decision_flow.trail_exports import Filters
from decision_flow.verifier import verify_trail
from decision_flow.whole_files import whole
from tests import long_trail


def grow(database: Database) -> None:
    with database.transaction() as session:
        for stream in ("a", "matter:1"):
            audit.append(session, stream, EventName.STEP_PASSED, actor=SYSTEM, rules=["R-15b"])
    with database.transaction() as session:
        checkpoints.seal(session, long_trail.KEY)


def forked(act: Callable[[], None]) -> int:
    """Do something in a process of its own; return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def stopping(pieces: Callable[..., Iterator], after: int, stop: Callable[[], None]) -> Callable[..., Iterator]:
    def stopped(start: Any, place: Any) -> Iterator:
        for count, piece in enumerate(pieces(start, place)):
            if count == after:
                stop()
            yield piece

    return stopped


@pytest.fixture
def exporting(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def run(database: Path, *words: str) -> tuple[int, str]:
        config = tmp_path / f"{database.stem}.toml"
        config.write_text(f'data_dir = "{tmp_path}"\ndatabase_url = "sqlite:///{database}"\n')
        result = CliRunner().invoke(main, ["--config", str(config), "audit", "export", *words])
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_killed_or_without_room_goes_on_to_the_same_bytes(
    database: Database,
    kind: str,
    tmp_path: Path,
    exporting: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_trail.make(database, 5_000, 20)
    database.dispose()
    source, other = Path(database.url.removeprefix("sqlite:///")), tmp_path / "other.db"
    shutil.copy(source, other)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    real = trail_exports.resuming._go_on

    def stop_with(stop: Callable[[], None], after: int) -> None:
        def go_on(part: Any, journal: Any, progress: Any, pieces: Any, tick: Any) -> int:
            return real(part, journal, progress, stopping(pieces, after, stop), tick)

        monkeypatch.setattr(trail_exports.resuming, "_go_on", go_on)

    target, never_broken = tmp_path / "out", tmp_path / "whole"
    asked = ("--format", kind, "-o", str(target))
    with time_machine.travel(clock.now(), tick=False):
        assert exporting(other, "--format", kind, "-o", str(never_broken))[0] == 0
        stop_with(lambda: os.kill(os.getpid(), signal.SIGKILL), 2_500)
        ended = forked(lambda: exporting(source, *asked) and None)
        assert os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
        # Gone on with, there is no room; then there is.
        stop_with(full, 2_200)
        status, told = exporting(source, "--resume", *asked)
        assert status == 2 and "磁盘空间不足" in told and not target.exists()
        monkeypatch.setattr(trail_exports.resuming, "_go_on", real)
        assert exporting(source, "--resume", *asked)[0] == 0
    assert target.read_bytes() == never_broken.read_bytes()
    assert not list(tmp_path.glob("out.part*"))


class Disk:
    """What the disk may hold whenever the machine stops: of a file what was waited for and then nothing, of its journal all."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.part, self.journal = folder / "out.part", folder / "out.part.journal"
        self.kept, self.states = b"", list[tuple[bytes, bytes]]()
        real = os.fsync

        def fsync(handle: int) -> None:
            self.look()
            of_part = os.readlink(f"/proc/self/fd/{handle}") == str(self.part)
            there = self.part.read_bytes() if of_part else self.kept
            real(handle)
            self.kept = there

        monkeypatch.setattr(os, "fsync", fsync)

    def look(self) -> None:
        """Note what there would be if the machine stopped now."""
        if self.journal.exists() and self.part.exists():
            size = self.part.stat().st_size
            self.states.append((self.kept[:size].ljust(size, b"\0"), self.journal.read_bytes()))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_goes_on_to_the_same_bytes_after_the_machine_stopped(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_trail.make(database, 4_800, 20)
    target, begun = tmp_path / "out", list[int]()

    def run(target: Path, resume: bool, stop_after: int = -1) -> int:
        with database.snapshot() as session:

            def pieces(start: Any, after: Any) -> Iterator:
                begun.append(after)
                found = trail_exports.pieces(session, Filters(), "jsonl")
                return stopping(found, stop_after, lambda: signal.raise_signal(signal.SIGINT))(start, after)

            begin = partial(checkpoints.beginning, session)
            return trail_exports.write_resumable(
                target, "jsonl", begin, pieces, resume=resume, tick=trail_exports.silent
            )

    # Where the tests run in the background the signal is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    count = run(tmp_path / "whole", resume=False)
    disk = Disk(tmp_path, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(target, resume=False, stop_after=4_500)
    disk.look()
    states = disk.states[:]
    assert states[-1][0].endswith(b"\0") and len(states) >= 4
    begun.clear()
    for disk.kept, journal in states:
        disk.part.write_bytes(disk.kept)
        disk.journal.write_bytes(journal)
        assert run(target, resume=True) == count
        # When the name stands there, so does what it holds.
        assert target.read_bytes() == disk.kept == (tmp_path / "whole").read_bytes()
    # What had reached the disk was not written again.
    assert len(set(begun)) > 1 and begun[-1] is not None


def test_no_room_leaves_no_file_and_is_said(tmp_path: Path) -> None:
    said = tmp_path / "said"

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with whole(tmp_path / "out") as part:
                part.write_bytes(b"x" * 200_000)
        except Invalid as error:
            said.write_text(error.message, "utf-8")

    forked(write)
    assert "磁盘空间不足" in said.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["said"]
    with pytest.raises(Invalid, match="写不进去"), whole(tmp_path / "nowhere" / "out"):
        pass


def test_of_two_exports_to_one_file_the_second_is_told(tmp_path: Path) -> None:
    with whole(tmp_path / "out") as part:
        part.write_text("first")
        with pytest.raises(Invalid, match="另一个导出正在写"), whole(tmp_path / "out"):
            pass
    assert (tmp_path / "out").read_text() == "first"
    with whole(tmp_path / "out") as part:
        part.write_text("second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["second"]


def test_an_export_is_of_one_moment_while_the_trail_grows(database: Database, tmp_path: Path) -> None:
    long_trail.make(database, 2_500, 20)
    with database.snapshot() as session:
        lines = checkpoints.lines(session)
        begun = [next(lines) for _ in range(100)]
        grow(database)
        trail = [*begun, *lines]
    report = verify_trail.verify(trail)
    assert report.problems == [] and report.checkpoints == 3
    for kind, write in trail_exports.WRITERS.items():
        if kind == "xlsx":
            continue  # its rows come the way of the others; making one takes long
        with database.snapshot() as session:
            write(session, Filters(), tmp_path / "before")
            count = write(session, Filters(), tmp_path / "meanwhile", lambda _count: grow(database))
        assert count > 2_000 and (tmp_path / "before").read_bytes() == (tmp_path / "meanwhile").read_bytes(), kind
