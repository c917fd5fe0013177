"""Passwords: changing them, their age and quality, and signing with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock, identity, passwords
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.errors import Invalid, NotAuthenticated
from decision_flow.models import User
from tests.core.signing_in import enter, who

START = datetime(2026, 3, 9, 9, tzinfo=clock.BUSINESS_ZONE)
NEW = "Brand-new-word-1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
def moved() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_changing_the_password_ends_every_other_session(database: Database, settings: Settings) -> None:
    here, there = enter(database, settings), enter(database, settings)
    with database.transaction() as session:
        fresh = identity.change_password(session, who(database, settings, here), PASSWORD, NEW, settings)
    assert who(database, settings, here) is None
    assert who(database, settings, there) is None
    assert who(database, settings, fresh) is not None
    with pytest.raises(NotAuthenticated):
        enter(database, settings)
    assert enter(database, settings, password=NEW)


def test_the_old_password_cannot_be_guessed_through_the_change(database: Database, settings: Settings) -> None:
    actor = who(database, settings, enter(database, settings))
    for _ in range(5):
        with database.transaction() as session, pytest.raises(Invalid) as found:
            identity.change_password(session, actor, "wrong", NEW, settings)
        assert set(found.value.errors) == {"old"}
    with database.transaction() as session, pytest.raises(Invalid, match="已锁定"):
        identity.change_password(session, actor, PASSWORD, NEW, settings)


def test_all_that_is_wrong_with_a_change_is_told_at_once(database: Database, settings: Settings) -> None:
    actor = who(database, settings, enter(database, settings))
    with database.transaction() as session, pytest.raises(Invalid) as found:
        identity.change_password(session, actor, "wrong", "short", settings)
    assert set(found.value.errors) == {"old", "new"}
    with database.transaction() as session, pytest.raises(Invalid) as found:
        identity.change_password(session, actor, PASSWORD, PASSWORD, settings)
    assert found.value.errors == {"new": ["新密码不能与当前密码相同。"]}


def test_a_password_expires_after_ninety_days(
    database: Database, settings: Settings, moved: time_machine.Traveller
) -> None:
    """SEC-04; a demo account's password belongs to the demo and does not."""

    def must_change(token: str, under: Settings = settings) -> bool:
        return who(database, under, token).must_change_password

    with database.transaction() as session:
        for user in session.scalars(select(User).where(User.username.in_(("chenbin", "linyue")))):
            user.password_changed_at, user.is_demo = clock.now(), user.username == "linyue"
    moved.shift(timedelta(days=90))
    assert not must_change(enter(database, settings))
    moved.shift(timedelta(seconds=1))
    token = enter(database, settings)
    assert must_change(token)
    assert not must_change(token, replace(settings, password_days=0))
    assert not must_change(enter(database, settings, "linyue"))


def test_a_signature_says_who_and_when_and_a_wrong_one_counts(
    database: Database, settings: Settings, moved: time_machine.Traveller
) -> None:
    actor = who(database, settings, enter(database, settings))
    with database.transaction() as session:
        signed = identity.reauthenticate(session, actor, PASSWORD, settings)
    assert signed == {
        "kind": "attestation",
        "user_id": actor.user_id,
        "display": "清河镇规划建设和生态环境办公室·主任·陈斌",
        "at": "2026-03-09T01:00:00+00:00",
    }
    for _ in range(5):
        with database.transaction() as session, pytest.raises(Invalid, match="没有签署"):
            identity.reauthenticate(session, actor, "wrong", settings)
    with database.transaction() as session, pytest.raises(Invalid, match="已锁定"):
        identity.reauthenticate(session, actor, PASSWORD, settings)


@pytest.mark.parametrize(
    "word, told",
    [
        ("Ab1-Ab1-A", "至少10位"),
        ("alllowercase1", "三种"),
        ("Chenbin-2026", "用户名"),
        ("Aa1-" * 51, "过长"),
        ("Abcdef-ghijk", ""),
        ("密码Abc-12345", ""),
    ],
)
def test_what_makes_a_password_good(settings: Settings, word: str, told: str) -> None:
    problem = passwords.problem(word, "chenbin", settings)
    assert told in problem if told else problem is None


def test_a_temporary_password_is_good_and_never_the_same(settings: Settings) -> None:
    long = replace(settings, password_min_length=24)
    made = {passwords.temporary(settings) for _ in range(200)}
    assert len(made) == 200
    assert all(passwords.problem(word, "chenbin", settings) is None for word in made)
    assert passwords.problem(passwords.temporary(long), "chenbin", long) is None


def test_a_hash_of_former_times_is_renewed_at_sign_in(
    database: Database, settings: Settings, strong_hashing: None
) -> None:
    def stored(session: Session) -> User:
        return session.scalars(select(User).where(User.username == "chenbin")).one()

    with database.transaction() as session:
        stored(session).password_hash = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    enter(database, settings)
    with database.transaction(read_only=True) as session:
        assert "m=65536" in stored(session).password_hash
    enter(database, settings)


def test_a_broken_or_empty_hash_opens_nothing() -> None:
    assert not passwords.matches("", "")
    assert not passwords.matches("$argon2id$nonsense", "x")
    assert not passwords.matches(passwords.nobody(), "")
