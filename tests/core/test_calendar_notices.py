"""The yearly notice: read with all its faults, shown before it counts, entered once, at the command line as well."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from decision_flow import audit, calendar_notices, cli, clock, deadlines, working_days
from decision_flow.audit import SYSTEM, AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import LocalDay, Notification, Organisation, Task, Timer

# An arrangement for 2027 that was made up for these tests.
NOTICE = """日期,类型
2027-01-01~2027-01-03,放假
2027-02-05~2027-02-12,放假
2027-01-31,上班
2027-02-14,班
"""  # as it is


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    environment = {"DECISION_FLOW_DATA_DIR": str(folder), "DECISION_FLOW_SECRET_KEY": "k" * 40}
    found = CliRunner().invoke(cli.main, ["calendar", *arguments], env=environment)
    return found.exit_code, found.output


@pytest.mark.parametrize(
    ("arguments", "due", "provisional"),
    [
        ("2026-02-10 --working-days 7", "2026-02-26", False), ("2026-09-28 --working-days 7", "2026-10-13", False),
        ("2026-04-30 --working-days 7", "2026-05-13", False), ("2026-03-27 --working-days 10", "2026-04-13", False),
        ("2026-09-14 --working-days 20", "2026-10-16", False), ("2026-09-10 --working-days 7", "2026-09-20", False),
        ("2026-03-09 --days 30", "2026-04-08", False), ("2026-01-16 --days 30", "2026-02-24", False),
        ("2026-05-20 --days 30", "2026-06-22", False), ("2026-04-03 --days 30", "2026-05-06", False),
        ("2026-08-03 --days 60", "2026-10-08", False), ("2026-01-30 --days 15", "2026-02-14", False),
        ("2026-10-12 --days-before 7", "2026-10-05", False), ("2026-08-31 --months 6", "2027-02-28", True),
        ("2028-03-01 --working-days 7", "2028-03-10", True),
    ],
    ids=[f"V{number}" for number in range(1, 16)],
)  # fmt: skip
def test_the_vectors_at_the_command_line(tmp_path: Path, arguments: str, due: str, provisional: bool) -> None:
    start, *rest = arguments.split()
    code, output = run(tmp_path, "due", "--start", start, *rest, "--format", "json")
    told = json.loads(output)
    assert (code, told["due"], told["provisional"]) == (0, due, provisional)
    assert told["explanation"].endswith("。")
    assert ("暂定" in told["explanation"]) is provisional


def test_the_command_line_refuses_what_it_cannot_answer(tmp_path: Path) -> None:
    assert run(tmp_path, "due", "--start", "2026-02-30", "--days", "1")[0] == 2
    assert run(tmp_path, "due", "--start", "2026-02-10")[0] == 2
    assert run(tmp_path, "due", "--start", "2026-02-10", "--days", "1", "--months", "1")[0] == 2
    assert run(tmp_path, "due", "--start", "2026-02-10", "--days", "-1")[0] == 2
    assert run(tmp_path, "due", "--start", "9999-12-30", "--working-days", "9")[0] == 2


def test_import_at_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "notice.csv"
    file.write_bytes(NOTICE.encode("gb18030"))
    assert "没有导入" in run(tmp_path, "import", str(file), "--preview")[1]
    before = json.loads(run(tmp_path, "due", "--start", "2027-02-04", "--working-days", "1", "--format", "json")[1])
    assert before["provisional"]
    code, output = run(tmp_path, "import", str(file))
    assert code == 0 and "日历版本2" in output
    after = json.loads(run(tmp_path, "due", "--start", "2027-02-04", "--working-days", "1", "--format", "json")[1])
    assert (after["due"], after["provisional"]) == ("2027-02-14", False)  # a Sunday on which work is made up
    file.write_text("2027-02-30，放假\n2027-03-01，不上不下\n")
    code, output = run(tmp_path, "import", str(file))
    assert code == 2 and "第1行" in output and "第2行" in output


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["text"]),
        ("2027-01-01，假\n2027-01-01，班\n", ["line.2"]),
        ("2027-01-01~2027-06-01，假\n", ["line.1"]),
        ("2027-01-05~2027-01-01，假\nx\n", ["line.1", "line.2"]),
    ],
)
def test_a_notice_that_cannot_be_read(text: str, lines: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        calendar_notices.read(text)
    assert list(refusal.value.errors) == lines


def _reviewing(database: Database, files: FileStore, day: date) -> Play:
    """A matter whose legality review is due by a count that crosses into the next year."""
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session:
        task = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.due_at.is_not(None),
                                                  Task.state == "CLAIMED")).one()  # fmt: skip
        task.deadline = {**task.deadline, "start": day.isoformat()}
        deadlines.recompute(session, SYSTEM)
    return play


def test_a_notice_moves_what_it_moves_and_keeps_both_dates(database: Database, files: FileStore) -> None:
    play = _reviewing(database, files, date(2027, 2, 4))
    notice = calendar_notices.read(NOTICE)
    with database.transaction(read_only=True) as session:
        task = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.state == "CLAIMED")).one()
        before = clock.local_date(task.due_at)
        assert task.due_provisional and "暂定" in task.due_explanation
        (move,) = [move for move in deadlines.preview(session, notice) if move.task_id == task.id]
        assert (move.old, move.moves) == (before, True)
        assert not move.new.provisional
        # Nothing was written.
        assert working_days.load(session).is_provisional(date(2027, 3, 1))
    with database.transaction() as session:
        version = calendar_notices.enter(session, SYSTEM, notice, "国办发明电〔2026〕0号")
        assert [found.new.due_on for found in deadlines.recompute(session, SYSTEM) if found.task_id == task.id] == [
            move.new.due_on
        ]
        assert [found for found in deadlines.recompute(session, SYSTEM) if found.task_id == task.id] == []
    with database.transaction(read_only=True) as session:
        task = session.get_one(Task, task.id)
        assert (clock.local_date(task.due_at), task.due_provisional) == (move.new.due_on, False)
        assert task.deadline["calendar_version"] == version
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.event == "deadline.moved", AuditEvent.task_id == task.id).order_by(
                AuditEvent.id.desc())
        ).first()  # fmt: skip
        facts = json.loads(event.canonical)["facts"]
        assert (facts["from"], facts["to"]) == (before.isoformat(), move.new.due_on.isoformat())
        told = session.scalars(
            select(Notification).where(Notification.task_id == task.id, Notification.event == "deadline.moved")
        ).all()
        assert told[-1].recipient_id == task.assignee_id
        timer = session.scalars(select(Timer).where(Timer.task_id == task.id, Timer.kind == "overdue")).one()
        assert timer.due_at == task.due_at
        assert audit.verify(session, audit.matter_stream(play.matter_id)) is None
        assert audit.verify(session, audit.CALENDAR) is None


def test_local_holidays_are_of_one_organ_only(database: Database) -> None:
    notice = calendar_notices.read("2026-03-31，放假\n2026-04-11，上班\n")
    with database.transaction() as session:
        here, there = session.scalars(
            select(Organisation.id).where(Organisation.organ_id == Organisation.id).order_by(Organisation.id).limit(2)
        )
        calendar_notices.enter(session, SYSTEM, notice, "自治条例", here)
        assert not working_days.load(session, here).is_working_day(date(2026, 3, 31))
        assert working_days.load(session, here).is_working_day(date(2026, 4, 11))
        assert working_days.load(session, there).is_working_day(date(2026, 3, 31))
        assert working_days.load(session).is_working_day(date(2026, 3, 31))
        calendar_notices.enter(session, SYSTEM, calendar_notices.read("2026-06-05，放假\n"), "更正", here)
        assert session.scalars(select(LocalDay.day).where(LocalDay.organ_id == here)).all() == [date(2026, 6, 5)]
        with pytest.raises(Invalid):
            calendar_notices.enter(session, SYSTEM, notice, "x", 999_999)


def test_next_year_is_missed_from_november(database: Database, travel) -> None:
    with database.transaction(read_only=True) as session:
        travel(date(2026, 10, 31))
        assert calendar_notices.missing_year(session) is None
        travel(date(2026, 11, 1))
        assert calendar_notices.missing_year(session) == 2027
        travel(date(2025, 12, 1))
        assert calendar_notices.missing_year(session) is None
