"""Writes wait for one another on PostgreSQL: in order, heard before the commit, gone with what is undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, delete, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from decision_flow import clock, tasks
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict
from decision_flow.models import Notification, NotificationState
from decision_flow.prepared import Prepared
from decision_flow.write_behind import WAITS
from tests.core.test_tasks import answers, person, standing

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database", ["postgresql"], indirect=True),
]
ASKED = Prepared(select(Notification.id).where(Notification.dedupe_key == bindparam("key")))
NOTE = insert(Notification).inline().execution_options(**WAITS)


def note(key: str) -> dict[str, Any]:
    return {
        "event": "task.opened", "pool": "office:1", "payload": {}, "state": NotificationState.PENDING,
        "dedupe_key": key, "created_at": clock.now(),
    }  # fmt: skip


def keys(database: Database) -> list[str]:
    with database.transaction(read_only=True) as session:
        mine = Notification.dedupe_key.startswith("wb:")
        return list(session.scalars(select(Notification.dedupe_key).where(mine).order_by(Notification.id)))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the driver, statement by statement, and each wait for answers (?)."""
    seen: list[str] = []
    executed, fetched, left = psycopg.Cursor.execute, psycopg.Cursor.fetchall, psycopg.Pipeline.__exit__

    def execute(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
        seen.append(str(query).partition(" ")[0])
        return executed(cursor, query, *given, **more)

    def fetchall(cursor: Any) -> Any:
        # Of an answer that came when a pipeline was left there is nothing to wait for.
        if cursor.pgresult is None:
            seen.append("?")
        return fetched(cursor)

    def leave(pipeline: Any, *error: Any) -> None:
        seen.append("?")
        left(pipeline, *error)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    monkeypatch.setattr(psycopg.Cursor, "fetchall", fetchall)
    monkeypatch.setattr(psycopg.Pipeline, "__exit__", leave)
    return seen


@pytest.fixture
def grown(database: Database) -> Database:
    """A database whose first connection has been made: what it asks of the server is not counted."""
    with database.transaction(read_only=True) as session:
        session.execute(text("SELECT 1"))
    return database


def test_writes_go_with_the_first_answer_and_with_the_commit(grown: Database, sent: list[str]) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:1"))
        session.connection().execute(NOTE, [note("wb:2"), note("wb:3")])
        # They are on their way, and nobody waits.
        assert sent == ["BEGIN", "INSERT", "INSERT", "INSERT"]
        assert session.scalar(select(Notification.id).where(Notification.dedupe_key == "wb:3"))
        assert sent == ["BEGIN", "INSERT", "INSERT", "INSERT", "SELECT", "?"]
        sent.clear()
        session.connection().execute(NOTE, note("wb:4"))
    assert sent == ["INSERT", "COMMIT", "?"]
    assert keys(grown) == ["wb:1", "wb:2", "wb:3", "wb:4"]


def test_a_transaction_that_asks_nothing_sends_nothing(grown: Database, sent: list[str]) -> None:
    with grown.transaction():
        pass
    assert sent == []


def test_a_commit_waits_for_the_rows_that_must_be_there(grown: Database, sent: list[str]) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:5"))
    with grown.transaction() as session:
        session.scalars(select(Notification).where(Notification.dedupe_key == "wb:5")).one().attempts = 1
        sent.clear()
    assert sent == ["UPDATE", "?"]


def twice(session: Session) -> None:
    session.connection().execute(NOTE, [note("wb:9"), note("wb:9")])


def gone(session: Session) -> None:
    # Somebody else takes the row away between the reading and the writing.
    row = session.scalars(select(Notification).where(Notification.dedupe_key == "wb:0")).one()
    row.attempts = 5
    session.connection().execute(delete(Notification).where(Notification.dedupe_key == "wb:0"))


@pytest.mark.parametrize("wrong", [twice, gone])
def test_what_goes_wrong_is_told_and_nothing_stays(grown: Database, wrong: Callable[[Session], None]) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:0"))
    with pytest.raises(Conflict), grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:8"))
        wrong(session)
    assert keys(grown) == ["wb:0"]


def test_a_savepoint_takes_along_what_waits_and_drops_what_came_after(grown: Database) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:1"))
        with pytest.raises(IntegrityError), session.begin_nested():
            session.connection().execute(NOTE, [note("wb:2"), note("wb:2")])
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.connection().execute(NOTE, note("wb:3"))
            raise ZeroDivisionError
        with session.begin_nested():
            session.connection().execute(NOTE, note("wb:4"))
    assert keys(grown) == ["wb:1", "wb:4"]


def test_what_waited_for_a_rollback_is_not_sent_with_the_next(grown: Database) -> None:
    with pytest.raises(ZeroDivisionError), grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:1"))
        raise ZeroDivisionError
    with pytest.raises(ProgrammingError), grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:2"))
        session.execute(text("SELECT nothing FROM nowhere"))
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:3"))
    assert keys(grown) == ["wb:3"]


def test_a_count_that_is_asked_for_is_the_true_one(grown: Database) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, [note(f"wb:{number}") for number in range(3)])
        mine = update(Notification).where(Notification.dedupe_key.startswith("wb:")).values(attempts=1)
        assert session.execute(mine).rowcount == 3  # type: ignore[attr-defined]
        none = update(Notification).where(Notification.dedupe_key == "nobody").values(attempts=1)
        assert session.execute(none).rowcount == 0  # type: ignore[attr-defined]


