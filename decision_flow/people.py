"""Administration of people: units, posts, accounts and appointments. Nothing is deleted (R-38b).

The system administrator keeps units, posts and accounts; the security administrator grants and ends
appointments, unlocks and resets passwords; the audit administrator reads (SOD-13).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from decision_flow import audit, clock, identity
from decision_flow.audit import SYSTEM, EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Conflict, Invalid, NotFound, Refused
from decision_flow.identity import ADMINISTRATORS, ROLES, Actor, Permission
from decision_flow.models import Appointment, Organisation, Post, User

LEVELS = ("province", "city", "district", "township", "village", "external")
KINDS = (
    "government", "department", "office", "judicial_office", "institution", "enterprise", "social_org",
)  # fmt: skip


@dataclass(frozen=True)
class UserPage:
    """One page of accounts; `page` is within 1..`pages`."""

    rows: tuple[User, ...]
    total: int
    page: int
    pages: int


def organisations(session: Session, actor: Actor) -> list[Organisation]:
    """Return all units, parents before children."""
    identity.require(actor, Permission.PEOPLE_READ)
    return list(session.scalars(select(Organisation).order_by(Organisation.organ_id, Organisation.id)))


def posts(session: Session, actor: Actor) -> list[Post]:
    """Return all posts with their unit."""
    identity.require(actor, Permission.PEOPLE_READ)
    return list(
        session.scalars(select(Post).options(joinedload(Post.organisation)).order_by(Post.organisation_id, Post.id))
    )


def users(session: Session, actor: Actor, text: str = "", page: int = 1, per_page: int = 30) -> UserPage:
    """Return one page of accounts whose name or username contains `text`, with their appointments."""
    identity.require(actor, Permission.PEOPLE_READ)
    condition = or_(
        User.name.icontains(text.strip(), autoescape=True), User.username.icontains(text.strip(), autoescape=True)
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


def create_organisation(session: Session, actor: Actor, values: Mapping[str, Any]) -> Organisation:
    """Add a unit: `name, name_en, level, kind, parent_id, organ_id` (empty: an organ itself), `binding`.

    Raises `Invalid` by field; an organ must say whether the decree binds it directly (R-02).
    """
    identity.require(actor, Permission.PEOPLE_MANAGE)
    name = str(values.get("name") or "").strip()
    organ_id = _number(values.get("organ_id"))
    errors: dict[str, list[str]] = {}
    if not 2 <= len(name) <= 120:
        errors["name"] = [N_("请填写2至120个字的名称。")]
    elif session.scalar(select(Organisation.id).where(Organisation.name == name)):
        errors["name"] = [N_("已有同名单位。")]
    if values.get("level") not in LEVELS:
        errors["level"] = [N_("请选择层级。")]
    if values.get("kind") not in KINDS:
        errors["kind"] = [N_("请选择类别。")]
    if organ_id is None and values.get("binding") not in ("direct", "by_reference"):
        errors["binding"] = [N_("决策机关应当选择直接适用或者参照执行。")]
    if errors:
        raise Invalid(N_("单位没有保存,请按提示修改。"), errors=errors)
    unit = Organisation(
        name=name,
        name_en=str(values.get("name_en") or "").strip()[:200],
        level=values["level"],
        kind=values["kind"],
        parent_id=_number(values.get("parent_id")),
        organ_id=organ_id,
        credit_code=str(values.get("credit_code") or "").strip()[:18] or None,
        binding=values.get("binding") if organ_id is None else None,
        active=True,
    )
    session.add(unit)
    session.flush()
    if organ_id is None:
        unit.organ_id = unit.id
    _record(session, EventName.ORGANISATION_CREATED, actor, id=unit.id, name=name, organ=unit.organ_id)
    return unit


def create_post(
    session: Session, actor: Actor, organisation_id: int, title: str, role_code: str, title_en: str = ""
) -> Post:
    """Add a post to a unit; its role says which tasks it may take. Raises `Invalid` by field."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    errors: dict[str, list[str]] = {}
    if not title.strip() or len(title) > 80:
        errors["title"] = [N_("请填写岗位名称。")]
    if role_code not in ROLES:
        errors["role_code"] = [N_("请选择角色。")]
    if session.get(Organisation, organisation_id) is None:
        errors["organisation_id"] = [N_("请选择单位。")]
    if errors:
        raise Invalid(N_("岗位没有保存,请按提示修改。"), errors=errors)
    post = Post(
        organisation_id=organisation_id, title=title.strip(), title_en=title_en[:120], role_code=role_code, active=True
    )
    session.add(post)
    session.flush()
    _record(session, EventName.POST_CREATED, actor, id=post.id, title=post.title, role=role_code)
    return post


