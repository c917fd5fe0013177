"""Completing a task over HTTP, against a bare transaction with the same writes in the same run."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select, text

from decision_flow import clock, identity, matters
from decision_flow.db import Database
from decision_flow.demo import answers
from decision_flow.models import Matter, Organisation, Task, User
from scripts.benchmarks.harness import Figures, Person, Server, fill, milliseconds

ROUNDS = 1000


def run(url: str) -> Figures:
    database = fill(url)
    first = _register(database, ROUNDS)
    server = Server(url)
    try:
        office = Person(server, "zhoukai")
        fields = _fields(database)
        bare = _Bare(database)
        over_http: list[float] = []
        yardstick: list[float] = []
        for task_id in first:
            fields["matter_name"] = f"停车收费管理办法第{task_id}号"
            # Nobody answers a form without having opened its page.
            assert office.get(f"/tasks/{task_id}")[0] == 200
            begun = time.perf_counter()
            status, page = office.post(f"/tasks/{task_id}", fields)
            over_http.append(time.perf_counter() - begun)
            assert status == 302, page[:2000]
            yardstick.append(bare.transaction())
        p50, p95 = milliseconds(over_http)
        bare50, bare95 = milliseconds(yardstick)
        return {
            "complete over HTTP p50, ms": p50,
            "complete over HTTP p95, ms": p95,
            "bare transaction p50, ms": bare50,
            "bare transaction p95, ms": bare95,
            "ratio p50": p50 / bare50,
            f"server memory after {ROUNDS}, MB": server.memory_mb(),
        }
    finally:
        server.stop()
        database.dispose()


def _register(database: Database, count: int) -> list[int]:
    """Register matters through the operation; return the ids of the tasks that wait for the office."""
    given: dict[str, Any] = {
        "suggestion_source": "department", "proposer_name": "办公室", "proposer_contact": "0871",
        "received_date": clock.today().isoformat(), "matter_category": "public_policy", "exclusion_type": "none",
        "contains_state_secret": False,
        "summary": "为解决群众反映集中的停车问题，经调研提出管理办法，建议列为重大行政决策事项办理。",
    }  # fmt: skip
    for number in range(count):
        with database.transaction() as session:
            user = session.scalars(select(User).where(User.username == "wuting")).one()
            actor = identity.actor_of(session, user)
            organ = session.scalars(select(Organisation).where(Organisation.name == "清河镇人民政府")).one()
            matters.register(
                session, actor, "major_decision", organ.id, {**given, "matter_name": f"停车收费管理办法{number}"}
            )
    with database.transaction(read_only=True) as session:
        return list(
            session.scalars(select(Task.id).where(Task.element_id == "T_major_decision_01", Task.state == "OPEN"))
        )


def _fields(database: Database) -> dict[str, str]:
    with database.transaction(read_only=True) as session:
        task = session.scalars(select(Task).where(Task.form == "F-01", Task.state == "COMPLETED").limit(1)).one()
        return {
            name: {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
            for name, value in task.submission.items()
        }


class _Bare:
    """The same writes without any product: update a state, close a task, open one, add one event, commit."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        with database.transaction(read_only=True) as session:
            self.state = session.scalars(select(Matter.state).limit(1)).one()
        with self.engine.begin() as connection:
            kind = "BLOB" if database.is_sqlite else "BYTEA"
            key = "INTEGER PRIMARY KEY" if database.is_sqlite else "SERIAL PRIMARY KEY"
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS bare_state (id {key}, state {kind})"))
            connection.execute(
                text(f"CREATE TABLE IF NOT EXISTS bare_task (id {key}, name TEXT, state TEXT, answers TEXT)")
            )
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS bare_event (id {key}, canonical TEXT)"))
            connection.execute(text("INSERT INTO bare_state (state) VALUES (:s)"), {"s": self.state})
            connection.execute(text("INSERT INTO bare_task (name, state) VALUES ('a', 'OPEN')"))

    def transaction(self) -> float:
        answered = answers.LONG * 4
        begun = time.perf_counter()
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE bare_state SET state = :s WHERE id = 1"), {"s": self.state})
            connection.execute(
                text("UPDATE bare_task SET state = 'DONE', answers = :a WHERE state = 'OPEN'"), {"a": answered}
            )
            connection.execute(text("INSERT INTO bare_task (name, state) VALUES ('b', 'OPEN')"))
            connection.execute(text("INSERT INTO bare_event (canonical) VALUES (:c)"), {"c": answered})
        return time.perf_counter() - begun
