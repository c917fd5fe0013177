"""三重一大: split payments are added up (G2), each route leads where D-05 says, and the year has its list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from decision_flow import office_settings, three_major
from decision_flow.db import Database
from decision_flow.demo import answers
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, NotPermitted
from decision_flow.models import MajorItem, Matter, Task
from decision_flow.three_major import Payment, split_sum
from decision_flow.typed_in import same
from tests.core.registry import person, unit

DAY, ORGAN, UNIT = date(2026, 3, 2), "清河镇人民政府", "清河镇财政所"
T = "T_three_major_one_large_"


def propose(database: Database, files: FileStore, day: date, title: str, **told: Any) -> Play:
    with database.transaction(read_only=True) as session:
        unit_id = unit(session, UNIT).id
    item = {
        "title": title, "kind": "fund", "unit_id": unit_id, "is_major_decision": False, "purpose": "办公楼维修",
        "detail": "维修屋面", "amount": "29000", "payee": "清河建筑工程有限公司", "in_budget": True,
    }  # fmt: skip
    return Play(database, files, day).suggest("zhoukai", ORGAN, {**item, **told}, "three_major_one_large")


def item_of(database: Database, play: Play) -> MajorItem:
    with database.transaction(read_only=True) as session:
        return session.scalars(select(MajorItem).where(MajorItem.matter_id == play.matter_id)).one()


def standing(database: Database, play: Play) -> set[str]:
    with database.transaction(read_only=True) as session:
        query = select(Task.element_id).where(Task.matter_id == play.matter_id, Task.state.in_(("OPEN", "CLAIMED")))
        return set(session.scalars(query))


def test_g2_the_third_of_three_payments_is_routed_as_the_sum(database: Database, files: FileStore) -> None:
    payee = ("清河建筑工程有限公司", "清河建筑工程有限公司 ", "清河 建筑工程有限公司")
    plays = [
        propose(database, files, DAY + timedelta(days=14 * n), f"屋面维修款第{n + 1}笔", payee=payee[n])
        for n in range(3)
    ]
    sums = [item_of(database, play) for play in plays]
    assert [row.route_amount for row in sums] == [Decimal(29000), Decimal(58000), Decimal(87000)]
    assert [row.route for row in sums] == ["leader_approval", "office_meeting", "office_meeting"]
    assert standing(database, plays[0]) == {T + "02"}
    assert standing(database, plays[2]) == {T + "03"}
    # Another payee, another purpose, or after the days are over: it stands alone.
    for title, day, told in (
        ("他人的款项", DAY + timedelta(days=30), {"payee": "云岭建材商店"}),
        ("其他用途款项", DAY + timedelta(days=30), {"purpose": "购买防汛物资"}),
        ("过期的款项", DAY + timedelta(days=28 + 91), {}),
    ):
        assert item_of(database, propose(database, files, day, title, **told)).route_amount == Decimal(29000)
    with database.transaction(read_only=True) as session:
        listed = three_major.annual_list(session, person(session, "zhoukai"), 2026)
        assert len(listed) == 6 and three_major.annual_list(session, person(session, "zhoukai"), 2025) == []
        assert three_major.annual_list(session, person(session, "taoran"), 2026) == []


def test_the_limits_are_the_organs_own_with_their_basis(database: Database, files: FileStore) -> None:
    with database.transaction() as session:
        organ = unit(session, ORGAN)
        assert not office_settings.of_organ(session, organ)["limit_meeting"].confirmed
        for value, basis, field in (("0", "x", "limit_meeting"), ("many", "x", "limit_meeting"), ("9", " ", "basis")):
            with pytest.raises(Invalid) as refusal:
                office_settings.change(session, person(session, "zhoukai"), organ.id, "limit_meeting", value, basis)
            assert set(refusal.value.errors) == {field}
        with pytest.raises(NotPermitted):
            office_settings.change(session, person(session, "wuting"), organ.id, "limit_meeting", "1", "x")
        with pytest.raises(NotPermitted):
            stranger = unit(session, "云岭区人民政府").id
            office_settings.change(session, person(session, "zhoukai"), stranger, "limit_meeting", "1", "x")
        office_settings.change(session, person(session, "zhoukai"), organ.id, "limit_meeting", "10000", "清政发1号")
        assert office_settings.of_organ(session, organ)["limit_meeting"].basis == "清政发1号"
    assert item_of(database, propose(database, files, DAY, "屋面维修款")).route == "office_meeting"


def test_an_item_goes_through_the_meeting_to_the_archive(database: Database, files: FileStore) -> None:
    play = propose(database, files, DAY, "集镇道路维修工程", kind="project", amount="400000", financed_by_debt=False,
                   procurement_method="tender")  # fmt: skip
    assert item_of(database, play).route == "joint_meeting"
    play.do(T + "03", is_contract=False, fund_source="镇级财政")
    assert standing(database, play) == {T + "04"}
    play.do(T + "04", conclusion="unlawful")
    assert standing(database, play) == {T + "03"}
    play.do(T + "03", is_contract=False, fund_source="镇级财政").do(T + "04", conclusion="lawful")
    play.do(T + "05", meeting_type="party_government_joint").days(3)
    with database.transaction(read_only=True) as session:
        implementing = unit(session, UNIT).id
    told = answers.minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明")
    play.do(T + "06", implementing_unit_id=implementing, **told).do(T + "07")
    play.do(T + "08", disclosed=True, channels=["website"]).days(30).do(T + "09").do(T + "10").do(T + "11")
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert (matter.status, matter.outcome) == ("COMPLETED", "E_3m_done")


def test_the_other_routes(database: Database, files: FileStore) -> None:
    leader = propose(database, files, DAY, "购买办公用品", amount="3000", payee="文具店")
    leader.do(T + "02", approved=False)
    moved = propose(database, files, DAY, "集镇停车收费办法", kind="decision", is_major_decision=True)
    assert standing(database, moved) == {T + "02m"}
    moved.do(T + "02m", matter_number="ZD-2026-0007")
    people = propose(database, files, DAY, "中层干部任免", kind="personnel")
    people.do(T + "03", is_contract=False, personnel_process="民主推荐、考察").do(T + "05")
    people.do(T + "06p", agreed=True, doc_no="清党发1号", held_on=DAY.isoformat())
    assert standing(database, people) == {T + "08"}
    with database.transaction(read_only=True) as session:
        outcomes = [session.get_one(Matter, play.matter_id).outcome for play in (leader, moved)]
        assert outcomes == ["E_3m_declined", "E_3m_moved"]


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50_000), st.sampled_from("ab"), st.sampled_from("xy"))),
    st.integers(1, 50_000),
)
def test_the_sum_counts_every_payment_of_the_window_and_no_other(
    known: list[tuple[int, int, str, str]], amount: int
) -> None:
    today = date(2026, 12, 1)
    payments = [Payment(payee, what, Decimal(sum_), today - timedelta(days=ago)) for ago, sum_, payee, what in known]
    expected = amount + sum(sum_ for ago, sum_, payee, what in known if ago <= 90 and payee + what == "ax")
    assert split_sum(payments, Payment("a", "x", Decimal(amount), today), 90) == expected


def test_spelling_does_not_make_another_payee() -> None:
    assert same("ABC（集团）有限公司") == same("abc（集团）有限公司") != same("abc集团有限公司分部")
