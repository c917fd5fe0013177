"""What the law lets an organ do otherwise, for a reason: by rule and by the form in which the reason stands (SOD-14).

What takes effect at once with the form is asked for from the form and approved before it (`BEFORE`); what counts only
later is asked for by completing the form, and the guard of the later act wants it approved (`STATED`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decision_flow import rules, typed_in
from decision_flow.errors import N_
from decision_flow.steps import StatutoryStep

# What may be asked for by itself: the REASON rows of the law that no form of its own carries.
ASKABLE = {
    "R-12c": N_("不作成本效益分析"),
    "R-12d": N_("分歧较大但只提一个方案"),
    "R-15b": N_("缩短公开征求意见期限"),
    "R-16a": N_("不举行听证"),
    "R-16b": N_("听证公告少于规定天数"),
    "R-20c": N_("专家人数少于规定"),
    "R-22b": N_("引用已有评估，不重复评估"),
    "R-26c": N_("缩短合法性审查时间"),
    "R-36a": N_("出现评估情形但不启动评估"),
    "SOD-07": N_("承办或执行单位自行评估"),
}
# The article of the rule, for a separation of duties the one it serves.
ARTICLES = {
    rule: rules.rule(rule).article
    for rule in (
        "R-03c", "R-12c", "R-12d", "R-14a", "R-15b", "R-16a", "R-16b", "R-19a", "R-20c", "R-22a", "R-22b", "R-25c",
        "R-26c", "R-36a",
    )
} | {"SOD-07": "条例第三十六条"}  # fmt: skip
# An exemption that its own form approves: rule, step, the field of the reason. Who asked: `separation.ASKED_IN`.
EXEMPTIONS = {
    "F-07": ("R-14a", StatutoryStep.PUBLIC_PARTICIPATION, "basis_law"),
    "F-08": ("R-19a", StatutoryStep.EXPERT_ARGUMENTATION, "reason"),
    "F-09b": ("R-22a", StatutoryStep.RISK_ASSESSMENT, "exempt_reason"),
}
# A reason that stands in the paper itself: by form, the rule and the field. What counts only when the draft is
# sent to the reviewer is asked for when the form is completed.
STATED = {
    "F-04": ("R-12c", "not_needed_reason"),
    "F-06": ("R-12d", "single_option_reason"),
    "F-09": ("R-22b", "existing_assessment_no"),
    "F-20": ("R-16a", "no_hearing_reason"),
    "F-29e": ("R-20c", "few_reason"),
}
# What takes effect with the form: approved, in these very words, before the form counts.
BEFORE = {
    "F-12b": ("R-26c", "shorten_reason"),
    "F-22": ("R-15b", "short_reason_public"),
    "F-25b": ("R-16b", "short_notice_reason"),
    "F-36": ("R-36a", "decline_reason"),
}
# The dates for which it is approved: with others it is another departure.
_DATES = {"F-12b": ("agreed_due_on",), "F-22": ("open_on", "close_on"), "F-25b": ("notice_on",)}


def stated(form: str, answers: Mapping[str, Any]) -> str:
    """Return what `form` gives as the reason for a departure, with the dates that it departs by; "" for none."""
    reason = typed_in.words(answers.get(BEFORE[form][1])) if form in BEFORE else ""
    dates = [str(answers[name]) for name in _DATES.get(form, ()) if answers.get(name)]
    return f"{reason}（{'至'.join(dates)}）" if reason and dates else reason
