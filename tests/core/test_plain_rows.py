"""Single rows are read and written past the unit of work, with the same result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from decision_flow import clock, plain_rows
from decision_flow.db import Database, on_write
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict
from decision_flow.models import AuditStream, Matter, Notification, Task, TaskState

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        ("task", "name"): WORDS,
        ("task", "state"): st.sampled_from([TaskState.OPEN, TaskState.CLAIMED]),
        ("task", "draft"): st.none() | st.dictionaries(WORDS, st.none() | st.booleans() | st.integers(-5, 5) | WORDS),
        ("task", "due_at"): st.none() | st.integers(0, 10**6).map(lambda n: clock.now() + timedelta(seconds=n)),
        ("task", "person_id"): st.none(),
        ("matter", "title"): WORDS,
        ("matter", "passed"): st.dictionaries(WORDS, st.integers(0, 9)),
        ("matter", "state"): st.binary(max_size=50),
        ("matter", "effective_date"): st.none() | st.dates(),
    },
)


@pytest.fixture
def task_id(database: Database, files: FileStore) -> int:
    play = cases.OTHERS[4](database, files)
    with database.transaction(read_only=True) as session:
        return (
            session.scalars(select(Task.id).where(Task.matter_id == play.matter_id, Task.state != "COMPLETED")).first()
            or 0
        )


def both(session: Session, task_id: int) -> tuple[Task, Matter]:
    task = session.get_one(Task, task_id)
    return task, session.get_one(Matter, task.matter_id, options=[undefer(Matter.passed), undefer(Matter.state)])


def columns(database: Database, task_id: int) -> dict[str, Any]:
    with database.transaction(read_only=True) as session:
        row = session.connection().execute(
            select(*Task.__table__.c, *[one.label(f"m_{one.name}") for one in Matter.__table__.c])
            .join(Matter.__table__, Matter.id == Task.matter_id)
            .where(Task.id == task_id)
        )
        return row.one()._asdict()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(CHANGES, min_size=1, max_size=3))
def test_any_changes_of_columns_are_stored_as_by_the_unit_of_work(
    database: Database, task_id: int, steps: list[dict[tuple[str, str], Any]]
) -> None:
    begun = columns(database, task_id)
    told: list[list[Any]] = []
    ends: list[dict[str, Any]] = []
    for plain in (True, False):
        noted: list[Any] = []
        with database.transaction() as session:
            task, matter = both(session, task_id)
            if not plain:
                # In a savepoint the unit of work does it.
                session.begin_nested()
            on_write(session, lambda statement, rows, noted=noted: noted.append((statement, list(rows))))  # type: ignore[misc]
            for changes in steps:
                for (whose, name), value in changes.items():
                    setattr(task if whose == "task" else matter, name, value)
                session.flush()
                assert not session.dirty
            session.connection().info.pop("on_write")
            ends.append({f"task.{c.name}": getattr(task, c.name) for c in Task.__table__.c})
            ends[-1] |= {f"matter.{c.name}": getattr(matter, c.name) for c in Matter.__table__.c}
            stored = columns_of(session, task_id)
            told.append(
                [
                    (s.table.name, sorted(k for k in row if not k.startswith(("matter_ver", "known_"))))
                    for s, rows in noted
                    if s is not None
                    for row in rows
                ]
            )
            assert stored == ends[-1]
            session.rollback()
        assert columns(database, task_id) == begun
    assert ends[0] == ends[1]
    assert sorted(told[0]) == sorted(told[1])


def columns_of(session: Session, task_id: int) -> dict[str, Any]:
    """What the database has for the row, asked past every object."""
    connection = session.connection()
    task = connection.execute(select(Task.__table__).where(Task.id == task_id)).one()
    matter = connection.execute(select(Matter.__table__).where(Matter.id == task.matter_id)).one()
    return {f"task.{k}": v for k, v in task._asdict().items()} | {f"matter.{k}": v for k, v in matter._asdict().items()}


def test_another_s_change_of_a_versioned_row_is_a_conflict(database: Database, task_id: int) -> None:
    with pytest.raises(Conflict), database.transaction() as session:
        _, matter = both(session, task_id)
        matter.title = "mine"
        session.connection().execute(update(Matter).values(version=matter.version + 7))
    assert columns(database, task_id)["m_title"] != "mine"


def test_the_rest_is_left_to_the_unit_of_work(database: Database, task_id: int) -> None:
    with database.transaction() as session:
        task, matter = both(session, task_id)
        assert plain_rows.write(session, [])
        with session.begin_nested():
            task.name = "in a savepoint"
            assert not plain_rows.write(session, session.dirty)
        # Another key than a number, and a value that the database works out.
        stream = session.scalars(select(AuditStream).limit(1)).one()
        seq = stream.seq
        stream.seq += 1
        assert not plain_rows.write(session, session.dirty)
        stream.seq = seq
        matter.draft_version = Matter.draft_version + 1
        was = columns_of(session, task_id)["matter.draft_version"]
        assert not plain_rows.write(session, session.dirty)
        session.flush()
        assert columns_of(session, task_id)["matter.draft_version"] == was + 1
        # Together with something new.
        new = Notification(
            event="x", pool="office:1", payload={}, state="PENDING", dedupe_key="q:1", created_at=clock.now()
        )
        session.add(new)
        task.name = "together"
    assert new.id
    assert columns(database, task_id)["name"] == "together"


def test_a_savepoint_undone_takes_the_object_back(database: Database, task_id: int) -> None:
    with database.transaction() as session:
        task, _ = both(session, task_id)
        task.name = "before"
        session.flush()
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            task.name = "within"
            session.flush()
            raise ZeroDivisionError
        assert task.name == "before"
    assert columns(database, task_id)["name"] == "before"


def test_attaching_overwrites_what_was_known_and_reads_the_rest_when_asked(database: Database, task_id: int) -> None:
    table = Task.__table__.c
    some = plain_rows.Read(Task, (table.id, table.name, table.state, table.matter_id))
    with database.transaction() as session:
        known = session.get_one(Task, task_id)
        known.state = TaskState.CLAIMED
        session.flush()
        row = (task_id, "as it is now", TaskState.OPEN, known.matter_id, "left over")
        told = iter(row)
        again = some.attach(session, told)
        assert again is known
        assert (again.name, again.state, next(told)) == ("as it is now", TaskState.OPEN, "left over")
        assert not session.is_modified(again)
        session.rollback()
    with database.transaction() as session:
        fresh = some.attach(session, iter(row))
        assert fresh in session and not session.is_modified(fresh)
        assert (fresh.name, fresh.element_id) == ("as it is now", columns(database, task_id)["element_id"])
        assert session.get_one(Task, task_id) is fresh
        fresh.name = "changed"
    assert columns(database, task_id)["name"] == "changed"
