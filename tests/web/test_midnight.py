"""Around midnight in China, on a server of any zone: every date that is shown or counted is that of China."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from decision_flow import clock, worker
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import Matter, Task, Timer
from tests.participation import bare
from tests.web.client import Desk

# Half an hour into the new year, which the government has not yet arranged; in London it is still the old one.
MOMENT = datetime(2027, 1, 1, 0, 30, tzinfo=clock.BUSINESS_ZONE)
GIVEN = {
    "_procedure": "major_decision", "matter_name": "清河镇供水管网改造", "suggestion_source": "department",
    "proposer_name": "吴婷", "proposer_contact": "0871", "received_date": "2027-01-01",
    "summary": "集镇供水管网老化，漏损严重，群众用水不便，建议分两期改造，第一期改造主干管网六公里。",
    "matter_category": "public_construction", "exclusion_type": "none", "contains_state_secret": "false",
}  # fmt: skip


@pytest.fixture(params=["UTC", "America/New_York"])
def midnight(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    with time_machine.travel(MOMENT, tick=False) as traveller:
        yield traveller
    monkeypatch.undo()
    time.tzset()


def test_a_matter_of_the_first_minutes_of_a_year_is_of_that_year(
    app: Flask, database: Database, midnight: time_machine.Traveller
) -> None:
    desk = Desk(app, "wuting")
    organ = re.search(r'<option value="(\d+)"[^>]*>清河镇人民政府', desk.get("/matters/new"))
    assert organ and desk.post("/matters/new", _organ=organ[1], **GIVEN).status_code == 302
    with database.transaction() as session:
        matter = session.scalars(select(Matter)).one()
        task = session.scalars(select(Task).where(Task.matter_id == matter.id, Task.state == "OPEN")).one()
        assert matter.number == "ZD-2027-0001"
        # The office has no period for this step; the clock of this one ends with a day in China.
        task.due_at, task.due_explanation = clock.end_of_day(clock.today() + timedelta(days=1)), "暂定"
        due = task.due_at
    office = Desk(app, "zhoukai")
    for page in (
        desk.get(f"/matters/{matter.id}"),
        office.get(f"/tasks/{task.id}"),
        office.get("/inbox?tab=claimable"),
    ):
        assert "2026-12-31" not in page and "16:30" not in page and "11:30" not in page
        assert "2027-01-0" in page
    row = office.get("/inbox?tab=claimable")
    assert "2027-01-02" in row and "剩余1天" in row and "暂定" in row
    for moment, said in (
        (timedelta(hours=-1), "剩余1天"),
        (timedelta(), "今日到期"),
        (timedelta(hours=23), "今日到期"),
    ):
        midnight.move_to(datetime(2027, 1, 2, tzinfo=clock.BUSINESS_ZONE) + moment)
        assert said in Desk(app, "zhoukai").get("/inbox?tab=claimable"), moment
    midnight.move_to(due + timedelta(seconds=2))
    assert "逾期1天" in Desk(app, "zhoukai").get("/inbox?tab=claimable")


def test_a_notice_of_lateness_names_the_day_in_china(
    app: Flask, database: Database, midnight: time_machine.Traveller
) -> None:
    matter_id = bare.begin(database, ("F-22b", "government_office"))
    with database.transaction() as session:
        task = session.scalars(select(Task).where(Task.matter_id == matter_id, Task.state == "OPEN")).one()
        task.due_at = clock.end_of_day(clock.today())
        session.add(
            Timer(
                kind="overdue",
                matter_id=matter_id,
                task_id=task.id,
                due_at=task.due_at,
                state="WAITING",
                dedupe_key="x",
            )
        )
        due = task.due_at
    assert worker.tick(database, "a") == 0
    midnight.move_to(due + timedelta(seconds=1))
    assert worker.tick(database, "a") == 1
    page = Desk(app, "zhoukai").get("/messages")
    assert "已于2027-01-01到期" in page and "+00:00" not in page


def test_a_window_is_open_from_its_first_to_its_last_minute_in_china(
    app: Flask, database: Database, files: FileStore, midnight: time_machine.Traveller
) -> None:
    matter_id = bare.begin(database, ("F-22b", "disclosure_officer"))
    notice = bare.solicit(database, files, matter_id)
    assert notice.open_on == clock.today() and notice.close_on is not None
    last = clock.end_of_day(notice.close_on)
    for moment, taken in ((last - timedelta(minutes=1), True), (last + timedelta(seconds=1), False)):
        midnight.move_to(moment)
        visitor = Desk(app)
        page = visitor.get(f"/notices/{notice.number}")
        assert ("/comments" in page) == taken, moment
        token = re.search(r'name="token" value="([^"]+)"', page)
        sent = visitor.post(
            f"/notices/{notice.number}/comments", content="建议增加公交站点。", token=token[1] if token else "x" * 32
        )
        assert sent.status_code == (303 if taken else 409), sent.get_data(as_text=True)
