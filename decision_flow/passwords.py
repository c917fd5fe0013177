"""Passwords: hashing, comparing, what makes a good one (SEC-04), and temporary ones."""

from __future__ import annotations

import secrets
import string
import threading
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from decision_flow import clock
from decision_flow.config import Settings
from decision_flow.errors import N_, Text

MAX_LENGTH = 200
_hasher = PasswordHasher()
# Each hash takes 64 MB; more at once than cores would only exhaust memory.
_hashing = threading.BoundedSemaphore(2)


@cache
def nobody() -> str:
    """Return what a name that no account has is compared with, so that its answer takes as long as any other."""
    return hash_password(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its own salt."""
    with _hashing:
        return _hasher.hash(password[:MAX_LENGTH])


def matches(stored: str, password: str) -> bool:
    """Whether `password` is the one that was hashed; an empty or broken hash matches nothing."""
    try:
        with _hashing:
            return _hasher.verify(stored, password[:MAX_LENGTH])
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


def has_expired(changed_at: datetime | None, settings: Settings) -> bool:
    """Whether a password set at `changed_at` must be changed by its age (SEC-04; 0 days: never)."""
    if changed_at is None or settings.password_days == 0:
        return False
    return clock.now() - changed_at > timedelta(days=settings.password_days)


def problem(password: str, username: str, settings: Settings) -> str | None:
    """Return what is wrong with a new password (SEC-04), or None: length, three of four kinds, not the name."""
    kinds = (
        any(character.islower() for character in password),
        any(character.isupper() for character in password),
        any(character.isdecimal() for character in password),
        any(not character.isalnum() for character in password),
    )
    if len(password) < settings.password_min_length or sum(kinds) < 3:
        return Text.of(N_("密码至少%s位，并包含大写字母、小写字母、数字、符号中的三种。"), settings.password_min_length)
    if len(password) > MAX_LENGTH:
        return N_("密码过长。")
    if username and username.lower() in password.lower():
        return N_("密码不能包含用户名。")
    return None


def temporary(settings: Settings) -> str:
    """Return a random password that meets SEC-04, without letters that are easily confused."""
    alphabet = [character for character in string.ascii_letters + string.digits if character not in "0O1lI"]
    length = max(10, settings.password_min_length)
    return "".join(secrets.choice(alphabet) for _ in range(length)) + "-7aK"
