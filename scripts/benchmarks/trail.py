"""A long trail exported and verified, and what the chain costs writers: figures of the evidence.

`DECISION_FLOW_BENCH_EVENTS` events over 2,000 matters are exported and verified by the commands themselves, each in
a process of its own whose greatest memory is taken. On PostgreSQL 32 writers then act for `DECISION_FLOW_BENCH_SECONDS`
with the chain and as long without it, by turns, and every committed act must have its event in an intact trail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from decision_flow.db import Database
from decision_flow.verifier import verify_trail
from scripts.benchmarks.harness import Figures, fill
from tests import long_trail, writers

EVENTS = int(os.environ.get("DECISION_FLOW_BENCH_EVENTS", "1000000"))
SECONDS = float(os.environ.get("DECISION_FLOW_BENCH_SECONDS", "60"))
MATTERS, WRITERS, TURNS = 2000, 32, 6


def run(url: str) -> Figures:
    database = fill(url)
    figures = {} if database.is_sqlite else _writers(database)
    if EVENTS:
        long_trail.make(database, EVENTS, MATTERS)
        database.dispose()
        figures |= _readers(url)
    return figures


def _writers(database: Database) -> Figures:
    task_ids = writers.tasks_for(database, WRITERS)
    chained, bare = Counter[int](), Counter[int]()
    for _ in range(TURNS):
        chained += writers.work(database, task_ids, SECONDS / TURNS)
        bare += writers.work(database, task_ids, SECONDS / TURNS, chained=False)
        with database.transaction() as session:
            # What was written without the chain would be found as forged.
            session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
            session.execute(text("DELETE FROM audit_event WHERE stream LIKE 'bare:%'"))
            session.execute(text("ALTER TABLE audit_event ENABLE TRIGGER ALL"))
    if (found := writers.recorded(database, task_ids)) != chained:
        raise SystemExit(f"{chained.total()} acts, {found.total()} events")
    return {
        f"{WRITERS} writers: acts per second": chained.total() / SECONDS,
        f"{WRITERS} writers without the chain: acts per second": bare.total() / SECONDS,
        "ratio of the two": chained.total() / bare.total(),
        "acts committed, each with its event": chained.total(),
    }


def _readers(url: str) -> Figures:
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "decision-flow.toml"
        config.write_text(f'data_dir = "{folder}/data"\ndatabase_url = "{url}"\n')
        audit = [sys.executable, "-m", "decision_flow", "--config", str(config), "audit"]
        alone = [sys.executable, "-I", "-S", verify_trail.__file__]
        out = f"{folder}/trail.jsonl"
        commands = {
            "export JSON Lines": [*audit, "export", "-o", out],
            "export CSV": [*audit, "export", "--format", "csv", "-o", f"{folder}/trail.csv"],
            "export XES": [*audit, "export", "--format", "xes", "-o", f"{folder}/trail.xes"],
            "export OCEL": [*audit, "export", "--format", "ocel", "-o", f"{folder}/trail.json"],
            "verify the file, Python alone": [*alone, out],
            "verify the live database": [*audit, "verify"],
        }
        for name, command in commands.items():
            wall, cpu, megabytes = measured(command)
            figures[f"{name}: events per second"] = EVENTS / wall
            figures[f"{name}: events per second of CPU"] = EVENTS / cpu
            figures[f"{name}: greatest memory, MB"] = megabytes
    return figures


def measured(command: list[str]) -> tuple[float, float, float]:
    """Run a command that must succeed; return (seconds, seconds of CPU, greatest resident memory in MB)."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("DECISION_FLOW_")}
    begun = time.perf_counter()
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
    return seconds, usage.ru_utime + usage.ru_stime, highest
