"""What the commands share: the database of the settings, and who is at the command line."""

from __future__ import annotations

import getpass
import tempfile
from typing import TYPE_CHECKING

from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid

if TYPE_CHECKING:
    from decision_flow.audit import SystemAuthor
    from decision_flow.db import Database


def open_database(settings: Settings, *, newest: bool = True) -> Database:
    """Return the database of the settings; the data folder is made if need be.

    Raises `Invalid` when the folder or the address cannot be used, and with `newest` unless the schema is the newest.
    """
    from sqlalchemy.exc import ArgumentError

    from decision_flow import migrations
    from decision_flow.db import Database

    folder = settings.folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Tried, not asked: a file system may be read-only, or full.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Invalid(
            N_("数据目录 %(path)s 不能使用（%(reason)s）。请检查权限和磁盘空间，或者换一个数据目录。"),
            path=folder,
            reason=error.strerror,
        ) from error
    try:
        database = Database(settings.database)
    except (ArgumentError, ValueError) as error:
        raise Invalid(N_("设置 database_url 不是正确的数据库地址，请改正。")) from error
    if newest:
        migrations.require_newest(database)
    return database


def operator() -> SystemAuthor:
    """Return whoever has the machine: no person of the product, recorded by the name of the account."""
    from decision_flow.audit import SystemAuthor

    return SystemAuthor(display=f"命令行·{getpass.getuser()}"[:200])
