"""Rows of the law that ask to be recorded: what they speak of is done, and the trail names the row (LOG, WARN)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import acts, clock, documents, evaluations, feedback, jobs, linked_records, prints, submitted, worker
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, NotFound, NotPermitted, Refused
from decision_flow.models import AuditEvent, Notice, Reminder, Task
from tests.stories.telling import names


def recorded(play: Play, rule: str) -> list[dict[str, Any]]:
    """The events of the matter that name the rule."""
    with play.database.transaction(read_only=True) as session:
        told = session.scalars(
            select(AuditEvent.canonical).where(AuditEvent.matter_id == play.matter_id).order_by(AuditEvent.seq)
        ).all()
    return [event for event in map(json.loads, told) if rule in event["rules"]]


def test_party_leadership_stands_in_the_trail(road: Play) -> None:
    """R-04: what was asked of the Party committee and what it replied."""
    asked, replied = recorded(road, "R-04")
    assert (asked["facts"]["form"], replied["facts"]["form"]) == ("F-16", "F-16b")
    assert replied["facts"]["answers"]["F16b"]["reply"] == "agreed" and replied["at"] >= asked["at"]


def test_an_expert_explains_the_draft_to_the_public(database: Database, files: FileStore, road: Play) -> None:
    """R-15c: while the draft is before the public, as a page of its own; after the decision it is an interpretation."""
    play = cases.OTHERS[5](database, files)
    play.act(
        "explain", "linyue", title="专家谈生活垃圾分类收集点怎么选", form="interview", interpreter="莫青",
        body="收集点离住户不宜过近，也不宜超过二百米，异味和清运时间都有办法控制。", published_on=play.day.isoformat(),
    )  # fmt: skip
    (event,) = recorded(play, "R-15c")
    assert event["event"] == "task.completed" and event["actor"]["display"].endswith("林悦")
    with database.transaction(read_only=True) as session:
        page = session.scalars(
            select(Notice).where(Notice.matter_id == play.matter_id, Notice.kind == "interpretation")
        ).one()
        assert "二百米" in json.dumps(page.sections, ensure_ascii=False)
    with road.database.transaction() as session, pytest.raises(Refused) as refusal:
        acts.begin(session, road._actor(session, "linyue"), road.matter_id, "explain")
    assert (refusal.value.rule, refusal.value.article) == ("R-15c", "条例第十五条")


def test_a_progress_report_that_does_not_come_is_asked_for_and_goes_to_the_supervisor(
    road: Play, travel: Callable[[date], None]
) -> None:
    """R-34b: the unit is reminded, then the supervisor, then the deputy head is told."""
    with road.database.transaction(read_only=True) as session:
        task = session.scalars(select(Task).where(Task.element_id == "T_execution_tracking_01")).one()
        due = clock.local_date(task.due_at)
        assert task.due_rule == "R-34c" and task.state == "OPEN"
        supervisor, deputies = road._actor(session, "zhoukai").user_id, {
            road._actor(session, name).user_id for name in ("sunli", "mabo")
        }  # fmt: skip
    day = due - timedelta(days=7)
    while day <= due + timedelta(days=9):
        travel(day)
        jobs.run_due(road.database, "a", worker.DAILY)
        day += timedelta(days=1)
    with road.database.transaction(read_only=True) as session:
        rows = session.scalars(select(Reminder).where(Reminder.subject == f"task:{task.id}"))
        told = {row.rung: row.told for row in rows}
    assert "handler" in told["before"] and "handler" in told["late-1"]
    assert supervisor in told["late-unit"]["supervisor"]
    assert deputies <= set(told["late-deputy"]["deputy_head"])
    assert names(road) == {"T_execution_tracking_01"}


def test_what_anybody_says_of_a_decision_is_kept_and_counted(road: Play) -> None:
    """R-35b: by letter, telephone or mail, also in favour; what is said against it counts for the trigger (R-36a)."""
    with clock.pretend(road.since), road.database.transaction() as session:
        office, today = road._actor(session, "zhoukai"), clock.today()
        for number in range(20):
            feedback.record(session, office, road.matter_id, {
                "kind": "opinion", "channel": ("letter", "phone", "email")[number % 3], "negative": "true",
                "heard_on": today.isoformat(), "content": f"第{number}位来信人反映施工扬尘。",
            })  # fmt: skip
        feedback.record(session, office, road.matter_id, {
            "kind": "opinion", "channel": "visit", "heard_on": today.isoformat(), "content": "路修好了，出行方便。",
        })  # fmt: skip
        facts = evaluations.facts_of(session, road.matter_id, today)
        assert facts.negative_opinions == 20 and "many_opinions" in evaluations.triggers_of(facts)
        with pytest.raises(NotFound):
            feedback.record(session, road._actor(session, "duanrui"), road.matter_id, {})
    assert len(recorded(road, "R-35b")) == 21


def order(**changed: str) -> dict[str, str]:
    told = {"kind": "correction_order", "number": "云政责改〔2026〕3号", "occurred_on": "2026-05-06",
            "summary": "责令补充公布意见采纳情况。"}  # fmt: skip
    return {**told, **changed}


@pytest.mark.parametrize(
    ("kind", "rule", "unit"),
    [
        ("correction_order", "R-38a", None),
        ("undertaking_fault", "R-39", "清河镇规划建设和生态环境办公室"),
        ("executing_fault", "R-40", "清河镇农村公路管理站"),
    ],
)
def test_liability_is_registered_with_its_document(road: Play, kind: str, rule: str, unit: str | None) -> None:
    """R-38a, R-39, R-40: the order or the finding itself lies in the register, and the trail names the unit."""
    with clock.pretend(road.since), road.database.transaction() as session:
        office = road._actor(session, "zhoukai")
        with pytest.raises(Invalid) as refusal:
            linked_records.add(session, office, road.matter_id, order(kind=kind))
        assert set(refusal.value.errors) == {"paper"}
        paper = documents.store(
            session, office, road.files, io.BytesIO("责令改正通知书".encode()), "通知书.txt", matter_id=road.matter_id
        )
        record = linked_records.add(session, office, road.matter_id, order(kind=kind), paper)
        assert linked_records.papers(session, road.matter_id) == {record.id: paper} and paper.filed_at is not None
    (event,) = recorded(road, rule)
    assert event["facts"]["document"]["sha256"] == paper.sha256 and event["facts"]["kind"] == kind
    assert event["facts"].get("unit", {}).get("name") == unit
    with road.database.transaction(read_only=True) as session:
        found = linked_records.register(session, road._actor(session, "zhoukai"))
        assert [(row.kind, row.matter.id) for row in found.rows] == [(kind, road.matter_id)]
        assert linked_records.register(session, road._actor(session, "duanrui")).total == 0


def test_nobody_is_held_to_account_for_what_nobody_carries(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[3](database, files)
    with database.transaction() as session:
        office = play._actor(session, "zhoukai")
        paper = documents.store(
            session, office, files, io.BytesIO("通报".encode()), "通报.txt", matter_id=play.matter_id
        )
        with pytest.raises(Invalid) as refusal:
            linked_records.add(session, office, play.matter_id, order(kind="executing_fault"), paper)
        assert set(refusal.value.errors) == {"kind"}


def test_minutes_are_only_added_to(road: Play) -> None:
    """R-30f: an author, a reason, the old words beside the new; the minutes themselves stay as they were signed."""
    with road.database.transaction(read_only=True) as session:
        minutes = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.form == "F-15")).one()
        before, clerk = submitted.latest(session, road.matter_id, "F-15"), road._actor(session, "linyue")
    note = {"kind": "correction", "person": "马波", "original": "同意草案", "note": "同意草案，但工期应避开秋收。"}
    for wrong, field in (({"reason": ""}, "reason"), ({"reason": "核对录音后更正", "original": ""}, "original")):
        with pytest.raises(Invalid) as refusal:
            road.act("note-minutes", "linyue", **{**note, **wrong})
        assert set(refusal.value.errors) == {field}
    road.act("note-minutes", "linyue", **note, reason="核对录音后更正")
    road.act("note-minutes", "linyue", kind="late_note", note="镇长会后说明了选线考虑。", reason="归档前补充")
    first, late = [event for event in recorded(road, "R-30f") if event["event"] == "task.completed"]
    assert first["actor"]["display"].endswith("林悦") and first["facts"]["answers"]["F15n"]["kind"] == "correction"
    assert late["at"] > first["at"] and late["facts"]["answers"]["F15n"]["kind"] == "late_note"
    with road.database.transaction(read_only=True) as session:
        assert submitted.latest(session, road.matter_id, "F-15") == before
        printed, _ = prints.of_task(session, clerk, minutes.id)
        assert [mark.split("：")[0][-2:] for mark in printed.marks] == ["更正", "补充"]
        assert "避开秋收" in printed.marks[0] and "核对录音" in printed.marks[0]
    with road.database.transaction() as session, pytest.raises(NotPermitted):
        acts.begin(session, road._actor(session, "gaojianming"), road.matter_id, "note-minutes")


def test_minutes_that_do_not_stand_are_not_added_to(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[7](database, files)
    with database.transaction() as session, pytest.raises(Refused) as refusal:
        acts.begin(session, play._actor(session, "linyue"), play.matter_id, "note-minutes")
    assert (refusal.value.rule, refusal.value.article) == ("R-30f", "条例第三十条")
