"""Statements that everybody sends all day: compiled once, then given to the driver as they stand.

SQLAlchemy caches what it makes of a statement, and still spends on each run several times what the driver does. Here
a run only converts the values, sends and converts the answer. Whoever watches a connection watches this too: what is
sent is told to `db.on_write` and to listeners of `before_cursor_execute`, and waits with other writes
(`write_behind`); what goes wrong is told as by SQLAlchemy.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
# More rows than this take another statement: SQLite bears 32,766 values in one.
AT_ONCE = 50
_INSERT = re.compile(r"(INSERT INTO .+ VALUES )(\([^()]*(?:\(\w+\)[^()]*)*\))", re.DOTALL)
_PLACE = re.compile(r"%\((\w+)\)s")
_FETCHALL, _ROWCOUNT = methodcaller("fetchall"), attrgetter("rowcount")


class Prepared:
    """A statement for columns with named parameters; of an INSERT every column is given by its name."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update, columns: Iterable[str] = ()) -> None:
        """Prepare `statement`; `columns` are those that an INSERT or an UPDATE without `values` sets."""
        self.statement, self._columns = statement, list(columns) or None
        self._ready: dict[str, _Ready] = {}

    def rows(self, connection: Connection, values: _Values) -> list[Any]:
        """Send the statement and return its rows, each with its columns by name."""
        ready, info = self._for(connection.dialect), connection.info
        sent = ready.parameters(values)
        self._note(info, [values])
        return [ready.row(one) for one in _answer(connection, info, ready.text, sent, _FETCHALL)]

    def write(self, connection: Connection, rows: Sequence[_Values], *, must_be_there: bool = False) -> None:
        """Send the statement for `rows`; on PostgreSQL nobody waits for the answer before it is needed.

        Rows to be inserted go `AT_ONCE` in one statement, others one by one. With `must_be_there` each has to touch
        one row: raises `StaleDataError` when it does not, at once or when the answer is needed.
        """
        if not rows:
            return
        ready, info = self._for(connection.dialect), connection.info
        sent = [ready.parameters(values) for values in rows]
        self._note(info, rows)
        talk = write_behind.waiting(connection, info)
        for text, one in ready.statements(sent):
            if talk is not None:
                _hand_over(talk, connection, text, one, 1 if must_be_there else None)
            elif (touched := _answer(connection, info, text, one, _ROWCOUNT)) != 1 and must_be_there:
                raise StaleDataError(f"{touched} rows instead of 1: {text}")

    def _note(self, info: dict[Any, Any], rows: Sequence[_Values]) -> None:
        if not isinstance(self.statement, Select):
            for note in info.get("on_write", ()):
                note(self.statement, rows)

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
        self._insert = _INSERT.fullmatch(self.text)
        self._longer: dict[int, str] = {}
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

    def statements(self, sent: list[Any]) -> Iterator[tuple[str, Any]]:
        """Yield what says all of `sent` (see `parameters`), each with its own parameters."""
        if self._insert is None or len(sent) == 1:
            yield from ((self.text, one) for one in sent)
            return
        for first in range(0, len(sent), AT_ONCE):
            some = sent[first : first + AT_ONCE]
            if self._order is None:
                together: Any = {f"{name}_{at}": value for at, one in enumerate(some) for name, value in one.items()}
            else:
                together = [value for one in some for value in one]
            yield self._of(len(some)), together

    def _of(self, count: int) -> str:
        """Return the INSERT for `count` rows."""
        if count not in self._longer and self._insert is not None:
            head, row = self._insert.groups()
            self._longer[count] = head + ", ".join(_PLACE.sub(rf"%(\1_{at})s", row) for at in range(count))
        return self._longer[count]

    def row(self, told: Sequence[Any]) -> Any:
        """Return a row of the driver as the columns' types have it."""
        values = list(told)
        for place, convert in self._reads:
            values[place] = convert(values[place])
        return self._row._make(values)


def _answer(connection: Connection, info: dict[Any, Any], text: str, sent: Any, wanted: Callable[[Any], Any]) -> Any:
    """Send a statement and return what is `wanted` of its cursor."""
    _tell(connection, text, sent)
    cursor = connection.connection.cursor()
    try:
        write_behind.ask(info, cursor, text, sent)
        return wanted(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, text, sent, error) from error
    finally:
        cursor.close()


def _hand_over(talk: write_behind.Talk, connection: Connection, text: str, sent: Any, rows: int | None) -> None:
    _tell(connection, text, sent)
    try:
        talk.write(text, sent, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, text, sent, error) from error


def _as_sqlalchemy(connection: Connection, text: str, sent: Any, error: Exception) -> Exception:
    """Return an error of the driver as SQLAlchemy tells it."""
    failed = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, sent, error, failed, dialect=connection.dialect)


def _tell(connection: Connection, text: str, sent: Any) -> None:
    """Tell whoever listens to the connection what is sent."""
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, None, text, sent, None, False)
