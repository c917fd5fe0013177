"""Which characters our fonts can show: PDF/A refuses a text with any other, and no paper is refused for an emoji."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn as fonts

INSTEAD = "□"


def shown(text: str) -> str:
    """Return `text` with what no font shows replaced, controls by a space and others by an empty box."""
    known = _known()
    return "".join(one if one == "\n" or one in known else " " if one < " " else INSTEAD for one in text)


@cache
def _known() -> frozenset[str]:
    """Return the characters that both fonts have."""
    both = _characters(Path(fonts.sans_path())) & _characters(Path(fonts.serif_path()))
    return frozenset(map(chr, both))


def _characters(path: Path) -> set[int]:
    """Read the segmented map of a font (OpenType `cmap`, format 12, for all of Unicode)."""
    content = path.read_bytes()
    (tables,) = struct.unpack_from(">H", content, 4)
    records = (struct.unpack_from(">4sIII", content, 12 + 16 * number) for number in range(tables))
    cmap = next(start for tag, _, start, _ in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", content, cmap + 2)
    for number in range(count):
        _, _, offset = struct.unpack_from(">HHI", content, cmap + 4 + 8 * number)
        at = cmap + offset
        if struct.unpack_from(">H", content, at)[0] == 12:
            (groups,) = struct.unpack_from(">I", content, at + 12)
            spans = (struct.unpack_from(">III", content, at + 16 + 12 * group) for group in range(groups))
            return {code for first, last, _ in spans for code in range(first, last + 1)}
    raise ValueError(f"{path.name} has no map of all Unicode")
