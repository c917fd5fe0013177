"""The proofs of the tree are those of the standard, and making one reads a few rows, however long the trail is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select, text

from decision_flow import audit, checkpoints, inclusion, live_trail
from decision_flow.audit import SYSTEM, EventName
from decision_flow.auditing import proof
from decision_flow.db import Database
from decision_flow.models import AuditEvent, TrailCheckpoint
from decision_flow.verifier import verify_trail
from tests.core.test_audit import _unguard
from tests.long_trail import KEY


def grow(database: Database, **counts: int) -> None:
    """Write so many events into these streams, and seal."""
    with database.transaction() as session:
        for stream, count in counts.items():
            for number in range(count):
                audit.append(session, stream, EventName.STEP_PASSED, actor=SYSTEM, facts={"n": number})
    with database.transaction() as session:
        assert checkpoints.seal(session, KEY)


@pytest.fixture(params=[1, 3], ids=["pairs", "eights"])
def grown(database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Checkpoints over trees of awkward sizes, in which roots are kept from small parts on."""
    monkeypatch.setattr(inclusion, "LEVEL", request.param)
    for counts in ({"a": 1}, {"a": 2, "b": 5}, {"b": 1, "c": 30}, {"a": 3}, {"c": 2, "a": 1, "d": 7}):
        grow(database, **counts)
    return database


def in_order(database: Database) -> Iterator[tuple[int, str, int, bytes, int]]:
    """Yield (index, stream, seq, hash, checkpoint) of each leaf, from the signed checkpoints alone."""
    sealed: dict[str, int] = {}
    index = 0
    with database.snapshot() as session:
        for point in session.scalars(select(TrailCheckpoint).order_by(TrailCheckpoint.number)):
            for stream, last in json.loads(point.streams):
                for canonical in inclusion.canonicals(session, stream, sealed.get(stream, 0), last):
                    seq = sealed[stream] = sealed.get(stream, 0) + 1
                    yield index, stream, seq, verify_trail.leaf_hash(canonical.encode()), point.number
                    index += 1


def test_each_leaf_has_the_path_of_the_standard(grown: Database) -> None:
    with grown.snapshot() as session:
        sizes = {point.number: (point.size, point.root) for point in session.scalars(select(TrailCheckpoint))}
        names = session.scalars(select(AuditEvent.stream).distinct()).all()
        told = {
            (line["stream"], line["seq"]): line
            for _, lines in inclusion.of_streams(session, names)
            for line in lines
        }  # fmt: skip
        for index, stream, seq, leaf, number in in_order(grown):
            line = told.pop((stream, seq))
            assert (line["checkpoint"], line["index"]) == (number, index)
            path = [bytes.fromhex(one) for one in line["path"]]
            size, root = sizes[number]
            found = verify_trail.root_by_path(leaf, index, size, path)
            assert found is not None and found.hex() == root
            placed = proof.place(session, stream, seq)
            assert placed is not None and [one for _, one in placed.path] == line["path"]
        assert told == {}


def test_each_checkpoint_is_proven_to_go_on_from_each_earlier_one(grown: Database) -> None:
    with grown.snapshot() as session:
        points = [line for line in checkpoints.lines(session) if line["kind"] == "checkpoint"]
        for turn, new in enumerate(points):
            for old in points[: turn + 1]:
                made = checkpoints.proof(session, old, new)
                assert verify_trail.verify_consistency(made, kept=old).problems == []


def test_a_proof_reads_a_block_and_two_edges_of_a_trail_however_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inclusion, "LEVEL", 3)
    read: list[str] = []
    hashed = verify_trail.leaf_hash
    monkeypatch.setattr(inclusion, "leaf_hash", lambda content: read.append("leaf") or hashed(content))
    grow(database, a=3, b=20)
    grow(database, a=100, b=500, c=80)
    sent = []
    event.listen(database.engine, "after_cursor_execute", lambda *_: sent.append(1))
    for act, blocks in (
        (lambda session: proof.place(session, "b", 400), 2),
        (lambda session: inclusion.consistency(session, 1, 2), 2),
    ):
        read.clear(), sent.clear()
        with database.snapshot() as session:
            assert act(session)
        assert 0 < len(read) <= blocks * 8 and len(sent) <= 12


@pytest.mark.parametrize("change", [
    "UPDATE trail_node SET hash = (SELECT hash FROM trail_node WHERE upto = 16 AND level = 3) WHERE upto = 8 AND level = 3",
    "DELETE FROM trail_node WHERE upto = 16 AND level = 4",
    "UPDATE trail_stretch SET leaf = leaf + 1000 WHERE stream = 'c'",
    "DELETE FROM trail_stretch WHERE stream = 'c'",
])  # fmt: skip
@pytest.mark.parametrize("grown", [3], indirect=True)
def test_a_false_hash_makes_no_proof_and_is_named(grown: Database, change: str) -> None:
    with grown.engine.begin() as connection:
        for table in ("trail_node", "trail_stretch"):
            for act in ("update", "delete") if grown.is_sqlite else ():
                connection.execute(text(f"DROP TRIGGER {table}_no_{act}"))
            if not grown.is_sqlite:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        _unguard(connection, grown)
        connection.execute(text(change))
    with grown.snapshot() as session:
        found = {code for code, _ in live_trail.verify(session).problems}
        assert found == ({"nodes"} if "trail_node" in change else {"places"})
        assert None in [proof.place(session, stream, seq) for _, stream, seq, *_ in in_order(grown)]
