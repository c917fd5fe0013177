"""Case C: 征地补偿安置方案: not the town's to decide; periods that no reason shortens; a hearing that objections force.

What each step of an expropriation asks for by itself stands in `test_land`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, jobs, land_steps, linked_records, worker
from decision_flow.db import Database
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, Refused
from decision_flow.models import AuditStream, Evaluation, Matter, MatterStatus, Notice, Task
from tests.stories.conftest import Told
from tests.stories.telling import completed, names, outcome, refused, status

M, PP, HE, RA, LR, CD, PR, PU, LE, LA = (
    f"T_{process}_"
    for process in ("major_decision", "public_participation", "hearing", "risk_assessment", "legality_review",
                    "collective_discussion", "party_report", "publication", "land_expropriation", "land_approval")
)  # fmt: skip
TITLE = "云岭区城东片区征收土地补偿安置方案"
LAW = {"special_procedure_law": "土地管理法", "special_procedure_article": "第四十七条，实施条例第二十六条至第三十一条"}
ACCOUNT = "柳湾村王某某户补偿款汇入6222 0812 3456 7890 123。"
SIDES = [
    {"side": "被征地农民", "is_consumer": False, "seats": 3},
    {"side": "村民委员会", "is_consumer": False, "seats": 1},
    {"side": "有关部门", "is_consumer": False, "seats": 1},
]
SPEAKERS = [
    {"name": f"{'被村部'[place]}{number}", "side": row["side"], "is_civil_servant": row["side"] == "有关部门"}
    for place, row in enumerate(SIDES) for number in "一二三"[:row["seats"]]
]  # fmt: skip


def attempted(database: Database, files: FileStore) -> Play:
    """The town begins it as a decision of its own, and the review finds that it is not the town's."""
    play = Play(database, files, date(2026, 1, 5))
    play.suggest("wuting", QINGHE, {
        "matter_name": TITLE, "suggestion_source": "department", "proposer_name": "规划建设办",
        "proposer_contact": "0871-60001234", "matter_category": "public_policy", "exclusion_type": "none",
        **LAW, "contains_state_secret": False,
        "summary": "城东片区成片开发拟征收集体土地，需制定补偿安置方案，明确补偿标准、安置房和过渡费。",
    })  # fmt: skip
    unit = units(database)["清河镇规划建设和生态环境办公室"]
    play.run_to(LR + "04", given={
        M + "05": {"undertaking_units": [unit], "in_catalogue": False},
    })  # fmt: skip
    play.do(LR + "04", "wangmin", finding_authority="fail", conclusion="unlawful_authority",
            note_authority="征收土地由县级以上人民政府组织实施（土地管理法第四十七条）。")  # fmt: skip
    return play.do(LR + "06", "zhaolei")


def refusal(play: Play, element: str, who: str = "", **given: Any) -> Invalid | Refused:
    """Try to complete a task; return the refusal, after which it stands open as before."""
    with pytest.raises((Invalid, Refused)) as found:
        play.do(element, who, **given)
    assert element in names(play)
    return found.value


def stopped(play: Play, form: str) -> Refused:
    """Ask the steps of the land law for a form, as if another diagram offered it now."""
    with clock.pretend(play.since), play.database.transaction(read_only=True) as session:
        with pytest.raises(Refused) as found:
            land_steps.check(session, session.get_one(Matter, play.matter_id), form, {})
        return found.value


def test_case_c(told: Told) -> None:
    town = told(attempted)
    play = transferred(town)
    drafted(play)
    noticed(play)
    heard(play)
    reviewed(play)
    published(play)
    followed(play)
    with play.database.transaction(read_only=True) as session:
        assert all(audit.verify(session, stream) is None for stream in session.scalars(select(AuditStream.name)))


def transferred(town: Play) -> Play:
    """Attempt: unlawful_authority, so nothing of the town's reaches a meeting; it is returned and handed over."""
    assert names(town) == {M + "15t"} and town.day < date(2026, 3, 10)
    for form in ("F-14", "F-15a", "F-15"):
        assert "R-25c" in refused(town, form)
    district = units(town.database)["云岭区人民政府"]
    town.on(date(2026, 3, 10)).do(
        M + "15t", "zhoukai", route="transfer", transfer_to=district, reason="由区人民政府组织实施征收。"
    )
    (moved,) = town.linked("transfer")
    town.run_to()
    assert (status(town), outcome(town)) == (MatterStatus.COMPLETED, "E_terminated")
    with town.database.transaction(read_only=True) as session:
        assert session.get_one(Matter, moved.matter_id).organ_id == district
    return moved


