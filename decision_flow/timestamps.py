"""Timestamps (时间戳) of checkpoints after RFC 3161: an outside authority says when a checkpoint was there.

The request is over the SHA-256 of the checkpoint's signed note; its nonce is taken from the signature, so that anyone
can see from checkpoint and reply alone that they belong together, and the request of a checkpoint is always the same:
it can be carried to the authority as a file. What is stored is the whole reply, read by the verifier's own reader, so
that what is taken here holds there. The signature and certificate of the authority are not checked (ADR 0059).
"""

from __future__ import annotations

import base64
import hashlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import audit, checkpoints
from decision_flow.audit import SYSTEM, Author, EventName
from decision_flow.errors import N_, Invalid, NotFound
from decision_flow.models import TrailCheckpoint, TrailTimestamp
from decision_flow.verifier import verify_trail

# Of a TimeStampReq: version 1 and an imprint in SHA-256; after digest and nonce, that the certificate is wanted.
BEGINNING = bytes.fromhex("0201013031300d060960864801650304020105000420")
WITH_CERTIFICATE = bytes.fromhex("0101ff")
LARGEST = verify_trail.LARGEST_STAMP
FAULTS = {
    "stamp_unreadable": N_("时间戳答复读不出来。"),
    "stamp_refused": N_("时间戳机构拒绝了请求，没有给出时间戳。"),
    "stamp_imprint": N_("时间戳不是为这个检查点出具的。请使用从本检查点导出的请求文件。"),
    "stamp_nonce": N_("时间戳不是对本系统请求的答复。请使用从本检查点导出的请求文件。"),
    "stamp_early": N_("时间戳早于检查点的签发时间。请核对服务器的时钟。"),
}


def point(session: Session, number: int) -> TrailCheckpoint:
    """Return a checkpoint by its number. Raises `NotFound`."""
    found = session.get(TrailCheckpoint, number)
    if found is None:
        raise NotFound(N_("没有这个检查点。"))
    return found


def reply(session: Session, number: int, stamp: int) -> bytes:
    """Return a timestamp of a checkpoint as the authority gave it. Raises `NotFound`."""
    found = session.get(TrailTimestamp, stamp)
    if found is None or found.checkpoint != number:
        raise NotFound(N_("没有这个时间戳。"))
    return base64.b64decode(found.reply)


def digest_of(point: TrailCheckpoint) -> str:
    """Return the SHA-256 (hex) of a checkpoint's note: what is stamped, and what the next checkpoint names."""
    return hashlib.sha256(point.note.encode()).hexdigest()


def request(point: TrailCheckpoint) -> bytes:
    """Return the request for a timestamp of a checkpoint (TimeStampReq in DER), always the same bytes."""
    digest, nonce = bytes.fromhex(digest_of(point)), verify_trail.nonce_of(point.signature)
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    inner = BEGINNING + digest + bytes([verify_trail.INTEGER, len(number)]) + number + WITH_CERTIFICATE
    return bytes([verify_trail.SEQUENCE, len(inner)]) + inner


def waiting(session: Session) -> TrailCheckpoint | None:
    """Return the newest checkpoint if it has no timestamp. Those before it are covered by its own: it names them."""
    newest = select(TrailCheckpoint).order_by(TrailCheckpoint.number.desc()).limit(1)
    last = session.scalars(newest).one_or_none()
    return last if last is not None and not last.stamps else None


def take(session: Session, number: int, reply: bytes, actor: Author = SYSTEM, source: str = "") -> TrailTimestamp:
    """Store the reply to a checkpoint's request; `source` says where it came from, "" for a file brought by hand.

    Returns it; a reply that is there already is returned as it is. Raises `Invalid` with what is wrong of it.
    """
    of, encoded = point(session, number), base64.b64encode(reply).decode()
    fault, at = verify_trail.stamp_fault(checkpoints.as_line(of), reply)
    if fault:
        raise Invalid(FAULTS[fault])
    for known in of.stamps:
        if known.reply == encoded:
            return known
    count = session.scalar(select(func.count()).select_from(TrailTimestamp)) or 0
    made = TrailTimestamp(number=count + 1, stamped_at=at, source=source, reply=encoded)
    of.stamps.append(made)
    facts = {"number": number, "at": at.isoformat(), "source": source, "sha256": hashlib.sha256(reply).hexdigest()}
    audit.append(session, audit.TRAIL, EventName.TRAIL_STAMPED, actor=actor, facts=facts)
    return made
