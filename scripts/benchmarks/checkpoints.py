"""Checkpoints of a long trail: making one, proving one from another, the place of an event, and who waits meanwhile.

Of `DECISION_FLOW_BENCH_EVENTS` events a quarter is not covered yet and goes into one checkpoint. While it is made, somebody
goes on writing: the longest wait is told.
"""

from __future__ import annotations

import statistics
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select

from decision_flow import audit, checkpoints, inclusion
from decision_flow.audit import SYSTEM, EventName
from decision_flow.auditing import proof
from decision_flow.db import Database
from decision_flow.models import TrailCheckpoint
from decision_flow.verifier import verify_trail
from scripts.benchmarks.harness import Figures, fill
from scripts.benchmarks.trail import EVENTS, grown
from tests.long_trail import KEY


def run(url: str) -> Figures:
    database = fill(url)
    grown(database, EVENTS)
    figures: Figures = {}
    with _writing(database) as waits:
        figures |= _taken("making a checkpoint", lambda: _seal(database))
    figures |= {
        "events written meanwhile": len(waits),
        "of these the median took, ms": statistics.median(waits) * 1000,
        "of these the longest took, ms": max(waits) * 1000,
    }
    figures |= _taken("proof that the newest goes on from the first", lambda: _consistency(database))
    figures |= _taken("proof of one event", lambda: _one(database))
    figures |= _taken("proofs of all events of one matter", lambda: _matter(database))
    database.dispose()
    return figures


def _taken(name: str, act: Callable[[], None]) -> Figures:
    """Return what an act took: by the clock and of CPU, and the most that Python had in use, in another run."""
    begun, cpu = time.perf_counter(), time.process_time()
    act()
    found = {f"{name}: s": time.perf_counter() - begun, f"{name}: s of CPU": time.process_time() - cpu}
    if "making" not in name:
        tracemalloc.start()
        act()
        found[f"{name}: most in use, MB"] = tracemalloc.get_traced_memory()[1] / 1_000_000
        tracemalloc.stop()
    return found


@contextmanager
def _writing(database: Database) -> Iterator[list[float]]:
    """Let somebody write one event after the other, ten a second; yield what each took."""
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        while True:
            begun = time.perf_counter()
            with database.transaction() as session:
                audit.append(session, "bench", EventName.STEP_PASSED, actor=SYSTEM)
            waits.append(time.perf_counter() - begun)
            if over.wait(0.1):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield waits
    finally:
        over.set()
        writer.join()


def _seal(database: Database) -> None:
    with database.snapshot() as session:
        found = checkpoints.survey(session)
    with database.transaction() as session:
        checkpoints.seal(session, KEY, found=found)


def _consistency(database: Database) -> None:
    with database.snapshot() as session:
        points = session.scalars(select(TrailCheckpoint).order_by(TrailCheckpoint.number)).all()
        first, last = checkpoints.as_line(points[0]), checkpoints.as_line(points[-1])
        told = checkpoints.proof(session, first, last)
    if verify_trail.verify_consistency(told, kept=first).problems:
        raise SystemExit("the proof does not hold")


def _one(database: Database) -> None:
    with database.snapshot() as session:
        if proof.place(session, _stream(database), 1) is None:
            raise SystemExit("no proof")


def _matter(database: Database) -> None:
    with database.snapshot() as session:
        found = sum(len(proofs) for _, proofs in inclusion.of_streams(session, [_stream(database)]))
    if not found:
        raise SystemExit("no proofs")


def _stream(database: Database) -> str:
    with database.transaction(read_only=True) as session:
        return (
            session.scalars(select(audit.AuditStream.name).where(audit.AuditStream.name.like("matter:%"))).first() or ""
        )
