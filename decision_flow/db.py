"""The database: base class, column types, and the one place that commits."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain, count
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Select,
    TextClause,
    UpdateBase,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

from decision_flow import plain_rows, write_behind
from decision_flow.errors import N_, Conflict, Invalid, Refused

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Values that people entered. JSONB re-orders keys, which is harmless here and never done to engine state.
Json = JSON().with_variant(JSONB(), "postgresql")

SQLITE_FLOOR = (3, 35)
REST_SECONDS = 2.0
_NUMBERS = count()


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC and read back aware on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # PostgreSQL tells moments in the zone of the connection, which is UTC (`_postgresql_engine`).
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class UnitOfWork(Session):
    """A session that writes with its commit what operations gathered beside its rows (see `before_commit`)."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        changed = self.dirty
        if not self.new and not self.deleted and (not changed or plain_rows.write(self, changed)):
            return
        connection = self.connection()
        write_behind.flushing(connection, True)
        try:
            super().flush(objects)
        finally:
            write_behind.flushing(connection, False)

    def commit(self) -> None:
        self.flush()
        for write in self.info.get("before_commit", ()):
            write(self)
        super().commit()


def before_commit(session: Session, write: Callable[[Session], None]) -> None:
    """Let `write` put out what it holds right before the commit, when all rows are written."""
    session.info.setdefault("before_commit", []).append(write)


def streamed(session: Session, query: Select[*tuple[Any, ...]], batch: int = 2000) -> Iterator[Any]:
    """Yield the rows of a query for columns, of which a batch at a time is in memory. Nothing is flushed before."""
    # Asked of the connection: on their way through the session rows cost twice as much.
    yield from session.connection().execute(query.execution_options(yield_per=batch))


