"""One tick over 1,000,000 waiting timers of which none is due: what it costs in the database, and what it loads."""

from __future__ import annotations

import os
import time
from typing import Any

from sqlalchemy import event, text

from decision_flow import notifications, timers
from decision_flow.db import Database
from scripts.benchmarks.harness import Figures, fill, milliseconds

COUNT = int(os.environ.get("DECISION_FLOW_BENCH_WAITING", "1000000"))


def run(url: str) -> Figures:
    database = fill(url)
    with database.transaction() as session:
        series = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n"
            if database.is_sqlite
            else "SELECT i FROM generate_series(1, :count) AS n(i)"
        )
        due = (
            "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+' || (1 + i % 700) || ' days')"
            if database.is_sqlite
            else "now() + (1 + i % 700) * interval '1 day'"
        )
        session.execute(
            text(
                "INSERT INTO timer (kind, due_at, rule, explanation, state, attempts, last_error, dedupe_key) "
                f"SELECT 'reminder', {due}, '', '', 'WAITING', 0, '', 'idle:' || i FROM ({series}) AS numbers"
            ),
            {"count": COUNT},
        )
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE timer"))
    statements: list[str] = []
    seconds: list[float] = []
    inside: list[float] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)
        connection.info["begun"] = time.perf_counter()

    @event.listens_for(database.engine, "after_cursor_execute")
    def took(connection: Any, *_: object) -> None:
        inside[-1] += time.perf_counter() - connection.info["begun"]

    for _ in range(50):
        inside.append(0.0)
        begun = time.perf_counter()
        with database.transaction() as session:
            claimed = timers.claim(session, "idle")
        with database.transaction() as session:
            notifications.spread(session)
        seconds.append(time.perf_counter() - begun)
        assert claimed == []
    median, slow = milliseconds(seconds)
    server = {} if database.is_sqlite else {"in the server alone (EXPLAIN ANALYZE) p50, ms": _in_server(database)}
    return {
        **server,
        "waiting timers": COUNT,
        "in the database p50, ms": milliseconds(inside)[0],
        "in the database p95, ms": milliseconds(inside)[1],
        "whole tick p50, ms": median,
        "whole tick p95, ms": slow,
        "statements per tick": len(statements) / 50,
        "statements that read a matter": sum(" matter" in statement.lower() for statement in statements),
    }


def _in_server(database: Database) -> float:
    """Return what the server itself says the two statements of an idle tick take: planning and execution."""
    taken: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        taken.append((statement, parameters))

    with database.transaction() as session:
        timers.claim(session, "idle")
        notifications.spread(session)
    event.remove(database.engine, "before_cursor_execute", note)
    totals = []
    with database.engine.connect() as connection:
        for _ in range(20):
            total = 0.0
            for statement, parameters in taken:
                (plan,) = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
                ).scalar_one()
                total += plan["Planning Time"] + plan["Execution Time"]
            totals.append(total / 1000)
        connection.rollback()
    return milliseconds(totals)[0]