def drafted(play: Play) -> None:
    """The district drafts it; the special law prevails and its steps are drawn in."""
    price = units(play.database)["区发展和改革局"]
    play.on(date(2026, 3, 11)).do(M + "01", "zhengtao", matter_name=TITLE, matter_category="public_policy",
                                  exclusion_type="none", suggestion_source="lower_government", **LAW)  # fmt: skip
    play.run_to(LE + "01", RA + "03", PP + "01", "T_required_steps_08", given={
        M + "05": {"undertaking_units": [price], "in_catalogue": False},
        M + "09": {"land_expropriation": True, "direct_vital_interest": True, "public_concern": True,
                   "affected_people_count": 206},
        M + "09a": {"q_social_stability": True},
    })  # fmt: skip
    with play.database.transaction(read_only=True) as session:
        scope = session.scalars(
            select(Task.submission).where(Task.matter_id == play.matter_id, Task.element_id == M + "01")
        )
        assert scope.one()["special_procedure_law"] == "土地管理法"


def noticed(play: Play) -> None:
    """Pre-notice 16 to 30 March, survey, notice of the plan 3 April to 6 May; risk: a third party, medium, measures."""
    pre = {"title": "征收土地预公告", "channels": ["website", "village_board"], "open_on": "2026-03-16"}
    play.on(date(2026, 3, 16))
    wrong = refusal(play, LE + "01", "luoxin", **pre, close_on="2026-03-29")
    assert "10个工作日" in wrong.errors["close_on"][0]
    play.do(LE + "01", "luoxin", **pre, close_on="2026-03-30", scope_text="城东片区约182亩，用于成片开发。")
    early = refusal(play.on(date(2026, 3, 30)), LE + "02", "fenghao", confirmed=True, villagers_took_part=True)
    assert (early.rule, early.article) == ("R-03b", "土地管理法实施条例第二十六条")
    play.on(date(2026, 3, 31))
    left_out = refusal(play, LE + "02", "fenghao", confirmed=True, villagers_took_part=False)
    assert set(left_out.errors) == {"villagers_took_part"}
    play.do(LE + "02", "fenghao", confirmed=True, villagers_took_part=True, households=61, area=182)
    assessed(play)
    play.on(date(2026, 4, 3)).do("T_required_steps_08", "songyan")
    play.do(PP + "01", "fenghao", forms=["symposium"]).do(PP + "02", "pengfei")
    play.do(PP + "04c", "fenghao", participants=[{"name": "被征地村民代表", "people": 34}])
    play.do(PP + "05", "fenghao").do(PP + "06", "luoxin")
    plan = {"title": "征地补偿安置公告", "channels": ["website", "village_board"], "open_on": "2026-04-03",
            "members_total": 206, "hearing_right_told": True}  # fmt: skip
    for reason in ({}, {"short_reason_public": "工期紧，须在汛期前完成。"}):
        wrong = refusal(play, LE + "03", "luoxin", **plan, close_on="2026-04-23", **reason)
        assert "close_on" in wrong.errors or "short_reason_public" in wrong.errors
    # Thirty days end on a rest day; the last one counts only when it is a working day.
    assert "2026-05-06" in refusal(play, LE + "03", "luoxin", **plan, close_on="2026-05-05").errors["close_on"][0]
    play.do(LE + "03", "luoxin", **plan, close_on="2026-05-06", body="按区片综合地价补偿，安置房人均35平方米。")
    assert refusal(play.on(date(2026, 5, 6)), LE + "04", "fenghao", objections=118).rule == "R-03b"
    with play.database.transaction(read_only=True) as session:
        shown = session.scalars(select(Notice).where(Notice.matter_id == play.matter_id).order_by(Notice.id)).all()
        windows = [(one.open_on, one.close_on) for one in shown if one.kind == "expropriation"]
    assert windows == [
        (date(2026, 3, 16), date(2026, 3, 30)), (date(2026, 4, 3), date(2026, 5, 6)),
    ]  # fmt: skip


