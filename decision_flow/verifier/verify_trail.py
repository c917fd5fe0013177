"""Verify a trail (过程记录) taken away: python verify_trail.py FILE [--checkpoint FILE] [--key HEX] [--lang en]

Needs Python 3.9 or newer and nothing else. FILE is a trail in JSON Lines, the package of a matter (its ZIP file or
the folder it was unpacked to), or the proof that one checkpoint goes on from another: docs/trail-format.md. Exit
status 0: intact; 1: not. With --checkpoint, a checkpoint kept from earlier must be the one in the trail: this is
how a cut tail is found. With --key, the signatures must be of that key; without it, of the key the file names,
which proves only that one hand signed all of it: compare the key shown with the one that was published. With
--stamps FOLDER, the timestamps of an outside authority (RFC 3161) are written there as checkpoint-N.tsr, for a
program that checks the authority's signature and certificate, which this one does not.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import sys
import tempfile
import zipfile
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

GENESIS = "0" * 64
# The stream that tells of each checkpoint.
SEALS = "trail"
WORDS = {
    "line": ("文件第{0}行读不出来，或者不是规定的写法。",
             "Line {0} of the file cannot be read or is not in the format."),
    "header": ("文件开头不是过程记录的抬头。", "The file does not begin with the header of a trail."),
    "unreadable": ("流{0}第{1}条：内容读不出来。", "Stream {0}, event {1}: the content cannot be read."),
    "hash": ("流{0}第{1}条：内容与SHA-256散列值不符。", "Stream {0}, event {1}: the content does not fit its SHA-256."),
    "sm3": ("流{0}第{1}条：内容与SM3散列值不符。", "Stream {0}, event {1}: the content does not fit its SM3."),
    "seq": ("流{0}第{1}条：应为第{2}条，有记录缺失、多出或调换。",
            "Stream {0}, event {1}: event {2} was expected; something is missing, added or swapped."),
    "prev": ("流{0}第{1}条：与上一条记录的链接断开。", "Stream {0}, event {1}: does not link to the event before."),
    "head": ("流{0}：末尾与登记的第{1}条不符，记录被截短、加长或改写。",
             "Stream {0}: its end is not the registered event {1}; it was cut, lengthened or rewritten."),
    "columns": ("流{0}第{1}条：数据库的检索列与记录内容不符。", "Stream {0}, event {1}: the searched columns differ."),
    "mentions": ("流{0}第{1}条：查找规则和材料用的索引与记录内容不符。",
                 "Stream {0}, event {1}: the index of rules and papers differs."),
    "stray": ("查找规则和材料用的索引中有{0}项不属于任何记录。",
              "The index of rules and papers has {0} entries that belong to no event."),
    "frontier": ("检查点第{0}号：续算下一个检查点所用的散列值不符。",
                 "Checkpoint {0}: the hashes that the next one goes on from differ."),
    "places": ("检查点第{0}号：各流记录在树中位置的登记不符。",
               "Checkpoint {0}: the register of where its events stand in the tree differs."),
    "stray_places": ("树中位置的登记有{0}项不属于任何检查点。",
                     "The register of places in the tree has {0} entries that belong to no checkpoint."),
    "nodes": ("树中第{0}至{1}位：制作证明所用的散列值不符。",
              "Places {0} to {1} of the tree: the hashes that proofs are made of differ."),
    "register": ("材料第{0}号（{1}）：登记的内容与上传、归入时的记录不符。",
                 "Paper {0} ({1}): the register differs from the events of its upload and filing."),
    "lost": ("材料文件缺失：{0}。", "The file of a paper is missing: {0}."),
    "altered": ("材料文件被改动：{0}。", "The file of a paper was changed: {0}."),
    "sealed": ("检查点第{0}号：与记录中签发它的那一条不符，或者两者缺一。",
               "Checkpoint {0}: it and the event that tells of its making differ, or one of them is missing."),
    "end": ("文件没有结尾，可能被截断。", "The file has no end; it may have been cut."),
    "heads": ("文件结尾把同一个流登记了两次。", "The end of the file registers a stream twice."),
    "count": ("文件应有{0}条记录，实有{1}条。", "The file should hold {0} events and holds {1}."),
    "number": ("检查点应为第{0}号，却是第{1}号：有检查点缺失或多出。",
               "Checkpoint {0} was expected, not {1}: one is missing or added."),
    "note": ("检查点第{0}号：写法与签名内容不符。", "Checkpoint {0}: what it says is not what was signed."),
    "signature": ("检查点第{0}号：签名不符。", "Checkpoint {0}: the signature does not hold."),
    "key": ("检查点第{0}号：不是用所给公钥签的。", "Checkpoint {0}: not signed with the expected key."),
    "covers": ("检查点第{0}号：流{1}应有{2}条记录，实有{3}条。",
               "Checkpoint {0}: stream {1} should hold {2} events and holds {3}."),
    "root": ("检查点第{0}号：当时的记录已被改动（树根不符）。",
             "Checkpoint {0}: what was recorded then has been changed (the root differs)."),
    "included": ("流{0}第{1}条：不在检查点第{2}号之中（包含证明不成立）。",
                 "Stream {0}, event {1}: not in checkpoint {2} (its proof of inclusion does not hold)."),
    "unproven": ("流{0}第{1}条：缺少包含证明，而其后的记录有证明。",
                 "Stream {0}, event {1}: its proof of inclusion is missing, though later events have theirs."),
    "proofs": ("应有{0}条包含证明，实有{1}条。", "There should be {0} proofs of inclusion and there are {1}."),
    "consistent": ("检查点第{1}号不是从第{0}号延续而来：其间的记录被改写。",
                   "Checkpoint {1} does not go on from checkpoint {0}: the trail was rewritten between."),
    "goes_on": ("检查点第{1}号（{3}条）从第{0}号（{2}条）延续而来，其间没有改写。",
                "Checkpoint {1} ({3} events) goes on from checkpoint {0} ({2} events); nothing was rewritten."),
    "manifest": ("清单manifest.json缺少、读不出来，或者签名不符。",
                 "manifest.json is missing, cannot be read, or its signature does not hold."),
    "foreign": ("清单不是用所给公钥签的。", "The manifest is not signed with the expected key."),
    "missing": ("缺少文件：{0}。", "A file is missing: {0}."),
    "extra": ("多出清单以外的文件：{0}。", "A file that the manifest does not name: {0}."),
    "changed": ("文件被改动：{0}。", "A file was changed: {0}."),
    "twice": ("同名文件出现两次：{0}。", "A file stands there twice: {0}."),
    "document": ("记录中归入的材料不在档案包中：{0}。", "A paper filed in the trail is not in the package: {0}."),
    "unnamed": ("档案包中的材料未见于记录：{0}。", "A paper in the package is not in the trail: {0}."),
    "streams": ("清单登记的各流末尾与记录不符。", "The ends of the streams in the manifest are not the trail's."),
    "evidence": ("归档材料第{0}项所据的任务{1}不在记录中。", "Item {0} rests on task {1}, which is not in the trail."),
    "absent": ("归档材料不全，缺少第{0}项：{1}。", "The file is not complete; item {0} is missing: {1}."),
    "files": ("档案包：{0}个文件与清单相符，归入的材料{1}份齐全。",
              "Package: {0} files agree with the manifest; all {1} filed papers are there."),
    "kept": ("所存检查点第{0}号不在记录之中：记录被截短或整体重写。",
             "The kept checkpoint {0} is not in the trail: it was cut or rewritten as a whole."),
    "ok": ("完整：{0}条记录，{1}个流，{2}个检查点。", "Intact: {0} events in {1} streams, {2} checkpoints."),
    "bad": ("不完整：发现{0}处问题。", "NOT intact: {0} findings."),
    "covered": ("经检查点证明的记录：{0}条。最近的检查点：第{1}号（{2}）。",
                "Proven by checkpoints: {0} events. Latest checkpoint: {1} ({2})."),
    "uncovered": ("尚无检查点覆盖的记录：{0}条。它们首尾相连，但末尾若被截去，本次验证看不出来。",
                  "Not yet covered by a checkpoint: {0} events. They link up, but a cut end would not show."),
    "stamp_unreadable": ("检查点第{0}号：时间戳读不出来。", "Checkpoint {0}: the timestamp cannot be read."),
    "stamp_refused": ("检查点第{0}号：时间戳机构没有给出时间戳。", "Checkpoint {0}: the authority gave no timestamp."),
    "stamp_imprint": ("检查点第{0}号：时间戳不是为这个检查点出具的（散列值不符）。",
                      "Checkpoint {0}: the timestamp is not of this checkpoint (the digest differs)."),
    "stamp_nonce": ("检查点第{0}号：时间戳不是对本系统请求的答复（随机数不符）。",
                    "Checkpoint {0}: the timestamp does not answer the request (the nonce differs)."),
    "stamp_early": ("检查点第{0}号：时间戳早于检查点的签发时间，两者的时钟不一致。",
                    "Checkpoint {0}: the timestamp is older than the checkpoint; one of the clocks is wrong."),
    "stamp_unknown": ("检查点第{0}号：时间戳与记录中登记的不符。",
                      "Checkpoint {0}: the timestamp is not the one that the trail tells of."),
    "stamp_missing": ("检查点第{0}号：记录中登记的时间戳不在文件中。",
                      "Checkpoint {0}: a timestamp that the trail tells of is not in the file."),
    "stamped": ("附有时间戳的检查点：{0}个，散列值、随机数和时间都相符。最近的是第{1}号，时间戳为{2}。",
                "Checkpoints with a timestamp: {0}; digest, nonce and time agree. Latest: checkpoint {1}, {2}."),
    "unchecked": ("没有核对时间戳机构的签名和证书。可用 --stamps 文件夹 取出时间戳，再用该机构的根证书核对：\n"
                  "  openssl ts -verify -digest {1} -in checkpoint-{0}.tsr -CAfile 根证书.pem",
                  "NOT checked: the signature and certificate of the timestamp's authority. Write the timestamps out\n"
                  "with --stamps FOLDER and check them with the root certificate of the authority:\n"
                  "  openssl ts -verify -digest {1} -in checkpoint-{0}.tsr -CAfile ROOT.pem"),
    "nosm3": ("本机Python不带SM3，只核对了SHA-256。", "This Python has no SM3; only SHA-256 was checked."),
    "old": ("其中{0}条按旧格式记录，没有SM3。", "{0} of them were written in the old format, without SM3."),
    "keyshown": ("签名公钥：{0}", "Signing key: {0}"),
}  # fmt: skip


# --- Ed25519 after RFC 8032, section 5.1 -------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _x(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def _add(a: Point, b: Point) -> Point:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(factor: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _point(data: bytes) -> Point | None:
    value = int.from_bytes(data, "little")
    y = value & ((1 << 255) - 1)
    x = _x(y, value >> 255)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = _x(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is that of `message` under the Ed25519 key `public` (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- The tree after RFC 6962, section 2.1 ------------------------------------------------------------------------


class Tree:
    """A tree that grows by one leaf at a time and keeps only the roots of its complete parts."""

    def __init__(self, size: int = 0, parts: Iterable[bytes] = ()) -> None:
        """Start empty, or where a tree of `size` leaves with these `parts` (the largest first) left off."""
        self.size, self.parts = size, list(parts)

    def add(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        rest, self.size = self.size, self.size + 1
        while rest & 1:
            leaf = hashlib.sha256(b"\x01" + self.parts.pop() + leaf).digest()
            rest >>= 1
        self.parts.append(leaf)

    def root(self) -> bytes:
        """Return the root of what was added so far."""
        if not self.parts:
            return hashlib.sha256().digest()
        found = self.parts[-1]
        for part in reversed(self.parts[:-1]):
            found = hashlib.sha256(b"\x01" + part + found).digest()
        return found


# Copied for every use: making one anew costs more than hashing an event.
SM3 = hashlib.new("sm3") if "sm3" in hashlib.algorithms_available else None


def sm3_of(content: bytes) -> str:
    """Return the SM3 of `content`; "" where this Python has none."""
    if SM3 is None:
        return ""
    hashing = SM3.copy()
    hashing.update(content)
    return hashing.hexdigest()


def leaf_hash(canonical: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + canonical).digest()


# --- What is checked ---------------------------------------------------------------------------------------------


def canonical_json(value: Any) -> str:
    """Return the canonical form (RFC 8785) of a value that holds no fractions and no exotic keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def note_of(number: int, at: str, size: int, root: str, streams: list[list[Any]], previous: str) -> str:
    """Return the text that is signed for a checkpoint."""
    digest = hashlib.sha256(canonical_json(streams).encode()).hexdigest()
    lines = ["decision-flow checkpoint 1", f"number {number}", f"at {at}", f"size {size}", f"root {root}"]
    return "\n".join([*lines, f"streams {digest}", f"previous {previous}", ""])


