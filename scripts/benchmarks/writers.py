"""What the chain costs writers: 32 at once on PostgreSQL, with the chain and without it by turns.

Each slice without the chain stands beside one with it, in the order A B B A, so that what else the machine does falls
on both alike. `DECISION_FLOW_BENCH_SECONDS` is the time of each kind. Every committed act must have its event in an
intact trail at the end.
"""

from __future__ import annotations

import os
import statistics

from sqlalchemy import text

from decision_flow.db import Database
from scripts.benchmarks.harness import Figures, fill, server_cpu
from tests import writers
from tests.writers import Acts, Crew, Slice

SECONDS = float(os.environ.get("DECISION_FLOW_BENCH_SECONDS", "60"))
WRITERS, SLICES = 32, 12


def run(url: str) -> Figures:
    database = fill(url)
    if database.is_sqlite:
        return {}  # one writer at a time, by its nature
    every = writers.tasks_for(database, 2 * WRITERS)
    with_tasks, bare_tasks = every[:WRITERS], every[WRITERS:]
    with (
        writers.crew(database, with_tasks) as chained,
        writers.crew(database, bare_tasks, chained=False) as bare,
    ):
        acts, pairs = _by_turns(database, chained, bare)
    with database.transaction() as session:
        # What was written without the chain would be found as forged.
        session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
        session.execute(text("DELETE FROM audit_event WHERE stream LIKE 'bare:%'"))
        session.execute(text("ALTER TABLE audit_event ENABLE TRIGGER ALL"))
    if (found := writers.recorded(database, with_tasks)) != acts:
        raise SystemExit(f"{acts.total()} acts, {found.total()} events")
    ratios = [_rate(one[0]) / _rate(other[0]) for one, other in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    figures = {
        "acts a second with the chain, median": statistics.median(_rate(one[0]) for one, _ in pairs),
        "acts a second without it, median": statistics.median(_rate(other[0]) for _, other in pairs),
        "ratio of the two, median of the pairs": middle,
        "ratio, lower quartile": low,
        "ratio, upper quartile": high,
        "acts committed, each with its event": acts.total(),
    }
    for turn, name in ((0, "with"), (1, "without")):
        slices = [pair[turn] for pair in pairs]
        done = sum(one.acts.total() for one, _ in slices)
        figures[f"CPU of an act {name} the chain, writers, ms"] = sum(one.cpu for one, _ in slices) / done * 1000
        figures[f"CPU of an act {name} the chain, server, ms"] = sum(cpu for _, cpu in slices) / done * 1000
    return figures


def _by_turns(
    database: Database, chained: Crew, bare: Crew
) -> tuple[Acts, list[tuple[tuple[Slice, float], tuple[Slice, float]]]]:
    """Return all acts with the chain, and the pairs of slices with the CPU that the server took for each."""
    acts, pairs = Acts(), []
    for crew in (chained, bare):  # connections and caches are made first, and not measured
        warm = crew.work(1.0)
        acts += warm.acts if crew is chained else Acts()
    for turn in range(SLICES):
        order = (chained, bare) if turn % 2 == 0 else (bare, chained)
        measured = {}
        for crew in order:
            before = server_cpu(database)
            done = crew.work(SECONDS / SLICES)
            measured[crew] = (done, server_cpu(database) - before)
        acts += measured[chained][0].acts
        pairs.append((measured[chained], measured[bare]))
    return acts, pairs


def _rate(done: Slice) -> float:
    return done.acts.total() / done.seconds
