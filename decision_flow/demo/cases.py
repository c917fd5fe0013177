"""The matters of the demo: the rural road carried to execution, and a dozen others at rest on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import office, public_voice, water_price
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import DISTRICT, QINGHE, SHIQIAO
from decision_flow.documents import FileStore

M, PP, RA, LR, CD = (
    "T_major_decision_", "T_public_participation_", "T_risk_assessment_", "T_legality_review_",
    "T_collective_discussion_",
)  # fmt: skip


def load(database: Database, files: FileStore) -> None:
    """Play all matters; each ends where its title's step is waiting for somebody today."""
    water_price.pools(database)
    for play in (rural_road, *OTHERS):
        matter = play(database, files)
        if play is OTHERS[5]:
            public_voice.comment(matter, public_voice.REFUSE)
    water_price.play(database, files)


def rural_road(database: Database, files: FileStore, begun: date | None = None) -> Play:
    """Case A: 农村公路改造工程, from the suggestion to execution with its evaluations scheduled.

    `begun` is the day of the suggestion; by default so long ago that the first evaluation still lies ahead.
    """
    start = begun or clock.today() - timedelta(days=190)
    unit = units(database)
    play = Play(database, files, start)
    play.suggest(
        "yangguang",
        QINGHE,
        {
            "matter_name": "清河镇青石至柳湾农村公路改造工程",
            "suggestion_source": "npc_deputy",
            "suggestion_doc_no": "2026-镇人大-07",
            "proposer_name": "杨光",
            "proposer_contact": "0871-60007701",
            "summary": "青石至柳湾公路路面狭窄、弯道多,群众出行和农产品运输不便,建议按四级公路标准加宽改造,保障行车安全。",
            "matter_category": "public_construction",
            "exclusion_type": "none",
            "contains_state_secret": False,
        },
    )
    play.do(M + "01", "zhoukai").days(4).do(M + "03", "chenbin").days(5).do(M + "04", "gaojianming")
    play.do(M + "05", "zhoukai", undertaking_units=[unit["清河镇规划建设和生态环境办公室"]], in_catalogue=True,
            catalogue_item_id=office.catalogue(database, play.day))  # fmt: skip
    play.days(12).do(
        M + "06",
        "chenbin",
        legal_basis=[
            {"title": "公路法", "article": "县乡道管理", "effect": "authorises"},
            {"title": "农村公路建设管理办法", "effect": "requires"},
        ],
        consulted_units=[
            {"unit_id": unit["清河镇财政所"], "question": "资金安排"},
            {"unit_id": unit["柳湾村村民委员会"], "question": "沿线用地"},
        ],
    )
    play.days(3).do(M + "08", "xujing").do(
        M + "08", "hanmei", position="agree_with_comments", comments="建议施工期保留一条便道,保障学生上学。"
    )
    play.do(M + "08b", "chenbin").days(6).do(
        M + "09",
        "wuting",
        options=[
            {
                "option_code": "A",
                "content": "原线加宽至6.5米",
                "cost": "4860000",
                "pros": "占地少",
                "cons": "弯道改善有限",
            },
            {"option_code": "B", "content": "改线避让果园", "cost": "5270000", "pros": "线形好", "cons": "增加用地"},
        ],
        affects_market_entities=True,
        public_concern=True,
        budget_amount="4860000",
        fund_source="mixed",
        fund_detail="区级补助390万元,镇级自筹96万元",
        affected_people_count=3120,
        targets=[
            {"indicator": "改造里程", "unit": "公里", "baseline": "0", "target": "7.2"},
            {"indicator": "沿线群众满意度", "unit": "%", "baseline": "62", "target": "90"},
        ],
    )
    play.do(M + "09a", "wuting", q_public_safety=True, q_social_stability=True).days(3)
    play.do(PP + "01", "chenbin", forms=["open_solicitation", "symposium", "questionnaire"])
    play.do(PP + "02", "heping")
    opened = play.day
    play.do(
        PP + "04a", "linyue", open_on=opened.isoformat(), close_on=(opened + timedelta(days=30)).isoformat(),
        title="关于公开征求《清河镇青石至柳湾农村公路改造工程实施方案》意见的公告",
    )  # fmt: skip
    play.do("T_required_steps_08", "sunli", reason="三级及以下等级公路常规改造,设计由具备资质单位完成。")
    play.do(PP + "04c", "wuting", participants=[{"name": "沿线村民代表", "people": 26}])
    play.do(PP + "04f", "wuting", form_type="questionnaire", sample_size=310, support_rate=0.83)
    play.do("T_fair_competition_review_01", "liqiang")
    _risk(play)
    public_voice.speak(play, opened, "chenbin")
    play.on(opened + timedelta(days=31)).do(PP + "04a2", "linyue", support_rate=0.83)
    public_voice.settle(play, "chenbin")
    play.do(PP + "05", "chenbin")
    play.do(PP + "06", "linyue").days(1).do(M + "12", "chenbin").do(M + "14", "chenbin").days(3)
    _review(play, "wangmin", "zhaolei", "guyan", points=2).days(4)
    play.do(M + "16", "chenbin")
    _meeting(play, "zhoukai", "linyue", "gaojianming", "township_head_meeting", unit["清河镇农村公路管理站"])
    _report_and_publish(play, "zhoukai", "heping", "linyue", "清党复〔2026〕11号")
    play.do(M + "21", "zhoukai", effective_date=(play.day + timedelta(days=4)).isoformat(),
            milestones=[{"task": "完成招标", "due_date": (play.day + timedelta(days=40)).isoformat(), "owner": "方毅"}])  # fmt: skip
    return play


