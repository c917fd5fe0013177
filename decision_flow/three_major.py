"""三重一大: what decides the route of an item, the guard against split payments, and the list of a year.

Payments to the same payee for the same purpose within some days (a setting, U) are added up, and the sum is
used instead of the single amount: three payments just below a limit do not pass under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from decision_flow import clock, identity, office_settings, oversight
from decision_flow.actors import Actor
from decision_flow.models import MajorItem, Matter, Organisation
from decision_flow.roles import Permission
from decision_flow.typed_in import same

FORM = "F-42"
LIMITS = ("limit_meeting", "limit_joint", "limit_project", "limit_asset", "limit_guarantee")


@dataclass(frozen=True)
class Payment:
    """One payment of the register, as it is compared."""

    payee: str
    purpose: str
    amount: Decimal
    on: date


def split_sum(payments: list[Payment], new: Payment, days: int) -> Decimal:
    """Return `new` with the payments to the same payee for the same purpose in the `days` before it."""
    since = new.on - timedelta(days=days)
    return new.amount + sum(
        (
            one.amount
            for one in payments
            if since <= one.on <= new.on and (one.payee, one.purpose) == (new.payee, new.purpose)
        ),
        Decimal(0),
    )


def start_values(session: Session, organ_id: int, values: Mapping[str, Any]) -> dict[str, str]:
    """Return what the product fills into F-42: the sum, the amount that decides, and the organ's limits."""
    organ = session.get_one(Organisation, organ_id)
    settings = office_settings.of_organ(session, organ)
    amount = _amount(values.get("amount"))
    new = Payment(same(values.get("payee")), same(values.get("purpose")), amount, clock.today())
    total = amount
    if values.get("kind") == "fund" and new.payee:
        rows = session.scalars(
            select(MajorItem).where(MajorItem.organ_id == organ_id, MajorItem.payee == new.payee[:120])
        )
        known = [Payment(row.payee, row.purpose, row.amount or Decimal(0), row.proposed_on) for row in rows]
        new = Payment(new.payee[:120], new.purpose[:200], amount, new.on)
        total = split_sum(known, new, int(Decimal(settings["split_days"].value)))
    return {
        "same_payee_90d_sum": str(total),
        "route_amount": str(total),
        **{name: settings[name].value for name in LIMITS},
    }


def enter(session: Session, matter: Matter, answers: Mapping[str, Any], route: str, on: date) -> MajorItem:
    """Enter an item in the register of its organ; `answers` are those of F-42. Done once for a matter."""
    known = session.scalars(select(MajorItem).where(MajorItem.matter_id == matter.id)).one_or_none()
    if known is not None:
        known.route = route
        return known
    item = MajorItem(
        matter_id=matter.id,
        organ_id=matter.organ_id,
        kind=str(answers.get("kind") or ""),
        payee=same(answers.get("payee"))[:120],
        purpose=same(answers.get("purpose"))[:200],
        amount=_amount(answers.get("amount")) if answers.get("amount") else None,
        route_amount=_amount(answers.get("route_amount")) if answers.get("amount") else None,
        route=route,
        proposed_on=on,
    )
    session.add(item)
    session.flush()
    return item


def annual_list(session: Session, actor: Actor, year: int) -> list[MajorItem]:
    """Return the items of a year that the actor's organs decided on (supervisors: all), in their order."""
    identity.require(actor, Permission.MATTER_READ)
    query = (
        select(MajorItem)
        .options(joinedload(MajorItem.matter).joinedload(Matter.organ))
        .where(MajorItem.proposed_on >= date(year, 1, 1), MajorItem.proposed_on <= date(year, 12, 31))
        .order_by(MajorItem.organ_id, MajorItem.id)
    )
    query = query.where(MajorItem.organ_id.in_(oversight.organ_ids(session, actor)))
    return list(session.scalars(query))


def _amount(value: Any) -> Decimal:
    try:
        number = Decimal(str(value).replace(",", "").strip() or "0") if value not in (None, "") else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() and number >= 0 else Decimal(0)
