"""Before a draft is put in force: it runs, it is lawful, every end was seen, and a second person does it.

Running matters stay on the version they began with. Whose work changes is told with the publication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import (
    __version__,
    audit,
    bundles,
    clock,
    enactment,
    identity,
    notifications,
    policy_versions,
    procedures,
)
from decision_flow.audit import SYSTEM
from decision_flow.engine import Element
from decision_flow.errors import N_, Conflict, NotConforming, NotFound, NotPermitted
from decision_flow.identity import Actor, Permission
from decision_flow.modelling import checking, comparison, drafts, sources, walking
from decision_flow.modelling.checking import Report
from decision_flow.modelling.comparison import Change
from decision_flow.models import (
    DraftState,
    Organisation,
    Post,
    ProcedureDraft,
    ProcedureVersion,
    User,
    VersionStatus,
)
from decision_flow.policies import DECREE
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from decision_flow.verification import Policy

OWN = N_("您参与了这份草案的起草，不能由您发布。请由另一位程序发布人核对后发布。")
MAX_TOLD = 20


@dataclass(frozen=True)
class Checklist:
    """What must be true before publication; each point with what is missing. `policies` are those it was asked by."""

    report: Report
    policies: tuple[Policy, ...]
    runs: bool
    lawful: bool
    ends_missing: tuple[Element, ...]
    walked: bool
    second_person: bool
    permitted: bool
    changes: tuple[Change, ...]
    running: int
    replaces: ProcedureVersion | None
    roles: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the actor may publish now."""
        return self.runs and self.lawful and self.walked and self.second_person and self.permitted


def checklist(session: Session, actor: Actor, draft: ProcedureDraft, source: ProcedureSource) -> Checklist:
    """Return the checklist of a draft as `actor` sees it."""
    policies = policies_for(session, draft.policy)
    report = judged(source, [policy.id for policy in policies])
    missing = _ends_missing(draft, source, report)
    current = bundles.found_in_force(session, draft.key)
    before = procedures.stored(session, current).bundle if current is not None else None
    return Checklist(
        report=report,
        policies=policies,
        runs=report.runs,
        lawful=report.verdict == checking.LAWFUL,
        ends_missing=missing,
        walked=report.runs and not missing,
        second_person=actor.user_id not in draft.authors,
        permitted=Permission.PROCEDURE_PUBLISH in actor.permissions,
        changes=comparison.compare(before, source.bundle) if before is not None else (),
        running=procedures.running(session, current) if current is not None else 0,
        replaces=current,
        roles=tuple(sorted(comparison.roles_concerned(before, source.bundle))),
    )


def policies_for(session: Session, chosen: str = DECREE) -> tuple[Policy, ...]:
    """Return what a procedure is asked by: the policy chosen for it, and those that the organs have adopted.

    Choosing a milder one for a draft helps nobody whose organ it does not bind.
    """
    first = checking.policy_of(chosen)
    return (first, *map(checking.policy_of, sorted(policy_versions.adopted(session) - {first.id})))


def judged(source: ProcedureSource, policies: Sequence[str]) -> Report:
    """Return what is wrong with `source` under the first of the policies that it does not satisfy."""
    reports = [checking.check(source, policy) for policy in policies]
    return next((one for one in reports if one.verdict != checking.LAWFUL), reports[0])


def publish(session: Session, actor: Actor, draft_id: int, revision: int) -> ProcedureVersion:
    """Put the draft in force as the next version of its procedure and tell the roles concerned.

    `revision` is the one the publisher looked at. Raises `NotPermitted` for whoever drew it, `Conflict` when
    it moved on or nothing changed, `NotConforming` with the findings when it may not be used.
    """
    identity.require(actor, Permission.PROCEDURE_PUBLISH)
    draft = drafts.locked(session, draft_id)
    if draft.revision != revision:
        raise Conflict(N_("草案在您核对之后又有改动，没有发布。请重新核对。"))
    if actor.user_id in draft.authors:
        raise NotPermitted(OWN)
    source = drafts.source_of(session, draft)
    told = checklist(session, actor, draft, source)
    if not told.runs or not told.lawful:
        raise NotConforming(N_("草案还有不能运行或者不合法的地方，没有发布。"), findings=told.report.findings)
    if not told.walked:
        raise Conflict(
            N_("还有结局没有试走到，没有发布：%(ends)s。"),
            ends="、".join(element.name or element.id for element in told.ends_missing),
        )
    if told.replaces is not None and told.replaces.digest == source.bundle.digest:
        raise Conflict(N_("草案和生效的版本完全相同，没有发布。"))
    author = identity.actor_of(session, session.get_one(User, draft.updated_by_id))
    version = enactment.enact(session, source, author=author, publisher=actor, origin=_origin(draft, told))
    draft.state, draft.version_id = DraftState.PUBLISHED, version.id
    _announce(session, version, told.changes, told.roles)
    return version


