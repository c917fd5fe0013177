"""The short negative fixtures: what must be refused or warned of whatever is drawn (G4, G5 and G6).

G1 stands with the register of exclusions, G2 with 三重一大, G3 with the ways of the review.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from decision_flow import calendar_notices, clock, deadlines, evaluations, feedback
from decision_flow.audit import SYSTEM
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.engine import Bundle
from decision_flow.errors import Refused
from decision_flow.models import AuditEvent, Matter, Notification, Task, TaskState
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from tests import past_the_gate
from tests.drawing import Drawing
from tests.stories.telling import names

DAY = date(2026, 3, 2)


def suggested(database: Database, files: FileStore) -> Play:
    play = Play(database, files, DAY)
    return play.suggest("wuting", QINGHE, {
        "matter_name": "清河镇便民夜市管理办法", "suggestion_source": "citizen", "proposer_name": "王建国",
        "proposer_contact": "0871-60001234", "matter_category": "public_policy", "exclusion_type": "none",
        "contains_state_secret": False, "summary": "夜市占道经营、油烟扰民，居民多次反映，建议明确经营区域、时间和管理责任。",
    })  # fmt: skip


def test_g4_a_suggestion_left_for_fifteen_days_warns_the_office(database: Database, files: FileStore) -> None:
    """R-10c: it cannot be deleted, and the office is reminded."""
    play = suggested(database, files)

    def warnings() -> list[str | None]:
        with database.transaction(read_only=True) as session:
            return list(session.scalars(select(Notification.pool).where(Notification.event == "task.overdue")))

    play.on(DAY + timedelta(days=15))
    assert warnings() == []
    play.on(DAY + timedelta(days=16))
    with database.transaction(read_only=True) as session:
        organ = session.get_one(Matter, play.matter_id).organ_id
        task = session.scalars(select(Task).where(Task.element_id == cases.M + "01")).one()
        assert (task.state, task.due_rule) == (TaskState.OPEN, "R-10c")
    assert f"government_office:{organ}" in warnings()


def straight_to_the_meeting() -> ProcedureSource:
    """Somebody's own diagram: drafted, discussed, published, and no other step."""
    drawing = Drawing("shortcut", "捷径").start("E_short")
    drawing.user("T_draft", form="F-06", role="undertaking_unit").service("S_draft", "freeze_draft")
    drawing.user("T_papers", form="F-14", role="undertaking_unit")
    drawing.user("T_minutes", form="F-15", role="hearing_clerk").user("T_signed", form="F-15s", role="admin_head")
    drawing.user("T_page", form="F-17b", role="disclosure_officer").end("E_short_end")
    drawing.chain("E_short", "T_draft", "S_draft", "T_papers", "T_minutes", "T_signed", "T_page", "E_short_end")
    return as_source(drawing)


def straight_to(form: str, role: str) -> ProcedureSource:
    drawing = Drawing("shortcut", "捷径").start("E_short").user("T_only", form=form, role=role).end("E_short_end")
    return as_source(drawing.chain("E_short", "T_only", "E_short_end"))


def as_source(drawing: Drawing) -> ProcedureSource:
    forms = {path.name: path.read_bytes() for path in (BPMN / "forms").glob("*.toml")}
    bundle = Bundle(main="shortcut", bpmn={"shortcut.bpmn": drawing.xml()}, forms=forms)
    return ProcedureSource("major_decision", "捷径", "Shortcut", "F-01", bundle)


def under(source: ProcedureSource, database: Database, files: FileStore) -> Play:
    with database.transaction() as session:
        past_the_gate.put_in_force(session, source)
    return suggested(database, files)


def test_g5_a_diagram_without_a_review_does_not_reach_the_meeting(database: Database, files: FileStore) -> None:
    """R-25a: the guard stands in front of the act and not in the diagram."""
    play = under(straight_to_the_meeting(), database, files)
    play.do("T_draft", "wuting")
    with pytest.raises(Refused) as refusal:
        play.do("T_papers", "chenbin")
    assert (refusal.value.rule, refusal.value.article) == ("R-25a", "条例第二十五条")
    assert names(play) == {"T_papers"}


