"""The auditor's desk over HTTP: each page among 10,000 events, and among `DECISION_FLOW_BENCH_EVENTS` (1,000,000).

Beside the times stands what the database looked through for the page: rows read on PostgreSQL, hundreds of steps of the
virtual machine on SQLite.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select, text

from decision_flow import identity
from decision_flow.auditing import reading
from decision_flow.db import Database
from decision_flow.models import AuditEvent, Document, Matter, User
from decision_flow.trail_filters import Filters
from scripts.benchmarks.harness import Figures, Person, Server, fill, milliseconds
from scripts.benchmarks.trail import EVENTS, grown
from tests.long_trail import BEGUN

SMALL, TIMES, AUDITOR = 10_000, 20, "audit"


def run(url: str) -> Figures:
    database = fill(url)
    figures: Figures = {}
    for label, events in (("small", SMALL), ("large", EVENTS)):
        grown(database, events)
        pages = _pages(database)
        server = Server(url)
        try:
            auditor = Person(server, AUDITOR)
            for name, (path, _) in pages.items():
                for _ in range(3):
                    assert auditor.get(path)[0] == 200, path
                times = []
                for _ in range(TIMES):
                    begun = time.perf_counter()
                    auditor.get(path)
                    times.append(time.perf_counter() - begun)
                figures[f"{name}, {label}: p50, ms"], figures[f"{name}, {label}: p95, ms"] = milliseconds(times)
        finally:
            server.stop()
        for name, (_, ask) in pages.items():
            figures[f"{name}, {label}: looked through"] = _looked_through(database, ask)
    for name in pages:
        large, small = (figures[f"{name}, {label}: p50, ms"] for label in ("large", "small"))
        figures[f"{name}: ratio large to small"] = large / small
    database.dispose()
    return figures


Ask = Callable[[Any, Any], reading.Page]


def _pages(database: Database) -> dict[str, tuple[str, Ask]]:
    """Return the pages by name: the address, and the question behind it."""
    with database.transaction(read_only=True) as session:
        # One in the middle, so that neither end of an index is near.
        matters = session.scalars(select(Matter.id).where(Matter.number.like("L-%")).order_by(Matter.id)).all()
        matter = session.get_one(Matter, matters[len(matters) // 2])
        paper = session.scalars(select(Document.sha256).where(Document.matter_id == matter.id)).first() or ""
        person = session.scalars(select(User).order_by(User.id)).first()
        oldest = session.execute(
            select(AuditEvent.at, AuditEvent.id).order_by(AuditEvent.at, AuditEvent.id).offset(20).limit(1)
        ).one()
        newest = session.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.stream.like("matter:%")))
    assert person is not None and newest is not None
    middle = (BEGUN + (newest - BEGUN) / 2).date()
    searches = {
        "first page": {},
        "a common word": {"text": "合法性审查"},
        "a rare word": {"text": f"审查意见{matter.id}"},
        "a word that is nowhere": {"text": "无此内容"},
        "word and matter": {"text": "审查意见", "matter": matter.number},
        "person": {"person": person.name},
        "matter": {"matter": matter.number},
        "rule": {"rule": "R-25a"},
        "period": {"first": middle.isoformat(), "last": (middle + timedelta(days=1)).isoformat()},
        "kind": {"event": "document.uploaded"},
        "paper": {"document": paper},
    }
    found: dict[str, tuple[str, Ask]] = {}
    for name, asked in searches.items():
        days = {
            key: middle if key == "first" else middle + timedelta(days=1) for key in ("first", "last") if key in asked
        }
        filters = replace(Filters(reads=False, **{k: v for k, v in asked.items() if k not in days}), **days)
        found[name] = (f"/audit?{urlencode(asked)}", _search(filters))
    with database.transaction(read_only=True) as session:
        second = reading.search(session, _auditor(session), Filters(reads=False)).further
    last = f"{oldest.at.isoformat(timespec='microseconds')}~{oldest.id}"
    for name, cursor in (("next page", second), ("last page", last)):
        found[name] = (f"/audit?{urlencode({'after': cursor})}", _search(Filters(reads=False), cursor))
    for name, path, filters in (
        ("follow a matter", f"matters/{matter.id}", Filters(matter_id=matter.id, reads=False)),
        ("follow a person", f"people/{person.id}", Filters(person_id=person.id, reads=False)),
        ("follow a paper", f"documents/{paper}", Filters(document=paper, reads=False)),
        ("follow a rule", "rules/R-25a", Filters(rule="R-25a", reads=False)),
    ):
        found[name] = (f"/audit/{path}", _search(filters))
    return found


def _search(filters: Filters, cursor: str = "") -> Ask:
    return lambda session, actor: reading.search(session, actor, filters, cursor)


def _auditor(session: Any) -> Any:
    return identity.actor_of(session, session.scalars(select(User).where(User.username == AUDITOR)).one())


def _looked_through(database: Database, ask: Ask) -> float:
    with database.snapshot() as session:
        actor = _auditor(session)
        if database.is_sqlite:
            steps = 0

            def count() -> None:
                nonlocal steps
                steps += 1

            driver: Any = session.connection().connection.driver_connection
            driver.set_progress_handler(count, 100)
            ask(session, actor)
            driver.set_progress_handler(None, 0)
            return steps
        read = text("SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables")
        before = session.execute(read).scalar()
        ask(session, actor)
        return float(session.execute(read).scalar() - before)
