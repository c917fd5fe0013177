"""G-EVALUATOR: an evaluation has its evaluator, the public's opinion and the organ's decision (Art. 36)."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found, missing


def appointed(facts: Facts) -> Found:
    """R-36b: the evaluator was named and asked for conflicts; who argued before the decision is none."""
    named = facts.last("F-37")
    if named is None or named.get("did_main_argumentation") is True:
        yield missing("R-36b", 36, N_("没有确定可以承担评估的单位。"), N_("确定评估单位并核查利益冲突。"), "F-37")


def public_heard(facts: Facts) -> Found:
    """R-36c: a report without any opinion of the public is not accepted."""
    sources = facts.of("F-39", "public_sources") or ()
    if sum(int(row.get("opinions") or 0) for row in sources) == 0:
        yield missing("R-36c", 36, N_("评估没有听取公众意见。"), N_("听取公众意见后再撰写报告。"), "F-39")


def decided(facts: Facts) -> Found:
    """R-36a, R-36d: begun or declined with a reason; closed with what the organ decides on the report."""
    start = facts.last("F-36")
    if start is not None and start.get("start") is False:
        if not str(start.get("decline_reason") or "").strip():
            yield missing("R-36a", 36, N_("不启动评估，没有写明理由。"), N_("写明理由。"), "F-36")
        return
    outcome = facts.last("F-41")
    if outcome is None:
        yield missing("R-36d", 36, N_("决策机关没有对评估结果作出处理决定。"), N_("由行政首长作出处理决定。"), "F-41")
        return
    differs = outcome.get("outcome") == "continue" and facts.of("F-40", "recommendation") == "terminate"
    if differs and not str(outcome.get("reason") or "").strip():
        yield missing("R-36d", 36, N_("处理决定与评估建议不一致，没有写明理由。"), N_("写明理由。"), "F-41")


def to_report(facts: Facts) -> Found:
    """What must stand before the evaluation's report counts (F-40)."""
    yield from appointed(facts)
    yield from public_heard(facts)
