"""Accounts, appointments, units, posts and the first administrators: who may, what stays, what is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, first_run, identity, migrations, organisations, passwords, people
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Conflict, Invalid, NotAuthenticated, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import Appointment, AuditEvent, Organisation, Post, User

TODAY = clock.today()
YESTERDAY, LATER = TODAY - timedelta(days=1), TODAY + timedelta(days=30)


def person(session: Session, username: str) -> Actor:
    return identity.actor_of(session, account(session, username))


def account(session: Session, username: str) -> User:
    return session.scalars(select(User).where(User.username == username)).one()


def post(session: Session, role: str, unit: str | None = None) -> Post:
    query = select(Post).join(Organisation, Organisation.id == Post.organisation_id).where(Post.role_code == role)
    return session.scalars(query.where(Organisation.name == unit) if unit else query.order_by(Post.id)).first()


def unit(session: Session, name: str) -> Organisation:
    return session.scalars(select(Organisation).where(Organisation.name == name)).one()


def recorded(session: Session, name: EventName) -> dict[str, Any]:
    """The latest event of this name, as it was hashed."""
    session.flush()
    query = select(AuditEvent.canonical).where(AuditEvent.event == name.value).order_by(AuditEvent.id.desc()).limit(1)
    return json.loads(session.scalars(query).one())


def new_user(session: Session, settings: Settings, username: str = "qianjin") -> User:
    return people.create_user(session, person(session, "admin"), username, "钱进", settings, "Qian Jin")[0]


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
        assert identity.actor_for_token(session, token, settings).must_change_password
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
        assert identity.actor_for_token(session, token, demo) is None
        people.set_active(session, admin, found.id, True)
        assert identity.actor_for_token(session, token, demo) is None
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
        assert identity.actor_for_token(session, token, demo).must_change_password
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


# --- units and posts -------------------------------------------------------------------------------------
def test_the_tree_shows_each_unit_once_below_its_own(database: Database) -> None:
    with database.transaction() as session:
        lines = organisations.tree(session, person(session, "audit"))
        assert len({line.unit.id for line in lines}) == len(lines) == len(session.scalars(select(Organisation)).all())
        depth = {line.unit.id: line.depth for line in lines}
        for line in lines:
            assert line.depth == (depth[line.unit.parent_id] + 1 if line.unit.parent_id else 0)
        seats = {(line.unit.name, seat.post.title): seat.holders for line in lines for seat in line.seats}
        assert [holder.username for holder in seats["清河镇人民政府", "镇长"]] == ["gaojianming"]


def test_a_new_unit_belongs_to_an_organ_or_is_one(database: Database) -> None:
    with database.transaction() as session:
        admin, qinghe = person(session, "admin"), unit(session, "清河镇人民政府")
        office = organisations.create_organisation(
            session,
            admin,
            {"name": "清河镇信访办公室", "level": "township", "kind": "office", "organ_id": str(qinghe.id)},
        )
        assert (office.organ_id, office.parent_id, office.binding, office.is_organ) == (
            qinghe.id,
            qinghe.id,
            None,
            False,
        )
        town = organisations.create_organisation(
            session,
            admin,
            {
                "name": "新桥镇人民政府",
                "level": "township",
                "kind": "government",
                "binding": "by_reference",
                "parent_id": "1",
            },
        )
        assert (town.organ_id, town.parent_id, town.is_organ) == (town.id, 1, True)
        with pytest.raises(Invalid) as found:
            organisations.create_organisation(
                session, admin, {"name": "清河镇人民政府", "parent_id": "9999", "credit_code": "123"}
            )
        assert set(found.value.errors) == {"name", "level", "kind", "binding", "parent_id", "credit_code"}
        with pytest.raises(Invalid) as found:
            organisations.create_organisation(
                session, admin, {"name": "某办", "level": "township", "kind": "office", "organ_id": str(office.id)}
            )
        assert set(found.value.errors) == {"organ_id"}


def test_a_unit_in_use_cannot_be_closed(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        admin, qinghe = person(session, "admin"), unit(session, "清河镇人民政府")
        values = {"name": "清河镇人民政府", "kind": "government", "active": "false"}
        with pytest.raises(Conflict, match="在任"):
            organisations.change_organisation(session, admin, qinghe.id, values)
        above = organisations.create_organisation(
            session, admin, {"name": "清河片区", "level": "township", "kind": "government", "binding": "direct"}
        )
        below = organisations.create_organisation(
            session, admin, {"name": "片区办公室", "level": "township", "kind": "office", "organ_id": str(above.id)}
        )
        closing = {"kind": "office", "active": "false"}
        with pytest.raises(Conflict, match="下级"):
            organisations.change_organisation(session, admin, above.id, {**closing, "name": "清河片区"})
        organisations.change_organisation(session, admin, below.id, {**closing, "name": "片区综合办公室"})
        facts = recorded(session, EventName.ORGANISATION_CHANGED)["facts"]
        assert facts["before"] == {"name": "片区办公室", "active": True}
        assert facts["after"] == {"name": "片区综合办公室", "active": False}
        organisations.change_organisation(session, admin, above.id, {**closing, "name": "清河片区"})
        with pytest.raises(Invalid):
            organisations.create_post(session, admin, below.id, "主任", "expert")


def test_a_post_is_closed_once_nobody_holds_it_and_then_not_filled(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        admin, security = person(session, "admin"), person(session, "security")
        made = organisations.create_post(session, admin, unit(session, "区财政局").id, "评审员", "expert", "Reviewer")
        someone = new_user(session, settings)
        held = people.make_appointment(session, security, someone.id, made.id, TODAY)
        with pytest.raises(Conflict, match="在任"):
            organisations.change_post(session, admin, made.id, "评审员", "", False)
        people.end_appointment(session, security, held.id, TODAY)
        with pytest.raises(Conflict, match="在任"):
            organisations.change_post(session, admin, made.id, "评审员", "", False)
        held.ends_on, held.starts_on = YESTERDAY, YESTERDAY
        organisations.change_post(session, admin, made.id, "评审专员", "Reviewer", False)
        assert recorded(session, EventName.POST_CHANGED)["facts"]["before"] == {"title": "评审员", "active": True}
        assert made not in organisations.posts(session, security)
        with pytest.raises(Invalid):
            people.make_appointment(session, security, someone.id, made.id, TODAY)
        with pytest.raises(Invalid) as found:
            organisations.create_post(session, admin, 10_000, " ", "king")
        assert set(found.value.errors) == {"title", "role_code", "organisation_id"}


# --- first run -------------------------------------------------------------------------------------------
ORGAN = {"name": "云岭区人民政府", "level": "district", "binding": "direct"}


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    found = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    migrations.upgrade(found)
    return found


def three(**changes: dict[str, str]) -> list[dict[str, str]]:
    names = {"system_admin": "钱一", "security_admin": "孙二", "audit_admin": "李三"}
    return [
        {
            "role": role,
            "username": role.split("_")[0],
            "name": name,
            "password": f"Founding-{n}-word",
            **changes.get(role, {}),
        }
        for n, (role, name) in enumerate(names.items())
    ]


def test_three_people_found_the_installation(empty: Database, settings: Settings) -> None:
    with empty.transaction() as session:
        assert first_run.is_needed(session)
        assert len(first_run.create_first_administrators(session, ORGAN, three(), settings)) == 3
    with empty.transaction() as session:
        assert not first_run.is_needed(session)
        for entry in three():
            token = identity.sign_in(session, entry["username"], entry["password"], settings, "", "")
            actor = identity.actor_for_token(session, token, settings)
            assert actor.roles == {entry["role"]}
            assert not actor.must_change_password
        assert audit.verify(session, audit.PEOPLE) is None
        with pytest.raises(Conflict, match="已经完成"):
            first_run.create_first_administrators(session, {**ORGAN, "name": "别处"}, three(), settings)


def test_one_person_for_two_powers_needs_a_recorded_reason(empty: Database, settings: Settings) -> None:
    twice = three(audit_admin={"username": "security", "password": ""})
    with empty.transaction() as session, pytest.raises(Invalid) as found:
        first_run.create_first_administrators(session, ORGAN, twice, settings, exception_reason="人手不足")
    assert set(found.value.errors) == {"exception_reason"}
    with empty.transaction() as session:
        made = first_run.create_first_administrators(
            session, ORGAN, twice, settings, exception_reason="人手不足", exception_approver="区长办公会"
        )
        assert [entry.username for entry in made] == ["system", "security"]
        assert recorded(session, EventName.EXCEPTION_RECORDED)["facts"] == {
            "reason": "人手不足", "approver": "区长办公会", "people": ["security", "system"],
        }  # fmt: skip
        assert identity.actor_of(session, made[1]).roles == {"security_admin", "audit_admin"}


def test_all_that_is_wrong_with_the_founding_is_told_at_once(empty: Database, settings: Settings) -> None:
    wrong = three(security_admin={"name": "", "password": "short"}, audit_admin={"password": "Founding-0-word"})
    with empty.transaction() as session, pytest.raises(Invalid) as found:
        first_run.create_first_administrators(session, {"name": "", "level": "moon"}, wrong, settings)
    assert set(found.value.errors) == {
        "name", "level", "binding", "people.1.name", "people.1.password", "people.2.password",
    }  # fmt: skip
    with empty.transaction() as session:
        assert first_run.is_needed(session)


def test_the_setup_code_stays_the_same_until_it_has_served(settings: Settings) -> None:
    code = first_run.setup_code(settings)
    assert len(code) == 12
    assert first_run.setup_code(settings) == code
    assert (settings.folder / "setup-code").stat().st_mode & 0o777 == 0o600
    first_run.forget_setup_code(settings)
    assert first_run.setup_code(settings) != code