def _risk(play: Play) -> None:
    play.do(RA + "03", "chenbin").do(RA + "04", "chenbin")
    play.do(
        RA + "05",
        "chenbin",
        points=[
            {"risk_type": "public_safety", "description": "施工期通行安全", "likelihood": 3, "impact": 3,
             "measure": "半幅施工、专人疏导", "owner_unit": "规划建设办", "residual_likelihood": 2, "residual_impact": 2},
            {"risk_type": "social_stability", "description": "征用边角地0.8亩纠纷", "likelihood": 2, "impact": 3,
             "measure": "先协商补偿后进场", "owner_unit": "柳湾村", "residual_likelihood": 1, "residual_impact": 2},
        ],
    )  # fmt: skip
    play.do(RA + "06", "chenbin", scenarios="交通疏导与半幅施工预案").do(RA + "08", "chenbin", opposition_share=0.17)
    play.do(RA + "10", "gaojianming", finding="controllable")


def _review(play: Play, reviewer: str, head: str, adviser: str, points: int = 0) -> Play:
    play.do(LR + "01", reviewer).do(LR + "02", head).days(2).do(LR + "03", adviser).days(2)
    play.do(
        LR + "04",
        reviewer,
        points=[
            {
                "no": number,
                "issue": "表述可以更准确",
                "legal_basis": "条例第十二条",
                "advice": "明确资金来源",
                "mandatory": False,
            }
            for number in range(1, points + 1)
        ],
    )
    return play.days(1).do(LR + "06", head)


def _meeting(play: Play, office: str, clerk: str, head: str, kind: str, unit_id: int, against: int = 0) -> None:
    play.do(CD + "01", office).do(CD + "02", office, meeting_type=kind, members_total=7).days(3)
    told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", against=against)
    play.do(CD + "06", clerk, implementing_unit_id=unit_id, **told).do(CD + "10", head)


def meeting_of(database: Database, against: int = 0) -> dict[str, dict[str, Any]]:
    """Return what a meeting of the town's needs besides typical answers, for `Play.run_to`."""
    told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", against=against)
    return {
        CD + "02": {"meeting_type": "township_head_meeting", "members_total": 7},
        CD + "06": {"implementing_unit_id": units(database)["清河镇农村公路管理站"], **told},
    }


def _report_and_publish(play: Play, office: str, secrecy: str, disclosure: str, reply: str) -> None:
    play.days(1).do("T_party_report_01", office).do("T_party_report_02", secrecy).days(5)
    play.do("T_party_report_03", office, reply_doc_no=reply).days(1)
    play.do("T_publication_01", disclosure, interpretation="改造原因、标准和施工安排的说明。",
            adoption_summary="收到意见46条,采纳19条,部分采纳11条,未采纳16条并说明理由。")  # fmt: skip
    play.do("T_publication_02", secrecy).days(1).do("T_publication_03", disclosure)
    play.do("T_publication_04", disclosure, form="article")


