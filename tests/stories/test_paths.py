"""The ways through the procedure that the cases do not take: each sent on, sent back, put off or ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import Matter, MatterStatus, Task
from tests.stories.conftest import Told
from tests.stories.telling import names, outcome, status

M, PP, RA, LR, CD = cases.M, cases.PP, cases.RA, cases.LR, cases.CD
EA, PE, PR, PU, RS = (
    "T_expert_argumentation_", "T_post_evaluation_", "T_party_report_", "T_publication_", "T_required_steps_",
)  # fmt: skip
BEGUN = date(2026, 3, 2)


def begun(stop: str, **draft: Any) -> Callable[[Database, FileStore], Play]:
    """Return the way of a plain matter of the town to `stop`; `draft` adds to what the draft says of itself."""

    def way(database: Database, files: FileStore) -> Play:
        play = Play(database, files, BEGUN)
        play.suggest("wuting", QINGHE, {
            "matter_name": "清河镇河道采砂管理方案", "suggestion_source": "department", "proposer_name": "规划建设办",
            "proposer_contact": "0871-60001234", "matter_category": "public_policy", "exclusion_type": "none",
            "contains_state_secret": False, "summary": "河道采砂点多面广，监管责任不清，建议制定管理方案，明确范围、期限和巡查责任。",
        })  # fmt: skip
        unit = cases.units(database)["清河镇规划建设和生态环境办公室"]
        return play.run_to(stop, given={
            M + "05": {"undertaking_units": [unit], "in_catalogue": False}, M + "09": draft,
        })  # fmt: skip

    way.__name__ = f"{stop}_{'_'.join(sorted(draft))}"
    return way


at_drafting = begun(M + "09")
at_review = begun(LR + "04")
at_minutes = begun(CD + "06")


def discussed(play: Play, decision: str, **more: Any) -> Play:
    """Hold the meeting; the head agrees with the majority."""
    told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", decision)
    against = decision not in ("approved", "approved_with_changes")
    for row in told["opinions"]:
        row.update({"position": "disagree", "option_code": "", "words": "时机还不成熟"} if against else {})
    unit = cases.units(play.database)["清河镇农村公路管理站"]
    return play.do(CD + "06", "linyue", **{"implementing_unit_id": unit, **told, **more}).do(CD + "10", "gaojianming")


# The review


def test_a_draft_that_is_lawful_once_revised_comes_back_to_the_reviewer(told: Told) -> None:
    play = told(at_review)
    points = [
        {"no": 1, "issue": "巡查频次不明", "legal_basis": "河道管理条例", "advice": "写明频次", "mandatory": True},
        {"no": 2, "issue": "表述重复", "legal_basis": "", "advice": "合并", "mandatory": False},
    ]
    play.do(LR + "04", "wangmin", conclusion="lawful_after_revision", points=points).do(LR + "06", "zhaolei")
    assert names(play) == {M + "15a"}
    with pytest.raises(Invalid) as refusal:
        play.do(M + "15a", "chenbin", responses=[{"point_no": 1, "response": "changed"}])
    assert set(refusal.value.errors) == {"responses"}
    answers = [
        {"point_no": 1, "response": "changed"},
        {"point_no": 2, "response": "not_changed", "reason": "两处含义不同"},
    ]
    play.do(M + "15a", "chenbin", responses=answers)
    assert names(play) == {M + "15b"}
    play.do(M + "15b", "wangmin", confirmed=False, note="第一条没有写明频次。")
    assert names(play) == {M + "15a"}
    play.do(M + "15a", "chenbin", responses=answers).do(M + "15b", "wangmin")
    assert names(play) == {M + "16"}


def test_a_revision_that_changes_more_than_words_is_reviewed_again(told: Told) -> None:
    play = told(at_review)
    play.do(LR + "04", "wangmin", conclusion="lawful_after_revision",
            points=[{"no": 1, "issue": "期限", "legal_basis": "", "advice": "缩短", "mandatory": True}])  # fmt: skip
    play.do(LR + "06", "zhaolei").do(M + "15a", "chenbin", responses=[{"point_no": 1, "response": "changed"}])
    play.do(M + "15b", "wangmin", change_kind="material", confirmed=True)
    assert names(play) == {LR + "01"}


def test_papers_that_are_incomplete_go_back_and_the_period_begins_anew(told: Told) -> None:
    """R-26b, R-26c: seven working days from the day on which the papers were complete."""
    play = told(begun(LR + "01"))
    play.do(LR + "01", "wangmin", complete=False, missing_items=["assessment"])
    assert names(play) == {LR + "01r"}
    play.days(6).do(LR + "01r", "chenbin").days(1).do(LR + "01", "wangmin", received_on=play.day.isoformat())
    play.do(LR + "02", "zhaolei").do(LR + "03", "guyan")
    with play.database.transaction(read_only=True) as session:
        review = session.scalars(select(Task).where(Task.element_id == LR + "04")).one()
        assert (
            review.due_at and review.due_explanation and clock.local_date(review.due_at) > play.day + timedelta(days=8)
        )


def test_an_inquiry_is_made_and_recorded_where_the_head_of_review_asks_for_it(told: Told) -> None:
    play = told(begun(LR + "02"))
    play.do(LR + "02", "zhaolei", inquiry_needed=True).do(LR + "03", "guyan")
    assert names(play) == {LR + "05"}
    play.do(LR + "05", "wangmin", form="meeting", summary="召开论证会，三家单位到会，意见一致。")
    assert names(play) == {LR + "04"}


@pytest.mark.parametrize(("route", "leads_to"), [("rescope", M + "05"), ("terminate", "T_archiving_01")])
def test_what_is_beyond_the_authority_is_scoped_anew_or_ended(told: Told, route: str, leads_to: str) -> None:
    play = told(at_review)
    play.do(LR + "04", "wangmin", finding_authority="fail", note_authority="无权限", conclusion="unlawful_authority")
    play.do(LR + "06", "zhaolei").do(M + "15t", "zhoukai", route=route, reason="属于上级机关的职权范围。")
    assert names(play) == {leads_to}
    if route == "terminate":
        assert (status(play.run_to()), outcome(play)) == (MatterStatus.COMPLETED, "E_terminated")


@pytest.mark.parametrize("conclusion", ["unlawful_content", "unlawful_procedure"])
def test_an_unlawful_draft_never_reaches_the_meeting(told: Told, conclusion: str) -> None:
    play = told(at_review)
    finding = conclusion.removeprefix("unlawful_").replace("content", "substance")
    play.do(LR + "04", "wangmin", conclusion=conclusion, **{f"finding_{finding}": "fail", f"note_{finding}": "抵触"})
    assert names(play.do(LR + "06", "zhaolei")) == {M + "09"}


def test_a_reform_without_a_rule_goes_on_with_its_risk_stated(told: Told) -> None:
    """R-25d, fixture G3: only as an exploratory reform, only with the risk in words."""
    play = told(at_review)
    reform = {"conclusion": "no_rule_risk_stated", "exploratory_reform": True}
    with pytest.raises(Invalid) as refusal:
        play.do(LR + "04", "wangmin", **reform)
    assert set(refusal.value.errors) == {"legal_risk_statement"}
    risk = "国家尚无明确规定，有偿退出的标准可能被认为缺少依据，建议小范围试点并设退出机制。"
    play.do(LR + "04", "wangmin", **reform, legal_risk_statement=risk).do(LR + "06", "zhaolei")
    assert names(play) == {M + "16"}
    # The agenda's papers come after the opinion, and whoever prepares them sees it.
    play.do(M + "16", "chenbin")
    with play.database.transaction(read_only=True) as session:
        from decision_flow import task_views

        agenda = session.scalars(select(Task.id).where(Task.element_id == CD + "01")).one()
        shown = task_views.view(session, play._actor(session, "zhoukai"), agenda)
        assert any(risk in str(entry.values) for entry in shown.earlier)


# The meeting


def test_a_deferred_matter_comes_back_on_its_day(told: Told) -> None:
    play = told(at_minutes)
    with pytest.raises(Invalid) as refusal:
        discussed(play, "deferred")
    assert set(refusal.value.errors) == {"defer_until"}
    until = play.day + timedelta(days=20)
    discussed(play, "deferred", defer_until=until.isoformat())
    with play.database.transaction(read_only=True) as session:
        assert session.get_one(Matter, play.matter_id).decided_at is None
    assert names(play) == set()
    assert names(play.on(until)) == set()
    assert names(play.on(until + timedelta(days=1))) == {M + "16"}
    assert names(discussed(play.run_to(CD + "06"), "approved")) == {PR + "01"}


def test_a_returned_matter_is_drafted_again_and_takes_every_step_anew(told: Told) -> None:
    play = told(at_minutes)
    assert names(discussed(play, "returned")) == {M + "09"}
    play.run_to(M + "12")
    done = {PP + "01", RS + "08", RS + "09"}
    with play.database.transaction(read_only=True) as session:
        counts = [
            len(session.scalars(select(Task.id).where(Task.matter_id == play.matter_id, Task.element_id == one)).all())
            for one in done
        ]
    assert counts == [2, 2, 2]


def test_a_rejected_matter_is_archived_and_nothing_is_published(told: Told) -> None:
    play = told(at_minutes)
    assert names(discussed(play, "rejected")) == {"T_archiving_01"}
    play.run_to()
    assert (status(play), outcome(play)) == (MatterStatus.COMPLETED, "E_rejected")
    with play.database.transaction(read_only=True) as session:
        assert session.get_one(Matter, play.matter_id).published_at is None


def test_a_decision_with_material_changes_is_reviewed_again_before_it_is_reported(told: Told) -> None:
    play = told(at_minutes)
    discussed(play, "approved_with_changes", material_change=True, changes_required=[{"change": "扩大禁采范围"}])
    assert names(play) == {LR + "01"}


# After the meeting


def test_a_matter_for_the_peoples_congress_is_reported_before_it_is_published(told: Told) -> None:
    """R-08a."""
    play = told(begun(PR + "03", npc_report_required=True))
    play.do(PR + "03", "zhoukai")
    assert names(play) == {M + "19"}
    with pytest.raises(Invalid) as refusal:
        play.do(M + "19", "tangwen", doc_no="")
    assert "doc_no" in refusal.value.errors
    assert names(play.do(M + "19", "tangwen")) == {PU + "01"}


def test_without_the_committees_consent_the_matter_is_drafted_again(told: Told) -> None:
    play = told(begun(PR + "03"))
    with pytest.raises(RuntimeError, match="no open task"):
        play.do(PU + "03")
    assert names(play.do(PR + "03", "zhoukai", reply="not_agreed")) == {M + "09"}


def test_comments_of_the_committee_are_handled_one_by_one(told: Told) -> None:
    play = told(begun(PR + "03"))
    with pytest.raises(Invalid) as refusal:
        play.do(PR + "03", "zhoukai", reply="agreed_with_comments", comments_handled=[])
    assert "comments_handled" in refusal.value.errors
    handled = [{"comment": "加强夜间巡查", "handling": "写入第四条"}]
    assert names(play.do(PR + "03", "zhoukai", reply="agreed_with_comments", comments_handled=handled)) == {PU + "01"}


# The steps that may be left out


def test_what_the_law_keeps_from_the_public_is_neither_consulted_nor_published(told: Told) -> None:
    """R-14a, R-32a: only on a ground of the law, and by somebody other than who reviewed it."""
    play = told(begun(RS + "07", withheld_by_law=True))
    plain = {
        "basis_law": "政府信息公开条例",
        "basis_article": "第十五条",
        "ground": "commercial_secret",
        "scope": "whole",
    }
    for wrong, field in (({"basis_law": ""}, "basis_law"), ({"ground": "time_is_short"}, "ground")):
        with pytest.raises(Invalid) as refusal:
            play.do(RS + "07", "sunli", **{**plain, **wrong})
        assert field in refusal.value.errors
    play.do(RS + "07", "sunli", **plain).run_to(M + "21")
    assert names(play) == {M + "21"}
    with play.database.transaction(read_only=True) as session:
        seen = set(session.scalars(select(Task.element_id).where(Task.matter_id == play.matter_id)))
    assert not {PP + "01", PU + "01"} & seen


def test_what_is_withheld_in_part_is_heard_in_the_rest(told: Told) -> None:
    """R-14a."""
    play = told(begun(RS + "07", withheld_by_law=True))
    play.do(
        RS + "07",
        "sunli",
        basis_law="政府信息公开条例",
        basis_article="第十五条",
        ground="commercial_secret",
        scope="part",
    )
    assert PP + "01" in names(play)


def test_an_exemption_needs_its_reason(told: Told) -> None:
    play = told(begun(RS + "08"))
    with pytest.raises(Invalid) as refusal:
        play.do(RS + "08", "sunli", reason="")
    assert set(refusal.value.errors) == {"reason"}


def test_an_expert_with_an_interest_is_replaced(told: Told) -> None:
    """R-20b."""
    play = told(begun(EA + "03", is_technical=True))
    play.do(EA + "03", "moqing", has_direct_interest=True, interest_detail="受聘于采砂企业")
    assert names(play) >= {EA + "02"}
    play.run_to(EA + "05")
    assert EA + "05" in names(play)


def test_a_draft_that_hinders_competition_is_drafted_again(told: Told) -> None:
    """R-29c."""
    play = told(begun("T_fair_competition_review_01", affects_market_entities=True))
    play.do(
        "T_fair_competition_review_01", "liqiang", conclusion="violates_no_exception", standards_hit=["market_access"]
    )
    assert names(play.run_to(M + "12").do(M + "12", "chenbin")) == {M + "09"}


# Before anything is drafted


def test_the_head_declines_and_the_proposer_is_answered(told: Told) -> None:
    play = told(begun(M + "04"))
    play.do(M + "04", "gaojianming", initiate=False, decision_reason="与在建项目重复，暂不启动。")
    assert names(play) == {M + "04c"}
    play.run_to()
    assert outcome(play) == "E_declined"


@pytest.mark.parametrize(("in_scope", "leads_to"), [(True, M + "03"), (False, "T_archiving_01")])
def test_other_matters_are_judged_by_the_office(told: Told, in_scope: bool, leads_to: str) -> None:
    play = told(begun(M + "01"))
    play.do(M + "01", "zhoukai", matter_category="other_major")
    assert names(play) == {M + "02"}
    assert names(play.do(M + "02", "zhoukai", in_scope=in_scope, reason="对照目录和标准判断的结果。")) == {leads_to}


# The evaluation


def evaluated(database: Database, files: FileStore) -> Play:
    """Case A's decision on the day of its first evaluation."""
    play = cases.rural_road(database, files, date(2026, 1, 12))
    with database.transaction(read_only=True) as session:
        due = session.get_one(Matter, play.matter_id).effective_date
    assert due is not None
    return play.on(due + timedelta(days=190))


