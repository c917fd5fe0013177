"""The built assets: what the modeller costs at its first load, and the pure parts of its script."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "web/static"
# What the editor's page loads; a decision table has a page and a bundle of its own.
EDITOR_PAGE = ("app.css", "app.js", "editor.css", "editor.js")
LIMIT = 720 * 1024


def built(name: str) -> bytes:
    manifest = json.loads((STATIC / "manifest.json").read_text())
    return (STATIC / manifest[name]).read_bytes()


def test_the_modeller_is_light_at_first_load() -> None:
    sizes = {name: len(gzip.compress(built(name), 6)) for name in EDITOR_PAGE}
    assert sum(sizes.values()) < LIMIT, sizes
    # Far below: a new part of this weight should be noticed.
    assert sum(sizes.values()) < 320 * 1024, sizes


def test_the_table_editor_stays_out_of_the_modeller() -> None:
    assert b"decisionTable" in built("decision-table.js")
    for name in ("editor.js", "designer.js", "procedure.js", "app.js", "form.js"):
        assert b"dmn-js" not in built(name) and b"hitPolicy" not in built(name), name


@pytest.mark.skipif(not shutil.which("node"), reason="no Node")
def test_the_pure_parts_of_the_editor() -> None:
    folder = ROOT / "web/assets"
    files = sorted(str(path.relative_to(folder)) for path in (folder / "tests").glob("*.test.js"))
    done = subprocess.run(
        ["node", "--test", *files], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout[-3000:]
