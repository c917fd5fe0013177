"""A backlog of due timers worked off by 1 and by 4 worker processes; then by 4 that are killed and started again.

Each timer advances a matter: the engine's state is read and written, a task opens, its notice goes out, the
trail grows. The last run kills a worker at random every two seconds and moves every worker's business clock
an hour back and forth; each matter must have advanced exactly once all the same.
"""

from __future__ import annotations

import os

from scripts.benchmarks.harness import Figures, fill
from tests import queues

COUNT = int(os.environ.get("DECISION_FLOW_BENCH_TIMERS", "20000"))


def run(url: str) -> Figures:
    if url.startswith("sqlite"):
        return {"(one writer at a time: several workers are for PostgreSQL)": 0}
    database = fill(url)
    figures: Figures = {}
    part = max(300, COUNT // 5)
    for workers in (1, 4):
        queues.backlog(database, part)
        seconds, _ = queues.drain(database, workers)
        figures[f"{workers} worker(s): timers drained per second"] = part / seconds
    figures["ratio of 4 workers to 1"] = (
        figures["4 worker(s): timers drained per second"] / figures["1 worker(s): timers drained per second"]
    )
    queues.backlog(database, COUNT)
    seconds, killed = queues.drain(database, 4, kill_every=2.0, limit=1800)
    told = queues.told(database)
    figures["with SIGKILL and a moving clock: timers per second"] = COUNT / seconds
    figures["with SIGKILL and a moving clock: workers killed"] = killed
    figures |= {f"after it: {name}": number for name, number in told.items()}
    if len(set(told.values())) != 1:
        raise SystemExit(f"not exactly once: {told}")
    return figures
