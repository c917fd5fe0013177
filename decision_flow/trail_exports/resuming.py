"""Long exports that go on where they were broken off.

Beside `FILE.part` stands `FILE.part.journal`. Its first line says what was asked and where each stream ended when the
export began; every further line, written when that much of the file was on the disk, how long it was and after which
event to go on. What a resumed export holds is therefore what one that was never broken off would, also when the machine
stopped: the trail of its beginning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from decision_flow.errors import N_, Invalid
from decision_flow.trail_exports.selection import BATCH, Tick
from decision_flow.whole_files import sync, whole

# A place in the trail, as JSON; None is its beginning.
Place = Any
Pieces = Callable[[dict[str, Any], Place], Iterator[tuple[Place, str]]]


@dataclass
class _Progress:
    start: dict[str, Any]
    size: int = 0
    count: int = 0
    after: Place = None

    def mark(self) -> str:
        """Return the line of the journal that says how far it is."""
        return json.dumps({"size": self.size, "count": self.count, "after": self.after}) + "\n"


def write(
    target: Path, asked: str, begin: Callable[[], dict[str, Any]], pieces: Pieces, *, resume: bool, tick: Tick
) -> int:
    """Write the texts of `pieces(start, after)` to `target`, one an event; return how many events it then holds.

    `begin` gives the start of a new export, which is kept. A piece with no place belongs to no event. With `resume`
    the export that was broken off goes on; raises `Invalid` when there is none, or when it was asked otherwise, and
    as `whole` does; what was written so far can then be gone on with.
    """
    journal = target.with_name(target.name + ".part.journal")
    with whole(target, keep=True) as part:
        progress = _read(part, journal, asked) if resume else _Progress(begin())
        _begin(journal, asked, progress)
        count = _go_on(part, journal, progress, pieces, tick)
    journal.unlink()
    return count


def _begin(journal: Path, asked: str, progress: _Progress) -> None:
    """Begin the journal anew where the file is gone on with; before that is changed, no other is left."""
    fresh = journal.with_name(journal.name + ".new")
    fresh.write_text(json.dumps({"asked": asked, "start": progress.start}) + "\n" + progress.mark(), "utf-8")
    sync(fresh)
    fresh.replace(journal)
    sync(journal.parent)


def _go_on(part: Path, journal: Path, progress: _Progress, pieces: Pieces, tick: Tick) -> int:
    # The disk is waited for beside the writing; a mark whose turn comes before the last is there is left out.
    with part.open("r+b") as out, journal.open("a", encoding="utf-8") as log, ThreadPoolExecutor(1) as disk:
        out.truncate(progress.size)
        out.seek(progress.size)
        marked: Future[None] | None = None
        for place, text in pieces(progress.start, progress.after):
            out.write(text.encode())
            if place is None:
                continue
            progress.count += 1
            if progress.count % BATCH == 0:
                out.flush()
                if marked is None or marked.done():
                    _heard(marked)
                    progress.size, progress.after = out.tell(), place
                    marked = disk.submit(_mark, out, log, progress.mark())
                tick(progress.count)
        _heard(marked)
    return progress.count


def _mark(out: IO[bytes], log: IO[str], mark: str) -> None:
    """Note in the journal how far the file is, once that much of it cannot be lost."""
    os.fsync(out.fileno())
    log.write(mark)
    log.flush()
    os.fsync(log.fileno())


def _heard(marked: Future[None] | None) -> None:
    """Raise what a mark failed of."""
    if marked is not None:
        marked.result()


def _read(part: Path, journal: Path, asked: str) -> _Progress:
    if not part.exists() or not journal.exists():
        raise Invalid(N_("没有中断的导出可以继续：%(path)s。请去掉 --resume 重新导出。"), path=part)
    first, *rest = journal.read_text("utf-8").splitlines() or [""]
    try:
        told = json.loads(first)
    except ValueError:
        told = {}
    if told.get("asked") != asked:
        raise Invalid(N_("中断的导出与这次要求的内容不同，不能继续。请去掉 --resume 重新导出。"))
    progress = _Progress(told["start"])
    for line in rest:
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if entry["size"] <= part.stat().st_size:
            progress.size, progress.count, progress.after = entry["size"], entry["count"], entry["after"]
    return progress
