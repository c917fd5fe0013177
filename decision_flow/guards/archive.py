"""G-ARCHIVE: nothing is archived or closed with a duty open. A lawful early end shows in the file itself."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards import decide, evaluator, execution, meeting, publish
from decision_flow.guards.facts import APPROVED, Facts
from decision_flow.guards.said import Found, missing, unapproved

# How many files a refusal names at most.
_SHOWN = 10


def ended_early(facts: Facts) -> bool:
    """Whether the matter came lawfully to an end without a decision that is to be carried out.

    Out of scope, not begun, rejected by the meeting, handed to another organ, or withdrawn by the head.
    """
    if facts.withdrawn or facts.has("F-03w", "F-01t", "F-42m"):
        return True
    declined = facts.of("F-03", "initiate") is False
    rejected = facts.of("F-15", "decision") == "rejected" and not list(decide.signed(facts))
    return _excluded(facts) or declined or rejected


def _excluded(facts: Facts) -> bool:
    return facts.of("F-01", "exclusion_type") not in (None, "none") or facts.of("F-01b", "in_scope") is False


def complete(facts: Facts) -> Found:
    """R-33 and all before it: every duty up to publication stands in the file."""
    if ended_early(facts):
        return
    if facts.of("F-15", "decision") not in APPROVED:
        yield missing("R-30a", 30, N_("没有经集体讨论通过的决定，不能归档结案。"), N_("提交会议讨论决定。"), "F-15")
    yield from meeting.to_meet(facts)
    yield from decide.to_decide(facts)
    yield from publish.to_execute(facts)


def excluded_confirmed(facts: Facts) -> Found:
    """R-03c: that the procedure does not apply was confirmed by a leader, not by the office alone."""
    if _excluded(facts) and "R-03c" not in facts.approved:
        yield unapproved("R-03c", 3, N_("不适用本程序的认定还没有经领导确认。"))


def trail_whole(facts: Facts) -> Found:
    """R-33: the trail of the matter verifies."""
    if facts.trail_break:
        yield missing(
            "R-33", 33, N_("过程记录不完整：%(reason)s。"), N_("请审计管理员核查。"), reason=facts.trail_break
        )


def papers_whole(facts: Facts) -> Found:
    """R-33: each filed paper lies in the store with the very bytes that were filed."""
    gone, other = facts.papers_missing, facts.papers_changed
    if not (gone or other):
        return
    if not other:
        told = N_("归档材料在文件存储中缺失：%(missing)s。")
    elif not gone:
        told = N_("归档材料的内容与登记的摘要不一致，可能被改动：%(changed)s。")
    else:
        told = N_("归档材料在文件存储中缺失：%(missing)s；内容与登记的摘要不一致：%(changed)s。")
    yield missing(
        "R-33", 33, told, N_("请系统管理员从备份恢复，或者重新上传完全相同的原件（系统按内容识别），再归档。"),
        missing=_few(gone), changed=_few(other),
    )  # fmt: skip


def _few(names: tuple[str, ...]) -> str:
    shown = "、".join(f"《{name}》" for name in names[:_SHOWN])
    return f"{shown}…（{len(names)}）" if len(names) > _SHOWN else shown


def to_archive(facts: Facts) -> Found:
    """What must stand before a part of the file is handed over."""
    if facts.kind == "major":
        yield from excluded_confirmed(facts)
        yield from complete(facts)
    yield from trail_whole(facts)
    yield from papers_whole(facts)


def to_finish(facts: Facts) -> Found:
    """What must stand before a matter ends, at whichever end of whichever diagram."""
    if facts.kind == "evaluation":
        yield from evaluator.decided(facts)
    if facts.kind != "major":
        return
    yield from excluded_confirmed(facts)
    yield from complete(facts)
    if not ended_early(facts) and not facts.adjusted:
        yield from execution.to_report_done(facts)
    # What is withdrawn by the head is archived by a matter of its own.
    if not facts.archived and not facts.has("F-03w"):
        yield missing("R-33", 33, N_("过程材料没有归档，不能结案。"), N_("整理移交并由档案人员接收。"), "F-24")
