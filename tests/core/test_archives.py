"""The archive checklist by kind of matter (R-33) and how long papers are kept (D-09)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import archives, archiving
from decision_flow.archives import ArchiveFacts, Exemption, checklist, kind_of, longest, missing, retention_of
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import Refused
from decision_flow.models import AuditEvent, Document, Matter

WHOLE = {
    "F-01", "F-02", "F-03", "F-04", "F-05", "F-05b", "F-06", "F-20", "F-22", "F-23", "F-29s", "F-34", "F-34b", "F-10",
    "F-12", "F-13", "F-13a", "F-13s", "F-14", "F-15", "F-15s", "F-16", "F-16b", "F-16n", "F-17", "F-17b", "F-18", "F-19",
}  # fmt: skip
SAID: Mapping[str, Mapping[str, Any]] = {
    "F-04": {"consulted_units": [1]},
    "F-06": {"affects_market_entities": True, "npc_report_required": True},
    "F-20": {"forms": ["open_solicitation"]},
}


def facts(*without: str, also: tuple[str, ...] = (), decided: bool = True, **said: Any) -> ArchiveFacts:
    return ArchiveFacts("major_decision", decided, frozenset((WHOLE - set(without)) | set(also)), {**SAID, **said})


def test_a_whole_file_misses_nothing() -> None:
    assert missing(facts()) == []
    assert {item.state for item in checklist(facts())} == {"present"}


@pytest.mark.parametrize("form", sorted(WHOLE))
def test_each_paper_is_missed_when_it_is_not_there(form: str) -> None:
    (item,) = missing(facts(form))
    assert item.missing == (form,)


@pytest.mark.parametrize(
    ("without", "exemption"), [(("F-29s",), "F-08"), (("F-34", "F-34b"), "F-09b"), (("F-20", "F-22", "F-23"), "F-07")]
)
def test_an_exemption_stands_for_the_step_it_exempts(without: tuple[str, ...], exemption: str) -> None:
    assert len(missing(facts(*without))) == 1
    assert missing(facts(*without, also=(exemption,), **{"F-20": {}})) == []


@pytest.mark.parametrize(("exemption", "place"), [("F-08", 6), ("F-09b", 7), ("F-07", 5)])
def test_an_approved_exemption_is_told_while_the_matter_runs(exemption: str, place: int) -> None:
    """Not as something that is not there yet: with its article, its reason and who approved it."""
    told = Exemption("条例第十九条", "常规改造", "清河镇人民政府·副镇长·孙丽", datetime(2026, 3, 2, tzinfo=UTC))
    running = ArchiveFacts("major_decision", False, frozenset({"F-01", exemption}), {}, {exemption: told})
    item = checklist(running)[place - 1]
    assert (item.state, item.exemption) == ("exempt", told) and item.needed[-1] == exemption
    part = ArchiveFacts("major_decision", False, running.forms, {exemption: {"scope": "part"}}, running.exemptions)
    assert checklist(part)[place - 1].state == "none_yet"


def test_what_does_not_apply_is_not_missed() -> None:
    calm = {"F-04": {"consulted_units": []}, "F-06": {}, "F-20": {"forms": ["symposium"]}}
    assert missing(facts("F-05", "F-05b", "F-10", "F-16n", "F-22", **calm)) == []
    assert [item.number for item in missing(facts("F-17b", also=("F-07",), **{"F-07": {"scope": "part"}}))] == [12]
    assert missing(facts("F-17", "F-17b", also=("F-07",), **{"F-07": {"scope": "whole"}})) == []


def test_an_exemption_of_a_part_leaves_the_rest_to_be_heard() -> None:
    for scope, numbers in (("part", [5]), ("whole", [])):
        found = missing(facts("F-20", "F-22", "F-23", also=("F-07",), **{"F-07": {"scope": scope}, "F-20": {}}))
        assert [item.number for item in found] == numbers, scope


def test_a_matter_that_ended_early_hands_over_what_there_is() -> None:
    early = ArchiveFacts("major_decision", False, frozenset({"F-01", "F-02"}), {})
    assert missing(early) == []
    assert [item.state for item in checklist(early)][:2] == ["present", "none_yet"]
    assert checklist(ArchiveFacts("post_evaluation", True, frozenset(), {})) == []


def test_major_items_have_a_file_of_their_own() -> None:
    leader = frozenset({"F-42", "F-42a", "F-42e", "F-42f"})
    assert missing(ArchiveFacts("three_major_one_large", True, leader)) == []
    meeting = (leader - {"F-42a"}) | {"F-42b"}
    assert [item.missing for item in missing(ArchiveFacts("three_major_one_large", True, meeting))] == [
        ("F-15", "F-15s")
    ]


@pytest.mark.parametrize(
    ("form", "field", "newest", "kept"),
    [
        ("F-15", "minutes_file", True, "permanent"), ("F-13", "x", True, "permanent"), ("F-13a", "", False, "permanent"),
        ("F-34", "report_file", True, "permanent"), ("F-06", "draft_file", True, "permanent"),
        ("F-06", "draft_file", False, "10y"), ("F-11", "draft_file", False, "10y"), ("F-23", "ledger", True, "30y"),
        ("F-02", "report_file", True, "30y"), (None, "", True, "30y"),
    ],
)  # fmt: skip
def test_how_long_a_paper_is_kept(form: str | None, field: str, newest: bool, kept: str) -> None:
    assert retention_of(kind_of(form, field, newest=newest)) == kept
    assert longest(["10y", "permanent", "30y"]) == "permanent" and longest([]) == "10y"


def test_the_file_of_a_matter_is_refused_with_the_list_of_what_is_missing(database: Database, files: FileStore) -> None:
    play = cases.rural_road(database, files, date(2026, 1, 12))
    with database.transaction() as session:
        matter = session.get_one(Matter, play.matter_id)
        items = {item.number: item for item in archives.missing(archiving.facts_of(session, matter))}
        # Only the progress of the execution is not there yet.
        assert {number: item.missing for number, item in items.items()} == {13: ("F-19",)}
        with pytest.raises(Refused) as refusal:
            archiving.must_be_complete(session, matter)
        assert refusal.value.rule == "R-33" and "13.执行任务书、进度和问题（F-19）" in str(refusal.value)
        kept = archiving.retentions(archiving.filed(session, matter.id))
        drafts = session.scalars(select(Document.id).where(Document.field == "draft_file")).all()
        assert kept[max(drafts)] == "permanent"
    play.run_to(given={"T_execution_tracking_01": {"percent_done": 100, "finished": True}})
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert (matter.status, matter.outcome) == ("COMPLETED", "E_done")
        filed = session.scalars(
            select(AuditEvent.canonical)
            .where(AuditEvent.matter_id == matter.id, AuditEvent.event == "archive.filed")
            .order_by(AuditEvent.id.desc())
        ).first()
        told = json.loads(filed)["facts"]
        assert told["retention"] == "permanent" and not told["retention_table_approved"]
        assert {paper["retention"] for paper in told["documents"]} >= {"permanent", "30y"}