def batches(session: Session, query: Select[*tuple[Any, ...]], batch: int = 2000) -> Iterator[Iterator[Any]]:
    """Yield the rows of a query for columns, as the driver gives them; a few hundred at a time are in memory.

    PostgreSQL goes on looking for rows while those before are worked on. `session` is a snapshot, and may be asked for
    other things only between two batches.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        yield from map(iter, connection.execute(query.execution_options(yield_per=batch)).partitions())
        return
    asked = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: Any = connection.connection.driver_connection
    name = f"batches_{next(_NUMBERS)}"
    # Declared, so that the plan is one for the first rows: sorting a million would take long and much room.
    with driver.cursor(name) as declared:
        declared.execute(str(asked), asked.params)
        while True:
            # Not fetched: what the server finds next waits in the socket already.
            with closing(driver.cursor().stream(f"FETCH FORWARD {batch} FROM {name}", size=200)) as rows:
                if (first := next(rows, None)) is None:
                    return
                yield chain((first,), rows)


Sent = UpdateBase | TextClause | None
OnWrite = Callable[[Sent, Sequence[Mapping[str, Any]]], None]


def on_write(session: Session, note: OnWrite) -> None:
    """Let `note` see each change that this transaction sends, just before it is sent and by whichever way.

    It is given the statement and its rows of parameters; raw SQL comes as it is, and None when changes are undone
    by going back to a savepoint.
    """
    session.connection().info.setdefault("on_write", []).append(note)


def on_refused(session: Session, record: Callable[[Session, Refused | Invalid], None]) -> None:
    """Let `record` write, in a transaction of its own, that a guard refused what this session was about."""
    session.info["on_refused"] = record


class Database:
    """One engine and its sessions. `transaction()` is the only way to a session and the only commit."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Open the database at `url` (sqlite:///… or postgresql://…); nothing is read or written yet."""
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url, pool_size)
        _tell_writes(self.engine)
        # On PostgreSQL a read needs no transaction: each statement sees what was committed before it, with one
        # or with none, and BEGIN and ROLLBACK would be two more round trips.
        self._reading = self.engine if self.is_sqlite else self.engine.execution_options(**write_behind.READS)
        # Rows are used after the commit to draw the answer; expiring them would read each one again.
        self._sessions = sessionmaker(self.engine, class_=UnitOfWork, expire_on_commit=False)
        # What each of its sessions knows besides (`session.info`): where the files lie (`documents.keep_files`).
        self.info: dict[str, Any] = {}

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Session]:
        """Yield a session; commit when the block ends, roll back when it raises.

        With `read_only` nothing may be written: SQLite takes no write lock, PostgreSQL opens no transaction.
        A lost race on a unique key or a version column is told as `Conflict`.
        """
        # A read never flushes, so what a page does to its rows in order to show them is never written.
        session = self._sessions(bind=self._reading if read_only else self.engine, autoflush=not read_only)
        session.info.update(self.info, read_only=read_only)
        try:
            if self.is_sqlite:
                session.connection(execution_options={"decision_flow_read_only": read_only})
            yield session
            if read_only:
                # Rolling back would expire what was read; the page still draws from it.
                session.expunge_all()
                session.rollback()
            else:
                session.commit()
        except StaleDataError as error:
            session.rollback()
            raise Conflict(N_("这条记录刚被别人改动，请刷新后再办理。")) from error
        except IntegrityError as error:
            session.rollback()
            raise Conflict(N_("同样的记录已经存在，请刷新后核对。")) from error
        except (Refused, Invalid) as error:
            session.rollback()
            if error.rules:
                self._record(session, error)
            raise
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def _record(self, refused: Session, error: Refused | Invalid) -> None:
        """Record a refusal once; if that fails, the person is told all the same and the edge tries again."""
        record = refused.info.get("on_refused")
        if record is None or error.recorded:
            return
        error.recorded = True
        try:
            with self.transaction() as session:
                record(session, error)
        except SQLAlchemyError:
            error.recorded = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection for statements that only read columns; without a session it costs half."""
        with self._reading.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(decision_flow_read_only=True)
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session that only reads, and reads one and the same state from its first statement to its last."""
        if self.is_sqlite:
            with self.transaction(read_only=True) as session:
                yield session
            return
        steady = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with self._sessions(bind=steady, autoflush=False) as session:
            yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _tell_writes(engine: Engine) -> None:
    """Tell those who asked (`on_write`) of each change; with the transaction their asking ends."""

    @event.listens_for(engine, "before_execute")
    def _sent(connection: Connection, statement: Any, many: Any, one: Any, _options: Any) -> None:
        if isinstance(statement, UpdateBase | TextClause):
            for note in connection.info.get("on_write", ()):
                note(statement, many or ([one] if one else ()))

    @event.listens_for(engine, "rollback_savepoint")
    def _undone(connection: Connection, *_: Any) -> None:
        for note in connection.info.get("on_write", ()):
            note(None, ())

    @event.listens_for(engine, "begin")
    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def _over(connection: Connection) -> None:
        connection.info.pop("on_write", None)


# Made once: `json.dumps` would make a new one for every value.
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


# Of what a statement carried nothing is said in an error, and so in no log: it is names and answers.
def _postgresql_engine(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        json_serializer=_dumps,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
    )
    write_behind.wait_with_writes(engine)

    @event.listens_for(engine, "connect")
    def _tell_moments_in_utc(connection: Any, _record: object) -> None:
        connection.execute("SET TIME ZONE 'UTC'")

    @event.listens_for(engine, "checkout")
    def _look_after_a_rest(connection: Any, record: Any, _proxy: object) -> None:
        # A connection that rested may be dead (the server restarted, a firewall forgot it); one just used is not.
        now = time.monotonic()
        if now - record.info.get("used_at", now) > REST_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error
        record.info["used_at"] = now

    return engine


def _sqlite_engine(url: str) -> Engine:
    if sqlite3.sqlite_version_info < SQLITE_FLOOR:
        raise Invalid(N_("SQLite 版本过低，需要%(floor)s或者更新的版本。"), floor=".".join(map(str, SQLITE_FLOOR)))
    engine = create_engine(url, connect_args={"timeout": 30}, json_serializer=_dumps, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own implicit transactions would start too late to hold off a second writer.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # IMMEDIATE: take the write lock before reading, as FOR UPDATE does on PostgreSQL.
        reading = connection.get_execution_options().get("decision_flow_read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
