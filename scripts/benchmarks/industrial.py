"""What the verifier takes for 1,000 generated procedures of industrial size, for wide ones and for long ones."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

from decision_flow.engine import Bundle
from decision_flow.verification import policy, verify
from scripts.benchmarks.harness import Figures
from tests.verification.generating import chain, industrial, parallel

COUNT = 1000
RULE = '[[require]]\nstep = "legality_review"\nbefore = "collective_discussion"\n'
REVIEW = policy.parse(RULE, "review")


def figures() -> Figures:
    """Verify everything under one requirement of the law; the times are CPU, for reading and judging together."""
    times: list[float] = []
    sound: list[float] = []
    sizes: list[int] = []
    verdicts: Counter[str] = Counter()
    files: dict[str, bytes] = {}
    for seed in range(COUNT):
        bundle, size = industrial(seed)
        sizes.append(size)
        files |= bundle.bpmn
        # What was read is remembered by content; each question is to read it anew.
        again = Bundle(bundle.main, {name: text + b"\n" for name, text in bundle.bpmn.items()})
        _time(again, sound, soundness_only=True)
        verdicts[_time(bundle, times)] += 1
    wide, long = [0.0], [0.0]
    _time(parallel(), wide)
    _time(chain(), long)
    told: Figures = {}
    for name, found in (("soundness", sound), ("soundness and law", times)):
        cuts = quantiles(found, n=20)
        told |= {f"1,000 models, {name}: p50, ms": median(found), f"1,000 models, {name}: p95, ms": cuts[-1]}
        told |= {
            f"1,000 models, {name}: max, ms": max(found),
            f"1,000 models, {name}: over 500 ms": sum(t > 500 for t in found),
        }
    told |= {"1,000 models: elements, median": median(sizes), "1,000 models: elements, most": max(sizes)}
    told |= {f"1,000 models: {verdict}": count for verdict, count in sorted(verdicts.items())}
    told.setdefault("1,000 models: undecided", 0)
    told |= {"20 branches of 3 tasks, ms": wide[-1], "chain of 1,000 tasks, ms": long[-1]}
    return told | command_line("one file", dict(chain(20).bpmn)) | command_line("1,000 models", files)


def command_line(what: str, files: dict[str, bytes]) -> Figures:
    """Time `procedures verify` over all `files` at once, from the start of the interpreter to its end."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in files]
        for path in paths:
            path.write_bytes(files[path.name])
        rule = Path(folder) / "rule.toml"
        rule.write_text(RULE)
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "decision_flow",
            "procedures",
            "verify",
            *map(str, paths),
            "--policy",
            str(rule),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {f"command line, {what}: CPU, s": round(cpu, 2), f"command line, {what}: wall, s": round(wall, 2)}


def _time(bundle: Bundle, times: list[float], *, soundness_only: bool = False) -> str:
    begun = time.process_time()
    report = verify(bundle, policy=REVIEW, soundness_only=soundness_only)
    times.append((time.process_time() - begun) * 1000)
    return report.verdict
