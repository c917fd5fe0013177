"""Administration of people: accounts and appointments. Nothing is deleted (R-38b).

Three people for three powers (SOD-13). The system administrator opens, corrects, disables and enables accounts
and keeps units and posts (`organisations.py`), but can give nobody a power. The security administrator makes
and ends appointments, unlocks accounts and resets passwords, but not their own. The audit administrator reads.
Every change is recorded on the stream `people` with what stood before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from decision_flow import audit, clock, identity, passwords, typed_in
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Conflict, Invalid, NotFound, Refused
from decision_flow.identity import ADMINISTRATORS, Actor, Permission
from decision_flow.models import Appointment, Organisation, Post, Substitution, User

NOT_SAVED = N_("人员没有保存，请按提示修改。")
NOT_APPOINTED = N_("任职没有保存，请按提示修改。")


@dataclass(frozen=True)
class UserPage:
    """One page of accounts; `page` is within 1..`pages`."""

    rows: tuple[User, ...]
    total: int
    page: int
    pages: int


def users(session: Session, actor: Actor, text: str = "", page: int = 1, per_page: int = 30) -> UserPage:
    """Return one page of accounts with their appointments.

    `text` is sought in name and username, and in the unit and title of the posts held today.
    """
    identity.require(actor, Permission.PEOPLE_READ)
    text = text.strip()
    held = (
        select(Appointment.user_id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            or_(Organisation.name.icontains(text, autoescape=True), Post.title.icontains(text, autoescape=True)),
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= clock.today()),
        )
    )
    condition = or_(
        User.name.icontains(text, autoescape=True), User.username.icontains(text, autoescape=True), User.id.in_(held)
    )
    total = session.scalar(select(func.count()).select_from(User).where(condition)) or 0
    pages = max(1, -(-total // per_page))
    page = min(max(1, page), pages)
    rows = session.scalars(
        select(User)
        .where(condition)
        .options(selectinload(User.appointments).joinedload(Appointment.post).joinedload(Post.organisation))
        .order_by(User.id)
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return UserPage(tuple(rows), total, page, pages)


def user(session: Session, actor: Actor, user_id: int) -> User:
    """Return an account with its appointments, ended ones too. Raises `NotFound`."""
    identity.require(actor, Permission.PEOPLE_READ)
    found = session.scalars(
        select(User)
        .where(User.id == user_id)
        .options(selectinload(User.appointments).joinedload(Appointment.post).joinedload(Post.organisation))
    ).one_or_none()
    if found is None:
        raise NotFound(N_("没有这个人员。"))
    return found


def create_user(
    session: Session, actor: Actor, username: str, name: str, settings: Settings, name_en: str = ""
) -> tuple[User, str]:
    """Open an account; return it and its first password, shown once and to be changed at first sign-in."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    account = new_account(session, username, name, name_en)
    password = passwords.temporary(settings)
    identity.set_password(account, password, must_change=True)
    session.flush()
    _record(session, EventName.USER_CREATED, actor, id=account.id, username=account.username, name=account.name)
    return account, password


def change_user(session: Session, actor: Actor, user_id: int, values: Mapping[str, str]) -> User:
    """Correct an account: `name, name_en, phone, email`; the username stays. Raises `Invalid` by field.

    Names already frozen into records stay as they were.
    """
    identity.require(actor, Permission.PEOPLE_MANAGE)
    account = _account(session, user_id)
    fields = {key: str(values.get(key) or "").strip() for key in ("name", "name_en", "phone", "email")}
    limits = {"name": 60, "name_en": 120, "phone": 40, "email": 120}
    errors = {key: [N_("内容过长。")] for key, value in fields.items() if len(value) > limits[key]}
    if not fields["name"]:
        errors["name"] = [N_("请填写姓名。")]
    if fields["email"] and "@" not in fields["email"].strip("@"):
        errors["email"] = [N_("邮箱地址不正确。")]
    if errors:
        raise Invalid(NOT_SAVED, errors=errors)
    before = {key: getattr(account, key) for key, value in fields.items() if getattr(account, key) != value}
    if before:
        for key in before:
            setattr(account, key, fields[key])
        after = {key: fields[key] for key in before}
        _record(session, EventName.USER_CHANGED, actor, id=account.id, before=before, after=after)
    return account


