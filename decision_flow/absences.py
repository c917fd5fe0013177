"""Absence and substitution: who stands in for whom, and work whose holder is gone comes back to the post.

A substitution is dated, may be for one procedure only, and ends by itself. While it lasts the substitute has
the pools of the absent person; every act says both names. It never opens what separation of duties closes:
the act is the substitute's own, checked as theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, contributors, notifications, typed_in
from decision_flow.audit import SYSTEM, Author, EventName
from decision_flow.db import Database
from decision_flow.errors import N_, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import ADMINISTRATORS, Actor, Permission, require
from decision_flow.models import (
    Appointment,
    Matter,
    Organisation,
    Post,
    Procedure,
    ProcedureVersion,
    Substitution,
    Task,
    TaskState,
    User,
)

LONGEST_DAYS = 90
GRANTORS = frozenset({"government_office", "deputy_head", "admin_head"})


def substitute(session: Session, actor: Actor, values: Mapping[str, str]) -> Substitution:
    """Let somebody stand in: `principal_id, substitute_id, procedure_key, starts_on, ends_on, reason`.

    One may name a substitute for oneself; the office and the leaders of the organ for others. Raises `Invalid`
    by field, `NotPermitted`, `Refused` where one of the two is an administrator (SOD-13).
    """
    require(actor, Permission.TASK_WORK)
    errors: dict[str, list[str]] = {}
    principal = _user(session, values.get("principal_id", "")) or session.get(User, actor.user_id)
    other = _user(session, values.get("substitute_id", ""))
    assert principal is not None
    first, last = _day(values, "starts_on", errors), _day(values, "ends_on", errors)
    reason, key = typed_in.words(values.get("reason")), values.get("procedure_key", "")
    if other is None or other.id == principal.id or not other.active:
        errors["substitute_id"] = [N_("请选择另一位在职人员。")]
    if not reason:
        errors["reason"] = [N_("请写明事由。")]
    if key and session.scalar(select(Procedure.id).where(Procedure.key == key)) is None:
        errors["procedure_key"] = [N_("没有这个程序。")]
    if "starts_on" not in errors and "ends_on" not in errors:
        if last < first:
            errors["ends_on"] = [N_("结束日期不能早于开始日期。")]
        elif last < clock.today():
            errors["ends_on"] = [N_("结束日期已经过去。")]
        elif (last - first).days >= LONGEST_DAYS:
            errors["ends_on"] = [N_("代理一次不超过90天，到期可以再次安排。")]
    if errors or other is None:
        raise Invalid(N_("没有安排代理，请按提示修改。"), errors=errors)
    _may_grant(session, actor, principal)
    roles = _roles(session, [principal.id, other.id], first, last)
    if any(roles[user_id] & set(ADMINISTRATORS) for user_id in (principal.id, other.id)):
        raise Refused(
            N_("管理员不能代理业务岗位，业务人员也不能代理管理员。"), rule="SOD-13", article="GB/T 22239-2019"
        )
    made = Substitution(
        principal_id=principal.id, substitute_id=other.id, procedure_key=key, starts_on=first, ends_on=last,
        reason=reason, made_by_id=actor.user_id, made_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    facts = {"id": made.id, "principal": principal.id, "principal_name": principal.name, "substitute": other.id,
             "substitute_name": other.name, "procedure": key, "from": first.isoformat(), "to": last.isoformat(),
             "reason": reason}  # fmt: skip
    audit.append(session, audit.PEOPLE, EventName.SUBSTITUTION_MADE, actor=actor, facts=facts)
    for user_id in (principal.id, other.id):
        notifications.enqueue(
            session, "substitution.made", dedupe_key=f"substitution.made:{made.id}:{user_id}", at=clock.now(),
            recipient_id=user_id,
            payload={"principal": principal.name, "substitute": other.name, "from": facts["from"], "to": facts["to"]},
        )  # fmt: skip
    if first <= clock.today():
        return_tasks_of(session, principal.id, actor, key)
    return made


def end(session: Session, actor: Actor, substitution_id: int) -> Substitution:
    """End a substitution at once. Raises `NotFound`, `NotPermitted`."""
    require(actor, Permission.TASK_WORK)
    made = session.get(Substitution, substitution_id, with_for_update=True)
    if made is None or made.ended_at is not None:
        raise NotFound(N_("没有这项代理，或者它已经结束。"))
    if actor.user_id != made.substitute_id:
        principal = session.get_one(User, made.principal_id)
        _may_grant(session, actor, principal)
    made.ended_at = clock.now()
    audit.append(session, audit.PEOPLE, EventName.SUBSTITUTION_ENDED, actor=actor, facts={
        "id": made.id, "principal": made.principal_id, "substitute": made.substitute_id,
        "before": {"to": made.ends_on.isoformat()}, "after": {"to": clock.today().isoformat()},
    })  # fmt: skip
    return made


def listed(session: Session, actor: Actor) -> list[Substitution]:
    """Return the substitutions that concern the actor, or their organs where they may arrange them; latest first."""
    require(actor, Permission.TASK_WORK)
    which = [Substitution.principal_id == actor.user_id, Substitution.substitute_id == actor.user_id]
    organs = {held.organ_id for held in actor.appointments if held.role_code in GRANTORS}
    if organs:
        within = (
            select(Appointment.user_id)
            .join(Post, Post.id == Appointment.post_id)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(or_(Organisation.organ_id.in_(organs), Organisation.id.in_(organs)))
        )
        which.append(Substitution.principal_id.in_(within))
    return list(
        session.scalars(
            select(Substitution)
            .where(or_(*which))
            .options(joinedload(Substitution.principal), joinedload(Substitution.substitute))
            .order_by(Substitution.ends_on.desc(), Substitution.id.desc())
            .limit(100)
        )
    )


def colleagues(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Return (id, display) of the people of the actor's organs, for choosing a substitute."""
    organs = {held.organ_id for held in actor.appointments}
    today = clock.today()
    rows = session.execute(
        select(User.id, Organisation.name, Post.title, User.name)
        .join(Appointment, Appointment.user_id == User.id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            User.active,
            or_(Organisation.organ_id.in_(organs), Organisation.id.in_(organs)),
            Post.role_code.not_in(ADMINISTRATORS),
            Appointment.starts_on <= today,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
        )
        .order_by(Organisation.name, User.name)
    )
    found: dict[int, str] = {}
    for user_id, unit, title, name in rows:
        found.setdefault(user_id, f"{unit}·{title}·{name}")
    return list(found.items())


