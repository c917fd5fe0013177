"""The schema's history. `upgrade` runs it under a lock, so that several nodes may start at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from decision_flow.db import Database
from decision_flow.errors import N_, Invalid

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
    SQLite file takes minutes. Raises `Invalid` for a database that a newer release has set up.
    """
    from alembic import command

    if _stands(database, revision):
        return
    with _connection(database) as connection:
        command.upgrade(alembic_config(connection), revision)


def require_newest(database: Database) -> None:
    """Raise `Invalid` unless `database` stands at the newest schema, and say what is to be done."""
    if not _stands(database, "head"):
        raise Invalid(N_("数据库还没有建立，或者结构较旧。请先运行 decision-flow db upgrade。"))


def current(database: Database) -> str | None:
    """Return the revision that `database` stands at; None for an empty one."""
    from alembic.runtime.migration import MigrationContext

    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def downgrade(database: Database, revision: str) -> None:
    """Take `database` back to `revision`."""
    from alembic import command

    with _connection(database) as connection:
        command.downgrade(alembic_config(connection), revision)


def _stands(database: Database, revision: str) -> bool:
    """Whether `database` stands at `revision`. Raises `Invalid` where a newer release has been at work."""
    from alembic.script import ScriptDirectory

    history, found = ScriptDirectory.from_config(alembic_config()), current(database)
    if found is not None and found not in {script.revision for script in history.walk_revisions()}:
        raise Invalid(
            N_("数据库由更新的版本（结构 %(revision)s）建立，没有改动。请换用那个版本，或者恢复升级前的备份。"),
            revision=found,
        )
    return found == history.as_revision_number(revision)


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
