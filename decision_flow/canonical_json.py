"""The canonical form of a JSON value after RFC 8785 (JCS): the bytes that hashes are made of."""

from __future__ import annotations

import json
from typing import Any

import rfc8785

# Integers beyond it are not exact in JSON for everybody (RFC 8785, 3.2.2.3).
LARGEST = 2**53 - 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)


def dumps(value: Any) -> bytes:
    """Return the canonical form of `value`, in UTF-8.

    Raises `rfc8785.CanonicalizationError` for what has none: numbers that are not exact, lone surrogates, other types.
    """
    # For words, whole numbers and plain keys the form is that of Python's own encoder, which is compiled. The library
    # has the say wherever the two could differ: how a fraction is written, how keys beyond the first plane are sorted.
    if _is_plain(value):
        try:
            return _ENCODER.encode(value).encode()
        except UnicodeEncodeError:
            pass
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-LARGEST <= value <= LARGEST)
    if kind is dict:
        return all(map(_is_plain_key, value)) and all(map(_is_plain, value.values()))
    return kind in (list, tuple) and all(map(_is_plain, value))


def _is_plain_key(key: Any) -> bool:
    """Whether a key sorts by its characters as it does by its UTF-16 units."""
    return type(key) is str and (key.isascii() or max(key) < "\ud800")
