"""What is proven of a stream: its chain, and each part of it by the checkpoint that first covers it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, inclusion
from decision_flow.audit import GENESIS, Author, Break, EventName
from decision_flow.inclusion import Leaf
from decision_flow.models import AuditStream, Matter, TrailCheckpoint, TrailStretch
from decision_flow.verifier import verify_trail


@dataclass(frozen=True)
class Span:
    """Events `first` to `last` of a stream, the checkpoint that first covers them, and whether it holds for them."""

    number: int
    made_at: datetime
    first: int
    last: int
    problem: str = ""


@dataclass(frozen=True)
class Proof:
    """What holds of one stream: the chain's first break, the covered spans, and how many events nothing covers."""

    stream: str
    events: int
    broken: Break | None
    spans: tuple[Span, ...]

    @property
    def covered(self) -> int:
        """Return up to which event a checkpoint covers the stream."""
        return self.spans[-1].last if self.spans else 0

    @property
    def uncovered(self) -> int:
        """Return how many events no checkpoint covers yet."""
        return self.events - self.covered

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong; what is not covered yet is not proven for all that."""
        return self.broken is None and not any(span.problem for span in self.spans)


@dataclass(frozen=True)
class Inclusion:
    """An event's leaf in the tree of a checkpoint: its path is (side of the sibling, hash), from the leaf up."""

    number: int
    made_at: datetime
    size: int
    root: str
    index: int
    path: tuple[tuple[str, str], ...]
    note: str
    signature: str
    public_key: str


def of_matter(session: Session, matter: Matter, key: str = "") -> tuple[Proof, ...]:
    """Return what is proven of a matter's stream, its ledger and the readings of its files.

    With `key` (hex), a checkpoint must be signed by it; without, by the key that it names itself.
    """
    names = (audit.matter_stream(matter.id), audit.ledger_stream(matter.id), audit.reading_stream(matter.id))
    known = session.scalars(select(AuditStream.name).where(AuditStream.name.in_(names))).all()
    return tuple(of_stream(session, name, key) for name in names if name in known)


def of_stream(session: Session, stream: str, key: str = "") -> Proof:
    """Return what is proven of one stream."""
    head = session.get(AuditStream, stream)
    spans, before = [], 0
    query = select(TrailStretch, TrailCheckpoint).join(
        TrailCheckpoint, TrailCheckpoint.number == TrailStretch.checkpoint
    )
    taken_in = query.where(TrailStretch.stream == stream).order_by(TrailStretch.last)
    for stretch, point in session.execute(taken_in):
        problem = _problem(session, point) or ("key" if key and point.public_key != key else "")
        taken = inclusion.leaves(session, point, [(stretch, (stretch.first, stretch.last))])
        # Where the stretch lies is not signed; that it is what the checkpoint covers of the stream, is.
        if stretch.first != before + 1 or not all(_leads_to(leaf, point) for leaf in taken):
            problem = problem or "root"
        spans.append(Span(point.number, point.made_at, before + 1, stretch.last, problem))
        before = stretch.last
    return Proof(stream, head.seq if head else 0, audit.verify(session, stream), tuple(spans))


def place(session: Session, stream: str, seq: int) -> Inclusion | None:
    """Return the place of an event in the tree of the checkpoint that first covers it.

    None while none does, and when the checkpoint or the proof does not hold.
    """
    stretch = inclusion.stretch_of(session, stream, seq)
    if stretch is None:
        return None
    point = session.get_one(TrailCheckpoint, stretch.checkpoint)
    (leaf,) = inclusion.leaves(session, point, [(stretch, (seq, seq))])
    if _problem(session, point) or not _leads_to(leaf, point):
        return None
    path = _sided(leaf.index, point.size, leaf.path)
    return Inclusion(
        point.number, point.made_at, point.size, point.root, leaf.index, path, point.note,
        point.signature, point.public_key,
    )  # fmt: skip


def covering(session: Session, stream: str, seq: int) -> int:
    """Return the number of the checkpoint that first covers an event, 0 while none does."""
    stretch = inclusion.stretch_of(session, stream, seq)
    return stretch.checkpoint if stretch else 0


def note_verified(session: Session, actor: Author, matter: Matter, proofs: tuple[Proof, ...]) -> None:
    """Record that somebody had the trail of a matter verified, and what came out."""
    outcome = "intact" if all(proof.is_intact for proof in proofs) else "broken"
    facts = {"number": matter.number, "outcome": outcome, "uncovered": sum(proof.uncovered for proof in proofs)}
    name = audit.desk_stream(actor.user_id or 0)
    audit.append(session, name, EventName.TRAIL_VERIFIED, actor=actor, facts=facts, rules=["R-08b"])


def _sided(index: int, size: int, path: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    """Return a path with the side on which each hash stands (RFC 9162, 2.1.3.2)."""
    at, last, found = index, size - 1, []
    for beside in path:
        found.append(("left" if at & 1 or at == last else "right", beside.hex()))
        while at == last and not at & 1 and at:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return tuple(found)


def _problem(session: Session, point: TrailCheckpoint) -> str:
    """Return what does not hold of what a checkpoint says, in one word; "" when all does."""
    last = session.get(TrailCheckpoint, point.number - 1)
    previous = hashlib.sha256(last.note.encode()).hexdigest() if last else GENESIS
    at = point.made_at.isoformat(timespec="microseconds")
    try:
        streams = json.loads(point.streams)
    except ValueError:
        return "note"
    if point.note != verify_trail.note_of(point.number, at, point.size, point.root, streams, previous):
        return "note"
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(point.public_key)).verify(
            bytes.fromhex(point.signature), point.note.encode()
        )
    except (InvalidSignature, ValueError):
        return "signature"
    return ""


def _leads_to(leaf: Leaf, point: TrailCheckpoint) -> bool:
    root = verify_trail.root_by_path(leaf.hash, leaf.index, point.size, list(leaf.path))
    return root is not None and root.hex() == point.root