def says(point: dict[str, Any]) -> bool:
    """Whether the members of a checkpoint say what its signed note says."""
    lines = point["note"].split("\n")
    told = ["decision-flow checkpoint 1", *(f"{name} {point[name]}" for name in ("number", "at", "size", "root"))]
    return lines[:5] == told and len(lines) == 8 and type(point["size"]) is int


# --- The timestamp of an outside authority: RFC 3161, read as far as it concerns the checkpoint ---------------------


class Stamp(NamedTuple):
    """What a reply says: the status, and of the token the digest, the nonce (-1 without) and the time."""

    status: int
    algorithm: bytes
    digest: bytes
    nonce: int
    at: datetime


SEQUENCE, SET, INTEGER, OCTETS, OID, MOMENT, GIVEN = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18, 0xA0
SHA256 = bytes.fromhex("608648016503040201")
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
# A stamp may be that much older than the checkpoint: no two clocks agree to the second.
SKEW = timedelta(minutes=5)
LARGEST_STAMP = 64 * 1024


def _der(data: bytes) -> list[tuple[int, bytes]]:
    """Return the (tag, content) of what stands one after the other in `data`. Raises `ValueError`."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length > 0x80:
            length, at = int.from_bytes(data[at : at + length - 0x80], "big"), at + length - 0x80
        elif length == 0x80:
            raise ValueError("of no definite length")
        if at + length > len(data):
            raise ValueError("cut")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _only(data: bytes, *tags: int) -> list[bytes]:
    """Return the contents of what begins with these tags. Raises `ValueError`."""
    parts = _der(data)
    if [tag for tag, _ in parts[: len(tags)]] != list(tags):
        raise ValueError("not what is expected here")
    return [content for _, content in parts]


def read_stamp(reply: bytes) -> Stamp:
    """Read a TimeStampResp. Raises one of `BROKEN` for what is none."""
    outer = _der(reply)
    if len(outer) != 1 or outer[0][0] != SEQUENCE or len(reply) > LARGEST_STAMP:
        raise ValueError("not one reply")
    told = _only(outer[0][1], SEQUENCE)
    status = int.from_bytes(_only(told[0], INTEGER)[0], "big", signed=True)
    if status not in (0, 1):
        return Stamp(status, b"", b"", -1, datetime.min)
    kind, signed = _only(_only(outer[0][1], SEQUENCE, SEQUENCE)[1], OID, GIVEN)
    _, _, carried = _only(_only(signed, SEQUENCE)[0], INTEGER, SET, SEQUENCE)[:3]
    inner, content = _only(carried, OID, GIVEN)
    if (kind, inner) != (SIGNED_DATA, TST_INFO):
        raise ValueError("not a timestamp")
    info = _only(_only(content, OCTETS)[0], SEQUENCE)[0]
    _, _, imprint, _, moment = _only(info, INTEGER, OID, SEQUENCE, INTEGER, MOMENT)[:5]
    algorithm, digest = _only(imprint, SEQUENCE, OCTETS)
    numbers = [value for tag, value in _der(info)[5:] if tag == INTEGER]
    nonce = int.from_bytes(numbers[0], "big", signed=True) if numbers else -1
    # Parts of a second may have any number of digits.
    whole, _, part = moment.decode("ascii").rstrip("Z").partition(".")
    at = datetime.strptime(f"{whole}.{part[:6] or 0}Z", "%Y%m%d%H%M%S.%fZ").replace(tzinfo=timezone.utc)  # noqa: UP017
    return Stamp(status, _only(algorithm, OID)[0], digest, nonce, at)


def nonce_of(signature: str) -> int:
    """Return the nonce that a checkpoint's request carries: 63 bits of the hash of its signature (hex)."""
    return int.from_bytes(hashlib.sha256(bytes.fromhex(signature)).digest()[:8], "big") >> 1