@pytest.mark.parametrize(
    ("form", "role", "who", "rule"),
    [
        ("F-03", "admin_head", "gaojianming", "R-10a"), ("F-12", "undertaking_unit", "chenbin", "R-12b"),
        ("F-15a", "government_office", "zhoukai", "R-25a"), ("F-15b", "government_office", "zhoukai", "R-25a"),
        ("F-15", "hearing_clerk", "linyue", "R-25a"), ("F-17b", "disclosure_officer", "linyue", "R-30a"),
    ],
)  # fmt: skip
def test_g5_no_act_of_weight_is_done_on_its_own(
    database: Database, files: FileStore, form: str, role: str, who: str, rule: str
) -> None:
    play = under(straight_to(form, role), database, files)
    given = {}
    if form == "F-15":
        told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明")
        given = {"implementing_unit_id": units(database)["清河镇农村公路管理站"], **told}
    with pytest.raises(Refused) as refusal:
        play.do("T_only", who, **given)
    assert rule in refusal.value.rules
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert (matter.decided_at, matter.published_at) == (None, None)
        told = session.scalars(select(AuditEvent).where(AuditEvent.result == "refused")).one()
        assert told.matter_id == play.matter_id and f'"{rule}"' in told.canonical
    assert names(play) == {"T_only"}


def over_new_year(database: Database, files: FileStore) -> Play:
    """A matter whose papers for the review are complete at the end of 2027."""
    play = Play(database, files, date(2027, 11, 8))
    play.suggest("wuting", QINGHE, {
        "matter_name": "清河镇夜市管理办法", "suggestion_source": "citizen", "proposer_name": "王建国",
        "proposer_contact": "0871-60001234", "matter_category": "public_policy", "exclusion_type": "none",
        "contains_state_secret": False, "summary": "夜市占道经营、油烟扰民，居民多次反映，建议明确经营区域、时间和管理责任。",
    })  # fmt: skip
    unit = units(database)["清河镇规划建设和生态环境办公室"]
    play.run_to(cases.LR + "01", given={cases.M + "05": {"undertaking_units": [unit], "in_catalogue": False}})
    play.on(date(2027, 12, 28)).do(cases.LR + "01", "wangmin", received_on="2027-12-28").do(cases.LR + "02", "zhaolei")
    return play.do(cases.LR + "03", "guyan")


def test_g6_what_falls_due_in_2028_is_provisional_until_the_calendar_is_entered(
    database: Database, files: FileStore
) -> None:
    """Both what a working day decides and a review on its month: marked, and counted anew when the notice comes."""
    with database.transaction() as session:
        this_year = calendar_notices.read("2027-01-01~2027-01-03，放假\n2027-10-01~2027-10-07，放假\n")
        calendar_notices.enter(session, SYSTEM, this_year, "国办发明电〔2026〕0号")
    play = over_new_year(database, files)
    with database.transaction() as session:
        road = session.get_one(Matter, play.matter_id)
        plan = evaluations.Plan(date(2028, 5, 12), mode="full", months=24, explanation="满24个月")
        evaluations.schedule(session, road, [plan], actor=SYSTEM, at=clock.now())

    def standing() -> tuple[date, bool, str, bool]:
        with clock.pretend(play.since), database.transaction(read_only=True) as session:
            task = session.scalars(select(Task).where(Task.element_id == cases.LR + "04")).one()
            (review,) = feedback.watch(session, play._actor(session, "zhoukai"), play.matter_id).reviews
            assert task.due_at and review.evaluation.due_on == date(2028, 5, 12)
            return clock.local_date(task.due_at), task.due_provisional, task.due_explanation or "", review.provisional

    day, provisional, words, review = standing()
    assert (day, provisional, review) == (date(2028, 1, 6), True, True) and "暂定" in words
    notice = calendar_notices.read("2028-01-01~2028-01-03，放假\n2028-01-08，上班\n2028-05-01~2028-05-05，放假\n")
    with clock.pretend(play.since), database.transaction() as session:
        calendar_notices.enter(session, SYSTEM, notice, "国办发明电〔2027〕0号")
        (move,) = deadlines.recompute(session, SYSTEM)
        assert (move.old, move.new.due_on) == (date(2028, 1, 6), date(2028, 1, 7))
    day, provisional, words, review = standing()
    assert (day, provisional, review) == (date(2028, 1, 7), False, False) and "暂定" not in words
    with database.transaction(read_only=True) as session:
        moved = session.scalars(select(AuditEvent).where(AuditEvent.event == "deadline.moved")).one()
        assert moved.matter_id == play.matter_id and "2028-01-06" in moved.canonical and "2028-01-07" in moved.canonical
