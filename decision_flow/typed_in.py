"""What people type, and what an address carries, as the value that it means; nothing typed raises anything."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

# The longest that every column can bear: a longer one names no row and counts nothing.
_DIGITS = 9
# Nobody sees these, or they turn the reading order: marks of width zero, fillers that pass for letters, overrides and
# tags. Joiners and marks that a script needs (Mongolian, Uyghur) stay, but say nothing by themselves.
_UNSEEN = re.compile(
    "[\u00ad\u115f\u1160\u200b\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SILENT = ("C", "M", "Z")


@lru_cache(maxsize=10_000)
def _is_read(character: str) -> bool:
    return unicodedata.category(character)[0] not in _SILENT


def number(text: object) -> int:
    """Return the whole number that `text` says, or 0 where it says none that a row or a count could have."""
    told = str(text or "").strip()
    return int(told) if told.isdecimal() and len(told) <= _DIGITS else 0


def day(text: object) -> date | None:
    """Return the day that `text` says as 2026-05-08, or None."""
    try:
        return date.fromisoformat(str(text or "").strip())
    except ValueError:
        return None


def words(text: object) -> str:
    """Return what `text` says to a reader: trimmed, without what nobody sees; "" when nothing is left to read."""
    told = _UNSEEN.sub("", str(text or "")).strip()
    return told if any(map(_is_read, told)) else ""


def length(text: str) -> int:
    """Return how many characters of `text` can be read: a reason of spaces is none."""
    return sum(map(_is_read, _UNSEEN.sub("", text)))


def same(text: object) -> str:
    """Return a name or purpose as it is compared: width, case, spaces and punctuation do not make another."""
    plain = unicodedata.normalize("NFKC", words(text)).casefold()
    return "".join(character for character in plain if character.isalnum())