def stamp_fault(point: dict[str, Any], reply: bytes) -> tuple[str, datetime]:
    """Return what is wrong with a timestamp of a checkpoint ("" for nothing), as a key of WORDS, and its time."""
    try:
        stamp = read_stamp(reply)
        if stamp.status not in (0, 1):
            return "stamp_refused", stamp.at
        digest = hashlib.sha256(point["note"].encode()).digest()
        if (stamp.algorithm, stamp.digest) != (SHA256, digest):
            return "stamp_imprint", stamp.at
        if stamp.nonce != nonce_of(point["signature"]):
            return "stamp_nonce", stamp.at
        return ("stamp_early" if stamp.at + SKEW < datetime.fromisoformat(point["at"]) else ""), stamp.at
    except BROKEN:
        return "stamp_unreadable", datetime.min


class Report:
    """What was found: problems as (code, values), and the counts that are told of an intact trail."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, tuple[Any, ...]]] = []
        self.events = self.streams = self.checkpoints = self.covered = self.old = 0
        self.last: tuple[Any, ...] = (0, "-")
        self.key = ""
        self.files: tuple[int, int] | None = None
        self.goes_on: tuple[int, int, int, int] | None = None
        # Of the timestamps that hold: (number, digest of the note, time, reply), in the order of the file.
        self.stamps: list[tuple[Any, str, str, bytes]] = []
        self.sm3 = SM3 is not None

    def wrong(self, code: str, *values: Any) -> None:
        """Note a problem; the first thousand are kept."""
        if len(self.problems) < 1000:
            self.problems.append((code, values))

    def text(self, language: str = "zh") -> str:
        """Return the findings in words."""
        column = 1 if language == "en" else 0
        lines = [WORDS[code][column].format(*values) for code, values in self.problems]

        def say(code: str, *values: Any) -> None:
            lines.append(WORDS[code][column].format(*values))

        if self.problems:
            say("bad", len(self.problems))
        elif self.goes_on:
            say("goes_on", *self.goes_on)
        else:
            if self.files:
                say("files", *self.files)
            say("ok", self.events, self.streams, self.checkpoints)
            say("covered", self.covered, *self.last)
            if self.events > self.covered:
                say("uncovered", self.events - self.covered)
        if self.stamps and not self.problems:
            number, digest, at, _ = self.stamps[-1]
            say("stamped", len({one[0] for one in self.stamps}), number, at)
            say("unchecked", number, digest)
        if not self.sm3:
            say("nosm3")
        if self.old:
            say("old", self.old)
        if self.key:
            say("keyshown", self.key)
        return "\n".join(lines)


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Return the root that a leaf's path leads to (RFC 9162, 2.1.3.2); None when the path is none of that place."""
    at, last = index, size - 1
    if not 0 <= index < size:
        return None
    for beside in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            leaf = hashlib.sha256(b"\x01" + beside + leaf).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\x01" + leaf + beside).digest()
        at, last = at >> 1, last >> 1
    return leaf if last == 0 else None


