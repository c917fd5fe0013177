"""Settings, databases on both engines, time travel. No data beyond the calendar, the procedures and the people."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import structlog
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, create_engine, event, text

from decision_flow import audit, clock, demo, logs, migrations, passwords, working_days
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.modelling import gate
from tests.house import recorded
from web import create_app

POSTGRESQL = os.environ.get("DECISION_FLOW_TEST_POSTGRESQL", "")


KEY = "k" * 40
SHIPPED_HASHER = passwords._hasher


@pytest.fixture(scope="session", autouse=True)
def events_looked_at() -> list[str]:
    """Hold each event that the product records, in whatever test, against the table of what it must tell."""
    append, holes = audit.append, list[str]()

    def looked_at(session, stream, event, **told):  # type: ignore[no-untyped-def]
        digest = append(session, stream, event, **told)
        if str(sys._getframe(1).f_globals.get("__name__")).startswith(("decision_flow", "web")):
            holes.extend(recorded.holes(json.loads(list(audit.unwritten(session))[-1]["canonical"])))
        return digest

    audit.append = looked_at
    return holes


@pytest.fixture(autouse=True)
def everything_is_told(events_looked_at: list[str]) -> Iterator[None]:
    """Fail the test in which an event told too little, whoever caught what."""
    events_looked_at.clear()
    yield
    assert events_looked_at == []


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> None:
    """Hash with next to no work: a third of all would go there. Who tries the strength asks for `strong_hashing`."""
    hash_with(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Compiled(BytecodeCache):
    """Templates are compiled once for all applications of the run."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log as the product does; structlog's own way draws each fault with all that was in memory, for seconds."""
    logs.configure("json")
    # Asked anew each time: pytest gives each test another stream.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> None:
    Flask.jinja_options = {"bytecode_cache": Compiled()}


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application in demo mode, built once; `equip` lets it work on the database of a test."""
    return create_app(Settings.of({"data_dir": str(tmp_path_factory.mktemp("shell")), "secret_key": KEY, "demo": True}))


@pytest.fixture
def strong_hashing(quick_hashing: None) -> Iterator[None]:
    """Hash as the product does."""
    quick = passwords._hasher
    hash_with(SHIPPED_HASHER)
    yield
    hash_with(quick)


def hash_with(hasher: PasswordHasher) -> None:
    passwords._hasher = hasher
    passwords.nobody.cache_clear()


_COMPILED: dict[str, tuple[Dialect, Any]] = {}


def database_at(url: str) -> Database:
    """Open a database that need not compile again the statements which an earlier one of its kind has compiled."""
    found = Database(url)
    if found.is_sqlite:

        @event.listens_for(found.engine, "connect")
        def _wait_for_no_disk(connection: Any, _record: object) -> None:
            # What a killed process has written is there all the same; only a machine without power loses it.
            connection.execute("PRAGMA synchronous=OFF")

    with found.engine.connect():
        pass  # a dialect learns of its server at its own first connection
    kind = found.engine.dialect.name
    first = _COMPILED.setdefault(kind, (found.engine.dialect, found.engine._compiled_cache))
    for engine in (found.engine, found._reading):
        engine.dialect, engine._compiled_cache = first
    return found


def fill(database: Database) -> None:
    """The district of the demo with its people and procedures, and no matter."""
    migrations.upgrade(database)
    with database.transaction() as session:
        working_days.seed(session)
        gate.put_shipped_in_force(session)
    demo.load_people(database)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = database_at(f"sqlite:///{path}")
    fill(database)
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_template(worker_id: str) -> str:
    if not POSTGRESQL:
        pytest.skip("no PostgreSQL: set DECISION_FLOW_TEST_POSTGRESQL")
    name = f"template_{worker_id}"
    server(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
    database = database_at(POSTGRESQL.replace("/postgres?", f"/{name}?"))
    fill(database)
    database.dispose()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of its own for each test, on both engines."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        found = database_at(f"sqlite:///{path}")
        yield found
        found.dispose()
        return
    template = request.getfixturevalue("postgresql_template")
    name = f"test_{template.removeprefix('template_')}"
    server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    found = database_at(POSTGRESQL.replace("/postgres?", f"/{name}?"))
    yield found
    found.dispose()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.of({"data_dir": str(tmp_path / "data"), "secret_key": KEY, "public_cache_seconds": 0})


@pytest.fixture
def travel() -> Iterator[Callable[[date], None]]:
    """Move the real clock to nine in the morning of a day in China."""
    with time_machine.travel(datetime.now(clock.BUSINESS_ZONE), tick=True) as traveller:

        def to(day: date) -> None:
            traveller.move_to(datetime.combine(day, time(9), clock.BUSINESS_ZONE))

        yield to


def copied(engine: str, source: str, target: str) -> Database:
    """Copy the database at `source` (a file, or its name on the server) to `target`; return the copy."""
    if engine == "sqlite":
        shutil.copy(source, target)
        return database_at(f"sqlite:///{target}")
    server(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)', f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
    return database_at(POSTGRESQL.replace("/postgres?", f"/{target}?"))


def server(*statements: str) -> None:
    engine = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
