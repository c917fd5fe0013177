"""Hearing, pools, risks and parties over HTTP: looked at, and refused as the rules say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from decision_flow import clock
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import Document
from tests.participation import bare
from tests.participation import test_hearings as hearing
from tests.web.client import Desk


def test_enrolment_and_draw(app: Flask, database: Database, travel: Callable[[date], None]) -> None:
    matter_id = hearing.begin(database, ("F-25c", "undertaking_unit"), ("F-26", "hearing_host"))
    notice = hearing.announce(database, matter_id, travel)
    anyone = Desk(app)
    page = anyone.get(f"/notices/{notice.number}")
    assert "我要报名" in page and notice.facts["seed_sha256"] in page
    path = f"/notices/{notice.number}/enrolments"
    wrong = anyone.client.post(path, data={"name": "王", "side": "路人", "contact": "", "view": "<b>"})
    html = wrong.get_data(as_text=True)
    anyone.look_at(html)
    assert wrong.status_code == 422 and "请选择您代表的相关方" in html and "&lt;b&gt;" in html
    for name in ("王建国", "李秀英", "张伟"):
        sent = {
            "name": name,
            "side": "用水户",
            "contact": "13800001234",
            "is_civil_servant": "1" if name == "张伟" else "",
        }
        done = anyone.client.post(path, data=sent)
        assert done.status_code == 201 and "BM-" in done.get_data(as_text=True)
    keeper = Desk(app, bare.KEEPER)
    seen = keeper.get(f"/matters/{matter_id}/hearing")
    assert "13800001234" in seen and "现职公务员" in seen
    assert keeper.post(f"/matters/{matter_id}/hearing/draw").status_code == 409
    other = Desk(app, bare.STRANGER)
    covered = other.get(f"/matters/{matter_id}/hearing")
    assert "13800001234" not in covered and "王**" in covered
    travel(date(2026, 7, 21))
    keeper = Desk(app, bare.KEEPER)
    keeper.get(f"/matters/{matter_id}/hearing")
    assert keeper.post(f"/matters/{matter_id}/hearing/draw", public_value="03 11").status_code == 302
    assert "候补第3位" in keeper.get(f"/matters/{matter_id}/hearing")
    assert keeper.post(f"/matters/{matter_id}/hearing/draw").status_code == 409
    assert Desk(app).client.post(path, data=sent).status_code == 409


def test_the_hearing_is_refused_over_http(app: Flask, database: Database, travel: Callable[[date], None]) -> None:
    """R-16d through the page of the task: 409 with rule and article, and what was typed is still there."""
    matter_id = hearing.ready(database, travel, delivered="2026-08-08")
    host = Desk(app, hearing.HOST)
    task = bare.open_task(database, matter_id)
    host.get(f"/tasks/{task.id}")
    host.post(f"/tasks/{task.id}/claim")
    fields = {key: value for key, value in hearing.MINUTES.items() if isinstance(value, str)}
    answer = host.post(
        f"/tasks/{task.id}", **fields, **{"statements-0-name": "王建国", "statements-0-words": "涨幅偏大。"}
    )
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "R-16d" in html and "涨幅偏大" in html, html[:3000]


def test_the_pools_are_kept_by_the_office(app: Flask, database: Database) -> None:
    office = Desk(app, "zhoukai")
    office.get("/registries/experts?text=%25&standing=x&page=99")
    wrong = office.post("/registries/experts", name="", field="水利", employer_credit_code="X", pool_level="own")
    assert wrong.status_code == 422 and "水利" in wrong.get_data(as_text=True)
    office.look_at(wrong.get_data(as_text=True))
    done = office.post("/registries/experts", name="莫青", field="道路工程", pool_level="own", username="moqing")
    assert done.status_code == 302
    path = done.headers["Location"]
    assert office.post(f"{path}/standing", standing="suspended", reason="").status_code == 422
    assert office.post(f"{path}/standing", standing="suspended", reason="连续两次评价为差。").status_code == 302
    assert office.post(f"{path}/standing", standing="suspended", reason="连续两次评价为差。").status_code == 409
    page = office.get(path)
    assert "连续两次评价为差" in page and "暂停" in page
    firm = office.post("/registries/institutions", name="甲所", credit_code="91530103MA6K7T2Q4X", pool_level="city")
    assert firm.status_code == 302 and "甲所" in office.get(firm.headers["Location"])
    assert (
        office.post(f"{firm.headers['Location']}/standing", standing="removed", reason="出具虚假报告。").status_code
        == 302
    )
    reader = Desk(app, bare.KEEPER)
    assert "登记入库" not in reader.get("/registries/experts")
    assert reader.post(f"{path}/standing", standing="active", reason="自己恢复自己。").status_code == 403
    assert reader.client.get("/registries/experts/999").status_code == 404
    assert Desk(app, "moqing").client.get("/registries/experts").status_code == 403


@pytest.mark.parametrize("language", ["zh", "en"])
def test_risks_and_parties(app: Flask, database: Database, language: str) -> None:
    matter_id = bare.begin(database, ("F-30", "undertaking_unit"))
    point = {"risk_type": "public_safety", "description": "施工期通行安全", "likelihood": 3, "impact": 3, "measure": "半幅施工",
             "owner_unit": "规划办", "residual_likelihood": 2, "residual_impact": 2}  # fmt: skip
    keeper = Desk(app, bare.KEEPER)
    keeper.get(f"/language/{language}", status=302)
    keeper.get(f"/matters/{matter_id}/risks")
    bare.said(database, matter_id, "F-32", {"points": [point]})
    assert "施工期通行安全" in keeper.get(f"/matters/{matter_id}/risks")
    path = f"/matters/{matter_id}/parties"
    keeper.get(path)
    wrong = keeper.post(path, relation="designer", name="", credit_code="12")
    assert wrong.status_code == 422
    keeper.look_at(wrong.get_data(as_text=True))
    assert (
        keeper.post(path, relation="designer", name="恒远设计院", credit_code="91530103MA6K7T2Q4X").status_code == 302
    )
    assert "恒远设计院" in keeper.get(path)
    assert Desk(app, bare.STRANGER).post(path, relation="designer", name="甲").status_code == 403
    keeper.get(f"/matters/{matter_id}/hearing")


def test_an_expert_reads_no_paper_before_undertaking_secrecy(
    app: Flask, database: Database, demo_settings: Settings
) -> None:
    """R-19b: 403 before the declaration, the paper after it; the others of the office are not asked."""
    matter_id = bare.begin(database, ("F-29", "expert"))
    bare.hand(database, matter_id, "moqing")
    with database.transaction() as session:
        actor = bare.person(session, bare.KEEPER)
        paper = bare.paper(session, FileStore(demo_settings.folder / "files"), actor, matter_id, None, "draft_file")
        session.get_one(Document, paper["document_id"]).filed_at = clock.now()
    path = f"/documents/{paper['document_id']}"
    assert Desk(app, bare.KEEPER).client.get(path).status_code == 200
    expert = Desk(app, "moqing")
    assert expert.client.get(path).status_code == 403
    bare.said(database, matter_id, "F-28", {"has_direct_interest": False, "confidentiality_signed": True}, "moqing")
    assert expert.client.get(path).status_code == 200