def is_consistent(first: int, second: int, old: bytes, new: bytes, path: list[bytes]) -> bool:
    """Whether the tree of `second` leaves with root `new` begins with that of `first` leaves (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and old == new
    if first & (first - 1) == 0:
        path = [old, *path]
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    left = right = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            left = hashlib.sha256(b"\x01" + beside + left).digest()
            right = hashlib.sha256(b"\x01" + beside + right).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            right = hashlib.sha256(b"\x01" + right + beside).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and left == old and right == new


class Leaves:
    """The hashes of all leaves in the order of the file, on disk: memory does not grow with the trail."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        self.count, self.waiting = 0, bytearray()

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self.waiting += leaf
        self.count += 1
        if len(self.waiting) >= 1 << 20:
            self.write()

    def write(self) -> None:
        """Put what waits on disk."""
        self.file.seek(0, 2)
        self.file.write(self.waiting)
        self.waiting.clear()

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """Yield `count` leaves from number `first` on."""
        if self.waiting:
            self.write()
        while count > 0:
            self.file.seek(first * 32)
            part = self.file.read(min(count, 4096) * 32)
            for at in range(0, len(part), 32):
                yield part[at : at + 32]
            first, count = first + 4096, count - 4096


class _Stream:
    """Where a stream has come to, and where its leaves lie: `starts[i]` is the first of the run at `places[i]`."""

    __slots__ = ("count", "hash", "places", "sealed", "seq", "sm3", "starts")

    def __init__(self) -> None:
        self.seq, self.hash, self.sm3 = 0, GENESIS, GENESIS
        self.count = self.sealed = 0
        self.starts, self.places = array("Q"), array("Q")

    def leaves(self, stored: Leaves, first: int, last: int) -> Iterator[bytes]:
        """Yield the leaves from number `first` (from 0) up to `last`, as far as there are."""
        last = min(last, self.count)
        run = bisect_right(self.starts, first) - 1
        while first < last:
            end = self.starts[run + 1] if run + 1 < len(self.starts) else self.count
            yield from stored.read(self.places[run] + first - self.starts[run], min(end, last) - first)
            first, run = end, run + 1


BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)


class Trail:
    """The check of a trail, line by line. `key` is the public key expected (hex), `kept` an earlier checkpoint."""

    def __init__(self, key: str = "", kept: dict[str, Any] | None = None) -> None:
        self.report = Report()
        self.key, self.kept, self.found = key, kept, kept is None
        self.streams: dict[str, _Stream] = {}
        self.leaves, self.tree = Leaves(), Tree()
        self.latest: _Stream | None = None
        self.previous, self.lines = GENESIS, 0
        self.end: dict[str, Any] | None = None
        self.told: Any = None
        # What each checkpoint says of itself by number, and what the trail says of its making.
        self.seals: dict[Any, tuple[Any, ...]] = {}
        self.sealed: dict[Any, tuple[Any, ...]] = {}
        # The trail of one matter: checkpoints by number, and which events are proven to be in one.
        self.is_matter, self.is_alone = False, True
        self.points: dict[Any, dict[str, Any]] = {}
        self.included: set[tuple[str, int]] = set()
        # The timestamps that the trail tells of: SHA-256 of the reply, and the checkpoint.
        self.stamps: dict[str, Any] = {}

    def take(self, line: Any) -> None:
        """Check the next line."""
        self.lines += 1
        kind = line.get("kind") if isinstance(line, dict) else None
        if self.lines == 1 and kind != "trail":
            self.report.wrong("header")
        elif self.lines == 1:
            self.is_matter = self.is_alone = line.get("scope") == "matter"
        try:
            if kind == "event":
                self.event(line["canonical"], line["hash"], line["sm3"])
            elif kind == "checkpoint" and self.is_matter:
                self.point(line)
            elif kind == "checkpoint":
                self.checkpoint(line)
            elif kind == "inclusion" and self.is_matter:
                self.inclusion(line)
            elif kind == "end" and self.end is None:
                self.end = line
            elif kind != "trail" or self.lines != 1:
                self.report.wrong("line", self.lines)
        except BROKEN:
            self.report.wrong("line", self.lines)

    def event(self, text: str, digest: str, sm3: str) -> None:
        """Check an event, its canonical form and its hashes, against the one before it in its stream."""
        report, canonical = self.report, text.encode()
        told = self.told = json.loads(text)
        name, seq = told["stream"], told["seq"]
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = _Stream()
        report.events += 1
        if hashlib.sha256(canonical).hexdigest() != digest:
            report.wrong("hash", name, seq)
        if told["format"] == 1:
            report.old += 1
            if sm3:
                report.wrong("sm3", name, seq)
        elif report.sm3 and sm3_of(canonical) != sm3:
            report.wrong("sm3", name, seq)
        if seq != stream.seq + 1:
            report.wrong("seq", name, seq, stream.seq + 1)
        if told["prev"] != stream.hash or (told["format"] != 1 and told["prev_sm3"] != stream.sm3):
            report.wrong("prev", name, seq)
        stream.seq, stream.hash, stream.sm3 = seq, digest, sm3 or GENESIS
        if stream is not self.latest:
            stream.starts.append(stream.count)
            stream.places.append(self.leaves.count)
            self.latest = stream
        self.leaves.add(leaf_hash(canonical))
        stream.count += 1
        if told["event"] == "trail.stamped":
            self.stamps[told["facts"]["sha256"]] = told["facts"]["number"]
        if name == SEALS and told["event"] == "trail.sealed":
            facts = told["facts"]
            self.sealed[facts["number"]] = (facts["size"], facts["root"], facts["public_key"])

    def checkpoint(self, point: dict[str, Any]) -> None:
        """Check a checkpoint against the events so far; those it covers stand before it."""
        report, number, note = self.report, point["number"], point["note"]
        if number != report.checkpoints + 1:
            report.wrong("number", report.checkpoints + 1, number)
        report.checkpoints += 1
        self.seals[number] = (point["size"], point["root"], point["public_key"])
        if note != note_of(number, point["at"], point["size"], point["root"], point["streams"], self.previous):
            report.wrong("note", number)
        self.signature(point)
        self.stamped(point)
        for name, seq in point["streams"]:
            stream = self.streams.get(name) or _Stream()
            if stream.count < seq or seq <= stream.sealed:
                report.wrong("covers", number, name, seq, stream.count)
            for leaf in stream.leaves(self.leaves, stream.sealed, seq):
                self.tree.add(leaf)
            stream.sealed = seq
        if self.tree.size != point["size"] or self.tree.root().hex() != point["root"]:
            report.wrong("root", number)
        self.previous = hashlib.sha256(note.encode()).hexdigest()
        report.covered, report.last = self.tree.size, (number, point["at"])
        if self.kept is not None and self.kept.get("note") == note:
            self.found = True

    def point(self, point: dict[str, Any]) -> None:
        """Check a checkpoint that stands alone: what it says is what was signed."""
        report, number = self.report, point["number"]
        if number in self.points or not says(point):
            report.wrong("note", number)
        self.signature(point)
        self.stamped(point)
        self.points[number] = point
        report.checkpoints += 1
        report.last = (number, point["at"])
        if self.kept is not None and self.kept.get("number") == number:
            self.found = self.kept.get("note") == point["note"]

    def inclusion(self, line: dict[str, Any]) -> None:
        """Check that an event is in the tree of a checkpoint."""
        name, seq, number = line["stream"], line["seq"], line["checkpoint"]
        point, stream = self.points.get(number), self.streams.get(name)
        path = [bytes.fromhex(one) for one in line["path"]]
        leaf = next(stream.leaves(self.leaves, seq - 1, seq), None) if stream is not None and seq > 0 else None
        root = root_by_path(leaf, line["index"], point["size"], path) if leaf and point else None
        if point is None or root is None or root.hex() != point["root"] or (name, seq) in self.included:
            self.report.wrong("included", name, seq, number)
            return
        self.included.add((name, seq))
        self.report.covered += 1

    def signature(self, point: dict[str, Any]) -> None:
        """Check who signed a checkpoint, and that the signature holds."""
        report, number = self.report, point["number"]
        report.key = report.key or point["public_key"]
        if point["public_key"] != (self.key or report.key):
            report.wrong("key", number)
        signed = bytes.fromhex(point["signature"])
        if not signature_holds(bytes.fromhex(point["public_key"]), point["note"].encode(), signed):
            report.wrong("signature", number)

    def stamped(self, point: dict[str, Any]) -> None:
        """Check the timestamps of a checkpoint: each is of it, and in a whole trail one that the trail tells of."""
        number, digest = point["number"], hashlib.sha256(point["note"].encode()).hexdigest()
        for text in point.get("timestamps", ()):
            reply = base64.b64decode(text, validate=True)
            fault, at = stamp_fault(point, reply)
            told = self.stamps.pop(hashlib.sha256(reply).hexdigest(), None)
            if not fault and not self.is_alone and told != number:
                fault = "stamp_unknown"
            if fault:
                self.report.wrong(fault, number)
            else:
                self.report.stamps.append((number, digest, at.isoformat(), reply))

    def done(self) -> Report:
        """Check the end, and return what was found."""
        for number in self.stamps.values():
            self.report.wrong("stamp_missing", number)
        self.report.streams = len(self.streams)
        if self.is_matter:
            # Of a matter, a checkpoint kept from earlier is only asked about when it is among those given.
            self.found = self.found or self.kept is None or self.kept.get("number") not in self.points
            for name in self.streams:
                # Checkpoints cover a stream from its beginning: a proof that lacks before another was dropped.
                proven = [seq for one, seq in self.included if one == name]
                told = {values[1] for code, values in self.report.problems if code == "included" and values[0] == name}
                for seq in sorted(set(range(1, max(proven, default=0))) - set(proven) - told):
                    self.report.wrong("unproven", name, seq)
        if not self.is_matter:
            for number in sorted({*self.seals, *self.sealed}, key=str):
                if self.seals.get(number) != self.sealed.get(number):
                    self.report.wrong("sealed", number)
        if not self.found and self.kept is not None:
            self.report.wrong("kept", self.kept.get("number"))
        try:
            self.ends(self.end)
        except BROKEN:
            self.report.wrong("end")
        return self.report

    def ends(self, end: dict[str, Any] | None) -> None:
        """Check that every stream ends where it is registered to end."""
        report = self.report
        if end is None:
            report.wrong("end")
            return
        if end["events"] != report.events:
            report.wrong("count", end["events"], report.events)
        heads = {name: (seq, digest, sm3) for name, seq, digest, sm3 in end["heads"]}
        if len(heads) != len(end["heads"]):
            report.wrong("heads")
        for name in sorted({*heads, *self.streams}):
            stream = self.streams.get(name) or _Stream()
            if heads.get(name) != (stream.seq, stream.hash, stream.sm3):
                report.wrong("head", name, heads.get(name, (0,))[0])
        if self.is_matter and end["inclusions"] != len(self.included):
            report.wrong("proofs", end["inclusions"], len(self.included))
        if end.get("timestamps", len(report.stamps)) != len(report.stamps):
            report.wrong("stamp_missing", "-")
        if end["checkpoints"] != report.checkpoints:
            report.wrong("number", end["checkpoints"], report.checkpoints)


