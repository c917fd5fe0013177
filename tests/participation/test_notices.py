"""R-15a, R-15b: what a notice must say, when it may end, and that a faulty one stays to be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from decision_flow import clock, drafts, matter_facts, notices
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotPermitted, Refused
from decision_flow.guards import legality
from decision_flow.models import Matter, Notice
from tests.participation import bare


@pytest.fixture
def matter_id(database: Database) -> int:
    return bare.begin(database, ("F-22b", "disclosure_officer"))


def publish(database: Database, files: FileStore, matter_id: int, **changed: object) -> Notice:
    return bare.solicit(database, files, matter_id, **changed)  # type: ignore[arg-type]


def test_a_window_needs_an_explanation_and_a_channel(database: Database, files: FileStore, matter_id: int) -> None:
    with pytest.raises(Invalid) as refusal:
        publish(database, files, matter_id, explanation_id=None)
    assert set(refusal.value.errors) == {"explanation_file"}
    with pytest.raises(Invalid) as refusal:
        publish(database, files, matter_id, channels=())
    assert set(refusal.value.errors) == {"channels"}
    with pytest.raises(Invalid) as refusal:
        publish(database, files, matter_id, open_on=bare.day(-10), close_on=bare.day(20))
    assert set(refusal.value.errors) == {"open_on"}


def test_a_short_period_needs_its_reason_in_the_text_of_the_page(
    database: Database, files: FileStore, matter_id: int
) -> None:
    reason = "汛期将至，危桥须在汛前开工。"
    with pytest.raises(Invalid) as refusal:
        publish(database, files, matter_id, days=20)
    assert "R-15b" in refusal.value.errors["short_reason_public"][0]
    with pytest.raises(Refused) as left_out:
        publish(database, files, matter_id, days=20, short_reason=reason)
    assert left_out.value.rule == "R-15b"
    with database.transaction(read_only=True) as session:
        assert notices.of_matter(session, matter_id) == ()
    told = bare.text(1, 20)
    done = publish(
        database, files, matter_id, days=20, short_reason=reason, sections=(*told.sections, ("short_reason", reason))
    )
    with database.transaction(read_only=True) as session:
        view = notices.view(session, done.number)
    assert ("short_reason", reason) in view.sections and view.days == 20
    # Exactly thirty days need no reason: the day of publication is not counted, the last day is.
    assert publish(database, files, matter_id, days=30).short_reason == ""


def test_personal_numbers_do_not_become_public(database: Database, files: FileStore, matter_id: int) -> None:
    for number in ("53010219800101123X", "6222 0212 3456 7890 123"):
        with pytest.raises(Refused) as refusal:
            publish(database, files, matter_id, sections=(("what", f"补偿款打入{number}"),))
        assert refusal.value.rule == "R-32a"
    done = publish(database, files, matter_id, sections=(("what", "联系张三13800001234"), ("how", "电话0871-60007788")))
    with database.transaction(read_only=True) as session:
        view = notices.view(session, done.number)
    assert view.sections == (("what", "联系张三138****1234"), ("how", "电话0871-60007788"))


def test_the_period_cannot_be_closed_early(
    database: Database, files: FileStore, matter_id: int, travel: Callable[[date], None]
) -> None:
    """R-15b, under a diagram without any timer: day 25 and the last day are refused, the day after is not."""
    opened = date(2026, 3, 9)
    travel(opened)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.OFFICER, {"summary": "没有公告也想结束。"})
    assert refusal.value.rule == "R-15a"
    publish(database, files, matter_id)
    for days in (25, 30):
        travel(opened + timedelta(days=days))
        with pytest.raises(Refused) as refusal:
            bare.complete(database, matter_id, bare.OFFICER, {"summary": "群众普遍支持。"})
        assert refusal.value.rule == "R-15b" and bare.open_task(database, matter_id) is not None
    travel(opened + timedelta(days=31))
    bare.complete(database, matter_id, bare.OFFICER, {"summary": "群众普遍支持。"})
    with database.transaction(read_only=True) as session:
        assert session.get_one(Matter, matter_id).status == "RUNNING"
    assert bare.open_task(database, matter_id).element_id == "T_last"


def test_what_was_concluded_on_a_withdrawn_notice_is_done_again(
    database: Database, files: FileStore, matter_id: int, travel: Callable[[date], None]
) -> None:
    """R-15b, R-25c: withdrawing after the closing leaves no participation that counts for the review and the meeting."""
    travel(date(2026, 3, 9))
    notice = publish(database, files, matter_id)
    travel(date(2026, 4, 20))
    bare.said(database, matter_id, "F-22b", {"summary": "无意见"}, bare.OFFICER)
    bare.said(database, matter_id, "F-23", {"summary": "群众支持"})
    with database.transaction() as session:
        assert drafts.open_marks(session, matter_id) == []
        notices.withdraw(session, bare.person(session, bare.OFFICER), notice.id, "附件上传错误，重新公布。")
    with database.transaction() as session:
        assert [mark.step for mark in drafts.open_marks(session, matter_id)] == ["public_participation"]
        known = matter_facts.of(session, session.get_one(Matter, matter_id))
        assert "R-25c" in {one.rule for one in legality.nothing_stale(known)}


def test_a_withdrawn_notice_stays_and_its_period_starts_anew(
    database: Database, files: FileStore, matter_id: int, travel: Callable[[date], None]
) -> None:
    opened = date(2026, 3, 9)
    travel(opened)
    first = publish(database, files, matter_id)
    travel(opened + timedelta(days=10))
    with database.transaction() as session:
        officer, keeper = bare.person(session, bare.OFFICER), bare.person(session, bare.KEEPER)
        with pytest.raises(NotPermitted):
            notices.withdraw(session, keeper, first.id, "附件上传错误，重新公布。")
        with pytest.raises(Invalid):
            notices.withdraw(session, officer, first.id, " ")
        with pytest.raises(Conflict):
            notices.republish(session, officer, first.id, bare.text(first.explanation_document_id))
        notices.withdraw(session, officer, first.id, "附件上传错误，重新公布。")
    with database.transaction() as session:
        officer = bare.person(session, bare.OFFICER)
        with pytest.raises(Conflict):
            notices.withdraw(session, officer, first.id, "附件上传错误，重新公布。")
        # The eleven days that have passed count for nothing: thirty are needed again.
        short = replace(bare.text(first.explanation_document_id), close_on=opened + timedelta(days=30))
        with pytest.raises(Invalid):
            notices.republish(session, officer, first.id, short)
        second = notices.republish(session, officer, first.id, bare.text(first.explanation_document_id))
        with pytest.raises(Conflict):
            notices.republish(session, officer, first.id, bare.text(first.explanation_document_id))
    with database.transaction(read_only=True) as session:
        old = notices.view(session, first.number)
        assert (old.notice.state, old.replaced_by, old.is_open) == ("WITHDRAWN", second.number, False)
        assert old.notice.withdrawn_reason.startswith("附件")
        assert [row.number for row in notices.listing(session).rows] == [second.number, first.number]
        assert [row.number for row in notices.listing(session, when="open").rows] == [second.number]
        assert [row.number for row in notices.listing(session, when="past").rows] == [first.number]
    travel(opened + timedelta(days=31))
    with pytest.raises(Refused):
        bare.complete(database, matter_id, bare.OFFICER, {"summary": "按原公告的期限想结束。"})
    assert clock.today() < second.close_on
    names = [event.event for event in bare.recorded(database, f"matter:{matter_id}")]
    assert names.count("notice.published") == 2 and names.count("notice.withdrawn") == 1
