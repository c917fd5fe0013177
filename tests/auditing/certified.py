"""What whoever holds a certificate computes from it, with nothing of the product."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def root_of(leaf: bytes, path: Iterable[tuple[str, str]]) -> str:
    """Return the root that follows from a leaf's hash and its path: (side of the sibling, hash), from the leaf up."""
    found = leaf
    for side, other in path:
        pair = bytes.fromhex(other) + found if side == "left" else found + bytes.fromhex(other)
        found = hashlib.sha256(b"\x01" + pair).digest()
    return found.hex()
