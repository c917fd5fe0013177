"""The trail in the formats of an auditor's trade, long exports, and what many writers leave behind."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from decision_flow import audit, checkpoints, live_trail, trail_exports
from decision_flow.audit import SYSTEM, EventName
from decision_flow.cli import main
from decision_flow.db import Database
from decision_flow.errors import Invalid
from decision_flow.models import AuditEvent
from decision_flow.trail_exports import Filters
from decision_flow.verifier import verify_trail
from tests import long_trail, writers
from tests.participation.bare import person

XES = "{http://www.xes-standard.org/}"


@pytest.fixture
def long(database: Database) -> Database:
    """5,000 events over 20 matters, most of them sealed."""
    long_trail.make(database, 5_000, 20)
    return database


def hostile(database: Database) -> None:
    with database.transaction() as session:
        for text in ("=1+1", "+1", "-1", "@x", "\ttab", 'a"b<c>&\x07\u3000\n行', "\U0001f600"):
            audit.append(
                session, "x", EventName.STEP_PASSED, actor=SYSTEM, rules=["R-15b"], reason=text, facts={"rule": "R-26c"}
            )


def write(database: Database, kind: str, target: Path, filters: Filters = Filters()) -> int:  # noqa: B008
    with database.snapshot() as session:
        return trail_exports.WRITERS[kind](session, filters, target)


def test_every_table_holds_the_events_and_no_formula(database: Database, tmp_path: Path) -> None:
    hostile(database)
    rule = Filters(rule="R-15b")
    assert {kind: write(database, kind, tmp_path / kind, rule) for kind in trail_exports.WRITERS} == {
        "jsonl": 7, "csv": 7, "xlsx": 7, "xes": 0, "ocel": 7,
    }  # fmt: skip
    # What only names a rule in its facts is not under it.
    assert write(database, "csv", tmp_path / "none", Filters(rule="R-26c")) == 0
    raw = (tmp_path / "csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "csv").open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.reader(source))
    assert rows[0] == list(trail_exports.HEADINGS)
    assert [row[7] for row in rows[1:6]] == ["'=1+1", "'+1", "'-1", "'@x", "'\ttab"]
    assert not [cell for row in rows[1:] for cell in row if cell[:1] in "=+-@\t\r\n" and cell]
    sheet = CalamineWorkbook.from_path(str(tmp_path / "xlsx")).get_sheet_by_index(0).to_python()
    assert [row[7] for row in sheet[1:6]] == ["=1+1", "+1", "-1", "@x", "\ttab"]
    with zipfile.ZipFile(tmp_path / "xlsx") as book:
        # Each is a text there, whatever it begins with.
        assert set(re.findall(r"<c [^>]*?t=\"(\w+)\"", book.read("xl/worksheets/sheet1.xml").decode())) == {"inlineStr"}
        assert not re.search(r"<f[ >]|<hyperlink", book.read("xl/worksheets/sheet1.xml").decode())
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text("utf-8").split("\n")[:-1]]
    assert [line["seq"] for line in lines] == list(range(1, 8)) and lines[6]["reason"] == "\U0001f600"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n"])
def test_no_cell_begins_as_a_formula_does_in_either_width(begin: str) -> None:
    assert trail_exports.neutral(f"{begin}1") == f"'{begin}1"
    assert trail_exports.neutral(f"1{begin}") == f"1{begin}"


def test_the_log_has_a_trace_for_each_matter_in_the_standard_form(long: Database, tmp_path: Path) -> None:
    assert write(long, "xes", tmp_path / "log") == 5_000
    log = etree.parse(tmp_path / "log").getroot()
    assert [one.get("prefix") for one in log.iter(f"{XES}extension")] == ["concept", "time", "lifecycle", "org"]
    traces = log.findall(f"{XES}trace")
    assert len(traces) == 20
    event = traces[0].find(f"{XES}event")
    told = {one.get("key"): one.get("value") for one in event}
    assert told["concept:name"] == "合法性审查" and told["lifecycle:transition"] == "schedule"
    assert told["time:timestamp"] == "2026-01-05T01:00:00.000000+00:00" and told["element"] == "T_long"
    with long.transaction() as session:
        audit.append(
            session,
            "matter:1",
            EventName.MATTER_RESUMED,
            actor=audit.SystemAuthor(display='a"<b>&\x07\u3000\n行'),
            matter_id=1,
        )
    assert write(long, "xes", tmp_path / "log", Filters(matter_id=1)) == 251
    last = etree.parse(tmp_path / "log").getroot().find(f"{XES}trace")[-1]
    assert {one.get("key"): one.get("value") for one in last}["org:resource"] == 'a"<b>&\ufffd\u3000\n行'


def test_the_object_log_names_what_each_event_concerns(long: Database, tmp_path: Path) -> None:
    hostile(long)
    # Those who fill the long trail act under no post that exists; these three do.
    with long.transaction() as session:
        for username in ("zhoukai", "wangmin", "taoran"):
            audit.append(session, "matter:1", EventName.MATTER_RESUMED, actor=person(session, username), matter_id=1)
    counted = write(long, "ocel", tmp_path / "log")
    log = json.loads((tmp_path / "log").read_text("utf-8"))
    assert counted == len(log["events"]) > 5_000
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    kinds = Counter(one["type"] for one in log["objects"])
    assert kinds["matter"] == 20 and kinds["task"] == 1_000 and kinds["person"] > 40 and kinds["post"] == 3
    declared = {one["name"]: {a["name"] for a in one["attributes"]} for one in log["objectTypes"] + log["eventTypes"]}
    for one in log["events"] + log["objects"]:
        assert {attribute["name"] for attribute in one["attributes"]} <= declared[one["type"]]
        assert {related["objectId"] for related in one["relationships"]} <= set(objects)
    first = next(one for one in log["events"] if one["id"] == "matter:1/1")
    assert [related["qualifier"] for related in first["relationships"]] == ["stream", "matter", "task", "actor"]
    assert write(long, "ocel", tmp_path / "one", Filters(matter_id=1)) == 253
    some = json.loads((tmp_path / "one").read_text("utf-8"))
    assert [one["id"] for one in some["objects"] if one["type"] == "matter"] == ["matter:1"]


def test_the_filters_leave_the_same_events_in_every_format(long: Database, tmp_path: Path) -> None:
    chosen = Filters(person_id=3, rule="R-25a", first=date(2026, 1, 5), last=date(2026, 1, 5), matter_id=3)
    with long.snapshot() as session:
        told = [told for told, _, _ in trail_exports.events(session, chosen)]
    assert told and all(
        (one["matter"], one["actor"]["id"], one["at"][:10]) == (3, 3, "2026-01-05") and "R-25a" in one["rules"]
        for one in told
    )
    assert {write(long, kind, tmp_path / kind, chosen) for kind in trail_exports.WRITERS} == {len(told)}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_refuses_what_cannot_be_meant_and_tells_an_empty_export_from_it(
    database: Database, tmp_path: Path
) -> None:
    long_trail.make(database, 50, 2)
    config, target = tmp_path / "decision-flow.toml", tmp_path / "out"
    config.write_text(f'data_dir = "{tmp_path}"\ndatabase_url = "{database.url}"\n')

    def run(*words: str) -> tuple[int, str]:
        target.unlink(missing_ok=True)
        result = CliRunner().invoke(main, ["--config", str(config), "audit", "export", *words, "-o", str(target)])
        assert not isinstance(result.exception, Exception), result.exception
        return result.exit_code, result.output

    def exports() -> int:
        with database.transaction(read_only=True) as session:
            query = select(func.count()).select_from(AuditEvent).where(AuditEvent.event == "trail.exported")
            return session.scalar(query) or 0

    for words, told in {
        ("--from", "2026-03-02", "--to", "2026-03-01"): "2026-03-02 晚于 --to 2026-03-01",
        ("--matter", "99"): "没有编号为99的事项", ("--matter", "0"): "没有编号为0的事项",
        ("--matter", "9" * 30): "没有编号为9", ("--person", "9999"): "没有编号为9999的人员",
        ("--rule", "R-999"): "没有编号为“R-999”的规则", ("--from", "2026-02-30"): "2026-02-30",
        ("--to", "明天"): "明天", ("--matter", "x"): "x", ("--format", "doc"): "doc",
        ("--format", "pdf", "--matter", "99"): "没有编号为99的事项",
    }.items():  # fmt: skip
        status, said = run(*words)
        assert (status, told in said, target.exists()) == (2, True, False), (words, said)
    assert exports() == 0
    nothing = {kind: run("--format", kind, "--from", "2031-01-01") for kind in trail_exports.WRITERS}
    assert {said for _, said in nothing.values()} == {f"已导出0条：{target}\n"} and exports() == 5
    for kind, words in (
        ("csv", ("--to", "9999-12-31")),
        ("xes", ("--from", "0001-01-01")),
        ("ocel", ("--rule", "R-33")),
    ):
        assert run("--format", kind, *words)[0] == 0
    with database.snapshot() as session:
        asked = [told["facts"] for told, _, _ in trail_exports.events(session, Filters(event="trail.exported"))]
    assert asked[-1] == {
        "format": "ocel", "matter": None, "person": None, "rule": "R-33", "from": None, "to": None,
    }  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_takes_each_filter_in_each_format(database: Database, tmp_path: Path) -> None:
    """Each filter alone and all together, counted by a query of its own; a matter's record takes no other filter."""
    long_trail.make(database, 40, 2)
    config, target = tmp_path / "decision-flow.toml", tmp_path / "out"
    config.write_text(f'data_dir = "{tmp_path}"\ndatabase_url = "{database.url}"\n')
    with database.transaction(read_only=True) as session:
        stream, person = session.execute(
            select(AuditEvent.stream, AuditEvent.actor_id).where(AuditEvent.stream.like("matter:%")).limit(1)
        ).one()
        told = [json.loads(one) for one in session.scalars(select(AuditEvent.canonical))]
    matter, day = int(stream.split(":")[1]), long_trail.BEGUN.date()
    told = [one for one in told if one["event"] != "trail.exported"]
    filters = {
        ("--matter", str(matter)): lambda one: one["matter"] == matter,
        ("--person", str(person)): lambda one: one["actor"]["id"] == person,
        ("--rule", "R-25a"): lambda one: "R-25a" in one["rules"],
        ("--from", str(day), "--to", str(day)): lambda one: one["at"][:10] == str(day),
        ("--to", str(day)): lambda one: one["at"][:10] <= str(day),
    }
    together = tuple(word for words in filters for word in words if words != ("--to", str(day)))
    filters[together] = lambda one: all(holds(one) for words, holds in filters.items() if words != together)
    for words, holds in filters.items():
        wanted = sum(map(holds, told))
        assert 0 < wanted < len(told)
        for kind in (*trail_exports.WRITERS, "pdf", "package"):
            target.unlink(missing_ok=True)
            asked = ["--config", str(config), "audit", "export", "--format", kind, *words, "-o", str(target)]
            result = CliRunner().invoke(main, asked)
            if kind in trail_exports.WRITERS:
                assert (result.exit_code, result.output) == (0, f"已导出{wanted}条：{target}\n"), (kind, words)
            elif words != ("--matter", str(matter)):
                assert result.exit_code == 2 and "不能再加其他条件" in result.output and not target.exists()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_of_nothing_is_whole_in_every_format(database: Database, tmp_path: Path) -> None:
    assert {write(database, kind, tmp_path / kind, Filters(person_id=999)) for kind in trail_exports.WRITERS} == {0}
    assert (tmp_path / "jsonl").read_bytes() == b""
    with (tmp_path / "csv").open(encoding="utf-8-sig", newline="") as source:
        assert list(csv.reader(source)) == [list(trail_exports.HEADINGS)]
    book = CalamineWorkbook.from_path(str(tmp_path / "xlsx"))
    assert book.get_sheet_by_index(0).to_python() == [list(trail_exports.HEADINGS)]
    assert not etree.parse(tmp_path / "xes").getroot().findall(f"{XES}trace")
    log = json.loads((tmp_path / "ocel").read_text("utf-8"))
    assert (log["events"], log["objects"], log["eventTypes"]) == ([], [], [])


