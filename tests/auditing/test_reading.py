"""The trail is found by whatever an auditor knows, page by page, and who reads it is recorded once."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, text

from decision_flow import audit, clock, migrations, trail_columns
from decision_flow.audit import SYSTEM, EventName
from decision_flow.auditing import access, reading
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.errors import NotFound, NotPermitted
from decision_flow.identity import Actor
from decision_flow.models import AuditEvent, Document, Matter, TrailMention, User
from decision_flow.trail_filters import Filters
from tests.auditing.conftest import actor
from tests.core.test_identity import statements


def found(play: Play, who: Actor, **asked: object) -> list[reading.Line]:
    """Every event that these filters choose, through all pages."""
    lines: list[reading.Line] = []
    cursor = ""
    with play.database.transaction(read_only=True) as session:
        while True:
            page = reading.search(session, who, Filters(**asked), cursor)
            lines += page.lines
            cursor = page.further
            if not cursor:
                return lines


def test_each_filter_finds_what_it_names_and_nothing_else(road: Play, auditor: Actor) -> None:
    everything = found(road, auditor)
    with road.database.transaction(read_only=True) as session:
        assert len(everything) == session.scalar(select(func.count()).select_from(AuditEvent))
        matter = session.get_one(Matter, road.matter_id)
        chenbin = session.scalars(select(User).where(User.username == "chenbin")).one()
        paper = session.scalars(select(Document).where(Document.name == "会议纪要.txt")).one()
    facts = {
        "event": ("task.claimed", lambda line: line.event == "task.claimed"),
        "result": ("refused", lambda line: line.result == "refused"),
        "rule": ("R-25c", lambda line: "R-25c" in line.told["rules"]),
        "person_id": (chenbin.id, lambda line: line.actor_id == chenbin.id),
        "person": ("陈斌", lambda line: line.actor.endswith("陈斌")),
        "matter": (matter.number, lambda line: line.matter_id == matter.id),
        "document": (paper.sha256, lambda line: paper.sha256 in line.canonical),
        "first": (clock.local_date(matter.decided_at), lambda line: line.at >= clock.start_of_day(clock.local_date(matter.decided_at))),
        "last": (clock.local_date(matter.decided_at), lambda line: line.at <= clock.end_of_day(clock.local_date(matter.decided_at))),
    }  # fmt: skip
    for name, (value, holds) in facts.items():
        expected = {line.id for line in everything if holds(line)}
        assert {line.id for line in found(road, auditor, **{name: value})} == expected, name
        assert expected or name == "result", name
    assert found(road, auditor, document="会议纪要") == found(road, auditor, document=paper.sha256)
    assert found(road, auditor, first=date.min, last=date.max) == everything
    assert not found(road, auditor, first=date.max) and not found(road, auditor, last=date.min)
    beside = found(road, auditor, matter_id=matter.id)
    # The public's opinions lie in a stream of their own, and are part of the matter all the same.
    assert {line.stream for line in beside} >= {f"matter:{matter.id}", f"ledger:{matter.id}"}
    assert {line.title for line in beside} == {matter.title}


def test_words_are_found_in_the_record_in_the_name_of_the_act_and_in_the_title(road: Play, auditor: Actor) -> None:
    assert {line.event for line in found(road, auditor, text="处理意见")} == {"opinion.disposed"}
    assert all("改线避让果园" in line.canonical for line in found(road, auditor, text="改线避让果园"))
    assert len(found(road, auditor, text="农村公路 签收")) == len(found(road, auditor, event="task.claimed"))
    assert len(found(road, auditor, text="R-25c")) == len(found(road, auditor, rule="R-25c"))
    assert not found(road, auditor, text="r-25c")
    for nothing in ("没有这样的字", '"', "\\", "%", "100%_"):
        assert not found(road, auditor, text=f"{nothing}无此内容"), nothing


def test_a_page_for_words_looks_through_so_many_and_says_how_far(
    road: Play, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "NEAR", 7)
    monkeypatch.setattr(reading, "LOOKED_THROUGH", 40)
    with road.database.transaction(read_only=True) as session:
        first = reading.search(session, auditor, Filters(text="登记事项"))
        assert first.lines == () and first.looked_to is not None and first.further
    assert [line.event for line in found(road, auditor, text="登记事项")] == ["matter.registered"]


@pytest.mark.parametrize("oldest_first", [True, False])
def test_the_pages_hold_every_event_once_in_order(road: Play, auditor: Actor, oldest_first: bool) -> None:
    seen: list[reading.Line] = []
    cursor = ""
    with road.database.transaction(read_only=True) as session:
        while True:
            page = reading.search(session, auditor, Filters(), cursor, oldest_first=oldest_first)
            assert len(page.lines) <= reading.PER_PAGE
            seen += page.lines
            cursor = page.further
            if not cursor:
                break
    places = [(line.at, line.id) for line in seen]
    assert places == sorted(set(places), reverse=not oldest_first)
    assert len(places) > 3 * reading.PER_PAGE


@pytest.mark.parametrize("cursor", ["", "x", "~", "2026-05-08~1", "2026-05-08T00:00:00+00:00~", "9~" + "9" * 40])
def test_a_cursor_that_is_none_is_the_beginning(road: Play, auditor: Actor, cursor: str) -> None:
    with road.database.transaction(read_only=True) as session:
        assert reading.search(session, auditor, Filters(), cursor) == reading.search(session, auditor, Filters())


def test_a_page_costs_few_statements_whatever_is_asked(
    road: Play, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Filters(text="公路 办结", rule="R-25c", event="task.completed", first=road.day - timedelta(days=900))
    # Names are looked up first; words cost the look how far to go, twice when they are not found near by.
    costs = [
        (Filters(), 1),
        (Filters(matter_id=road.matter_id), 1),
        (Filters(matter="公路", person="陈斌"), 3),
        (asked, 2),
    ]

    def cost(filters: Filters) -> int:
        with road.database.transaction(read_only=True) as session, statements(road.database) as seen:
            reading.search(session, auditor, filters)
        assert not any("count(" in one for one in seen)
        return len([one for one in seen if one.startswith("SELECT") and "FROM matter \nWHERE matter.id IN" not in one])

    assert [cost(filters) for filters, _ in costs] == [most for _, most in costs]
    monkeypatch.setattr(reading, "NEAR", 20)
    assert cost(Filters(text="没有这样的字")) == 4


def test_one_reading_is_one_event_however_many_pages_it_has(road: Play, auditor: Actor) -> None:
    def read(view: str, **asked: object) -> int:
        with road.database.transaction() as session:
            access.note(session, auditor, view, asked)
        with road.database.transaction(read_only=True) as session:
            stream = session.execute(select(AuditEvent.seq).where(AuditEvent.stream == f"desk:{auditor.user_id}")).all()
        return len(stream)

    with time_machine.travel(clock.now(), tick=False) as moved:
        assert read("search", text="公路") == 1
        assert read("search", text="公路") == 1
        assert read("search", text="水价") == 2
        moved.shift(timedelta(minutes=29))
        assert read("search", text="公路") == 2
        moved.shift(timedelta(minutes=2))
        assert read("search", text="公路") == 3
    with road.database.transaction(read_only=True) as session:
        assert audit.verify(session, f"desk:{auditor.user_id}") is None


def test_only_who_may_reads_and_a_supervisor_reads_what_lies_below(road: Play, auditor: Actor) -> None:
    cases.OTHERS[8](road.database, road.files)  # a matter of 石桥镇
    town, district, official = (actor(road, name) for name in ("tangjing", "lvping", "chenbin"))
    with road.database.transaction(read_only=True) as session:
        with pytest.raises(NotPermitted):
            reading.search(session, official, Filters())
        with pytest.raises(NotPermitted):
            access.note(session, official, "search", {})
        other = session.scalars(select(Matter).where(Matter.title.startswith("石桥镇"))).one()
        assert access.matter(session, district, other.id).id == other.id
        with pytest.raises(NotFound):
            access.matter(session, town, other.id)
        hidden = session.scalars(select(AuditEvent.id).where(AuditEvent.matter_id == other.id)).first()
        with pytest.raises(NotFound):
            reading.event(session, town, hidden)
    assert {line.id for line in found(road, district)} == {line.id for line in found(road, auditor)}
    mine = found(road, town)
    assert mine and {line.matter_id for line in mine} == {road.matter_id}
    assert any(line.stream.startswith("ledger:") for line in mine)


def test_what_an_event_mentions_is_what_it_says(road: Play) -> None:
    with road.database.transaction(read_only=True) as session:
        rows = session.execute(select(AuditEvent.id, AuditEvent.at, AuditEvent.canonical)).all()
        stored = {
            tuple(row) for row in session.execute(select(TrailMention.event_id, TrailMention.at, TrailMention.value))
        }
    said = set()
    for row in rows:
        told = json.loads(row.canonical)
        said |= {(row.id, row.at, value) for value in trail_columns.mentioned(told["rules"], told["facts"])}
    assert stored == said
    # The migration that brought the table in writes the same for a trail from before.
    migrations.downgrade(road.database, "0012")
    migrations.upgrade(road.database)
    with road.database.transaction(read_only=True) as session:
        again = {
            tuple(row) for row in session.execute(select(TrailMention.event_id, TrailMention.at, TrailMention.value))
        }
    assert again == said


@pytest.mark.parametrize("change", ["DELETE FROM trail_mention WHERE value = 'R-25c'",
                                    "INSERT INTO trail_mention SELECT 'R-99', at, id FROM audit_event WHERE seq = 1"])  # fmt: skip
def test_a_false_mention_is_refused_or_found(database: Database, change: str) -> None:
    with database.transaction() as session:
        audit.append(session, "test", EventName.STEP_PASSED, actor=SYSTEM, rules=["R-25c"])
    if change.startswith("DELETE"):
        with pytest.raises(Exception, match="never changed"), database.engine.begin() as connection:
            connection.execute(text(change))
        return
    with database.engine.begin() as connection:
        connection.execute(text(change))
    with database.transaction(read_only=True) as session:
        assert audit.verify(session, "test") is not None


def test_changes_are_told_with_before_and_after(road: Play, auditor: Actor) -> None:
    lines = found(road, auditor, event="task.completed")
    twice = [line for line in lines if line.form in ("F-06", "F-13", "F-15a")]
    assert twice
    with road.database.transaction() as session:
        audit.append(
            session, audit.PEOPLE, EventName.POST_CHANGED, actor=SYSTEM,
            facts={"id": 1, "before": {"title": "科员"}, "after": {"title": "主任"}},
        )  # fmt: skip
    with road.database.transaction(read_only=True) as session:
        line = reading.search(session, auditor, Filters(event="post.changed")).lines[0]
        assert [(one.name, one.before, one.after) for one in reading.changes(session, line)] == [
            ("title", "科员", "主任")
        ]
