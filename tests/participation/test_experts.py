"""R-19b to R-21, R-23c, R-24, R-36b, R-41, SOD-04 to SOD-07: who may advise, assess and evaluate, and on what terms."""

from __future__ import annotations

from typing import Any

import pytest

from decision_flow import interests, registries, risks, submitted, task_views
from decision_flow.db import Database
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.models import Expert, Institution, Matter, Organisation, Task
from tests.participation import bare

CODE, OTHER = "91530103MA6K7T2Q4X", "91530103MA6K7T2Q5X"
OFFICE = "zhoukai"
EXPERTS = ("moqing", "ranbo", "xiaoheng")
OPINION = {
    "necessity": "yes", "necessity_text": "确有必要。", "feasibility": "yes", "feasibility_text": "可行。",
    "soundness": "no", "soundness_text": "标准偏低。", "overall": "oppose", "capacity": "individual",
    "opinion": "本人反对原线方案。",
}  # fmt: skip


def pool(database: Database, username: str, **changed: str) -> int:
    told = {"name": username, "field": "道路工程", "pool_level": "own", "username": username, **changed}
    with database.transaction() as session:
        return registries.register_expert(session, bare.person(session, OFFICE), told).id


def standing(database: Database, expert_id: int, to: str) -> None:
    with database.transaction() as session:
        found = session.get_one(Expert, expert_id)
        registries.set_standing(session, bare.person(session, OFFICE), found, to, "评价不合格，停止聘用。")


def user_id(database: Database, username: str) -> int:
    with database.transaction(read_only=True) as session:
        return bare.person(session, username).user_id


def selection(database: Database, **changed: Any) -> dict[str, Any]:
    rows = [
        {"expert_id": user_id(database, name), "organisation": "设计院", "school": "道路", "dissents": name == "ranbo"}
        for name in EXPERTS
    ]
    return {"experts": rows, **changed}


def test_nobody_out_of_the_pool_is_invited(database: Database) -> None:
    """R-21: suspended and removed experts are refused; restored with a reason they are not."""
    key = pool(database, "moqing")
    matter_id = bare.begin(database, ("F-29e", "undertaking_unit"))
    for to in ("suspended", "removed"):
        standing(database, key, to)
        with pytest.raises(Refused) as refusal:
            bare.complete(database, matter_id, bare.KEEPER, selection(database))
        assert refusal.value.rule == "R-21"
    standing(database, key, "active")
    bare.complete(database, matter_id, bare.KEEPER, selection(database))
    with database.transaction(read_only=True) as session:
        _, changes, _ = registries.expert(session, bare.person(session, OFFICE), key)
    assert [change.standing for change in changes] == ["active", "removed", "suspended", "active"]


@pytest.mark.parametrize("by", ["employer", "code", "form"])
def test_an_interested_expert_is_not_invited(database: Database, by: str) -> None:
    """R-20b, SOD-04: the employer is a tender candidate, under this name or another with the same credit code."""
    pool(database, "moqing", employer="恒远设计院" if by == "employer" else "改名后的设计院", employer_credit_code=CODE)
    matter_id = bare.begin(database, ("F-29e", "undertaking_unit"))
    party = {"relation": "tender_candidate", "name": "恒远设计院", "credit_code": CODE if by == "code" else ""}
    with database.transaction() as session:
        interests.record(session, bare.person(session, bare.KEEPER), matter_id, party)
    told = selection(database)
    if by == "form":
        # However it is spaced: nobody sees the difference.
        told["experts"][1]["organisation"] = "恒远 设计院\u200b"
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, told)
    assert refusal.value.rule == "R-20b" and "恒远设计院" in str(refusal.value)


def test_few_experts_and_no_dissent_are_warned_of(database: Database) -> None:
    """R-20b, R-20c: a reason is asked for; a township wants three, a district five."""
    matter_id = bare.begin(database, ("F-29e", "undertaking_unit"))
    few = selection(database)
    few["experts"] = [{**row, "dissents": False} for row in few["experts"][:2]]
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, few)
    assert "R-20c" in refusal.value.errors["few_reason"][0] and "R-20b" in refusal.value.errors["no_dissent_reason"][0]
    given = {**few, "few_reason": "本领域专家少。", "no_dissent_reason": "公开征集后没有。"}
    bare.complete(database, matter_id, bare.KEEPER, given)


