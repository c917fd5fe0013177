"""Objects of single rows, read and written without what SQLAlchemy does for whole graphs of them.

Most acts change columns of a few rows that are there already. The order of the unit of work, which puts new rows
before those that point to them, has then nothing to decide, and finding that out costs more than the statements.
Whatever is more than that is left to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ClauseElement, Connection, Table, bindparam, update
from sqlalchemy.orm import InstanceState, Mapper, Session, class_mapper
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.sql.elements import KeyedColumnElement

from decision_flow.prepared import Prepared

Stored = TypeVar("Stored")
_LOCKED_IN = "locked in"
_Values = dict[str, Any]
_Change = tuple[InstanceState[Any], _Values]


class Read(Generic[Stored]):
    """The columns of one kind of object that a statement reads, the key among them; others are read when asked for."""

    def __init__(self, kind: type[Stored], columns: Iterable[KeyedColumnElement[Any]]) -> None:
        """Take what `columns` of the table of `kind` a statement reads."""
        self.columns = tuple(columns)
        self._mapper: Mapper[Any] = class_mapper(kind, configure=False)
        self._keys = [column.key for column in self.columns]
        self._left_out = {column.key for column in _table(self._mapper).columns}.difference(self._keys)

    def attach(self, session: Session, told: Iterator[Any]) -> Stored:
        """Return the object that a row tells, as part of `session`: what the session knew of it is overwritten.

        Takes the values of the columns from `told`. The row is locked until the transaction ends: nobody else can take
        it away or change it.
        """
        values = dict(zip(self._keys, told, strict=False))
        key = self._mapper.identity_key_from_primary_key((values["id"],))
        known = session.identity_map.get(key)
        if known is None:
            # As `make_transient_to_detached` and `Session.add` do, but without looking for related objects: there
            # are none yet.
            known = self._mapper.class_manager.new_instance()
            state = instance_state(known)
            state.dict.update(values)
            state.key = key
            state.expired_attributes.update(self._left_out)
            session._update_impl(state)
        else:
            state = instance_state(known)
            state.dict.update(values)
            state._commit(state.dict, values)
        state.info[_LOCKED_IN] = session.get_transaction()
        return cast(Stored, known)


def write(session: Session, changed: Collection[Any]) -> bool:
    """Send the changes of stored objects, one UPDATE each, and return True; or do nothing and return False.

    False inside a savepoint, or when something other than columns was changed. Raises `StaleDataError` when a row is
    gone or its version is another's: at once or, on PostgreSQL, with the statement that takes the waiting ones along.
    """
    if session.in_nested_transaction():
        # Who goes back to a savepoint expects the objects to go back with the rows: the unit of work remembers which.
        return False
    rows: list[_Change] = []
    for state in map(instance_state, changed):
        values = _changes(state)
        if values is None:
            return False
        if values:
            rows.append((state, values))
    # Always in this order, so that no two writers of the same rows wait for each other.
    rows.sort(key=lambda row: (_rank(row[0].mapper), row[0].identity))
    connection = session.connection()
    for state, values in rows:
        # Of a row that this transaction has locked it is known that it is there.
        locked = state.info.get(_LOCKED_IN) is session.get_transaction()
        _send(connection, state, values, must_be_there=not locked)
    for state in map(instance_state, changed):
        # What the unit of work does after its own statements; there is no public name for it.
        state._commit_all(state.dict, session.identity_map)
    return True


def _send(connection: Connection, state: InstanceState[Any], values: _Values, *, must_be_there: bool) -> None:
    mapper, version = state.mapper, state.mapper.version_id_col
    # `db.on_write` is told of the columns by their names, as by the unit of work.
    row = {f"{_table(mapper).name}_id": (state.identity or (None,))[0]} | values
    if version is not None:
        row[f"known_{version.name}"] = state.dict[version.name]
        row[version.name] = state.dict[version.name] = state.dict[version.name] + 1
    _update(mapper, must_be_there, *values).write(connection, [row], must_be_there=must_be_there)


def _changes(state: InstanceState[Any]) -> _Values | None:
    """Return the new values by attribute, or None when not all of the change is plain."""
    columns, version = state.mapper.columns, state.mapper.version_id_col
    if [column.name for column in state.mapper.primary_key] != ["id"]:
        return None
    if version is not None and version.name not in state.dict:
        return None
    found: _Values = {}
    for key, was in state.committed_state.items():
        column, value = columns.get(key), state.dict.get(key)
        if column is None or column.key != key or column.primary_key or isinstance(value, ClauseElement):
            return None
        if not column.type.compare_values(was, value):
            found[key] = value
    return found


@cache
def _rank(mapper: Mapper[Any]) -> int:
    return _table(mapper).metadata.sorted_tables.index(_table(mapper))


@lru_cache(maxsize=1000)
def _update(mapper: Mapper[Any], must_be_there: bool, *names: str) -> Prepared:
    """Return the UPDATE of these columns of one row, of a known version unless it is certain that it is there."""
    table, version = _table(mapper), mapper.version_id_col
    statement = update(table).where(table.c.id == bindparam(f"{table.name}_id"))
    if version is None:
        return Prepared(statement, names)
    if must_be_there:
        statement = statement.where(version == bindparam(f"known_{version.name}"))
    return Prepared(statement, (*names, version.name))


def _table(mapper: Mapper[Any]) -> Table:
    return cast(Table, mapper.local_table)