def _resting(
    title: str,
    organ: str,
    proposer: str,
    unit: str,
    days_ago: int,
    stop: tuple[str, ...],
    *,
    category: str = "public_policy",
    claimed_by: str = "",
    **draft: Any,
) -> Callable[[Database, FileStore], Play]:
    """Return the play of a matter that rests at one of `stop`."""  # fmt: skip

    def play_it(database: Database, files: FileStore) -> Play:
        unit_id = units(database)[unit]
        play = Play(database, files, clock.today() - timedelta(days=days_ago))
        play.suggest(proposer, organ, {
            "matter_name": title, "suggestion_source": "department", "proposer_name": unit,
            "proposer_contact": "0871-60001234", "matter_category": category, "exclusion_type": "none",
            "contains_state_secret": False,
            "summary": f"为解决群众反映集中的问题,{unit}经调研提出{title},建议列为重大行政决策事项办理。",
        })  # fmt: skip
        opened = play.day
        given: dict[str, dict[str, Any]] = {
            M + "05": {"undertaking_units": [unit_id], "in_catalogue": False},
            M + "09": draft,
            PP + "04a": {
                "open_on": opened.isoformat(),
                "close_on": (opened + timedelta(days=30)).isoformat(),
                "title": f"关于公开征求《{title}》意见的公告",
            },
            CD + "02": {"meeting_type": "township_head_meeting", "members_total": 7},
            CD + "06": {"implementing_unit_id": unit_id, **minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明")},
            "T_expert_argumentation_02": {
                "few_reason": "本领域专家较少,另征求市级专家意见",
                "no_dissent_reason": "公开征集后没有持不同意见的专家报名",
            },
        }
        play.run_to(*stop, given=given)
        if claimed_by:
            play.claim(stop[0], claimed_by)
        return play

    return play_it


_JJ, _GH = "清河镇经济发展办公室", "清河镇规划建设和生态环境办公室"
_NY, _FG, _JT = "石桥镇农业农村办公室", "区发展和改革局", "区交通运输局"

OTHERS: tuple[Callable[[Database, FileStore], Play], ...] = (
    _resting("清河镇集镇停车收费管理办法", QINGHE, "wuting", _JJ, 1, (M + "01",)),
    _resting("清河镇农村人居环境整治三年行动方案", QINGHE, "wuting", _GH, 4, (M + "03",), claimed_by="wuting"),
    _resting("清河镇敬老院改扩建项目", QINGHE, "hanmei", _GH, 6, (M + "04",), category="public_construction"),
    _resting("清河镇古村落保护利用规划", QINGHE, "wuting", _GH, 9, (M + "06",), category="important_plan"),
    _resting("清河镇集贸市场搬迁方案", QINGHE, "wuting", _JJ, 14, (M + "09",), claimed_by="liqiang"),
    _resting("清河镇生活垃圾分类收集点布局方案", QINGHE, "wuting", _GH, 12, (PP + "04a2", "T_required_steps_08"),
             direct_vital_interest=True),
    _resting("清河镇校车线路优化方案", QINGHE, "hanmei", _GH, 48, (LR + "04",), claimed_by="wangmin"),
    _resting("清河镇河道采砂管理方案", QINGHE, "wuting", _GH, 44, (CD + "06",)),
    _resting("石桥镇高标准农田建设方案", SHIQIAO, "taoran", _NY, 8, (M + "09a",), category="public_construction"),
    _resting("石桥镇农贸市场改造方案", SHIQIAO, "taoran", _NY, 50, (LR + "01",)),
    _resting("石桥镇乡村旅游发展规划", SHIQIAO, "taoran", _NY, 52, (M + "16",), category="important_plan"),
    _resting("云岭区城区公交线网优化方案", DISTRICT, "yujia", _JT, 16, ("T_expert_argumentation_05",),
             is_technical=True, public_concern=True),
    _resting("云岭区保障性住房配租办法", DISTRICT, "fenghao", _FG, 55, ("T_party_report_03",), public_concern=True),
    _resting("云岭区老旧小区加装电梯补助办法", DISTRICT, "fenghao", _FG, 58, ("T_publication_01",), public_concern=True),
)  # fmt: skip