def assessed(play: Play) -> None:
    """Social stability: by a third party, with the villagers and their committee; medium, then measures."""
    firm = {"assessor_type": "third_party", "assessor_name": "云岭稳评事务所", "credit_code": "52530103MJ0654321X",
            "contract_no": "2026-稳评-3"}  # fmt: skip
    play.do(RA + "03", "fenghao", **firm)
    play.do(RA + "04", "fenghao", scope=["social_stability"]).do(RA + "05", "fenghao", points=[{
        "risk_type": "social_stability", "description": "补偿标准和安置房面积争议", "likelihood": 3, "impact": 4,
        "measure": "逐户核对，公开标准", "owner_unit": "清河镇", "residual_likelihood": 2, "residual_impact": 4,
    }])  # fmt: skip
    play.do(RA + "06", "fenghao", scenarios="集中上访和阻工的处置预案")
    play.do(RA + "08", "fenghao", opposition_share=0.32, departments_heard=[
        {"unit": "柳湾村村民委员会", "view": "村民代表参加，要求提高过渡费"}])  # fmt: skip
    unexplained = refusal(play, RA + "10", "liangwei", finding="controllable")
    assert "reason" in unexplained.errors
    play.do(RA + "10", "liangwei", finding="controllable_with_measures",
            measures_required=[{"measure": "设立征收服务点，逐户解释"}])  # fmt: skip
    with play.database.transaction(read_only=True) as session:
        told = session.scalars(select(Task.submission).where(Task.matter_id == play.matter_id, Task.form == "F-34b"))
        assert {(one["overall_level"], one["suggestion"]) for one in told} == {("medium", "controllable_with_measures")}


def heard(play: Play) -> None:
    """118 of 206 object: the hearing is mandatory, held on 28 May, and the plan revised; 187 sign."""
    play.on(date(2026, 5, 7)).do(LE + "04", "fenghao", objections=118, main_objections="安置房面积小，过渡费低。")
    assert HE + "01" in names(play) and not {LE + "05", M + "14"} & names(play)
    for form in ("F-12", "F-43e"):
        assert (stopped(play, form).rule, stopped(play, form).article) == ("R-16a", "土地管理法第四十七条")
    play.do(HE + "01", "fenghao", sides=SIDES, held_at="2026-05-28T09:00", is_price_hearing=False, public_seats=30,
            hearing_subject=TITLE, mandatory_law="土地管理法第四十七条")  # fmt: skip
    play.do(HE + "02", "luoxin", notice_on="2026-05-07", enrol_until="2026-05-15")
    play.on(date(2026, 5, 18)).do(HE + "03", "fenghao", participants=SPEAKERS, civil_servant_reason="有关部门派员解答")
    play.do(HE + "04", "luoxin", published_on="2026-05-18").on(date(2026, 5, 20))
    for _ in SPEAKERS:
        play.do(HE + "05", "luoxin", delivered_on="2026-05-20", receipt="本人签收")
    play.on(date(2026, 5, 28)).do(HE + "07", "caiying", opened_at="2026-05-28T09:00", presentation_at="2026-05-28T09:10",
                                  debate_at="2026-05-28T10:00")  # fmt: skip
    for _ in SPEAKERS:
        play.do(HE + "08", "luoxin", signed=True)
    # Held, but not reported on: still nobody may send the draft on.
    assert stopped(play, "F-12").rule == "R-16a"
    play.do(HE + "09", "fenghao", participants_present=5)
    play.on(date(2026, 6, 24))
    untold = refusal(play, LE + "05", "fenghao", signed=187, funds_ready=True)
    assert set(untold.errors) == {"unsigned_statement"}
    play.do(
        LE + "05", "fenghao", signed=187, funds_ready=True, unsigned_statement="19人对安置房面积未达成一致，如实说明。"
    )
    revised = [{"source": "hearing", "opinion": text, "disposition": "adopted", "draft_clause_changed": clause}
               for text, clause in (("安置房人均面积提高到40平方米", "第五条"), ("过渡费每月提高200元", "第七条"))]  # fmt: skip
    play.do(M + "12", "fenghao", material_change=True, affected_steps=["risk_assessment"], adoption=revised)
    assessed(play)
    play.do(M + "12", "fenghao", adoption=revised)
    with play.database.transaction(read_only=True) as session:
        agreed = session.scalars(
            select(Task.submission).where(Task.matter_id == play.matter_id, Task.form == "F-43e")
        ).one()
        assert (agreed["signed"], agreed["unsigned"]) == (187, 19) and "19人" in agreed["unsigned_statement"]
        assert clock.local_date(completed(session, play, HE + "07")) == date(2026, 5, 28)
        assert session.get_one(Matter, play.matter_id).draft_version == 2


