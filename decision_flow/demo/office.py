"""What the office of the demo township keeps besides its matters: the annual catalogue."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import select

from decision_flow import catalogues, clock, identity
from decision_flow.db import Database
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
