"""Who assesses: a third party for the risks (R-23c), and who evaluates afterwards (R-36b, SOD-05, SOD-07).

Compared by unified social credit code, so that a new name hides nothing; the same legal representative is told
and needs a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from decision_flow import interests, registries, submitted, typed_in
from decision_flow.errors import N_, Invalid, Refused
from decision_flow.models import Matter, Organisation, Standing


@dataclass(frozen=True)
class Assessor:
    """A unit or institution that did or shall do an assessment; what is unknown is empty."""

    name: str = ""
    code: str = ""
    organisation_id: int = 0
    representative: str = ""


def must_be_impartial(session: Session, matter: Matter, told: Mapping[str, Any]) -> None:
    """Raise `Refused` when the third party named in F-30 is interested (R-23c) or not in good standing (R-41)."""
    if told.get("assessor_type") != "third_party":
        return
    assessor = _named(session, told)
    _must_stand(session, assessor)
    if party := interests.interested(session, matter, name=assessor.name, code=assessor.code):
        raise Refused(
            N_("不能委托%(name)s评估风险：它与本事项的%(party)s是同一单位，有直接利害关系。请另选评估机构。"),
            rule="R-23c", article="条例第二十三条", name=assessor.name, party=party,
        )  # fmt: skip


def must_be_independent(session: Session, evaluation: Matter, told: Mapping[str, Any]) -> None:
    """Raise unless the unit named in F-37 may evaluate the decision afterwards.

    `Refused` for whoever did the main argumentation or assessment before the decision (R-36b, SOD-05) and for
    a disqualified institution (R-41); `Invalid` when a reason is missing: same legal representative (R-36b), or
    the undertaking or implementing unit itself (SOD-07).
    """
    assessor = _named(session, told)
    _must_stand(session, assessor)
    decision = session.get(Matter, evaluation.decision_id) if evaluation.decision_id else evaluation
    if decision is None:
        return
    reason = typed_in.words(told.get("independence_reason"))
    for earlier in before_the_decision(session, decision):
        if _same(earlier, assessor):
            raise Refused(
                N_("不能委托%(name)s评估：它在决策前承担了主要论证评估工作（%(earlier)s）。请另选评估单位。"),
                rule="R-36b", article="条例第三十六条", name=assessor.name, earlier=earlier.name,
            )  # fmt: skip
        if earlier.representative and earlier.representative == assessor.representative and not reason:
            raise _reason_missing(
                N_("法定代表人与决策前承担论证评估的单位相同，请写明仍然委托的理由（R-36b，条例第三十六条）。")
            )
    own = {decision.undertaking_unit_id, decision.implementing_unit_id} - {None}
    if assessor.organisation_id in own and not reason:
        raise _reason_missing(N_("由承办单位或者执行单位自己评估，独立性弱，请写明理由（SOD-07）。"))


def before_the_decision(session: Session, decision: Matter) -> Iterator[Assessor]:
    """Yield who did the argumentation and assessment before a decision: risk assessors and expert institutions."""
    for told in submitted.every(session, decision.id, "F-30"):
        # A unit that assessed the risks of its own matter is the undertaking unit: that is SOD-07, not SOD-05.
        if told.get("assessor_type") != "own":
            yield _named(session, told)
    for told in submitted.every(session, decision.id, "F-29"):
        if told.get("capacity") == "institution" and told.get("institution_name"):
            yield Assessor(name=str(told["institution_name"]).strip())


def _named(session: Session, told: Mapping[str, Any]) -> Assessor:
    if told.get("assessor_type") == "third_party":
        code = str(told.get("credit_code") or "").upper()
        known = registries.institution_of_code(session, code) if code else None
        return Assessor(
            str(told.get("assessor_name") or "").strip(), code,
            representative=known.legal_representative if known else "",
        )  # fmt: skip
    unit = session.get(Organisation, int(told["assessor_org_id"])) if told.get("assessor_org_id") else None
    return Assessor(unit.name, unit.credit_code or "", unit.id) if unit else Assessor()


def _must_stand(session: Session, assessor: Assessor) -> None:
    known = registries.institution_of_code(session, assessor.code) if assessor.code else None
    if known is not None and known.standing != Standing.ACTIVE:
        raise Refused(
            N_("不能委托%(name)s：该机构已被暂停或者取消评估资格。请另选机构。"), rule="R-41", article="条例第四十一条",
            name=known.name,
        )  # fmt: skip


def _same(one: Assessor, other: Assessor) -> bool:
    return bool(
        (one.code and one.code == other.code)
        or (one.organisation_id and one.organisation_id == other.organisation_id)
        or (one.name and typed_in.same(one.name) == typed_in.same(other.name))
    )


def _reason_missing(text: str) -> Invalid:
    return Invalid(N_("填写的内容有误，请按提示修改后再提交。"), errors={"independence_reason": [text]})
