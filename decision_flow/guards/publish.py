"""G-PUBLISH: what must stand before a decision is made public, and before it is carried out."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards import decide, meeting
from decision_flow.guards.facts import APPROVED, Facts
from decision_flow.guards.said import Found, missing


def approved(facts: Facts) -> Found:
    """R-30a, R-30e: the meeting approved, the head signed."""
    if facts.of("F-15", "decision") not in APPROVED:
        yield missing("R-30a", 30, N_("没有经集体讨论通过的决定。"), N_("提交会议讨论决定。"), "F-15")
    yield from decide.signed(facts)


def party_replied(facts: Facts) -> Found:
    """R-31: the Party committee of the same level agreed, and its comments were handled."""
    reply = facts.last("F-16b")
    if reply is None or reply.get("reply") not in ("agreed", "agreed_with_comments"):
        yield missing("R-31", 31, N_("没有登记同级党委的同意答复。"), N_("请示报告并登记答复。"), "F-16b")
        return
    handled = reply.get("comments_handled") or ()
    complete = handled and all(str(row.get("handling") or "").strip() for row in handled)
    if reply.get("reply") == "agreed_with_comments" and not complete:
        yield missing("R-31", 31, N_("党委提出的意见没有逐条办理。"), N_("写明每条意见的办理情况。"), "F-16b")


def congress_told(facts: Facts) -> Found:
    """R-08a: what is to be reported to the congress was reported."""
    if facts.of("F-06", "npc_report_required") is True and not str(facts.of("F-16n", "doc_no") or "").strip():
        yield missing("R-08a", 8, N_("应当向人大报告的事项，没有报告文号。"), N_("向人大报告并登记文号。"), "F-16n")


def page_reviewed(facts: Facts) -> Found:
    """SOD-12 and the confidentiality review of the very page, by somebody other than who wrote it."""
    page, review = facts.last("F-17"), facts.last("F-21")
    if page is None:
        yield missing("R-32a", 32, N_("没有公布稿。"), N_("起草公布稿与解读。"), "F-17")
        return
    if review is None or facts.place(review) < facts.place(page) or review.get("result") != "pass":
        yield missing(
            "R-32a",
            "政府信息公开条例第十七条",
            N_("公布稿没有通过保密与隐私审查。"),
            N_("办理公布前保密与隐私审查。"),
            "F-21",
        )
    elif page.by is not None and page.by == review.by:
        yield missing(
            "SOD-12",
            "政府信息公开条例第十七条",
            N_("公布稿的起草人和保密审查人不能是同一人。"),
            N_("由其他人员审查。"),
            "F-21",
        )


def explained(facts: Facts) -> Found:
    """R-32b: what is of wide concern or technical is published with how opinions were taken up."""
    concerns = facts.of("F-06", "public_concern") is True or facts.of("F-06", "is_technical") is True
    if concerns and not str(facts.of("F-17", "adoption_summary") or "").strip():
        yield missing(
            "R-32b",
            32,
            N_("社会普遍关心或者专业性强的，没有说明意见采纳情况。"),
            N_("在公布稿中说明公众和专家意见采纳情况。"),
            "F-17",
        )


def executor_named(facts: Facts) -> Found:
    """R-34a."""
    if facts.implementing_unit is None:
        yield missing("R-34a", 34, N_("没有明确决策执行单位。"), N_("在会议记录中明确执行单位。"), "F-15")


def to_publish(facts: Facts) -> Found:
    """What must stand before the decision is published (F-17b and the effect that records it)."""
    yield from approved(facts)
    yield from meeting.to_submit(facts)
    yield from decide.to_close_minutes(facts)
    yield from party_replied(facts)
    yield from congress_told(facts)
    yield from page_reviewed(facts)
    yield from explained(facts)
    yield from executor_named(facts)


def to_execute(facts: Facts) -> Found:
    """R-32a: no execution before the decision was published, or found lawfully not public."""
    whole = facts.of("F-07", "scope") == "whole"
    if not facts.published and not whole:
        yield missing("R-32a", 32, N_("决定没有公布，也没有不予公开认定，不能下达执行。"), N_("公布决定。"), "F-17b")
    yield from approved(facts)
    yield from party_replied(facts)
    yield from congress_told(facts)
    yield from executor_named(facts)
