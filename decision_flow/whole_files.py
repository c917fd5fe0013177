"""Files that stand whole or not at all (also when the machine stops): written beside, renamed; by one at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from decision_flow.errors import N_, Invalid

# What a disk says that takes no more.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole(target: Path, *, keep: bool = False) -> Iterator[Path]:
    """Yield the path to write to; when the block ends, that file is `target`. When it raises, nothing stays.

    With `keep` what was written stays beside, to be gone on with. Raises `Invalid` when somebody else is writing the
    same file, and when the disk is full or takes no more.
    """
    part = target.with_name(target.name + ".part")
    try:
        with _held(part):
            try:
                yield part
                # A new name may reach the disk before what the file holds.
                sync(part)
                part.replace(target)
                sync(target.parent)
            except BaseException:
                if part.exists() and not (keep and part.stat().st_size):
                    part.unlink()
                raise
    except BlockingIOError as error:
        raise Invalid(N_("另一个导出正在写这个文件：%(path)s。请等它完成，或者换一个文件名。"), path=part) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Invalid(
                N_("磁盘空间不足，文件没有写完：%(path)s。请腾出空间或者换一个位置后重试。"), path=target
            ) from error
        raise Invalid(N_("文件写不进去：%(path)s（%(reason)s）。"), path=target, reason=error.strerror) from error


def sync(path: Path) -> None:
    """Wait until what a file holds, or which names a folder has, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _held(part: Path) -> Iterator[BinaryIO]:
    """Hold the file against all others, also against those of other processes; whoever dies lets go."""
    while True:
        with part.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have renamed it in between.
            if part.exists() and os.fstat(held.fileno()).st_ino == part.stat().st_ino:
                yield held
                return
