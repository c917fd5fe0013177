"""R-18: the ledger of opinions, its bulk work, its import, and that nothing closes while one is pending."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest
import xlsxwriter
from sqlalchemy import select

from decision_flow import adoption, audit, clock, comments, opinion_files, opinions, task_views
from decision_flow.comments import Comment
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.models import Matter, Opinion
from decision_flow.opinion_entries import Entry
from decision_flow.opinions import LedgerQuery
from tests.participation import bare

DONE = {"summary": "已逐条研究，合理意见在草案中作了修改。"}
CSV = (
    "来源,意见人,联系方式,意见内容,态度,收到日期,归类\r\n"  # as it is
    "信函,李秀英,13800001234,建议公开收费标准,建议,2026-03-01,标准\r\n"  # as it is
    "电话,,,反对夜间收费,反对,2026年3月2日,时段\r\n"  # as it is
    "\r\n"
    "问卷,柳湾村第三村民小组,,=1+1 支持试行一年,支持,,\r\n"  # as it is
)


@pytest.fixture
def matter_id(database: Database, files: FileStore) -> int:
    matter_id = bare.begin(database, ("F-23a", "undertaking_unit"), ("F-23", "undertaking_unit"))
    bare.complete(database, matter_id, bare.KEEPER, bare.SYMPOSIUM)
    with database.transaction() as session:
        session.get_one(Matter, matter_id).registered_at = datetime(2026, 2, 1, tzinfo=UTC)
    return matter_id


def enter(database: Database, matter_id: int, *texts: str, position: str = "suggest") -> list[int]:
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        return [
            opinions.enter(session, keeper, matter_id, Entry("letter", text, position, "某某")).id for text in texts
        ]


def test_nothing_closes_while_an_opinion_is_pending(database: Database, matter_id: int) -> None:
    first, second = enter(database, matter_id, "建议增设公交站。", "建议降低收费。")
    for left in ([first, second], [second]):
        with pytest.raises(Refused) as refusal:
            bare.complete(database, matter_id, bare.KEEPER, DONE)
        assert refusal.value.rule == "R-18" and str(len(left)) in str(refusal.value)
        with database.transaction() as session:
            keeper = bare.person(session, bare.KEEPER)
            opinions.dispose(session, keeper, matter_id, [left[0]], "adopted", "")
    bare.complete(database, matter_id, bare.KEEPER, DONE)
    with database.transaction(read_only=True) as session:
        assert session.get_one(Matter, matter_id).status == "RUNNING"
    assert bare.open_task(database, matter_id).element_id == "T_last"


def test_not_adopted_needs_its_reason(database: Database, matter_id: int) -> None:
    (only,) = enter(database, matter_id, "建议免费。")
    for disposition in ("not_adopted", "partly"):
        with pytest.raises(Invalid) as refusal, database.transaction() as session:
            opinions.dispose(session, bare.person(session, bare.KEEPER), matter_id, [only], disposition, " ")
        assert "R-18" in refusal.value.errors["reason"][0]
    with pytest.raises(Invalid) as refusal, database.transaction() as session:
        opinions.dispose(session, bare.person(session, bare.KEEPER), matter_id, [], "maybe", "")
    assert set(refusal.value.errors) == {"disposition", "chosen"}
    with database.transaction(read_only=True) as session:
        assert opinions.counts(session, matter_id).pending == 1


def test_only_the_undertaking_unit_keeps_the_ledger(database: Database, matter_id: int) -> None:
    (only,) = enter(database, matter_id, "建议免费。")
    with database.transaction() as session:
        stranger = bare.person(session, bare.STRANGER)
        assert opinions.ledger(session, stranger, matter_id, LedgerQuery()).total == 1
        for act in (
            lambda: opinions.dispose(session, stranger, matter_id, [only], "adopted", ""),
            lambda: opinions.group(session, stranger, matter_id, [only], "收费"),
            lambda: opinions.enter(session, stranger, matter_id, Entry("letter", "代拟的意见")),
            lambda: opinion_files.import_file(session, stranger, matter_id, "a.csv", CSV.encode()),
        ):
            with pytest.raises(NotPermitted):
                act()
        outsider = bare.person(session, "taoran")
        with pytest.raises(NotFound):
            opinions.ledger(session, outsider, matter_id, LedgerQuery())


def test_nobody_speaks_for_the_public_of_the_site(database: Database, matter_id: int) -> None:
    """R-18: what the office enters is not passed off as sent through the site, and says something."""
    for entry, field in (
        (Entry("website", "代拟的支持意见"), "channel"),
        (Entry("letter", "\u200b\u3164 "), "content"),
    ):
        with pytest.raises(Invalid) as refusal, database.transaction() as session:
            opinions.enter(session, bare.person(session, bare.KEEPER), matter_id, entry)
        assert set(refusal.value.errors) == {field}


def test_an_opinion_comes_while_the_public_is_asked(database: Database, files: FileStore, matter_id: int) -> None:
    """R-14b, R-15a: not before the matter, not before the notice that it answers, and not tomorrow."""
    today, begun = clock.today(), date(2026, 2, 1)
    eve = today - timedelta(days=1)

    def refused(channel: str, day: date) -> str:
        entry = Entry(channel, "建议增设公交站。", received_on=day)
        try:
            with database.transaction() as session:
                opinions.enter(session, bare.person(session, bare.KEEPER), matter_id, entry)
        except Invalid as refusal:
            assert set(refusal.errors) == {"received_on"}
            return str(refusal.errors["received_on"][0])
        return ""

    assert "2026-02-01" in refused("letter", date(1900, 1, 1)) and "今天" in refused("phone", today + timedelta(days=1))
    assert "2026-02-01" in refused("meeting", begun - timedelta(days=1))
    assert refused("letter", begun) == "" and refused("letter", eve) == ""
    bare.solicit(database, files, matter_id)
    assert "公告" in refused("letter", eve) and "公告" in refused("phone", begun)
    assert refused("letter", today) == "" and refused("meeting", eve) == "" and refused("questionnaire", begun) == ""
    rows = (("意见内容", "收到日期"), ("建议免费半小时", str(today)), ("太贵", str(eve)))
    file = "\r\n".join(map(",".join, rows)).encode()
    with pytest.raises(Invalid) as refusal, database.transaction() as session:
        opinion_files.import_file(session, bare.person(session, bare.KEEPER), matter_id, "a.csv", file)
    assert set(refusal.value.errors) == {"3.received_on"}


def test_bulk_work_on_what_a_filter_finds(database: Database, matter_id: int) -> None:
    enter(database, matter_id, *(f"反对夜间收费，理由之{number}。" for number in range(60)), position="oppose")
    enter(database, matter_id, "支持试行。", position="support")
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        which = LedgerQuery(words="夜间收费", position="oppose")
        assert opinions.group(session, keeper, matter_id, which, "夜间收费") == 60
        colleague = opinions.colleagues(session, matter_id)[0][0]
        assert opinions.assign(session, keeper, matter_id, LedgerQuery(group="夜间收费"), colleague) == 60
        with pytest.raises(Invalid):
            opinions.assign(session, keeper, matter_id, which, 999)
        assert opinions.dispose(session, keeper, matter_id, which, "not_adopted", "夜间停车同样占用道路") == 60
        page = opinions.ledger(session, keeper, matter_id, LedgerQuery(disposition="not_adopted", page=9))
        assert (page.total, page.pages, page.page, len(page.rows)) == (60, 2, 2, 10)
        assert page.groups == (("夜间收费", 60, 0), ("", 1, 1))
        for none in (LedgerQuery(words="%"), LedgerQuery(group="-", position="oppose"), LedgerQuery(channel="phone")):
            assert opinions.ledger(session, keeper, matter_id, none).total == 0
        with pytest.raises(NotFound):
            opinions.dispose(session, keeper, matter_id, LedgerQuery(words="没有"), "adopted", "")
    events = [event.event for event in bare.recorded(database, audit.ledger_stream(matter_id))]
    assert events.count("opinion.received") == 61 and events[-3:].count("opinion.disposed") == 1


def test_the_summary_tells_all_and_covers_names(database: Database, matter_id: int) -> None:
    enter(database, matter_id, "反对夜间收费。", "反对夜间收费，太贵。", position="oppose")
    enter(database, matter_id, "请打13800001234联系我。")
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        opinions.group(session, keeper, matter_id, LedgerQuery(position="oppose"), "夜间收费")
        opinions.dispose(session, keeper, matter_id, LedgerQuery(position="oppose"), "partly", "零时后减半")
        assert "尚在研究1条" in adoption.summary(session, matter_id)
        opinions.dispose(session, keeper, matter_id, LedgerQuery(disposition="pending"), "adopted", "")
        told = adoption.summary(session, matter_id)
        assert told.startswith("共收到意见3条，其中采纳1条，部分采纳2条，未采纳0条。")
        assert "夜间收费（2条）：部分采纳。理由：零时后减半" in told
        assert "13800001234" not in told and "某某" not in told
        assert adoption.rows(session, matter_id)[0] == {
            "source": "public", "opinion": "夜间收费（2条）", "disposition": "partly", "reason": "零时后减半",
        }  # fmt: skip


def test_after_the_decision_outcomes_stand(database: Database, matter_id: int) -> None:
    (only,) = enter(database, matter_id, "建议免费。")
    with database.transaction() as session:
        matter = session.get_one(Matter, matter_id)
        matter.decided_at = matter.registered_at
    with pytest.raises(Conflict), database.transaction() as session:
        opinions.dispose(session, bare.person(session, bare.KEEPER), matter_id, [only], "adopted", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_imported_in_either_encoding(database: Database, matter_id: int, encoding: str) -> None:
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        done = opinion_files.import_file(session, keeper, matter_id, "意见.CSV", CSV.encode(encoding))
    assert (done.added, done.duplicates) == (3, ())
    with database.transaction(read_only=True) as session:
        rows = session.scalars(select(Opinion).where(Opinion.matter_id == matter_id).order_by(Opinion.number)).all()
    assert [(row.channel, row.position, row.received_on.isoformat()[:7]) for row in rows[:2]] == [
        ("letter", "suggest", "2026-03"), ("phone", "oppose", "2026-03"),
    ]  # fmt: skip
    assert rows[2].content == "=1+1 支持试行一年" and all(row.entered_as for row in rows)


def test_a_spreadsheet_is_imported_and_repeats_are_told(database: Database, matter_id: int) -> None:
    content = sheet(["意见内容", "意见人", "联系方式", "态度"], ["建议免费半小时", "李秀英", 13800001234, "建议"],
                    ["建议免费半小时", "李秀英", "", "建议"], ["支持", "", "", "支持"], ["支持", "", "", "支持"])  # fmt: skip
    for added, duplicates in ((3, (3,)), (2, (2, 3))):
        with database.transaction() as session:
            keeper = bare.person(session, bare.KEEPER)
            done = opinion_files.import_file(session, keeper, matter_id, "意见.xlsx", content)
        # Nameless rows that say the same may well be several people's.
        assert (done.added, done.duplicates) == (added, duplicates)
    with database.transaction(read_only=True) as session:
        assert session.scalars(select(Opinion.contact).where(Opinion.contact != "")).all() == ["13800001234"]


def test_nothing_is_half_imported(database: Database, matter_id: int) -> None:
    bad = CSV + "网页,某人,," + "长" * 4001 + ",也许,三月,\r\n"  # as it is
    with pytest.raises(Invalid) as refusal, database.transaction() as session:
        opinion_files.import_file(session, bare.person(session, bare.KEEPER), matter_id, "a.csv", bad.encode())
    assert set(refusal.value.errors) == {f"6.{name}" for name in ("channel", "content", "position", "received_on")}
    for name, content in (
        ("a.csv", b"\xff\xfe\x00\x00"), ("a.csv", "姓名\r\n王".encode()), ("a.csv", b""), ("a.xlsx", b"PK\x03\x04 no"),
        ("a.docx", b"x"), ("a.csv", b"\x00"), ("a.csv", "意见内容\r\n".encode()), ("a.csv", b"x" * (10 * 1024 * 1024 + 1)),
    ):  # fmt: skip
        with pytest.raises(Invalid), database.transaction() as session:
            opinion_files.import_file(session, bare.person(session, bare.KEEPER), matter_id, name, content)
    with database.transaction(read_only=True) as session:
        assert opinions.counts(session, matter_id).total == 0


def test_the_form_takes_its_figures_from_the_ledger(database: Database, files: FileStore, matter_id: int) -> None:
    notice = bare.solicit(database, files, matter_id)
    with database.transaction() as session:
        comments.submit(session, notice.number, Comment("建议公开收费标准。"))
    enter(database, matter_id, "电话里说的意见。")
    with database.transaction(read_only=True) as session:
        view = task_views.view(session, bare.person(session, bare.KEEPER), bare.open_task(database, matter_id).id)
    assert (view.auto["ledger_total"], view.auto["ledger_pending"]) == (2, 2)
    with database.transaction() as session:
        opinions.dispose(session, bare.person(session, bare.KEEPER), matter_id, LedgerQuery(), "adopted", "")
    # Figures that somebody sends by hand count for nothing.
    bare.complete(database, matter_id, bare.KEEPER, {**DONE, "opinions_total": 99, "pending_total": 99})
    with database.transaction(read_only=True) as session:
        view = task_views.view(session, bare.person(session, bare.KEEPER), view.task.id)
    assert (view.values["opinions_total"], view.values["pending_total"]) == (2, 0)


def sheet(*rows: list[object]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for place, row in enumerate(rows):
            page.write_row(place, 0, row)
    return target.getvalue()
