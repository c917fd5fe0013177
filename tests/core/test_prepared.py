"""Prepared statements say and do what the same statements do by way of SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.db import Database, on_write
from decision_flow.errors import Conflict
from decision_flow.models import Matter, Notification, NotificationState
from decision_flow.prepared import Prepared

GIVEN = ("event", "recipient_id", "pool", "payload", "state", "dedupe_key", "created_at")
NEW = Prepared(insert(Notification).inline(), GIVEN)
NEW_ID = Prepared(insert(Notification).returning(Notification.id), GIVEN)
MARK = Prepared(update(Notification).where(Notification.dedupe_key == bindparam("key")), ("state", "last_error"))
OF_KEY = select(Notification.__table__).where(Notification.dedupe_key == bindparam("key"))
STATES = Prepared(
    select(Notification.state.label("how"), Notification.created_at)
    .where(Notification.pool == "office:1", Notification.dedupe_key == bindparam("key"))
    .order_by(Notification.id)
)


def notice(key: str, **more: Any) -> dict[str, Any]:
    return {
        "event": "task.opened", "recipient_id": None, "pool": "office:1", "payload": {"标题": ["渡口", None, True, 1.5]},
        "state": NotificationState.PENDING, "dedupe_key": key, "created_at": clock.now(), **more,
    }  # fmt: skip


def rows(database: Database, key: str) -> list[Any]:
    with database.transaction(read_only=True) as session:
        return [row._asdict() for row in session.connection().execute(OF_KEY, {"key": key})]


def test_a_row_is_what_sqlalchemy_would_have_written_and_read(database: Database) -> None:
    given = notice("p:1")
    with database.transaction() as session:
        session.connection().execute(insert(Notification).inline(), [given])
        NEW.write(session.connection(), [given | {"dedupe_key": "p:2"}])
        (made,) = NEW_ID.rows(session.connection(), given | {"dedupe_key": "p:3"})
    told = [rows(database, key)[0] for key in ("p:1", "p:2", "p:3")]
    assert told[2]["id"] == made.id
    assert [{**row, "id": 0, "dedupe_key": ""} for row in told] == [{**told[0], "id": 0, "dedupe_key": ""}] * 3
    with database.transaction(read_only=True) as session:
        (by_name,) = STATES.rows(session.connection(), {"key": "p:2"})
        (whole,) = Prepared(OF_KEY).rows(session.connection(), {"key": "p:2"})
        assert STATES.rows(session.connection(), {"key": "nowhere"}) == []
    assert (by_name.how, by_name.created_at) == (NotificationState.PENDING, given["created_at"])
    assert whole._asdict() == told[1]


def test_whoever_watches_sees_it(database: Database) -> None:
    sent: list[str] = []
    noted: list[tuple[Any, list[Any]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement.partition(" ")[0])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with database.transaction() as session:
            on_write(session, lambda statement, given: noted.append((statement, [row["dedupe_key"] for row in given])))
            NEW.write(session.connection(), [notice("p:4"), notice("p:5")])
            NEW_ID.rows(session.connection(), notice("p:6"))
            STATES.rows(session.connection(), {"key": "p:4"})
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert [word for word in sent if not word.startswith("BEGIN")] == ["INSERT", "INSERT", "SELECT"]
    assert noted == [(NEW.statement, ["p:4", "p:5"]), (NEW_ID.statement, ["p:6"])]


def twice(session: Session) -> None:
    NEW.write(session.connection(), [notice("p:7"), notice("p:7")])


def twice_and_asked(session: Session) -> None:
    twice(session)
    STATES.rows(session.connection(), {"key": "p:7"})


def nowhere(session: Session) -> None:
    sent = {"key": "p:nowhere", "state": NotificationState.PENDING, "last_error": ""}
    MARK.write(session.connection(), [sent], must_be_there=True)


@pytest.mark.parametrize("wrong", [twice, twice_and_asked, nowhere])
def test_what_goes_wrong_is_told_as_elsewhere_and_nothing_stays(
    database: Database, wrong: Callable[[Session], None]
) -> None:
    with pytest.raises(Conflict), database.transaction() as session:
        NEW.write(session.connection(), [notice("p:8")])
        wrong(session)
    assert rows(database, "p:7") == rows(database, "p:8") == []
    with database.transaction() as session:
        NEW.write(session.connection(), [notice("p:8")])
    assert len(rows(database, "p:8")) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_the_driver_refuses_is_told_as_elsewhere(database: Database) -> None:
    with pytest.raises(DBAPIError, match="NUL"), database.transaction() as session:
        NEW.write(session.connection(), [notice("p:7", event="\x00")])
    assert rows(database, "p:7") == []


def test_many_rows_go_together(database: Database) -> None:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement.partition(" ")[0])

    given = [notice(f"p:many:{number}", payload={"第": number}) for number in range(120)]
    event.listen(database.engine, "before_cursor_execute", note)
    with database.transaction() as session:
        NEW.write(session.connection(), given)
    event.remove(database.engine, "before_cursor_execute", note)
    assert sent.count("INSERT") == 3
    with database.transaction(read_only=True) as session:
        mine = Notification.dedupe_key.startswith("p:many:")
        found = session.scalars(select(Notification).where(mine).order_by(Notification.id)).all()
        assert [(one.dedupe_key, one.payload, one.attempts) for one in found] == [
            (one["dedupe_key"], one["payload"], 0) for one in given
        ]


def test_what_is_missing_is_not_guessed(database: Database) -> None:
    given = notice("p:9")
    del given["payload"]
    with pytest.raises(KeyError, match="payload"), database.transaction() as session:
        NEW.write(session.connection(), [given])
    # Only what is the same for every row can be left out.
    with pytest.raises(KeyError, match=r"title|passed"), database.transaction() as session:
        Prepared(insert(Matter).inline(), ("number", "title")).write(session.connection(), [{"number": "1"}])
