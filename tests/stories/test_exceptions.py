"""Exemptions, exceptions and exclusions: registered, decided by somebody else, found by rule, organ and period (G1)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from decision_flow import clock, drafts, exceptions
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.exceptions import ExceptionQuery
from decision_flow.models import Matter
from tests.core.registry import person, unit

M, PP = cases.M, cases.PP
WHY = "修改仅涉及实施步骤，不影响专家论证结论。"


def changed(database: Database, files: FileStore) -> Play:
    """A matter whose draft was changed so that the expert step is stale."""
    play = cases.OTHERS[5](database, files)
    close = (play.day + timedelta(days=30)).isoformat()
    play.run_to(M + "12", given={PP + "04a": {"open_on": play.day.isoformat(), "close_on": close}})
    return play.do(M + "12", material_change=True, affected_steps=["expert_argumentation"])


def test_g1_an_emergency_is_out_of_scope_and_listed(database: Database, files: FileStore) -> None:
    play = Play(database, files, date(2026, 6, 1))
    play.suggest("wuting", cases.QINGHE, {
        "matter_name": "清河镇防汛抢险临时征用方案", "suggestion_source": "department", "proposer_name": "规划办",
        "proposer_contact": "0871-60001234", "matter_category": "other_major", "exclusion_type": "emergency_response",
        "contains_state_secret": False, "summary": "汛情紧急，须临时征用沿河场地和机械设备，保障人民群众生命财产安全。",
    })  # fmt: skip
    play.approving = False
    with pytest.raises(Refused) as refusal:
        play.do(M + "01").run_to()
    # What the office judged does not close the file before a leader has confirmed it.
    assert refusal.value.rules == ["R-03c"]
    with database.transaction() as session:
        matter = session.get_one(Matter, play.matter_id)
        assert matter.status == "RUNNING"
        (row,) = exceptions.register(session, person(session, "zhoukai"), ExceptionQuery(kind="exclusion")).rows
        assert (row.rule, row.subject, row.state, row.matter.title) == (
            "R-03c", "emergency_response", "asked", "清河镇防汛抢险临时征用方案",
        )  # fmt: skip
        assert "汛情紧急" in row.reason
        head = person(session, "gaojianming")
        exceptions.decide(session, head, row.id, True, "")
        assert (row.state, row.decided_by_id) == ("approved", head.user_id)
    play.run_to()
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert (matter.status, matter.outcome) == ("COMPLETED", "E_out")


def test_an_exemption_signed_on_its_form_is_in_the_register(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction(read_only=True) as session:
        rows = {row.rule: row for row in exceptions.of_matter(session, play.matter_id)}
        assert set(rows) >= {"R-19a", "R-22a", "R-12c"}
        assert rows["R-19a"].subject == "expert_argumentation" and rows["R-19a"].state == "approved"
        assert rows["R-19a"].asked_by_id != rows["R-19a"].decided_by_id
        assert rows["R-12c"].state == "approved" and rows["R-12c"].asked_by_id != rows["R-12c"].decided_by_id
        assert exceptions.approved(session, play.matter_id, "R-19a", "expert_argumentation")


def test_sod_14_nobody_approves_what_they_asked_for(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session:
        head, drafter = person(session, "gaojianming"), person(session, "wuting")
        mine = exceptions.ask(session, head, play.matter_id, "R-26c", "汛期将至，须在汛前完成全部决策程序。")
        with pytest.raises(Refused) as refusal:
            exceptions.decide(session, head, mine.id, True, "")
        assert refusal.value.rule == "SOD-14" and mine.state == "asked"
        with pytest.raises(NotPermitted):
            exceptions.decide(session, drafter, mine.id, True, "")
        with pytest.raises(NotFound):
            exceptions.decide(session, person(session, "taoran"), mine.id, True, "")
        with pytest.raises(Conflict):
            exceptions.ask(session, drafter, play.matter_id, "R-26c", "汛期将至，须在汛前完成全部决策程序。")
        theirs = exceptions.ask(session, drafter, play.matter_id, "R-16a", "利害关系人无人申请，分歧已经消除。")
        with pytest.raises(Invalid):
            exceptions.decide(session, head, theirs.id, False, " ")
        exceptions.decide(session, head, theirs.id, False, "仍有较大分歧")
        assert theirs.state == "refused" and exceptions.approved(session, play.matter_id, "R-16a") is None
        with pytest.raises(Conflict):
            exceptions.decide(session, head, theirs.id, True, "")
        for rule, reason, field in (("R-25a", WHY, "rule"), ("R-16a", "短", "reason")):
            with pytest.raises(Invalid) as wrong:
                exceptions.ask(session, drafter, play.matter_id, rule, reason)
            assert set(wrong.value.errors) == {field}


def test_a_stale_step_is_reasoned_away_by_an_approved_exception_only(database: Database, files: FileStore) -> None:
    play = changed(database, files)
    with database.transaction() as session:
        drafter = person(session, "wuting")
        with pytest.raises(Refused) as refusal:
            exceptions.ask(session, drafter, play.matter_id, "", WHY, step="legality_review")
        assert refusal.value.rule == "R-25a"
        with pytest.raises(Invalid):
            exceptions.ask(session, drafter, play.matter_id, "", WHY, step="risk_assessment")
        asked = exceptions.ask(session, drafter, play.matter_id, "", WHY, step="expert_argumentation")
        assert [entry.step for entry in drafts.open_marks(session, play.matter_id)] == ["expert_argumentation"]
        exceptions.decide(session, person(session, "gaojianming"), asked.id, True, "同意")
        assert drafts.open_marks(session, play.matter_id) == []


def test_the_register_is_filtered_by_rule_organ_and_period(database: Database, files: FileStore) -> None:
    cases.OTHERS[6](database, files)
    cases.OTHERS[10](database, files)
    with database.transaction(read_only=True) as session:
        mine = person(session, "zhoukai")
        found = exceptions.register(session, mine, ExceptionQuery())
        assert found.total > 2 and {row.organ_id for row in found.rows} == {unit(session, cases.QINGHE).id}
        by_rule = exceptions.register(session, mine, ExceptionQuery(rule="R-19a"))
        assert {row.rule for row in by_rule.rows} == {"R-19a"}
        later = ExceptionQuery(since=clock.today() + timedelta(days=1))
        assert exceptions.register(session, mine, later).total == 0
        until = ExceptionQuery(until=clock.today() - timedelta(days=400))
        assert exceptions.register(session, mine, until).total == 0
        assert exceptions.register(session, mine, ExceptionQuery(organ_id=unit(session, cases.SHIQIAO).id)).total == 0
