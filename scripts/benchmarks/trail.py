"""A long trail exported and verified: events a second and the greatest memory, by the product's own commands.

The database is brought to `DECISION_FLOW_BENCH_EVENTS` events; each command then runs in a process of its own.
`DECISION_FLOW_BENCH_PARTS` names those to run (as shipped all of `PARTS`, comma between). CPU is that of the command and
of the database's server together.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text

from decision_flow.db import Database
from decision_flow.models import AuditEvent
from decision_flow.verifier import verify_trail
from scripts.benchmarks.harness import Figures, fill, server_cpu
from tests import long_trail

EVENTS = int(os.environ.get("DECISION_FLOW_BENCH_EVENTS", "1000000"))
MATTERS = 2000
PARTS = ("jsonl", "csv", "xes", "ocel", "file", "live")
CHOSEN = os.environ.get("DECISION_FLOW_BENCH_PARTS", ",".join(PARTS)).split(",")


def run(url: str) -> Figures:
    database = fill(url)
    events = grown(database, EVENTS)
    figures: Figures = {"events": events}
    with tempfile.TemporaryDirectory() as folder:
        for part, command in _commands(url, folder).items():
            # The file that is verified is the one that was exported.
            if part in CHOSEN or (part == "jsonl" and "file" in CHOSEN):
                told = measured(command, database)
                figures |= {
                    f"{part}: events a second": events / told.seconds,
                    f"{part}: events a second of CPU": events / told.cpu,
                    f"{part}: greatest memory, MB": told.megabytes,
                }
                print(f"   … {part} {told.seconds:.0f} s, CPU {told.cpu:.0f} s", flush=True)
    database.dispose()
    return figures


def grown(database: Database, events: int) -> int:
    """Bring the trail to so many events, unless it is longer; return how many there are."""
    begun = time.perf_counter()
    with database.transaction(read_only=True) as session:
        have = session.scalar(select(func.count()).select_from(AuditEvent)) or 0
    if have < events:
        long_trail.make(database, events - have, max(1, MATTERS * (events - have) // 1_000_000))
        with database.engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
        print(f"   … filled in {time.perf_counter() - begun:.0f} s", flush=True)
    return max(have, events)


def _commands(url: str, folder: str) -> dict[str, list[str]]:
    config = Path(folder) / "decision-flow.toml"
    config.write_text(f'data_dir = "{folder}/data"\ndatabase_url = "{url}"\n')
    audit = [sys.executable, "-m", "decision_flow", "--config", str(config), "audit"]
    alone = [sys.executable, "-I", "-S", verify_trail.__file__]
    return {
        **{kind: [*audit, "export", "--format", kind, "-o", f"{folder}/trail.{kind}"] for kind in PARTS[:4]},
        "file": [*alone, f"{folder}/trail.jsonl"],
        "live": [*audit, "verify", "--no-papers"],
    }


@dataclass
class Measured:
    """Seconds by the clock, seconds of CPU with the server's, greatest resident memory in MB."""

    seconds: float
    cpu: float
    megabytes: float


def measured(command: list[str], database: Database) -> Measured:
    """Run a command that must succeed, and say what it took."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("DECISION_FLOW_")}
    before, begun = server_cpu(database), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet)
    highest = 0.0
    # The account kept for a process counts what its parent had before it began: the process itself is asked.
    while not (ended := os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
        if found := re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()):
            highest = max(highest, int(found[1]) / 1024)
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = ended.si_status
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime + server_cpu(database) - before, highest)
