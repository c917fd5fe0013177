"""Calendar, deadlines, evaluations, messages, operations and absences in the browser of whoever uses them."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from decision_flow import clock, jobs, notifications, worker
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.models import Hook, Notification, Task, Timer, User
from tests.core.test_calendar_notices import NOTICE
from tests.web.client import Desk


@pytest.fixture
def play(database: Database, files: FileStore) -> Play:
    return cases.OTHERS[6](database, files)


def review(database: Database, play: Play) -> Task:
    with database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.due_rule == "R-26c", Task.state == "CLAIMED")
        ).one()


def username(database: Database, user_id: int | None) -> str:
    with database.transaction(read_only=True) as session:
        return session.get_one(User, user_id).username


def test_the_notice_is_shown_before_it_counts(app: Flask, database: Database, play: Play) -> None:
    with database.transaction() as session:
        task = session.get_one(Task, review(database, play).id)
        task.deadline, task.due_provisional = {**task.deadline, "start": "2027-02-04"}, True
        task.due_explanation = "暂定"
    admin = Desk(app, "admin")
    assert "暂定" in admin.get("/working-calendar?year=2027")
    answer = admin.post("/working-calendar", text=NOTICE, source="国办发明电", organ_id="", preview="1")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "确认导入" in html and play_number(database, play) in html
    assert "暂定" in admin.get("/working-calendar?year=2027")
    assert admin.post("/working-calendar", text=NOTICE, source="国办发明电", organ_id="", enter="1").status_code == 302
    assert "按国务院办公厅公布的安排" in admin.get("/working-calendar?year=2027")
    wrong = admin.post("/working-calendar", text="2027-13-01，放假\nx", source="", organ_id="9", enter="1")
    assert (
        wrong.status_code == 422
        and "第1行" in wrong.get_data(as_text=True)
        and "2027-13-01" in wrong.get_data(as_text=True)
    )
    holder = Desk(app, username(database, task.assignee_id))
    holder.get("/working-calendar")
    assert holder.post("/working-calendar", text=NOTICE).status_code == 403


def play_number(database: Database, play: Play) -> str:
    from decision_flow.models import Matter

    with database.transaction(read_only=True) as session:
        return session.get_one(Matter, play.matter_id).number


def test_why_this_date_pause_and_refusal(app: Flask, database: Database, play: Play) -> None:
    task = review(database, play)
    me = Desk(app, username(database, task.assignee_id))
    page = me.get(f"/tasks/{task.id}/deadline")
    assert "收到完整的送审材料" in page and "第7个工作日" in page and "R-26c" in page and "法定期限" in page
    assert "working day 7" in me.get(f"/tasks/{task.id}/deadline?lang=en")
    assert me.post(f"/tasks/{task.id}/deadline/pause", ground="materials", reason="").status_code == 422
    assert me.post(f"/tasks/{task.id}/deadline/pause", ground="materials", reason="缺附件").status_code == 302
    assert "恢复计算" in me.get(f"/tasks/{task.id}/deadline")
    assert me.post(f"/tasks/{task.id}/deadline/resume").status_code == 302
    refused = Desk(app, "sunli").post(f"/tasks/{task.id}/deadline/extend", ground="x", count="3", reason="忙")
    assert refused.status_code == 409 and "R-26c" in refused.get_data(as_text=True)
    Desk(app, "duanrui").get(f"/tasks/{task.id}/deadline", 404)


def test_the_evaluation_calendar_and_what_is_heard(app: Flask, database: Database, files: FileStore) -> None:
    import datetime

    play = cases.rural_road(database, files, datetime.date(2026, 1, 12))
    office = Desk(app, "zhoukai")
    assert "青石至柳湾" in office.get("/evaluations?from=2026-01")
    for month in ("nonsense", "0000-01", "0001-01", "9999-12", "2999-12", "1900-01", str(10**12), "2026-13"):
        office.get(f"/evaluations?from={month}")
    where = f"/evaluations/decisions/{play.matter_id}"
    office.get(where)
    wrong = office.post(where, kind="opinion", content="", heard_on="x", channel="phone")
    assert wrong.status_code == 422 and "日期不正确" in wrong.get_data(as_text=True)
    today = clock.today().isoformat()
    assert (
        office.post(
            where, kind="opinion", content="路灯不亮", heard_on=today, channel="phone", negative="true"
        ).status_code
        == 302
    )
    assert "路灯不亮" in office.get(where)
    assert office.post(where, kind="head_order", content="评估", heard_on=today).status_code == 403
    Desk(app, "duanrui").get(where, 404)


def test_messages_are_read_and_the_feed_is_a_calendar(app: Flask, database: Database, play: Play) -> None:
    task = review(database, play)
    with database.transaction() as session:
        session.execute(update(Notification).values(state="SENT"))
        notifications.enqueue(
            session, "task.reminder", dedupe_key="m1", at=clock.now(), recipient_id=task.assignee_id, matter_id=task.matter_id,
            task_id=task.id, payload={"title": "道路方案", "name": task.name, "name_en": task.name_en, "due": "2026-03-18"},
        )  # fmt: skip
    worker.tick(database, "a")
    me = Desk(app, username(database, task.assignee_id))
    before = me.client.get("/messages/count").get_json()["unread"]
    assert before >= 1
    page = me.get("/messages?show=unread")
    assert "道路方案" in page and "is due on" in me.get("/messages?lang=en")
    number = re.findall(r'href="/messages/(\d+)"', page)[0]  # the latest comes first
    assert me.client.get(f"/messages/{number}").location == f"/tasks/{task.id}"
    assert me.client.get("/messages/count").get_json()["unread"] == before - 1
    assert me.post("/messages/read").status_code == 302
    assert me.client.get("/messages/count").get_json()["unread"] == 0
    assert Desk(app, "duanrui").client.get(f"/messages/{number}").location == "/messages"
    assert me.post("/messages/choices", mail="daily", event="digest").status_code == 302
    assert me.post("/messages/feed").status_code == 302
    address = re.search(r"/messages/calendar/[\w-]+\.ics", me.get("/messages"))[0]
    stranger = app.test_client()
    answer = stranger.get(address)
    assert answer.mimetype == "text/calendar"
    days = [event.decoded("dtstart") for event in Calendar.from_ical(answer.data).walk("VEVENT")]
    assert clock.local_date(task.due_at) in days
    assert stranger.get("/messages/calendar/wrong.ics").status_code == 404
    me.post("/messages/feed")
    assert stranger.get(address).status_code == 404


def test_operations_show_what_failed_and_try_again(app: Flask, database: Database, play: Play) -> None:
    with database.transaction() as session:
        timer = Timer(kind="start_matter", matter_id=play.matter_id, due_at=clock.now(), state="FAILED", attempts=8,
                      last_error="ConnectionError: no route", dedupe_key="lost")  # fmt: skip
        hook = Hook(
            kind="webhook", name="平台", url="https://example.com/x?token=t", secret="s" * 20, events=[], active=True
        )
        session.add_all([timer, hook])
        session.flush()
        dead = Notification(event="task.opened", channel="webhook", hook_id=hook.id, state="FAILED", attempts=8, payload={},
                            last_error="对方回答 500", dedupe_key="dead", created_at=clock.now())  # fmt: skip
        session.add(dead)
    jobs.run_due(database, "node-a", worker.DAILY)
    admin = Desk(app, "admin")
    page = admin.get("/operations")
    assert "no route" in page and "对方回答 500" in page and "node-a" in page and "token=t" not in page
    admin.get("/operations?lang=en")
    assert admin.post(f"/operations/timers/{timer.id}/retry").status_code == 302
    assert admin.post(f"/operations/notices/{dead.id}/retry").status_code == 302
    assert admin.post(f"/operations/notices/{dead.id}/retry").status_code == 404
    wrong = admin.post("/operations/hooks", kind="webhook", name="", url="ftp://x", secret="short")
    assert wrong.status_code == 422 and wrong.get_data(as_text=True).count("field-error") == 3
    assert (
        admin.post("/operations/hooks", kind="wecom", name="群", url="https://qyapi.weixin.qq.com/x").status_code == 302
    )
    assert admin.post(f"/operations/hooks/{hook.id}", active="false").status_code == 302
    with database.transaction(read_only=True) as session:
        assert session.get_one(Timer, timer.id).state == "WAITING"
        assert (session.get_one(Notification, dead.id).state, session.get_one(Hook, hook.id).active) == (
            "PENDING",
            False,
        )
    assert Desk(app, "zhoukai").client.get("/operations").status_code == 403


def test_a_substitute_is_arranged_and_ended(app: Flask, database: Database, play: Play) -> None:
    with database.transaction(read_only=True) as session:
        ids = dict(session.execute(select(User.username, User.id)).all())
    me = Desk(app, "wangmin")
    me.get("/absences")
    wrong = me.post("/absences", substitute_id="", starts_on="x", ends_on="", reason="")
    assert wrong.status_code == 422
    today = clock.today().isoformat()
    sent = {"starts_on": today, "ends_on": today, "reason": "培训", "substitute_id": ids["zhaolei"]}
    assert me.post("/absences", **sent).status_code == 302
    page = me.get("/absences")
    assert "代理中" in page
    assert me.post("/absences", **{**sent, "substitute_id": ids["admin"]}).status_code == 409
    assert me.post("/absences", **{**sent, "principal_id": ids["gaojianming"]}).status_code == 403
    (number,) = re.findall(r"/absences/(\d+)/end", page)
    assert me.post(f"/absences/{number}/end").status_code == 302
    assert me.post(f"/absences/{number}/end").status_code == 404
