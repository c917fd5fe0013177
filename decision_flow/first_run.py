"""First run: the organ and its three administrators, while there is no account at all (SEC-08).

Nothing ships with a password. Whoever starts the server is shown a set-up code; it lies in the data folder,
so that only somebody with access to the machine can found the installation.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, identity, passwords, people, typed_in
from decision_flow.audit import SYSTEM, EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Conflict, Invalid
from decision_flow.identity import ADMINISTRATORS, ROLES
from decision_flow.kept_secrets import kept
from decision_flow.models import Appointment, Organisation, Post, User

LEVELS = ("district", "township", "city")
BINDINGS = ("direct", "by_reference")


def is_needed(session: Session) -> bool:
    """Whether no account exists yet. Accounts are never removed, so once false it stays false."""
    return session.scalar(select(User.id).limit(1)) is None


def setup_code(settings: Settings) -> str:
    """Return the code that proves access to the server; kept in the data folder until set-up is done."""
    return kept(settings.folder / "setup-code", lambda: secrets.token_hex(6))


def forget_setup_code(settings: Settings) -> None:
    """Remove the code once it has served."""
    (settings.folder / "setup-code").unlink(missing_ok=True)


def create_first_administrators(
    session: Session,
    organ: Mapping[str, Any],
    administrators: Sequence[Mapping[str, str]],
    settings: Settings,
    *,
    exception_reason: str = "",
    exception_approver: str = "",
) -> list[User]:
    """Set up the organ (`name, level, binding`) and its three administrators, each with a password of their own.

    Of two people founding at once one is refused: both would begin the stream `people`.
    `administrators` are `{role, username, name, password}`, one for each of the three roles. The same username
    again means that one person holds both powers: allowed only with a reason and an approver, which are
    recorded (SOD-13). Raises `Invalid` by field (`people.0.password`), `Conflict` when accounts exist already.
    """
    if not is_needed(session):
        raise Conflict(N_("系统已经完成初始设置。"))
    reason, approver = typed_in.words(exception_reason), typed_in.words(exception_approver)
    errors = _wrong(session, organ, administrators, settings)
    alone = len({entry.get("username", "").strip() for entry in administrators}) < len(ADMINISTRATORS)
    if alone and not (reason and approver):
        errors["exception_reason"] = [N_("三个管理员应当是三个人；确需兼任的，写明理由和批准人。")]
    if errors:
        raise Invalid(N_("初始设置没有保存，请按提示修改。"), errors=errors)
    unit = Organisation(
        name=str(organ["name"]).strip(), name_en="", level=organ["level"], kind="government",
        binding=organ["binding"], active=True,
    )  # fmt: skip
    session.add(unit)
    session.flush()
    unit.organ_id = unit.id
    _record(session, EventName.ORGANISATION_CREATED, id=unit.id, name=unit.name, organ=unit.id)
    accounts: dict[str, User] = {}
    for entry in administrators:
        username, role = entry["username"].strip(), ROLES[entry["role"]]
        account = accounts.get(username)
        if account is None:
            account = accounts[username] = people.new_account(session, username, entry["name"], "")
            identity.set_password(account, entry["password"], must_change=False)
            _record(session, EventName.USER_CREATED, id=account.id, username=username, name=account.name)
        post = Post(organisation_id=unit.id, title=role.label, title_en=role.label_en, role_code=role.code, active=True)
        session.add(post)
        session.flush()
        appointment = Appointment(user_id=account.id, post_id=post.id, starts_on=clock.today())
        session.add(appointment)
        session.flush()
        _record(
            session, EventName.APPOINTMENT_MADE,
            id=appointment.id, user=account.id, name=account.name, post=post.id, title=post.title, role=role.code,
            starts_on=appointment.starts_on.isoformat(), ends_on=None,
        )  # fmt: skip
    if alone:
        audit.append(
            session, audit.PEOPLE, EventName.EXCEPTION_RECORDED, actor=SYSTEM, rules=["SOD-13"],
            facts={"reason": reason, "approver": approver, "people": sorted(accounts)},
        )  # fmt: skip
    return list(accounts.values())


def _wrong(
    session: Session, organ: Mapping[str, Any], administrators: Sequence[Mapping[str, str]], settings: Settings
) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not 2 <= len(str(organ.get("name") or "").strip()) <= 120:
        errors["name"] = [N_("请填写机关名称。")]
    if organ.get("level") not in LEVELS:
        errors["level"] = [N_("请选择层级。")]
    if organ.get("binding") not in BINDINGS:
        errors["binding"] = [N_("决策机关应当选择直接适用或者参照执行。")]
    if [entry.get("role") for entry in administrators] != list(ADMINISTRATORS):
        errors["people"] = [N_("需要系统、安全、审计三个管理员。")]
    names: set[str] = set()
    used: set[str] = set()
    for number, entry in enumerate(administrators):
        username, password = entry.get("username", "").strip(), entry.get("password", "")
        for field, texts in people.wrong_account(session, username, entry.get("name", "")).items():
            errors[f"people.{number}.{field}"] = texts
        if username in names:
            continue
        if problem := passwords.problem(password, username, settings):
            errors[f"people.{number}.password"] = [problem]
        elif password in used:
            errors[f"people.{number}.password"] = [N_("三个管理员的密码不能相同，应当由本人各自设置。")]
        names.add(username)
        used.add(password)
    return errors


def _record(session: Session, event: EventName, **facts: Any) -> None:
    audit.append(session, audit.PEOPLE, event, actor=SYSTEM, facts=facts)