def verify(lines: Iterable[Any], key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Check the parsed lines of a trail."""
    trail = Trail(key, kept)
    for line in lines:
        trail.take(line)
    return trail.done()


def verify_consistency(line: dict[str, Any], key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Check the proof that one checkpoint goes on from an earlier one; `kept` must be that earlier one, if given."""
    trail = Trail(key)
    report = trail.report
    try:
        old, new = line["from"], line["to"]
        for point in (old, new):
            trail.points.clear()
            trail.point(point)
        path = [bytes.fromhex(one) for one in line["path"]]
        roots = (bytes.fromhex(old["root"]), bytes.fromhex(new["root"]))
        if not is_consistent(old["size"], new["size"], *roots, path):
            report.wrong("consistent", old["number"], new["number"])
        if kept is not None and kept.get("note") != old["note"]:
            report.wrong("kept", kept.get("number"))
        report.goes_on = (old["number"], new["number"], old["size"], new["size"])
    except BROKEN:
        report.wrong("line", 1)
    return report


# --- The package of a matter ---------------------------------------------------------------------------------------

MANIFEST, SIGNATURE, TRAIL = "manifest.json", "manifest.sig", "audit.jsonl"


class Package:
    """The files of a package, in a ZIP file or the folder it was unpacked to, by their names under its top folder."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.zip = None if os.path.isdir(path) else zipfile.ZipFile(path)
        self.all = self.zip.namelist() if self.zip else list(_below(path))
        tops = [name[: -len(MANIFEST)] for name in self.all if name.rpartition("/")[2] == MANIFEST]
        self.top = min(tops, key=len, default="")
        self.names = [
            name[len(self.top) :] if name.startswith(self.top) else name for name in self.all if name[-1] != "/"
        ]

    def open(self, name: str) -> Any:
        """Open a file for reading bytes."""
        return self.zip.open(self.top + name) if self.zip else open(os.path.join(self.path, self.top + name), "rb")

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        with self.open(name) as source:
            return bytes(source.read())

    def digests(self, name: str) -> tuple[int, str, str]:
        """Return size, SHA-256 and SM3 of a file; the SM3 is "" where this Python has none."""
        size, sha256, sm3 = 0, hashlib.sha256(), SM3.copy() if SM3 is not None else None
        with self.open(name) as source:
            while part := source.read(1 << 20):
                size += len(part)
                sha256.update(part)
                if sm3 is not None:
                    sm3.update(part)
        return size, sha256.hexdigest(), sm3.hexdigest() if sm3 is not None else ""


def _below(folder: str) -> Iterator[str]:
    for at, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/")


def signed_of(manifest: bytes) -> bytes:
    """Return what is signed for a manifest."""
    return f"decision-flow package 1\n{hashlib.sha256(manifest).hexdigest()}\n".encode()


def signature_file(key: str, signature: str) -> bytes:
    """Return what stands in the file of the manifest's signature, byte for byte."""
    return (json.dumps({"public_key": key, "signature": signature}) + "\n").encode()


def verify_package(path: str, key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Check a package: its manifest and who signed it, every file, the trail, the papers, the completeness."""
    trail = Trail(key, kept)
    report = trail.report
    try:
        package = Package(path)
        content = package.read(MANIFEST)
        told, signed = json.loads(content), json.loads(package.read(SIGNATURE))
        report.key = signed["public_key"]
        holds = signature_holds(bytes.fromhex(report.key), signed_of(content), bytes.fromhex(signed["signature"]))
        if not holds or package.read(SIGNATURE) != signature_file(report.key, signed["signature"]):
            report.wrong("manifest")
        listed = {one["path"]: one for one in told["files"]}
    except (*BROKEN, OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        report.wrong("manifest")
        return report
    if key and report.key != key:
        report.wrong("foreign")
    _files(report, package, listed)
    filed: dict[str, str] = {}
    done: set[Any] = set()
    try:
        with package.open(TRAIL) as source:
            for line in parsed(io.TextIOWrapper(source, "utf-8", errors="replace")):
                trail.take(line)
                if isinstance(line, dict) and line.get("kind") == "event":
                    _noted(trail.told, filed, done)
    except (*BROKEN, OSError, zipfile.BadZipFile, zlib.error):
        report.wrong("changed", TRAIL)
    try:
        _content(report, trail, told, filed, done)
    except BROKEN:
        report.wrong("manifest")
    if not report.problems:
        report.files = (len(listed), len(filed))
    return trail.done()


def _files(report: Report, package: Package, listed: dict[str, Any]) -> None:
    for name in sorted({name for name in package.names if package.names.count(name) > 1}):
        report.wrong("twice", name)
    for name in sorted(set(package.names) - set(listed) - {MANIFEST, SIGNATURE}):
        report.wrong("extra", name)
    for name, one in listed.items():
        if name not in package.names:
            report.wrong("missing", name)
            continue
        try:
            size, sha256, sm3 = package.digests(name)
            if (size, sha256) != (one["size"], one["sha256"]) or (sm3 and sm3 != one["sm3"]):
                report.wrong("changed", name)
        except (*BROKEN, OSError, zipfile.BadZipFile, zlib.error):
            report.wrong("changed", name)


def _noted(told: Any, filed: dict[str, str], done: set[Any]) -> None:
    """Note what an event says of papers and completed tasks."""
    try:
        if told["event"] == "document.filed":
            filed[told["facts"]["sha256"]] = told["facts"]["name"]
        elif told["event"] == "task.completed":
            done.add(told["task"])
    except BROKEN:
        return  # an event that is none was named already


def _content(report: Report, trail: Trail, told: dict[str, Any], filed: dict[str, str], done: set[Any]) -> None:
    """Check that papers, checklist and ends of the streams are those of the trail."""
    originals = {one["sha256"]: one["path"] for one in told["files"] if one["kind"] == "original"}
    for sha256, name in sorted(filed.items()):
        if sha256 not in originals:
            report.wrong("document", name)
    for sha256, path in sorted(originals.items()):
        if sha256 not in filed:
            report.wrong("unnamed", path)
    ended = sorted([name, one.seq, one.hash, one.sm3] for name, one in trail.streams.items())
    if ended != told["streams"]:
        report.wrong("streams")
    for item in told["checklist"]:
        if item["state"] == "missing":
            report.wrong("absent", item["number"], item["name"])
        for task in item["tasks"]:
            if task not in done:
                report.wrong("evidence", item["number"], task)


def parsed(lines: Iterable[str]) -> Iterator[Any]:
    """Yield the parsed lines; what cannot be parsed comes as None."""
    for line in lines:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield None


def read(path: str) -> Iterator[Any]:
    """Yield the parsed lines of a file; what cannot be parsed comes as None."""
    with open(path, encoding="utf-8", errors="replace") as source:
        yield from parsed(source)


def verify_file(path: str, key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Check whatever it is: a trail, a package (ZIP file or folder), or the proof between two checkpoints."""
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        return verify_package(path, key, kept)
    first = next(read(path), None)
    if isinstance(first, dict) and first.get("kind") == "consistency":
        return verify_consistency(first, key, kept)
    return verify(read(path), key, kept)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    options = {"--checkpoint": "", "--key": "", "--lang": "zh", "--stamps": ""}
    names = []
    rest = iter(arguments)
    for one in rest:
        if one in options:
            options[one] = next(rest, "")
        else:
            names.append(one)
    if len(names) != 1:
        print(__doc__)
        return 2
    kept = next(read(options["--checkpoint"]), None) if options["--checkpoint"] else None
    report = verify_file(names[0], options["--key"], kept)
    print(report.text(options["--lang"]))
    if options["--stamps"]:
        os.makedirs(options["--stamps"], exist_ok=True)
        for number, _, _, reply in report.stamps:
            with open(os.path.join(options["--stamps"], f"checkpoint-{int(number)}.tsr"), "wb") as target:
                target.write(reply)
    return 1 if report.problems else 0


if __name__ == "__main__":
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