def set_active(session: Session, actor: Actor, user_id: int, active: bool) -> User:
    """Disable or enable an account; name and history stay on every record (R-38b)."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    account = _account(session, user_id)
    if account.id == actor.user_id:
        raise Conflict(N_("不能停用自己的账号。"))
    if account.active != active:
        account.active = active
        event = EventName.USER_ENABLED if active else EventName.USER_DISABLED
        _record(session, event, actor, id=account.id, name=account.name)
        if not active:
            held = session.scalars(select(Post.role_code).join(Appointment).where(Appointment.user_id == account.id))
            _keep_administered(session, set(held), clock.today())
            identity.revoke_all(session, account.id)
    return account


def unlock(session: Session, actor: Actor, user_id: int) -> User:
    """Let an account that locked after failed tries be used again; its password stays."""
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    account = _account(session, user_id)
    account.failed_sign_ins, account.locked_until = 0, None
    _record(session, EventName.ACCOUNT_UNLOCKED, actor, id=account.id, name=account.name)
    return account


def reset_password(session: Session, actor: Actor, user_id: int, settings: Settings) -> str:
    """Set a temporary password, unlock the account and end its sessions; return the password, shown once."""
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    account = _account(session, user_id)
    if account.id == actor.user_id:
        raise Conflict(N_("自己的密码请在“我的账号”中修改。"))
    password = passwords.temporary(settings)
    identity.set_password(account, password, must_change=True)
    identity.revoke_all(session, account.id)
    _record(session, EventName.PASSWORD_RESET, actor, id=account.id, name=account.name)
    return password


def make_appointment(
    session: Session,
    actor: Actor,
    user_id: int,
    post_id: int,
    starts_on: date,
    ends_on: date | None = None,
    *,
    exception_reason: str = "",
    exception_approver: str = "",
) -> Appointment:
    """Appoint a person to a post from a day on, both days included.

    Raises `Refused` when an administrator would hold anything besides (SOD-13), unless a reason and an
    approver, neither the appointed nor the appointing person (SOD-14), are given and thereby recorded.
    """
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    account = _account(session, user_id, lock=True)
    post = session.get(Post, post_id)
    errors: dict[str, list[str]] = {}
    if post is None or not post.active:
        errors["post_id"] = [N_("请选择岗位。")]
    if ends_on is not None and ends_on < starts_on:
        errors["ends_on"] = [N_("结束日期早于开始日期。")]
    meanwhile = dict(_held_between(session, user_id, starts_on, ends_on))
    if post_id in meanwhile:
        errors["post_id"] = [N_("此人在这段时间已经担任该岗位。")]
    if errors or post is None:
        raise Invalid(NOT_APPOINTED, errors=errors)
    if account.id == actor.user_id:
        raise Refused(N_("不能给自己任职，请由另一名安全管理员办理。"), rule="SOD-14", article="职责分离")
    if not account.active:
        raise Conflict(N_("账号已停用，请先由系统管理员启用。"))
    if post.role_code in ADMINISTRATORS and _stands_in(session, user_id, starts_on, ends_on):
        raise Refused(
            N_("此人这段时间正在代理他人的岗位或者由他人代理，管理员不得兼办业务。请先结束代理。"),
            rule="SOD-13",
            article="GB/T 22239-2019",
        )
    if not _powers_apart({*meanwhile.values(), post.role_code}):
        _note_exception(
            session, actor, account, post, typed_in.words(exception_reason), typed_in.words(exception_approver)
        )
    appointment = Appointment(user_id=account.id, post_id=post.id, starts_on=starts_on, ends_on=ends_on)
    session.add(appointment)
    session.flush()
    _record(
        session,
        EventName.APPOINTMENT_MADE,
        actor,
        id=appointment.id,
        user=account.id,
        name=account.name,
        post=post.id,
        title=post.title,
        role=post.role_code,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat() if ends_on else None,
    )
    return appointment


def _note_exception(session: Session, actor: Actor, account: User, post: Post, reason: str, approver: str) -> None:
    """Record why one person holds powers that are to be apart. Raises `Refused` without a reason and a third person."""
    if not (reason and approver):
        raise Refused(
            N_(
                "系统、安全、审计管理员应当是三个人，并且不得兼任业务岗位。请另行指定人员；确需兼任的，写明理由和批准人。"
            ),
            rule="SOD-13",
            article="GB/T 22239-2019",
        )
    if approver in (actor.name, account.name):
        raise Refused(N_("例外情形不能由本人或者经办人批准，请另行报批。"), rule="SOD-14", article="职责分离")
    audit.append(
        session, audit.PEOPLE, EventName.EXCEPTION_RECORDED, actor=actor, rules=["SOD-13"],
        facts={"user": account.id, "post": post.id, "reason": reason, "approver": approver},
    )  # fmt: skip


def end_appointment(session: Session, actor: Actor, appointment_id: int, ends_on: date) -> Appointment:
    """End an appointment on a day (the last day included); it stays in the history.

    Raises `Conflict` when it has ended already, or when one of the three administrators would be missing.
    """
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    appointment = session.get(Appointment, appointment_id)
    if appointment is None:
        raise NotFound(N_("没有这项任职。"))
    if appointment.ends_on is not None and appointment.ends_on < clock.today():
        raise Conflict(N_("这项任职已经结束，不能再改；需要的请另行任职。"))
    if ends_on < appointment.starts_on:
        raise Invalid(N_("任职没有结束，请按提示修改。"), errors={"ends_on": [N_("结束日期早于开始日期。")]})
    before = appointment.ends_on.isoformat() if appointment.ends_on else None
    appointment.ends_on = ends_on
    _record(
        session,
        EventName.APPOINTMENT_ENDED,
        actor,
        id=appointment.id,
        user=appointment.user_id,
        before=before,
        after=ends_on.isoformat(),
    )
    _keep_administered(session, {session.get_one(Post, appointment.post_id).role_code}, ends_on)
    return appointment


def _powers_apart(roles: set[str]) -> bool:
    return len(roles) == 1 or not roles & set(ADMINISTRATORS)


def _held_between(session: Session, user_id: int, starts_on: date, ends_on: date | None) -> list[tuple[int, str]]:
    """Return post and role of each appointment with a day in common, read afresh: one may just have been made."""
    query = (
        select(Post.id, Post.role_code)
        .join(Appointment, Appointment.post_id == Post.id)
        .where(Appointment.user_id == user_id)
        .where(or_(Appointment.ends_on.is_(None), Appointment.ends_on >= starts_on))
    )
    if ends_on is not None:
        query = query.where(Appointment.starts_on <= ends_on)
    return [(post_id, role) for post_id, role in session.execute(query)]


def _stands_in(session: Session, user_id: int, starts_on: date, ends_on: date | None) -> bool:
    """Whether a person stands in for another, or another for them, on any of these days."""
    query = select(Substitution.id).where(
        or_(Substitution.substitute_id == user_id, Substitution.principal_id == user_id),
        Substitution.ended_at.is_(None),
        Substitution.ends_on >= max(starts_on, clock.today()),
    )
    if ends_on is not None:
        query = query.where(Substitution.starts_on <= ends_on)
    return session.scalar(query.limit(1)) is not None


def _keep_administered(session: Session, roles: set[str], day: date) -> None:
    """Refuse a change that leaves one of these powers with nobody after `day`: nobody could undo it.

    Called after the change was recorded: the stream's lock lets two such changes see each other.
    """
    session.flush()
    for role in roles & set(ADMINISTRATORS):
        left = (
            select(Appointment.id)
            .join(Post, Post.id == Appointment.post_id)
            .join(User, User.id == Appointment.user_id)
            .where(User.active, Post.role_code == role)
            .where(or_(Appointment.ends_on.is_(None), Appointment.ends_on > day))
            .limit(1)
        )
        if session.scalar(left) is None:
            raise Conflict(N_("这样系统、安全、审计管理员就不齐了，请先任命继任者。"))


def wrong_account(session: Session, username: str, name: str) -> dict[str, list[str]]:
    """Return what forbids an account of this username and name, by field."""
    username, name = username.strip(), name.strip()
    errors: dict[str, list[str]] = {}
    if not (2 <= len(username) <= 60 and all(c.isalnum() or c in "._-" for c in username)):
        errors["username"] = [N_("用户名为2至60位的字母、数字、点、横线。")]
    elif session.scalar(select(User.id).where(func.lower(User.username) == username.lower())):
        errors["username"] = [N_("用户名已被使用。")]
    if not 1 <= len(name) <= 60:
        errors["name"] = [N_("请填写姓名。")]
    return errors


def new_account(session: Session, username: str, name: str, name_en: str) -> User:
    """Add an account without a password, so that nobody can use it yet. Raises `Invalid` by field."""
    if errors := wrong_account(session, username, name):
        raise Invalid(NOT_SAVED, errors=errors)
    account = User(
        username=username.strip(), name=name.strip(), name_en=name_en.strip()[:120], created_at=clock.now(),
        active=True, failed_sign_ins=0, is_demo=False, language="", phone="", email="", must_change_password=False,
    )  # fmt: skip
    session.add(account)
    session.flush()
    return account


def _account(session: Session, user_id: int, *, lock: bool = False) -> User:
    account = session.get(User, user_id, with_for_update={"key_share": True} if lock else None)
    if account is None:
        raise NotFound(N_("没有这个人员。"))
    return account


def _record(session: Session, event: EventName, actor: Actor, **facts: Any) -> None:
    audit.append(session, audit.PEOPLE, event, actor=actor, facts=facts)
