"""The trail where it lives: its events and seals as an export has them, and all that the database keeps beside them.

Beside them stand the columns and mentions that it is searched by, the roots that the next checkpoint goes on from,
what proofs are made of, and the register of papers with the papers themselves. None of this is evidence; a false one
misleads whoever relies on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from decision_flow import checkpoints, inclusion, trail_columns
from decision_flow.db import streamed
from decision_flow.documents import NAMED_BY, FileStore
from decision_flow.event_names import EventName
from decision_flow.models import Document, TrailCheckpoint, TrailMention, TrailNode, TrailStretch
from decision_flow.number_sets import NumberSet
from decision_flow.verifier import verify_trail
from decision_flow.verifier.verify_trail import Report

# The register and the event are written by one act, each with its own look at the clock.
SAME_MOMENT = timedelta(minutes=1)
OF_PAPERS = (EventName.DOCUMENT_UPLOADED.value, EventName.DOCUMENT_FILED.value)
# The numbers are written into the statement: hundreds of parameters cost more than the rows.
_PAPERS = select(
    Document.id, Document.matter_id, Document.task_id, Document.name, Document.size, Document.sha256, Document.step,
    Document.uploaded_at, Document.uploaded_by_id, Document.uploaded_as, Document.filed_at,
).where(Document.id.in_(bindparam("ids", expanding=True, literal_execute=True)))  # fmt: skip


def verify(session: Session, key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Verify the trail in the database, and the register of papers; memory does not grow with them.

    `session` is a snapshot; `key` the public key expected, `kept` a checkpoint kept from earlier.
    """
    trail, start = verify_trail.Trail(key, kept), checkpoints.beginning(session)
    register = _Register(session, trail.report)
    trail.take({"kind": "trail"})
    mentions = _events(session, trail, register)
    stray = (session.scalar(select(func.count()).select_from(TrailMention)) or 0) - mentions
    if stray > 0:
        trail.report.wrong("stray", stray)
    points = select(TrailCheckpoint).order_by(TrailCheckpoint.number).execution_options(yield_per=100)
    places, point = _Places(session), None
    for point in session.scalars(points):
        places.take(trail, point)
        parts = json.dumps([part.hex() for part in trail.tree.parts])
        # Where the root differs, that has been said.
        if point.frontier != parts and trail.tree.root().hex() == point.root:
            trail.report.wrong("frontier", point.number)
    places.end(trail.report)
    if point is None or trail.tree.root().hex() == point.root:
        _check_nodes(session, trail.tree, trail.report)
    trail.take({"kind": "end", **start})
    register.end()
    return trail.done()


def _events(session: Session, trail: verify_trail.Trail, register: _Register) -> int:
    """Check the events; return how many mentions belong to them."""
    mentions, last, last_id = 0, "", 0
    for batch in checkpoints.events(session, trail_columns.COLUMNS):
        for row in batch:
            canonical, digest, sm3, stream, seq, event, *_, number, mentioned = row
            try:
                trail.event(canonical, digest, sm3)
            except verify_trail.BROKEN:
                trail.told = None
                trail.report.wrong("unreadable", stream, seq)
            # The numbers of the rows give the order of exports and pages: in a stream they rise.
            if not trail_columns.fit(row, trail.told) or (stream == last and number <= last_id):
                trail.report.wrong("columns", stream, seq)
            elif event in OF_PAPERS:
                register.take(trail.told)
            if not trail_columns.is_found(row, trail.told):
                trail.report.wrong("mentions", stream, seq)
            if mentioned:
                mentions += mentioned.count("\n") + 1
            last, last_id = stream, number
        register.check()
    return mentions


class _Places:
    """Where the streams went into the tree (`trail_stretch`), held against what the checkpoints say of it."""

    def __init__(self, session: Session) -> None:
        self.session, self.count, self.size = session, 0, 0
        self.sealed: dict[str, int] = {}

    def take(self, trail: verify_trail.Trail, point: TrailCheckpoint) -> None:
        """Let the next checkpoint be checked, and what stands beside it."""
        line = checkpoints.as_line(point)
        trail.take(line)
        query = select(TrailStretch.__table__).where(TrailStretch.checkpoint == point.number)
        rows = [dict(row) for row in self.session.execute(query.order_by(TrailStretch.leaf)).mappings()]
        self.count += len(rows)
        try:
            told = list(inclusion.stretches(point.number, line["streams"], self.sealed, self.size))
            if rows != told:
                trail.report.wrong("places", point.number)
            self.sealed.update(line["streams"])
            self.size += sum(one["last"] - one["first"] + 1 for one in told)
        except (TypeError, ValueError):
            pass  # what the checkpoint says is no list of streams: that has been said

    def end(self, report: Report) -> None:
        """Name what belongs to no checkpoint."""
        stray = (self.session.scalar(select(func.count()).select_from(TrailStretch)) or 0) - self.count
        if stray > 0:
            report.wrong("stray_places", stray)


