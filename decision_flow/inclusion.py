"""Proofs of the tree (RFC 6962): that a checkpoint holds an event, and that it goes on from an earlier checkpoint.

A checkpoint keeps beside it the roots of the complete parts that it finished, from `WIDTH` leaves upwards, and where it
took each stream in. So a proof reads the leaves of one such part and a few roots, however long the trail is. Both are
derived and no evidence: what is false in them makes a proof that does not hold, and `audit verify` names it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from decision_flow.db import streamed
from decision_flow.models import AuditEvent, TrailCheckpoint, TrailNode, TrailStretch
from decision_flow.verifier.verify_trail import Tree, leaf_hash

# Roots are kept from parts of 2 ** LEVEL leaves on: a million events make 31,000 rows, a proof reads 64 events.
LEVEL = 6
# What stands for a hash that is not there: no path over it leads to the root that was signed.
NOTHING = bytes(32)
AT_ONCE = 500
Range = tuple[int, int]


def canonicals(session: Session, stream: str, above: int, upto: int) -> Iterator[str]:
    """Yield the canonical forms of a stream's events after number `above` up to `upto`."""
    query = (
        select(AuditEvent.canonical)
        .where(AuditEvent.stream == stream, AuditEvent.seq > above, AuditEvent.seq <= upto)
        .order_by(AuditEvent.seq)
    )
    for (canonical,) in streamed(session, query):
        yield canonical


class GrowingTree(Tree):
    """A tree that notes the roots of the parts that it completes, as rows of `trail_node`."""

    def __init__(self, size: int = 0, parts: Iterable[bytes] = ()) -> None:
        super().__init__(size, parts)
        self.made: list[dict[str, Any]] = []

    def add(self, leaf: bytes) -> None:
        rest, level, self.size = self.size, 0, self.size + 1
        while True:
            if level >= LEVEL:
                self.made.append({"upto": self.size, "level": level, "hash": leaf})
            if not rest & 1:
                break
            leaf = hashlib.sha256(b"\x01" + self.parts.pop() + leaf).digest()
            rest, level = rest >> 1, level + 1
        self.parts.append(leaf)


