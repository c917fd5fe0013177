"""The pages for anyone: no account, no cookie, no script; what is typed is never lost; floods are slowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from decision_flow import clock, notices
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import LateEntry, Notice, Task
from tests.participation import bare
from tests.web.client import Desk
from web import create_app

TEXT = "施工期间请保留一条便道，方便学生上学。"
REASON = "汛期将至，危桥须在汛前开工。"


@pytest.fixture
def store(demo_settings: Settings) -> FileStore:
    return FileStore(demo_settings.folder / "files")


@pytest.fixture
def notice(database: Database, store: FileStore) -> Notice:
    matter_id = bare.begin(database, ("F-23", "undertaking_unit"))
    sections = (*bare.text(1).sections, ("short_reason", REASON))
    return bare.solicit(database, store, matter_id, days=20, short_reason=REASON, sections=sections)


def token(html: str) -> str:
    return re.search(r'name="token" value="([^"]+)"', html)[1]  # type: ignore[index]


def test_anyone_reads_the_notice_and_gets_no_cookie(app: Flask, notice: Notice) -> None:
    anyone = Desk(app)
    for path in ("/notices", "/notices?when=open&kind=solicitation", f"/notices/{notice.number}", "/receipts"):
        html = anyone.get(path)
        assert ("<script" not in html and notice.title in html) or path == "/receipts"
    page = anyone.get(f"/notices/{notice.number}")
    assert REASON in page and "共20日" in page and "我要提意见" in page
    assert anyone.client.get(f"/notices/{notice.number}").headers.get("Set-Cookie") is None
    assert "Decree 713" in anyone.get(f"/notices/{notice.number}?lang=en")
    file = anyone.client.get(f"/notices/{notice.number}/files/{notice.explanation_document_id}")
    assert file.status_code == 200 and "attachment" in file.headers["Content-Disposition"]
    assert anyone.client.get(f"/notices/{notice.number}/files/999").status_code == 404
    assert anyone.client.get("/notices/GG-1999-0001").status_code == 404
    assert anyone.get("/notices?page=99&text=%25&kind=x&when=y")


def test_what_was_entered_late_is_marked_without_names(app: Flask, database: Database, notice: Notice) -> None:
    with database.transaction() as session:
        task = session.scalars(select(Task).where(Task.matter_id == notice.matter_id).limit(1)).one()
        session.get_one(Notice, notice.id).task_id = task.id
        session.add(
            LateEntry(
                task_id=task.id, matter_id=task.matter_id, done_on=clock.today() - timedelta(days=3), done_by="吴婷",
                reason="当时停电。", scan_id=notice.explanation_document_id, entered_at=clock.now(), entered_by_id=1,
                entered_as="清河镇党政综合办公室·办公室主任·周凯",
            )
        )  # fmt: skip
    page = Desk(app).get(f"/notices/{notice.number}")
    assert "补录" in page and "在线下办理" in page
    assert "吴婷" not in page and "周凯" not in page and "停电" not in page


def test_a_comment_its_receipt_and_the_look_up(app: Flask, notice: Notice) -> None:
    anyone = Desk(app)
    form = token(anyone.get(f"/notices/{notice.number}"))
    sent = {"content": TEXT, "name": "王建国", "contact": "13800001234", "position": "suggest", "token": form}
    answer = anyone.client.post(f"/notices/{notice.number}/comments", data=sent)
    assert answer.status_code == 303
    receipt = re.search(r"YJ-\w{5}-\w{5}", answer.headers["Location"])[0]  # type: ignore[index]
    page = anyone.get(answer.headers["Location"])
    assert receipt in page and "正在研究" in page and "王**" in page
    assert "王建国" not in page and "13800001234" not in page
    # Pressed twice, it is the same comment; looked up by typing, however it is written.
    assert receipt in anyone.client.post(f"/notices/{notice.number}/comments", data=sent).headers["Location"]
    assert TEXT in anyone.get(f"/receipts?no={receipt.lower()}")
    assert "请核对后再查" in anyone.get("/receipts?no=YJ-AAAAA-00000", status=404)
    assert token(anyone.get(f"/notices/{notice.number}")) != form


def test_nothing_typed_is_lost(app: Flask, database: Database, notice: Notice) -> None:
    anyone = Desk(app)
    sent = {"content": "短", "name": "<b>王</b>", "position": "oppose", "token": "mine"}
    answer = anyone.client.post(f"/notices/{notice.number}/comments", data=sent)
    html = answer.get_data(as_text=True)
    anyone.look_at(html)
    assert answer.status_code == 422 and "至少5个字" in html
    assert "&lt;b&gt;王" in html and 'value="mine"' in html
    assert re.search(r'value="oppose" checked', html)
    with database.transaction() as session:
        notices.withdraw(session, bare.person(session, bare.OFFICER), notice.id, "附件上传错误，重新公布。")
    answer = anyone.client.post(f"/notices/{notice.number}/comments", data={"content": TEXT})
    assert answer.status_code == 409 and TEXT in answer.get_data(as_text=True)
    assert "附件上传错误" in anyone.get(f"/notices/{notice.number}")


def test_after_the_period_the_form_is_gone(app: Flask, notice: Notice, travel: Callable[[date], None]) -> None:
    travel(notice.close_on)  # type: ignore[arg-type]
    assert 'id="comment"' in Desk(app).get(f"/notices/{notice.number}")
    travel(notice.close_on + timedelta(days=1))  # type: ignore[operator]
    page = Desk(app).get(f"/notices/{notice.number}")
    assert 'id="comment"' not in page and "征求意见已于" in page
    answer = Desk(app).client.post(f"/notices/{notice.number}/comments", data={"content": TEXT})
    assert answer.status_code == 409


@pytest.mark.parametrize("hops", [0, 1])
def test_a_flood_from_one_address_is_slowed(
    demo_settings: Settings, database: Database, notice: Notice, hops: int
) -> None:
    """Behind a trusted proxy the address is the visitor's; without one, a header made up changes nothing."""
    app = create_app(replace(demo_settings, comments_per_minute=3, trusted_proxies=hops), database)
    client = app.test_client()

    def send(address: str, number: int) -> int:
        answer = client.post(
            f"/notices/{notice.number}/comments", data={"content": f"{TEXT}{number}", "name": "李秀英"},
            headers={"X-Forwarded-For": address},
        )  # fmt: skip
        if answer.status_code == 429:
            html = answer.get_data(as_text=True)
            assert f"{TEXT}{number}" in html and "李秀英" in html and int(answer.headers["Retry-After"]) > 0
        return answer.status_code

    told = [send("203.0.113.7", number) for number in range(5)]
    assert told[:3] == [303] * 3 and told[3:] == [429] * 2
    assert send("203.0.113.8", 9) == (303 if hops else 429)


def test_looking_up_is_slowed_too(demo_settings: Settings, database: Database) -> None:
    client = create_app(replace(demo_settings, lookups_per_minute=2), database).test_client()
    told = [client.get(f"/receipts/YJ-0000{place}-00000").status_code for place in range(4)]
    assert told == [404, 404, 429, 429]


def test_pages_are_kept_some_seconds_but_never_a_visitors_token(
    demo_settings: Settings, database: Database, notice: Notice
) -> None:
    app = create_app(replace(demo_settings, public_cache_seconds=60), database)
    first, second = (app.test_client().get(f"/notices/{notice.number}").get_data(as_text=True) for _ in range(2))
    assert token(first) != token(second)
    assert first.replace(token(first), "") == second.replace(token(second), "")
    with database.transaction() as session:
        notices.withdraw(session, bare.person(session, bare.OFFICER), notice.id, "附件上传错误，重新公布。")
    assert "附件上传错误" not in app.test_client().get(f"/notices/{notice.number}").get_data(as_text=True)
    # A comment is judged by what stands in the database, not by a page that was kept.
    sent = app.test_client().post(f"/notices/{notice.number}/comments", data={"content": TEXT, "token": "a"})
    assert sent.status_code == 409
