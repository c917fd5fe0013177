"""What this release ships against what is in force: an upgrade never changes a procedure by itself.

After it a version in force may be one that an earlier release shipped, and the checks of this release may find a
hole in any of them. Both are told here, and what the office can do about it (ADR 0096).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import identity, procedures
from decision_flow.identity import Actor, Permission
from decision_flow.modelling import checking, gate, sources
from decision_flow.models import Procedure, ProcedureVersion, VersionStatus
from decision_flow.verification import Finding

_judged: dict[tuple[str, str, tuple[str, ...]], tuple[Finding, ...]] = {}


@dataclass(frozen=True)
class Offer:
    """A procedure whose version in force is not what this release ships, or no longer lawful.

    `is_newer`: the release ships a version that this office never had in force. `is_own`: what is in force was
    drawn in the office, so that the shipped one would undo its changes. `holes` says why it is not lawful.
    """

    key: str
    title: str
    title_en: str
    in_force: ProcedureVersion | None
    is_newer: bool
    is_own: bool
    holes: tuple[Finding, ...]
    running: int

    @property
    def in_one_press(self) -> bool:
        """Whether the shipped version may take the place of the one in force as it is."""
        return self.is_newer and not self.is_own


def offers(session: Session, actor: Actor, key: str = "") -> list[Offer]:
    """Return what there is to do after an upgrade; of one procedure if `key` is given."""
    identity.require(actor, Permission.PROCEDURE_READ)
    policies = tuple(policy.id for policy in gate.policies_for(session))
    found = []
    for name, versions in _versions(session).items():
        if key in ("", name):
            offer = _offer(session, name, versions, policies)
            found += [offer] if offer.is_newer or offer.holes else []
    return found


def newer(session: Session) -> dict[str, str]:
    """Return by key the titles of the procedures that may be put in force in one press, without judging any."""
    shipped = sources.shipped_procedures()
    return {
        key: shipped[key].title
        for key, versions in _versions(session).items()
        if _is_newer(key, versions) and not _is_own(_in_force(versions))
    }


def _versions(session: Session) -> Mapping[str, Sequence[ProcedureVersion]]:
    """Return the versions of each procedure that is in force, or is shipped and never was; the latest last.

    A new installation has none: founding it puts all that ships in force.
    """
    found: dict[str, list[ProcedureVersion]] = {}
    rows = session.execute(
        select(Procedure.key, ProcedureVersion)
        .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
        .order_by(Procedure.id, ProcedureVersion.number)
    )
    for key, version in rows:
        found.setdefault(key, []).append(version)
    if not found:
        return {}
    # What the office has taken out of force stays out.
    kept = {key: versions for key, versions in found.items() if _in_force(versions) is not None}
    return kept | {key: [] for key in sources.shipped_procedures() if key not in found}


def _in_force(versions: Sequence[ProcedureVersion]) -> ProcedureVersion | None:
    return next((one for one in versions if one.status == VersionStatus.IN_FORCE), None)


def _is_own(version: ProcedureVersion | None) -> bool:
    """Whether somebody in the office drew it: what the product ships has no author."""
    return version is not None and version.author_id is not None


def _is_newer(key: str, versions: Sequence[ProcedureVersion]) -> bool:
    shipped = sources.shipped_procedures().get(key)
    return shipped is not None and shipped.bundle.digest not in {one.digest for one in versions}


def _offer(session: Session, key: str, versions: Sequence[ProcedureVersion], policies: tuple[str, ...]) -> Offer:
    current, shipped = _in_force(versions), sources.shipped_procedures().get(key)
    named = session.scalars(select(Procedure).where(Procedure.key == key)).one_or_none() or shipped
    assert named is not None  # a key comes from the one or the other
    return Offer(
        key=key,
        title=named.title,
        title_en=named.title_en,
        in_force=current,
        is_newer=_is_newer(key, versions),
        is_own=_is_own(current),
        holes=_holes(session, current, policies) if current is not None else (),
        running=procedures.running(session, current) if current is not None else 0,
    )


def _holes(session: Session, version: ProcedureVersion, policies: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return what would stand in the way of the version today. Judged once: neither it nor a shipped policy changes."""
    key = (version.digest, version.start_form, policies)
    if key not in _judged:
        report = gate.judged(procedures.stored(session, version), policies)
        _judged[key] = () if report.verdict == checking.LAWFUL else report.errors or report.findings
    return _judged[key]
