"""Which numbers count: the policy version of an organ for what begins, that of a matter for all it does.

A matter names the version it began with by its digest and keeps it to its end (R-43). A version never changes,
so what was read of it once is kept by the process for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, policies
from decision_flow.audit import SYSTEM, EventName
from decision_flow.errors import N_, ProcedureFault
from decision_flow.models import Matter, Organisation, PolicyState, PolicyVersion
from decision_flow.policies import Setting, Settings

_kept: dict[str, Settings] = {}
_MOST_KEPT = 500


def stream(organ_id: int | None) -> str:
    """Return the name of the stream of an organ's policies."""
    return f"policy:{organ_id or 'decree'}"


def digest_of(
    organ_id: int | None, number: int, policy: str, binding: str, told: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return the digest (SHA-256 over the canonical form) of a version."""
    return audit.digest_of(
        {"organ": organ_id, "number": number, "policy": policy, "binding": binding, "settings": told}
    )


def in_force(session: Session, organ_id: int, on: date | None = None) -> PolicyVersion:
    """Return the version that counts for what the organ begins on a day (today): its own, or the decree's."""
    day = on or clock.today()
    return session.scalars(
        select(PolicyVersion)
        .where(
            or_(PolicyVersion.organ_id == organ_id, PolicyVersion.organ_id.is_(None)),
            PolicyVersion.state == PolicyState.CONFIRMED,
            PolicyVersion.effective_on <= day,
        )
        .order_by(PolicyVersion.organ_id.is_(None), PolicyVersion.number.desc())
        .limit(1)
    ).one()


def adopted(session: Session) -> frozenset[str]:
    """Return the names of the policies that count today for the organs: a procedure in force serves all of them."""
    organs = select(Organisation.id).where(Organisation.organ_id == Organisation.id, Organisation.active)
    return frozenset(in_force(session, organ_id).policy for organ_id in session.scalars(organs))


def to_begin_with(session: Session, organ_id: int) -> PolicyVersion:
    """Return the version that a matter of the organ begins with now; a new release's decree is entered first."""
    found = in_force(session, organ_id)
    if found.organ_id is None and found.digest != _shipped(found.number):
        return _of_release(session)
    return found


def began_with(session: Session, matter_id: int) -> PolicyVersion:
    """Return the version that a matter began with."""
    return session.scalars(
        select(PolicyVersion).join(Matter, Matter.policy_digest == PolicyVersion.digest).where(Matter.id == matter_id)
    ).one()


def settings(session: Session, digest: str) -> Settings:
    """Return the settings of a version. Raises `ProcedureFault` when its row does not hold what its digest names."""
    found = _kept.get(digest)
    if found is None:
        row = session.execute(
            select(
                PolicyVersion.organ_id, PolicyVersion.number, PolicyVersion.policy, PolicyVersion.binding,
                PolicyVersion.settings,
            ).where(PolicyVersion.digest == digest)
        ).one()  # fmt: skip
        if digest_of(row.organ_id, row.number, row.policy, row.binding, row.settings) != digest:
            raise ProcedureFault(N_("政策版本的内容与其摘要不符，请审计管理员核查。"))
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        found = _kept[digest] = policies.restored(row.settings)
    return found


def of_matter(session: Session, matter: Matter) -> Settings:
    """Return the settings that a matter began with."""
    return complete(settings(session, matter.policy_digest))


def complete(found: Settings) -> Settings:
    """Return the settings of a version with those that a later release added, as the decree has them."""
    return found if found.keys() >= policies.decree().keys() else {**policies.decree(), **found}


def numbers(session: Session, matter: Matter) -> dict[str, int]:
    """Return the values alone, as the diagrams and forms of a matter know them."""
    return policies.numbers(of_matter(session, matter))


def setting(session: Session, matter: Matter, key: str) -> Setting:
    """Return one setting of a matter."""
    return of_matter(session, matter)[key]


@lru_cache(maxsize=8)
def _shipped(number: int) -> str:
    return digest_of(None, number, policies.DECREE, "direct", policies.stored(policies.decree()))


def _of_release(session: Session) -> PolicyVersion:
    """Return the decree as this release ships it; entered once, when it differs from what was entered before.

    The first version is the lock: of two matters that begin at one moment, the second finds what the first entered.
    """
    decrees = select(PolicyVersion).where(PolicyVersion.organ_id.is_(None))
    session.execute(decrees.with_only_columns(PolicyVersion.id).where(PolicyVersion.number == 1).with_for_update())
    newest = session.scalars(decrees.order_by(PolicyVersion.number.desc()).limit(1)).one()
    if newest.digest == _shipped(newest.number):
        return newest
    number, now = newest.number + 1, clock.now()
    version = PolicyVersion(
        organ_id=None, number=number, policy=policies.DECREE, binding="direct",
        settings=policies.stored(policies.decree()), digest=_shipped(number), changes=[],
        effective_on=clock.local_date(now), state=PolicyState.CONFIRMED,
        asked_at=now, asked_as=SYSTEM.display, decided_at=now, decided_as=SYSTEM.display,
    )  # fmt: skip
    session.add(version)
    session.flush()
    audit.append(
        session, stream(None), EventName.POLICY_CONFIRMED, actor=SYSTEM,
        facts={"number": number, "policy": policies.DECREE, "digest": version.digest},
    )  # fmt: skip
    return version
