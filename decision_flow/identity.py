"""Who acts: signing in, sessions on the server, and the actor that every operation is given.

A session's token is 256 random bits in the cookie; only its SHA-256 is stored, so that a copied database
opens no session. Passwords are argon2id. An account locks after failed tries (SEC-05).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, clock
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid, NotAuthenticated, NotPermitted
from decision_flow.models import Appointment, Organisation, Post, SignInSession, User
from decision_flow.roles import ADMINISTRATORS, ROLES, Permission, permissions_of

__all__ = ["ADMINISTRATORS", "ROLES", "Actor", "Permission", "require"]

MAX_PASSWORD = 200
TOUCH_EVERY = timedelta(minutes=1)
WRONG = N_("用户名或密码不正确。")
_hasher = PasswordHasher()
# Each hash takes 64 MB; more at once than cores would only exhaust memory.
_hashing = threading.BoundedSemaphore(2)
_NOBODY = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class Held:
    """One appointment held today, with all that is asked of it."""

    id: int
    title: str
    role_code: str
    organisation_id: int
    organisation: str
    organ_id: int


@dataclass(frozen=True)
class Actor:
    """The person who acts, as they are at this moment. `display` is frozen into every record."""

    user_id: int
    username: str
    name: str
    name_en: str
    language: str
    must_change_password: bool
    appointments: tuple[Held, ...]
    display: str
    roles: frozenset[str]
    pools: frozenset[str]
    permissions: frozenset[Permission]
    session_id: int | None = None


def require(actor: Actor, permission: Permission) -> None:
    """Raise `NotPermitted` unless the actor has the permission."""
    if permission not in actor.permissions:
        raise NotPermitted(N_("您没有办理此事的权限。如确需办理,请联系安全管理员。"))


def sign_in(
    session: Session, username: str, password: str, settings: Settings, client_addr: str, user_agent: str
) -> str:
    """Check a password and open a session; return its token.

    Raises `NotAuthenticated` without telling whether the name exists; a locked account is told how long.
    Failed tries are counted in this transaction: the caller commits it even then.
    """
    user = session.scalars(select(User).where(User.username == username.strip()[:60]).with_for_update()).one_or_none()
    now = clock.now()
    if user is not None and user.locked_until is not None and user.locked_until > now:
        _record(session, EventName.SIGN_IN_FAILED, user, result="refused", reason="locked", addr=client_addr)
        raise NotAuthenticated(
            N_("连续输错密码,账号已锁定,请于%(until)s后再试,或联系安全管理员解锁。"),
            until=user.locked_until.astimezone(clock.BUSINESS_ZONE).strftime("%H:%M"),
        )
    # Verifying against a hash in any case takes the same time for a name that does not exist.
    matches = _verify(user.password_hash if user else _NOBODY, password)
    if user is None or not matches or not user.active:
        if user is not None:
            _count_failure(session, user, settings, client_addr)
        raise NotAuthenticated(WRONG)
    user.failed_sign_ins, user.locked_until = 0, None
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    token = secrets.token_urlsafe(32)
    session.add(
        SignInSession(
            token_hash=_digest(token),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(minutes=settings.session_absolute_minutes),
            client_addr=client_addr[:60],
            user_agent=user_agent[:200],
        )
    )
    _record(session, EventName.SIGNED_IN, user, addr=client_addr)
    return token


def _count_failure(session: Session, user: User, settings: Settings, client_addr: str) -> None:
    user.failed_sign_ins += 1
    _record(session, EventName.SIGN_IN_FAILED, user, result="refused", reason="password", addr=client_addr)
    if user.failed_sign_ins >= settings.lockout_tries:
        user.failed_sign_ins = 0
        user.locked_until = clock.now() + timedelta(minutes=settings.lockout_minutes)
        _record(session, EventName.ACCOUNT_LOCKED, user, minutes=settings.lockout_minutes)


def actor_for_token(session: Session, token: str, settings: Settings) -> Actor | None:
    """Return the actor of a live session, or None. Two statements; a third at most once a minute."""
    now = clock.now()
    row = session.execute(
        select(SignInSession, User)
        .join(User, User.id == SignInSession.user_id)
        .where(SignInSession.token_hash == _digest(token))
    ).one_or_none()
    if row is None:
        return None
    signed, user = row
    if signed.revoked_at is not None or signed.expires_at <= now or not user.active:
        return None
    actor = actor_of(session, user, signed.id)
    idle = settings.session_idle_minutes
    if actor.roles & set(ADMINISTRATORS):
        idle = min(idle, settings.admin_idle_minutes)
    if now - signed.last_seen_at > timedelta(minutes=idle):
        return None
    if now - signed.last_seen_at > TOUCH_EVERY and not session.info.get("read_only"):
        session.execute(update(SignInSession).where(SignInSession.id == signed.id).values(last_seen_at=now))
    return actor


def actor_of(session: Session, user: User, session_id: int | None = None) -> Actor:
    """Return the actor that a user is today, from the appointments held today."""
    today = clock.today()
    rows = session.execute(
        select(Appointment.id, Post.title, Post.role_code, Organisation.id, Organisation.name, Organisation.organ_id)
        .join(Post, Post.id == Appointment.post_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            Appointment.user_id == user.id,
            Appointment.starts_on <= today,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
        )
        .order_by(Appointment.id)
    )
    held = tuple(
        Held(key, title, role, unit_id, unit, organ_id or unit_id) for key, title, role, unit_id, unit, organ_id in rows
    )
    roles = frozenset(appointment.role_code for appointment in held)
    pools = {f"person:{user.id}"}
    for appointment in held:
        pools.add(f"{appointment.role_code}:{appointment.organisation_id}")
        pools.add(f"{appointment.role_code}:{appointment.organ_id}")
    where = f"{held[0].organisation}·{held[0].title}·" if held else ""
    return Actor(
        user_id=user.id,
        username=user.username,
        name=user.name,
        name_en=user.name_en,
        language=user.language,
        must_change_password=user.must_change_password,
        appointments=held,
        display=f"{where}{user.name}",
        roles=roles,
        pools=frozenset(pools),
        permissions=permissions_of(roles),
        session_id=session_id,
    )


def sign_out(session: Session, actor: Actor) -> None:
    """End the session that the actor came with."""
    if actor.session_id is not None:
        revoke(session, actor, actor.session_id)


def revoke(session: Session, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions at once; somebody else's is left alone."""
    session.execute(
        update(SignInSession)
        .where(
            SignInSession.id == session_id,
            SignInSession.user_id == actor.user_id,
            SignInSession.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )
    audit.append(session, audit.ACCESS, EventName.SESSION_REVOKED, actor=actor, facts={"session": session_id})


def revoke_all(session: Session, user_id: int) -> None:
    """End every session of a user."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def reauthenticate(session: Session, actor: Actor, password: str, settings: Settings) -> dict[str, object]:
    """Check the actor's password again and return the signature to bind into a form.

    An attestation by the product, not a reliable electronic signature in the sense of the Electronic
    Signature Law, Arts. 13-14. Raises `Invalid`; failed tries count towards the lock.
    """
    user = session.scalars(select(User).where(User.id == actor.user_id).with_for_update()).one()
    if user.locked_until is not None and user.locked_until > clock.now():
        raise Invalid(N_("账号已锁定,请稍后再试。"))
    if not _verify(user.password_hash, password):
        _count_failure(session, user, settings, "")
        raise Invalid(N_("密码不正确,没有签署。请重新输入本人密码。"))
    audit.append(session, audit.ACCESS, EventName.REAUTHENTICATED, actor=actor)
    return {
        "kind": "attestation",
        "user_id": actor.user_id,
        "display": actor.display,
        "at": clock.now().isoformat(timespec="seconds"),
    }


def change_password(session: Session, actor: Actor, old: str, new: str, settings: Settings) -> None:
    """Change one's own password; other sessions end. Raises `Invalid` by field."""
    user = session.scalars(select(User).where(User.id == actor.user_id).with_for_update()).one()
    errors: dict[str, list[str]] = {}
    if not _verify(user.password_hash, old):
        errors["old"] = [N_("当前密码不正确。")]
    if problem := password_problem(new, user.username, settings):
        errors["new"] = [problem]
    elif new == old:
        errors["new"] = [N_("新密码不能与当前密码相同。")]
    if errors:
        raise Invalid(N_("密码没有修改,请按提示检查。"), errors=errors)
    set_password(user, new, must_change=False)
    revoke_all(session, user.id)
    audit.append(session, audit.ACCESS, EventName.PASSWORD_CHANGED, actor=actor)


def set_password(user: User, password: str, *, must_change: bool) -> None:
    """Set a password that was checked before."""
    user.password_hash = hash_password(password)
    user.password_changed_at, user.must_change_password = clock.now(), must_change


def password_problem(password: str, username: str, settings: Settings) -> str | None:
    """Return what is wrong with a new password (SEC-04), or None: length, three of four kinds, not the name."""
    kinds = (
        any(character.islower() for character in password),
        any(character.isupper() for character in password),
        any(character.isdigit() for character in password),
        any(not character.isalnum() for character in password),
    )
    if len(password) < settings.password_min_length or sum(kinds) < 3:
        return N_("密码至少10位,并包含大写字母、小写字母、数字、符号中的三种。")
    if len(password) > MAX_PASSWORD:
        return N_("密码过长。")
    if username.lower() in password.lower():
        return N_("密码不能包含用户名。")
    return None


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _hashing:
        return _hasher.hash(password[:MAX_PASSWORD])


def _verify(stored: str, password: str) -> bool:
    try:
        with _hashing:
            return _hasher.verify(stored, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class _Account:
    user_id: int | None
    display: str


def _record(session: Session, event: EventName, user: User, result: str = "ok", **facts: object) -> None:
    author = _Account(user.id, user.name)
    audit.append(session, audit.ACCESS, event, actor=author, result=result, facts=facts)


def live_sessions(session: Session, actor: Actor) -> list[SignInSession]:
    """Return the actor's own sessions that have neither ended nor expired, the latest first."""
    now: datetime = clock.now()
    return list(
        session.scalars(
            select(SignInSession)
            .where(
                SignInSession.user_id == actor.user_id,
                SignInSession.revoked_at.is_(None),
                SignInSession.expires_at > now,
            )
            .order_by(SignInSession.last_seen_at.desc())
        )
    )
