"""A guarded act under a diagram that leaves the review out, over HTTP: refused, told with what to do, recorded."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import AuditEvent, Matter, Task
from tests.stories.test_negative import straight_to, under
from tests.web.client import Desk
from web import create_app


def _app(database: Database, settings: Settings) -> Flask:
    from dataclasses import replace

    app = create_app(replace(settings, demo=True), database)
    app.config["TESTING"] = False
    return app


def test_no_meeting_without_a_review(database: Database, files: FileStore, settings: Settings) -> None:
    play = under(straight_to("F-15a", "government_office"), database, files)
    with database.transaction(read_only=True) as session:
        task_id = session.scalars(select(Task.id).where(Task.matter_id == play.matter_id, Task.state == "OPEN")).one()
    desk = Desk(_app(database, settings), "zhoukai")
    desk.get(f"/tasks/{task_id}")
    answer = desk.post(f"/tasks/{task_id}", accepted="true", note="此处填写的内容")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409, html[:400]
    assert "R-25a" in html and "下一步" in html and "R-14a" in html
    with database.transaction(read_only=True) as session:
        assert session.get_one(Task, task_id).state != "COMPLETED"
        assert session.get_one(Matter, play.matter_id).decided_at is None
        (told,) = session.scalars(select(AuditEvent).where(AuditEvent.result == "refused"))
        assert '"R-25a"' in told.canonical and told.task_id == task_id


def test_the_checklist_and_the_coverage_are_read(database: Database, files: FileStore, settings: Settings) -> None:
    play = under(straight_to("F-15a", "government_office"), database, files)
    desk = Desk(_app(database, settings), "zhoukai")
    html = desk.get(f"/matters/{play.matter_id}/checklist")
    assert "R-25a" in html and "没有合法性审查意见" in html
    html = desk.get("/rules")
    assert html.count('<tr id="') == 103
    assert "待核实" in desk.get("/rules/settings")
    assert "R-09" in desk.get("/rules?state=later") and "R-25a" not in desk.get("/rules?state=later")
