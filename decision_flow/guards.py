"""What must be true before an act of legal weight, whatever diagram runs and whoever asks.

Pure rules over `Facts`: each raises `Refused` with rule, article and what to do first. They are asked when the
form that carries the act is completed (see `formalities`), so a diagram that leaves a step out, or an
interface that goes around the pages, meets them all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from decision_flow.errors import N_, Refused
from decision_flow.steps import StatutoryStep

TO_MEETING = frozenset({"lawful", "no_rule_risk_stated", "confirmed"})
UNDER_CONTROL = frozenset({"controllable", "controllable_with_measures"})
APPROVED = frozenset({"approved", "approved_with_changes"})


@dataclass(frozen=True)
class Facts:
    """What is known of a matter when an act is asked for.

    `said` holds the latest completed answers by form id. `conclusion` is what the reviewer said of the very
    text that stands, empty when nobody reviewed it. `stale` are the steps done on an older text.
    """

    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conclusion: str = ""
    stale: tuple[str, ...] = ()
    implementing_unit: bool = False
    adjusts: bool = False

    def of(self, form: str, name: str) -> Any:
        """Return one latest answer, or None."""
        return self.said.get(form, {}).get(name)


def initiate(facts: Facts) -> None:
    """R-10a, R-11a: nobody decides to begin before the matter was studied (G-INITIATE)."""
    if "F-02" not in facts.said and not facts.adjusts:
        raise Refused(
            N_("还没有研究论证报告,不能决定启动。请先由有关单位研究论证。"), rule="R-10a", article="条例第十条"
        )


def submit_to_review(facts: Facts) -> None:
    """G-LEGALITY: every step that applies was done or exempted before the draft is sent to the reviewer."""
    if not facts.of("F-04", "legal_basis"):
        raise Refused(N_("还没有梳理依据目录,不能送审。"), rule="R-12b", article="条例第十二条")
    _done_or_exempt(facts)
    _risk_under_control(facts)


def submit_to_meeting(facts: Facts) -> None:
    """G-MEETING: the text that stands was found lawful, and nothing was done on an older one only."""
    if facts.conclusion == "":
        raise Refused(
            N_("现行草案文本没有合法性审查意见,不能提交会议讨论。请先送合法性审查。"),
            rule="R-25a",
            article="条例第二十五条",
        )
    if facts.conclusion not in TO_MEETING:
        raise Refused(
            N_("合法性审查结论不允许提交会议讨论。请按审查意见修改后重新送审。"), rule="R-25c", article="条例第二十五条"
        )
    stale = [step for step in facts.stale if step != StatutoryStep.LEGALITY_REVIEW]
    if stale:
        raise Refused(
            N_("草案作了实质性修改,“%(steps)s”是按旧文本办理的。请重新办理,或者说明理由并经批准。"),
            rule="R-25c",
            article="条例第二十五条",
            steps="、".join(StatutoryStep(step).label for step in stale),
        )
    _risk_under_control(facts)
    if facts.of("F-10", "conclusion") == "violates_no_exception":
        raise Refused(N_("公平竞争审查没有通过,不能提交会议讨论。"), rule="R-29c", article="公平竞争审查条例第十四条")


def publish(facts: Facts) -> None:
    """G-PUBLISH: decided by the meeting and signed, agreed by the committee, somebody named to carry it out."""
    if facts.of("F-15", "decision") not in APPROVED or "F-15s" not in facts.said:
        raise Refused(N_("还没有经集体讨论通过并签署的决定,不能公布。"), rule="R-30a", article="条例第三十条")
    if facts.of("F-16b", "reply") not in ("agreed", "agreed_with_comments"):
        raise Refused(N_("还没有登记同级党委的同意答复,不能公布。"), rule="R-31", article="条例第三十一条")
    if facts.of("F-06", "npc_report_required") and not facts.of("F-16n", "doc_no"):
        raise Refused(N_("应当向人大报告的,报告后再公布。"), rule="R-08a", article="条例第八条")
    if facts.of("F-21", "result") != "pass":
        raise Refused(N_("公布稿没有通过保密和隐私审查,不能公布。"), rule="R-32a", article="政府信息公开条例第十七条")
    if not facts.implementing_unit:
        raise Refused(N_("还没有明确决策执行单位,不能公布。"), rule="R-34a", article="条例第三十四条")


def _done_or_exempt(facts: Facts) -> None:
    for done, exempt, applies, rule, article, message in _CONDITIONAL:
        if done not in facts.said and (exempt is None or exempt not in facts.said) and applies(facts):
            raise Refused(message, rule=rule, article=article)


def _risk_under_control(facts: Facts) -> None:
    finding = facts.of("F-34b", "finding")
    if finding is not None and finding not in UNDER_CONTROL:
        raise Refused(N_("风险不可控。请调整草案等确保风险可控,再行办理。"), rule="R-24", article="条例第二十四条")


_Row = tuple[str, str | None, Callable[[Facts], bool], str, str, str]
_CONDITIONAL: tuple[_Row, ...] = (
    ("F-23", "F-07", lambda facts: True, "R-14a", "条例第十四条",
     N_("公众参与没有办结,也没有不予公开认定,不能送审。")),
    ("F-29s", "F-08", lambda facts: True, "R-19a", "条例第十九条",
     N_("专家论证没有办结,也没有豁免,不能送审。")),
    ("F-34b", "F-09b", lambda facts: True, "R-22a", "条例第二十二条",
     N_("风险评估没有办结,也没有豁免,不能送审。")),
    ("F-10", None, lambda facts: bool(facts.of("F-06", "affects_market_entities")), "R-29c", "公平竞争审查条例第十二条",
     N_("涉及市场主体的,公平竞争审查后再送审。")),
)  # fmt: skip

# The form that carries each act. The papers, the agenda, the notice and the minutes all stand for the meeting.
GUARDS: Mapping[str, Callable[[Facts], None]] = {
    "F-03": initiate,
    "F-12": submit_to_review,
    "F-14": submit_to_meeting,
    "F-15a": submit_to_meeting,
    "F-15b": submit_to_meeting,
    "F-15": submit_to_meeting,
    "F-17b": publish,
}
