"""The text of a PDF as far as it can be read without drawing it, and whether it would run something.

Enough to find a mark of secrecy: streams are inflated within bounds, glyph numbers are turned into characters
by the fonts' own tables (ToUnicode). What is scanned or encrypted stays unreadable.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import islice

MAX_STREAM, MAX_ALL, MAX_STREAMS = 4 * 1024 * 1024, 24 * 1024 * 1024, 400
MAX_TABLES = 24

_SHOWN = re.compile(
    rb"<([0-9A-Fa-f\s]{4,8000})>|\(((?:\\.|[^()\\]){1,4000})\)|(T\*|T[dD]|ET)\b|/(\w{1,60})\s+[\d.]+\s+Tf"
)
_PAIRS = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>(?:\s*<([0-9A-Fa-f]+)>|\s*\[([^\[\]]*)\])?")
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|RichMedia)(?![A-Za-z])")
_FONT = re.compile(rb"\b(\d{1,9})\s+\d{1,5}\s+obj([^>]{0,600}?/ToUnicode\s+\d{1,9}[^>]{0,10})")
_TO_UNICODE = re.compile(rb"/ToUnicode\s+(\d{1,9})")
_REFERENCE = re.compile(rb"/(\w{1,60})\s+(\d{1,9})\s+\d{1,5}\s+R\b")
_TITLE = re.compile(rb"/(?:Title|Subject|Keywords)\s*(?:\(((?:\\.|[^()\\])*)\)|<([0-9A-Fa-f\s]*)>)")


def readable_texts(content: bytes) -> Iterator[str]:
    """Yield the texts of a PDF: title, subject and keywords, then its pages as each font's table reads them."""
    for found in islice(_TITLE.finditer(content), 50):
        raw = _unescaped(found[1]) if found[1] is not None else _from_hex(found[2])
        yield raw[2:].decode("utf-16-be", "ignore") if raw.startswith(b"\xfe\xff") else raw.decode("utf-8", "ignore")
    tables: dict[int, dict[int, str]] = {}
    pages: list[bytes] = []
    for number, stream in _streams(content):
        if b"begincmap" in stream:
            if len(tables) < MAX_TABLES:
                tables[number] = _table(stream)
        elif b"BT" in stream and (b"Tj" in stream or b"TJ" in stream):
            pages.append(stream[:60_000])
        elif b"<x:xmpmeta" in stream:
            yield re.sub(r"<[^<>]*>", "\n", stream.decode("utf-8", "ignore"))
    fonts = _fonts(content, tables)
    # The mark stands on the first pages. Where the fonts' records are packed away, each table is tried.
    for page in pages[:4]:
        for table in [{}] if fonts else tables.values():
            yield _read(page, table, fonts)


def is_active(content: bytes) -> bool:
    """Whether a PDF runs a script or starts a program, looked for outside its streams of text and pictures."""
    outside: list[bytes] = []
    at = 0
    for _, start, end, head in _spans(content):
        outside.append(content[at:start])
        if b"/ObjStm" in head:
            outside.append(_inflated(content[start:end], head) or b"")
        at = end
    outside.append(content[at:])
    return any(_ACTIVE.search(part) for part in outside)


def _spans(content: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (object number, start, end, dictionary) of each stream; every byte is looked at once."""
    at = content.find(b"stream")
    while at >= 0:
        start = at + 8 if content[at + 6 : at + 8] == b"\r\n" else at + 7
        end = content.find(b"endstream", start)
        if end < 0:
            return
        before, _, head = content[max(0, at - 2000) : at].rpartition(b"obj")
        named = re.search(rb"(\d{1,9})\s+\d+\s*$", before[-30:])
        yield int(named[1]) if named else 0, start, end, head
        at = content.find(b"stream", end + 9)


def _streams(content: bytes) -> Iterator[tuple[int, bytes]]:
    read = 0
    for number, start, end, head in islice(_spans(content), MAX_STREAMS):
        raw = _inflated(content[start:end], head)
        read += len(raw or b"")
        if read > MAX_ALL:
            return
        if raw:
            yield number, raw


def _inflated(raw: bytes, head: bytes) -> bytes | None:
    """Return a stream's bytes, inflated within bounds; None for what is packed in another way."""
    if b"/Filter" not in head:
        return raw[:MAX_STREAM]
    if b"FlateDecode" not in head:
        return None
    try:
        return zlib.decompressobj().decompress(raw, MAX_STREAM)
    except zlib.error:
        return None


def _table(stream: bytes) -> dict[int, str]:
    """Return what characters the glyph numbers of a font mean."""
    table: dict[int, str] = {}
    for block in stream.split(b"begin")[1:]:
        listed = block.partition(b"end")[0]
        if listed.startswith(b"bfchar"):
            table |= {int(glyph, 16): _characters(told) for glyph, told in _PAIR.findall(listed)}
        elif listed.startswith(b"bfrange"):
            table |= _ranges(listed)
    return table


def _ranges(listed: bytes) -> dict[int, str]:
    table: dict[int, str] = {}
    for first, last, base, several in _PAIRS.findall(listed):
        start = int(first, 16)
        if several:
            named = re.findall(rb"<([0-9A-Fa-f]+)>", several)[:4096]
            table |= {start + offset: _characters(one) for offset, one in enumerate(named)}
        elif base:
            told = int(base, 16)
            count = min(int(last, 16) - start + 1, 4096)
            table |= {start + offset: chr(told + offset) for offset in range(count) if told + offset < 0x110000}
    return table


def _fonts(content: bytes, tables: dict[int, dict[int, str]]) -> dict[bytes, dict[int, str]]:
    """Return the table of each font by the name that pages call it by, as far as it stands unpacked."""
    named: dict[int, dict[int, str]] = {}
    for found in islice(_FONT.finditer(content), MAX_STREAMS):
        inner = _TO_UNICODE.search(found[2])
        if inner and int(inner[1]) in tables:
            named[int(found[1])] = tables[int(inner[1])]
    return {
        found[1]: named[int(found[2])]
        for found in islice(_REFERENCE.finditer(content), 20_000)
        if int(found[2]) in named
    }


def _read(page: bytes, table: dict[int, str], fonts: dict[bytes, dict[int, str]]) -> str:
    found: list[str] = []
    for shown in _SHOWN.finditer(page):
        if shown[4]:
            table = fonts.get(shown[4], table)
        elif shown[3]:
            found.append("\n" if shown[3] != b"ET" else "")
        else:
            raw = _from_hex(shown[1]) if shown[1] is not None else _unescaped(shown[2])
            found += (table.get(int.from_bytes(raw[at : at + 2], "big"), "") for at in range(0, len(raw) - 1, 2))
    return "".join(found)


def _characters(digits: bytes) -> str:
    return _from_hex(digits).decode("utf-16-be", "ignore")


def _from_hex(digits: bytes) -> bytes:
    plain = re.sub(rb"\s", b"", digits)
    return bytes.fromhex((plain + b"0" * (len(plain) % 2)).decode("ascii"))


_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _unescaped(text: bytes) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        told: bytes = found[1]
        return bytes([int(told, 8) & 255]) if told[:1].isdigit() else _ESCAPES.get(told, told)

    return re.sub(rb"\\([0-7]{1,3}|.)", one, text, flags=re.S)
