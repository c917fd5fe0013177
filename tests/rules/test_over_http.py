"""A guarded act under a diagram that leaves the review out, over HTTP: refused, told with what to do, recorded."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import AuditEvent, Matter, Task
from tests.drawing import Drawing
from tests.stories.test_negative import as_source, straight_to, under
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


def test_a_refusal_and_the_checklist_lead_to_where_the_duty_is_done(
    database: Database, files: FileStore, settings: Settings
) -> None:
    """To the task that is open for it, to the register where another person approves, else to the checklist."""
    drawing = (
        Drawing("shortcut", "捷径").start("E_short").fork("G_all").fork("G_end").end("E_end").chain("E_short", "G_all")
    )
    for name, form, role in (("notice", "F-15a", "government_office"), ("package", "F-12", "undertaking_unit")):
        drawing.user(f"T_{name}", name, form=form, role=role).chain("G_all", f"T_{name}", "G_end")
    play = under(as_source(drawing.chain("G_end", "E_end")), database, files)
    with database.transaction() as session:
        tasks = session.scalars(select(Task).where(Task.matter_id == play.matter_id)).all()
        notice, package = (next(task.id for task in tasks if task.form == form) for form in ("F-15a", "F-12"))
        start = next(task for task in tasks if task.token == "start")
        # A paper that gives a reason nobody approved: no analysis of costs.
        session.add(
            Task(
                matter_id=play.matter_id, token="said", element_id="T_said", process="said", name="F-04", form="F-04",
                role_code="undertaking_unit", organisation_id=start.organisation_id, pool="none", state="COMPLETED",
                received_at=start.received_at, completed_at=start.completed_at, completed_by_id=start.completed_by_id,
                completed_as=start.completed_as, submission={"not_needed_reason": "规模小", "cost_benefit_needed": False},
            )
        )  # fmt: skip
    desk = Desk(_app(database, settings), "zhoukai")
    desk.get(f"/tasks/{notice}")
    answer = desk.post(f"/tasks/{notice}", accepted="true", note="此处填写的内容")
    assert answer.status_code == 409
    register = f"/matters/{play.matter_id}/exceptions"
    refused, listed = links(answer.get_data(as_text=True)), links(desk.get(f"/matters/{play.matter_id}/checklist"))
    assert refused["R-25a"] == listed["R-25a"] == f"/tasks/{package}" and listed["R-12a"] == register
    assert f"/matters/{play.matter_id}/checklist" in links(answer.get_data(as_text=True)).values()
    assert "package" in desk.get(f"/tasks/{package}") and "R-12c" in desk.get(register)


def links(html: str) -> dict[str, str]:
    """Return where each thing that is missing leads, by its rule: of a refusal's list, or of the checklist's rows."""
    found = {}
    for part in re.split(r"<li>|<tr", html):
        rule, led = (
            re.search(r"\b(?:R-\d+[a-z]?|SOD-\d+)\b", part),
            re.search(r'<a class="small" href="(/(?:tasks|matters)/[^"]+)"', part),
        )
        if rule and led:
            found.setdefault(rule[0], led[1])
    return found


def test_the_checklist_and_the_coverage_are_read(database: Database, files: FileStore, settings: Settings) -> None:
    play = under(straight_to("F-15a", "government_office"), database, files)
    desk = Desk(_app(database, settings), "zhoukai")
    html = desk.get(f"/matters/{play.matter_id}/checklist")
    assert "R-25a" in html and "没有合法性审查意见" in html
    html = desk.get("/rules")
    assert html.count('<tr id="') == 103
    assert "待核实" in desk.get("/rules/settings")
    assert "R-09" in desk.get("/rules?state=later") and "R-25a" not in desk.get("/rules?state=later")
