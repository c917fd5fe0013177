"""The pages of the catalogue, from the first draft to the public page, and the tab of linked records."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from decision_flow import clock
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from tests.web.client import Desk


def test_from_the_draft_to_the_public_page(app: Flask) -> None:
    desk, visitor, year = Desk(app, "zhoukai"), Desk(app), clock.today().year
    assert "还没有公布目录" in visitor.get("/public/catalogues")
    page = desk.get("/catalogues")
    organ = re.search(r'<option value="(\d+)"[^>]*>清河镇人民政府', page)[1]
    made = desk.post("/catalogues", organ_id=organ, year=str(year)).location
    page = desk.get(made)
    unit = re.search(r'<option value="(\d+)"[^>]*>清河镇规划建设和生态环境办公室', page)[1]
    wrong = desk.post(f"{made}/items", matter_name="清河镇停车管理办法", undertaking_unit_id=unit, planned_finish="x")
    html = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "请按年-月填写" in html and 'value="清河镇停车管理办法"' in html
    right = {"matter_name": "清河镇停车管理办法", "undertaking_unit_id": unit, "planned_finish": f"{year}-06"}
    assert desk.post(f"{made}/items", **right, required_steps="risk_assessment").status_code == 302
    refused = desk.post(f"{made}/publish")
    assert refused.status_code == 409 and "R-03d" in refused.get_data(as_text=True)
    assert visitor.get(made.replace("/catalogues", "/public/catalogues"), 404)
    on = clock.today().isoformat()
    assert (
        desk.post(f"{made}/consent", party_consent_doc_no="清党复〔2026〕2号", party_consent_on=on).status_code == 302
    )
    assert desk.post(f"{made}/publish").status_code == 302
    public = visitor.get(made.replace("/catalogues", "/public/catalogues"))
    assert "清河镇停车管理办法" in public and "风险评估" in public and "集体讨论" in public
    assert desk.post(f"{made}/items", **right).status_code == 409
    assert desk.post(f"{made}/revise", reason="").status_code == 422
    second = desk.post(f"{made}/revise", reason="新增项目").location
    assert second != made and "新增项目" in desk.get(second)
    item = re.search(r'name="completion-(\d+)"', desk.get(made))[1]
    assert desk.post(f"{made}/completion", **{f"completion-{item}": "running"}).status_code == 422
    ended = {f"completion-{item}": "running", f"note-{item}": "正在征求意见"}
    assert desk.post(f"{made}/completion", **ended).status_code == 302
    assert "正在征求意见" in visitor.get(made.replace("/catalogues", "/public/catalogues"))
    assert "Steps required" in visitor.get(made.replace("/catalogues", "/public/catalogues") + "?lang=en")
    Desk(app, "taoran").get(made, 404)
    assert Desk(app, "wuting").post("/catalogues", organ_id=organ, year="2026").status_code == 403


def test_records_are_linked_on_the_page_of_the_matter(app: Flask, database: Database, settings: Settings) -> None:
    play = cases.OTHERS[0](database, FileStore(Path(settings.data_dir) / "files"))
    desk, path = Desk(app, "zhoukai"), f"/matters/{play.matter_id}/linked"
    assert "没有关联的记录" in desk.get(path)
    wrong = desk.post(path, kind="petition", number="信-7", occurred_on="", summary="反映补偿")
    assert wrong.status_code == 422 and 'value="信-7"' in wrong.get_data(as_text=True)
    told = {"kind": "petition", "number": "信-7", "occurred_on": "2026-03-01", "summary": "反映补偿"}
    assert desk.post(path, **told).status_code == 302
    assert desk.post(path, **told).status_code == 409
    record = re.search(rf'action="{path}/(\d+)"', desk.get(path))[1]
    assert desk.post(f"{path}/{record}", state="nonsense").status_code == 422
    assert desk.post(f"{path}/{record}", state="settled").status_code == 302
    assert "已办结" in desk.get(path) and "反映补偿" in desk.get(path)


def test_an_order_to_correct_comes_with_its_document(app: Flask, database: Database, settings: Settings) -> None:
    """R-38a over HTTP: without the document 422, with it in the register; who may not see the matter sees no entry."""
    play = cases.OTHERS[0](database, FileStore(Path(settings.data_dir) / "files"))
    desk, path = Desk(app, "zhoukai"), f"/matters/{play.matter_id}/linked"
    desk.get(path)
    told = {
        "kind": "correction_order",
        "number": "云政责改〔2026〕3号",
        "occurred_on": "2026-03-01",
        "summary": "补做公示",
    }
    refused = desk.post(path, **told)
    assert refused.status_code == 422 and "请上传" in refused.get_data(as_text=True)
    assert desk.post(path, **told, paper=("通知书.txt", "责令改正通知书".encode())).status_code == 302
    assert "通知书.txt" in desk.get(path)
    paper = re.search(r'href="(/documents/\d+)"', desk.get(path))[1]
    assert desk.client.get(paper).get_data(as_text=True) == "责令改正通知书"
    assert "云政责改〔2026〕3号" in desk.get("/liability")
    assert "云政责改〔2026〕3号" not in Desk(app, "duanrui").get("/liability")
