"""What the office of the demo township keeps besides its matters: the annual catalogue, major items, linked records."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from decision_flow import catalogues, clock, identity, linked_records
from decision_flow.db import Database
from decision_flow.demo.play import Play, units
from decision_flow.documents import FileStore
from decision_flow.models import Catalogue, CatalogueItem, Organisation, User

ORGAN, UNIT = "清河镇人民政府", "清河镇规划建设和生态环境办公室"
ITEMS = (
    ("清河镇集镇停车收费管理办法", "04", ()),
    ("清河镇古村落保护利用规划", "10", ("expert_argumentation", "public_participation")),
    ("清河镇青石至柳湾农村公路改造工程", "05", ("public_participation", "risk_assessment", "fair_competition_review")),
    ("清河镇敬老院改扩建项目", "11", ("public_participation", "risk_assessment")),
)


def catalogue(database: Database, day: date) -> int:
    """Publish the township's catalogue of the year of `day`, unless it is there; return the item of the road."""
    moment = datetime.combine(day.replace(month=1, day=8), time(10), clock.BUSINESS_ZONE)
    with clock.pretend(moment), database.transaction() as session:
        organ = session.scalars(select(Organisation).where(Organisation.name == ORGAN)).one()
        unit = session.scalars(select(Organisation).where(Organisation.name == UNIT)).one()
        held = select(Catalogue.id).where(Catalogue.organ_id == organ.id, Catalogue.year == day.year)
        if session.scalar(held.limit(1)) is None:
            actor = identity.actor_of(session, session.scalars(select(User).where(User.username == "zhoukai")).one())
            made = catalogues.begin(session, actor, organ.id, day.year)
            for name, month, steps in ITEMS:
                told = {"matter_name": name, "undertaking_unit_id": unit.id, "planned_finish": f"{day.year}-{month}"}
                catalogues.save_item(session, actor, made.id, {**told, "required_steps": steps})
            catalogues.consent(session, actor, made.id, f"清党复〔{day.year}〕2号", moment.date().isoformat())
            catalogues.publish(session, actor, made.id)
        return (
            session.scalar(
                select(CatalogueItem.id)
                .join(Catalogue, Catalogue.id == CatalogueItem.catalogue_id)
                .where(Catalogue.organ_id == organ.id, Catalogue.year == day.year, CatalogueItem.seq_no == 3)
            )
            or 0
        )


PAYMENTS = (("办公楼屋面维修款（第一笔）", 42), ("办公楼屋面维修款（第二笔）", 28), ("办公楼屋面维修款（第三笔）", 14))
RECORDS = (
    ("petition", "清信〔%s〕21号", "柳湾村村民反映施工便道扬尘，已安排洒水。", "settled"),
    ("mediation", "清调〔%s〕9号", "两户因边角地青苗补偿有分歧，正在调解。", "open"),
)


def major_items(database: Database, files: FileStore) -> None:
    """Three payments to one payee, the third of which the sum sends to a meeting, and a project for the joint meeting."""
    unit = units(database)["清河镇财政所"]
    common = {"unit_id": unit, "is_major_decision": False, "in_budget": True}
    for title, ago in PAYMENTS:
        Play(database, files, clock.today() - timedelta(days=ago)).suggest("zhoukai", ORGAN, {
            **common, "title": title, "kind": "fund", "purpose": "办公楼屋面维修", "detail": "按合同进度支付。",
            "amount": "29000", "payee": "清河建筑工程有限公司",
        }, "three_major_one_large")  # fmt: skip
    Play(database, files, clock.today() - timedelta(days=9)).suggest("zhoukai", ORGAN, {
        **common, "title": "集镇道路照明改造", "kind": "project", "purpose": "更换路灯", "detail": "更换节能路灯186盏。",
        "amount": "400000", "financed_by_debt": False, "procurement_method": "tender",
    }, "three_major_one_large")  # fmt: skip


def linked(play: Play) -> None:
    """A petition and a mediation that belong to a decision being carried out."""
    with clock.pretend(play.since), play.database.transaction() as session:
        actor = identity.actor_of(session, session.scalars(select(User).where(User.username == "zhoukai")).one())
        for kind, number, summary, state in RECORDS:
            told = {"kind": kind, "number": number % play.day.year, "occurred_on": play.day.isoformat(),
                    "summary": summary, "state": state}  # fmt: skip
            linked_records.add(session, actor, play.matter_id, told)
