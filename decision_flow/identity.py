"""Who acts: signing in, sessions on the server, and the actor that every operation is given.

A session's token is 256 random bits in the cookie; only its SHA-256 is stored, so that a copied database
opens no session. A session ends when it is idle (earlier for administrators), when its day is over, when it
is revoked, and with the account. An account locks after failed tries, wherever they were made (SEC-05); who
is locked is told so and until when, although this shows that the name exists: an official must know.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.orm import Session

from decision_flow import actors, audit, clock, passwords
from decision_flow.actors import Actor, actor_of
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid, NotAuthenticated, NotFound, NotPermitted
from decision_flow.models import SignInSession, User
from decision_flow.passwords import hash_password
from decision_flow.roles import ADMINISTRATORS, ROLES, Permission

__all__ = ["ADMINISTRATORS", "ROLES", "Actor", "Permission", "actor_of", "hash_password", "require"]

TOUCH_EVERY = timedelta(minutes=1)
WRONG = N_("用户名或密码不正确。")
DEMO_ONLY = N_("演示账号只能在演示模式下使用。")
LOCKED = N_("连续输错密码，账号已锁定，请于%(until)s后再试，或联系安全管理员解锁。")


@dataclass(frozen=True)
class Attempt:
    """A try to sign in: what the register holds for the name typed, and whether the password fits."""

    user_id: int | None
    stored: str
    matches: bool = False
    renewed: str = ""


def require(actor: Actor, permission: Permission) -> None:
    """Raise `NotPermitted` unless the actor has the permission."""
    if permission not in actor.permissions:
        raise NotPermitted(N_("您没有办理此事的权限。如确需办理，请联系安全管理员。"))


def look_up(session: Session, username: str) -> Attempt:
    """Return what is known of a name; an unknown one is compared with a hash that nothing matches."""
    # Made before it is known whether it is needed: the first answer of a process must not tell either.
    otherwise = passwords.nobody()
    row = session.execute(select(User.id, User.password_hash).where(User.username == username.strip()[:60])).first()
    return Attempt(*row) if row else Attempt(None, otherwise)


def compare(attempt: Attempt, password: str) -> Attempt:
    """Return the attempt with its outcome. Slow on purpose, so called while no transaction is open."""
    fits = passwords.matches(attempt.stored, password)
    renewed = passwords.hash_password(password) if fits and passwords.is_outdated(attempt.stored) else ""
    return replace(attempt, matches=fits and attempt.user_id is not None, renewed=renewed)


def sign_in(
    session: Session,
    username: str,
    password: str,
    settings: Settings,
    client_addr: str,
    user_agent: str,
    *,
    attempt: Attempt | None = None,
    replaces: str = "",
) -> str:
    """Open a session for whoever knows the password; return its token.

    `attempt` is the comparison made beforehand; without it the password is compared here. `replaces` is the
    token that the browser came with: that session ends. Raises `NotAuthenticated` without telling whether
    the name exists, takes equally long either way, and tells a locked account until when. A failed try is
    counted in this transaction: the caller commits it even then.
    """
    attempt = attempt or compare(look_up(session, username), password)
    user = (
        session.get(User, attempt.user_id, with_for_update={"key_share": True}) if attempt.user_id is not None else None
    )
    if user is None:
        name = hashlib.sha256(username.strip().encode()).hexdigest()[:16]
        _record(session, EventName.SIGN_IN_FAILED, _NOBODY, "refused", reason="unknown", name=name, addr=client_addr)
        raise NotAuthenticated(WRONG)
    author = actor_of(session, user)
    if user.locked_until is not None and user.locked_until > clock.now():
        _record(session, EventName.SIGN_IN_FAILED, author, "refused", reason="locked", addr=client_addr)
        raise NotAuthenticated(LOCKED, until=_until(user.locked_until))
    # Several comparisons may have run side by side; they count one after the other, under the row's lock.
    if not attempt.matches or user.password_hash != attempt.stored:
        _count_failure(session, user, author, settings, client_addr)
        raise NotAuthenticated(WRONG)
    if not _may_enter(user, settings):
        _record(session, EventName.SIGN_IN_FAILED, author, "refused", reason="disabled", addr=client_addr)
        raise NotAuthenticated(DEMO_ONLY if user.active else WRONG)
    user.failed_sign_ins, user.locked_until = 0, None
    if attempt.renewed:
        user.password_hash = attempt.renewed
    if replaces:
        _end(session, SignInSession.token_hash == _digest(replaces))
    _record(session, EventName.SIGNED_IN, author, addr=client_addr)
    return _open(session, user.id, settings, client_addr, user_agent)


def actor_for_token(connection: Connection, token: str, settings: Settings) -> Actor | None:
    """Return the actor of a live session, or None. One statement, and it writes nothing (see `touch`)."""
    rows = actors.of_session(connection, _digest(token))
    now = clock.now()
    if not rows:
        return None
    first = rows[0]
    if first.revoked_at is not None or first.expires_at <= now or not _may_enter(first, settings):
        return None
    actor = actors.build(first, rows, actors.acting_of(connection, first.user_id) if first.substitutes else ())
    if now - first.last_seen_at > _idle(actor, settings):
        return None
    stale = not first.is_demo and passwords.has_expired(first.password_changed_at, settings)
    return replace(
        actor,
        session_id=first.session_id,
        seen_at=first.last_seen_at,
        must_change_password=first.must_change_password or stale,
    )


def is_due_for_touch(actor: Actor) -> bool:
    """Whether the actor's session was last noted as used more than a minute ago."""
    return actor.seen_at is not None and clock.now() - actor.seen_at > TOUCH_EVERY


