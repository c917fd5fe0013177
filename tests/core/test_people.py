"""Accounts, appointments, units, posts and the first administrators: who may, what stays, what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock, identity, organisations, passwords, people
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Conflict, Invalid, NotAuthenticated, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import Appointment, AuditEvent
from tests.core.registry import account, entered, new_user, person, post, recorded

TODAY = clock.today()
YESTERDAY, LATER = TODAY - timedelta(days=1), TODAY + timedelta(days=30)


# --- who may ---------------------------------------------------------------------------------------------
SYSTEM: dict[str, Callable[[Session, Actor, Settings], Any]] = {
    "create_user": lambda s, a, c: people.create_user(s, a, "x1", "某人", c),
    "change_user": lambda s, a, c: people.change_user(s, a, 1, {"name": "某人"}),
    "set_active": lambda s, a, c: people.set_active(s, a, 1, False),
    "create_organisation": lambda s, a, c: organisations.create_organisation(s, a, {}),
    "change_organisation": lambda s, a, c: organisations.change_organisation(s, a, 1, {}),
    "create_post": lambda s, a, c: organisations.create_post(s, a, 1, "某岗", "expert"),
    "change_post": lambda s, a, c: organisations.change_post(s, a, 1, "某岗", "", True),
}
SECURITY: dict[str, Callable[[Session, Actor, Settings], Any]] = {
    "unlock": lambda s, a, c: people.unlock(s, a, 1),
    "reset_password": lambda s, a, c: people.reset_password(s, a, 1, c),
    "make_appointment": lambda s, a, c: people.make_appointment(s, a, 1, 1, TODAY),
    "end_appointment": lambda s, a, c: people.end_appointment(s, a, 1, TODAY),
}
READING: dict[str, Callable[[Session, Actor, Settings], Any]] = {
    "users": lambda s, a, c: people.users(s, a),
    "user": lambda s, a, c: people.user(s, a, 1),
    "tree": lambda s, a, c: organisations.tree(s, a),
    "organisation": lambda s, a, c: organisations.organisation(s, a, 1),
    "posts": lambda s, a, c: organisations.posts(s, a),
}


@pytest.mark.parametrize(
    "username, name, act",
    [(who, name, act) for who in ("security", "audit", "zhoukai") for name, act in SYSTEM.items()]
    + [(who, name, act) for who in ("admin", "audit", "zhoukai") for name, act in SECURITY.items()]
    + [("zhoukai", name, act) for name, act in READING.items()],
)
def test_everybody_else_is_refused(
    database: Database, settings: Settings, username: str, name: str, act: Callable[..., Any]
) -> None:
    with database.transaction() as session:
        actor = person(session, username)
        with pytest.raises(NotPermitted):
            act(session, actor, settings)


# --- accounts --------------------------------------------------------------------------------------------
def test_a_new_account_has_a_password_shown_once_and_must_change_it(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        made, password = people.create_user(session, person(session, "admin"), "qianjin", "钱进", settings)
        user_id = made.id
        event = recorded(session, EventName.USER_CREATED)
    assert event["facts"] == {"id": user_id, "username": "qianjin", "name": "钱进"}
    assert event["actor"]["display"] == "区政府办公室·系统管理员·系统管理员"
    with database.transaction() as session:
        token = identity.sign_in(session, "qianjin", password, settings, "", "")
        assert entered(session, token, settings).must_change_password
        assert password not in "".join(session.scalars(select(AuditEvent.canonical)))


@pytest.mark.parametrize(
    "username, name, wrong",
    [("chenbin", "某人", {"username"}), ("ChenBin", "某人", {"username"}), ("a b", "", {"username", "name"})],
)
def test_an_account_needs_a_name_of_its_own(
    database: Database, settings: Settings, username: str, name: str, wrong: set[str]
) -> None:
    with database.transaction() as session, pytest.raises(Invalid) as found:
        people.create_user(session, person(session, "admin"), username, name, settings)
    assert set(found.value.errors) == wrong


def test_a_change_is_recorded_with_what_stood_before(database: Database) -> None:
    with database.transaction() as session:
        admin, user_id = person(session, "admin"), account(session, "chenbin").id
        values = {"name": "陈彬", "name_en": "Chen Bin", "phone": "", "email": "chen@example.com"}
        people.change_user(session, admin, user_id, values)
        facts = recorded(session, EventName.USER_CHANGED)["facts"]
        assert facts["before"] == {"name": "陈斌", "email": ""}
        assert facts["after"] == {"name": "陈彬", "email": "chen@example.com"}
        seq = recorded(session, EventName.USER_CHANGED)["seq"]
        people.change_user(session, admin, user_id, values)
        assert recorded(session, EventName.USER_CHANGED)["seq"] == seq
        with pytest.raises(Invalid) as found:
            people.change_user(session, admin, user_id, {"name": " ", "email": "@", "phone": "1" * 41})
    assert set(found.value.errors) == {"name", "email", "phone"}


def test_disabling_ends_the_sessions_and_keeps_the_history(database: Database, settings: Settings) -> None:
    demo = replace(settings, demo=True)
    with database.transaction() as session:
        token = identity.sign_in(session, "chenbin", "Demo-2026-pass", demo, "", "")
        admin, found = person(session, "admin"), account(session, "chenbin")
        people.set_active(session, admin, found.id, False)
        assert entered(session, token, demo) is None
        people.set_active(session, admin, found.id, True)
        assert entered(session, token, demo) is None
        assert len(people.user(session, admin, found.id).appointments) == 3
        assert recorded(session, EventName.USER_ENABLED)["seq"] > recorded(session, EventName.USER_DISABLED)["seq"]
        with pytest.raises(Conflict, match="自己"):
            people.set_active(session, admin, admin.user_id, False)


def test_a_reset_unlocks_and_the_old_password_is_gone(database: Database, settings: Settings) -> None:
    demo = replace(settings, demo=True)
    with database.transaction() as session:
        found = account(session, "chenbin")
        found.locked_until = clock.now() + timedelta(minutes=5)
        security = person(session, "security")
        password = people.reset_password(session, security, found.id, settings)
        assert passwords.problem(password, "chenbin", settings) is None
        token = identity.sign_in(session, "chenbin", password, demo, "", "")
        assert entered(session, token, demo).must_change_password
        with pytest.raises(NotAuthenticated):
            identity.sign_in(session, "chenbin", "Demo-2026-pass", demo, "", "")
        with pytest.raises(Conflict, match="我的账号"):
            people.reset_password(session, security, security.user_id, settings)


def test_unlocking_keeps_the_password(database: Database, settings: Settings) -> None:
    demo = replace(settings, demo=True)
    with database.transaction() as session:
        found = account(session, "chenbin")
        found.locked_until, found.failed_sign_ins = clock.now() + timedelta(minutes=5), 3
        people.unlock(session, person(session, "security"), found.id)
        assert identity.sign_in(session, "chenbin", "Demo-2026-pass", demo, "", "")
        assert recorded(session, EventName.ACCOUNT_UNLOCKED)["facts"]["name"] == "陈斌"


def test_people_are_found_by_name_unit_and_post(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        audit_admin = person(session, "audit")

        def names(text: str) -> set[str]:
            return {found.username for found in people.users(session, audit_admin, text, per_page=100).rows}

        everybody = names("")
        assert names("陈斌") == {"chenbin"}
        assert names("CHENB") == {"chenbin"}
        assert {"chenbin", "wuting"} <= names("规划建设") < everybody
        assert "gaojianming" in names("镇长")
        assert names("%") == names("_") == set()
        assert names("没有这样的人") == set()


def test_pages_hold_all_people_once(database: Database) -> None:
    with database.transaction() as session:
        admin = person(session, "admin")
        whole = people.users(session, admin, per_page=1000)
        pages = [people.users(session, admin, page=n, per_page=7) for n in range(1, -(-whole.total // 7) + 1)]
        assert [row.id for page in pages for row in page.rows] == [row.id for row in whole.rows]
        assert people.users(session, admin, page=10_000, per_page=7).page == pages[-1].page == pages[0].pages
        with pytest.raises(NotFound):
            people.user(session, admin, 10_000)


# --- appointments ----------------------------------------------------------------------------------------
def test_an_appointment_gives_its_role_from_its_day_to_its_last(
    database: Database, settings: Settings, travel: Callable[[date], None]
) -> None:
    with database.transaction() as session:
        made = new_user(session, settings)
        security, expert = person(session, "security"), post(session, "expert")
        people.make_appointment(session, security, made.id, expert.id, LATER, LATER + timedelta(days=2))
        assert recorded(session, EventName.APPOINTMENT_MADE)["facts"]["ends_on"] == str(LATER + timedelta(days=2))
        for days, held in ((-1, False), (0, True), (2, True), (3, False)):
            travel(LATER + timedelta(days=days))
            assert ("expert" in identity.actor_of(session, made).roles) is held


def test_an_ended_appointment_stays_and_cannot_be_revived(database: Database) -> None:
    with database.transaction() as session:
        security, found = person(session, "security"), account(session, "chenbin")
        held = people.user(session, security, found.id).appointments
        people.end_appointment(session, security, held[0].id, YESTERDAY)
        facts = recorded(session, EventName.APPOINTMENT_ENDED)["facts"]
        assert (facts["before"], facts["after"]) == (None, str(YESTERDAY))
        assert len(people.user(session, security, found.id).appointments) == len(held)
        assert held[0].post.role_code not in identity.actor_of(session, found).roles
        with pytest.raises(Conflict, match="已经结束"):
            people.end_appointment(session, security, held[0].id, LATER)
        with pytest.raises(Invalid):
            people.end_appointment(session, security, held[1].id, held[1].starts_on - timedelta(days=1))
        with pytest.raises(NotFound):
            people.end_appointment(session, security, 10_000, TODAY)


@pytest.mark.parametrize(
    "giving, holding", [("expert", "system_admin"), ("audit_admin", "security_admin"), ("system_admin", "expert")]
)
def test_an_administrator_holds_nothing_else(database: Database, settings: Settings, giving: str, holding: str) -> None:
    """SOD-13, whichever came first, and also when the other appointment is still to come."""
    with database.transaction() as session:
        made, security = new_user(session, settings), person(session, "security")
        people.make_appointment(session, security, made.id, post(session, holding).id, LATER)
        with pytest.raises(Refused) as found:
            people.make_appointment(session, security, made.id, post(session, giving).id, TODAY)
        assert found.value.rule == "SOD-13"
        # One after the other is no overlap.
        people.make_appointment(session, security, made.id, post(session, giving).id, TODAY, LATER - timedelta(days=1))


def test_an_exception_needs_reason_and_an_approver_who_is_neither(database: Database, settings: Settings) -> None:
    """SOD-13 with SOD-14."""
    with database.transaction() as session:
        made, security = new_user(session, settings), person(session, "security")
        people.make_appointment(session, security, made.id, post(session, "system_admin").id, TODAY)

        def give(reason: str, approver: str) -> Appointment:
            return people.make_appointment(
                session, security, made.id, post(session, "expert").id, TODAY,
                exception_reason=reason, exception_approver=approver,
            )  # fmt: skip

        for reason, approver, rule in (
            ("人手不足", " ", "SOD-13"), ("", "高建明", "SOD-13"),
            ("人手不足", "钱进", "SOD-14"), ("人手不足", security.name, "SOD-14"),
        ):  # fmt: skip
            with pytest.raises(Refused) as found:
                give(reason, approver)
            assert found.value.rule == rule
        give("人手不足", "高建明")
        event = recorded(session, EventName.EXCEPTION_RECORDED)
        assert event["rules"] == ["SOD-13"]
        assert event["facts"]["reason"] == "人手不足"
        assert event["facts"]["approver"] == "高建明"


def test_nobody_appoints_themselves(database: Database) -> None:
    with database.transaction() as session:
        security = person(session, "security")
        with pytest.raises(Refused) as found:
            people.make_appointment(session, security, security.user_id, post(session, "audit_admin").id, TODAY)
        assert found.value.rule == "SOD-14"


def test_an_appointment_that_makes_no_sense_is_told(database: Database) -> None:
    with database.transaction() as session:
        security, chenbin, wuting = person(session, "security"), account(session, "chenbin"), account(session, "wuting")
        mine = people.user(session, security, chenbin.id).appointments[0].post_id
        expert = post(session, "expert")
        with pytest.raises(Invalid) as twice:
            people.make_appointment(session, security, chenbin.id, mine, TODAY)
        with pytest.raises(Invalid) as nowhere:
            people.make_appointment(session, security, chenbin.id, 10_000, TODAY, YESTERDAY)
        wuting.active = False
        with pytest.raises(Conflict, match="停用"):
            people.make_appointment(session, security, wuting.id, expert.id, TODAY)
    assert set(twice.value.errors) == {"post_id"}
    assert set(nowhere.value.errors) == {"post_id", "ends_on"}


def test_the_last_holder_of_a_power_stays(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        security, admin = person(session, "security"), person(session, "admin")
        auditor = people.user(session, security, account(session, "audit").id)
        auditing = auditor.appointments[0]
    for act in (
        lambda session: people.end_appointment(session, security, auditing.id, TODAY),
        lambda session: people.set_active(session, admin, auditor.id, False),
    ):
        with pytest.raises(Conflict, match="继任者"), database.transaction() as session:
            act(session)
    with database.transaction() as session:
        successor = new_user(session, settings)
        people.make_appointment(session, security, successor.id, auditing.post_id, TODAY)
    with database.transaction() as session:
        people.end_appointment(session, security, auditing.id, TODAY)
        people.set_active(session, admin, auditor.id, False)
