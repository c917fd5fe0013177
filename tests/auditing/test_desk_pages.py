"""The pages of the desk: read by who may, in sentences, and taken away in every format."""

from __future__ import annotations

import errno
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from decision_flow import trail_exports
from decision_flow.auditing import reading, taking
from decision_flow.demo.play import Play
from decision_flow.event_names import EVENTS, EventName
from decision_flow.identity import Actor
from decision_flow.models import AuditEvent, Document
from decision_flow.trail_filters import Filters
from decision_flow.verifier import verify_trail
from tests.web.client import Desk
from web import trail_words

AtDesk = Callable[[str], Desk]


def recorded(play: Play, event: str) -> list[dict[str, object]]:
    with play.database.transaction(read_only=True) as session:
        rows = session.scalars(select(AuditEvent.canonical).where(AuditEvent.event == event).order_by(AuditEvent.id))
        return [json.loads(row)["facts"] for row in rows]


def test_every_event_has_its_words() -> None:
    assert set(EVENTS) == {event.value for event in EventName}
    assert set(trail_words.SENTENCES) <= set(EVENTS)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_event_of_a_matter_is_a_plain_sentence(road: Play, app: Flask, auditor: Actor, language: str) -> None:
    cursor, told = "", set()
    with road.database.transaction(read_only=True) as session, app.test_request_context(f"/?lang={language}"):
        while True:
            page = reading.search(session, auditor, Filters(), cursor)
            for line in page.lines:
                said = trail_words.sentence(line)
                assert said.endswith("。" if language == "zh" else ".") or line.event == "action.refused"
                assert "%(" not in said and "{" not in said and "None" not in said, said
                told.add(line.event)
            cursor = page.further
            if not cursor:
                break
    assert len(told) > 15


def test_the_desk_follows_a_matter_a_person_a_paper_and_a_rule(road: Play, at_desk: AtDesk) -> None:
    desk = at_desk("audit")
    page = desk.get("/audit?text=公路&event=decision.recorded")
    assert "作出决定：通过" in page
    place = re.search(r'href="(/audit/events/\d+)"', page)
    assert place
    assert "记录原文" in desk.get(place[1])
    matter = desk.get(f"/audit/matters/{road.matter_id}")
    assert matter.index("登记事项《") < matter.index("签收任务“")
    who = re.search(r'href="(/audit/people/\d+)"', matter)
    assert who and "历任岗位" in desk.get(who[1])
    paper = re.search(r'href="(/audit/documents/[0-9a-f]{64})"', desk.get("/audit?document=会议纪要"))
    assert paper and "会议纪要.txt" in desk.get(paper[1])
    assert "R-25c" in desk.get("/audit/rules/R-25c")
    for missing in ("/audit/matters/999", "/audit/people/999", "/audit/documents/" + "0" * 64, "/audit/rules/R-99",
                    "/audit/events/9999999", "/audit/export?format=exe"):  # fmt: skip
        desk.get(missing, status=404)
    odd_days = ("0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", str(10**12), "-1", "2026-02-30", "٢٠٢٦-٠١-٠١")
    about = [f"/audit/matters/{road.matter_id}", who[1], paper[1], "/audit/rules/R-25c", "/audit"]
    for place in about:
        for day in odd_days:
            assert "日期对调" not in desk.get(f"{place}?first={day}&last={day}")
        assert "日期对调" in desk.get(f"{place}?first=2026-03-02&last=2026-03-01")
    desk.get("/audit/export?format=csv&first=9999-12-31&last=0001-01-01", status=422)
    for odd in ("/audit?first=x&last=2026-13-01&after=x&matter_id=x", "/audit?rule=%27%22%3C&text=%25_%5C"):
        desk.get(odd)


