"""Signing in, sessions, locks, passwords and signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event, func, select

from decision_flow import audit, clock, identity, passwords, roles
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.errors import NotAuthenticated, NotFound, NotPermitted
from decision_flow.identity import Permission
from decision_flow.models import AuditEvent, SignInSession, User
from tests.core.signing_in import enter, who

START = datetime(2026, 3, 9, 9, tzinfo=clock.BUSINESS_ZONE)
NEW = "Brand-new-word-1"
LAW_ROLES = [
    "proposer",
    "government_office",
    "undertaking_unit",
    "lead_unit",
    "consulted_unit",
    "public_participant",
    "hearing_host",
    "hearing_clerk",
    "hearing_participant",
    "expert",
    "risk_assessor",
    "fair_competition_reviewer",
    "legality_reviewer",
    "legality_head",
    "legal_adviser",
    "public_lawyer",
    "deputy_head",
    "meeting_member",
    "admin_head",
    "party_committee",
    "npc_liaison",
    "confidentiality_reviewer",
    "disclosure_officer",
    "spokesperson",
    "implementing_unit",
    "supervisor",
    "post_evaluator",
    "archivist",
    "oversight_reader",
    "system_admin",
    "security_admin",
    "audit_admin",
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
def moved() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def events(database: Database, name: EventName) -> list[AuditEvent]:
    with database.transaction(read_only=True) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.event == name.value).order_by(AuditEvent.id)))


def facts(found: AuditEvent) -> dict:
    return json.loads(found.canonical)["facts"]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_the_actor_is_what_the_appointments_of_today_make(database: Database, settings: Settings) -> None:
    actor = who(database, settings, enter(database, settings))
    assert actor is not None
    assert actor.display == "清河镇规划建设和生态环境办公室·主任·陈斌"
    assert actor.roles == {"undertaking_unit", "consulted_unit", "risk_assessor"}
    unit, organ = actor.appointments[0].organisation_id, actor.appointments[0].organ_id
    assert unit != organ
    assert {f"person:{actor.user_id}", f"undertaking_unit:{unit}", f"undertaking_unit:{organ}"} < actor.pools
    assert Permission.TASK_WORK in actor.permissions
    assert Permission.PEOPLE_READ not in actor.permissions
    with pytest.raises(NotPermitted):
        identity.require(actor, Permission.AUDIT_READ)


def test_every_role_of_the_law_has_its_names_and_can_see_its_own_account() -> None:
    # Besides the law's own: two people draw and publish procedures, and one keeps the numbers they count by.
    assert sorted(roles.ROLES) == sorted([*LAW_ROLES, "procedure_modeller", "procedure_publisher", "policy_keeper"])
    for role in roles.ROLES.values():
        assert role.label
        assert role.label_en
        assert Permission.ACCOUNT_OWN in role.permissions


def test_the_three_powers_do_not_overlap() -> None:
    """SEC-03: whoever keeps accounts gives no powers, whoever gives powers reads no trail, the auditor changes nothing."""
    of = {code: roles.ROLES[code].permissions for code in roles.ADMINISTRATORS}
    changing = {Permission.PEOPLE_MANAGE, Permission.APPOINTMENTS_MANAGE}
    assert of["system_admin"] & changing == {Permission.PEOPLE_MANAGE}
    assert of["security_admin"] & changing == {Permission.APPOINTMENTS_MANAGE}
    assert not of["audit_admin"] & changing
    # Of the three, the auditor alone reads the trail and signs checkpoints; a superior's reader only reads (Art. 8).
    readers = {code for code, role in roles.ROLES.items() if Permission.AUDIT_READ in role.permissions}
    assert readers == {"audit_admin", "oversight_reader"}
    assert [code for code, role in roles.ROLES.items() if Permission.AUDIT_SEAL in role.permissions] == ["audit_admin"]
    supervisor = roles.ROLES["oversight_reader"].permissions
    assert all(permission.value.endswith((":read", ":read_all", ":own")) for permission in supervisor)
    assert all(Permission.TASK_WORK not in of[code] for code in of)


def test_only_the_digest_of_a_token_is_stored(database: Database, settings: Settings) -> None:
    token = enter(database, settings)
    assert len(token) >= 43  # 256 bits in base64
    with database.transaction(read_only=True) as session:
        stored = session.scalars(select(SignInSession)).one()
    assert token not in (stored.token_hash, stored.user_agent)
    assert who(database, settings, stored.token_hash) is None
    assert who(database, settings, "") is None


def test_a_request_reads_once_and_writes_nothing(
    database: Database, settings: Settings, moved: time_machine.Traveller
) -> None:
    token = enter(database, settings)
    moved.shift(timedelta(minutes=5))
    with database.transaction(read_only=True) as session, statements(database) as seen:
        actor = identity.actor_for_token(session.connection(), token, settings)
    assert actor is not None
    assert [statement.split()[0] for statement in seen] == ["SELECT"]
    assert identity.is_due_for_touch(actor)
    with database.transaction() as session:
        identity.touch(session, actor)
    again = who(database, settings, token)
    assert again is not None
    assert again.seen_at == clock.now()
    assert not identity.is_due_for_touch(again)


@pytest.mark.parametrize("username, idle", [("chenbin", 30), ("security", 15)])
def test_an_idle_session_ends_earlier_for_administrators(
    database: Database, settings: Settings, moved: time_machine.Traveller, username: str, idle: int
) -> None:
    token = enter(database, settings, username)
    moved.shift(timedelta(minutes=idle))
    assert who(database, settings, token) is not None
    moved.shift(timedelta(seconds=1))
    assert who(database, settings, token) is None


def test_a_session_ends_with_its_day_however_busy(
    database: Database, settings: Settings, moved: time_machine.Traveller
) -> None:
    token = enter(database, settings)
    for _ in range(29):
        moved.shift(timedelta(minutes=20))
        actor = who(database, settings, token)
        assert actor is not None
        with database.transaction() as session:
            identity.touch(session, actor)
    moved.shift(timedelta(minutes=20))
    assert who(database, settings, token) is None


def test_five_wrong_tries_lock_for_fifteen_minutes(
    database: Database, settings: Settings, moved: time_machine.Traveller
) -> None:
    """SEC-05: the sixth try is refused even with the right password."""
    for _ in range(5):
        with pytest.raises(NotAuthenticated, match="用户名或密码不正确"):
            enter(database, settings, password="wrong")
    with pytest.raises(NotAuthenticated, match=r"已锁定，请于09:15后再试"):
        enter(database, settings)
    moved.shift(timedelta(minutes=15))
    assert who(database, settings, enter(database, settings)) is not None
    (locked,) = events(database, EventName.ACCOUNT_LOCKED)
    assert locked.actor == "清河镇规划建设和生态环境办公室·主任·陈斌"
    failed = [facts(found)["reason"] for found in events(database, EventName.SIGN_IN_FAILED)]
    assert failed == ["password"] * 5 + ["locked"]


def test_a_good_sign_in_forgets_earlier_slips(database: Database, settings: Settings) -> None:
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(NotAuthenticated):
                enter(database, settings, password="wrong")
        enter(database, settings)
    assert events(database, EventName.ACCOUNT_LOCKED) == []


def test_tries_compared_side_by_side_still_count_one_by_one(database: Database, settings: Settings) -> None:
    """Comparing happens outside the transaction: a right guess among many does not outrun the lock."""
    with database.transaction(read_only=True) as session:
        known = identity.look_up(session, "chenbin")
    right = identity.compare(known, PASSWORD)
    assert right.matches
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            enter(database, settings, attempt=replace(known, matches=False))
    with pytest.raises(NotAuthenticated, match="已锁定"):
        enter(database, settings, attempt=right)


def test_a_comparison_with_a_password_changed_meanwhile_counts_for_nothing(
    database: Database, settings: Settings
) -> None:
    with database.transaction(read_only=True) as session:
        right = identity.compare(identity.look_up(session, "chenbin"), PASSWORD)
    with database.transaction() as session:
        user = session.scalars(select(User).where(User.username == "chenbin")).one()
        identity.set_password(user, NEW, must_change=False)
    with pytest.raises(NotAuthenticated):
        enter(database, settings, attempt=right)


def test_an_unknown_name_is_told_the_same_and_hashed_the_same(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, strong_hashing: None
) -> None:
    with database.transaction() as session:
        user = session.scalars(select(User).where(User.username == "chenbin")).one()
        user.password_hash = passwords.hash_password(PASSWORD)
    compared: list[str] = []
    original = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda stored, word: compared.append(stored) or original(stored, word))
    with pytest.raises(NotAuthenticated) as known:
        enter(database, settings, "chenbin", "wrong")
    with pytest.raises(NotAuthenticated) as unknown:
        enter(database, settings, "nobody-here", "wrong")
    assert str(known.value) == str(unknown.value)
    assert len(compared) == 2
    assert all(stored.startswith("$argon2id$v=19$m=65536,") for stored in compared)
    last = events(database, EventName.SIGN_IN_FAILED)[-1]
    # Passwords are sometimes typed into the wrong box: the name itself is not written down.
    assert facts(last)["reason"] == "unknown"
    assert "nobody-here" not in last.canonical


def test_a_disabled_account_opens_nothing_and_loses_its_sessions(database: Database, settings: Settings) -> None:
    token = enter(database, settings)
    with database.transaction() as session:
        session.scalars(select(User).where(User.username == "chenbin")).one().active = False
    assert who(database, settings, token) is None
    with pytest.raises(NotAuthenticated, match="用户名或密码不正确"):
        enter(database, settings)


def test_demo_accounts_open_nothing_outside_demo_mode(database: Database, settings: Settings) -> None:
    """SEC-08: their password is public."""
    token = enter(database, settings)
    real = replace(settings, demo=False)
    assert who(database, real, token) is None
    with pytest.raises(NotAuthenticated, match="演示模式"):
        enter(database, real)


def test_signing_in_again_ends_the_session_that_the_browser_came_with(database: Database, settings: Settings) -> None:
    first = enter(database, settings)
    elsewhere = enter(database, settings)
    second = enter(database, settings, replaces=first)
    assert len({first, elsewhere, second}) == 3
    assert who(database, settings, first) is None
    assert who(database, settings, elsewhere) is not None
    assert who(database, settings, second) is not None


def test_one_ends_ones_own_sessions_only(database: Database, settings: Settings) -> None:
    here, there = enter(database, settings), enter(database, settings)
    stranger = enter(database, settings, "linyue")
    me, other = who(database, settings, here), who(database, settings, stranger)
    theirs = who(database, settings, there)
    with pytest.raises(NotFound), database.transaction() as session:
        identity.revoke(session, other, me.session_id)
    with database.transaction() as session:
        assert {found.id for found in identity.live_sessions(session, me, settings)} == {
            me.session_id,
            theirs.session_id,
        }
        identity.revoke(session, me, theirs.session_id)
    assert who(database, settings, there) is None
    with database.transaction() as session:
        identity.sign_out(session, me)
    assert who(database, settings, here) is None
    assert who(database, settings, stranger) is not None
    assert len(events(database, EventName.SESSION_REVOKED)) == len(events(database, EventName.SIGNED_OUT)) == 1


def test_the_trail_of_access_holds(database: Database, settings: Settings) -> None:
    token = enter(database, settings)
    with pytest.raises(NotAuthenticated):
        enter(database, settings, password="wrong")
    with database.transaction() as session:
        identity.sign_out(session, who(database, settings, token))
    with database.transaction(read_only=True) as session:
        assert audit.verify(session, audit.ACCESS) is None
        counted = session.scalar(select(func.count()).where(AuditEvent.stream == audit.ACCESS))
        words = session.scalars(select(AuditEvent.canonical).where(AuditEvent.stream == audit.ACCESS)).all()
    assert counted == 3
    assert not any(secret in text for text in words for secret in (token, PASSWORD, "wrong"))
