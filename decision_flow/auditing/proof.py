"""What is proven of a stream: its chain, and each part of it by the checkpoint that first covers it.

A checkpoint's tree is built again from the tree's complete parts as the checkpoint before left them (their root
was signed) and the events that this one took in. So a proof reads a day's events, never the whole trail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from decision_flow import audit
from decision_flow.audit import GENESIS, Author, Break, EventName
from decision_flow.inclusion import Paths
from decision_flow.models import AuditEvent, AuditStream, Matter, TrailCheckpoint
from decision_flow.verifier import verify_trail

AT_ONCE = 100


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
    for batch in _batches(session, stream):
        last = batch.ends[stream]
        problem = batch.problem or ("key" if key and batch.point.public_key != key else "")
        spans.append(Span(batch.point.number, batch.point.made_at, before + 1, last, problem))
        before = last
    return Proof(stream, head.seq if head else 0, audit.verify(session, stream), tuple(spans))


def inclusion(session: Session, stream: str, seq: int) -> Inclusion | None:
    """Return the place of an event in the tree of the checkpoint that first covers it; None while none does."""
    for batch in _batches(session, stream):
        if seq <= batch.ends[stream]:
            return batch.inclusion(stream, seq)
    return None


def covering(session: Session, stream: str, seq: int) -> int:
    """Return the number of the checkpoint that first covers an event, 0 while none does."""
    for number, streams in session.execute(_naming(stream)):
        if dict(json.loads(streams)).get(stream, 0) >= seq:
            return int(number)
    return 0


def note_verified(session: Session, actor: Author, matter: Matter, proofs: tuple[Proof, ...]) -> None:
    """Record that somebody had the trail of a matter verified, and what came out."""
    outcome = "intact" if all(proof.is_intact for proof in proofs) else "broken"
    facts = {"number": matter.number, "outcome": outcome, "uncovered": sum(proof.uncovered for proof in proofs)}
    name = audit.desk_stream(actor.user_id or 0)
    audit.append(session, name, EventName.TRAIL_VERIFIED, actor=actor, facts=facts, rules=["R-08b"])


@dataclass
class _Batch:
    """What one checkpoint took in, over what the one before had left."""

    session: Session
    point: TrailCheckpoint
    last: TrailCheckpoint | None
    begins: Mapping[str, int]
    ends: Mapping[str, int]

    def leaves(self) -> Iterator[bytes]:
        """Yield the hashes of the leaves in the order of the tree, with the events of few streams in memory."""
        names = list(self.ends)
        for start in range(0, len(names), AT_ONCE):
            ranges = [
                and_(
                    AuditEvent.stream == name, AuditEvent.seq > self.begins.get(name, 0),
                    AuditEvent.seq <= self.ends[name],
                )
                for name in names[start : start + AT_ONCE]
            ]  # fmt: skip
            query = select(AuditEvent.stream, AuditEvent.seq, AuditEvent.canonical).where(or_(*ranges))
            # Sorted here: each database would order the names its own way.
            for _, _, canonical in sorted((row.stream, row.seq, row.canonical) for row in self.session.execute(query)):
                yield verify_trail.leaf_hash(canonical.encode())

    @property
    def old(self) -> int:
        """How many leaves the tree had before."""
        return self.last.size if self.last else 0

    @cached_property
    def problem(self) -> str:
        """What does not hold of this checkpoint, in one word; "" when all does."""
        point, last = self.point, self.last
        streams = [list(one) for one in self.ends.items()]
        previous = hashlib.sha256(last.note.encode()).hexdigest() if last else GENESIS
        at = point.made_at.isoformat(timespec="microseconds")
        if point.note != verify_trail.note_of(point.number, at, point.size, point.root, streams, previous):
            return "note"
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(point.public_key)).verify(
                bytes.fromhex(point.signature), point.note.encode()
            )
        except (InvalidSignature, ValueError):
            return "signature"
        left = [bytes.fromhex(part) for part in json.loads(last.frontier)] if last else []
        tree = verify_trail.Tree(self.old, left)
        if last is not None and tree.root().hex() != last.root:
            return "root"
        for leaf in self.leaves():
            tree.add(leaf)
        return "" if (tree.size, tree.root().hex()) == (point.size, point.root) else "root"

    def inclusion(self, stream: str, seq: int) -> Inclusion | None:
        """Return the path of one leaf; None when the checkpoint does not hold."""
        if self.problem or not self.begins.get(stream, 0) < seq <= self.ends[stream]:
            return None
        before = [end - self.begins.get(name, 0) for name, end in self.ends.items() if name < stream]
        index = self.old + sum(before) + seq - self.begins.get(stream, 0) - 1
        paths = Paths(self.last, [index])
        for leaf in self.leaves():
            paths.add(leaf)
        paths.close()
        path = _sided(index, self.point.size, paths.found[index])
        point = self.point
        return Inclusion(
            point.number, point.made_at, point.size, point.root, index, path, point.note,
            point.signature, point.public_key,
        )  # fmt: skip


def _sided(index: int, size: int, path: list[bytes]) -> tuple[tuple[str, str], ...]:
    """Return a path with the side on which each hash stands (RFC 9162, 2.1.3.2)."""
    at, last, found = index, size - 1, []
    for beside in path:
        found.append(("left" if at & 1 or at == last else "right", beside.hex()))
        while at == last and not at & 1 and at:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return tuple(found)


def _naming(stream: str) -> Select[int, str]:
    named = TrailCheckpoint.streams.contains(f'["{stream}",', autoescape=True)
    return select(TrailCheckpoint.number, TrailCheckpoint.streams).where(named).order_by(TrailCheckpoint.number)


def _batches(session: Session, stream: str) -> Iterator[_Batch]:
    """Yield the batches of the checkpoints that took in events of the stream, the first first."""
    wanted = {number for number, _ in session.execute(_naming(stream))}
    if not wanted:
        return
    covered: dict[str, int] = {}
    rows = session.execute(select(TrailCheckpoint.number, TrailCheckpoint.streams).order_by(TrailCheckpoint.number))
    for number, streams in rows.all():
        ends = dict(json.loads(streams))
        if number in wanted:
            point = session.get_one(TrailCheckpoint, number)
            last = session.get(TrailCheckpoint, number - 1)
            yield _Batch(session, point, last, {name: covered.get(name, 0) for name in ends}, ends)
        covered.update(ends)
