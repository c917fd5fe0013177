"""Statements that everybody sends all day: compiled once, then given to the driver as they stand.

SQLAlchemy caches what it makes of a statement, and still spends on each run several times what the driver does. Here
a run only converts the values, sends and converts the answer. Whoever watches a connection watches this too: what is
sent is told to `db.on_write` and to listeners of `before_cursor_execute`, and waits with other writes
(`write_behind`); what goes wrong is told as by SQLAlchemy.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, methodcaller
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from decision_flow import write_behind

_Convert = Callable[[Any], Any] | None
_Values = Mapping[str, Any]
_FETCHALL, _ROWCOUNT = methodcaller("fetchall"), attrgetter("rowcount")


class Prepared:
    """A statement for columns with named parameters; of an INSERT every column is given by its name."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update, columns: Iterable[str] = ()) -> None:
        """Prepare `statement`; `columns` are those that an INSERT or an UPDATE without `values` sets."""
        self.statement, self._columns = statement, list(columns) or None
        self._ready: dict[str, _Ready] = {}

    def rows(self, connection: Connection, values: _Values) -> list[Any]:
        """Send the statement and return its rows, each with its columns by name."""
        ready = self._for(connection.dialect)
        sent = ready.parameters(values)
        info = self._tell(connection, ready, [values], [sent])
        return [ready.row(one) for one in _answer(connection, info, ready.text, sent, _FETCHALL)]

    def write(self, connection: Connection, rows: Sequence[_Values], *, must_be_there: bool = False) -> None:
        """Send the statement for each of `rows`; on PostgreSQL nobody waits for the answer before it is needed.

        With `must_be_there` each has to touch one row: raises `StaleDataError` when it does not, at once or when the
        answer is needed.
        """
        if not rows:
            return
        ready = self._for(connection.dialect)
        sent = [ready.parameters(values) for values in rows]
        info = self._tell(connection, ready, rows, sent)
        if (talk := write_behind.waiting(connection, info)) is not None:
            try:
                for one in sent:
                    talk.write(ready.text, one, 1 if must_be_there else None)
            except connection.dialect.loaded_dbapi.Error as error:
                raise _translated(connection, ready.text, sent, error) from error
            return
        for one in sent:
            touched = _answer(connection, info, ready.text, one, _ROWCOUNT)
            if must_be_there and touched != 1:
                raise StaleDataError(f"{touched} rows instead of 1: {ready.text}")

    def _tell(self, connection: Connection, ready: _Ready, rows: Sequence[_Values], sent: list[Any]) -> dict[Any, Any]:
        """Tell whoever watches what is sent; return what the connection knows besides."""
        info = connection.info
        if not isinstance(self.statement, Select):
            for note in info.get("on_write", ()):
                note(self.statement, rows)
        if listeners := connection.dispatch.before_cursor_execute:
            # Once for all rows, as SQLAlchemy does.
            many = len(sent) > 1
            for listener in listeners:
                listener(connection, None, ready.text, sent if many else sent[0], None, many)
        return info

    def _for(self, dialect: Dialect) -> _Ready:
        found = self._ready.get(dialect.name)
        if found is None:
            found = self._ready[dialect.name] = _Ready(self.statement, self._columns, dialect)
        return found


class _Ready:
    """A statement as one database takes it, with what its values and its answer are converted by."""

    def __init__(self, statement: Any, columns: list[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        self._order = compiled.positiontup
        # What is the same in every run: literals of the statement, and what a column is when nothing is said of it.
        self._fixed: dict[str, Any] = {}
        self._wanted: dict[str, _Convert] = {}
        defaults = {column.key: column.default for column in compiled.insert_prefetch}
        for bind, name in compiled.bind_names.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            default = defaults.get(name)
            if bind.required or (default is not None and not isinstance(default, ScalarElementColumnDefault)):
                self._wanted[name] = convert
            else:
                value = bind.effective_value if default is None else default.arg
                self._fixed[name] = value if convert is None else convert(value)
        answers = isinstance(statement, Select) or compiled.effective_returning
        answer = list(statement.exported_columns) if answers else []
        self._row: Any = namedtuple("_row", [column.key for column in answer], rename=True)  # type: ignore[misc]
        reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in answer]
        self._reads = [(place, convert) for place, convert in enumerate(reads) if convert is not None]

    def parameters(self, values: _Values) -> Any:
        """Return `values` as the driver takes them. Raises `KeyError` for one that is missing."""
        sent = dict(self._fixed)
        for name, convert in self._wanted.items():
            value = values[name]
            sent[name] = value if convert is None else convert(value)
        return sent if self._order is None else [sent[name] for name in self._order]

    def row(self, told: Sequence[Any]) -> Any:
        """Return a row of the driver as the columns' types have it."""
        values = list(told)
        for place, convert in self._reads:
            values[place] = convert(values[place])
        return self._row._make(values)


def _answer(connection: Connection, info: dict[Any, Any], text: str, sent: Any, wanted: Callable[[Any], Any]) -> Any:
    """Send a statement and return what is `wanted` of its cursor."""
    cursor = connection.connection.cursor()
    try:
        write_behind.ask(info, cursor, text, sent)
        return wanted(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, text, sent, error) from error
    finally:
        cursor.close()


def _translated(connection: Connection, text: str, sent: Any, error: Exception) -> Exception:
    failed = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, sent, error, failed, dialect=connection.dialect)
