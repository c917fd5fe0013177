"""What the verifier takes for 1,000 generated procedures of industrial size, for wide ones and for long ones."""

from __future__ import annotations

import time
from collections import Counter
from statistics import median, quantiles

from decision_flow.engine import Bundle
from decision_flow.verification import policy, verify
from scripts.benchmarks.harness import Figures
from tests.verification.generating import chain, industrial, parallel

COUNT = 1000
REVIEW = policy.parse('[[require]]\nstep = "legality_review"\nbefore = "collective_discussion"\n', "review")


def figures() -> Figures:
    """Verify everything under one requirement of the law; the times are CPU, for reading and judging together."""
    times: list[float] = []
    sound: list[float] = []
    sizes: list[int] = []
    verdicts: Counter[str] = Counter()
    for seed in range(COUNT):
        bundle, size = industrial(seed)
        sizes.append(size)
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
    return {**told, "20 branches of 3 tasks, ms": wide[-1], "chain of 1,000 tasks, ms": long[-1]}


def _time(bundle: Bundle, times: list[float], *, soundness_only: bool = False) -> str:
    begun = time.process_time()
    report = verify(bundle, policy=REVIEW, soundness_only=soundness_only)
    times.append((time.process_time() - begun) * 1000)
    return report.verdict
