"""Commands on tasks: one wins, the other is told; nothing is ever half done; the statements are counted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from decision_flow import audit, clock, identity, inbox, matters, task_views, tasks, wording
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted
from decision_flow.identity import Actor
from decision_flow.inbox import InboxQuery
from decision_flow.models import Matter, Notification, Task, Timer, User

REGISTERED = 0  # index in cases.OTHERS of a matter that rests at its registration by the office


def person(database: Database, username: str) -> Actor:
    with database.transaction(read_only=True) as session:
        return identity.actor_of(session, session.scalars(select(User).where(User.username == username)).one())


def standing(database: Database, matter_id: int) -> Task:
    with database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.matter_id == matter_id, Task.state.in_(("OPEN", "CLAIMED")))
        ).one()


def answers(database: Database, task: Task) -> dict[str, Any]:
    with database.transaction(read_only=True) as session:
        view = task_views.view(session, person(database, "zhoukai"), task.id)
        return dict(view.values)


@pytest.fixture
def rest(database: Database, files: FileStore) -> Task:
    play = cases.OTHERS[REGISTERED](database, files)
    return standing(database, play.matter_id)


def test_claim_release_and_complete(database: Database, rest: Task) -> None:
    office, stranger = person(database, "zhoukai"), person(database, "chenbin")
    with pytest.raises(NotPermitted), database.transaction() as session:
        tasks.claim(session, stranger, rest.id)
    with database.transaction() as session:
        assert tasks.claim(session, office, rest.id).state == "CLAIMED"
    with database.transaction() as session:
        tasks.claim(session, office, rest.id)  # twice does no harm
    with database.transaction() as session:
        assert tasks.release(session, office, rest.id).state == "OPEN"
    with database.transaction() as session:
        done = tasks.complete(session, office, rest.id, answers(database, rest))
        assert [task.element_id for task in done.opened] == ["T_major_decision_03"]
    with pytest.raises(Conflict, match="周凯"), database.transaction() as session:
        tasks.complete(session, office, rest.id, answers(database, rest))


def test_a_wrong_answer_changes_nothing(database: Database, rest: Task) -> None:
    office = person(database, "zhoukai")
    with pytest.raises(Invalid) as error, database.transaction() as session:
        tasks.complete(session, office, rest.id, {**answers(database, rest), "summary": "短", "received_date": "x"})
    assert set(error.value.errors) == {"summary", "received_date"}
    assert standing(database, rest.matter_id).state == "OPEN"


def test_a_transfer_needs_a_reason_and_a_colleague(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[1](database, files)
    task = standing(database, play.matter_id)
    holder = person(database, "wuting")
    with pytest.raises(Invalid) as error, database.transaction() as session:
        tasks.transfer(session, holder, task.id, 1, " ")
    assert set(error.value.errors) == {"reason", "to_user_id"}
    with database.transaction() as session:
        (colleague, *_) = tasks.transfer_candidates(session, holder, task)
        moved = tasks.transfer(session, holder, task.id, colleague[0], "下乡三天")
        assert moved.assignee_id == colleague[0]
    with database.transaction(read_only=True) as session:
        notice = session.scalars(select(Notification).where(Notification.event == "task.transferred")).one()
        assert (notice.recipient_id, notice.task_id) == (colleague[0], task.id)
        assert wording.say(notice.event, notice.payload).body.endswith("原因：下乡三天")
        assert task_views.view(session, holder, task.id).handed == task_views.Handed(holder.display, "下乡三天")


def test_a_draft_is_kept_and_prefills_the_page(database: Database, rest: Task) -> None:
    office = person(database, "zhoukai")
    with database.transaction() as session:
        tasks.claim(session, office, rest.id)
        tasks.save_draft(session, office, rest.id, {"summary": "半句"})
    with database.transaction(read_only=True) as session:
        assert task_views.view(session, office, rest.id).values == {"summary": "半句"}


def test_others_do_not_see_the_matter(database: Database, rest: Task) -> None:
    for username in ("shaojun", "lvping"):
        with database.transaction(read_only=True) as session:
            actor = person(database, username)
            if username == "lvping":
                assert matters.get(session, actor, rest.matter_id).id == rest.matter_id
            else:
                with pytest.raises(NotFound):
                    matters.get(session, actor, rest.matter_id)


def test_two_at_the_same_moment_one_wins(database: Database, rest: Task) -> None:
    office = person(database, "zhoukai")
    told: list[object] = []
    ready = threading.Barrier(2)
    given = answers(database, rest)

    def act() -> None:
        ready.wait()
        try:
            with database.transaction() as session:
                told.append(tasks.complete(session, office, rest.id, given))
        except Conflict as error:
            told.append(error)

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(entry).__name__ for entry in told) == ["Completed", "Conflict"]
    (loser,) = (entry for entry in told if isinstance(entry, Conflict))
    assert "周凯" in str(loser)
    assert clock.today().isoformat() in str(loser)


def test_a_completion_costs_few_statements_and_one_commit(database: Database, rest: Task) -> None:
    office, given = person(database, "zhoukai"), answers(database, rest)
    statements: list[str] = []
    commits: list[int] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    event.listen(database.engine, "commit", lambda _: commits.append(1))
    with database.transaction() as session:
        tasks.complete(session, office, rest.id, given)
    event.remove(database.engine, "before_cursor_execute", count)
    assert len(statements) <= 12, "\n".join(statement[:100] for statement in statements)
    assert sum(commits) == 1


def test_the_inbox_counts_and_finds(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    reviewer = person(database, "wangmin")
    task = standing(database, play.matter_id)
    with database.transaction(read_only=True) as session:
        page = inbox.inbox(session, reviewer, InboxQuery(text="校车"))
        assert [row.task_id for row in page.rows] == [task.id]
        assert page.counters.todo == 1
        assert inbox.inbox(session, reviewer, InboxQuery(text="%")).total == 0
        assert inbox.inbox(session, reviewer, InboxQuery(page=99)).page == 1
        assert inbox.inbox(session, reviewer, InboxQuery(tab="done")).total == 1
    assert task.due_at is not None
    with clock.pretend(task.due_at + timedelta(days=1)), database.transaction(read_only=True) as session:
        assert inbox.inbox(session, reviewer, InboxQuery(due="overdue")).total == 1
        assert inbox.inbox(session, reviewer, InboxQuery()).counters.overdue == 1


def _complete_in_a_process(url: str, task_id: int, given: dict[str, Any], delay: float) -> None:
    database = Database(url)
    office = person(database, "zhoukai")

    def slow(*_: Any) -> None:
        time.sleep(delay)

    # Every statement waits a little, so that the kill lands somewhere in the middle.
    event.listen(database.engine, "after_cursor_execute", slow)
    with database.transaction() as session:
        tasks.complete(session, office, task_id, given)


@pytest.mark.parametrize("after", [0.02, 0.06, 0.1, 0.14, 0.18, 0.22, 0.3, 0.5])
def test_killed_in_the_middle_it_is_before_or_after(database: Database, rest: Task, after: float) -> None:
    given = answers(database, rest)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_complete_in_a_process, args=(database.url, rest.id, given, 0.01))
    process.start()
    # The child first imports and connects; what matters is the time since it holds the lock.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.is_alive() and not _is_working(database, rest):
        time.sleep(0.005)
    time.sleep(after)
    if process.pid and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    with database.transaction() as session:
        task = session.get_one(Task, rest.id)
        matter = matters.lock(session, rest.matter_id)
        opened = set(session.scalars(select(Task.element_id).where(Task.matter_id == matter.id, Task.state == "OPEN")))
        done = session.scalar(
            select(func.count())
            .select_from(audit.AuditEvent)
            .where(audit.AuditEvent.task_id == rest.id, audit.AuditEvent.event == "task.completed")
        )
        assert audit.verify(session, audit.matter_stream(matter.id)) is None
        whole = (task.state, opened, done)
    assert whole in (
        ("OPEN", {"T_major_decision_01"}, 0),
        ("COMPLETED", {"T_major_decision_03"}, 1),
    )
    if whole[0] == "OPEN":
        with database.transaction() as session:
            tasks.complete(session, person(database, "zhoukai"), rest.id, given)
    with database.transaction(read_only=True) as session:
        assert (
            session.scalar(
                select(func.count()).select_from(Timer).where(Timer.task_id == rest.id, Timer.state == "WAITING")
            )
            == 0
        )
        assert session.get_one(Matter, rest.matter_id).status == "RUNNING"


def _is_working(database: Database, rest: Task) -> bool:
    """Whether another transaction holds the matter's row (PostgreSQL) or the write lock (SQLite)."""
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        if database.is_sqlite:
            cursor.execute("PRAGMA busy_timeout=0")
            try:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("ROLLBACK")
            except Exception:
                return True
            finally:
                cursor.execute("PRAGMA busy_timeout=30000")
            return False
        cursor.execute("SELECT 1 FROM matter WHERE id = %s FOR UPDATE SKIP LOCKED", (rest.matter_id,))
        locked = cursor.fetchone() is None
        connection.rollback()
        return locked
    finally:
        connection.close()
