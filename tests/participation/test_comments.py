"""Comments of the public: taken in the period, counted once, found by receipt, slowed when there are too many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from decision_flow import audit, comments, rate_limits
from decision_flow.comments import Comment
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound
from decision_flow.models import Notice, Opinion, RateCount
from decision_flow.rate_limits import Limit
from tests.participation import bare

TEXT = "施工期间请保留一条便道，方便学生上学。"


@pytest.fixture
def notice(database: Database, files: FileStore) -> Notice:
    return bare.solicit(database, files, bare.begin(database, ("F-23", "undertaking_unit")))


def send(database: Database, notice: Notice, comment: Comment) -> tuple[Opinion, bool]:
    with database.transaction() as session:
        return comments.submit(session, notice.number, comment)


def total(database: Database) -> int:
    with database.transaction(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Opinion)) or 0


def test_a_comment_gets_a_receipt_and_is_found_by_it(database: Database, notice: Notice) -> None:
    opinion, new = send(database, notice, Comment(TEXT, "suggest", "王建国", "13800001234", "token", "somewhere"))
    assert new and opinion.number == 1 and opinion.disposition is None
    with database.transaction(read_only=True) as session:
        for typed in (opinion.receipt, opinion.receipt.lower(), opinion.receipt.replace("-", " ")):
            assert comments.by_receipt(session, typed).id == opinion.id
        for wrong in ("", "YJ-00000-00000", "YJ-1", opinion.receipt + "0", "%"):
            with pytest.raises(NotFound):
                comments.by_receipt(session, wrong)
    events = bare.recorded(database, audit.ledger_stream(notice.matter_id))
    assert [event.event for event in events] == ["opinion.ledger_opened", "opinion.received"]
    assert "13800001234" not in events[1].canonical and TEXT not in events[1].canonical


def test_a_comment_sent_twice_counts_once(database: Database, notice: Notice) -> None:
    first, _ = send(database, notice, Comment(TEXT, token="a", source="x"))
    # The same form again, and the same words from the same address by a form loaded anew.
    for again in (Comment(TEXT, token="a", source="y"), Comment(f" {TEXT} ", token="b", source="x")):
        same, new = send(database, notice, again)
        assert (same.receipt, new) == (first.receipt, False)
    # Other words with the same form, the same words from elsewhere, and by another name are comments of their own.
    for other in (Comment("不同的意见，请改线。", token="a", source="x"), Comment(TEXT, token="c", source="z"),
                  Comment(TEXT, name="李秀英", token="d", source="x")):  # fmt: skip
        assert send(database, notice, other)[1]
    assert total(database) == 4


def test_a_comment_sent_twice_at_the_same_moment_counts_once(database: Database, notice: Notice) -> None:
    told: list[str] = []
    start = threading.Barrier(4)

    def go() -> None:
        start.wait()
        told.append(send(database, notice, Comment(TEXT, token="a", source="x"))[0].receipt)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(told) == 4 and len(set(told)) == 1 and total(database) == 1


def test_what_is_wrong_is_told_all_at_once(database: Database, notice: Notice) -> None:
    with pytest.raises(Invalid) as refusal:
        send(database, notice, Comment("短", "maybe", "长" * 101, "长" * 101))
    assert set(refusal.value.errors) == {"content", "position", "name", "contact"}
    with pytest.raises(Invalid):
        send(database, notice, Comment("长" * 4001))
    with pytest.raises(NotFound), database.transaction() as session:
        comments.submit(session, "GG-1999-0001", Comment(TEXT))


def test_outside_the_period_nothing_is_taken(
    database: Database, files: FileStore, travel: Callable[[date], None]
) -> None:
    opened = date(2026, 3, 9)
    travel(opened)
    matter_id = bare.begin(database, ("F-23", "undertaking_unit"))
    notice = bare.solicit(database, files, matter_id, open_on=bare.day(2), close_on=bare.day(33))
    with pytest.raises(Conflict, match="2026-03-11"):
        send(database, notice, Comment(TEXT))
    travel(opened + timedelta(days=33))
    send(database, notice, Comment(TEXT))
    travel(opened + timedelta(days=34))
    with pytest.raises(Conflict, match="2026-04-11"):
        send(database, notice, Comment(TEXT + "晚了"))
    assert total(database) == 1


def test_a_flood_is_slowed_and_another_address_is_not(database: Database) -> None:
    limits = (Limit("t", 3, 60), Limit("d", 100, 86400))
    flood, other = rate_limits.source_of("203.0.113.7", "k"), rate_limits.source_of("203.0.113.8", "k")
    told = []
    for _ in range(5):
        with database.transaction() as session:
            told.append(rate_limits.hit(session, flood, limits))
    assert [answer.allowed for answer in told] == [True, True, True, False, False]
    assert 0 < told[-1].retry_after <= 60
    with database.transaction() as session:
        assert rate_limits.hit(session, other, limits).allowed


def test_the_counter_keeps_no_address_and_forgets(database: Database, travel: Callable[[date], None]) -> None:
    travel(date(2026, 3, 9))
    source = rate_limits.source_of("203.0.113.7", "k")
    assert "203" not in source and source != rate_limits.source_of("203.0.113.7", "another key")
    assert rate_limits.source_of("2001:db8:1:2::1", "k") == rate_limits.source_of("2001:db8:1:2:ffff::9", "k")
    assert rate_limits.source_of("2001:db8:1:2::1", "k") != rate_limits.source_of("2001:db8:1:3::1", "k")
    with database.transaction() as session:
        rate_limits.hit(session, source, (Limit("t", 3, 60),))
        assert rate_limits.sweep(session) == 0
    travel(date(2026, 3, 10))
    assert rate_limits.source_of("203.0.113.7", "k") != source
    with database.transaction() as session:
        assert rate_limits.sweep(session) == 1
        assert session.scalar(select(func.count()).select_from(RateCount)) == 0