def reviewed(play: Play) -> None:
    """Lawful; discussed on 14 July; the Party committee replies on the 16th."""
    play.on(date(2026, 6, 29)).do(M + "14", "fenghao").do(LR + "01", "dongchao", received_on="2026-06-29")
    play.do(LR + "02", "caiying").on(date(2026, 7, 3)).do(LR + "03", "guyan")
    assert "R-25a" in refused(play, "F-15")
    play.on(date(2026, 7, 8)).do(LR + "04", "dongchao").do(LR + "06", "caiying").do(M + "16", "fenghao")
    play.do(CD + "01", "zhengtao").do(CD + "02", "zhengtao").on(date(2026, 7, 14))
    told = minutes(["宋妍", "郭立", "谢芳", "丁磊", "潘峰", "任洁", "姜华"], "梁伟")
    play.do(CD + "06", "luoxin", implementing_unit_id=units(play.database)["区交通运输局"], **told)
    play.do(CD + "10", "liangwei").do(PR + "01", "zhengtao", sent_on="2026-07-14").do(PR + "02", "pengfei")
    assert "R-31" in refused(play, "F-17b")
    play.on(date(2026, 7, 16)).do(PR + "03", "zhengtao", reply_on="2026-07-16")
    assert "R-31" not in refused(play, "F-17b")


def published(play: Play) -> None:
    """No household's account on a page, whatever its reviewer says; the approval is announced within 15 working days."""
    page = {"interpretation": "补偿标准、安置房和过渡费的说明。", "adoption_summary": "意见已逐条研究。"}
    play.do(PU + "01", "luoxin", **page, body=ACCOUNT)
    undone = refusal(play, PU + "02", "pengfei", has_personal_info=True, redaction_done=False, result="pass")
    assert set(undone.errors) == {"result"}
    for told in ({"has_personal_info": False}, {"has_personal_info": True, "redaction_done": True}):
        assert refusal(play, PU + "02", "pengfei", **told, result="pass").rule == "R-32a"
    play.do(PU + "02", "pengfei", has_personal_info=True, redaction_done=False, result="return", note="请隐去账号。")
    play.do(PU + "01", "luoxin", **page, body="各户补偿明细在村内公示，不在网上公布。")
    play.do(PU + "02", "pengfei", has_personal_info=True, redaction_done=True, result="pass").do(PU + "03", "luoxin")
    play.run_to(LA + "01")
    assert stopped(play, "F-18").rule == "R-03b"
    play.do(LA + "01", "zhengtao", approving_organ="省人民政府", approval_no="省政征〔2026〕88号",
            approved_on="2026-07-16", received_on="2026-07-16")  # fmt: skip
    with play.database.transaction(read_only=True) as session:
        due = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.element_id == LA + "02")).one()
        assert due.due_at and clock.local_date(due.due_at) == date(2026, 8, 6)
    notice = {"title": "征收土地公告", "channels": ["website", "village_board"]}
    assert refusal(play, LA + "02", "luoxin", **notice, body=ACCOUNT).rule == "R-32a"
    play.do(LA + "02", "luoxin", **notice, body="征收范围为城东片区182亩，自公告之日起实施。")
    play.do(M + "21", "zhengtao", effective_date="2026-07-16", post_eval_plan=[{"months": 12, "mode": "full"}])


def followed(play: Play) -> None:
    """Four mediations and two petitions are linked; the fifth petition begins an evaluation; the full one is due 2027."""
    with clock.pretend(play.since), play.database.transaction() as session:
        for number in range(4):
            link(session, play, "mediation", number)
        for number in range(2):
            link(session, play, "petition", number)
        kinds = sorted(record.kind for record in linked_records.of_matter(session, play.matter_id))
        assert kinds == ["mediation"] * 4 + ["petition"] * 2
    assert night(play) == [("scheduled", date(2027, 7, 16), "full")]
    with clock.pretend(play.since), play.database.transaction() as session:
        for number in range(2, 5):
            link(session, play, "petition", number)
    early, planned = night(play)
    assert (early[0], planned) == ("many_opinions", ("scheduled", date(2027, 7, 16), "full"))


def link(session: Session, play: Play, kind: str, number: int) -> None:
    told = {"kind": kind, "number": f"云{kind}〔2026〕{number + 1}号", "occurred_on": play.day.isoformat(),
            "summary": "反映安置房面积。"}  # fmt: skip
    linked_records.add(session, play._actor(session, "zhengtao"), play.matter_id, told)


def night(play: Play) -> list[tuple[str, date, str]]:
    """Let the night's work be done; return the evaluations of the decision by their day."""
    play.on(play.day + timedelta(days=1))
    with clock.pretend(play.since):
        jobs.run_due(play.database, "a", worker.DAILY)
    with play.database.transaction(read_only=True) as session:
        found = session.scalars(
            select(Evaluation).where(Evaluation.decision_id == play.matter_id).order_by(Evaluation.due_on)
        )
        return [(one.trigger, one.due_on, one.mode) for one in found]