def test_many_rows_go_the_drivers_own_way(grown: Database) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:0"))
        session.connection().execute(NOTE, [note(f"wb:{number}") for number in range(1, 200)])
    assert keys(grown) == [f"wb:{number}" for number in range(200)]


def test_what_is_more_than_a_socket_holds_goes_out_in_order(grown: Database) -> None:
    prepared = Prepared(NOTE, note(""))
    with grown.transaction() as session:
        for number in range(600):
            prepared.write(session.connection(), [note(f"wb:{number}") | {"payload": {"text": "字" * 8000}}])
        assert (
            len(session.scalars(select(Notification.id).where(Notification.dedupe_key.startswith("wb:"))).all()) == 600
        )
    assert keys(grown) == [f"wb:{number}" for number in range(600)]


def test_what_went_wrong_before_is_told_by_whoever_asks_next(grown: Database) -> None:
    with pytest.raises(Conflict), grown.transaction() as session:
        twice(session)
        session.connection().execute(NOTE, note("wb:1"))
        ASKED.rows(session.connection(), {"key": "wb:1"})
    assert keys(grown) == []
    # The same connection, from the pool.
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:2"))
        assert len(ASKED.rows(session.connection(), {"key": "wb:2"})) == 1
    assert keys(grown) == ["wb:2"]


def test_a_server_that_goes_away_is_told_and_the_next_transaction_has_another(grown: Database) -> None:
    with pytest.raises(DBAPIError), grown.transaction() as session:
        gone = session.scalar(text("SELECT pg_backend_pid()"))
        session.connection().execute(NOTE, note("wb:1"))
        with grown.transaction(read_only=True) as other:
            other.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": gone})
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:2"))
    assert keys(grown) == ["wb:2"]


def test_a_snapshot_sees_one_moment_also_on_a_connection_that_wrote(grown: Database) -> None:
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:1"))
    counted = select(Notification.dedupe_key).where(Notification.dedupe_key.startswith("wb:"))
    with grown.snapshot() as steady:
        assert len(steady.scalars(counted).all()) == 1
        with grown.transaction() as session:
            session.connection().execute(NOTE, note("wb:2"))
        assert len(steady.scalars(counted).all()) == 1
        with pytest.raises(Exception, match="read-only"):
            steady.execute(insert(Notification).values(note("wb:3")))
    assert len(keys(grown)) == 2
    with grown.transaction() as session:
        session.connection().execute(NOTE, note("wb:4"))
    assert len(keys(grown)) == 3


def test_a_completion_waits_for_its_server_twice(database: Database, files: FileStore, sent: list[str]) -> None:
    task = standing(database, cases.OTHERS[0](database, files).matter_id)
    office, given = person(database, "zhoukai"), answers(database, task)
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _: commits.append(1))
    sent.clear()
    with database.transaction() as session:
        tasks.complete(session, office, task.id, given)
    # For the lock, and for everything else with the commit.
    assert sent[:3] == ["BEGIN", "SELECT", "?"] and sent[-2:] == ["COMMIT", "?"], sent
    assert sent.count("?") == 2 and sent.count("SELECT") == 1 and commits == [1]
