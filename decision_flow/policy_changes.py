"""How an organ comes to another policy: one person asks with reason and basis, another confirms.

Nothing is overwritten: each change is a version of its own with the number before and after. What the law asks for
at least, or within which time, may only become stricter (R-43). Whoever runs matters neither asks nor confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, identity, notifications, policies, policy_versions, refusals, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor, Permission
from decision_flow.models import Organisation, PolicyState, PolicyVersion
from decision_flow.policies import STATUSES, Setting, Settings
from decision_flow.verification import policy as shipped
from decision_flow.verification.policy import Policy

MOST_AHEAD = timedelta(days=730)
BINDINGS = ("direct", "by_reference")
_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


@dataclass(frozen=True)
class Wanted:
    """What is told with every change: why, on which basis, from which day (ISO)."""

    reason: str
    basis: str
    effective_on: str


@dataclass(frozen=True)
class Line:
    """One setting as it counts today, with the version that set it."""

    setting: Setting
    since: PolicyVersion


@dataclass(frozen=True)
class OrganPolicy:
    """An organ's policy: what counts today, what is asked for, what is still to come, and all that was."""

    organ: Organisation
    version: PolicyVersion
    policy: Policy
    binding: str
    lines: tuple[Line, ...]
    asked: PolicyVersion | None
    history: tuple[PolicyVersion, ...]
    may_change: bool
    may_confirm: bool


def organs(session: Session, actor: Actor) -> list[Organisation]:
    """Return the organs whose policy the actor may look at: one's own and those right below them."""
    own = {held.organ_id for held in actor.appointments}
    query = select(Organisation).where(
        Organisation.organ_id == Organisation.id,
        Organisation.active,
        or_(Organisation.id.in_(own), Organisation.parent_id.in_(own)),
    )
    if Permission.MATTER_READ_ALL in actor.permissions:
        query = select(Organisation).where(Organisation.organ_id == Organisation.id, Organisation.active)
    return list(session.scalars(query.order_by(Organisation.id)))


def of_organ(session: Session, actor: Actor, organ_id: int) -> OrganPolicy:
    """Return the policy of an organ. Raises `NotFound` for one that the actor may not look at."""
    identity.require(actor, Permission.PROCEDURE_READ)
    organ = next((one for one in organs(session, actor) if one.id == organ_id), None)
    if organ is None:
        raise NotFound(N_("没有这个单位。"))
    version = policy_versions.in_force(session, organ_id)
    history = tuple(
        session.scalars(
            select(PolicyVersion)
            .where(or_(PolicyVersion.organ_id == organ_id, PolicyVersion.organ_id.is_(None)))
            .order_by(PolicyVersion.organ_id.is_(None), PolicyVersion.number.desc())
        )
    )
    asked = next((one for one in history if one.state == PolicyState.ASKED), None)
    free = not runs_matters(actor)
    return OrganPolicy(
        organ=organ,
        version=version,
        policy=shipped.load(version.policy),
        binding=_binding(organ, version),
        lines=tuple(
            Line(one, _since(history, version, one.key))
            for one in policy_versions.complete(policy_versions.settings(session, version.digest)).values()
        ),
        asked=asked,
        history=history,
        may_change=asked is None and free and Permission.POLICY_CHANGE in actor.permissions,
        may_confirm=asked is not None and free and Permission.POLICY_CONFIRM in actor.permissions
        and asked.asked_by_id != actor.user_id,
    )  # fmt: skip


def adoptable() -> dict[str, Policy]:
    """Return the policies that an organ may adopt, by name; the decree is the first."""
    names = sorted(shipped.policies(), key=lambda name: (name != policies.DECREE, name))
    return {name: shipped.load(name) for name in names}


def change(
    session: Session, actor: Actor, organ_id: int, key: str, value: str, status: str, wanted: Wanted
) -> PolicyVersion:
    """Ask that one number of the organ's policy be another. Returns the version that waits for its confirmation.

    Raises `Refused` (with rule and article) for less than the law asks, `Invalid` by field, `Conflict` while another
    change waits, `NotPermitted`.
    """
    organ, base = _begin(session, actor, organ_id)
    under = policy_versions.settings(session, base.digest)
    errors = _wrong(base, wanted)
    one, number = under.get(key), typed_in.number(value)
    if one is None:
        errors["key"] = [N_("没有这个设置。")]
    elif not 1 <= number <= policies.HIGHEST[one.unit]:
        errors["value"] = [N_("请填写允许范围内的整数。")]
    elif number == one.value:
        errors["value"] = [N_("数值没有变化。")]
    if status not in STATUSES:
        errors["status"] = [N_("请选择一项。")]
    if errors:
        raise Invalid(_WRONG, errors=errors)
    found = policies.changed(under, key, number, wanted.basis.strip()[:200], status)
    return _ask(session, actor, organ, base, base.policy, _binding(organ, base), found, wanted)