class Broken(Exception):
    """The power fails."""


def breaking(pieces, after: int):
    def broken(start: dict, place: object) -> Iterator:
        for count, piece in enumerate(pieces(start, place)):
            if count == after:
                raise Broken
            yield piece

    return broken


@pytest.mark.parametrize("kind", ["jsonl", "csv", "trail"])
def test_an_export_that_broke_off_goes_on_to_what_it_would_have_been(long: Database, tmp_path: Path, kind: str) -> None:
    target, whole = tmp_path / "out", tmp_path / "whole"
    ticks: list[int] = []

    def run(target: Path, resume: bool, broken: bool = False) -> int:
        with long.snapshot() as session:

            def trail(start: dict, after: object) -> Iterator:
                return checkpoints.pieces(session, start, after)

            pieces = trail if kind == "trail" else trail_exports.pieces(session, Filters(), kind)
            pieces = breaking(pieces, 4_321) if broken else pieces
            return trail_exports.write_resumable(
                target, kind, lambda: checkpoints.beginning(session), pieces, resume=resume, tick=ticks.append
            )

    with pytest.raises(Invalid, match="没有中断的导出"):
        run(target, resume=True)
    count = run(whole, resume=False)
    with pytest.raises(Broken):
        run(target, resume=False, broken=True)
    assert not target.exists()
    with (tmp_path / "out.part").open("ab") as out:
        out.write("半条记录".encode()[:-1])
    # What happens meanwhile is no part of the export that had begun.
    hostile(long)
    with long.transaction() as session:
        checkpoints.seal(session, long_trail.KEY)
    ticks.clear()
    assert run(target, resume=True) == count
    # What was there is not written again.
    assert not list(tmp_path.glob("out.part*")) and trail_exports.BATCH not in ticks
    ours, theirs = target.read_text("utf-8").split("\n"), whole.read_text("utf-8").split("\n")
    assert ours[1:] == theirs[1:] and len(ours) > 5_000
    if kind == "trail":
        assert verify_trail.verify(verify_trail.read(str(target))).problems == []


