"""The pages of the numbers the law is counted by: read by all, changed by one keeper, confirmed by another."""

from __future__ import annotations

import re

from flask import Flask

from decision_flow import clock
from tests.web.client import Desk


def town(desk: Desk) -> str:
    """The number of the town among the organs whose policy the desk may see."""
    return re.search(r'<option value="(\d+)"[^>]*>清河镇人民政府', desk.get("/rules/settings"))[1]


def told(**changed: str) -> dict[str, str]:
    standing = {"status": "confirmed", "reason": "镇长办公会议定", "basis": "清政发〔2026〕3号"}
    return {**standing, "effective_on": clock.today().isoformat(), **changed}


def test_a_number_is_changed_by_two_and_announced(app: Flask) -> None:
    keeper, second, reader = Desk(app, "tengyun"), Desk(app, "guanyue"), Desk(app, "wuting")
    organ = town(keeper)
    path = f"/rules/settings/{organ}/public_comment_days"
    assert "不少于30" in keeper.get(path) and "没有修改过" in keeper.get(path)
    less = keeper.post(path, **told(value="20"))
    html = less.get_data(as_text=True)
    assert less.status_code == 409 and "R-15b" in html and "条例第十五条" in html and 'value="20"' in html
    wrong = keeper.post(path, **told(value="", basis=""))
    assert wrong.status_code == 422 and "请填写允许范围内的整数" in wrong.get_data(as_text=True)
    assert keeper.post(path, **told(value="45")).status_code == 302
    waiting = keeper.get(f"/rules/settings?organ={organ}")
    assert "等待核准的修改" in waiting and "/rules/settings/versions/" not in waiting
    assert keeper.post(path, **told(value="50")).status_code == 409
    page = second.get(f"/rules/settings?organ={organ}")
    version = re.search(r"/rules/settings/versions/(\d+)", page)[1]
    unsaid = second.post(f"/rules/settings/versions/{version}", organ=organ, _refuse="1", note="")
    assert unsaid.status_code == 422 and "请写明理由" in unsaid.get_data(as_text=True)
    own = keeper.post(f"/rules/settings/versions/{version}", organ=organ, _confirm="1")
    assert own.status_code == 409 and "SOD-14" in own.get_data(as_text=True)
    assert second.post(f"/rules/settings/versions/{version}", organ=organ, _confirm="1").status_code == 302
    page = reader.get("/rules/settings")
    assert "<strong>45</strong>" in page and "滕云" in page and "关越" in page and "30 → 45" in page
    assert "30 → <strong>45</strong>" in reader.get(path)
    assert "Public comment period" in reader.get("/rules/settings?lang=en")


def test_a_policy_is_adopted(app: Flask) -> None:
    keeper, second = Desk(app, "tengyun"), Desk(app, "guanyue")
    organ = town(keeper)
    path = f"/rules/settings/{organ}/policy"
    page = keeper.get(path)
    assert "示例：某省更严格的规定" in page and "参照执行" in page
    assert keeper.post(path, **told(policy="nothing", binding="x")).status_code == 422
    assert keeper.post(path, **told(policy="province-example", binding="by_reference")).status_code == 302
    page = second.get(f"/rules/settings?organ={organ}")
    assert "7 → <strong>10</strong>" in page
    version = re.search(r"/rules/settings/versions/(\d+)", page)[1]
    assert second.post(f"/rules/settings/versions/{version}", organ=organ, _confirm="1").status_code == 302
    assert "不少于10" in second.get(f"/rules/settings/{organ}/legality_review_workdays")


def test_others_read_and_cannot_change(app: Flask) -> None:
    reader = Desk(app, "zhoukai")
    assert "待核实" in reader.get("/rules/settings")
    organ = re.search(r"/rules/settings/(\d+)/quorum_percent", reader.get("/rules/settings"))[1]
    assert "<form" not in reader.get(f"/rules/settings/{organ}/quorum_percent").split("<main")[1]
    assert reader.post(f"/rules/settings/{organ}/quorum_percent", **told(value="60")).status_code == 403
    assert reader.post("/rules/settings/versions/1", _confirm="1").status_code == 403
    reader.get(f"/rules/settings/{organ}/nothing", status=404)
    reader.get("/rules/settings?organ=999999", status=404)
    reader.get("/rules/settings/999999/quorum_percent", status=404)
    assert "条例" in reader.get("/rules/settings?organ=²")
