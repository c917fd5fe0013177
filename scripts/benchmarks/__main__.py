"""Runs the benchmarks named on the command line, or all, on SQLite and on a throw-away PostgreSQL."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from scripts.benchmarks import (
    checkpoints,
    complete,
    desk,
    engine,
    idle,
    inbox,
    mutants,
    public,
    rubbish,
    tampering,
    trail,
    verify,
    workers,
    writers,
)
from scripts.benchmarks.harness import Figures, databases

ALL: dict[str, Callable[[str], Figures]] = {
    "engine": engine.run,
    "verify": verify.run,
    "complete": complete.run,
    "inbox": inbox.run,
    "idle": idle.run,
    "workers": workers.run,
    "public": public.run,
    "desk": desk.run,
    "trail": trail.run,
    "checkpoints": checkpoints.run,
    "tampering": tampering.run,
    "writers": writers.run,
    "mutants": mutants.run,
    "rubbish": rubbish.run,
}
WITHOUT_DATABASE = ("engine", "verify", "mutants")
ONLY_BY_NAME = ("mutants", "rubbish")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *ALL])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--on", choices=["SQLite", "PostgreSQL"], help="only on this database")
    told = parser.parse_args()
    figures: dict[str, Figures] = {}
    with databases() as urls:
        for name in told.names or [name for name in ALL if name not in ONLY_BY_NAME]:
            for engine_name, url in urls.items() if name not in WITHOUT_DATABASE else [("python", "")]:
                if url and told.on not in (None, engine_name):
                    continue
                print(f"\n== {name} on {engine_name}")
                figures[f"{name}/{engine_name}"] = found = ALL[name](url)
                for key, value in found.items():
                    print(f"   {key:48} {value:10.2f}")
    if told.json:
        told.json.write_text(json.dumps(figures, indent=1))


main()
