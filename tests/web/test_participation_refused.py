"""The rules of participation over HTTP, under a diagram that leaves their steps out: 409, recorded, nothing changed."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import select

from decision_flow import interests, registries
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.documents import FileStore
from decision_flow.models import AuditEvent, Institution
from tests.participation import bare
from tests.participation import test_experts as experts
from tests.web.client import Desk


def refused(database: Database, rule: str) -> bool:
    with database.transaction(read_only=True) as session:
        told = session.scalars(select(AuditEvent.canonical).where(AuditEvent.event == "action.refused")).all()
    return any(rule in json.loads(canonical)["rules"] for canonical in told)


def press(app: Flask, database: Database, matter_id: int, who: str, rule: str, **fields: object) -> None:
    """Complete the open task over HTTP; it is refused with the rule, recorded, and still open."""
    desk, task = Desk(app, who), bare.open_task(database, matter_id)
    desk.get(f"/tasks/{task.id}")
    desk.post(f"/tasks/{task.id}/claim")
    answer = desk.post(f"/tasks/{task.id}", **fields)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409 and rule in html, (answer.status_code, html[:2000])
    assert refused(database, rule) and bare.open_task(database, matter_id).id == task.id


def test_closing_on_day_25(app: Flask, database: Database, demo_settings: Settings) -> None:
    """R-15b."""
    matter_id = bare.begin(database, ("F-22b", "disclosure_officer"))
    bare.solicit(database, FileStore(demo_settings.folder / "files"), matter_id)
    press(app, database, matter_id, bare.OFFICER, "R-15b", summary="群众普遍支持，提前结束。")


def test_closing_participation_unheard(app: Flask, database: Database) -> None:
    """R-14b."""
    matter_id = bare.begin(database, ("F-23", "undertaking_unit"))
    press(app, database, matter_id, bare.KEEPER, "R-14b", summary="没有听取意见。")


@pytest.mark.parametrize("rule", ["R-21", "R-20b"])
def test_inviting_an_expert(app: Flask, database: Database, rule: str) -> None:
    key = experts.pool(database, "moqing", employer="恒远设计院")
    matter_id = bare.begin(database, ("F-29e", "undertaking_unit"))
    if rule == "R-21":
        experts.standing(database, key, "suspended")
    else:
        with database.transaction() as session:
            party = {"relation": "designer", "name": "恒远设计院"}
            interests.record(session, bare.person(session, bare.KEEPER), matter_id, party)
    row = {
        "expert_id": str(experts.user_id(database, "moqing")),
        "organisation": "设计院",
        "school": "道路",
        "dissents": "true",
    }
    fields = {f"experts-0-{name}": value for name, value in row.items()}
    press(app, database, matter_id, bare.KEEPER, rule, few_reason="本领域专家少。", **fields)


@pytest.mark.parametrize(("form", "rule"), [("F-30", "R-41"), ("F-30", "R-23c"), ("F-37", "R-36b")])
def test_commissioning_an_assessor(app: Flask, database: Database, form: str, rule: str) -> None:
    role, who = ("undertaking_unit", bare.KEEPER) if form == "F-30" else ("admin_head", bare.HEAD)
    matter_id = bare.begin(database, (form, role))
    with database.transaction() as session:
        office = bare.person(session, experts.OFFICE)
        given = {"name": "恒测工程咨询有限公司", "credit_code": experts.CODE, "pool_level": "own"}
        found: Institution = registries.register_institution(session, office, given)
        if rule == "R-41":
            registries.set_standing(session, office, found, "removed", "出具虚假报告，取消资格。")
        if rule == "R-23c":
            party = {"relation": "designer", "name": "旧名设计院", "credit_code": experts.CODE}
            interests.record(session, bare.person(session, bare.KEEPER), matter_id, party)
    if rule == "R-36b":
        bare.said(database, matter_id, "F-30", experts.THIRD)
    press(
        app, database, matter_id, who, rule, **experts.THIRD, did_main_argumentation="false",
        conflict_declaration=("声明.txt", "无利害关系。".encode()),
    )  # fmt: skip


def test_finding_a_risk_controllable_without_a_change(app: Flask, database: Database) -> None:
    """R-24."""
    matter_id = bare.begin(database, ("F-34b", "admin_head"))
    bare.said(database, matter_id, "F-34", {"draft_version": 1})
    bare.said(database, matter_id, "F-34b", {"finding": "uncontrollable"})
    press(app, database, matter_id, bare.HEAD, "R-24", finding="controllable", _password=PASSWORD)
