"""A wheel holds all that a machine without this folder, Node or npm needs: pages, assets, procedures, migrations."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = """
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow import migrations, working_days
from decision_flow.modelling import gate
from web import create_app
database = Database("sqlite:///here.db")
migrations.upgrade(database)
with database.transaction() as session:
    working_days.seed(session)
    gate.put_shipped_in_force(session)
client = create_app(Settings.of({"data_dir": "data", "secret_key": "k" * 40}), database).test_client()
page = client.get("/first-run?lang=en").get_data(as_text=True)
asset = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
assert client.get(asset).status_code == 200, asset
print(migrations.__file__, "First use" in page or "First" in page)
"""


@pytest.mark.timeout(300)
def test_the_product_starts_from_its_wheel_alone(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-3000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    # What `decision-flow` runs: the core alone, and the pages only when it is to serve them.
    listed = subprocess.run(
        [sys.executable, "-m", "decision_flow", "serve", "--help"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode == 0 and "--no-worker" in listed.stdout, listed.stderr[-3000:]
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr[-3000:]
    assert started.stdout.startswith(str(tmp_path / "installed"))
