"""Proofs of the tree (RFC 6962): that a checkpoint holds an event, and that it goes on from an earlier checkpoint."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow.db import streamed
from decision_flow.models import AuditEvent, TrailCheckpoint
from decision_flow.verifier.verify_trail import Leaves, Tree, leaf_hash

Node = tuple[bytes, int, int]


def canonicals(session: Session, stream: str, above: int, upto: int) -> Iterator[str]:
    """Yield the canonical forms of a stream's events after number `above` up to `upto`."""
    query = (
        select(AuditEvent.canonical)
        .where(AuditEvent.stream == stream, AuditEvent.seq > above, AuditEvent.seq <= upto)
        .order_by(AuditEvent.seq)
    )
    for (canonical,) in streamed(session, query):
        yield canonical


def of_streams(session: Session, names: Collection[str]) -> Iterator[tuple[TrailCheckpoint, list[dict[str, Any]]]]:
    """Yield each checkpoint that was the first to cover events of these streams, with the proof for each of them.

    Reads only what that checkpoint added: what stood before it is known by the roots that the one before kept.
    """
    sealed: dict[str, int] = {}
    before: TrailCheckpoint | None = None
    points = select(TrailCheckpoint).order_by(TrailCheckpoint.number).execution_options(yield_per=100)
    for point in session.scalars(points):
        moved: list[list[Any]] = json.loads(point.streams)
        if any(name in names for name, _ in moved):
            yield point, _proofs(session, point, before, moved, sealed, names)
        sealed.update((name, seq) for name, seq in moved)
        before = point


def _proofs(
    session: Session,
    point: TrailCheckpoint,
    before: TrailCheckpoint | None,
    moved: list[list[Any]],
    sealed: dict[str, int],
    names: Collection[str],
) -> list[dict[str, Any]]:
    at = before.size if before else 0
    wanted: dict[int, tuple[str, int]] = {}
    for name, seq in moved:
        first = sealed.get(name, 0)
        if name in names:
            wanted |= {at + turn: (name, first + 1 + turn) for turn in range(seq - first)}
        at += seq - first
    paths = Paths(before, sorted(wanted))
    for name, seq in moved:
        for canonical in canonicals(session, name, sealed.get(name, 0), seq):
            paths.add(leaf_hash(canonical.encode()))
    paths.close()
    return [
        {"kind": "inclusion", "stream": stream, "seq": seq, "checkpoint": point.number, "index": index,
         "path": [one.hex() for one in paths.found[index]]}
        for index, (stream, seq) in wanted.items()
    ]  # fmt: skip


class Paths:
    """A tree that grows leaf by leaf and notes, for the wanted ones, the hashes beside their way to the root."""

    def __init__(self, before: TrailCheckpoint | None, wanted: list[int]) -> None:
        self.wanted, self.found = wanted, {index: list[bytes]() for index in wanted}
        self.nodes: list[Node] = []
        self.size = before.size if before else 0
        start = 0
        for part in json.loads(before.frontier) if before else ():
            width = 1 << ((self.size - start).bit_length() - 1)
            self.nodes.append((bytes.fromhex(part), start, width))
            start += width

    def add(self, leaf: bytes) -> None:
        self.nodes.append((leaf, self.size, 1))
        self.size += 1
        while len(self.nodes) > 1 and self.nodes[-2][2] == self.nodes[-1][2]:
            self.merge()

    def merge(self) -> None:
        right, left = self.nodes.pop(), self.nodes.pop()
        self.note(left, right[0])
        self.note(right, left[0])
        self.nodes.append((hashlib.sha256(b"\x01" + left[0] + right[0]).digest(), left[1], left[2] + right[2]))

    def note(self, node: Node, beside: bytes) -> None:
        _, start, width = node
        for index in self.wanted[bisect_left(self.wanted, start) : bisect_left(self.wanted, start + width)]:
            self.found[index].append(beside)

    def close(self) -> None:
        while len(self.nodes) > 1:
            self.merge()


def consistency(session: Session, first: int, last: int) -> list[str]:
    """Return the proof (hex) that the tree of checkpoint `last` begins with that of `first`. Reads the whole trail."""
    leaves, sealed, sizes = Leaves(), dict[str, int](), {0: 0}
    for point in session.scalars(
        select(TrailCheckpoint).where(TrailCheckpoint.number <= last).order_by(TrailCheckpoint.number)
    ).all():
        for name, seq in json.loads(point.streams):
            for canonical in canonicals(session, name, sealed.get(name, 0), seq):
                leaves.add(leaf_hash(canonical.encode()))
            sealed[name] = seq
        sizes[point.number] = point.size

    def root(start: int, end: int) -> bytes:
        tree = Tree()
        for leaf in leaves.read(start, end - start):
            tree.add(leaf)
        return tree.root()

    def proof(known: int, start: int, end: int, whole: bool) -> list[bytes]:
        if known == end - start:
            return [] if whole else [root(start, end)]
        half = 1 << ((end - start - 1).bit_length() - 1)
        if known <= half:
            return [*proof(known, start, start + half, whole), root(start + half, end)]
        return [*proof(known - half, start + half, end, False), root(start, start + half)]

    return [one.hex() for one in proof(sizes[first], 0, sizes[last], True)]
