"""What the page says is proven holds, what it calls unproven is so, and every change is found."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from decision_flow import audit, checkpoints
from decision_flow.audit import SYSTEM, EventName
from decision_flow.auditing import proof
from decision_flow.demo.play import Play
from decision_flow.models import AuditEvent, Matter, TrailCheckpoint
from decision_flow.verifier import verify_trail
from tests.auditing.certified import root_of
from tests.core.test_audit import _unguard
from tests.long_trail import KEY


def append(play: Play, stream: str, count: int) -> None:
    with play.database.transaction() as session:
        for number in range(count):
            audit.append(session, stream, EventName.STEP_PASSED, actor=SYSTEM, facts={"n": number})


def seal(play: Play) -> None:
    with play.database.transaction() as session:
        assert checkpoints.seal(session, KEY)


@pytest.fixture
def sealed(road: Play) -> Play:
    """Three checkpoints over trees of awkward sizes, and three events of the matter that none covers."""
    matter = f"matter:{road.matter_id}"
    seal(road)
    for count in (5, 2):
        append(road, matter, count)
        append(road, "aside", count * 3)
        seal(road)
    append(road, matter, 3)
    return road


def proven(play: Play, key: str = "") -> proof.Proof:
    with play.database.transaction(read_only=True) as session:
        return proof.of_matter(session, session.get_one(Matter, play.matter_id), key)[0]


def test_each_event_is_proven_by_the_checkpoint_that_first_covers_it(sealed: Play) -> None:
    found = proven(sealed, checkpoints.public_key(KEY))
    assert found.is_intact and [span.number for span in found.spans] == [1, 2, 3]
    assert [(one.last - one.first + 1) for one in found.spans[1:]] == [5, 2] and found.uncovered == 3
    with sealed.database.transaction(read_only=True) as session:
        points = {point.number: point for point in session.scalars(select(TrailCheckpoint))}
        rows = session.scalars(
            select(AuditEvent).where(AuditEvent.stream == found.stream).order_by(AuditEvent.seq)
        ).all()
        for row in rows[::9] + rows[-11:]:
            placed = proof.place(session, row.stream, row.seq)
            number = proof.covering(session, row.stream, row.seq)
            if row.seq > found.covered:
                assert placed is None and number == 0
                continue
            assert placed is not None and placed.number == number
            point = points[placed.number]
            leaf = verify_trail.leaf_hash(row.canonical.encode())
            assert root_of(leaf, placed.path) == point.root == placed.root
            assert root_of(verify_trail.leaf_hash(b"another"), placed.path) != point.root


@pytest.mark.parametrize(("change", "why"), [
    ("UPDATE audit_event SET canonical = replace(canonical, '\"seq\"\\:2,', '\"seq\"\\:3,') WHERE stream = :stream AND seq = 2", "root"),
    ("UPDATE trail_checkpoint SET signature = 'ff00ff00' || substr(signature, 9) WHERE number = 1", "signature"),
    ("UPDATE trail_checkpoint SET root = hash FROM audit_event WHERE seq = 1 AND stream = :stream AND number = 1", "note"),
])  # fmt: skip
def test_what_was_changed_since_is_named_with_its_checkpoint(sealed: Play, change: str, why: str) -> None:
    with sealed.database.engine.begin() as connection:
        _unguard(connection, sealed.database)
        for act in ("update", "delete"):
            if sealed.database.is_sqlite:
                connection.execute(text(f"DROP TRIGGER trail_checkpoint_no_{act}"))
        if not sealed.database.is_sqlite:
            connection.execute(text("ALTER TABLE trail_checkpoint DISABLE TRIGGER ALL"))
        given = {"stream": f"matter:{sealed.matter_id}"} if ":stream" in change else {}
        connection.execute(text(change), given)
    found = proven(sealed)
    assert not found.is_intact
    assert found.spans[0].problem == why


def test_a_checkpoint_of_another_key_is_none_of_ours(sealed: Play) -> None:
    assert {span.problem for span in proven(sealed, "00" * 32).spans} == {"key"}