def _check_nodes(session: Session, tree: verify_trail.Tree, report: Report) -> None:
    """Name the kept roots (`trail_node`) that do not fit the tree, of which the complete parts are known.

    Each must be made of the two that stand before it, and the last must be those parts: so all of them are right.
    """
    lowest, stack = inclusion.LEVEL, list[bytes]()
    order = TrailNode.__table__.primary_key
    rows = streamed(session, select(TrailNode.upto, TrailNode.level, TrailNode.hash).order_by(*order))
    for upto in range(1 << lowest, tree.size + 1, 1 << lowest):
        for level in range(lowest, (upto & -upto).bit_length()):
            *place, found = next(rows, (0, 0, b""))
            made = hashlib.sha256(b"\x01" + stack.pop(-2) + stack.pop()).digest() if level > lowest else found
            if place != [upto, level] or found != made:
                report.wrong("nodes", upto - (1 << level) + 1, upto)
                return
            stack.append(found)
    if stack != tree.parts[: len(stack)] or next(rows, None) is not None:
        report.wrong("nodes", 1, tree.size)


class _Register:
    """The register of papers, held against the events of their upload and filing as these go by."""

    def __init__(self, session: Session, report: Report) -> None:
        self.session, self.report = session, report
        self.waiting: list[Any] = []
        self.uploaded, self.filed = NumberSet(), NumberSet()

    def take(self, told: Any) -> None:
        """Take the next of these events: what was hashed."""
        facts = told.get("facts")
        if isinstance(facts, dict) and type(facts.get("document")) is int:
            self.waiting.append(told)
        else:
            self.report.wrong("unreadable", told["stream"], told["seq"])

    def check(self) -> None:
        """Check those that wait."""
        ids = {told["facts"]["document"] for told in self.waiting}
        rows = {row.id: row for row in self.session.connection().execute(_PAPERS, {"ids": ids})} if ids else {}
        for told in self.waiting:
            number = told["facts"]["document"]
            row = rows.get(number)
            if row is None or not _is_registered(row, told):
                self.report.wrong("register", number, told["facts"].get("name"))
            elif told["event"] == EventName.DOCUMENT_UPLOADED:
                self.uploaded.add(number)
            elif _is_then(row.filed_at, told):
                self.filed.add(number)
        self.waiting.clear()

    def end(self) -> None:
        """Name what the register has and no event tells of."""
        query = select(Document.id, Document.name, Document.matter_id, Document.filed_at)
        for row in streamed(self.session, query):
            if (row.matter_id and row.id not in self.uploaded) or (row.filed_at and row.id not in self.filed):
                self.report.wrong("register", row.id, row.name)


def _is_registered(row: Any, told: Any) -> bool:
    """Whether the register says what an event of a paper says. A paper may be filed again: the last time counts."""
    facts, author = told["facts"], told["actor"]
    if (facts.get("name"), facts.get("sha256"), told["matter"]) != (row.name, row.sha256, row.matter_id):
        return False
    if row.filed_at is None and row.step is not None:
        return False
    if told["event"] == EventName.DOCUMENT_FILED:
        is_last = _is_then(row.filed_at, told)
        return row.filed_at is not None and (not is_last or row.step == facts.get("step"))
    said = (told["task"], facts.get("size"), author["id"], author["display"])
    return said == (row.task_id, row.size, row.uploaded_by_id, row.uploaded_as) and _is_then(row.uploaded_at, told)


def _is_then(at: datetime | None, told: Any) -> bool:
    return at is not None and abs(at - datetime.fromisoformat(told["at"])) < SAME_MOMENT


def papers(session: Session, files: FileStore) -> Iterator[tuple[str, str]]:
    """Yield (digest, problem) of each paper that a record names: "", "lost", or "altered"."""
    for column in NAMED_BY:
        for (sha256,) in session.execute(select(column).distinct()):
            there = files.digest(sha256)
            yield sha256, "" if there == sha256 else "altered" if there else "lost"
