"""The files that come with the product: beside the source, or inside the installed package."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
BPMN = _PACKAGE.parent / "bpmn" if (_PACKAGE.parent / "bpmn").is_dir() else _PACKAGE / "bpmn"


@lru_cache(maxsize=1)
def shipped_forms() -> dict[str, bytes]:
    """Return every form that comes with the product, by its id."""
    return {path.stem: path.read_bytes() for path in sorted((BPMN / "forms").glob("*.toml"))}


@lru_cache(maxsize=1)
def shipped_tables() -> dict[str, tuple[str, bytes]]:
    """Return every decision table that comes with the product: decision id -> (file name, content)."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in sorted((BPMN / "decision-tables").glob("*.dmn")):
        content = path.read_bytes()
        for decision in re.findall(rb'<decision id="([^"]+)"', content):
            found[decision.decode()] = (path.name, content)
    return found
