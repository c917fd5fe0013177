"""G-SUSPEND and G-CHANGE: a decision is not changed or stopped but as Arts. 35 and 37 allow."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards import decide, meeting
from decision_flow.guards.facts import APPROVED, Facts
from decision_flow.guards.said import Found, missing

GROUNDS = frozenset({"decision_defect", "major_change", "force_majeure"})


def to_suspend(facts: Facts) -> Found:
    """G-SUSPEND (R-37b): on a ground of Art. 35, by the head, and only to suspend."""
    order = facts.last("F-35")
    if order is None or order.get("ground") not in GROUNDS:
        yield missing(
            "R-37b", 37, N_("没有第三十五条规定的情形，不能中止执行。"), N_("写明属于哪一种法定情形。"), "F-35"
        )
        return
    if order.role not in ("", "admin_head"):
        yield missing("R-37b", 37, N_("中止执行只能由行政首长决定。"), N_("报行政首长决定。"), "F-35")


def to_rewrite(facts: Facts) -> Found:
    """G-CHANGE (R-37a): the text of a published decision changes only by an adjustment."""
    if facts.published:
        yield missing("R-37a", 37, N_("决策已经公布，不能在本事项中改动文本。"), N_("办理决策调整。"))


def to_end(facts: Facts) -> Found:
    """G-CHANGE (R-37c): to terminate repeats review and discussion."""
    yield from meeting.reviewed(facts)
    yield from decide.to_decide(facts)
    if facts.of("F-15", "decision") not in APPROVED:
        yield missing("R-30a", 30, N_("没有经集体讨论通过的决定。"), N_("提交会议讨论决定。"), "F-15")


def to_resume(facts: Facts) -> Found:
    """G-CHANGE (R-37a): somebody with the power to do so decided that execution goes on."""
    if not facts.has("F-35c", "F-35e", "F-35b", "F-41"):
        yield missing("R-37a", 37, N_("没有恢复执行的决定。"), N_("由行政首长决定恢复执行。"), "F-35c")


def to_report_done(facts: Facts) -> Found:
    """R-34c: who carried it out gives a final report."""
    if not facts.has("F-19c"):
        yield missing("R-34c", 34, N_("没有执行总结报告。"), N_("由执行单位提交执行总结。"), "F-19c")