def test_an_evaluation_is_declined_only_with_a_reason(told: Told) -> None:
    (evaluation,) = told(evaluated).linked("evaluation")
    with pytest.raises(Invalid) as refusal:
        evaluation.do(PE + "01", "zhoukai", start=False)
    assert set(refusal.value.errors) == {"decline_reason"}
    evaluation.do(PE + "01", "zhoukai", start=False, decline_reason="刚完成审计，指标均已达到。")
    assert outcome(evaluation) == "E_pe_declined"


@pytest.mark.parametrize("result", ["continue", "adjust", "suspend", "terminate"])
def test_each_outcome_of_an_evaluation_leads_on(told: Told, result: str) -> None:
    """R-36d: all but "continue" start an adjustment of the decision."""
    road = told(evaluated)
    (evaluation,) = road.linked("evaluation")
    evaluation.run_to(PE + "05").do(PE + "05", recommendation=result).do(
        PE + "06", "zhoukai", accepted=False, note="补充成本"
    )
    assert names(evaluation) == {PE + "05"}
    evaluation.do(PE + "05", recommendation=result).do(PE + "06", "zhoukai").do(
        PE + "07", "gaojianming", outcome=result
    )
    evaluation.do(PE + "09", "linyue")
    assert outcome(evaluation) == "E_pe_end"
    following = road.after(evaluation).linked("adjustment")
    assert [names(one) for one in following] == ([] if result == "continue" else [{"T_decision_adjustment_02"}])


def test_an_outcome_against_the_recommendation_needs_a_reason(told: Told) -> None:
    (evaluation,) = told(evaluated).linked("evaluation")
    evaluation.run_to(PE + "05").do(PE + "05", recommendation="terminate").do(PE + "06", "zhoukai")
    with pytest.raises(Invalid) as refusal:
        evaluation.do(PE + "07", "gaojianming", outcome="continue")
    assert set(refusal.value.errors) == {"reason"}