def adopt_shipped(session: Session, actor: Actor, key: str, digest: str) -> ProcedureVersion:
    """Put a procedure in force as this release ships it, where an earlier release's is in force, or none is.

    `digest` is that of the bundle the publisher was shown. The product drew it, so that whoever publishes is a second
    person; nobody walks through it, as nobody does in a new installation. Raises `NotPermitted`, `NotFound` for what
    does not ship, `Conflict` when another was shown, the office drew what is in force or nothing would change,
    `NotConforming` with the findings when an organ's own policy refuses it.
    """
    identity.require(actor, Permission.PROCEDURE_PUBLISH)
    source = sources.shipped_procedure(key)
    if source.bundle.digest != digest:
        raise Conflict(N_("随产品提供的程序在您查看之后又有变化，没有发布。请重新核对。"))
    current = bundles.found_in_force(session, key)
    if current is not None and current.author_id is not None:
        raise Conflict(N_("生效的版本是本单位起草的，直接替换会丢掉本单位的修改。请以新版本起草，比较后发布。"))
    if current is not None and current.digest == digest:
        raise Conflict(N_("生效的已经是随产品提供的版本，没有发布。"))
    policies = [policy.id for policy in policies_for(session)]
    report = judged(source, policies)
    if report.verdict != checking.LAWFUL:
        raise NotConforming(
            N_("随产品提供的程序“%(title)s”没有通过核对，没有生效。"), findings=report.findings, title=source.title
        )
    before = procedures.stored(session, current).bundle if current is not None else None
    origin = {"release": __version__, "policies": policies}
    version = enactment.enact(session, source, author=SYSTEM, publisher=actor, origin=origin)
    changes = comparison.compare(before, source.bundle) if before is not None else ()
    _announce(session, version, changes, sorted(comparison.roles_concerned(before, source.bundle)))
    return version


def put_shipped_in_force(session: Session, folder: Path = BPMN) -> None:
    """Put the procedures that come with the product in force, as the system; they too are lawful or not used.

    Raises `NotConforming` with the findings on the first that is not.
    """
    for source in procedures.shipped(folder):
        report = checking.check(source, DECREE)
        if report.verdict != checking.LAWFUL:
            raise NotConforming(
                N_("随产品提供的程序“%(title)s”没有通过核对，没有生效。"),
                findings=report.findings,
                title=source.title,
            )
        enactment.enact(session, source, author=SYSTEM, publisher=SYSTEM)


def _origin(draft: ProcedureDraft, told: Checklist) -> dict[str, object]:
    """What the trail keeps of a draft besides its files: that the publisher was none of those who drew on it."""
    return {
        "draft": {"id": draft.id, "revision": draft.revision, "people": sorted(draft.authors)},
        "policies": [policy.id for policy in told.policies],
    }


def _ends_missing(draft: ProcedureDraft, source: ProcedureSource, report: Report) -> tuple[Element, ...]:
    if report.compiled is None:
        return ()
    seen = set(draft.walked.get("ends", ())) if draft.walked.get("digest") == source.bundle.digest else set()
    return tuple(element for element in walking.ends_of(report.compiled) if element.id not in seen)


def _announce(session: Session, version: ProcedureVersion, changes: Sequence[Change], roles: Sequence[str]) -> None:
    """Tell every pool of the roles concerned, in every organ that has it, what changed."""
    names = [change.name for change in changes if change.what in ("element", "form", "table", "process")]
    posts = session.execute(
        select(Post.role_code, Organisation.organ_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Post.role_code.in_(roles), Post.active, Organisation.organ_id.is_not(None))
        .distinct()
        .order_by(Post.role_code, Organisation.organ_id)
    )
    for role, organ_id in posts:
        notifications.enqueue(
            session,
            "procedure.published",
            pool=f"{role}:{organ_id}",
            payload={
                "procedure": version.procedure.key,
                "title": version.procedure.title,
                "version": version.number,
                "changed": "、".join(names[:MAX_TOLD]) or "—",
                "digest": version.digest,
            },
            dedupe_key=f"procedure.published:{version.id}:{role}:{organ_id}",
            at=clock.now(),
        )


def retire(session: Session, actor: Actor, key: str, reason: str) -> None:
    """Take the version in force out of force: no new matter begins on it, running ones go on.

    Raises `NotPermitted`, `NotFound` when none is in force, `Conflict` without a reason.
    """
    identity.require(actor, Permission.PROCEDURE_PUBLISH)
    version = bundles.found_in_force(session, key)
    if version is None:
        raise NotFound(N_("这个程序没有生效的版本。"))
    if not reason.strip():
        raise Conflict(N_("请写明停用的理由。"))
    version.status = VersionStatus.RETIRED
    audit.append(
        session,
        audit.procedure_stream(key),
        audit.EventName.PROCEDURE_RETIRED,
        actor=actor,
        facts={"key": key, "version": version.number, "digest": version.digest, "reason": reason.strip()[:500]},
    )
