"""What the commands share: the database of the settings, and who is at the command line."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from decision_flow.config import Settings

if TYPE_CHECKING:
    from decision_flow.audit import SystemAuthor
    from decision_flow.db import Database


def open_database(settings: Settings) -> Database:
    """Return the database of the settings; the data folder is made if need be."""
    from decision_flow.db import Database

    settings.folder.mkdir(parents=True, exist_ok=True)
    return Database(settings.database)


def operator() -> SystemAuthor:
    """Return whoever has the machine: no person of the product, recorded by the name of the account."""
    from decision_flow.audit import SystemAuthor

    return SystemAuthor(display=f"命令行·{getpass.getuser()}"[:200])
