"""Changes at random in a long trail: how many are found and named, in the database and in the file exported from it.

`DECISION_FLOW_BENCH_EVENTS` events, `DECISION_FLOW_BENCH_CHANGES` changes from the seed `DECISION_FLOW_BENCH_SEED`, each in a
stream of its own; every one must be named, and no stream that nobody touched. All are undone.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

from decision_flow import checkpoints, live_trail
from decision_flow.db import Database
from decision_flow.verifier import verify_trail
from scripts.benchmarks.harness import Figures, fill
from scripts.benchmarks.trail import EVENTS, grown
from tests.tampering import BESIDE, Tampering, unguarded

CHANGES = int(os.environ.get("DECISION_FLOW_BENCH_CHANGES", "200"))
SEED = int(os.environ.get("DECISION_FLOW_BENCH_SEED", "1"))


def run(url: str) -> Figures:
    database = fill(url)
    grown(database, EVENTS)
    figures = _tampered(database, random.Random(SEED))
    with database.snapshot() as session:
        if (report := live_trail.verify(session)).problems:
            raise SystemExit(f"untouched, and yet: {report.text()}")
    figures["events, untouched and intact"] = report.events
    database.dispose()
    return figures


def _tampered(database: Database, chance: random.Random) -> Figures:
    figures: Figures = {}
    with unguarded(database) as session:
        tampering = Tampering(session, chance)
        tampering.change(CHANGES)
        of_events = [one for one in tampering.made if one[0] not in BESIDE]
        judges: dict[str, tuple[Callable[[], Any], int]] = {
            "in the database": (lambda: live_trail.verify(session), len(tampering.made)),
            "in the file": (lambda: verify_trail.verify(checkpoints.lines(session)), len(of_events)),
        }
        for where, (judge, made) in judges.items():
            begun = time.perf_counter()
            missed = tampering.unfound(judge().problems)
            if where == "in the file":
                missed = {one for one in missed if one[0] not in BESIDE}
            if missed:
                raise SystemExit(f"{where}, seed {SEED}: {sorted(missed)}")
            figures[f"changes {where}, each found and named"] = made
            figures[f"judged {where} in, s"] = time.perf_counter() - begun
    return figures