def test_what_was_asked_otherwise_is_not_gone_on_with(long: Database, tmp_path: Path) -> None:
    def run(asked: str, resume: bool) -> None:
        with long.snapshot() as session:
            pieces = breaking(trail_exports.pieces(session, Filters(), "csv"), 3_000)
            trail_exports.write_resumable(
                tmp_path / "out", asked, lambda: checkpoints.beginning(session), pieces, resume=resume,
                tick=trail_exports.silent,
            )  # fmt: skip

    with pytest.raises(Broken):
        run("csv", resume=False)
    with pytest.raises(Invalid, match="与这次要求的内容不同"):
        run("csv of another matter", resume=True)


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_many_writers_leave_no_gap_and_every_committed_act_has_its_event(database: Database) -> None:
    """The small twin of `scripts/bench writers`."""
    task_ids = writers.tasks_for(database, 32)
    with writers.crew(database, task_ids) as crew:
        done = crew.work(0.7).acts + crew.work(0.7).acts
    assert set(done) == set(task_ids)
    assert writers.recorded(database, task_ids) == done


def test_a_long_trail_is_intact_in_the_database_and_in_the_file(long: Database, tmp_path: Path) -> None:
    """The small twin of `scripts/bench trail`."""
    with long.snapshot() as session:
        live = live_trail.verify(session)
        text = "".join(piece for _, piece in checkpoints.pieces(session, checkpoints.beginning(session), None))
    (tmp_path / "trail").write_text(text, "utf-8")
    file = verify_trail.verify(verify_trail.read(str(tmp_path / "trail")))
    assert live.problems == file.problems == []
    assert live.events == file.events > 5_000 and live.covered == file.covered > 3_700
    assert (live.streams, live.checkpoints) == (file.streams, 3)
