"""Checkpoints (检查点): what the whole trail held at a moment, as the root of one tree, signed with Ed25519.

The tree is that of RFC 6962 over the events' canonical bytes. Its leaves are put in order by the checkpoints
themselves: each takes, stream after stream by name, what was added since the one before. So writers of different
streams never wait for each other, and the tree still only grows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.orm import Session

from decision_flow import audit, clock, inclusion
from decision_flow.audit import GENESIS, SYSTEM, Author, EventName
from decision_flow.db import batches, streamed
from decision_flow.errors import N_, Invalid
from decision_flow.kept_secrets import kept
from decision_flow.models import AuditEvent, AuditStream, TrailCheckpoint, TrailNode, TrailStretch, TrailTimestamp
from decision_flow.verifier import verify_trail

KEY_FILE = "trail-key"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Return the key in the data folder; the first call makes it, readable to its owner only.

    Raises `Invalid` when the file holds no key.
    """
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept(folder / KEY_FILE, _made)))
    except ValueError as error:
        raise Invalid(N_("数据目录中的签名密钥读不出来，没有签发检查点。")) from error


def _made() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()


def public_key(key: Ed25519PrivateKey) -> str:
    """Return the public key in hex, as it is printed and published."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


@dataclass(frozen=True)
class Survey:
    """What the next checkpoint will say: number, tree, the streams that moved, and the digest of the note before.

    `stretches` are the rows that say where the streams went into the tree.
    """

    number: int
    tree: inclusion.GrowingTree
    streams: list[list[Any]]
    previous: str
    stretches: list[dict[str, Any]]


def survey(session: Session) -> Survey | None:
    """Return what the next checkpoint will say of all that is committed, or None when nothing was added since the last.

    Reads only what is new. Given a snapshot, it holds nobody up, however long it takes.
    """
    last = session.scalars(select(TrailCheckpoint).order_by(TrailCheckpoint.number.desc()).limit(1)).one_or_none()
    sealed = covered(session)
    heads = session.execute(select(AuditStream.name, AuditStream.seq)).all()
    # By code points, in Python: each database would sort names its own way.
    moved = sorted((name, seq) for name, seq in heads if seq > sealed.get(name, 0))
    if all(name == audit.TRAIL for name, _ in moved):
        return None
    number, size, parts = (last.number, last.size, json.loads(last.frontier)) if last else (0, 0, ())
    tree = inclusion.GrowingTree(size, map(bytes.fromhex, parts))
    for name, seq in moved:
        for canonical in inclusion.canonicals(session, name, sealed.get(name, 0), seq):
            tree.add(verify_trail.leaf_hash(canonical.encode()))
    previous = hashlib.sha256(last.note.encode()).hexdigest() if last else GENESIS
    stretches = list(inclusion.stretches(number + 1, moved, sealed, size))
    return Survey(number + 1, tree, [list(one) for one in moved], previous, stretches)


def seal(
    session: Session, key: Ed25519PrivateKey, actor: Author = SYSTEM, found: Survey | None = None
) -> TrailCheckpoint | None:
    """Sign a checkpoint over all that is committed; return it, or None when nothing was added since the last.

    `found` is the `survey` of a snapshot, so that the writing transaction need not make it. Two at a time: the second
    is told `Conflict` at the commit. That it was signed is itself an event, which the next checkpoint covers.
    """
    found = found or survey(session)
    if found is None:
        return None
    tree, at, root = found.tree, clock.now(), found.tree.root().hex()
    moment = at.isoformat(timespec="microseconds")
    note = verify_trail.note_of(found.number, moment, tree.size, root, found.streams, found.previous)
    made = TrailCheckpoint(
        number=found.number,
        made_at=at,
        size=tree.size,
        root=root,
        streams=verify_trail.canonical_json(found.streams),
        frontier=json.dumps([part.hex() for part in tree.parts]),
        note=note,
        signature=key.sign(note.encode()).hex(),
        public_key=public_key(key),
    )
    session.add(made)
    session.flush()
    session.execute(insert(TrailStretch), found.stretches)
    if tree.made:
        session.execute(insert(TrailNode), tree.made)
    facts = {"number": found.number, "size": tree.size, "root": root, "public_key": made.public_key}
    audit.append(session, audit.TRAIL, EventName.TRAIL_SEALED, actor=actor, facts=facts)
    return made


def covered(session: Session) -> dict[str, int]:
    """Return how many events of each stream the checkpoints cover."""
    found: dict[str, int] = {}
    for streams in session.scalars(select(TrailCheckpoint.streams).order_by(TrailCheckpoint.number)):
        found.update(dict(json.loads(streams)))
    return found


def as_line(point: TrailCheckpoint) -> dict[str, Any]:
    """Return a checkpoint as it stands in an export; kept by itself, it finds a cut tail later."""
    return _line(point, [stamp.reply for stamp in point.stamps])


def _line(point: TrailCheckpoint, stamps: list[str]) -> dict[str, Any]:
    return {
        "kind": "checkpoint",
        "number": point.number,
        "at": point.made_at.isoformat(timespec="microseconds"),
        "size": point.size,
        "root": point.root,
        "streams": _streams(point.streams),
        "note": point.note,
        "signature": point.signature,
        "public_key": point.public_key,
        **({"timestamps": stamps} if stamps else {}),
    }


def _streams(stored: str) -> Any:
    try:
        return json.loads(stored)
    except ValueError:
        return None  # changed to what is none: exported all the same, for the verifier to name


def beginning(session: Session) -> dict[str, Any]:
    """Return what an export of the whole trail says at its end, so that one broken off can go on to the same end."""
    heads = session.execute(select(AuditStream.name, AuditStream.seq, AuditStream.head, AuditStream.sm3))
    return {
        "events": session.scalar(select(func.count()).select_from(AuditEvent)),
        "heads": sorted(list(head) for head in heads),
        "checkpoints": session.scalar(select(func.count()).select_from(TrailCheckpoint)),
        "timestamps": session.scalar(select(func.count()).select_from(TrailTimestamp)),
    }


def lines(
    session: Session, start: Mapping[str, Any] | None = None, after: Sequence[Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the whole trail as the lines of its JSON Lines export (docs/trail-format.md), in constant memory.

    `session` is a snapshot (`Database.snapshot`), so that heads, events and checkpoints are of one moment. To go
    on with an export: `start` is the `beginning` of then, `after` the [stream, seq] of the last event written.
    """
    for _, line in _placed(session, start or beginning(session), after):
        yield line


