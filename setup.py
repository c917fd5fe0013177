"""Builds the front-end assets into the wheel and puts the procedures beside the code; the rest is in setup.cfg."""

import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithAssets(build_py):
    """Runs the asset build first, with the Node that the build environment brings."""

    def run(self):
        assets = HERE / "web" / "assets"
        if not (HERE / "web" / "static" / "manifest.json").exists():
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=assets, check=True)
            subprocess.run(["node", "build.mjs"], cwd=assets, check=True)
        super().run()
        shutil.copytree(HERE / "bpmn", Path(self.build_lib) / "decision_flow" / "bpmn", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithAssets})
