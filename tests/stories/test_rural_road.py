"""Case A: 农村公路改造工程, from the suggestion to the day its first evaluation begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from decision_flow import audit, clock, exceptions, identity, notices, opinions, submitted, tasks, worker
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.demo.rural_road import RuralRoad
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, Refused
from decision_flow.models import AuditStream, Evaluation, Matter, Organisation, Task, Timer, User
from tests.stories.conftest import Told
from tests.stories.telling import completed, refused

DAY = date(2026, 3, 9)
M, PP, CD, RA, LR, PR, PU = cases.M, cases.PP, cases.CD, cases.RA, cases.LR, "T_party_report_", "T_publication_"


def names(database: Database, play: Play) -> set[str]:
    with database.transaction(read_only=True) as session:
        return set(
            session.scalars(
                select(Task.element_id).where(Task.matter_id == play.matter_id, Task.state.in_(("OPEN", "CLAIMED")))
            )
        )


def test_from_the_suggestion_to_the_evaluation(road: Play) -> None:
    play, database, files = road, road.database, road.files
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert matter.title == "清河镇青石至柳湾农村公路改造工程"
        assert matter.decided_at and matter.published_at and matter.effective_date
        assert matter.implementing_unit_id is not None
        light, full = session.scalars(
            select(Evaluation).where(Evaluation.decision_id == matter.id).order_by(Evaluation.due_on)
        )
        assert (light.mode, full.mode) == ("light", "full")
    assert names(database, play) == {"T_execution_tracking_01"}

    # The day before nothing happens; on the day a matter of its own begins, linked to the decision.
    play.on(light.due_on - timedelta(days=1))
    assert _linked(database, play) == []
    play.on(light.due_on)
    (evaluation,) = _linked(database, play)
    assert evaluation.relation == "evaluation" and "决策后评估" in evaluation.title
    play.on(light.due_on + timedelta(days=1))
    assert len(_linked(database, play)) == 1

    evaluating = Play(database, files, play.day)
    evaluating.matter_id = evaluation.id
    evaluating.run_to()
    with database.transaction(read_only=True) as session:
        done = session.get_one(Matter, evaluation.id)
        assert (done.status, done.outcome) == ("COMPLETED", "E_pe_end")
        for stream in session.scalars(select(AuditStream.name)):
            assert audit.verify(session, stream) is None


def _case(play: Play) -> RuralRoad:
    return RuralRoad(play.database, play.files)


def open_for_comments(database: Database, files: FileStore) -> Play:
    """Case A while its text stands open for comments."""
    case = RuralRoad(database, files)
    return case.opened(case.drafted())


def under_review(database: Database, files: FileStore) -> Play:
    """Case A while its legality is reviewed."""
    case = RuralRoad(database, files)
    return case.in_review(case.heard(case.opened(case.drafted())))


def test_case_a_keeps_its_dates(road: Play) -> None:
    """Every date and figure of the case."""
    with road.database.transaction(read_only=True) as session:
        at = {
            element: clock.local_date(completed(session, road, element))
            for element in (M + "04", PP + "04a", RA + "10", LR + "01", LR + "06", CD + "06", PR + "03", PU + "03")
        }
        assert list(at.values()) == [
            date(2026, 1, 21), date(2026, 3, 9), date(2026, 4, 10), date(2026, 4, 15), date(2026, 4, 22),
            date(2026, 4, 29), date(2026, 5, 6), date(2026, 5, 8),
        ]  # fmt: skip
        review = session.scalars(
            select(Task).where(Task.matter_id == road.matter_id, Task.element_id == LR + "04")
        ).one()
        assert review.due_at and clock.local_date(review.due_at) == date(2026, 4, 24)
        matter = session.get_one(Matter, road.matter_id)
        assert matter.effective_date == date(2026, 5, 12) and matter.category == "public_construction"
        due = session.scalars(select(Evaluation).where(Evaluation.decision_id == matter.id).order_by(Evaluation.due_on))
        assert [(one.due_on, one.mode) for one in due] == [(date(2026, 11, 12), "light"), (date(2027, 5, 12), "full")]
        told = opinions.counts(session, matter.id)
        assert (told.total, told.adopted, told.partly, told.not_adopted) == (46, 19, 11, 16)
        report = session.scalars(
            select(Task).where(Task.matter_id == matter.id, Task.element_id == "T_execution_tracking_01")
        ).one()
        assert report.due_at and clock.local_date(report.due_at) == date(2026, 8, 8)
        points = session.scalars(select(Task.submission).where(Task.element_id == RA + "05")).one()["points"]
        assert [(one["level"], one["residual_level"]) for one in points] == [("medium", "low"), ("low", "low")]


def test_case_a_keeps_its_particulars(road: Play) -> None:
    """What the case says of each step, as it was filed."""
    with road.database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, road.matter_id)
        ids = (matter.organ_id, matter.undertaking_unit_id, matter.implementing_unit_id)
        organ, unit, executor = (session.get_one(Organisation, number) for number in ids)
        assert organ.binding == "by_reference"
        assert (unit.name, executor.name) == ("清河镇规划建设和生态环境办公室", "清河镇农村公路管理站")
        told = {form: submitted.latest(session, matter.id, form) for form in (
            "F-01", "F-04", "F-06", "F-08", "F-09", "F-10", "F-13", "F-14", "F-15", "F-15b", "F-16b", "F-18", "F-20", "F-22",
            "F-22b", "F-32", "F-33", "F-34b",
        )}  # fmt: skip
        (exempted,) = [one for one in exceptions.of_matter(session, matter.id) if one.rule == "R-19a"]
        leader = session.get_one(User, exempted.decided_by_id)
        assert (leader.username, exempted.state) == ("sunli", "approved") and exempted.asked_by_id != leader.id
    first = told["F-01"]
    assert (first["suggestion_source"], first["suggestion_doc_no"]) == ("npc_deputy", "2026-镇人大-07")
    assert first["received_date"] == "2026-01-12"
    assert [row["title"] for row in told["F-04"]["legal_basis"]] == ["公路法", "农村公路建设管理办法"]
    draft = told["F-06"]
    assert (Decimal(draft["budget_amount"]), draft["affected_people_count"]) == (Decimal(4_860_000), 3120)
    assert "390万" in draft["fund_detail"] and "96万" in draft["fund_detail"]
    costs = [Decimal(row["cost"]) for row in draft["options"]]
    assert costs[1] - costs[0] == Decimal(410_000)
    assert (draft["is_technical"], draft["affects_market_entities"], draft["public_concern"]) == (False, True, True)
    assert "三级及以下等级公路常规改造，设计由具备资质单位完成" in told["F-08"]["reason"]
    assert told["F-09"]["q_public_safety"] and told["F-09"]["q_social_stability"] and not told["F-09"]["q_ecology"]
    assert told["F-20"]["forms"] == ["open_solicitation", "symposium", "questionnaire"]
    assert (told["F-22"]["open_on"], told["F-22"]["close_on"]) == ("2026-03-09", "2026-04-08")
    assert told["F-22b"]["support_rate"] == 0.83 and told["F-10"]["conclusion"] == "no_restriction"
    assert "半幅施工" in told["F-33"]["scenarios"]
    found = told["F-34b"]
    assert (found["overall_level"], found["suggestion"], found["finding"]) == ("low", "controllable", "controllable")
    assert told["F-13"]["conclusion"] == "lawful" and len(told["F-13"]["points"]) == 2
    assert [row["point_no"] for row in told["F-14"]["responses"]] == [1, 2]
    meeting = told["F-15"]
    assert (told["F-15b"]["meeting_type"], meeting["members_total"]) == ("township_head_meeting", 7)
    assert [row["status"] for row in meeting["attendance"]].count("present") == 6
    assert [row["position"] for row in meeting["opinions"]] == ["agree"] * 6
    assert [row["order"] for row in meeting["opinions"] if row["is_head"]] == [6]
    assert (told["F-16b"]["reply"], told["F-16b"]["reply_doc_no"]) == ("agreed", "清党复〔2026〕11号")
    assert told["F-18"]["progress_report_months"] == 3


def test_the_meeting_does_not_begin_with_advice_unanswered(told: Told) -> None:
    """R-28b: the two points of a lawful opinion are answered one by one with the papers."""
    play = told(under_review)
    _case(play).reviewed(play).on(date(2026, 4, 24))
    answer = {"response": "accepted", "reason": "执行任务书附资金安排表。"}
    for answers in ([], [{"point_no": 1, **answer}], [{"point_no": 1, **answer}, {"point_no": 3, **answer}]):
        with pytest.raises(Invalid) as refusal:
            play.do(M + "16", "chenbin", responses=answers)
        assert set(refusal.value.errors) == {"responses"}
    play.do(M + "16", "chenbin", responses=[{"point_no": number, **answer} for number in (1, 2)])
    assert names(play.database, play) == {CD + "01"}


def test_comments_cannot_be_closed_on_3_april(told: Told) -> None:
    """Day 25 of 30: nobody can register the result, and no operation lets the period end."""
    play = told(open_for_comments).on(date(2026, 4, 3))
    with pytest.raises(RuntimeError, match="no open task"):
        play.do(PP + "04a2", "linyue")
    # Whatever diagram offers it: the register of notices says no, by rule and date.
    with clock.pretend(play.since), play.database.transaction(read_only=True) as session:
        with pytest.raises(Refused, match="2026-04-08") as refusal:
            notices.must_be_over(session, play.matter_id)
        assert (refusal.value.rule, refusal.value.article) == ("R-15b", "条例第十五条")
    play.on(date(2026, 4, 8))
    assert PP + "04a2" not in names(play.database, play)
    assert PP + "04a2" in names(play.database, play.on(date(2026, 4, 9)))


def test_no_meeting_on_20_april(told: Told) -> None:
    """The opinion came on the 22nd; before it neither papers nor agenda nor minutes can be made."""
    play = told(under_review).on(date(2026, 4, 20))
    for element in (M + "16", CD + "01", CD + "02", CD + "06"):
        with pytest.raises(RuntimeError, match="no open task"):
            play.do(element)
    assert all("R-25a" in refused(play, form) for form in ("F-14", "F-15a", "F-15b", "F-15"))


def test_nothing_is_published_before_6_may(told: Told) -> None:
    play = told(under_review)
    _case(play).discussed(_case(play).reviewed(play)).on(date(2026, 5, 5))
    assert names(play.database, play) == {PR + "03"}
    for element in (PU + "01", PU + "03", M + "21"):
        with pytest.raises(RuntimeError, match="no open task"):
            play.do(element)
    assert "R-31" in refused(play, "F-17b") and {"R-31", "R-32a"} <= refused(play, "F-18")


def test_the_design_firm_may_evaluate_only_if_the_main_argumentation_was_not_its_own(road: Play) -> None:
    (evaluation,) = road.on(date(2026, 11, 12)).linked("evaluation")
    evaluation.do("T_post_evaluation_01", "zhoukai")
    firm = {
        "assessor_type": "third_party", "assessor_name": "恒测工程咨询有限公司",
        "credit_code": "91530103MA6K7T2Q4X", "contract_no": "2026-评-1",
    }  # fmt: skip
    with pytest.raises(Invalid) as refusal:
        evaluation.do("T_post_evaluation_02", "gaojianming", did_main_argumentation=True, **firm)
    assert "R-36b" in refusal.value.errors["did_main_argumentation"][0]
    evaluation.do("T_post_evaluation_02", "gaojianming", did_main_argumentation=False, **firm)
    assert names(road.database, evaluation) == {"T_post_evaluation_03"}


def _linked(database: Database, play: Play) -> list[Matter]:
    with database.transaction(read_only=True) as session:
        return list(session.scalars(select(Matter).where(Matter.decision_id == play.matter_id)))


def test_the_comment_period_cannot_be_closed_early(database: Database, files: FileStore) -> None:
    """R-15b: on day 25 nobody is offered the closing of the period, and no timer goes off."""
    play = _at_solicitation(database, files)
    opened = play.day
    play.do(PP + "04a", open_on=opened.isoformat(), close_on=(opened + timedelta(days=30)).isoformat())
    play.on(opened + timedelta(days=25))
    assert PP + "04a2" not in names(database, play)
    play.on(opened + timedelta(days=30))
    assert PP + "04a2" not in names(database, play)
    play.on(opened + timedelta(days=31))
    assert PP + "04a2" in names(database, play)


def test_a_shorter_period_needs_its_reason_in_the_notice(database: Database, files: FileStore) -> None:
    play = _at_solicitation(database, files)
    short = {"open_on": play.day.isoformat(), "close_on": (play.day + timedelta(days=20)).isoformat()}
    with pytest.raises(Invalid) as refusal:
        play.do(PP + "04a", **short)
    assert set(refusal.value.errors) == {"short_reason_public"}
    play.do(PP + "04a", short_reason_public="汛期将至，危桥须在汛前开工。", **short)


def test_no_meeting_before_the_opinion_and_no_publication_before_the_reply(
    database: Database, files: FileStore
) -> None:
    play = cases.OTHERS[6](database, files)
    assert names(database, play) == {"T_legality_review_04"}
    with pytest.raises(RuntimeError, match="no open task"):
        play.do(CD + "02")
    play.run_to("T_party_report_03", given=_meeting(database))
    assert names(database, play) == {"T_party_report_03"}
    with pytest.raises(RuntimeError, match="no open task"):
        play.do("T_publication_03")


def test_an_unlawful_draft_is_drafted_again(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    play.do("T_legality_review_04", "wangmin", finding_substance="fail", note_substance="与上位法抵触",
            conclusion="unlawful_content")  # fmt: skip
    play.do("T_legality_review_06")
    assert names(database, play) == {M + "09"}
    play.run_to(M + "16", given=_meeting(database))
    assert names(database, play) == {M + "16"}


def test_a_failed_finding_excludes_the_conclusion_lawful(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    with pytest.raises(Invalid) as refusal:
        play.do("T_legality_review_04", "wangmin", finding_authority="fail", note_authority="无权限")
    assert "R-27" in refusal.value.errors["conclusion"][0]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"order": 1}, "opinions", "R-30c"),
        ({"is_head": False}, "opinions", "R-30c"),
    ],
)
def test_the_head_speaks_last(database: Database, files: FileStore, change: dict, field: str, rule: str) -> None:
    play = cases.OTHERS[7](database, files)
    told = _meeting(database)[CD + "06"]
    told["opinions"][-1] |= change
    if "order" in change:
        told["opinions"][0]["order"] = len(told["opinions"])
    with pytest.raises(Invalid) as refusal:
        play.do(CD + "06", **told)
    assert rule in "".join(refusal.value.errors[field])


def test_a_decision_against_the_majority_is_explained_at_the_meeting(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[7](database, files)
    told = _meeting(database, against=4)[CD + "06"]
    with pytest.raises(Invalid) as refusal:
        play.do(CD + "06", **told)
    assert "R-30d" in refusal.value.errors["deviation_reason"][0]
    play.do(CD + "06", deviation_reason="汛期安全要求紧迫，会上已说明。", **told)


def test_a_material_change_repeats_only_the_affected_steps(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[5](database, files)
    play.run_to(M + "12", given={PP + "04a": _period(play.day)})
    play.do(M + "12", material_change=True, affected_steps=["expert_argumentation"])
    assert names(database, play) == {"T_required_steps_08"}
    play.do("T_required_steps_08")
    assert names(database, play) == {M + "12"}


def test_declined_and_out_of_scope_end_with_an_archive(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[2](database, files)
    play.do(M + "04", initiate=False, decision_reason="可由部门日常工作解决").run_to()
    with database.transaction(read_only=True) as session:
        assert session.get_one(Matter, play.matter_id).outcome == "E_declined"


def test_what_is_overdue_is_told_once(database: Database, files: FileStore, travel: Callable[[date], None]) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction(read_only=True) as session:
        timer = session.scalars(
            select(Timer).where(Timer.matter_id == play.matter_id, Timer.kind == "overdue", Timer.state == "WAITING")
        ).one()
    travel(clock.local_date(timer.due_at) + timedelta(days=1))
    worker.tick(database, "a")
    worker.tick(database, "b")
    with database.transaction(read_only=True) as session:
        assert session.get_one(Timer, timer.id).state == "DONE"
        reminders = [
            event
            for event in session.execute(select(audit.AuditEvent).where(audit.AuditEvent.event == "reminder.sent"))
            if event[0].matter_id == play.matter_id
        ]
        assert len(reminders) == 1


def test_only_the_named_adviser_may_give_the_opinion(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session:
        stranger = identity.actor_of(session, session.scalars(select(User).where(User.username == "linyue")).one())
        task = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.state == "CLAIMED")).one()
        with pytest.raises(Exception, match="签收"):
            tasks.complete(session, stranger, task.id, {})


def _at_solicitation(database: Database, files: FileStore) -> Play:
    return cases._resting(
        "清河镇危桥改造方案", cases.QINGHE, "wuting", cases._GH, (clock.today() - DAY).days, (PP + "04a",)
    )(database, files)


def _period(day: date) -> dict[str, str]:
    return {"open_on": day.isoformat(), "close_on": (day + timedelta(days=30)).isoformat()}


def _meeting(database: Database, against: int = 0) -> dict[str, dict]:
    unit = cases.units(database)[cases._GH]
    told = cases.minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", against=against)
    return {
        CD + "02": {"meeting_type": "township_head_meeting", "members_total": 7},
        CD + "06": {"implementing_unit_id": unit, **told},
        PP + "04a": _period(clock.today()),
    }
