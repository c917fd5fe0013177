"""Write-behind on PostgreSQL: nobody waits for the answer to a write before it is needed.

On a database across a socket a completion is made of round trips more than of work, and every message wakes a process
of the server. A transaction therefore talks to it in one pipeline of the driver: BEGIN, the writes of a flush and the
statements marked `WAITS` wait until somebody asks for an answer, or for the commit, and all go out then, in the order
in which they were given. What the database says of them is heard there: an error is raised by whoever asked, or by the
commit. Inside a savepoint nothing waits, so that what goes wrong there is still undone by it.

The connections are in autocommit as far as the driver knows, because its own BEGIN would wait for an answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from typing import Any

from psycopg import Connection as Driver
from psycopg import Cursor, Pipeline, ServerCursor
from psycopg import Error as DriverError
from psycopg.abc import PQGen
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
_TALK = "talk"


class _Together(Pipeline):
    """A pipeline that sends all at once, when an answer is asked for; the driver's wakes the server each time."""

    def _communicate_gen(self) -> PQGen[None]:
        while self.command_queue:
            # libpq keeps it until it is flushed, which fetching does.
            self.command_queue.popleft()()
        return
        yield


class Talk:
    """What a transaction says to its server: begun with the first statement, in a pipeline as long as that can be."""

    def __init__(self, driver: Driver[Any]) -> None:
        self._driver, self._begun = driver, False
        self._pipeline: AbstractContextManager[Pipeline] | None = None
        self._unasked: Cursor | None = None
        self._counted: list[tuple[Cursor, str, int]] = []

    def write(self, statement: str, parameters: Any, rows: int | None = None) -> None:
        """Hand over a write; `rows` is how many it must touch, if that matters."""
        unasked = self._enter()
        if rows is None:
            unasked.execute(statement, parameters)
        else:
            self._counted.append((self._driver.execute(statement, parameters), statement, rows))

    def ask(self, cursor: Cursor, statement: str, parameters: Any) -> None:
        """Hand over a statement; its answer comes when it is fetched, and with it what went wrong before."""
        if not self._begun:
            self._enter()
        cursor.execute(statement, parameters)

    def settle(self) -> None:
        """Wait for the answers to all that was sent, and leave the pipeline. Raises what went wrong."""
        if not self._begun:
            self._enter()
        pipeline, self._pipeline, self._unasked = self._pipeline, None, None
        counted, self._counted = self._counted, []
        if pipeline is not None:
            pipeline.__exit__(None, None, None)
        for answered, statement, rows in counted:
            if answered.rowcount != rows:
                raise StaleDataError(f"{answered.rowcount} rows instead of {rows}: {statement}")

    def end(self) -> None:
        """Make the answers certain; where none could stop the commit any more, it goes along."""
        if not self._begun:
            return
        if self._unasked is not None and not self._counted:
            # The driver's own finds nothing to do.
            self._unasked.execute("COMMIT")
        self.settle()

    def drop(self) -> None:
        """Leave the pipeline whatever it says: all of it is undone."""
        if self._pipeline is not None:
            with suppress(DriverError, StaleDataError):
                self.settle()

    def _enter(self) -> Cursor:
        if self._unasked is None:
            self._driver._pipeline = _Together(self._driver)
            self._pipeline = self._driver.pipeline()
            self._pipeline.__enter__()
            self._unasked = self._driver.cursor()
        if not self._begun:
            self._unasked.execute("BEGIN")
            self._begun = True
        return self._unasked


def flushing(connection: Connection, begun: bool) -> None:
    """Tell that the unit of work begins or ends to write its rows: it only wants to know that each was there."""
    connection.info[_FLUSHING] = begun


def waiting(connection: Connection, info: dict[Any, Any]) -> Talk | None:
    """Return where a write of `connection` may go now without waiting, if anywhere; `info` is the connection's."""
    found: Talk | None = info.get(_TALK)
    return None if found is None or connection.in_nested_transaction() else found


def ask(info: dict[Any, Any], cursor: Any, statement: str, parameters: Any) -> None:
    """Send a statement whose answer is needed, after all that was sent; `info` is that of the connection."""
    if (ours := info.get(_TALK)) is not None:
        ours.ask(cursor, statement, parameters)
    else:
        cursor.execute(statement, parameters)


def wait_with_writes(engine: Engine) -> None:
    """Let nobody wait for writes of `engine`, which must be of psycopg and in autocommit."""

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
    connection.info.pop(_TALK, None)
    # A snapshot has its own level of isolation, and with it the driver's own BEGIN.
    if driver is not None and driver.autocommit and not connection.get_execution_options().get("reads"):
        connection.info[_TALK] = Talk(driver)


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    info = context.root_connection.info
    ours: Talk | None = info.get(_TALK)
    if ours is None:
        return False
    if _may_wait(context, info):
        # The unit of work compares the rows it meant with those it is told; that is done in `settle`.
        context._rowcount = 1
        ours.write(statement, parameters, 1 if info.get(_FLUSHING) else None)
        return True
    if isinstance(cursor, ServerCursor):
        ours.settle()
        return False
    ours.ask(cursor, statement, parameters)
    ours.settle()
    return True


def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    info = context.root_connection.info
    ours: Talk | None = info.get(_TALK)
    if ours is None:
        return False
    if _may_wait(context, info) and len(parameters) <= AT_ONCE:
        context._rowcount = len(parameters)
        for one in parameters:
            ours.write(statement, one, 1 if info.get(_FLUSHING) else None)
        return True
    ours.settle()
    return False


def _commit(connection: Connection) -> None:
    if (ours := connection.info.get(_TALK)) is None:
        return
    try:
        ours.end()
    except DriverError as error:
        # Nobody translates for a listener.
        raise DBAPIError.instance(None, None, error, DriverError, dialect=connection.dialect) from error


def _drop(connection: Connection) -> None:
    if (ours := connection.info.pop(_TALK, None)) is not None:
        ours.drop()


def _may_wait(context: Any, info: dict[str, Any]) -> bool:
    writes = context.isinsert or context.isupdate or context.isdelete
    wanted = info.get(_FLUSHING) or context.execution_options.get("waits")
    if not (writes and wanted) or context.compiled.effective_returning:
        return False
    return not context.root_connection.in_nested_transaction()
