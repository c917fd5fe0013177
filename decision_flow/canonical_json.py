"""The canonical form of a JSON value after RFC 8785 (JCS): the bytes that hashes are made of."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import rfc8785

# Integers beyond it are not exact in JSON for everybody (RFC 8785, 3.2.2.3).
LARGEST = 2**53 - 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
_KEYS = frozenset({str})
_WORDS = frozenset({str, bool, type(None)})


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
    try:
        return rfc8785.dumps(value)
    except UnicodeEncodeError as error:
        # The library says so of values, and of keys not.
        raise rfc8785.CanonicalizationError(f"a key is no text: {error}") from error


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return bool(-LARGEST <= value <= LARGEST)
    if kind is dict:
        return _are_plain_keys(value) and _are_plain(value.values())
    if kind is list or kind is tuple:
        return _are_plain(value)
    return kind in _WORDS


def _are_plain(values: Collection[Any]) -> bool:
    # Most are words and nothing else, which one look at their types tells.
    return _WORDS.issuperset(map(type, values)) or all(map(_is_plain, values))


def _are_plain_keys(keys: Collection[Any]) -> bool:
    """Whether the keys sort by their characters as they do by their UTF-16 units."""
    if not _KEYS.issuperset(map(type, keys)):
        return False
    together = "".join(keys)
    return together.isascii() or max(together) < "\ud800"