def test_no_opinion_without_the_declaration(database: Database) -> None:
    """R-19b, R-20b: under a diagram that leaves the declaration out."""
    matter_id = bare.begin(database, ("F-29", "expert"))
    bare.hand(database, matter_id, "moqing")
    with pytest.raises(Invalid):
        bare.complete(database, matter_id, "moqing", OPINION, sign=True)
    bare.said(database, matter_id, "F-28", {"has_direct_interest": True, "confidentiality_signed": True}, "moqing")
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, "moqing", OPINION, sign=True)
    assert refusal.value.rule == "SOD-04"
    bare.said(database, matter_id, "F-28", {"has_direct_interest": False, "confidentiality_signed": True}, "moqing")
    with pytest.raises(Invalid) as unsigned:
        bare.complete(database, matter_id, "moqing", OPINION)
    assert "R-19b" in unsigned.value.errors["signature"][0]
    bare.complete(database, matter_id, "moqing", OPINION, sign=True)


def test_an_opinion_is_the_experts_own_and_hidden_until_all_are_in(database: Database) -> None:
    """R-19b: nobody else completes it; another expert reads it only when no opinion is outstanding; dissent stays."""
    matter_id = bare.begin(database, ("F-29", "expert"), ("F-29", "expert"), ("F-29s", "undertaking_unit"))
    for name in ("moqing", "ranbo"):
        bare.said(database, matter_id, "F-28", {"has_direct_interest": False, "confidentiality_signed": True}, name)
    bare.hand(database, matter_id, "moqing")
    for other in (bare.KEEPER, "ranbo"):
        with pytest.raises((NotPermitted, NotFound)):
            bare.complete(database, matter_id, other, OPINION, sign=True)
    with pytest.raises(Invalid) as unsigned:
        bare.complete(database, matter_id, "moqing", OPINION)
    assert unsigned.value.rules == ["R-19b"]
    bare.complete(database, matter_id, "moqing", OPINION, sign=True)
    bare.hand(database, matter_id, "ranbo")
    task = bare.open_task(database, matter_id)

    def seen(username: str) -> bool:
        with database.transaction(read_only=True) as session:
            view = task_views.view(session, bare.person(session, username), task.id)
        return any(
            entry.task.form == "F-29" and entry.values.get("opinion") == OPINION["opinion"] for entry in view.earlier
        )

    assert not seen("ranbo") and seen(bare.KEEPER)
    bare.complete(database, matter_id, "ranbo", {**OPINION, "overall": "support", "opinion": "同意。"}, sign=True)
    assert seen("ranbo")
    bare.complete(
        database, matter_id, bare.KEEPER, {"summary": "两位专家一人同意、一人反对。", "dissent": "标准偏低。"}
    )
    # The summary leaves the originals as they are, the dissenting one among them.
    with database.transaction(read_only=True) as session:
        kept = submitted.every(session, matter_id, "F-29")
    assert [told["overall"] for told in kept] == ["oppose", "support"] and kept[0]["opinion"] == OPINION["opinion"]


def test_ratings_reach_the_integrity_record(database: Database) -> None:
    key = pool(database, "moqing")
    matter_id = bare.begin(database, ("F-29r", "undertaking_unit"))
    rows = [{"expert_id": user_id(database, "moqing"), "rating": "poor"}]
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, {"ratings": rows})
    assert "R-21" in refusal.value.errors["ratings.0.note"][0]
    bare.complete(database, matter_id, bare.KEEPER, {"ratings": [{**rows[0], "note": "逾期出具意见"}]})
    with database.transaction(read_only=True) as session:
        _, _, ratings = registries.expert(session, bare.person(session, OFFICE), key)
    assert [(row.rating, row.note) for row in ratings] == [("poor", "逾期出具意见")]