def pieces(session: Session, start: Mapping[str, Any], after: Any) -> Iterator[tuple[Any, str]]:
    """Yield (place to go on after, text) of each line: what `trail_exports.write_resumable` takes."""
    for place, line in _placed(session, start, after):
        yield place, json.dumps(line, ensure_ascii=False) + "\n"


def _placed(
    session: Session, start: Mapping[str, Any], after: Sequence[Any] | None
) -> Iterator[tuple[Any, dict[str, Any]]]:
    if after is None:
        moment = clock.now().isoformat(timespec="seconds")
        yield None, {"kind": "trail", "format": 1, "scope": "all", "exported_at": moment}
    ended = {name: seq for name, seq, *_ in start["heads"]} if after else {}
    columns = (AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3, AuditEvent.stream, AuditEvent.seq)
    for canonical, digest, sm3, stream, seq in chain.from_iterable(events(session, columns, after)):
        # What was added since the export began is not part of it.
        if not after or seq <= ended.get(stream, 0):
            yield (stream, seq), {"kind": "event", "canonical": canonical, "hash": digest, "sm3": sm3}
    points = select(TrailCheckpoint).where(TrailCheckpoint.number <= start["checkpoints"])
    for point in session.scalars(points.order_by(TrailCheckpoint.number).execution_options(yield_per=100)):
        yield None, _line(point, [stamp.reply for stamp in point.stamps if stamp.number <= start["timestamps"]])
    yield None, {"kind": "end", **start}


def proof(session: Session, old: Any, new: dict[str, Any]) -> dict[str, Any]:
    """Return the proof that checkpoint `new` goes on from `old`, both as lines. Raises `Invalid` for no such pair.

    `old` is looked up by its number alone: if it is not the one in this trail, the proof will not hold.
    """
    number = old.get("number") if isinstance(old, dict) else None
    if type(number) is not int or not 0 < number <= new["number"] or not verify_trail.says(old):
        raise Invalid(N_("所给文件不是本系统较早的检查点。"))
    path = inclusion.consistency(session, number, new["number"])
    alone = [{name: value for name, value in point.items() if name != "streams"} for point in (old, new)]
    return {"kind": "consistency", "from": alone[0], "to": alone[1], "path": path}


def matter_lines(session: Session, matter_id: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of one matter's trail: its streams whole, and for each event the proof of its checkpoint.

    `session` is a snapshot. The checkpoints stand there without the list of all streams, which is nobody's business.
    """
    names = audit.streams_of(matter_id)
    moment = clock.now().isoformat(timespec="seconds")
    yield {"kind": "trail", "format": 1, "scope": "matter", "matter": matter_id, "exported_at": moment}
    columns = (AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3)
    query = select(*columns).where(AuditEvent.stream.in_(names)).order_by(AuditEvent.stream, AuditEvent.seq)
    count = 0
    for canonical, digest, sm3 in streamed(session, query):
        yield {"kind": "event", "canonical": canonical, "hash": digest, "sm3": sm3}
        count += 1
    points = proven = 0
    for point, proofs in inclusion.of_streams(session, names):
        points, proven = points + 1, proven + len(proofs)
        yield {name: value for name, value in as_line(point).items() if name != "streams"}
        yield from proofs
    heads = session.execute(
        select(AuditStream.name, AuditStream.seq, AuditStream.head, AuditStream.sm3).where(AuditStream.name.in_(names))
    )
    ends = sorted(list(head) for head in heads)
    yield {"kind": "end", "events": count, "heads": ends, "checkpoints": points, "inclusions": proven}


def events(
    session: Session, columns: Sequence[Any], after: Sequence[Any] | None = None
) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Yield these columns of all events in `batches`, stream by stream, from behind `after` ([stream, seq]) on."""
    query = select(*columns).order_by(AuditEvent.stream, AuditEvent.seq)
    if after:
        query = query.where(tuple_(AuditEvent.stream, AuditEvent.seq) > tuple_(*after))
    return batches(session, query)