def run(database: Database) -> int:
    """Return to their posts the tasks whose holder is gone, or absent from today; return how many."""
    today = clock.today()
    with database.transaction(read_only=True) as session:
        holders = set(session.scalars(select(Task.assignee_id).where(Task.state == TaskState.CLAIMED).distinct()))
        absent = session.execute(
            select(Substitution.principal_id, Substitution.procedure_key).where(
                Substitution.starts_on == today, Substitution.ended_at.is_(None)
            )
        ).all()
    returned = 0
    for holder_id in sorted(user_id for user_id in holders if user_id):
        with database.transaction() as session:
            returned += len(return_left(session, holder_id))
    for principal_id, key in absent:
        with database.transaction() as session:
            returned += len(return_tasks_of(session, principal_id, SYSTEM, key))
    return returned


def return_left(session: Session, holder_id: int) -> list[Task]:
    """Return to their posts the tasks of somebody who no longer holds them: disabled, or the appointment ended."""
    holder = session.get_one(User, holder_id)
    held = session.scalars(
        select(Task).where(Task.assignee_id == holder_id, Task.state == TaskState.CLAIMED).order_by(Task.matter_id)
    ).all()
    pools = {task.pool for task in held if not task.pool.startswith("person:")}
    holding = notifications.holders_of(session, pools)
    gone = [task for task in held if not holder.active or (task.pool in pools and holder_id not in holding[task.pool])]
    return _returned(session, gone, holder, SYSTEM)


def return_tasks_of(session: Session, holder_id: int, author: Author, procedure_key: str = "") -> list[Task]:
    """Return to their posts what an absent person holds, so that the substitute finds it; drafts stay with it."""
    query = select(Task).where(Task.assignee_id == holder_id, Task.state == TaskState.CLAIMED)
    if procedure_key:
        versions = select(ProcedureVersion.id).join(Procedure).where(Procedure.key == procedure_key)
        query = query.join(Matter, Matter.id == Task.matter_id).where(Matter.procedure_version_id.in_(versions))
    held = session.scalars(query.order_by(Task.matter_id, Task.id)).all()
    return _returned(session, list(held), session.get_one(User, holder_id), author)


def _returned(session: Session, held: list[Task], holder: User, author: Author) -> list[Task]:
    found = []
    for task in held:
        matter = session.scalars(
            select(Matter).where(Matter.id == task.matter_id).with_for_update(of=Matter, key_share=True)
        ).one()
        session.refresh(task, ["state", "assignee_id", "claimed_at", "person_id"])
        if task.state != TaskState.CLAIMED or task.assignee_id != holder.id:
            continue
        was = task.claimed_at
        task.state, task.assignee_id, task.claimed_at = TaskState.OPEN, None, None
        if not holder.active and task.person_id:
            # Named to one person who is gone: whoever holds the post now may take it.
            task.person_id, task.pool = None, f"{task.role_code}:{task.organisation_id}"
        audit.append(
            session, audit.matter_stream(task.matter_id), EventName.TASK_RETURNED, actor=author,
            matter_id=task.matter_id, task_id=task.id,
            facts={"from": {"id": holder.id, "display": holder.name}, **contributors.drafted_by(task, holder.id)},
        )  # fmt: skip
        notifications.enqueue(
            session, "task.returned", dedupe_key=f"task.returned:{task.id}:{was.isoformat() if was else ''}",
            at=clock.now(), pool=task.pool, matter_id=task.matter_id, task_id=task.id,
            payload={"title": matter.title, "name": task.name, "name_en": task.name_en, "who": holder.name},
        )  # fmt: skip
        found.append(task)
    return found


def _may_grant(session: Session, actor: Actor, principal: User) -> None:
    if principal.id == actor.user_id:
        return
    organs = {held.organ_id for held in actor.appointments if held.role_code in GRANTORS}
    within = session.scalar(
        select(Appointment.id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Appointment.user_id == principal.id, Organisation.organ_id.in_(organs))
        .limit(1)
    )
    if within is None:
        raise NotPermitted(N_("只能为本人安排代理；为他人安排的，由本机关办公室或者负责人办理。"))


def _roles(session: Session, users: list[int], first: date, last: date) -> dict[int, set[str]]:
    """Return the roles that each of these people has on any of these days."""
    rows = session.execute(
        select(Appointment.user_id, Post.role_code)
        .join(Post, Post.id == Appointment.post_id)
        .where(
            Appointment.user_id.in_(users),
            Appointment.starts_on <= last,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= first),
        )
    )
    found: dict[int, set[str]] = {user_id: set() for user_id in users}
    for user_id, role in rows:
        found[user_id].add(role)
    return found


def _user(session: Session, text: str) -> User | None:
    return session.get(User, typed_in.number(text))


def _day(values: Mapping[str, str], name: str, errors: dict[str, list[str]]) -> date:
    found = typed_in.day(values.get(name))
    if found is None:
        errors[name] = [N_("日期不正确，请按年-月-日填写。")]
    return found or clock.today()
