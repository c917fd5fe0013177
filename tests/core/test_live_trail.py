"""The trail in the database: whatever is changed there is found and its place named, field by field and at random."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from sqlalchemy import Table, and_, delete, insert, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, checkpoints, clock, inclusion, live_trail
from decision_flow.audit import SYSTEM, EventName
from decision_flow.db import Database
from decision_flow.models import (
    AuditEvent,
    AuditStream,
    Document,
    TrailCheckpoint,
    TrailMention,
    TrailNode,
    TrailStretch,
)
from decision_flow.verifier import verify_trail
from tests import long_trail
from tests.tampering import BESIDE, Tampering, hashed, other, unguarded

BESIDE_SEALS = (TrailNode, TrailStretch)
TABLES = [
    model.__table__ for model in (AuditEvent, AuditStream, TrailCheckpoint, TrailMention, Document, *BESIDE_SEALS)
]
# Where a paper stands in a form, and as what it is shown, is no evidence: the answers of the completed task say it.
# A row's number is its place in the order of writing alone.
SAID_ELSEWHERE = {("document", "form"), ("document", "field"), ("document", "media_type"),
                  ("audit_event", "id")}  # fmt: skip


@pytest.fixture(autouse=True)
def signatures_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_trail, "signature_holds", lru_cache(verify_trail.signature_holds))


@pytest.fixture
def small(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two matters with eleven events, two papers, of which one is filed, and two checkpoints."""
    monkeypatch.setattr(inclusion, "LEVEL", 1)
    long_trail.make(database, 10, 2, seals=2)
    with database.transaction() as session:
        paper = session.scalars(select(Document).order_by(Document.id)).first()
        assert paper is not None and paper.matter_id is not None
        paper.filed_at, paper.step = clock.now(), "论证"
        audit.append(
            session, audit.matter_stream(paper.matter_id), EventName.DOCUMENT_FILED, actor=SYSTEM, matter_id=paper.matter_id,
            facts={"document": paper.id, "name": paper.name, "sha256": paper.sha256, "step": "论证"}, rules=["R-33"],
        )  # fmt: skip
    return database


def found(session: Session) -> str:
    """What the verification says; "" when all is intact."""
    report = live_trail.verify(session)
    return report.text() if report.problems else ""


def place(table: Table, row: Any) -> str:
    """How the place of a row is named."""
    if table.name == "audit_event":
        return f"流{row.stream}"
    if table.name == "audit_stream":
        return f"流{row.name}"
    if table.name == "trail_stretch":
        return f"第{row.checkpoint}号"
    named = {"trail_mention": "索引", "trail_node": "位：制作证明"}
    return named.get(table.name) or f"第{row.number if table.name == 'trail_checkpoint' else row.id}号"


