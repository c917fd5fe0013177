"""The whole inbox page of a person with 2,000 open tasks: among 2,000 rows, and among 1,000,000."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import insert, select, text

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.models import Matter, Organisation, PolicyVersion, ProcedureVersion, Task, User
from scripts.benchmarks.harness import Figures, Person, Server, fill, milliseconds

MINE, ALL = 2_000, 1_000_000
PAGES = {
    "first page": "/inbox?tab=todo",
    "search": "/inbox?tab=todo&text=%E9%81%93%E8%B7%AF+7",
    "last page": f"/inbox?tab=todo&page={MINE // 20}",
}


def run(url: str) -> Figures:
    database = fill(url)
    figures: Figures = {}
    for label, rows in (("small", MINE), ("large", ALL)):
        _insert(database, rows)
        server = Server(url)
        try:
            reviewer = Person(server, "wangmin")
            for name, path in PAGES.items():
                for _ in range(5):
                    assert reviewer.get(path)[0] == 200
                times = []
                for _ in range(40):
                    begun = time.perf_counter()
                    reviewer.get(path)
                    times.append(time.perf_counter() - begun)
                figures[f"{name}, {label}: p50, ms"] = milliseconds(times)[0]
        finally:
            server.stop()
    for name in PAGES:
        figures[f"{name}: ratio large to small"] = (
            figures[f"{name}, large: p50, ms"] / figures[f"{name}, small: p50, ms"]
        )
    database.dispose()
    return figures


def _insert(database: Database, total: int) -> None:
    """Bring the task table to `total` rows: the first 2,000 are the reviewer's, the others lie in other pools."""
    with database.transaction() as session:
        have = session.execute(text("SELECT count(*) FROM task WHERE token LIKE 'bench%'")).scalar() or 0
        reviewer = session.scalars(select(User.id).where(User.username == "wangmin")).one()
        organ = session.scalars(select(Organisation.id).where(Organisation.name == "清河镇人民政府")).one()
        version = session.scalars(select(ProcedureVersion.id)).first()
        base: dict[str, Any] = {
            "status": "RUNNING",
            "registered_at": clock.now(),
            "policy_digest": session.scalars(select(PolicyVersion.digest)).first(),
            "draft_version": 0,
            "state": b"",
            "version": 1,
        }
        for start in range(have, total, 20_000):
            numbers = range(start, min(start + 20_000, total))
            session.execute(insert(Matter), [
                {**base, "number": f"B-{n}", "title": f"道路 {n} 改造", "procedure_version_id": version, "organ_id": organ,
                 "passed": {}} for n in numbers
            ])  # fmt: skip
            ids = (
                dict(
                    session.execute(
                        select(Matter.number, Matter.id).where(Matter.number.in_([f"B-{n}" for n in numbers]))
                    ).all()
                )
                if len(numbers) <= 2000
                else None
            )
            first = session.execute(text("SELECT max(id) FROM matter")).scalar() - len(numbers) + 1
            session.execute(insert(Task), [
                {"matter_id": ids[f"B-{n}"] if ids else first + n - start, "token": f"bench{n}", "element_id": "x", "process": "x",
                 "name": "合法性审查", "name_en": "", "basis": "", "role_code": "legality_reviewer", "organisation_id": organ,
                 "pool": f"legality_reviewer:{organ}" if n < MINE else f"other:{n % 5000}",
                 "assignee_id": reviewer if n < MINE else None, "state": "CLAIMED" if n < MINE else "OPEN",
                 "received_at": clock.now(), "due_at": clock.now(), "due_rule": "", "due_explanation": "", "completed_as": ""}
                for n in numbers
            ])  # fmt: skip
    with database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit() if not database.is_sqlite else None
