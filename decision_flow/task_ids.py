"""The ids of tasks before the tasks are written: the trail names them, and nothing need wait for the rows.

PostgreSQL draws them from the table's sequence, so that no two nodes are given the same; one drawn in vain leaves a
gap. On SQLite only one transaction writes at a time, and the highest tells the next.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session

from decision_flow.prepared import Prepared

_HELD = "next task id"


class _Next(ColumnElement[int]):
    inherit_cache = True
    type = Integer()


@compiles(_Next, "postgresql")
def _from_the_sequence(_element: _Next, _compiler: Any, **_: Any) -> str:
    return "nextval('task_id_seq')"


@compiles(_Next, "sqlite")
def _after_the_highest(_element: _Next, _compiler: Any, **_: Any) -> str:
    return "(SELECT coalesce(max(id), 0) + 1 FROM task)"


# For a statement that locks the matter anyway: what it tells is for `hold`.
NEXT = _Next().label("next_task_id")
_ONE = Prepared(select(NEXT))
_MORE = Prepared(select(NEXT).select_from(func.generate_series(1, bindparam("count", type_=Integer))))


def hold(session: Session, number: int) -> None:
    """Keep `number`, that of `NEXT`, for the first task that this transaction opens."""
    session.info[_HELD] = number


def take(session: Session, count: int) -> list[int]:
    """Return the ids of `count` tasks (one or more) that this transaction writes at once."""
    connection = session.connection()
    held: int | None = session.info.pop(_HELD, None)
    if connection.dialect.name == "sqlite":
        first = held or _ONE.rows(connection, {})[0].next_task_id
        return list(range(first, first + count))
    taken = [] if held is None else [held]
    if count > len(taken):
        taken += [row.next_task_id for row in _MORE.rows(connection, {"count": count - len(taken)})]
    return taken