def adopt(session: Session, actor: Actor, organ_id: int, name: str, binding: str, wanted: Wanted) -> PolicyVersion:
    """Ask that the organ adopt a shipped policy with its binding force (Arts. 2 and 42).

    What the organ has set for itself stays where the policy allows it. Raises as `change`.
    """
    organ, base = _begin(session, actor, organ_id)
    errors = _wrong(base, wanted)
    if name not in shipped.policies():
        errors["policy"] = [N_("请选择一项。")]
    if binding not in BINDINGS:
        errors["binding"] = [N_("请选择一项。")]
    if (name, binding) == (base.policy, _binding(organ, base)):
        errors["policy"] = [N_("已经采用这个政策。")]
    if errors:
        raise Invalid(_WRONG, errors=errors)
    found = policies.adopted(name, policy_versions.settings(session, base.digest))
    return _ask(session, actor, organ, base, name, binding, found, wanted)


def decide(session: Session, actor: Actor, version_id: int, confirm: bool, note: str) -> PolicyVersion:
    """Confirm or refuse what another person asked for. A confirmed version counts from its day for what begins then.

    Raises `Refused` for one's own asking (SOD-14), `Conflict` when it is decided already, `Invalid` for a refusal
    without its reason, `NotPermitted`.
    """
    identity.require(actor, Permission.POLICY_CONFIRM)
    refusals.acting(session, actor)
    version = session.scalars(
        select(PolicyVersion).where(PolicyVersion.id == version_id).with_for_update()
    ).one_or_none()
    if version is None or version.organ_id is None:
        raise NotFound(N_("没有这条记录，或者您无权查看。"))
    organ = _governed(session, actor, version.organ_id)
    if version.state != PolicyState.ASKED:
        raise Conflict(N_("这项申请已由%(who)s处理。"), who=version.decided_as)
    if version.asked_by_id == actor.user_id:
        raise Refused(N_("不能核准本人提出的修改，请由另一位有权人员核准。"), rule="SOD-14", article="职责分离")
    note = typed_in.words(note)
    if not confirm and not note:
        raise Invalid(_WRONG, errors={"note": [N_("不同意的，请写明理由。")]})
    version.state = PolicyState.CONFIRMED if confirm else PolicyState.REFUSED
    version.decided_at, version.decided_by_id, version.decided_as = clock.now(), actor.user_id, actor.display
    version.note = note[:2000]
    if confirm:
        organ.binding = version.binding
        # Whoever counts by the new numbers first: who registers, and who reviews.
        _notify(session, "policy.confirmed", organ, version, ("government_office", "legality_reviewer"))
    _tell(session, EventName.POLICY_CONFIRMED if confirm else EventName.POLICY_REFUSED, actor, version)
    return version


def runs_matters(actor: Actor) -> bool:
    """Whether the actor takes tasks in matters, and so is counted by these numbers."""
    return Permission.TASK_WORK in actor.permissions


def _begin(session: Session, actor: Actor, organ_id: int) -> tuple[Organisation, PolicyVersion]:
    """Return the organ, locked, with the newest version confirmed for it, whether it counts already or not."""
    identity.require(actor, Permission.POLICY_CHANGE)
    refusals.acting(session, actor)
    organ = _governed(session, actor, organ_id)
    session.execute(select(Organisation.id).where(Organisation.id == organ_id).with_for_update())
    rows = session.scalars(
        select(PolicyVersion)
        .where(PolicyVersion.organ_id == organ_id, PolicyVersion.state != PolicyState.REFUSED)
        .order_by(PolicyVersion.number.desc())
        .limit(1)
    ).all()
    if rows and rows[0].state == PolicyState.ASKED:
        raise Conflict(N_("已有一项修改等待核准，核准或者退回以后再提出。"))
    return organ, rows[0] if rows else policy_versions.to_begin_with(session, organ_id)


def _governed(session: Session, actor: Actor, organ_id: int) -> Organisation:
    if runs_matters(actor):
        raise Refused(
            N_("办理决策事项的人员不能修改或者核准计算期限的数值，请由规则管理员办理。"),
            rule="SOD-13",
            article="GB/T 22239-2019",
        )
    organ = next((one for one in organs(session, actor) if one.id == organ_id), None)
    if organ is None:
        raise NotPermitted(N_("只能办理本机关和直接下级机关的政策。"))
    return organ