def test_reading_is_recorded_once_and_paging_does_not_grow_the_trail(road: Play, at_desk: AtDesk) -> None:
    desk = at_desk("audit")
    page = desk.get("/audit")
    for _ in range(3):
        further = re.search(r'href="\?([^"]*after=[^"]+)"', page)
        assert further
        page = desk.get("/audit?" + further[1].replace("&amp;", "&"))
    desk.get("/audit")
    assert recorded(road, "trail.read") == [{"view": "search"}]
    # One's own reading does not push what one looks for off the page; by its name it is there.
    assert "查阅过程记录：" not in desk.get("/audit")
    assert "查阅过程记录：检索" in desk.get("/audit?event=trail.read")


@pytest.mark.parametrize("kind", sorted(trail_exports.WRITERS))
def test_the_filter_is_taken_away_in_every_format_and_recorded(road: Play, at_desk: AtDesk, kind: str) -> None:
    desk = at_desk("audit")
    assert f"format={kind}" in desk.get("/audit?event=task.claimed")
    answer = desk.client.get(f"/audit/export?format={kind}&event=task.claimed")
    assert answer.status_code == 200 and answer.headers["Content-Disposition"].startswith("attachment")
    with road.database.transaction(read_only=True) as session:
        claimed = len(session.scalars(select(AuditEvent.id).where(AuditEvent.event == "task.claimed")).all())
    content = answer.get_data()
    counted = {
        "jsonl": lambda: len(content.splitlines()),
        "csv": lambda: len(re.findall(rb"task\.claimed", content)),
        "xes": lambda: content.count(b"<event>"),
    }
    assert claimed and counted.get(kind, lambda: claimed)() == claimed
    assert content
    assert recorded(road, "trail.exported") == [{"format": kind, "event": "task.claimed"}]


def test_the_whole_as_json_lines_is_the_trail_that_verifies(road: Play, at_desk: AtDesk) -> None:
    answer = at_desk("audit").client.get("/audit/export?format=jsonl")
    report = verify_trail.verify(json.loads(line) for line in answer.get_data().splitlines())
    assert not report.problems and report.events > 150


def test_a_download_that_is_cancelled_or_finds_no_room_leaves_nothing(
    at_desk: AtDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "aside"))
    (tmp_path / "aside").mkdir()
    desk = at_desk("audit")
    answer = desk.client.get("/audit/export?format=csv", buffered=False)
    # Nothing lies there that somebody would have to take away.
    assert not list((tmp_path / "aside").iterdir()) and next(answer.iter_encoded())
    answer.close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(taking, "write", full)
    assert "磁盘空间不足" in desk.get("/audit/export?format=csv", status=422)
    assert not list((tmp_path / "aside").iterdir())


def test_too_much_for_a_page_is_told_with_the_command(
    road: Play, at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "AT_ONCE", 10)
    page = at_desk("audit").get("/audit/export?format=csv", status=422)
    assert "decision-flow audit export --format csv" in page
    assert recorded(road, "trail.exported") == []


def test_a_download_is_recorded_with_who_took_which_bytes(road: Play, at_desk: AtDesk) -> None:
    with road.database.transaction(read_only=True) as session:
        paper = session.scalars(select(Document).where(Document.name == "会议纪要.txt")).one()
    assert at_desk("chenbin").client.get(f"/documents/{paper.id}").status_code == 200
    assert recorded(road, "document.read") == [{"document": paper.id, "name": paper.name, "sha256": paper.sha256}]
    assert "下载材料《会议纪要.txt》" in at_desk("audit").get(f"/audit/documents/{paper.sha256}")
    # Who is refused took nothing.
    assert at_desk("shaojun").client.get(f"/documents/{paper.id}").status_code == 404
    assert len(recorded(road, "document.read")) == 1


def test_officials_have_no_desk(at_desk: AtDesk) -> None:
    desk = at_desk("chenbin")
    assert "审计台" not in desk.get("/inbox")
    desk.get("/audit", status=403)
    desk.get("/audit/export?format=csv", status=403)
