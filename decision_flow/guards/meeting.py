"""G-MEETING: no draft goes to the meeting that was not reviewed, or whose review is of another text."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards import initiate, legality
from decision_flow.guards.facts import SUBMITTABLE, Facts, Filed, Text
from decision_flow.guards.said import Found, missing


def reviewed(facts: Facts) -> Found:
    """R-25a, R-25b, R-25c, R-25d: an opinion from the review itself, of this text, that lets it go on."""
    review, signed = facts.last("F-13"), facts.last("F-13s")
    if review is None or signed is None or signed.get("agree") is not True or facts.place(signed) < facts.place(review):
        yield missing(
            "R-25a", 25, N_("没有合法性审查意见，不能提交会议讨论。"), N_("送合法性审查，由审查机构签发意见。"), "F-12"
        )
        return
    if facts.text is not None and facts.draft_filed not in ("", facts.text.sha256):
        # A diagram may leave out the freezing; the text that was reviewed is another one all the same.
        yield missing(
            "R-25c", 25, N_("审查后又提交了另一份草案，现行文本没有审查意见。"), N_("将现行文本重新送审。"), "F-12"
        )
    conclusion = facts.text.conclusion if facts.text is not None else str(review.get("conclusion") or "")
    if conclusion == "" and facts.text is not None and _signed_on(facts.text, signed):
        # Reviewed under an early release, which did not yet keep what the opinion was given on.
        yield missing(
            "R-25c",
            25,
            N_("审查意见签发时，系统尚未记录审查的是哪一份文本，不能认定现行文本已经审查。"),
            N_("将现行文本重新送审。"),
            "F-12",
        )
    elif conclusion == "":
        yield missing(
            "R-25c", 25, N_("草案文本在审查后有变动，现行文本没有审查意见。"), N_("将现行文本重新送审。"), "F-12"
        )
    elif conclusion not in SUBMITTABLE:
        yield missing(
            "R-25c",
            25,
            N_("审查结论不允许提交会议讨论。"),
            N_("按审查意见修改后重新送审，或者由审查人员确认修改。"),
            "F-12",
        )
    if conclusion == "no_rule_risk_stated":
        yield from _exploratory(facts)


def _signed_on(text: Text, signed: Filed) -> bool:
    """Whether the opinion was signed while `text` stood."""
    return text.frozen_at is not None and signed.at is not None and signed.at >= text.frozen_at


def _exploratory(facts: Facts) -> Found:
    basis = facts.of("F-04", "legal_basis") or ()
    if facts.of("F-13", "prohibited_rule_found") or any(row.get("effect") == "prohibits" for row in basis):
        yield missing(
            "R-25d", 25, N_("依据中有明确的禁止性规定，不能按探索性改革提交。"), N_("修改草案后重新送审。"), "F-04"
        )
    if not str(facts.of("F-13", "legal_risk_statement") or "").strip():
        yield missing("R-25d", 25, N_("探索性改革没有明示法律风险。"), N_("在审查意见中写明法律风险。"), "F-13")


def answered(facts: Facts) -> Found:
    """R-28b: each point of an opinion that asks for a revision was answered."""
    review = facts.last("F-13")
    if review is None or review.get("conclusion") != "lawful_after_revision":
        return
    points = {str(row.get("no")) for row in review.get("points") or ()}
    response = facts.last("F-13c")
    told = {str(row.get("point_no")) for row in (response.get("responses") or ())} if response else set()
    if points - told or response is None or facts.place(response) < facts.place(review):
        yield missing("R-28b", 28, N_("审查意见还有没有回应的。"), N_("逐条写明修改情况或者不修改的理由。"), "F-13c")


def advised(facts: Facts) -> Found:
    """R-28a: a legal adviser or public lawyer was heard."""
    if not facts.has("F-13a"):
        yield missing(
            "R-28a", 28, N_("没有法律顾问或者公职律师的意见。"), N_("组织法律顾问、公职律师提出意见。"), "F-13a"
        )


def package(facts: Facts) -> Found:
    """R-29: the papers of the meeting are complete."""
    papers = facts.last("F-14")
    if papers is None:
        yield missing("R-29", 29, N_("没有报送会议材料。"), N_("报送会议材料目录和材料。"), "F-14")
        return
    if any(row.get("needed") is True and row.get("present") is not True for row in papers.get("items") or ()):
        yield missing("R-29", 29, N_("会议材料不齐。"), N_("补齐目录中缺少的材料。"), "F-14")


def to_submit(facts: Facts) -> Found:
    """What must stand before the papers go to the meeting, the notice is sent or the meeting is held."""
    yield from reviewed(facts)
    yield from answered(facts)
    yield from advised(facts)
    if facts.kind == "major":
        yield from initiate.to_draft(facts)
        yield from legality.steps(facts)
        yield from legality.nothing_stale(facts)


def to_meet(facts: Facts) -> Found:
    """What must stand before the minutes count."""
    yield from to_submit(facts)
    yield from package(facts)