def create_user(session: Session, actor: Actor, username: str, name: str, name_en: str = "") -> tuple[User, str]:
    """Open an account; return it and its first password, shown once and to be changed at first sign-in."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    account = _new_account(session, username, name, name_en)
    password = temporary_password()
    identity.set_password(account, password, must_change=True)
    session.flush()
    _record(session, EventName.USER_CREATED, actor, id=account.id, username=account.username, name=account.name)
    return account, password


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
            identity.revoke_all(session, account.id)
    return account


def reset_password(session: Session, actor: Actor, user_id: int) -> str:
    """Set a temporary password, unlock the account and end its sessions; return the password, shown once."""
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    account = _account(session, user_id)
    password = temporary_password()
    identity.set_password(account, password, must_change=True)
    account.failed_sign_ins, account.locked_until = 0, None
    identity.revoke_all(session, account.id)
    _record(session, EventName.PASSWORD_RESET, actor, id=account.id, name=account.name)
    return password


def make_appointment(
    session: Session, actor: Actor, user_id: int, post_id: int, starts_on: date, ends_on: date | None = None
) -> Appointment:
    """Appoint a person to a post from a day on. Raises `Refused` for an administrator (SOD-13)."""
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    account = user(session, actor, user_id)
    post = session.get(Post, post_id)
    if post is None:
        raise Invalid(N_("任职没有保存,请按提示修改。"), errors={"post_id": [N_("请选择岗位。")]})
    if ends_on is not None and ends_on < starts_on:
        raise Invalid(N_("任职没有保存,请按提示修改。"), errors={"ends_on": [N_("结束日期早于开始日期。")]})
    held = {
        entry.post.role_code
        for entry in account.appointments
        if entry.ends_on is None or entry.ends_on >= clock.today()
    }
    _keep_powers_apart({*held, post.role_code})
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
    )
    return appointment


def end_appointment(session: Session, actor: Actor, appointment_id: int, ends_on: date) -> Appointment:
    """End an appointment on a day (the last day included); it stays in the history."""
    identity.require(actor, Permission.APPOINTMENTS_MANAGE)
    appointment = session.get(Appointment, appointment_id)
    if appointment is None:
        raise NotFound(N_("没有这项任职。"))
    if ends_on < appointment.starts_on:
        raise Invalid(N_("任职没有结束,请按提示修改。"), errors={"ends_on": [N_("结束日期早于开始日期。")]})
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
    return appointment


def needs_first_run(session: Session) -> bool:
    """Whether no account exists yet, so that the administrators must be created first (SEC-08)."""
    return session.scalar(select(User.id).limit(1)) is None


def create_first_administrators(
    session: Session,
    organ: Mapping[str, Any],
    people: Sequence[Mapping[str, str]],
    settings: Settings,
    *,
    exception_reason: str = "",
    exception_approver: str = "",
) -> list[User]:
    """Set up the organ and its three administrators, each with a password of their own (SOD-13).

    `people` are three of `{role, username, name, password}`; the same username twice is allowed only
    with a reason and an approver, which are recorded. Raises `Invalid` by field (`people.0.password`),
    `Conflict` when accounts exist already.
    """
    if not needs_first_run(session):
        raise Conflict(N_("系统已经完成初始设置。"))
    errors: dict[str, list[str]] = {}
    names = [entry.get("username", "").strip() for entry in people]
    if [entry.get("role") for entry in people] != list(ADMINISTRATORS):
        errors["people"] = [N_("需要系统、安全、审计三个管理员。")]
    if len(set(names)) < len(names) and not (exception_reason.strip() and exception_approver.strip()):
        errors["exception_reason"] = [N_("三个管理员应当是三个人;确需兼任的,写明理由和批准人。")]
    for number, entry in enumerate(people):
        if not entry.get("username", "").strip() or not entry.get("name", "").strip():
            errors[f"people.{number}.username"] = [N_("请填写用户名和姓名。")]
        elif problem := identity.password_problem(entry.get("password", ""), entry["username"], settings):
            errors[f"people.{number}.password"] = [problem]
    if not str(organ.get("name") or "").strip():
        errors["name"] = [N_("请填写机关名称。")]
    if errors:
        raise Invalid(N_("初始设置没有保存,请按提示修改。"), errors=errors)
    unit = Organisation(
        name=str(organ["name"]).strip(),
        level=organ.get("level") or "district",
        kind="government",
        binding=organ.get("binding") or "direct",
        active=True,
    )
    session.add(unit)
    session.flush()
    unit.organ_id = unit.id
    accounts: dict[str, User] = {}
    for entry in people:
        account = accounts.get(entry["username"].strip())
        if account is None:
            account = _new_account(session, entry["username"], entry["name"], "")
            identity.set_password(account, entry["password"], must_change=False)
            accounts[account.username] = account
        post = Post(organisation_id=unit.id, title=ROLES[entry["role"]].label, role_code=entry["role"], active=True)
        session.add(post)
        session.flush()
        session.add(Appointment(user_id=account.id, post_id=post.id, starts_on=clock.today()))
        audit.append(
            session, audit.PEOPLE, EventName.USER_CREATED, actor=SYSTEM,
            facts={"id": account.id, "username": account.username, "role": entry["role"]},
        )  # fmt: skip
    if len(accounts) < len(people):
        audit.append(
            session, audit.PEOPLE, EventName.EXCEPTION_RECORDED, actor=SYSTEM, rules=["SOD-13"],
            facts={"reason": exception_reason.strip(), "approver": exception_approver.strip()},
        )  # fmt: skip
    return list(accounts.values())


def temporary_password() -> str:
    """Return a random password that meets SEC-04 and has no letters that are easily confused."""
    alphabet = [character for character in string.ascii_letters + string.digits if character not in "0O1lI"]
    return "".join(secrets.choice(alphabet) for _ in range(10)) + "-7aK"


def _keep_powers_apart(roles: set[str]) -> None:
    administrator = roles & set(ADMINISTRATORS)
    if administrator and len(roles) > 1:
        raise Refused(
            N_("系统、安全、审计管理员应当是三个人,并且不得兼任业务岗位。请另行指定人员。"),
            rule="SOD-13",
            article="GB/T 22239-2019",
        )


def _new_account(session: Session, username: str, name: str, name_en: str) -> User:
    username, name = username.strip(), name.strip()
    errors: dict[str, list[str]] = {}
    if not (2 <= len(username) <= 60 and all(c.isalnum() or c in "._-" for c in username)):
        errors["username"] = [N_("用户名为2至60位的字母、数字、点、横线。")]
    elif session.scalar(select(User.id).where(User.username == username)):
        errors["username"] = [N_("用户名已被使用。")]
    if not name or len(name) > 60:
        errors["name"] = [N_("请填写姓名。")]
    if errors:
        raise Invalid(N_("人员没有保存,请按提示修改。"), errors=errors)
    account = User(
        username=username, name=name, name_en=name_en.strip()[:120], created_at=clock.now(), active=True,
        failed_sign_ins=0, is_demo=False, language="", phone="", email="", must_change_password=False,
    )  # fmt: skip
    session.add(account)
    session.flush()
    return account


def _account(session: Session, user_id: int) -> User:
    account = session.get(User, user_id)
    if account is None:
        raise NotFound(N_("没有这个人员。"))
    return account


def _number(value: Any) -> int | None:
    return int(value) if str(value or "").isdigit() else None


def _record(session: Session, event: EventName, actor: Actor, **facts: Any) -> None:
    audit.append(session, audit.PEOPLE, event, actor=actor, facts=facts)