def stretches(
    number: int, moved: Iterable[Sequence[Any]], sealed: Mapping[str, int], size: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `trail_stretch` for checkpoint `number`: what it took of each stream, behind `size` leaves."""
    for stream, last in moved:
        first = sealed.get(stream, 0) + 1
        yield {"stream": stream, "last": last, "first": first, "leaf": size, "checkpoint": number}
        size += last - first + 1


@dataclass(frozen=True)
class Leaf:
    """An event's place in the tree of a checkpoint: its number and hash, and the hashes beside its way to the root."""

    stream: str
    seq: int
    index: int
    hash: bytes
    path: tuple[bytes, ...]


def stretch_of(session: Session, stream: str, seq: int) -> TrailStretch | None:
    """Return the stretch in which an event was taken into the tree; None while no checkpoint covers it."""
    query = select(TrailStretch).where(TrailStretch.stream == stream, TrailStretch.last >= seq)
    found = session.scalars(query.order_by(TrailStretch.last).limit(1)).one_or_none()
    return found if found is not None and found.first <= seq else None


def leaves(session: Session, point: TrailCheckpoint, wanted: Iterable[tuple[TrailStretch, Range]]) -> list[Leaf]:
    """Return the places of events (first and last number of each stretch) in the tree of a checkpoint."""
    places = [
        (stretch.stream, seq, stretch.leaf + seq - stretch.first)
        for stretch, (first, last) in wanted
        for seq in range(first, last + 1)
    ]
    ways = {index: _beside(index, point.size) for *_, index in places}
    tree = _Parts(session, {beside for way in ways.values() for beside in way}, {index >> LEVEL for index in ways})
    return [
        Leaf(stream, seq, index, tree.leaf(index), tuple(tree.root(*one) for one in ways[index]))
        for stream, seq, index in places
    ]


def of_streams(session: Session, names: Collection[str]) -> Iterator[tuple[TrailCheckpoint, list[dict[str, Any]]]]:
    """Yield each checkpoint that was the first to cover events of these streams, with the proof for each of them."""
    query = select(TrailStretch).where(TrailStretch.stream.in_(names)).order_by(TrailStretch.leaf)
    for number, taken in groupby(session.scalars(query).all(), lambda stretch: stretch.checkpoint):
        point = session.get_one(TrailCheckpoint, number)
        yield point, [
            {"kind": "inclusion", "stream": leaf.stream, "seq": leaf.seq, "checkpoint": number, "index": leaf.index,
             "path": [one.hex() for one in leaf.path]}
            for leaf in leaves(session, point, [(stretch, (stretch.first, stretch.last)) for stretch in taken])
        ]  # fmt: skip


def consistency(session: Session, first: int, last: int) -> list[str]:
    """Return the proof (hex) that the tree of checkpoint `last` begins with that of `first` (RFC 6962, 2.1.2)."""
    known, size = (session.get_one(TrailCheckpoint, number).size for number in (first, last))
    ranges = _between(known, 0, size, True)
    tree = _Parts(session, ranges)
    return [tree.root(*one).hex() for one in ranges]


def _beside(index: int, size: int) -> list[Range]:
    """Return the ranges of leaves whose roots stand beside a leaf's way to the root, from the leaf up."""
    start, end, found = 0, size, list[Range]()
    while end - start > 1:
        half = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < half:
            found.append((half, end))
            end = half
        else:
            found.append((start, half))
            start = half
    return found[::-1]


def _between(known: int, start: int, end: int, whole: bool) -> list[Range]:
    if known == end - start:
        return [] if whole else [(start, end)]
    half = 1 << ((end - start - 1).bit_length() - 1)
    if known <= half:
        return [*_between(known, start, start + half, whole), (start + half, end)]
    return [*_between(known - half, start + half, end, False), (start, start + half)]


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the complete parts that a range of leaves falls into, as (upto, level), the largest first."""
    while start < end:
        level = (end - start).bit_length() - 1
        start += 1 << level
        yield start, level


class _Parts:
    """The roots of some ranges of leaves: from kept roots, and at the edges from the leaves themselves."""

    def __init__(self, session: Session, ranges: Collection[Range], blocks: Iterable[int] = ()) -> None:
        """Read what `ranges` need, and the leaves of these blocks (of 2 ** LEVEL, numbered from 0) besides."""
        self.hashes: dict[tuple[int, int], bytes] = defaultdict(lambda: NOTHING)
        parts = {part for one in ranges for part in _complete(*one)}
        kept = sorted(part for part in parts if part[1] >= LEVEL)
        node = tuple_(TrailNode.upto, TrailNode.level)
        for turn in range(0, len(kept), AT_ONCE):
            rows = select(TrailNode).where(node.in_(kept[turn : turn + AT_ONCE]))
            for row in session.scalars(rows):
                self.hashes[row.upto, row.level] = row.hash
        small = {(upto - 1) >> LEVEL for upto, level in parts if level < LEVEL}
        for block in sorted({*blocks, *small}):
            self._read(session, block << LEVEL)

    def _read(self, session: Session, start: int) -> None:
        """Read the leaves of a block, and work out the roots of its parts."""
        end, place = start + (1 << LEVEL), TrailStretch.leaf + AuditEvent.seq - TrailStretch.first
        begins = select(func.max(TrailStretch.leaf)).where(TrailStretch.leaf <= start).scalar_subquery()
        query = (
            select(place, AuditEvent.canonical)
            .join(TrailStretch, TrailStretch.stream == AuditEvent.stream)
            .where(
                TrailStretch.leaf.between(begins, end - 1),
                AuditEvent.seq >= TrailStretch.first,
                AuditEvent.seq >= TrailStretch.first + start - TrailStretch.leaf,
                AuditEvent.seq <= TrailStretch.last,
                AuditEvent.seq < TrailStretch.first + end - TrailStretch.leaf,
            )
        )
        for index, canonical in session.execute(query):
            self.hashes[index + 1, 0] = leaf_hash(canonical.encode())
        for level in range(1, LEVEL):
            for upto in range(start + (1 << level), end + 1, 1 << level):
                left, right = self.hashes[upto - (1 << (level - 1)), level - 1], self.hashes[upto, level - 1]
                self.hashes[upto, level] = hashlib.sha256(b"\x01" + left + right).digest()

    def leaf(self, index: int) -> bytes:
        return self.hashes[index + 1, 0]

    def root(self, start: int, end: int) -> bytes:
        return Tree(end - start, [self.hashes[part] for part in _complete(start, end)]).root()
