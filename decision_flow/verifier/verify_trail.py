"""Verify a trail (过程记录) taken away: python verify_trail.py FILE [--checkpoint FILE] [--key HEX] [--lang en]

Needs Python 3.9 or newer and nothing else. FILE is the JSON Lines export described in docs/trail-format.md. Exit
status 0: intact; 1: not. With --checkpoint, a checkpoint kept from earlier must be the one in the trail: this is
how a cut tail is found. With --key, the signatures must be of that key; without it, of the key the file names,
which proves only that one hand signed all of it: compare the key shown with the one that was published.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

GENESIS = "0" * 64
WORDS = {
    "line": ("文件第{0}行读不出来,或者不是规定的写法。",
             "Line {0} of the file cannot be read or is not in the format."),
    "header": ("文件开头不是过程记录的抬头。", "The file does not begin with the header of a trail."),
    "hash": ("流{0}第{1}条:内容与SHA-256散列值不符。", "Stream {0}, event {1}: the content does not fit its SHA-256."),
    "sm3": ("流{0}第{1}条:内容与SM3散列值不符。", "Stream {0}, event {1}: the content does not fit its SM3."),
    "seq": ("流{0}第{1}条:应为第{2}条,有记录缺失、多出或调换。",
            "Stream {0}, event {1}: event {2} was expected; something is missing, added or swapped."),
    "prev": ("流{0}第{1}条:与上一条记录的链接断开。", "Stream {0}, event {1}: does not link to the event before."),
    "head": ("流{0}:末尾与登记的第{1}条不符,记录被截短、加长或改写。",
             "Stream {0}: its end is not the registered event {1}; it was cut, lengthened or rewritten."),
    "columns": ("流{0}第{1}条:数据库的检索列与记录内容不符。", "Stream {0}, event {1}: the searched columns differ."),
    "end": ("文件没有结尾,可能被截断。", "The file has no end; it may have been cut."),
    "heads": ("文件结尾把同一个流登记了两次。", "The end of the file registers a stream twice."),
    "count": ("文件应有{0}条记录,实有{1}条。", "The file should hold {0} events and holds {1}."),
    "number": ("检查点应为第{0}号,却是第{1}号:有检查点缺失或多出。",
               "Checkpoint {0} was expected, not {1}: one is missing or added."),
    "note": ("检查点第{0}号:写法与签名内容不符。", "Checkpoint {0}: what it says is not what was signed."),
    "signature": ("检查点第{0}号:签名不符。", "Checkpoint {0}: the signature does not hold."),
    "key": ("检查点第{0}号:不是用所给公钥签的。", "Checkpoint {0}: not signed with the expected key."),
    "covers": ("检查点第{0}号:流{1}应有{2}条记录,实有{3}条。",
               "Checkpoint {0}: stream {1} should hold {2} events and holds {3}."),
    "root": ("检查点第{0}号:当时的记录已被改动(树根不符)。",
             "Checkpoint {0}: what was recorded then has been changed (the root differs)."),
    "kept": ("所存检查点第{0}号不在记录之中:记录被截短或整体重写。",
             "The kept checkpoint {0} is not in the trail: it was cut or rewritten as a whole."),
    "ok": ("完整:{0}条记录,{1}个流,{2}个检查点。", "Intact: {0} events in {1} streams, {2} checkpoints."),
    "bad": ("不完整:发现{0}处问题。", "NOT intact: {0} findings."),
    "covered": ("经检查点证明的记录:{0}条。最近的检查点:第{1}号({2})。",
                "Proven by checkpoints: {0} events. Latest checkpoint: {1} ({2})."),
    "uncovered": ("尚无检查点覆盖的记录:{0}条。它们首尾相连,但末尾若被截去,本次验证看不出来。",
                  "Not yet covered by a checkpoint: {0} events. They link up, but a cut end would not show."),
    "nosm3": ("本机Python不带SM3,只核对了SHA-256。", "This Python has no SM3; only SHA-256 was checked."),
    "old": ("其中{0}条按旧格式记录,没有SM3。", "{0} of them were written in the old format, without SM3."),
    "keyshown": ("签名公钥:{0}", "Signing key: {0}"),
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


class Report:
    """What was found: problems as (code, values), and the counts that are told of an intact trail."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, tuple[Any, ...]]] = []
        self.events = self.streams = self.checkpoints = self.covered = self.old = 0
        self.last: tuple[Any, ...] = (0, "-")
        self.key = ""
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
        else:
            say("ok", self.events, self.streams, self.checkpoints)
            say("covered", self.covered, *self.last)
            if self.events > self.covered:
                say("uncovered", self.events - self.covered)
        if not self.sm3:
            say("nosm3")
        if self.old:
            say("old", self.old)
        if self.key:
            say("keyshown", self.key)
        return "\n".join(lines)


