"""What somebody sends to spend memory, time or secrets is refused by the command line within bounds of both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.importing.attacks import BUNDLES, CONDITIONS, DIAGRAMS

ROOT = Path(__file__).parents[2]
MEMORY = 600_000_000
SECONDS = 5
# Everything in one process that may not have more memory than that, counting the seconds of the CPU for each file.
ATTACKED = """
import json, resource, sys, time
from click.testing import CliRunner
from decision_flow.cli import main
from decision_flow import procedures, verification
from decision_flow.modelling import archive
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
for path in sys.argv[2:]:
    for command in (["procedures", "verify", path], ["procedures", "import", path]):
        begun = time.process_time()
        ran = CliRunner().invoke(main, command)
        spent = time.process_time() - begun
        fault = None if ran.exception is None or isinstance(ran.exception, SystemExit) else repr(ran.exception)
        print(json.dumps([path, command[1], ran.exit_code, fault, spent, ran.output]))
"""


def test_every_attack_is_refused_by_the_command_line_within_bounds(tmp_path: Path) -> None:
    paths = []
    for number, (name, make) in enumerate({**DIAGRAMS, **BUNDLES, **CONDITIONS}.items()):
        paths.append(tmp_path / f"{number:02d} {name.replace(':', '')}{'.zip' if name in BUNDLES else '.bpmn'}")
        paths[-1].write_bytes(make())
    ran = subprocess.run(
        [sys.executable, "-c", ATTACKED, str(MEMORY), *map(str, paths)], cwd=ROOT, env=dict(os.environ), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(told) == 2 * len(paths)
    for path, command, code, fault, spent, output in told:
        assert code in (1, 2) and fault is None, (path, command, code, fault)
        assert spent < SECONDS, (path, command, spent)
        assert "root:" not in output and len(output) < 20_000, (path, command, output[:300])
    assert not list(Path("/tmp").glob("a.bpmn"))