def rows(session: Session) -> Iterator[tuple[Table, Any, Any]]:
    for table in TABLES:
        for row in session.execute(select(table)).all():
            yield table, row, and_(*(column == row._mapping[column.name] for column in table.primary_key))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_single_change_in_the_database_is_found_and_its_place_named(small: Database) -> None:
    """Each field of each row changed, each row deleted, in all tables of the evidence."""
    unfound: set[tuple[str, str]] = set()
    with unguarded(small) as session:
        assert found(session) == ""
        for table, row, this in list(rows(session)):
            for column in table.c:
                with session.begin_nested() as work:
                    session.execute(
                        update(table).where(this).values({column.name: other(row._mapping[column.name], column)})
                    )
                    told = found(session)
                    work.rollback()
                if not told:
                    unfound.add((table.name, column.name))
                elif column.name not in (
                    "matter_id",
                    "value",
                    "at",
                    "event_id",
                    "name",
                    "id",
                    "number",
                    "stream",
                    "checkpoint",
                ):
                    assert place(table, row) in told, (table.name, column.name, told)
            with session.begin_nested() as work:
                session.execute(delete(table).where(this))
                told = found(session)
                work.rollback()
            assert told and (table.name == "trail_checkpoint" or place(table, row) in told), (table.name, row, told)
        assert found(session) == ""
    assert unfound == SAID_ELSEWHERE


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_added_swapped_or_forged_is_found(small: Database) -> None:
    with unguarded(small) as session:
        event, mention, paper, point = (
            session.execute(select(model.__table__)).first()._mapping  # type: ignore[union-attr]
            for model in (AuditEvent, TrailMention, Document, TrailCheckpoint)
        )
        added: list[tuple[Any, dict[str, Any], str]] = [
            (AuditEvent, {**event, "id": 99, "stream": "matter:99"}, "流matter:99"),
            (AuditStream, {"name": "matter:99", "seq": 0, "head": audit.GENESIS, "sm3": audit.GENESIS}, ""),
            (AuditStream, {"name": "matter:99", "seq": 1, "head": audit.GENESIS, "sm3": audit.GENESIS}, "流matter:99"),
            (TrailMention, {**mention, "value": "R-99"}, "索引"),
            (TrailMention, {**mention, "event_id": 99}, "不属于任何记录"),
            (Document, {**paper, "id": 99}, "材料第99号"),
            (TrailCheckpoint, {**point, "number": 3}, "检查点第3号"),
        ]
        for model, row, words in added:
            with session.begin_nested() as work:
                session.execute(insert(model.__table__).values(**row))
                told = found(session)
                work.rollback()
            # The register of a stream without an event says nothing.
            assert words in told and bool(told) == bool(words), (model, told)
        for table in (AuditEvent.__table__, TrailCheckpoint.__table__, Document.__table__):
            one, two = session.execute(select(table)).all()[:2]
            with session.begin_nested() as work:
                for row, beside in ((one, two), (two, one)):
                    kept = {name: beside._mapping[name] for name in row._fields if name not in ("id", "number", "seq")}
                    if "stream" in kept:
                        kept |= {"stream": row.stream}
                    session.execute(update(table).where(next(iter(table.primary_key)) == row[0]).values(**kept))
                told = found(session)
                work.rollback()
            assert place(table, one) in told and place(table, two) in told, told


GONE = object()


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each member of a value, however deep."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*at, key)
        yield from places(value[key], (*at, key))


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """Return the value with another member at that place, or without it."""
    changed = holder = copy.deepcopy(value)
    for key in at[:-1]:
        holder = holder[key]
    if new is GONE:
        del holder[at[-1]]
    else:
        holder[at[-1]] = new
    return changed


def test_an_event_forged_member_by_member_with_hashes_that_fit_is_found_and_named(small: Database) -> None:
    """Whatever stands there instead, also of another kind: the verification goes on to the end and names the stream."""
    with unguarded(small) as session:
        query = (
            select(AuditEvent.__table__)
            .where(AuditEvent.event.in_(live_trail.OF_PAPERS))
            .order_by(AuditEvent.id.desc())
        )
        filed, uploaded = session.execute(query).all()[:2]
        assert (filed.event, uploaded.event) == ("document.filed", "document.uploaded")
        for row in (filed, uploaded):
            told = json.loads(row.canonical)
            for at in places(told):
                for new in (GONE, "x", [], 10**30):
                    forged = put(told, at, new)
                    if forged == told:
                        continue
                    with session.begin_nested() as work:
                        session.execute(update(AuditEvent).where(AuditEvent.id == row.id).values(**hashed(forged)))
                        assert place(AuditEvent.__table__, row) in found(session), (row.event, at, new)
                        work.rollback()


@pytest.mark.parametrize("seed", [1, 2])
def test_changes_at_random_in_a_long_trail_are_found_and_named(database: Database, seed: int) -> None:
    """The small twin of `scripts/bench tampering`: in the database, and in the file that is exported from it."""
    long_trail.make(database, 1_200, 22)
    with unguarded(database) as session:
        tampering = Tampering(session, random.Random(seed))
        tampering.change(22)
        assert tampering.unfound(live_trail.verify(session).problems) == set()
        file = verify_trail.verify(json.loads(json.dumps(line)) for line in checkpoints.lines(session))
        assert {one for one in tampering.unfound(file.problems) if one[0] not in BESIDE} == set()
    with database.snapshot() as session:
        assert live_trail.verify(session).problems == []
