"""Secrets that the product makes for itself and keeps in the data folder, readable to their owner only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from decision_flow.errors import N_, Invalid


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return the secret that lies at `path`; the first call makes it.

    It stands there whole or not at all: of several first calls, by whichever process, one wins, and nobody reads a
    part. Raises `Invalid` when the folder takes none, or the file holds nothing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _put(path, make())
        found = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            N_("数据目录不能使用：%(path)s 读写不了（%(reason)s）。请检查权限和磁盘空间，或者换一个数据目录。"),
            path=path,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    if not found:
        raise Invalid(
            N_("密钥文件 %(path)s 是空的。请从备份中恢复它；没有备份的，删除后重新启动即可另行生成。"), path=path
        )
    return found


def _put(path: Path, secret: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as target:
            target.write(secret)
            target.flush()
            os.fsync(target.fileno())
        # A link is refused where a name is taken; renaming would take another's place.
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
