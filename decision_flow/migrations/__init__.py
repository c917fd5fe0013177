"""The schema's history. `upgrade` runs it under a lock, so that several nodes may start at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from decision_flow.db import Database

HERE = Path(__file__).parent
LOCK = 713_2019


def alembic_config(connection: Connection | None = None) -> Any:
    """Return Alembic's configuration for this package, bound to `connection` if there is one."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring `database` to `revision`; waits for another node that is doing the same."""
    from alembic import command

    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        command.upgrade(alembic_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take `database` back to `revision`."""
    from alembic import command

    with database.engine.begin() as connection:
        command.downgrade(alembic_config(connection), revision)
