"""A price of water that must be heard: a hearing that people enrol for today, after the beginning of Case B."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import actors, clock, hearings, interests, notices, registries
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.demo.public_voice import comment
from decision_flow.demo.roster import DISTRICT
from decision_flow.documents import FileStore
from decision_flow.hearings import Application
from decision_flow.models import NoticeKind, Organisation, User

TITLE, UNIT = "清河镇集镇供水价格调整方案", "区发展和改革局"
SIDES = (("居民用水户", True, 5), ("非居民用水户", True, 2), ("供水经营者", False, 2), ("人大代表、政协委员", False, 3),
         ("政府部门和专家", False, 3))  # fmt: skip
PEOPLE = (
    ("王建国", 0, "一家五口，涨到2.68元每月多支出十几元，希望给低保户减免。"), ("李秀英", 0, "先公开成本再谈涨价。"),
    ("刘芳", 0, ""), ("陈静", 0, "建议分两步到位。"), ("杨帆", 0, ""), ("何俊", 0, "管网漏损应当先治理。"), ("朱敏", 0, ""),
    ("清河豆制品加工坊", 1, "用水成本占比高，希望阶梯放宽。"), ("柳湾民宿", 1, ""), ("清河镇水厂", 2, "现行价格低于供水成本。"),
    ("罗杰", 3, ""), ("段红", 3, ""),
)  # fmt: skip
COMMENTS = (
    ("请把三年供水成本监审结论一并公布。", "suggest"), ("不同意一次涨到位，老年人家庭负担重。", "oppose"),
    ("阶梯水价合理，支持节约用水。", "support"), ("第二档上限定得太低，多人口家庭怎么办？", "suggest"),
)  # fmt: skip
EXPERTS = (
    ("moqing", "莫青", "道路工程", "高级工程师", "云岭理工学院", "主张利用旧线位"),
    ("ranbo", "冉博", "公共政策", "教授", "云岭行政学院", "主张先试点后推开"),
    ("xiaoheng", "肖恒", "水利工程", "教授级高级工程师", "云岭水利学会", ""),
    ("", "谭松", "价格与成本", "副教授", "云岭财经学院", "主张成本公开"),
)  # fmt: skip


def pools(database: Database) -> None:
    """The pools of experts and institutions: one expert suspended, one institution disqualified."""
    with database.transaction() as session:
        office = _actor(session, "zhengtao")
        for username, name, field, title, employer, position in EXPERTS:
            told = {"name": name, "field": field, "title": title, "employer": employer, "known_position": position,
                    "pool_level": "own", "username": username}  # fmt: skip
            found = registries.register_expert(session, office, told)
        registries.set_standing(session, office, found, "suspended", "未按期出具论证意见，暂停一年。")
        for name, code, head in (
            ("恒测工程咨询有限公司", "91530103MA6K7T2Q4X", "段恒"), ("云信社会稳定评估中心", "52530103MJ0123456Y", "方信"),
        ):  # fmt: skip
            told = {
                "name": name,
                "credit_code": code,
                "legal_representative": head,
                "field": "风险评估",
                "pool_level": "own",
            }
            firm = registries.register_institution(session, office, told)
        registries.set_standing(session, office, firm, "removed", "出具虚假评估报告，取消评估资格。")


def play(database: Database, files: FileStore) -> Play:
    """The matter: its solicitation runs, its hearing is announced, twelve people have enrolled."""
    with database.transaction(read_only=True) as session:
        unit = session.scalars(select(Organisation.id).where(Organisation.name == UNIT)).one()
    begun = clock.today() - timedelta(days=9)
    matter = Play(database, files, begun)
    matter.suggest("fenghao", DISTRICT, {
        "matter_name": TITLE, "suggestion_source": "department", "proposer_name": UNIT,
        "proposer_contact": "0871-60002233", "matter_category": "public_policy", "exclusion_type": "none",
        "contains_state_secret": False,
        "summary": "集镇供水价格十二年未调整，供水成本上升，管网改造资金不足，拟建立阶梯水价并对困难家庭减免。",
    })  # fmt: skip
    held = datetime.combine(begun + timedelta(days=38), time(9), clock.BUSINESS_ZONE)
    given: dict[str, dict[str, Any]] = {
        "T_major_decision_05": {"undertaking_units": [unit], "in_catalogue": False},
        "T_major_decision_09": {"government_pricing": True, "direct_vital_interest": True, "public_concern": True},
        "T_public_participation_01": {"forms": ["open_solicitation", "hearing"]},
        "T_public_participation_04a": {
            "title": f"关于公开征求《{TITLE}》意见的公告",
            "body": "居民生活用水由每立方米2.10元调整为三级阶梯：2.10元、2.68元、3.90元，分两步到位；低保家庭每月免收5立方米。",
            "purpose": "现行价格十二年没有调整，低于供水成本，管网老旧、漏损严重，需要资金改造。",
            "affected": "清河集镇居民约4200户、商户约300家。按平均用水量，居民家庭每月多支出约6元。",
            "open_on": begun.isoformat(), "close_on": (begun + timedelta(days=30)).isoformat(),
        },
        "T_hearing_01": {
            "hearing_subject": TITLE, "mandatory_law": "价格法第二十三条", "is_price_hearing": True, "public_seats": 20,
            "sides": [{"side": side, "is_consumer": consumer, "seats": seats} for side, consumer, seats in SIDES],
            "held_at": held.isoformat(), "place": "清河镇政府三楼会议室",
            "selection_method": "在本站或者到镇党政综合办公室报名。",
        },
        "T_hearing_02": {
            "notice_on": begun.isoformat(), "enrol_until": (begun + timedelta(days=20)).isoformat(),
            "body": "本次听证依法公开举行。请关心集镇供水价格的用户、经营者和社会各界报名参加。",
        },
    }  # fmt: skip
    matter.run_to("T_hearing_03", given=given)
    with database.transaction(read_only=True) as session:
        number = getattr(notices.latest(session, matter.matter_id, NoticeKind.HEARING), "number", "")
    for place, (name, side, view) in enumerate(PEOPLE):
        moment = datetime.combine(begun + timedelta(days=1 + place // 2), time(10, place), clock.BUSINESS_ZONE)
        with clock.pretend(moment), database.transaction() as session:
            told = Application(name, SIDES[side][0], f"1390000{place:04d}", view)
            hearings.enrol(session, number, told)
    comment(matter, COMMENTS)
    with clock.pretend(datetime.combine(begun, time(16), clock.BUSINESS_ZONE)), database.transaction() as session:
        keeper = _actor(session, "fenghao")
        party = {"relation": "proposer", "name": "清河镇水厂", "credit_code": "12530103MB0X1234XY"[:18]}
        interests.record(session, keeper, matter.matter_id, party)
    return matter


def _actor(session: Session, username: str) -> actors.Actor:
    return actors.actor_of(session, session.scalars(select(User).where(User.username == username)).one())
