"""Two people at two server processes over one database press at the same moment."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from decision_flow import audit, clock
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.models import Appointment, AuditEvent, Task, User
from scripts.benchmarks.harness import Person, Server
from tests.core.test_tasks import REGISTERED, answers, standing


def colleague(database: Database, username: str, of: str) -> None:
    """Appoint `username` to every post that `of` holds."""
    with database.transaction() as session:
        ids = dict(session.execute(select(User.username, User.id).where(User.username.in_((username, of)))).all())
        for post_id in session.scalars(select(Appointment.post_id).where(Appointment.user_id == ids[of])).all():
            session.add(
                Appointment(user_id=ids[username], post_id=post_id, starts_on=clock.today() - timedelta(days=1))
            )


@pytest.mark.timeout(120)
def test_of_two_who_complete_one_task_one_wins_and_the_other_is_told(database: Database, files: FileStore) -> None:
    colleague(database, "linyue", of="zhoukai")
    task = standing(database, cases.OTHERS[REGISTERED](database, files).matter_id)
    given = answers(database, task)
    fields = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    servers = [Server(database.url), Server(database.url)]
    try:
        people = [Person(server, name) for server, name in zip(servers, ("zhoukai", "linyue"), strict=True)]
        told: dict[str, tuple[int, str]] = {}
        ready = threading.Barrier(2)

        def press(person: Person, name: str) -> None:
            ready.wait()
            told[name] = person.post(f"/tasks/{task.id}", fields)

        threads = [
            threading.Thread(target=press, args=(person, name))
            for person, name in zip(people, ("zhoukai", "linyue"), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for server in servers:
            server.stop()
    assert sorted(status for status, _ in told.values()) == [302, 409]
    ((_, page),) = [answer for answer in told.values() if answer[0] == 409]
    with database.transaction(read_only=True) as session:
        done = session.get_one(Task, task.id)
        times = session.scalar(
            select(func.count())
            .select_from(AuditEvent)
            .where(AuditEvent.task_id == task.id, AuditEvent.event == "task.completed")
        )
        assert audit.verify(session, audit.matter_stream(task.matter_id)) is None
    assert times == 1
    # Who and when; and what the loser had typed is still in the page.
    assert done.completed_as in page and clock.today().isoformat() in page
    assert given["summary"] in page