THIRD = {
    "assessor_type": "third_party",
    "assessor_name": "恒测工程咨询有限公司",
    "credit_code": CODE,
    "contract_no": "HT-1",
}


def third_party(database: Database, matter_id: int, files: Any, who: str, **changed: Any) -> dict[str, Any]:
    task = bare.open_task(database, matter_id)
    with database.transaction() as session:
        actor = bare.person(session, who)
        paper = bare.paper(session, files, actor, matter_id, task.id, "conflict_declaration")
    return {**THIRD, "conflict_declaration": paper, **changed}


def test_the_designer_does_not_assess_the_risk(database: Database, files: Any) -> None:
    """R-23c: by credit code, whatever it calls itself; R-41: nor does a disqualified institution."""
    matter_id = bare.begin(database, ("F-30", "undertaking_unit"))
    with database.transaction() as session:
        keeper = bare.person(session, bare.KEEPER)
        interests.record(
            session, keeper, matter_id, {"relation": "designer", "name": "旧名设计院", "credit_code": CODE}
        )
    told = third_party(database, matter_id, files, bare.KEEPER)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, bare.KEEPER, told)
    assert refusal.value.rule == "R-23c"
    with database.transaction() as session:
        office = bare.person(session, OFFICE)
        given = {"name": "另一评估公司", "credit_code": OTHER, "pool_level": "own"}
        found = registries.register_institution(session, office, given)
        registries.set_standing(session, office, found, "removed", "出具虚假报告，取消资格。")
    with pytest.raises(Refused) as disqualified:
        bare.complete(database, matter_id, bare.KEEPER, {**told, "credit_code": OTHER})
    assert disqualified.value.rule == "R-41"
    with database.transaction() as session:
        found = session.query(Institution).filter_by(credit_code=OTHER).one()
        registries.set_standing(session, bare.person(session, OFFICE), found, "active", "整改合格，恢复资格。")
    bare.complete(database, matter_id, bare.KEEPER, {**told, "credit_code": OTHER})


def test_uncontrollable_becomes_controllable_only_by_a_change(database: Database) -> None:
    """R-24: on the same text, with no measure, refused; with a measure or a new text, not."""
    rows = [{"measure": "先补偿后进场"}]
    for measures, version, refused in ((None, 1, True), (rows, 1, False), (None, 2, False)):
        matter_id = bare.begin(database, ("F-34b", "admin_head"))
        bare.said(database, matter_id, "F-34", {"draft_version": 1})
        bare.said(database, matter_id, "F-34b", {"finding": "uncontrollable"})
        with database.transaction() as session:
            session.get_one(Matter, matter_id).draft_version = version
        finding = "controllable_with_measures" if measures else "controllable"
        told = {"finding": finding, **({"measures_required": measures} if measures else {})}
        if refused:
            with pytest.raises(Refused) as refusal:
                bare.complete(database, matter_id, bare.HEAD, told, sign=True)
            assert refusal.value.rule == "R-24"
        else:
            bare.complete(database, matter_id, bare.HEAD, told, sign=True)


def test_the_matrix_has_the_levels_of_the_table() -> None:
    levels = [risks.level(likely, impact) for likely in range(1, 6) for impact in range(1, 6)]
    assert [levels.count(name) for name in ("high", "medium", "low")] == [7, 7, 11]
    points = ({"likelihood": 3, "impact": 3, "residual_likelihood": 2, "residual_impact": 2},)
    grid = risks.matrix(points)
    assert (grid[2][2].before, grid[2][2].level) == ((1,), "medium") and grid[3][1].after == (1,)


@pytest.fixture
def evaluation(database: Database) -> tuple[int, int]:
    """A decision whose risks a third party assessed, and the matter that evaluates it."""
    decision = bare.begin(database, ("F-22b", "disclosure_officer"))
    bare.said(database, decision, "F-30", THIRD)
    evaluating = bare.begin(database, ("F-37", "admin_head"))
    with database.transaction() as session:
        matter = session.get_one(Matter, evaluating)
        matter.decision_id, matter.relation = decision, "evaluation"
    return decision, evaluating


