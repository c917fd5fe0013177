"""The day on which a file says that it was made: Word and Excel properties, PDF information, EXIF of a photo.

A claim of the program that wrote it, easily changed: good for a warning (R-39, P), never for a refusal.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from datetime import date, datetime
from pathlib import Path

from decision_flow.clock import BUSINESS_ZONE

HEAD = 4 * 1024 * 1024
_CORE = re.compile(rb"<dcterms:created[^<>]*>\s*([0-9T:.Z+-]{10,35})\s*<")
_PDF = re.compile(rb"/CreationDate\s*\(D:(\d{8})")
_XMP = re.compile(rb"<xmp:CreateDate>\s*([0-9T:.Z+-]{10,35})\s*<")
_EXIF_TIMES = (0x9003, 0x9004, 0x0132)


def created_on(path: Path, media_type: str) -> date | None:
    """Return the day in China on which the file says it was made, or None where it does not say."""
    try:
        if "openxmlformats" in media_type:
            return _office(path)
        if media_type == "application/pdf":
            return _pdf(path)
        if media_type == "image/jpeg":
            return _exif(path)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return None
    except (struct.error, IndexError, OverflowError):
        return None
    return None


def _office(path: Path) -> date | None:
    with zipfile.ZipFile(path) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return None
        with archive.open("docProps/core.xml") as part:
            found = _CORE.search(part.read(HEAD))
    return _iso(found[1]) if found else None


def _pdf(path: Path) -> date | None:
    content = path.read_bytes()
    if found := _PDF.search(content):
        return datetime.strptime(found[1].decode(), "%Y%m%d").replace(tzinfo=BUSINESS_ZONE).date()
    found = _XMP.search(content)
    return _iso(found[1]) if found else None


def _iso(text: bytes) -> date:
    moment = datetime.fromisoformat(text.decode().replace("Z", "+00:00"))
    return moment.astimezone(BUSINESS_ZONE).date() if moment.tzinfo else moment.date()


def _exif(path: Path) -> date | None:
    """Read the time of the picture from the TIFF block of a JPEG's APP1 segment."""
    with path.open("rb") as source:
        head = source.read(256 * 1024)
    at = head.find(b"Exif\x00\x00")
    if at < 0:
        return None
    block = head[at + 6 :]
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    (first,) = struct.unpack_from(order + "I", block, 4)
    entries = _directory(block, order, first)
    if 0x8769 in entries:
        entries |= _directory(block, order, struct.unpack(order + "I", entries[0x8769])[0])
    for tag in _EXIF_TIMES:
        if tag in entries:
            (offset,) = struct.unpack(order + "I", entries[tag])
            text = block[offset : offset + 19].decode("ascii", "ignore")
            return datetime.strptime(text[:10], "%Y:%m:%d").replace(tzinfo=BUSINESS_ZONE).date()
    return None


def _directory(block: bytes, order: str, offset: int) -> dict[int, bytes]:
    (count,) = struct.unpack_from(order + "H", block, offset)
    entries: dict[int, bytes] = {}
    for number in range(min(count, 200)):
        at = offset + 2 + 12 * number
        (tag,) = struct.unpack_from(order + "H", block, at)
        entries[tag] = block[at + 8 : at + 12]
    return entries
