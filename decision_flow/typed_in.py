"""What people type, and what an address carries, as the value that it means; nothing typed raises anything."""

from __future__ import annotations

from datetime import date

# The longest that every column can bear: a longer one names no row and counts nothing.
_DIGITS = 9


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
