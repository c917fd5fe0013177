"""A small twin of `scripts/bench public`: a real server behind a proxy's header, readers and writers at once."""

from __future__ import annotations

import pytest

from decision_flow.db import Database
from scripts.benchmarks import public


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_readers_and_writers_at_once(database: Database) -> None:
    """Every reading is answered, and every comment accepted stands once in the ledger (`measure` raises otherwise)."""
    told = public.measure(database.url, reads=30, comments=10, seconds=2)
    assert told["readings not answered with 200"] == told["comments not answered with 303"] == 0
    assert told["comments accepted = stored"] == 20