def test_who_assessed_before_does_not_evaluate_after(
    database: Database, files: Any, evaluation: tuple[int, int]
) -> None:
    """R-36b, SOD-05: the same firm, and the same firm under a new name; another firm is taken."""
    _, matter_id = evaluation
    for name in (THIRD["assessor_name"], "改名后的咨询公司"):
        told = third_party(database, matter_id, files, bare.HEAD, assessor_name=name, did_main_argumentation=False)
        with pytest.raises(Refused) as refusal:
            bare.complete(database, matter_id, bare.HEAD, told)
        assert refusal.value.rule == "R-36b"
    told = {**told, "assessor_name": "无关的公司", "credit_code": OTHER}
    with database.transaction() as session:
        office = bare.person(session, OFFICE)
        for name, code in ((THIRD["assessor_name"], CODE), ("无关的公司", OTHER)):
            given = {"name": name, "credit_code": code, "legal_representative": "钱某", "pool_level": "own"}
            registries.register_institution(session, office, given)
    # The same legal representative is a warning: it needs a reason.
    with pytest.raises(Invalid) as warned:
        bare.complete(database, matter_id, bare.HEAD, told)
    assert "R-36b" in warned.value.errors["independence_reason"][0]
    bare.complete(database, matter_id, bare.HEAD, {**told, "independence_reason": "已核实两家公司业务独立。"})


def test_the_undertaking_unit_evaluating_itself_gives_a_reason(database: Database, evaluation: tuple[int, int]) -> None:
    """SOD-07."""
    _, matter_id = evaluation
    with database.transaction(read_only=True) as session:
        unit = session.query(Organisation).filter_by(name=bare.UNIT).one().id
    told = {"assessor_type": "own", "assessor_org_id": unit, "did_main_argumentation": False}
    with pytest.raises(Invalid) as refusal:
        bare.complete(database, matter_id, bare.HEAD, told)
    assert "SOD-07" in refusal.value.errors["independence_reason"][0]
    bare.complete(database, matter_id, bare.HEAD, {**told, "independence_reason": "简易评估，结论由办公室审核。"})


def test_an_expert_of_the_decision_does_not_evaluate_it(database: Database, evaluation: tuple[int, int]) -> None:
    """SOD-06: the same person."""
    decision, _ = evaluation
    matter_id = bare.begin(database, ("F-38", "expert"))
    with database.transaction() as session:
        matter = session.get_one(Matter, matter_id)
        matter.decision_id, matter.relation = decision, "evaluation"
    bare.said(database, decision, "F-29", {"overall": "support"}, "moqing")
    bare.hand(database, matter_id, "moqing")
    with database.transaction(read_only=True) as session:
        task = session.query(Task).filter_by(matter_id=matter_id, state="OPEN").one()
        values = bare.filled(session, task)
    with pytest.raises(Refused) as refusal:
        bare.complete(database, matter_id, "moqing", values)
    assert refusal.value.rule == "SOD-06"


def test_the_register_says_what_is_wrong(database: Database) -> None:
    with database.transaction() as session:
        office, keeper = bare.person(session, OFFICE), bare.person(session, bare.KEEPER)
        with pytest.raises(NotPermitted):
            registries.register_expert(session, keeper, {"name": "甲", "field": "乙", "pool_level": "own"})
        with pytest.raises(Invalid) as refusal:
            registries.register_expert(session, office, {"employer_credit_code": "I", "username": "nobody"})
        assert set(refusal.value.errors) == {"name", "field", "pool_level", "employer_credit_code", "username"}
        found = registries.register_institution(
            session, office, {"name": "甲所", "credit_code": CODE, "pool_level": "own"}
        )
        with pytest.raises(Invalid) as twin:
            registries.register_institution(session, office, {"name": "乙所", "credit_code": CODE, "pool_level": "own"})
        assert "同一机构" in twin.value.errors["credit_code"][0]
        with pytest.raises(Invalid) as wrong:
            registries.set_standing(session, office, found, "gone", "")
        assert set(wrong.value.errors) == {"standing", "reason"}
        with pytest.raises(Conflict):
            registries.set_standing(session, office, found, "active", "没有变化的变更。")
