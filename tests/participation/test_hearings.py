"""R-16a to R-17a, SOD-08: enrolment, the draw, and when a hearing may be opened and its record closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from decision_flow import draws, hearings, notices
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.hearings import Application
from decision_flow.models import HearingDraw, Notice, NoticeKind
from tests.participation import bare

OPENED = date(2026, 7, 6)
HELD = date(2026, 8, 14)
SIDES = [{"side": "用水户", "is_consumer": True, "seats": 2}, {"side": "经营者", "is_consumer": False, "seats": 1}]
PLAN = {
    "hearing_subject": "集镇供水价格调整", "sides": SIDES, "selection_method": "报名后公开抽取。", "place": "镇政府三楼",
    "held_at": f"{HELD.isoformat()}T09:00", "public_seats": 10, "is_price_hearing": True,
}  # fmt: skip
NOTICE = {"notice_on": OPENED.isoformat(), "enrol_until": "2026-07-20", "body": "拟调整集镇供水价格，请有关方面报名。"}
CHOSEN = [
    {"name": "王建国", "side": "用水户", "is_civil_servant": False},
    {"name": "李秀英", "side": "用水户", "is_civil_servant": False},
    {"name": "清河镇水厂", "side": "经营者", "is_civil_servant": False},
]
MINUTES = {
    "opened_at": f"{HELD.isoformat()}T09:00", "presentation_at": f"{HELD.isoformat()}T09:05",
    "debate_at": f"{HELD.isoformat()}T10:00", "statements": [{"name": "王建国", "words": "涨幅偏大。"}],
}  # fmt: skip


def begin(database: Database, *steps: tuple[str, str]) -> int:
    return bare.begin(database, ("F-25", "undertaking_unit"), ("F-25b", "disclosure_officer"), *steps)


def announce(database: Database, matter_id: int, travel: Callable[[date], None]) -> Notice:
    travel(OPENED)
    bare.complete(database, matter_id, bare.KEEPER, PLAN)
    bare.complete(database, matter_id, bare.OFFICER, NOTICE)
    with database.transaction(read_only=True) as session:
        found = notices.latest(session, matter_id, NoticeKind.HEARING)
        assert found is not None
        return found


def enrol(database: Database, number: str, *names: str, side: str = "用水户") -> None:
    for name in names:
        with database.transaction() as session:
            hearings.enrol(session, number, Application(name, side, "13800001234"))


def test_enrolment_and_a_draw_that_anyone_can_run_again(database: Database, travel: Callable[[date], None]) -> None:
    matter_id = begin(database, ("F-25c", "undertaking_unit"), ("F-25d", "disclosure_officer"))
    notice = announce(database, matter_id, travel)
    seed_digest = notice.facts["seed_sha256"]
    assert any(seed_digest in entry["text"] for entry in notice.sections)
    enrol(database, notice.number, "王建国", "李秀英", "张伟", "刘芳", "王建国")
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        with pytest.raises(Refused) as early:
            hearings.draw(session, keeper, matter_id)
        assert early.value.rule == "R-16c"
    travel(date(2026, 7, 21))
    with pytest.raises(Conflict):
        enrol(database, notice.number, "迟到")
    # More enrolled than there are seats: nobody is taken by hand.
    with pytest.raises(Refused) as by_hand:
        bare.complete(database, matter_id, bare.KEEPER, {"participants": CHOSEN, "selection_record": "直接指定。"})
    assert by_hand.value.rule == "R-16c"
    with database.transaction() as session:
        with pytest.raises(NotPermitted):
            hearings.draw(session, bare.person(session, bare.STRANGER), matter_id)
        hearings.draw(session, bare.person(session, bare.KEEPER), matter_id, "03 11 19 22 27 30 + 08")
        with pytest.raises(Conflict):
            hearings.draw(session, bare.person(session, bare.KEEPER), matter_id)
        suggested = hearings.participants_suggested(session, matter_id)
        assert len(suggested) == 2 and {row["side"] for row in suggested} == {"用水户"}
    stranger = [{**row, "name": "没有报名的人"} if row["name"] == "王建国" else row for row in CHOSEN]
    with pytest.raises(Refused) as not_drawn:
        bare.complete(database, matter_id, bare.KEEPER, {"participants": stranger, "selection_record": "更换。"})
    assert "没有报名的人" in str(not_drawn.value)
    listed = [*suggested, CHOSEN[2]]
    bare.complete(database, matter_id, bare.KEEPER, {"participants": listed, "selection_record": "公开抽取。"})
    bare.complete(database, matter_id, bare.OFFICER, {"published_on": "2026-07-21", "channels": ["website"]})
    with database.transaction(read_only=True) as session:
        published = notices.latest(session, matter_id, NoticeKind.HEARING_LIST)
        assert published is not None
        told = {entry["name"]: entry["text"] for entry in published.sections}
        assert "13800001234" not in str(published.sections) and "13800001234" not in str(published.facts)
    # From the two public pages alone: the seed is the one that was promised, and gives the same people.
    assert draws.commitment(published.facts["seed"]) == seed_digest
    entries = draws.parse_list(told["entries"].splitlines())
    again = draws.draw(
        draws.combined(published.facts["seed"], published.facts["public_value"]), entries, {"用水户": 2, "经营者": 1}
    )
    assert [(row.entry.name, row.selected) for row in again] == [
        (row["name"], row["selected"]) for row in published.facts["result"]
    ]
    assert {row.entry.name for row in again if row.selected} == {row["name"] for row in suggested}


def test_enrolling_says_what_is_wrong(database: Database, travel: Callable[[date], None]) -> None:
    notice = announce(database, begin(database, ("F-25c", "undertaking_unit")), travel)
    with pytest.raises(Invalid) as refusal, database.transaction() as session:
        hearings.enrol(session, notice.number, Application("", "路人", "", "长" * 2001))
    assert set(refusal.value.errors) == {"name", "side", "contact", "view"}
    with pytest.raises(NotFound), database.transaction() as session:
        hearings.enrol(session, "GG-1999-0001", Application("王建国", "用水户", "13800001234"))
    with database.transaction() as session:
        notices.withdraw(session, bare.person(session, bare.OFFICER), notice.id, "时间有误，重新公告。")
    with pytest.raises(Conflict):
        enrol(database, notice.number, "王建国")


def ready(database: Database, travel: Callable[[date], None], *, listed: bool = True, delivered: str = "2026-08-05",
          chosen: list[dict[str, Any]] | None = None) -> int:  # fmt: skip
    """A hearing announced, selected, listed and served, under a diagram that checks none of it."""
    served = [("F-25e", "undertaking_unit")] * 3
    shown = [("F-25d", "disclosure_officer")] if listed else []
    matter_id = begin(
        database, ("F-25c", "undertaking_unit"), *shown, *served, ("F-26", "hearing_host"), ("F-27", "undertaking_unit")
    )
    announce(database, matter_id, travel)
    travel(date(2026, 7, 28))
    bare.complete(
        database, matter_id, bare.KEEPER, {"participants": chosen or CHOSEN, "selection_record": "全部入选。"}
    )
    if listed:
        bare.complete(database, matter_id, bare.OFFICER, {"published_on": "2026-07-28", "channels": ["website"]})
    travel(HELD)
    for person in CHOSEN:
        on = delivered if person is CHOSEN[0] else "2026-08-05"
        bare.deliver(database, matter_id, bare.KEEPER, person["name"], on)
    return matter_id


HOST = "zhaolei"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([*CHOSEN, {"name": "自己人", "side": "其他", "is_civil_servant": False}], "其他"),
        ([*CHOSEN, {"name": "又一个", "side": "经营者", "is_civil_servant": False}], "经营者"),
        ([CHOSEN[0], {**CHOSEN[2], "side": "经营者\u200b"}, CHOSEN[2]], "经营者"),
    ],
)
def test_nobody_is_seated_beside_the_announced_seats(
    database: Database, travel: Callable[[date], None], rows: list[dict[str, Any]], told: str
) -> None:
    """R-16c: no side that was not announced, no more than its seats."""
    matter_id = begin(database, ("F-25c", "undertaking_unit"))
    announce(database, matter_id, travel)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"participants": rows, "selection_record": "直接指定。"})
    assert refusal.value.rule == "R-16c" and told in str(refusal.value)


def test_consumers_keep_their_share_among_those_who_come(database: Database, travel: Callable[[date], None]) -> None:
    """R-16c: two fifths of the seats are worth nothing when they are left empty."""
    matter_id = begin(database, ("F-25c", "undertaking_unit"))
    travel(OPENED)
    sides = [{**SIDES[0], "seats": 3}, {**SIDES[1], "seats": 4}]
    bare.complete(database, matter_id, bare.KEEPER, {**PLAN, "sides": sides})
    bare.complete(database, matter_id, bare.OFFICER, NOTICE)
    rows = [CHOSEN[0], *({**CHOSEN[2], "name": f"经营者{number}"} for number in range(4))]
    with pytest.raises(Refused, match="五分之二") as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"participants": rows, "selection_record": "全部入选。"})
    assert refusal.value.rule == "R-16c"


def test_a_hearing_is_neither_announced_back_nor_minuted_ahead(
    database: Database, travel: Callable[[date], None]
) -> None:
    """R-16b, R-16d, R-17a: the days of the notice, of serving the papers and of the hearing itself really passed."""
    matter_id = begin(database, ("F-25c", "undertaking_unit"), ("F-25e", "undertaking_unit"), ("F-26", "hearing_host"))
    travel(OPENED + timedelta(days=30))
    bare.complete(database, matter_id, bare.KEEPER, PLAN)
    with pytest.raises(Invalid) as back:
        bare.complete(database, matter_id, bare.OFFICER, NOTICE)
    assert set(back.value.errors) == {"notice_on"}
    matter_id = ready(database, travel)
    with pytest.raises(Refused) as ahead:
        travel(HELD - timedelta(days=3))
        bare.complete(database, matter_id, HOST, MINUTES)
    assert ahead.value.rule == "R-17a" and bare.open_task(database, matter_id).form == "F-26"
    matter_id = begin(database, ("F-25c", "undertaking_unit"), ("F-25e", "undertaking_unit"))
    announce(database, matter_id, travel)
    travel(date(2026, 8, 10))
    bare.complete(database, matter_id, bare.KEEPER, {"participants": CHOSEN, "selection_record": "全部入选。"})
    with pytest.raises(Invalid) as served:
        bare.deliver(database, matter_id, bare.KEEPER, "王建国", "2026-08-05")
    assert set(served.value.errors) == {"delivered_on"}


def test_the_hearing_opens_when_all_is_in_order(database: Database, travel: Callable[[date], None]) -> None:
    matter_id = ready(database, travel, delivered="2026-08-07")
    bare.complete(database, matter_id, HOST, MINUTES)
    # R-17a: nobody has signed, and nothing says why.
    report = {
        "participants_present": 3,
        "main_positions": "用水户反对涨幅。",
        "disputes": "成本是否真实。",
        "recommendation": "分步到位。",
    }
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, report)
    assert refusal.value.rule == "R-17a" and "王建国" in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"delivered": "2026-08-08"}, "R-16d"),
        ({"listed": False}, "R-16c"),
        ({"chosen": [CHOSEN[0], CHOSEN[1]]}, "R-16c"),
    ],
)
def test_the_hearing_does_not_open(
    database: Database, travel: Callable[[date], None], change: dict[str, Any], rule: str
) -> None:
    """Papers on the sixth day before, no list, a side without anybody: refused, and the task stays open."""
    if "chosen" in change:
        with pytest.raises(Invalid) as form:
            ready(database, travel, **change)
        assert rule in form.value.errors["participants"][0]
        return
    matter_id = ready(database, travel, **change)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, HOST, MINUTES)
    assert refusal.value.rule == rule and bare.open_task(database, matter_id).form == "F-26"


def test_no_hearing_without_its_notice_nor_before_its_day(database: Database, travel: Callable[[date], None]) -> None:
    matter_id = bare.begin(database, ("F-26", "hearing_host"))
    with pytest.raises(Refused) as unannounced:
        bare.complete(database, matter_id, HOST, MINUTES)
    assert unannounced.value.rule == "R-16b"
    matter_id = ready(database, travel)
    travel(HELD - timedelta(days=1))
    early = {
        key: str(value).replace("2026-08-14", "2026-08-13") if key.endswith("_at") else value
        for key, value in MINUTES.items()
    }
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, HOST, early)
    assert refusal.value.rule == "R-16b"


def test_the_host_is_not_of_the_drafting_unit(database: Database, travel: Callable[[date], None]) -> None:
    """SOD-08: also somebody who holds the post of a host besides."""
    matter_id = ready(database, travel)
    bare.also(database, bare.KEEPER, "hearing_host")
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, MINUTES)
    assert refusal.value.rule == "SOD-08"


def test_a_civil_servant_on_the_list_needs_a_reason(database: Database, travel: Callable[[date], None]) -> None:
    """SOD-09 warns: the reason is asked for and kept."""
    matter_id = begin(database, ("F-25c", "undertaking_unit"))
    announce(database, matter_id, travel)
    rows = [{**row, "is_civil_servant": row["side"] == "用水户"} for row in CHOSEN]
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"participants": rows, "selection_record": "全部入选。"})
    assert "SOD-09" in refusal.value.errors["civil_servant_reason"][0]
    given = {"participants": rows, "selection_record": "全部入选。", "civil_servant_reason": "以用户身份报名。"}
    bare.complete(database, matter_id, bare.KEEPER, given)


def test_consumers_hold_two_fifths_of_a_price_hearing(database: Database, travel: Callable[[date], None]) -> None:
    """Case B: five seats of fifteen are refused, six are not."""
    matter_id = begin(database)
    travel(OPENED)
    few = [{"side": "消费者", "is_consumer": True, "seats": 5}, {"side": "其他", "is_consumer": False, "seats": 10}]
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {**PLAN, "sides": few})
    assert "R-16c" in refusal.value.errors["sides"][0]
    enough = [{**few[0], "seats": 6}, {**few[1], "seats": 9}]
    bare.complete(database, matter_id, bare.KEEPER, {**PLAN, "sides": enough})


def test_a_short_notice_of_a_price_hearing_is_explained_in_it(
    database: Database, travel: Callable[[date], None]
) -> None:
    matter_id = begin(database)
    travel(date(2026, 7, 20))
    bare.complete(database, matter_id, bare.KEEPER, PLAN)
    short = {**NOTICE, "notice_on": "2026-07-20", "enrol_until": "2026-07-25"}
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.OFFICER, short)
    assert "R-16b" in refusal.value.errors["short_notice_reason"][0]
    reason = "水厂检修窗口期临近，需在八月中旬前听证。"
    given = {**short, "short_notice_reason": reason}
    with pytest.raises(Refused) as unapproved:
        bare.complete(database, matter_id, bare.OFFICER, given)
    assert (unapproved.value.rule, unapproved.value.article) == ("R-16b", "条例第十六条")
    bare.approve(database, matter_id, bare.OFFICER, "F-25b", given)
    bare.complete(database, matter_id, bare.OFFICER, given)
    with database.transaction(read_only=True) as session:
        found = notices.latest(session, matter_id, NoticeKind.HEARING)
        assert found is not None and {"name": "short_reason", "text": reason} in found.sections
        assert session.query(HearingDraw).filter_by(notice_id=found.id).one().drawn_at is None


def test_participation_does_not_close_unheard(database: Database, files: FileStore) -> None:
    """R-14b: no way of hearing the public was completed."""
    matter_id = bare.begin(database, ("F-23", "undertaking_unit"))
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"summary": "没有听取意见。"})
    assert refusal.value.rule == "R-14b"


@pytest.mark.parametrize(
    ("draft", "rule"), [({"government_pricing": True}, "R-16a"), ({"affects_specific_group": True}, "R-14c")]
)
def test_what_the_draft_demands_is_done_before_it_closes(database: Database, draft: dict[str, bool], rule: str) -> None:
    """R-16a, R-14c under a diagram without hearing or consultation: refused by what the draft says of itself."""
    matter_id = bare.begin(database, ("F-23a", "undertaking_unit"), ("F-23", "undertaking_unit"))
    bare.said(database, matter_id, "F-06", draft)
    bare.complete(database, matter_id, bare.KEEPER, bare.SYMPOSIUM)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"summary": "已研究。"})
    assert refusal.value.rule == rule
    if rule == "R-14c":
        bare.said(database, matter_id, "F-20", {"groups_to_negotiate": [{"group": "沿线村民", "how": "座谈"}]})
        bare.complete(database, matter_id, bare.KEEPER, {"summary": "已研究。"})
