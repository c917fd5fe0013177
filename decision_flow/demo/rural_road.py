"""Case A: 农村公路改造工程, day by day, from a deputy's suggestion to its execution with two evaluations scheduled."""

from __future__ import annotations

from datetime import date

from decision_flow.db import Database
from decision_flow.demo import office, public_voice
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore

TITLE = "清河镇青石至柳湾农村公路改造工程"
FIRST = date(2026, 1, 12)
M, PP, RA, LR, CD, PR, PU = (
    f"T_{process}_"
    for process in ("major_decision", "public_participation", "risk_assessment", "legality_review",
                    "collective_discussion", "party_report", "publication")
)  # fmt: skip


class RuralRoad:
    """The case as it is told; `begun` is the day of the suggestion, and moves all others with it."""

    def __init__(self, database: Database, files: FileStore, begun: date = FIRST) -> None:
        self.database, self.files, self.shift = database, files, begun - FIRST

    def day(self, month: int, day: int, year: int = 2026) -> date:
        return date(year, month, day) + self.shift

    def drafted(self) -> Play:
        """Suggested, initiated, researched, consulted, drafted."""
        unit = units(self.database)
        play = Play(self.database, self.files, self.day(1, 12))
        play.suggest("yangguang", QINGHE, {
            "matter_name": TITLE, "suggestion_source": "npc_deputy", "suggestion_doc_no": "2026-镇人大-07",
            "proposer_name": "杨光", "proposer_contact": "0871-60007701",
            "summary": "青石至柳湾公路路面狭窄、弯道多，群众出行和农产品运输不便，建议按四级公路标准加宽改造，保障行车安全。",
            "matter_category": "public_construction", "exclusion_type": "none", "contains_state_secret": False,
        })  # fmt: skip
        play.do(M + "01", "zhoukai").on(self.day(1, 16)).do(M + "03", "chenbin")
        play.on(self.day(1, 21)).do(M + "04", "gaojianming")
        play.do(M + "05", "zhoukai", undertaking_units=[unit["清河镇规划建设和生态环境办公室"]], in_catalogue=True,
                catalogue_item_id=office.catalogue(self.database, play.day))  # fmt: skip
        play.on(self.day(2, 2)).do(M + "06", "chenbin", legal_basis=[
            {"title": "公路法", "article": "县乡道管理", "effect": "authorises"},
            {"title": "农村公路建设管理办法", "effect": "requires"},
        ], consulted_units=[
            {"unit_id": unit["清河镇财政所"], "question": "资金安排"},
            {"unit_id": unit["柳湾村村民委员会"], "question": "沿线用地"},
        ])  # fmt: skip
        play.on(self.day(2, 5)).do(M + "08", "xujing")
        play.do(M + "08", "hanmei", position="agree_with_comments", comments="建议施工期保留一条便道，保障学生上学。")
        play.do(M + "08b", "chenbin").on(self.day(2, 11)).do(
            M + "09", "wuting", affects_market_entities=True, public_concern=True, budget_amount="4860000",
            fund_source="mixed", fund_detail="区级补助390万元，镇级自筹96万元", affected_people_count=3120,
            options=[
                {"option_code": "A", "content": "原线加宽至6.5米", "cost": "4860000", "pros": "占地少", "cons": "弯道改善有限"},
                {"option_code": "B", "content": "改线避让果园", "cost": "5270000", "pros": "线形好", "cons": "增加用地"},
            ],
            targets=[
                {"indicator": "改造里程", "unit": "公里", "baseline": "0", "target": "7.2"},
                {"indicator": "沿线群众满意度", "unit": "%", "baseline": "62", "target": "90"},
            ],
        )  # fmt: skip
        return play.do(M + "09a", "wuting", q_public_safety=True, q_social_stability=True)

    def opened(self, play: Play) -> Play:
        """The text stands open for comments for thirty days; the expert step is exempted."""
        play.on(self.day(3, 5)).do(PP + "01", "chenbin", forms=["open_solicitation", "symposium", "questionnaire"])
        play.on(self.day(3, 9)).do(PP + "02", "heping")
        play.do(
            PP + "04a", "linyue", open_on=self.day(3, 9).isoformat(), close_on=self.day(4, 8).isoformat(),
            title="关于公开征求《清河镇青石至柳湾农村公路改造工程实施方案》意见的公告",
            body="青石至柳湾公路全长7.2公里，拟在原线加宽至6.5米，增设会车道、排水沟和安全标志，总投资486万元。",
            purpose="现有路面宽3.5米，弯道多、会车难，雨天积水；沿线两村3120人出行和农产品外运都靠这条路。",
            affected="沿线青石村、柳湾村村民；施工期约5个月，半幅施工、半幅通行，需征用边角地0.8亩并先行补偿。",
        )  # fmt: skip
        return play.do("T_required_steps_08", "sunli", reason="三级及以下等级公路常规改造，设计由具备资质单位完成。")

    def heard(self, play: Play) -> Play:
        """46 opinions come in and are settled; the risk is found controllable."""
        play.do(PP + "04c", "wuting", participants=[{"name": "沿线村民代表", "people": 26}])
        play.do(PP + "04f", "wuting", form_type="questionnaire", sample_size=310, support_rate=0.83)
        play.do("T_fair_competition_review_01", "liqiang")
        play.do(RA + "03", "chenbin").do(RA + "04", "chenbin")
        play.do(RA + "05", "chenbin", points=[
            {"risk_type": "public_safety", "description": "施工期通行安全", "likelihood": 3, "impact": 3,
             "measure": "半幅施工、专人疏导", "owner_unit": "规划建设办", "residual_likelihood": 2, "residual_impact": 2},
            {"risk_type": "social_stability", "description": "征用边角地0.8亩纠纷", "likelihood": 2, "impact": 3,
             "measure": "先协商补偿后进场", "owner_unit": "柳湾村", "residual_likelihood": 1, "residual_impact": 2},
        ])  # fmt: skip
        play.do(RA + "06", "chenbin", scenarios="交通疏导与半幅施工预案").do(
            RA + "08", "chenbin", opposition_share=0.17
        )
        public_voice.speak(play, self.day(3, 9), "chenbin")
        play.on(self.day(4, 9)).do(PP + "04a2", "linyue", support_rate=0.83)
        public_voice.settle(play, "chenbin")
        play.do(PP + "05", "chenbin").do(PP + "06", "linyue")
        return play.on(self.day(4, 10)).do(RA + "10", "gaojianming", finding="controllable").do(M + "12", "chenbin")

    def in_review(self, play: Play) -> Play:
        """The papers are complete on 15 April; the reviewer has seven working days."""
        play.on(self.day(4, 13)).do(M + "14", "chenbin")
        play.on(self.day(4, 15)).do(LR + "01", "wangmin", received_on=self.day(4, 15).isoformat())
        return play.do(LR + "02", "zhaolei").on(self.day(4, 17)).do(LR + "03", "guyan")

    def reviewed(self, play: Play) -> Play:
        """Lawful, with two points of advice."""
        points = [
            {"no": number, "issue": issue, "legal_basis": "条例第十二条", "advice": advice, "mandatory": False}
            for number, issue, advice in ((1, "资金来源表述不细", "执行任务书中列明两级资金"),
                                          (2, "施工期通行安排不具体", "开工前公布半幅施工时段"))
        ]  # fmt: skip
        play.on(self.day(4, 21)).do(LR + "04", "wangmin", points=points)
        return play.on(self.day(4, 22)).do(LR + "06", "zhaolei")

    def discussed(self, play: Play, against: int = 0) -> Play:
        """Six of seven members are present and agree, but the first `against`; the head speaks last."""
        play.on(self.day(4, 24)).do(M + "16", "chenbin", responses=[
            {"point_no": 1, "response": "accepted", "reason": "执行任务书附资金安排表。"},
            {"point_no": 2, "response": "accepted", "reason": "开工前在沿线两村公布。"},
        ]).do(CD + "01", "zhoukai")  # fmt: skip
        play.do(CD + "02", "zhoukai", meeting_type="township_head_meeting", members_total=7)
        told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", against=against)
        station = units(self.database)["清河镇农村公路管理站"]
        play.on(self.day(4, 29)).do(CD + "06", "linyue", implementing_unit_id=station, **told)
        play.do(CD + "10", "gaojianming")
        return play.on(self.day(4, 30)).do(PR + "01", "zhoukai").do(PR + "02", "heping")

    def published(self, play: Play) -> Play:
        """Agreed by the committee on 6 May, published on the 8th, in force on the 12th."""
        play.on(self.day(5, 6)).do(PR + "03", "zhoukai", reply_doc_no="清党复〔2026〕11号")
        play.do(
            PU + "01", "linyue", page_title="关于实施清河镇青石至柳湾农村公路改造工程的决定",
            body="经镇长办公会议讨论并报镇党委同意，决定按原线加宽方案实施改造：全长7.2公里，路面宽6.5米，总投资486万元。"
                 "镇农村公路管理站负责实施，当年完工。",
            interpretation="改造解决会车难、弯道多和雨天积水；施工期间半幅通行，学生上下学时段停止大型车辆通行。",
            adoption_summary="收到意见46条。采纳加强施工安全等19条；增设会车道11条部分采纳，在视距不足路段设置；"
                             "改线避让果园16条未采纳，因增加用地和投资，原线加宽可以满足需要。",
        )  # fmt: skip
        play.on(self.day(5, 7)).do(PU + "02", "heping")
        play.on(self.day(5, 8)).do(PU + "03", "linyue").do(
            PU + "04",
            "linyue",
            form="article",
            title="青石至柳湾公路怎么改、什么时候改好",
            body="为什么改：路窄弯多，去年发生刮碰事故11起。怎么改：原线加宽到6.5米，增设会车道和排水沟。"
            "什么时候改好：招标后5个月完工，工期和监督电话在两村公告栏公布。",
        )
        return play.do(
            M + "21", "zhoukai", effective_date=self.day(5, 12).isoformat(),
            milestones=[{"task": "完成招标", "due_date": self.day(6, 17).isoformat(), "owner": "方毅"}],
        )  # fmt: skip

    def whole(self) -> Play:
        """Return the matter being carried out."""
        return self.published(self.discussed(self.reviewed(self.in_review(self.heard(self.opened(self.drafted()))))))
