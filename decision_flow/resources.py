"""Where the files that come with the product lie: beside the source, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
BPMN = _PACKAGE.parent / "bpmn" if (_PACKAGE.parent / "bpmn").is_dir() else _PACKAGE / "bpmn"
