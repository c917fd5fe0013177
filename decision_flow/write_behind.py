"""Write-behind on PostgreSQL: writes whose answer nobody reads wait, and go out together in one round trip.

On a database across a socket a completion is made of round trips more than of work. BEGIN, the writes of a flush
and the statements marked `WAITS` therefore wait until a statement needs an answer or the transaction is committed;
then all of them go ahead of it in one pipeline of the driver, in the order in which they were given. What the
database says of them is heard there: an error is raised by the statement that took them along, or by the commit.
Inside a savepoint nothing waits, so that what goes wrong there is still undone by it.

The connections are in autocommit as far as the driver knows, because its own BEGIN would wait for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection as Driver
from psycopg import Cursor, ServerCursor
from psycopg import Error as DriverError
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

# An execution option of statements without RETURNING whose row count nobody asks for.
WAITS: dict[str, Any] = {"waits": True}
# An execution option of connections that only read: each statement sees what was committed before it.
READS: dict[str, Any] = {"reads": True}
# More rows than this are sent by the driver's own way for many.
AT_ONCE = 50
_FLUSHING = "flushing"
_WAITING = "waiting"


@dataclass(frozen=True)
class _Write:
    """A statement with its parameters as the driver takes them, and how many rows it must touch, if that is known."""

    statement: str
    parameters: Any = None
    rows: int | None = None


_BEGIN = _Write("BEGIN")
_COMMIT = _Write("COMMIT")


def flushing(connection: Connection, begun: bool) -> None:
    """Tell that the unit of work begins or ends to write its rows: it only wants to know that each was there."""
    connection.info[_FLUSHING] = begun


def waits(connection: Connection) -> bool:
    """Whether a write may wait on this connection now."""
    return _WAITING in connection.info and not connection.in_nested_transaction()


def put(connection: Connection, statement: str, parameters: Any, rows: int | None = None) -> None:
    """Let a write wait, which `waits` must allow; `rows` is how many it must touch, if that matters."""
    connection.info[_WAITING].append(_Write(statement, parameters, rows))


def send(connection: Connection, cursor: Any, statement: str, parameters: Any) -> None:
    """Send a statement whose answer is needed, after all that waits."""
    if connection.info.get(_WAITING):
        _send(connection.connection.driver_connection, connection.info, cursor, statement, parameters)
    else:
        cursor.execute(statement, parameters)


def wait_with_writes(engine: Engine) -> None:
    """Let the writes of `engine`, which must be of psycopg and in autocommit, wait for one another."""

    # With the first connection the dialect asks the server what it is; that goes before all this.
    @event.listens_for(engine, "connect", once=True)
    def _first(_driver: object, _record: object) -> None:
        event.listen(engine, "begin", _begin)
        event.listen(engine, "do_execute", _execute)
        event.listen(engine, "do_executemany", _execute_many)
        event.listen(engine, "commit", _commit)
        event.listen(engine, "rollback", _drop)


def _begin(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    connection.info.pop(_WAITING, None)
    # A snapshot has its own level of isolation, and with it the driver's own BEGIN.
    if driver is not None and driver.autocommit and not connection.get_execution_options().get("reads"):
        connection.info[_WAITING] = [_BEGIN]


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    info = context.root_connection.info
    if _may_wait(context, info):
        # The unit of work compares the rows it meant with those it is told; that is done in `_send`.
        context._rowcount = 1
        info[_WAITING].append(_Write(statement, parameters, 1 if info.get(_FLUSHING) else None))
        return True
    if not info.get(_WAITING):
        return False
    if isinstance(cursor, ServerCursor):
        _send(cursor.connection, info)
        return False
    _send(cursor.connection, info, cursor, statement, parameters)
    return True


def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    info = context.root_connection.info
    if _may_wait(context, info) and len(parameters) <= AT_ONCE:
        context._rowcount = len(parameters)
        rows = 1 if info.get(_FLUSHING) else None
        info[_WAITING] += [_Write(statement, one, rows) for one in parameters]
        return True
    _send(cursor.connection, info)
    return False


def _commit(connection: Connection) -> None:
    if connection.info.get(_WAITING) == [_BEGIN]:
        _drop(connection)
    writes: list[_Write] = connection.info.get(_WAITING) or []
    if writes and all(write.rows is None for write in writes):
        # No answer could stop the commit any more, so it goes along; the driver's own finds nothing to do.
        writes.append(_COMMIT)
    try:
        _send(connection.connection.driver_connection, connection.info)
    except DriverError as error:
        # Nobody translates for a listener.
        raise DBAPIError.instance(None, None, error, DriverError, dialect=connection.dialect) from error


def _drop(connection: Connection) -> None:
    connection.info.pop(_WAITING, None)


def _may_wait(context: Any, info: dict[str, Any]) -> bool:
    writes = context.isinsert or context.isupdate or context.isdelete
    wanted = info.get(_FLUSHING) or context.execution_options.get("waits")
    if not (writes and wanted and _WAITING in info) or context.compiled.effective_returning:
        return False
    return not context.root_connection.in_nested_transaction()


def _send(
    driver: Driver[Any] | None,
    info: dict[str, Any],
    cursor: Any = None,
    statement: str = "",
    parameters: Any = None,
) -> None:
    """Send what waits, and with it the statement of `cursor` whose answer is needed; raise what went wrong."""
    writes: list[_Write] = info.get(_WAITING, [])
    if not writes or driver is None:
        return
    info[_WAITING] = []
    counted: list[tuple[Cursor, _Write]] = []
    with driver.pipeline(), driver.cursor() as unasked:
        for write in writes:
            if write.rows is None:
                unasked.execute(write.statement, write.parameters)
            else:
                counted.append((driver.execute(write.statement, write.parameters), write))
        if cursor is not None:
            cursor.execute(statement, parameters)
    for answered, write in counted:
        if answered.rowcount != write.rows:
            raise StaleDataError(f"{answered.rowcount} rows instead of {write.rows}: {write.statement}")
