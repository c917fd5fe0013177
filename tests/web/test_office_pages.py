"""The numbers of an office and the yearly list, as pages; the start form of a major item."""

from __future__ import annotations

import re

from flask import Flask

from tests.web.client import Desk


def test_a_number_is_set_with_its_basis(app: Flask) -> None:
    desk = Desk(app, "zhoukai")
    page = desk.get("/office/settings")
    assert "示例数值，未经本级确定" in page and "30,000" in page
    organ = re.search(r'name="organ_id" value="(\d+)"', page)[1]
    told = {"organ_id": organ, "name": "limit_meeting", "value": "25000"}
    refused = desk.post("/office/settings", **told, basis="")
    assert refused.status_code == 422 and 'value="25000"' in refused.get_data(as_text=True)
    assert desk.post("/office/settings", **told, basis="清政发〔2026〕3号").status_code == 302
    page = desk.get("/office/settings")
    assert "25,000" in page and "清政发〔2026〕3号" in page
    assert desk.post("/office/settings", organ_id="x", name="x", value="x", basis="x").status_code == 403
    reader = Desk(app, "wuting")
    assert "<form" not in reader.get("/office/settings").split("<main")[1]
    assert reader.post("/office/settings", **told, basis="x").status_code == 403


def test_a_major_item_is_begun_and_listed(app: Flask) -> None:
    desk = Desk(app, "zhoukai")
    assert "三重一大" in desk.get("/matters/new")
    page = desk.get("/matters/new?_procedure=three_major_one_large")
    organ = re.search(r'name="_organ".*?<option value="(\d+)"', page, re.S)[1]
    unit = re.search(r'<option value="(\d+)">清河镇财政所', page)[1]
    told = {
        "_procedure": "three_major_one_large", "_organ": organ, "title": "屋面维修款第一笔", "kind": "fund",
        "unit_id": unit, "is_major_decision": "false", "purpose": "办公楼维修", "detail": "维修", "amount": "29000",
        "in_budget": "true",
    }  # fmt: skip
    wrong = desk.post("/matters/new", **told)
    assert wrong.status_code == 422 and "屋面维修款第一笔" in wrong.get_data(as_text=True)
    assert desk.post("/matters/new", **told, payee="清河建筑公司").status_code == 302
    assert desk.post("/matters/new", **{**told, "title": "屋面维修款第二笔"}, payee="清河建筑公司").status_code == 302
    listed = desk.get("/major-items")
    assert "58,000.00" in listed and "领导审批" in listed and "办公会" in listed
    assert "本年度没有三重一大事项" in desk.get("/major-items?year=2020")
    desk.get("/major-items?year=99999999999")
    assert "Office meeting" in desk.get("/major-items?lang=en")