class _Leaves:
    """The hashes of all leaves in the order of the file, on disk: memory does not grow with the trail."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        self.count, self.waiting = 0, bytearray()

    def add(self, leaf: bytes) -> None:
        self.waiting += leaf
        self.count += 1
        if len(self.waiting) >= 1 << 20:
            self.write()

    def write(self) -> None:
        self.file.seek(0, 2)
        self.file.write(self.waiting)
        self.waiting.clear()

    def read(self, first: int, count: int) -> Iterator[bytes]:
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

    def leaves(self, stored: _Leaves, first: int, last: int) -> Iterator[bytes]:
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
        self.leaves, self.tree = _Leaves(), Tree()
        self.latest: _Stream | None = None
        self.previous, self.lines = GENESIS, 0
        self.end: dict[str, Any] | None = None
        self.told: Any = None

    def take(self, line: Any) -> None:
        """Check the next line."""
        self.lines += 1
        kind = line.get("kind") if isinstance(line, dict) else None
        if self.lines == 1 and kind != "trail":
            self.report.wrong("header")
        try:
            if kind == "event":
                self.event(line)
            elif kind == "checkpoint":
                self.checkpoint(line)
            elif kind == "end" and self.end is None:
                self.end = line
            elif kind != "trail" or self.lines != 1:
                self.report.wrong("line", self.lines)
        except BROKEN:
            self.report.wrong("line", self.lines)

    def event(self, line: dict[str, Any]) -> None:
        """Check an event against the one before it in its stream."""
        report, canonical = self.report, line["canonical"].encode()
        told = self.told = json.loads(line["canonical"])
        name, seq = told["stream"], told["seq"]
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = _Stream()
        report.events += 1
        if hashlib.sha256(canonical).hexdigest() != line["hash"]:
            report.wrong("hash", name, seq)
        if told["format"] == 1:
            report.old += 1
            if line["sm3"]:
                report.wrong("sm3", name, seq)
        elif report.sm3 and sm3_of(canonical) != line["sm3"]:
            report.wrong("sm3", name, seq)
        if seq != stream.seq + 1:
            report.wrong("seq", name, seq, stream.seq + 1)
        if told["prev"] != stream.hash or (told["format"] != 1 and told["prev_sm3"] != stream.sm3):
            report.wrong("prev", name, seq)
        stream.seq, stream.hash, stream.sm3 = seq, line["hash"], line["sm3"] or GENESIS
        if stream is not self.latest:
            stream.starts.append(stream.count)
            stream.places.append(self.leaves.count)
            self.latest = stream
        self.leaves.add(leaf_hash(canonical))
        stream.count += 1

    def checkpoint(self, point: dict[str, Any]) -> None:
        """Check a checkpoint against the events so far; those it covers stand before it."""
        report, number, note = self.report, point["number"], point["note"]
        if number != report.checkpoints + 1:
            report.wrong("number", report.checkpoints + 1, number)
        report.checkpoints += 1
        if note != note_of(number, point["at"], point["size"], point["root"], point["streams"], self.previous):
            report.wrong("note", number)
        self.signature(point)
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

    def signature(self, point: dict[str, Any]) -> None:
        """Check who signed a checkpoint, and that the signature holds."""
        report, number = self.report, point["number"]
        report.key = report.key or point["public_key"]
        if point["public_key"] != (self.key or report.key):
            report.wrong("key", number)
        signed = bytes.fromhex(point["signature"])
        if not signature_holds(bytes.fromhex(point["public_key"]), point["note"].encode(), signed):
            report.wrong("signature", number)

    def done(self) -> Report:
        """Check the end, and return what was found."""
        self.report.streams = len(self.streams)
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
        if end["checkpoints"] != report.checkpoints:
            report.wrong("number", end["checkpoints"], report.checkpoints)


def verify(lines: Iterable[Any], key: str = "", kept: dict[str, Any] | None = None) -> Report:
    """Check the parsed lines of a trail."""
    trail = Trail(key, kept)
    for line in lines:
        trail.take(line)
    return trail.done()


def read(path: str) -> Iterator[Any]:
    """Yield the parsed lines of a file; what cannot be parsed comes as None."""
    with open(path, encoding="utf-8", errors="replace") as source:
        for line in source:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    options = {"--checkpoint": "", "--key": "", "--lang": "zh"}
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
    kept = next(read(options["--checkpoint"])) if options["--checkpoint"] else None
    report = verify(read(names[0]), options["--key"], kept)
    print(report.text(options["--lang"]))
    return 1 if report.problems else 0


if __name__ == "__main__":
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
