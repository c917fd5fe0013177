"""Units, posts and the first administrators."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from decision_flow import audit, clock, first_run, identity, migrations, organisations, people
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Conflict, Invalid
from decision_flow.models import Organisation
from tests.core.registry import entered, new_user, person, recorded, unit

TODAY = clock.today()
YESTERDAY, LATER = TODAY - timedelta(days=1), TODAY + timedelta(days=30)


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
        office = next(line for line in lines if line.unit.name == "清河镇规划建设和生态环境办公室")
        assert [(seat.post.title, [holder.username for holder in seat.holders]) for seat in office.titles] == [
            ("主任", ["chenbin"]), ("风险评估员", ["chenbin"]), ("科员", ["wuting"]),
        ]  # fmt: skip


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
            actor = entered(session, token, settings)
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
