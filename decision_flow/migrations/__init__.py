"""The schema's history. `upgrade` runs it under a lock, so that several nodes may start at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    """Bring `database` to `revision`; waits for another node that is doing the same.

    Nothing is done where it stands there already: each start asks, and checking the references of a large
    SQLite file takes minutes.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    wanted = ScriptDirectory.from_config(alembic_config()).as_revision_number(revision)
    if _current(database) == wanted:
        return
    with _connection(database) as connection:
        command.upgrade(alembic_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take `database` back to `revision`."""
    from alembic import command

    with _connection(database) as connection:
        command.downgrade(alembic_config(connection), revision)


def _current(database: Database) -> str | None:
    """Return the revision that `database` stands at; None for an empty one."""
    from alembic.runtime.migration import MigrationContext

    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _connection(database: Database) -> Iterator[Connection]:
    """Yield a connection in one transaction, alone at the schema.

    SQLite changes a table by making it anew, and would take the dropping of the old one for a broken reference.
    The switch has no effect within a transaction, so it is turned before, and every reference is checked after.
    """
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not database.is_sqlite:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                yield connection
                if database.is_sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).first()):
                    raise RuntimeError(f"the change of the schema broke a reference: {tuple(broken)}")
        finally:
            if database.is_sqlite:
                driver.execute("PRAGMA foreign_keys=ON")