def _binding(organ: Organisation, base: PolicyVersion) -> str:
    """Return how the decree binds the organ: as it adopted it last, else as its unit says (Arts. 2 and 42)."""
    return base.binding if base.organ_id else organ.binding or base.binding


def _wrong(base: PolicyVersion, wanted: Wanted) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if typed_in.length(wanted.reason) < 5:
        errors["reason"] = [N_("请写明理由，不少于5个字。")]
    if not typed_in.words(wanted.basis):
        errors["basis"] = [N_("请填写依据，如文件名称和文号。")]
    earliest = max(clock.today(), base.effective_on)
    day = typed_in.day(wanted.effective_on)
    if day is None or not earliest <= day <= earliest + MOST_AHEAD:
        errors["effective_on"] = [N_("请填写生效日期，不早于今天和上一版的生效日期。")]
    return errors


def _ask(
    session: Session, actor: Actor, organ: Organisation, base: PolicyVersion, name: str, binding: str, found: Settings,
    wanted: Wanted,
) -> PolicyVersion:  # fmt: skip
    last = session.scalar(
        select(PolicyVersion.number)
        .where(PolicyVersion.organ_id == organ.id)
        .order_by(PolicyVersion.number.desc())
        .limit(1)
    )
    told, number = policies.stored(found), (last or 0) + 1
    version = PolicyVersion(
        organ_id=organ.id, number=number, policy=name, binding=binding, settings=told,
        digest=policy_versions.digest_of(organ.id, number, name, binding, told),
        changes=_changes(policy_versions.settings(session, base.digest), found),
        reason=typed_in.words(wanted.reason)[:2000], basis=typed_in.words(wanted.basis)[:500],
        effective_on=typed_in.day(wanted.effective_on) or clock.today(), state=PolicyState.ASKED,
        asked_at=clock.now(), asked_by_id=actor.user_id, asked_as=actor.display,
    )  # fmt: skip
    session.add(version)
    session.flush()
    _tell(session, EventName.POLICY_ASKED, actor, version)
    _notify(session, "policy.asked", organ, version, ("policy_keeper", "procedure_publisher"))
    return version


def _changes(before: Settings, after: Settings) -> list[dict[str, Any]]:
    """Return what becomes another number or stands on another basis."""
    found = []
    for key, new in after.items():
        old = before.get(key)
        if old is None or (old.value, old.basis, old.status) != (new.value, new.basis, new.status):
            found.append(
                {"key": key, "before": old.value if old else None, "after": new.value,
                 "basis_before": old.basis if old else "", "basis": new.basis, "status": new.status}
            )  # fmt: skip
    return found


def _since(history: tuple[PolicyVersion, ...], version: PolicyVersion, key: str) -> PolicyVersion:
    """Return the version that gave a setting the value it has in `version`."""
    for one in history:
        counts = one.state == PolicyState.CONFIRMED and one.organ_id == version.organ_id
        if counts and one.number <= version.number and any(row["key"] == key for row in one.changes):
            return one
    return next((one for one in history if one.organ_id is None), version)


def _notify(session: Session, event: str, organ: Organisation, version: PolicyVersion, roles: tuple[str, ...]) -> None:
    """Tell those who hold one of `roles` in the organ, or in the one above it, what changes."""
    changed = [f"{_label(version, row['key'])} {row['before']} → {row['after']}" for row in version.changes]
    told = {
        "title": organ.name, "who": version.asked_as, "day": version.effective_on.isoformat(),
        "changed": "；".join(changed) or shipped.load(version.policy).title,
        "reason": version.reason, "basis": version.basis,
    }  # fmt: skip
    for role in roles:
        for organ_id in (organ.id, organ.parent_id) if event == "policy.asked" else (organ.id,):
            if organ_id is not None:
                notifications.enqueue(
                    session, event, pool=f"{role}:{organ_id}", payload=told, at=clock.now(),
                    dedupe_key=f"{event}:{version.id}:{role}:{organ_id}",
                )  # fmt: skip


def _label(version: PolicyVersion, key: str) -> str:
    return str(version.settings[key]["label"])


def _tell(session: Session, event: EventName, actor: Actor, version: PolicyVersion) -> None:
    audit.append(
        session,
        policy_versions.stream(version.organ_id),
        event,
        actor=actor,
        facts={
            "organ": version.organ_id, "number": version.number, "policy": version.policy, "binding": version.binding,
            "digest": version.digest, "changes": version.changes, "basis": version.basis,
            "effective_on": version.effective_on.isoformat(), "note": version.note,
        },
        rules=["R-43"],
        reason=version.reason,
    )  # fmt: skip
