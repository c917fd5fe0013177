"""Acts on a matter over HTTP: begun from its page, filled in like a task, refused with rule and article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.demo.play import Play
from decision_flow.demo.rural_road import RuralRoad
from decision_flow.documents import FileStore
from decision_flow.models import AuditEvent, Matter, MatterStatus, Task, TaskState
from tests.web.client import Desk
from web import create_app

ORDER: dict[str, Any] = {
    "measure": "suspend", "ground": "force_majeure", "urgent": "true", "scope": "whole",
    "urgent_facts": "连日暴雨引发山体滑坡，路基垮塌。", "from": "2026-05-20T09:00", "review_by": "2026-06-05",
    "_password": PASSWORD,
}  # fmt: skip


def test_the_head_suspends_from_the_page_of_the_matter(
    database: Database, files: FileStore, settings: Settings, travel: Callable[[date], None]
) -> None:
    """R-37a, R-37b: nobody else; not to terminate; nothing typed is lost; the refusal is in the trail."""
    road = RuralRoad(database, files).whole()
    travel(date(2026, 5, 20))
    app = create_app(replace(settings, demo=True), database)
    page = f"/matters/{road.matter_id}"
    station = Desk(app, "fangyi")
    shown = station.get(page)
    assert "报告执行中的问题" in shown and "决定中止执行" not in shown
    assert station.post(f"{page}/acts/suspend").status_code == 403
    head = Desk(app, "gaojianming")
    assert "决定中止执行" in head.get(page)
    assert head.post(f"{page}/acts/nothing").status_code == 404

    dropped = head.post(f"{page}/acts/suspend").headers["Location"]
    assert "不再办理" in head.get(dropped)
    head.post(f"{dropped}/release")
    place = head.post(f"{page}/acts/suspend").headers["Location"]
    assert place != dropped
    assert "决定中止执行" not in station.get(page)
    head.get(place)
    wrong = head.post(place, **{**ORDER, "ground": ""})
    assert wrong.status_code == 422 and "连日暴雨" in wrong.text
    refused = head.post(place, **{**ORDER, "measure": "terminate"})
    assert refused.status_code == 409 and "第三十七条" in refused.text and "连日暴雨" in refused.text
    assert head.post(place, **ORDER).status_code == 302
    with database.transaction(read_only=True) as session:
        assert session.get_one(Matter, road.matter_id).status == MatterStatus.SUSPENDED
        assert session.get_one(Task, int(dropped.rsplit("/", 1)[-1])).state == TaskState.CANCELLED
        told = session.scalars(select(AuditEvent.canonical).where(AuditEvent.event == "action.refused")).all()
        assert any("R-37b" in event for event in told)
    assert "正在办理决策调整" in head.get(page)
    assert head.post(f"{page}/acts/suspend").status_code == 409


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_units_are_named_in_the_readers_language(
    database: Database, files: FileStore, settings: Settings, lang: str
) -> None:
    play: Play = RuralRoad(database, files).drafted()
    desk = Desk(create_app(replace(settings, demo=True), database), "wuting")
    desk.client.set_cookie("df_lang", lang)
    page = desk.get(f"/matters/{play.matter_id}")
    assert ("Qinghe Town Government" in page) == (lang == "en")
