"""Case B: 集镇供水价格调整. Beyond the town's authority, so transferred to the district; a price hearing; two rounds of risk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from decision_flow.db import Database
from decision_flow.demo import public_voice
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore

TITLE = "清河镇集镇供水价格调整方案"
M, PP, HE, RA, LR, CD, PR, PU = (
    f"T_{process}_"
    for process in ("major_decision", "public_participation", "hearing", "risk_assessment", "legality_review",
                    "collective_discussion", "party_report", "publication")
)  # fmt: skip
SIDES: list[dict[str, Any]] = [
    {"side": "消费者", "is_consumer": True, "seats": 7},
    {"side": "经营者", "is_consumer": False, "seats": 2},
    {"side": "人大代表", "is_consumer": False, "seats": 2},
    {"side": "政协委员", "is_consumer": False, "seats": 1},
    {"side": "有关部门", "is_consumer": False, "seats": 2},
    {"side": "专家学者", "is_consumer": False, "seats": 1},
]
NAMES = [
    "周兰",
    "吴强",
    "郑月",
    "王建",
    "冯丽",
    "陈光",
    "褚云",
    "卫平",
    "蒋成",
    "沈洁",
    "韩立",
    "杨帆",
    "朱琳",
    "秦川",
    "许诺",
]


WHY = "有关部门依法派员参加，不占消费者名额。"


def participants() -> list[dict[str, Any]]:
    """Return the fifteen participants of the hearing, each with the side they speak for."""
    sides = [str(row["side"]) for row in SIDES for _ in range(int(row["seats"]))]
    return [
        {"name": name, "side": side, "is_civil_servant": side == "有关部门"}
        for name, side in zip(NAMES, sides, strict=True)
    ]


class WaterPrice:
    """The case as it is told, day by day; `shift` moves all its days."""

    def __init__(self, database: Database, files: FileStore, shift: int = 0) -> None:
        self.database, self.files, self.shift = database, files, timedelta(days=shift)

    def day(self, month: int, day: int) -> date:
        return date(2026, month, day) + self.shift

    def reviewed_by_the_town(self) -> Play:
        """Round one, up to the opinion that the town has no authority over prices."""
        play = Play(self.database, self.files, self.day(4, 13))
        play.suggest("wuting", QINGHE, {
            "matter_name": TITLE, "suggestion_source": "department", "proposer_name": "清河镇水厂",
            "proposer_contact": "0871-60007733", "matter_category": "public_policy", "exclusion_type": "none",
            "contains_state_secret": False,
            "summary": "集镇供水成本连年上升，居民生活用水价格仍为每立方米2.10元，镇水厂建议调整为2.95元。",
        })  # fmt: skip
        unit = self._unit("清河镇经济发展办公室")
        given = {
            M + "05": {"undertaking_units": [unit], "in_catalogue": False},
            M + "09": {"public_concern": True, "direct_vital_interest": True,
                       "options": [{"option_code": "A", "content": "居民生活用水2.10元调整为2.95元", "cost": "0"}]},
        }  # fmt: skip
        play.run_to(M + "14", given=given)
        play.on(self.day(6, 5)).do(M + "14", "liqiang")
        play.on(self.day(6, 8)).do(LR + "01", "wangmin", received_on=self.day(6, 8).isoformat())
        play.do(LR + "02", "zhaolei").days(3).do(LR + "03", "guyan")
        play.on(self.day(6, 15)).do(
            LR + "04", "wangmin", finding_authority="fail", conclusion="unlawful_authority",
            note_authority="供水价格由定价目录确定的价格主管部门制定，镇人民政府没有定价权限。",
        )  # fmt: skip
        return play.on(self.day(6, 16)).do(LR + "06", "zhaolei")

    def transferred(self, play: Play) -> Play:
        """The town hands the matter over; return the district's matter, registered and under way."""
        play.do(M + "15t", "zhoukai", route="transfer", transfer_to=self._unit("云岭区人民政府"),
                reason="供水价格由区价格主管部门制定，移送区人民政府。")  # fmt: skip
        (district,) = play.linked("transfer")
        play.run_to()
        return district

    def drafted_by_the_district(self, play: Play) -> Play:
        """Round two, up to the plan of public participation, in which the town is heard as a consulted unit."""
        price = self._unit("区发展和改革局")
        play.on(self.day(6, 18)).do(M + "01", "zhengtao", matter_name=TITLE, matter_category="public_policy",
                                    special_procedure_law="", exclusion_type="none", contains_state_secret=False,
                                    suggestion_source="lower_government")  # fmt: skip
        play.do(M + "03", "fenghao").on(self.day(6, 22)).do(M + "04", "liangwei")
        play.do(M + "05", "zhengtao", undertaking_units=[price], in_catalogue=False)
        play.on(self.day(6, 24)).do(M + "06", "fenghao", legal_basis=[
            {"title": "价格法", "article": "第二十三条", "effect": "requires"},
            {"title": "重大行政决策程序暂行条例", "article": "第十六条", "effect": "requires"},
        ], consulted_units=[{"unit_id": self._unit("清河镇财政所"), "question": "供水成本和水厂运行情况"}])  # fmt: skip
        play.on(self.day(6, 26)).do(M + "08", "xujing").do(M + "08b", "fenghao")
        play.on(self.day(7, 1)).do(
            M + "09", "fenghao", government_pricing=True, direct_vital_interest=True, public_concern=True,
            affected_people_count=8600,
            options=[{"option_code": "A", "content": "居民生活用水2.10元调整为2.95元", "cost": "0"}],
            targets=[{"indicator": "水厂收支平衡", "unit": "%", "baseline": "82", "target": "100"}],
        )  # fmt: skip
        return play.do(M + "09a", "fenghao", q_social_stability=True)

    def plan(self, consumers: int = 7) -> dict[str, Any]:
        """Return the plan of the hearing (F-25) with that many seats for consumers, of fifteen."""
        sides = [dict(row) for row in SIDES]
        sides[0]["seats"], sides[1]["seats"] = consumers, 2 + 7 - consumers
        return {
            "is_price_hearing": True, "held_at": f"{self.day(8, 14).isoformat()}T09:00", "sides": sides,
            "mandatory_law": "价格法第二十三条", "public_seats": 20, "hearing_subject": TITLE,
            "selection_method": "消费者由消费者协会推荐和公开报名随机抽取产生，其他方由所在单位推荐。",
        }  # fmt: skip

    def announced(self, play: Play) -> Play:
        """The text is published for comments and the hearing is announced, both on the same day."""
        play.do(PP + "01", "fenghao", forms=["open_solicitation", "hearing"])
        play.on(self.day(7, 6)).do(PP + "02", "pengfei")
        play.do(
            PP + "04a", "luoxin", title=f"关于公开征求《{TITLE}》意见的公告",
            open_on=self.day(7, 6).isoformat(), close_on=self.day(8, 5).isoformat(),
        )  # fmt: skip
        play.do(HE + "01", "fenghao", **self.plan())
        return play.do(
            HE + "02", "luoxin", notice_on=self.day(7, 6).isoformat(), enrol_until=self.day(7, 24).isoformat()
        )

    def listed(self, play: Play) -> Play:
        """The participants are drawn and their list is published."""
        play.on(self.day(7, 27)).do(HE + "03", "fenghao", participants=participants(), civil_servant_reason=WHY)
        return play.on(self.day(7, 28)).do(HE + "04", "luoxin", published_on=self.day(7, 28).isoformat())

    def served(self, play: Play, on: date) -> Play:
        """The papers reach all fifteen on that day."""
        play.on(on)
        for _ in range(15):
            play.do(HE + "05", "luoxin", delivered_on=on.isoformat(), receipt="本人签收")
        return play

    def heard(self, play: Play) -> Play:
        """The hearing is held, its record signed and its report written; all opinions are disposed of."""
        held = self.day(8, 14).isoformat()
        play.on(self.day(8, 14)).do(
            HE + "07", "caiying", opened_at=f"{held}T09:00", presentation_at=f"{held}T09:05", debate_at=f"{held}T10:10",
            statements=[{"name": NAMES[0], "words": "一次涨幅过大，建议实行阶梯水价并照顾低保户。"}],
        )  # fmt: skip
        for _ in range(15):
            play.do(HE + "08", "luoxin", signed=True)
        play.do(HE + "09", "fenghao", participants_present=15)
        play.do(PP + "04a2", "luoxin", support_rate=0.54)
        public_voice.keep(play, "fenghao", (
            ("hearing", "一次涨幅过大，建议实行阶梯水价。", "oppose", "adopted", ""),
            ("letter", "低保户每月应有免费水量。", "suggest", "adopted", ""),
            ("phone", "先改造老旧管网再谈涨价。", "oppose", "partly", "管网改造与调价同步安排"),
            ("phone", "维持原价不变。", "oppose", "not_adopted", "现价低于成本监审结论，水厂难以为继"),
        ))  # fmt: skip
        play.do(PP + "05", "fenghao")
        return play.do(PP + "06", "luoxin")

    def assessed(self, play: Play, first: bool) -> Play:
        """One round of risk: at first one point stays medium and nearly half oppose; after the change few do."""
        play.do(RA + "03", "fenghao").do(RA + "04", "fenghao")
        play.do(RA + "05", "fenghao", points=[{
            "risk_type": "social_stability", "description": "群众认为一次涨幅过大，可能集中反映",
            "likelihood": 3 if first else 2, "impact": 3, "measure": "公开成本监审结论" if first else "阶梯水价、分两步到位",
            "owner_unit": "区发展和改革局", "residual_likelihood": 3 if first else 1, "residual_impact": 3,
        }])  # fmt: skip
        if first:
            play.do(RA + "06", "fenghao", scenarios="集中反映时的接待和解释预案")
        play.do(RA + "08", "fenghao", opposition_known=True, opposition_share=0.46 if first else 0.18)
        if not first:
            return play.do(RA + "10", "liangwei", finding="controllable")
        return play.do(
            RA + "10", "liangwei", finding="uncontrollable", reason="近半数群众反对，现有措施不足以化解。",
            measures_required=[{"measure": "改为阶梯水价，照顾困难群众，分步到位"}],
        )  # fmt: skip

    def exempted(self, play: Play) -> Play:
        """The steps that are not needed are exempted by the deputy head."""
        return play.do(
            "T_required_steps_08", "songyan", reason="成本监审结论已由具备资质的机构作出，不涉及其他专业技术问题。"
        )

    def adjusted(self, play: Play) -> Play:
        """The draft is changed, and the risk assessed again on the new text."""
        play.on(self.day(8, 17)).do(
            M + "12", "fenghao", material_change=True, affected_steps=["risk_assessment"],
            adoption=[{"source": "hearing", "opinion": "改为阶梯水价2.10/2.68/3.90元，低保户每月免5立方米，分两步到位",
                       "disposition": "adopted", "draft_clause_changed": "第二条、第三条"}],
        )  # fmt: skip
        self.assessed(play.on(self.day(8, 20)), first=False)
        return play.do(M + "12", "fenghao")

    def decided(self, play: Play) -> Play:
        """Reviewed, discussed with one vote against, reported, published and handed to whoever carries it out."""
        play.on(self.day(8, 24)).do(M + "14", "fenghao")
        play.on(self.day(8, 25)).do(LR + "01", "dongchao", received_on=self.day(8, 25).isoformat())
        play.do(LR + "02", "caiying").days(3).do(LR + "03", "guyan").on(self.day(9, 2)).do(LR + "04", "dongchao")
        play.do(LR + "06", "caiying").on(self.day(9, 4)).do(M + "16", "fenghao").do(CD + "01", "zhengtao")
        play.do(CD + "02", "zhengtao").on(self.day(9, 9))
        told = minutes(["宋妍", "郭立", "谢芳", "丁磊", "潘峰", "任洁", "姜华"], "梁伟", against=1)
        play.do(CD + "06", "luoxin", implementing_unit_id=self._unit("区交通运输局"), **told)
        play.do(CD + "10", "liangwei").do(PR + "01", "zhengtao", sent_on=self.day(9, 9).isoformat())
        play.do(PR + "02", "pengfei").on(self.day(9, 11))
        play.do(PR + "03", "zhengtao", reply_on=self.day(9, 11).isoformat(), reply_doc_no="云党复〔2026〕23号")
        play.do(PU + "01", "luoxin", interpretation="阶梯水价、困难群众照顾和分步到位的说明。",
                adoption_summary="收到意见128条，听证意见已采纳。").do(PU + "02", "pengfei")  # fmt: skip
        play.on(self.day(9, 14)).do(PU + "03", "luoxin").do(PU + "04", "luoxin", form="article")
        return play.do(M + "21", "zhengtao", effective_date=self.day(10, 1).isoformat())

    def whole(self) -> Play:
        """Return the district's matter, decided and being carried out."""
        play = self.drafted_by_the_district(self.transferred(self.reviewed_by_the_town()))
        self.exempted(self.announced(play))
        self.listed(play)
        self.served(play, self.day(8, 5))
        self.heard(play)
        self.assessed(play, first=True)
        return self.decided(self.adjusted(play))

    def _unit(self, name: str) -> int:
        return units(self.database)[name]
