"""Case B: 集镇供水价格调整, with every refusal the case asserts."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, submitted
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.demo.water_price_case import CD, HE, LR, PP, PU, RA, M, WaterPrice
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import (
    AuditStream,
    Document,
    DraftVersion,
    Evaluation,
    Matter,
    MatterStatus,
    Organisation,
    StaleStep,
    Task,
)
from tests.procedures.test_tables import ask
from tests.stories.conftest import Told
from tests.stories.telling import completed, names, refused, status


def returned(database: Database, files: FileStore) -> Play:
    return WaterPrice(database, files).reviewed_by_the_town()


def drafted(database: Database, files: FileStore) -> Play:
    case = WaterPrice(database, files)
    return case.drafted_by_the_district(case.transferred(case.reviewed_by_the_town()))


def announced(database: Database, files: FileStore) -> Play:
    case = WaterPrice(database, files)
    return case.listed(case.exempted(case.announced(drafted(database, files))))


def decided(database: Database, files: FileStore) -> Play:
    return WaterPrice(database, files).whole()


def case_of(play: Play) -> WaterPrice:
    return WaterPrice(play.database, play.files)


def test_the_town_has_no_authority_and_the_matter_moves_up(told: Told) -> None:
    town = told(returned)
    with town.database.transaction(read_only=True) as session:
        review = session.scalars(select(Task).where(Task.element_id == LR + "04")).one()
        # Seven working days from 8 June: the Dragon Boat festival lies behind them.
        assert review.due_at and clock.local_date(review.due_at) == date(2026, 6, 17)
        assert clock.local_date(completed(session, town, LR + "06")) == date(2026, 6, 16)
    assert names(town) == {M + "15t"}
    with pytest.raises(Invalid) as refusal:
        town.do(M + "15t", "zhoukai", route="transfer", transfer_to="", reason="供水价格由区价格主管部门制定。")
    assert set(refusal.value.errors) == {"transfer_to"}

    district = case_of(town).transferred(town)
    assert status(town) == MatterStatus.COMPLETED and names(district) == {M + "01"}
    with town.database.transaction(read_only=True) as session:
        moved, left = session.get_one(Matter, district.matter_id), session.get_one(Matter, town.matter_id)
        assert (left.outcome, moved.relation, moved.decision_id) == ("E_terminated", "transfer", left.id)
        assert moved.title == left.title and moved.organ_id != left.organ_id and moved.undertaking_unit_id is None


def test_the_town_is_heard_as_a_consulted_unit(told: Told) -> None:
    district = told(drafted)
    with district.database.transaction(read_only=True) as session:
        slip = session.scalars(
            select(Task).where(Task.matter_id == district.matter_id, Task.element_id == M + "08")
        ).one()
        assert slip.completed_as.startswith("清河镇财政所")


def test_a_hearing_on_prices_is_mandatory(told: Told) -> None:
    """R-16a: the plan of participation cannot leave it out."""
    play = told(drafted)
    with pytest.raises(Invalid) as refusal:
        play.do(PP + "01", "fenghao", forms=["open_solicitation"])
    assert set(refusal.value.errors) == {"forms"} and "R-16a" in refusal.value.errors["forms"][0]


def test_consumers_hold_two_fifths_of_the_seats(told: Told) -> None:
    play = told(drafted)
    play.do(PP + "01", "fenghao", forms=["open_solicitation", "hearing"]).do(PP + "02", "pengfei")
    with pytest.raises(Invalid) as refusal:
        play.do(HE + "01", "fenghao", **case_of(play).plan(consumers=5))
    assert set(refusal.value.errors) == {"sides"}
    play.do(HE + "01", "fenghao", **case_of(play).plan(consumers=6))
    assert HE + "02" in names(play)


def test_every_side_takes_part(told: Told) -> None:
    """R-16c: a side of the matrix with nobody in it."""
    play = told(drafted)
    case = case_of(play)
    play = case.announced(play).on(date(2026, 7, 27))
    from decision_flow.demo.water_price_case import participants

    rows = [{**row, "side": "消费者"} if row["side"] == "专家学者" else row for row in participants()]
    with pytest.raises(Invalid) as refusal:
        play.do(HE + "03", "fenghao", participants=rows, civil_servant_reason="有关部门派员")
    assert set(refusal.value.errors) == {"participants"}


def test_papers_served_too_late_move_the_hearing(told: Told) -> None:
    """R-16d: served on 8 August, a hearing on the 14th cannot open."""
    play = told(announced)
    case_of(play).served(play, date(2026, 8, 8))
    assert HE + "07" not in names(play) and HE + "01" in names(play)
    play.on(date(2026, 8, 14))
    with pytest.raises(RuntimeError, match="no open task"):
        play.do(HE + "07", "caiying")


def test_one_late_delivery_is_enough(told: Told) -> None:
    play = told(announced)
    play.on(date(2026, 8, 5))
    for _ in range(14):
        play.do(HE + "05", "luoxin", delivered_on="2026-08-05", receipt="本人签收")
    play.on(date(2026, 8, 8)).do(HE + "05", "luoxin", delivered_on="2026-08-08", receipt="本人签收")
    assert HE + "07" not in names(play)


def test_the_record_keeps_the_order_and_everybody_signs_or_refuses(told: Told) -> None:
    """R-17a."""
    play = told(announced)
    case_of(play).served(play, date(2026, 8, 5)).on(date(2026, 8, 14))
    with pytest.raises(Invalid) as refusal:
        play.do(HE + "07", "caiying", opened_at="2026-08-14T09:00", presentation_at="2026-08-14T10:00",
                debate_at="2026-08-14T09:30")  # fmt: skip
    assert set(refusal.value.errors) == {"debate_at"}
    play.do(HE + "07", "caiying", opened_at="2026-08-14T09:00", presentation_at="2026-08-14T09:05",
            debate_at="2026-08-14T10:00")  # fmt: skip
    with pytest.raises(Invalid) as refusal:
        play.do(HE + "08", "luoxin", signed=False)
    assert set(refusal.value.errors) == {"refusal_note"}
    play.do(HE + "08", "luoxin", signed=False, refusal_note="本人认为发言未记全，拒绝签字")
    for _ in range(14):
        assert HE + "09" not in names(play)
        play.do(HE + "08", "luoxin", signed=True)
    assert HE + "09" in names(play)


def test_an_uncontrollable_risk_leads_to_a_changed_draft_and_a_second_round(told: Told) -> None:
    """R-24: what is uncontrollable does not reach the review on the same text."""
    play = told(announced)
    case = case_of(play)
    case.heard(case.served(play, date(2026, 8, 5)))
    case.assessed(play, first=True)
    assert names(play) == {M + "12"}
    case.adjusted(play)
    assert names(play) == {M + "14"}
    with play.database.transaction(read_only=True) as session:
        texts = session.scalars(
            select(DraftVersion).where(DraftVersion.matter_id == play.matter_id).order_by(DraftVersion.number)
        ).all()
        assert [text.number for text in texts] == [1, 2]
        stale = session.scalars(select(StaleStep).where(StaleStep.matter_id == play.matter_id)).all()
        assert [(mark.step, mark.settled) for mark in stale] == [("risk_assessment", "repeated")]


def test_without_a_change_it_goes_back_to_drafting(told: Told) -> None:
    play = told(announced)
    case = case_of(play)
    case.assessed(case.heard(case.served(play, date(2026, 8, 5))), first=True)
    play.do(M + "12", "fenghao", material_change=False)
    assert names(play) == {M + "09"}
    with pytest.raises(RuntimeError, match="no open task"):
        play.do(M + "14", "fenghao")


def test_the_report_of_the_hearing_is_no_opinion_on_legality(told: Told) -> None:
    """R-25b: an opinion comes out of the review's own task; the meeting's papers stay out of reach without it."""
    play = told(announced)
    case = case_of(play)
    case.assessed(case.heard(case.served(play, date(2026, 8, 5))), first=True)
    case.adjusted(play)
    for element in (M + "16", CD + "01", CD + "06"):
        with pytest.raises(RuntimeError, match="no open task"):
            play.do(element, "fenghao")
    # The report is on file, and counts for nothing but itself.
    with play.database.transaction(read_only=True) as session:
        assert submitted.latest(session, play.matter_id, "F-27")
    assert all("R-25a" in refused(play, form) for form in ("F-14", "F-15a", "F-15"))
    with play.database.transaction(read_only=True) as session:
        assert (
            session.scalars(
                select(Document.id).where(Document.matter_id == play.matter_id, Document.form == "F-13")
            ).all()
            == []
        )


def test_from_the_district_to_two_evaluations(told: Told) -> None:
    play = told(decided)
    database = play.database
    assert names(play) == {"T_execution_tracking_01"}
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        at = {element: clock.local_date(completed(session, play, element)) for element in (
            PP + "04a", HE + "02", HE + "04", HE + "07", RA + "10", LR + "06", CD + "06", PU + "03",
        )}  # fmt: skip
        assert at == {
            PP + "04a": date(2026, 7, 6), HE + "02": date(2026, 7, 6), HE + "04": date(2026, 7, 28),
            HE + "07": date(2026, 8, 14), RA + "10": date(2026, 8, 20), LR + "06": date(2026, 9, 2),
            CD + "06": date(2026, 9, 9), PU + "03": date(2026, 9, 14),
        }  # fmt: skip
        assert matter.decided_at and clock.local_date(matter.decided_at) == date(2026, 9, 9)
        assert matter.published_at and clock.local_date(matter.published_at) == date(2026, 9, 14)
        assert matter.effective_date == date(2026, 10, 1)
        plan = session.scalars(
            select(Evaluation).where(Evaluation.decision_id == matter.id).order_by(Evaluation.due_on)
        )
        assert [one.due_on for one in plan] == [date(2027, 4, 1), date(2027, 10, 1)]
        for stream in session.scalars(select(AuditStream.name)):
            assert audit.verify(session, stream) is None
        _as_told(session, matter)


def _as_told(session: Session, matter: Matter) -> None:
    """What the case says of each step of round two, as it was filed."""
    every = {form: submitted.every(session, matter.id, form) for form in ("F-25c", "F-25e", "F-34", "F-34b")}
    last = {
        form: submitted.latest(session, matter.id, form)
        for form in ("F-01", "F-13", "F-15", "F-15b", "F-16b", "F-22", "F-25")
    }
    organ, unit = (session.get_one(Organisation, number) for number in (matter.organ_id, matter.undertaking_unit_id))
    assert (organ.binding, unit.name) == ("direct", "区发展和改革局")
    assert matter.category == "public_policy" and "价格法" in last["F-25"]["mandatory_law"]
    assert (last["F-22"]["open_on"], last["F-22"]["close_on"]) == ("2026-07-06", "2026-08-05")
    (chosen,) = every["F-25c"]
    assert Counter(row["side"] for row in chosen["participants"]) == {
        "消费者": 7, "经营者": 2, "人大代表": 2, "政协委员": 1, "有关部门": 2, "专家学者": 1,
    }  # fmt: skip
    assert [row["delivered_on"] for row in every["F-25e"]] == ["2026-08-05"] * 15
    rounds = [(row["overall_level"], row["suggestion"], row["finding"]) for row in every["F-34b"]]
    # The case has no plan in round one; the decree wants one in the report (Art. 23), so here the head's own finding
    # stops the draft. What the table says without a plan is asked of the table.
    assert rounds == [
        ("medium", "controllable_with_measures", "uncontrollable"),
        ("low", "controllable", "controllable"),
    ]
    assert [told["opposition_share"] for told in every["F-34"]] == [0.46, 0.18]
    assert ask("D-04", residual_levels=[{"level": "medium"}], F34=every["F-34"][0]) == {
        "level": "medium", "suggestion": "uncontrollable",
    }  # fmt: skip
    assert last["F-13"]["conclusion"] == "lawful"
    meeting = last["F-15"]
    assert (last["F-15b"]["meeting_type"], meeting["members_total"]) == ("executive", 9)
    assert [row["status"] for row in meeting["attendance"]].count("present") == 8
    spoken = [row["position"] for row in meeting["opinions"] if not row["is_head"]]
    assert Counter(spoken) == {"agree": 6, "disagree": 1} and meeting["opinions"][-1]["is_head"]
    assert meeting["decision"] == "approved"
    assert (last["F-16b"]["reply"], last["F-16b"]["reply_on"]) == ("agreed", "2026-09-11")
