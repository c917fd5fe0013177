"""Exceptions through the pages: asked for, decided by somebody else, listed."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from tests.stories.test_exceptions import WHY, changed
from tests.web.client import Desk


def test_asking_and_deciding_on_the_pages(app: Flask, database: Database, settings: Settings) -> None:
    play = changed(database, FileStore(Path(settings.data_dir) / "files"))
    path = f"/matters/{play.matter_id}/exceptions"
    drafter, head = Desk(app, "wuting"), Desk(app, "gaojianming")
    assert "草案已修改，不再重做" in drafter.get(path)
    short = drafter.post(path, rule="R-25c:expert_argumentation", reason="短")
    assert short.status_code == 422 and "不少于10个字" in short.get_data(as_text=True)
    assert drafter.post(path, rule="R-25c:legality_review", reason=WHY).status_code == 409
    assert drafter.post(path, rule="R-25c:expert_argumentation", reason=WHY).status_code == 302
    drafter.get(path)
    action = head.get(path).split(f'action="{path}/')[1].split('"')[0]
    assert drafter.post(f"{path}/{action}", _approve="1").status_code == 409
    assert head.post(f"{path}/{action}", _refuse="1").status_code == 422
    assert head.post(f"{path}/{action}", _approve="1", note="同意").status_code == 302
    assert "已说明理由，不再重做" in drafter.get(f"/matters/{play.matter_id}/papers")
    listed = drafter.get("/exceptions?rule=R-25c")
    assert WHY in listed and "不再重做" in listed
    assert "没有符合条件的记录" in drafter.get("/exceptions?kind=exclusion&since=2026-13-99&organ=x")
    for day in ("0000-01-01", "0001-01-01", "9999-12-31", str(10**12), "-1", "2026-02-30"):
        assert "日期对调" not in drafter.get(f"/exceptions?since={day}&until={day}")
    assert WHY in drafter.get("/exceptions?since=0001-01-01&until=9999-12-31")
    assert "日期对调" in drafter.get("/exceptions?since=2026-03-02&until=2026-03-01")
    assert "Register of exemptions" in drafter.get("/exceptions?lang=en")
    Desk(app, "taoran").get(path, 404)
