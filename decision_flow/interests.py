"""Who has a direct interest in a matter (利害关系方), and whether an expert or assessor is one of them.

Designers, contractors, tender candidates and proposers are recorded by the undertaking unit, by name and unified
social credit code. An expert with a direct interest is not invited (Art. 20), and the same logic holds for the
assessor of a risk (R-23c).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, matters, opinions, registries, submitted, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Invalid
from decision_flow.identity import Actor
from decision_flow.models import InterestedParty, Matter, Organisation

RELATIONS = ("designer", "contractor", "tender_candidate", "proposer", "other")


def of_matter(session: Session, actor: Actor, matter_id: int) -> tuple[InterestedParty, ...]:
    """Return the parties recorded for a matter. Raises `NotFound` for a matter one may not see."""
    matters.get(session, actor, matter_id)
    return tuple(
        session.scalars(
            select(InterestedParty).where(InterestedParty.matter_id == matter_id).order_by(InterestedParty.id)
        )
    )


def record(session: Session, actor: Actor, matter_id: int, told: Mapping[str, Any]) -> InterestedParty:
    """Record a party: relation, name, credit_code, legal_representative. Raises `Invalid` by field."""
    opinions.kept(session, actor, matter_id)
    words = {key: typed_in.words(value) for key, value in told.items()}
    errors: dict[str, list[str]] = {}
    if words.get("relation") not in RELATIONS:
        errors["relation"] = [N_("请选择与本事项的关系。")]
    if not words.get("name"):
        errors["name"] = [N_("请填写名称。")]
    code = words.get("credit_code", "").upper()
    if code and not registries.CREDIT_CODE.fullmatch(code):
        errors["credit_code"] = [N_("统一社会信用代码为18位，不含字母I、O、S、V、Z。")]
    if errors:
        raise Invalid(N_("利害关系方没有登记，请按提示修改。"), errors=errors)
    party = InterestedParty(
        matter_id=matter_id, relation=words["relation"], name=words["name"][:120], credit_code=code,
        legal_representative=words.get("legal_representative", "")[:40], recorded_at=clock.now(),
        recorded_as=actor.display,
    )  # fmt: skip
    session.add(party)
    session.flush()
    audit.append(
        session, audit.matter_stream(matter_id), EventName.PARTY_RECORDED, actor=actor, matter_id=matter_id,
        facts={"relation": party.relation, "name": party.name, "credit_code": code},
    )  # fmt: skip
    return party


def interested(session: Session, matter: Matter, *, name: str = "", code: str = "") -> str:
    """Return the name of the party that `name` or `code` is, the proposer included, or "" when it is none."""
    name, code = typed_in.same(name), code.strip().upper()
    parties = session.scalars(select(InterestedParty).where(InterestedParty.matter_id == matter.id)).all()
    for party in parties:
        if (name and typed_in.same(party.name) == name) or (code and party.credit_code == code):
            return party.name
    suggestion = submitted.latest(session, matter.id, "F-01")
    proposer = str(suggestion.get("proposer_name") or "").strip()
    if name and typed_in.same(proposer) == name:
        return proposer
    unit = session.get(Organisation, matter.undertaking_unit_id) if matter.undertaking_unit_id else None
    if unit is not None and ((name and typed_in.same(unit.name) == name) or (code and unit.credit_code == code)):
        return unit.name
    return ""
