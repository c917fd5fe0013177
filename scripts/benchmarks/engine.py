"""CPU of one stateless completion in the engine: read the state, complete, write it. Yardstick: the same, live."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from decision_flow import engine, procedures
from decision_flow.engine import Context
from decision_flow.resources import BPMN
from scripts.benchmarks.harness import Figures, milliseconds
from tests.drawing import Drawing
from tests.engine.driver import bundle

NOW = Context(now=datetime(2026, 3, 9, tzinfo=UTC))
# The way from registration to the required steps, whatever else a form would ask.
WAY: dict[str, dict[str, Any]] = {
    "T_major_decision_01": {"F01": {"exclusion_type": "none", "matter_category": "public_policy"}},
    "T_major_decision_03": {"F02": {"conclusion": "recommend"}},
    "T_major_decision_04": {"F03": {"initiate": True}},
    "T_major_decision_05": {"F03b": {"undertaking_units": [1]}},
    "T_major_decision_06": {"F04": {"consulted_units": []}},
    "T_major_decision_09": {"F06": dict.fromkeys(("withheld_by_law", "is_technical", "affects_market_entities", "npc_report_required", "government_pricing", "direct_vital_interest", "has_major_disagreement"), False)},
    "T_major_decision_09a": {"F09": {f"q_{name}": False for name in (
        "social_stability", "public_safety", "ecology", "fiscal_economic", "public_opinion", "legal", "other")}},
}  # fmt: skip


def run(_url: str) -> Figures:
    source = next(source for source in procedures.shipped(BPMN) if source.key == "major_decision")
    started = time.perf_counter()
    compiled = engine.compile(source.bundle)
    figures: Figures = {"major_decision: compile once, ms": (time.perf_counter() - started) * 1000}
    times: list[float] = []
    size = 0
    for _ in range(60):
        step = engine.start(compiled, {"matter": {"id": 1}}, NOW)
        for element, data in WAY.items():
            token = next(task.token for task in engine.open_tasks(compiled, step.state) if task.element.id == element)
            begun = time.process_time()
            step = engine.complete(compiled, step.state, token, data, NOW)
            times.append(time.process_time() - begun)
        size = len(step.state)
    figures["major_decision: completion CPU p50, ms"], figures["major_decision: completion CPU p95, ms"] = milliseconds(
        times
    )
    figures["major_decision: state, bytes"] = size
    return {**figures, **_send_backs()}


def _send_backs() -> Figures:
    drawing = Drawing("p").start().user("draft").xor("good").user("sign").end()
    drawing.chain("start", "draft", "good").flow("good", "draft", "again").flow("good", "sign", "else")
    compiled = engine.compile(bundle(drawing.chain("sign", "end")))
    step = engine.start(compiled, {}, NOW)
    times: list[float] = []
    for number in range(1000):
        (task,) = engine.open_tasks(compiled, step.state)
        begun = time.process_time()
        step = engine.complete(compiled, step.state, task.token, {"again": True, "round": number}, NOW)
        times.append(time.process_time() - begun)
    early, late = milliseconds(times[5:55])[0], milliseconds(times[-50:])[0]
    return {
        "send-back: around the 10th, ms": early,
        "send-back: around the 1,000th, ms": late,
        "send-back: ratio": late / early,
    }
