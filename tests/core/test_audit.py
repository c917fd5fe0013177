"""The trail: its bytes are pinned, every change is found, and the database itself refuses one."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from decision_flow import audit, identity, matters, migrations, tasks
from decision_flow.audit import SYSTEM, EventName
from decision_flow.config import Settings
from decision_flow.db import Base, Database
from decision_flow.demo import PASSWORD, cases
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, NotPermitted
from decision_flow.models import AuditEvent, Task, TaskState
from tests.core.registry import person

AT = datetime(2026, 5, 8, 1, 30, tzinfo=UTC)
GOLDEN = (
    '{"actor":{"display":"系统","id":null},"at":"2026-05-08T01:30:00.000000+00:00","event":"step.passed",'
    '"facts":{"步骤":"公布"},"format":2,"matter":null,"on_behalf_of":"镇长 李某",'
    f'"prev":"{"0" * 64}","prev_sm3":"{"0" * 64}","reason":"出差","result":"ok","rules":["R-32a"],"seq":1,'
    '"stream":"golden","task":null}'
)
GOLDEN_SHA256 = "9b45a087b447edf7b38d5b89b648132294e8e7a030ce378c5da502f34a40ffab"
GOLDEN_SM3 = "69a48f833739ecbb845bbde159c32bfa8d3b185295838554ce6c353592ffb565"


@pytest.fixture
def trail(database: Database) -> Database:
    with database.transaction() as session:
        for number in range(5):
            audit.append(session, "test", EventName.STEP_PASSED, actor=SYSTEM, facts={"n": number}, at=AT)
    return database


def test_the_canonical_form_is_pinned(database: Database) -> None:
    with database.transaction() as session:
        digest = audit.append(
            session,
            "golden",
            EventName.STEP_PASSED,
            actor=SYSTEM,
            facts={"步骤": "公布"},
            rules=["R-32a"],
            at=AT,
            on_behalf_of="镇长 李某",
            reason="出差",
        )
    with database.transaction(read_only=True) as session:
        stored = session.scalars(select(AuditEvent).where(AuditEvent.stream == "golden")).one()
        assert stored.canonical == GOLDEN
        assert stored.hash == digest == hashlib.sha256(GOLDEN.encode()).hexdigest() == GOLDEN_SHA256
        assert stored.sm3 == hashlib.new("sm3", GOLDEN.encode()).hexdigest() == GOLDEN_SM3


def test_an_untouched_stream_is_intact(trail: Database) -> None:
    with trail.transaction(read_only=True) as session:
        assert audit.verify(session, "test") is None
        assert audit.verify(session, "nobody") is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("UPDATE audit_event SET actor = 'x' WHERE stream = 'test' AND seq = 3", 3),
        ("UPDATE audit_event SET event = 'x' WHERE stream = 'test' AND seq = 2", 2),
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE stream = 'test' AND seq = 4", 4),
        ("UPDATE audit_event SET canonical = replace(canonical, '\"n\"\\:1', '\"n\"\\:9') WHERE stream = 'test'", 2),
        ("UPDATE audit_event SET hash = prev_hash WHERE stream = 'test' AND seq = 5", 5),
        ("UPDATE audit_event SET prev_hash = hash WHERE stream = 'test' AND seq = 3", 3),
        ("UPDATE audit_event SET sm3 = hash WHERE stream = 'test' AND seq = 3", 3),
        ("UPDATE audit_event SET sm3 = '' WHERE stream = 'test' AND seq = 3", 3),
        ("UPDATE audit_stream SET sm3 = head WHERE name = 'test'", 6),
        ("DELETE FROM audit_event WHERE stream = 'test' AND seq = 3", 4),
        ("DELETE FROM audit_event WHERE stream = 'test' AND seq = 5", 5),
        ("DELETE FROM audit_event WHERE stream = 'test' AND seq = 1", 2),
        ("UPDATE audit_stream SET seq = 4 WHERE name = 'test'", 6),
    ],
)
def test_every_change_is_found_and_named(trail: Database, change: str, place: int) -> None:
    with trail.engine.begin() as connection:
        _unguard(connection, trail)
        connection.execute(text(change))
    with trail.transaction(read_only=True) as session:
        broken = audit.verify(session, "test")
    assert broken is not None
    assert broken.seq == place
    assert broken.reason


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_changes(trail: Database, statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"), trail.engine.begin() as connection:
        connection.execute(text(statement))


def test_writers_side_by_side_leave_no_gap(trail: Database) -> None:
    def write() -> None:
        for number in range(10):
            with trail.transaction() as session:
                audit.append(session, "test", EventName.STEP_PASSED, actor=SYSTEM, facts={"n": number})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with trail.transaction(read_only=True) as session:
        assert audit.verify(session, "test") is None
        assert session.execute(text("SELECT seq FROM audit_stream WHERE name = 'test'")).scalar() == 45


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_who_holds_a_matter_and_who_holds_its_stream_do_not_wait_for_one_another(
    database: Database, files: FileStore, settings: Settings
) -> None:
    """An event names its matter and its author: writing it must not wait for a lock of them (SQLite has one writer)."""
    matter_id = cases.OTHERS[0](database, files).matter_id
    held, told = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            with database.transaction() as session:
                matters.lock(session, matter_id)
                identity.reauthenticate(session, who, PASSWORD, settings)
                held.set()
                audit.append(
                    session, audit.matter_stream(matter_id), EventName.STEP_PASSED, actor=SYSTEM, matter_id=matter_id
                )
        except BaseException as error:
            told.append(error)

    with database.transaction() as session:
        who = person(session, "wuting")
        refused = {"matter_id": matter_id, "result": "refused", "facts": {"told": "x"}}
        audit.append(session, audit.matter_stream(matter_id), EventName.ACTION_REFUSED, actor=who, **refused)
        worker = threading.Thread(target=work)
        worker.start()
        assert held.wait(20)
    worker.join()
    assert told == []
    with database.transaction(read_only=True) as session:
        assert audit.verify(session, audit.matter_stream(matter_id)) is None


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_whoever_takes_up_a_task_waits_for_its_stream_and_holds_up_nobody(database: Database, files: FileStore) -> None:
    matter_id = cases.OTHERS[0](database, files).matter_id
    with database.transaction(read_only=True) as session:
        standing = Task.state.in_((TaskState.OPEN, TaskState.CLAIMED))
        task_id = session.scalars(select(Task.id).where(Task.matter_id == matter_id, standing)).first()
    told = list[Exception]()

    def work() -> None:
        try:
            with database.transaction() as session:
                tasks.release(session, person(session, "zhoukai"), task_id)
        except (NotPermitted, Conflict):
            pass  # whose task it is is not the question
        except Exception as error:
            told.append(error)

    with database.transaction() as session:
        who = person(session, "wuting")
        refused = {"matter_id": matter_id, "task_id": task_id, "result": "refused", "facts": {"told": "x"}}
        audit.append(session, audit.matter_stream(matter_id), EventName.ACTION_REFUSED, actor=who, **refused)
        worker = threading.Thread(target=work)
        worker.start()
        # Asked on a connection of its own: within a transaction the answer would stay what it was at first.
        waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        with database.reading() as connection:
            while worker.is_alive() and not connection.execute(waiting).all():
                pass
    worker.join()
    assert told == []


def test_models_equal_migrations_and_every_downgrade_runs(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    assert found == []
    migrations.downgrade(database, "base")
    migrations.upgrade(database)


def _unguard(connection, database: Database) -> None:
    if database.is_sqlite:
        for act in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_event_no_{act}"))
    else:
        connection.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
