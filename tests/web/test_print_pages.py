"""Printing through the pages: A4 and Word of a completed form, templates replaced after a check, and who may."""

from __future__ import annotations

import io
import re
from pathlib import Path

import docx
from flask import Flask
from sqlalchemy import select

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.models import Task
from tests.core.test_printing import template, texts
from tests.web.client import Desk


def test_a_completed_form_is_printed_by_the_offices_own_template(
    app: Flask, database: Database, settings: Settings
) -> None:
    play = cases.OTHERS[6](database, FileStore(Path(settings.data_dir) / "files"))
    with database.transaction(read_only=True) as session:
        rows = session.execute(select(Task.form, Task.id, Task.state).where(Task.matter_id == play.matter_id)).all()
    done = {form: key for form, key, state in rows if state == "COMPLETED"}
    standing = next(key for _, key, state in rows if state == "CLAIMED")
    desk = Desk(app, "zhoukai")
    page = desk.get(f"/tasks/{done['F-12']}/print")
    assert "合法性审查送审表" in page and "清河镇校车线路优化方案" in page and "<script>" not in page
    assert f"/tasks/{done['F-12']}/word" in desk.get(f"/tasks/{done['F-12']}")
    answer = desk.client.get(f"/tasks/{done['F-12']}/word")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "合法性审查送审表" in texts(answer.data) and "清河镇校车线路优化方案" in texts(answer.data)
    assert desk.client.get(f"/tasks/{standing}/print").status_code == 404
    stranger = Desk(app, "taoran")
    assert stranger.client.get(f"/tasks/{done['F-12']}/word").status_code == 404

    listing = desk.get("/office/templates")
    organ = re.search(r'action="/office/templates/(\d+)/F-12"', listing)[1]
    path = f"/office/templates/{organ}/F-12"
    assert docx.Document(io.BytesIO(desk.client.get(path).data)).paragraphs[0].text == "{{ title }}"
    wrong = desk.post(path, template=("x.docx", template("{{ password }} {{ fields.a }}")))
    assert wrong.status_code == 422 and "没有的内容：password" in wrong.get_data(as_text=True)
    assert desk.post(path).status_code == 422
    assert desk.post(path, template=("x.txt", b"{{ title }}")).status_code == 422
    own = template("本镇样式", "{{ title }}：{{ fields.procedure_explanation }}")
    assert desk.post(path, template=("本镇送审表.docx", own)).status_code == 302
    assert "本镇送审表.docx" in desk.get("/office/templates")
    assert texts(desk.client.get(f"/tasks/{done['F-12']}/word").data).startswith(
        "本镇样式合法性审查送审表：已公开征求意见"
    )
    # The other form keeps the default; going back is one press.
    assert "本镇样式" not in texts(desk.client.get(f"/tasks/{done['F-06']}/word").data)
    assert desk.post(path, _default="1").status_code == 302
    assert "本镇样式" not in texts(desk.client.get(f"/tasks/{done['F-12']}/word").data)
    assert Desk(app, "wuting").post(path, _default="1").status_code == 403
    assert stranger.post(path, _default="1").status_code == 403
    assert desk.post(f"/office/templates/{organ}/F-99", _default="1").status_code == 404