def touch(session: Session, actor: Actor) -> None:
    """Note that the actor's session is in use."""
    session.execute(update(SignInSession).where(SignInSession.id == actor.session_id).values(last_seen_at=clock.now()))


def owner_of(session: Session, token: str) -> int | None:
    """Return whose session it was, ended or not; None for a token never given out."""
    return session.scalar(select(SignInSession.user_id).where(SignInSession.token_hash == _digest(token)))


def sign_out(session: Session, actor: Actor) -> None:
    """End the session that the actor came with."""
    if actor.session_id is not None:
        _end(session, SignInSession.id == actor.session_id)
        _record(session, EventName.SIGNED_OUT, actor)


def revoke(session: Session, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions at once. Raises `NotFound` for any other."""
    if not _end(session, SignInSession.id == session_id, SignInSession.user_id == actor.user_id):
        raise NotFound(N_("没有这次登录，或者它已经退出。"))
    _record(session, EventName.SESSION_REVOKED, actor, sign_in=session_id)


def revoke_all(session: Session, user_id: int) -> None:
    """End every session of a user."""
    _end(session, SignInSession.user_id == user_id)


def live_sessions(session: Session, actor: Actor, settings: Settings) -> list[SignInSession]:
    """Return the actor's own sessions that can still be used, the latest first."""
    now = clock.now()
    return list(
        session.scalars(
            select(SignInSession)
            .where(
                SignInSession.user_id == actor.user_id,
                SignInSession.revoked_at.is_(None),
                SignInSession.expires_at > now,
                SignInSession.last_seen_at >= now - _idle(actor, settings),
            )
            .order_by(SignInSession.last_seen_at.desc())
        )
    )


def reauthenticate(session: Session, actor: Actor, password: str, settings: Settings) -> dict[str, object]:
    """Check the actor's password again and return the signature to bind into a form.

    An attestation by the product, not a reliable electronic signature in the sense of the Electronic
    Signature Law, Arts. 13-14. Raises `Invalid`; the caller commits even then, for the try counts.
    """
    user = _confirmed(session, actor, password, settings)
    if user is None:
        raise Invalid(N_("密码不正确，没有签署。请重新输入本人密码。"))
    _record(session, EventName.REAUTHENTICATED, actor)
    return {
        "kind": "attestation",
        "user_id": actor.user_id,
        "display": actor.display,
        "at": clock.now().isoformat(timespec="seconds"),
    }


def change_password(
    session: Session, actor: Actor, old: str, new: str, settings: Settings, client_addr: str = "", user_agent: str = ""
) -> str:
    """Change one's own password: every session ends, and the token of a new one is returned.

    Raises `Invalid` by field; the caller commits even then, for a wrong `old` counts as a failed try.
    """
    user = _confirmed(session, actor, old, settings)
    errors: dict[str, list[str]] = {}
    if user is None:
        errors["old"] = [N_("当前密码不正确。")]
    if problem := passwords.problem(new, actor.username, settings):
        errors["new"] = [problem]
    elif new == old:
        errors["new"] = [N_("新密码不能与当前密码相同。")]
    if user is None or errors:
        raise Invalid(N_("密码没有修改，请按提示检查。"), errors=errors)
    set_password(user, new, must_change=False)
    revoke_all(session, user.id)
    _record(session, EventName.PASSWORD_CHANGED, actor)
    return _open(session, user.id, settings, client_addr, user_agent)


def set_password(user: User, password: str, *, must_change: bool) -> None:
    """Set a password that was checked before, and unlock the account."""
    user.password_hash = hash_password(password)
    user.password_changed_at, user.must_change_password = clock.now(), must_change
    user.failed_sign_ins, user.locked_until = 0, None


def set_language(session: Session, actor: Actor, language: str) -> None:
    """Remember the language of the actor's pages: "zh", "en", or "" for that of the installation."""
    was = session.scalar(select(User.language).where(User.id == actor.user_id)) or ""
    if was != language:
        session.execute(update(User).where(User.id == actor.user_id).values(language=language))
        _record(session, EventName.OWN_CHOICES_CHANGED, actor, before={"language": was}, after={"language": language})


@dataclass(frozen=True)
class _Nobody:
    """Whoever typed a name that no account has."""

    user_id: int | None = None
    display: str = "未登录"


_NOBODY = _Nobody()


def _may_enter(user: User | Row[*tuple[Any, ...]], settings: Settings) -> bool:
    # A demo account's password is public: outside demo mode it opens nothing (SEC-08).
    return bool(user.active and (settings.demo or not user.is_demo))


def _idle(actor: Actor, settings: Settings) -> timedelta:
    administers = actor.roles & set(ADMINISTRATORS)
    minutes = settings.session_idle_minutes
    return timedelta(minutes=min(minutes, settings.admin_idle_minutes) if administers else minutes)


def _confirmed(session: Session, actor: Actor, password: str, settings: Settings) -> User | None:
    """Return the actor's row, locked, if the password is theirs; else count the failed try."""
    user = session.get_one(User, actor.user_id, with_for_update={"key_share": True})
    if user.locked_until is not None and user.locked_until > clock.now():
        raise Invalid(LOCKED, until=_until(user.locked_until))
    if not passwords.matches(user.password_hash, password):
        _count_failure(session, user, actor, settings, "")
        return None
    user.failed_sign_ins = 0
    return user


def _count_failure(session: Session, user: User, author: audit.Author, settings: Settings, addr: str) -> None:
    user.failed_sign_ins += 1
    _record(session, EventName.SIGN_IN_FAILED, author, "refused", reason="password", addr=addr)
    if user.failed_sign_ins >= settings.lockout_tries:
        user.failed_sign_ins = 0
        user.locked_until = clock.now() + timedelta(minutes=settings.lockout_minutes)
        _record(session, EventName.ACCOUNT_LOCKED, author, minutes=settings.lockout_minutes)


def _open(session: Session, user_id: int, settings: Settings, client_addr: str, user_agent: str) -> str:
    token, now = secrets.token_urlsafe(32), clock.now()
    session.add(
        SignInSession(
            token_hash=_digest(token),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(minutes=settings.session_absolute_minutes),
            client_addr=client_addr[:60],
            user_agent=user_agent[:200],
        )
    )
    return token


def _end(session: Session, *which: object) -> bool:
    ended = session.scalars(
        update(SignInSession)
        .where(*which, SignInSession.revoked_at.is_(None))  # type: ignore[arg-type]
        .values(revoked_at=clock.now())
        .returning(SignInSession.id)
    ).all()
    return bool(ended)


def _until(moment: datetime) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).strftime("%H:%M")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(session: Session, event: EventName, author: audit.Author, result: str = "ok", **facts: object) -> None:
    audit.append(session, audit.ACCESS, event, actor=author, result=result, facts=facts)
