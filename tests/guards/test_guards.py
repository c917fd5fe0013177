"""Each guard passes a lawful file and refuses it for each single duty that is left open, by the rule's own id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from decision_flow import guards
from decision_flow.guards import archive, evaluator, execution, legality, separation
from decision_flow.guards.facts import Facts, Filed, Text
from decision_flow.guards.said import collect
from decision_flow.guards.separation import Duty, Person

Change = Callable[[Facts], Facts]
UNIT, EXECUTOR, DRAFTER, REVIEWER, SIGNER, CLERK, WRITER, SECRECY, MEMBER = 7, 8, 1, 2, 3, 4, 5, 6, 10


def lawful() -> Facts:
    """A matter decided, published, carried out and archived with every duty done."""
    opinions = [
        {"order": 1, "person": "孙丽", "is_head": False, "position": "agree"},
        {"order": 2, "person": "高建明", "is_head": True, "position": "agree"},
    ]
    told: list[tuple[str, dict[str, Any], int, str]] = [
        ("F-01", {"matter_category": "public_policy", "exclusion_type": "none"}, DRAFTER, "government_office"),
        ("F-02", dict.fromkeys(("main_problem", "grounds", "preliminary_solution", "necessity", "feasibility"), "有"),
         DRAFTER, "undertaking_unit"),
        ("F-03", {"initiate": True}, 9, "admin_head"),
        ("F-03b", {"undertaking_units": [UNIT]}, 9, "government_office"),
        ("F-04", {"research_summary": "调研", "legal_basis": [{"title": "条例", "effect": "requires"}],
                  "not_needed_reason": "规模小", "consulted_units": [{"unit_id": 3}]}, DRAFTER, "undertaking_unit"),
        ("F-05", {"position": "disagree"}, 11, "consulted_unit"),
        ("F-05b", {"disputes": [{"unit_id": 3}]}, DRAFTER, "undertaking_unit"),
        ("F-06", {"options": [{"option_code": "A", "content": "按原方案实施", "cost": "0"}], "is_technical": True, "affects_market_entities": True,
                  "public_concern": True, "npc_report_required": True}, DRAFTER, "undertaking_unit"),
        ("F-09", {"q_public_safety": True}, DRAFTER, "undertaking_unit"),
        ("F-23", {}, DRAFTER, "undertaking_unit"),
        ("F-29", {"overall": "support"}, 12, "expert"),
        ("F-29s", {"summary": "支持"}, DRAFTER, "undertaking_unit"),
        ("F-34b", {"finding": "controllable"}, 9, "admin_head"),
        ("F-10", {"conclusion": "no_restriction"}, 13, "fair_competition_reviewer"),
        ("F-12", {"procedure_explanation": "各环节均已办结。" * 8, "basis_list_ok": True}, DRAFTER, "undertaking_unit"),
        ("F-13d", {}, SIGNER, "legality_head"),
        ("F-13a", {"opinion": "合法"}, 14, "legal_adviser"),
        ("F-13", {"conclusion": "lawful", "finding_authority": "pass", "finding_procedure": "pass",
                  "finding_substance": "pass"}, REVIEWER, "legality_reviewer"),
        ("F-13s", {"agree": True}, SIGNER, "legality_head"),
        ("F-14", {"items": [{"item": item, "needed": True, "present": True}
                            for item in ("draft", "explanation", "legality_opinion")]}, DRAFTER, "undertaking_unit"),
        ("F-15b", {"members": [{"person": MEMBER}]}, 9, "government_office"),
        ("F-15", {"members_total": 3, "decision": "approved", "opinions": opinions, "implementing_unit_id": EXECUTOR,
                  "attendance": [{"person": name, "status": status, "recused": False} for name, status in
                                 (("孙丽", "present"), ("高建明", "present"), ("钱进", "leave"))]}, CLERK, "hearing_clerk"),
        ("F-15s", {}, 9, "admin_head"),
        ("F-16b", {"reply": "agreed"}, 9, "government_office"),
        ("F-16n", {"doc_no": "人大〔2026〕1号"}, 9, "npc_liaison"),
        ("F-17", {"adoption_summary": "采纳3条"}, WRITER, "disclosure_officer"),
        ("F-21", {"result": "pass"}, SECRECY, "confidentiality_reviewer"),
        ("F-17b", {"channels": ["website"]}, WRITER, "disclosure_officer"),
        ("F-18", {}, 9, "government_office"),
        ("F-19c", {"summary": "完成"}, 15, "implementing_unit"),
        ("F-24", {}, 9, "government_office"),
    ]  # fmt: skip
    return Facts(
        category="public_policy",
        filed=tuple(
            Filed(form, answers, by, f"人{by}", role, task=n) for n, (form, answers, by, role) in enumerate(told)
        ),
        text=Text(1, "ab" * 32, "lawful"),
        undertaking_unit=UNIT,
        implementing_unit=EXECUTOR,
        decided=True,
        published=True,
        archived=True,
        approved=frozenset({"R-12c"}),
        names={CLERK: "林悦"},
    )


def without(*forms: str) -> Change:
    return lambda facts: replace(facts, filed=tuple(one for one in facts.filed if one.form not in forms))


def said(form: str, **answers: Any) -> Change:
    def change(facts: Facts) -> Facts:
        return replace(
            facts,
            filed=tuple(
                replace(one, answers={**one.answers, **answers}) if one.form == form else one for one in facts.filed
            ),
        )

    return change


def by(form: str, person: int = 0, role: str = "") -> Change:
    def change(facts: Facts) -> Facts:
        return replace(
            facts,
            filed=tuple(
                replace(one, by=person or one.by, role=role or one.role) if one.form == form else one
                for one in facts.filed
            ),
        )

    return change


def of(**columns: Any) -> Change:
    return lambda facts: replace(facts, **columns)


def with_filed(form: str, **answers: Any) -> Change:
    return lambda facts: replace(facts, filed=(Filed(form, answers, DRAFTER), *facts.filed))


def filed_after_the_review(facts: Facts) -> Facts:
    """Another text of the draft came after the opinion was signed, under a diagram that does not freeze it."""
    place = facts.place(facts.last("F-13s")) + 1
    first = {"draft_file": {"document_id": 1, "sha256": "ab" * 32, "name": "草案.txt", "size": 1}}
    other = Filed(
        "F-11",
        {"draft_file": {"document_id": 2, "sha256": "cd" * 32, "name": "另一稿.txt", "size": 1}},
        DRAFTER,
        role="undertaking_unit",
    )
    known = said("F-06", **first)(facts)
    return replace(known, filed=(*known.filed[:place], other, *known.filed[place:]))


ROWS: list[tuple[str, str, Change]] = [
    ("R-03a", "F-12", lambda f: replace(said("F-01", matter_category="")(f), category="")),
    ("R-03b", "F-12", said("F-01", special_procedure_law="价格法")),
    ("R-03c", "F-03", said("F-01", exclusion_type="emergency_response")),
    ("R-08a", "F-17b", without("F-16n")),
    ("R-10a", "F-03", without("F-02")),
    ("R-10b", "F-03", said("F-02", feasibility=" ")),
    ("R-10d", "F-12", without("F-03")),
    ("R-10d", "F-12", by("F-03", role="undertaking_unit")),
    ("R-11a", "F-12", of(undertaking_unit=None)),
    ("R-11b", "F-12", said("F-03b", undertaking_units=[UNIT, 99])),
    ("R-12a", "F-12", without("F-04")),
    ("R-12b", "F-12", said("F-04", legal_basis=[])),
    ("R-12c", "F-12", said("F-04", not_needed_reason="")),
    ("R-12c", "F-12", of(approved=frozenset())),
    ("R-12d", "F-12", said("F-06", has_major_disagreement=True, single_option_reason="意见集中在工期")),
    ("R-16a", "F-12", with_filed("F-20", no_hearing_reason="座谈会已充分表达意见")),
    ("R-20c", "F-12", with_filed("F-29e", few_reason="本领域专家少")),
    ("R-22b", "F-12", lambda f: said("F-09", existing_assessment_no="环评1", existing_scope=["public_safety"])(without("F-34b")(f))),
    ("R-03c", "F-24", said("F-01", exclusion_type="macro_control")),
    ("R-12d", "F-12", said("F-06", has_major_disagreement=True)),
    ("R-13a", "F-12", without("F-05b")),
    ("R-13b", "F-12", said("F-05b", disputes=[])),
    ("R-14a", "F-12", without("F-23")),
    ("R-14a", "F-12", lambda f: with_filed("F-07", scope="part", basis_law="政府信息公开条例", basis_article="第十五条")(without("F-23")(f))),
    ("R-18", "F-12", of(pending=1)),
    ("R-19a", "F-12", without("F-29")),
    ("R-22a", "F-12", without("F-34b")),
    ("R-22b", "F-12", lambda f: said("F-09", existing_assessment_no="环评1", existing_scope=[])(without("F-34b")(f))),
    ("R-24", "F-12", said("F-34b", finding="uncontrollable")),
    ("R-24", "F-14", said("F-34b", finding="uncontrollable")),
    ("R-25a", "F-14", without("F-13", "F-13s")),
    ("R-25a", "F-15b", without("F-13", "F-13s")),
    ("R-25a", "F-15", without("F-13s")),
    ("R-25a", "F-17b", without("F-13", "F-13s")),
    ("R-25b", "F-14", without("F-13", "F-13s")),
    ("R-25c", "F-14", of(text=Text(1, "ab", "unlawful_content"))),
    ("R-25c", "F-14", of(text=Text(2, "cd", ""))),
    ("R-25c", "F-14", of(stale=("public_participation",))),
    ("R-25c", "F-15a", filed_after_the_review),
    ("R-18", "F-15b", of(pending=1)),
    ("R-25d", "F-14", of(text=Text(1, "ab", "no_rule_risk_stated"))),
    ("R-26a", "F-12", said("F-12", procedure_explanation="")),
    ("R-26a", "F-13", without("F-12")),
    ("R-27", "F-13", said("F-13", finding_procedure=None)),
    ("R-28a", "F-13", without("F-13a")),
    ("R-28b", "F-14", said("F-13", conclusion="lawful_after_revision", points=[{"no": 1}])),
    ("R-29", "F-15", without("F-14")),
    ("R-29", "F-15", said("F-14", items=[{"needed": True, "present": False}])),
    ("R-29c", "F-12", without("F-10")),
    ("R-29c", "F-14", said("F-10", conclusion="violates_no_exception")),
    ("R-29c", "F-12", said("F-10", exception_used=True)),
    ("R-30a", "F-15s", without("F-15")),
    ("R-30a", "F-17b", said("F-15", decision="deferred")),
    ("R-30b", "F-15", lambda f: said("F-15", opinions=[{**f.of("F-15", "opinions")[1], "order": 1}])(f)),
    ("R-30c", "F-15", lambda f: said("F-15", opinions=[{**row, "order": 3 - row["order"]} for row in f.of("F-15", "opinions")])(f)),
    ("R-30d", "F-15", said("F-15", decision="rejected")),
    ("R-30e", "F-17b", without("F-15s")),
    ("R-30e", "F-17b", by("F-15s", role="deputy_head")),
    ("R-30g", "F-15", said("F-15", members_total=4)),
    ("R-31", "F-17b", without("F-16b")),
    ("R-31", "F-17b", said("F-16b", reply="agreed_with_comments")),
    ("R-32a", "F-18", of(published=False)),
    ("R-32a", "F-17b", without("F-21")),
    ("R-32b", "F-17b", said("F-17", adoption_summary="")),
    ("R-32b", "F-17b", lambda f: said("F-06", public_concern=False)(said("F-17", adoption_summary="")(f))),
    ("R-33", "F-24", of(trail_break="序号不连续")),
    ("R-34a", "F-17b", of(implementing_unit=None)),
    ("SOD-10", "F-15", of(names={CLERK: "孙丽"})),
    ("SOD-11", "F-15", lambda f: said("F-15", attendance=[{**row, "recused": True} for row in f.of("F-15", "attendance")])(f)),
    ("SOD-12", "F-17b", by("F-21", WRITER)),
]  # fmt: skip


def rules(guard: guards.Guard, facts: Facts) -> set[str]:
    return {refusal.rule for refusal in collect(guard(facts))}


@pytest.mark.parametrize("twice", ["孙丽", "孙 丽", "孙丽\u200b"])
def test_nobody_is_counted_twice_for_the_quorum(twice: str) -> None:
    """R-30g: nor are members left out of those who were to come, nor does a space make the clerk another (SOD-10)."""
    rows = [{"person": name, "status": "present", "recused": False} for name in ("孙丽", twice)]
    absent = [{"person": name, "status": "absent", "recused": False} for name in ("高建明", "钱进")]
    assert "R-30g" in rules(guards.FORMS["F-15"][1], said("F-15", attendance=[*rows, absent[0]])(lawful()))
    assert "R-30g" in rules(
        guards.FORMS["F-15"][1], said("F-15", attendance=[*rows, *absent], members_total=1)(lawful())
    )
    assert "SOD-10" in rules(guards.FORMS["F-15"][1], of(names={CLERK: twice})(lawful()))
    notified = said("F-15b", members=[{"person": number} for number in range(1, 5)])(lawful())
    assert "R-30g" in rules(guards.FORMS["F-15"][1], notified)


@pytest.mark.parametrize(("held_at", "refused"), [
    ("2026-04-29T23:30+08:00", False), ("2026-04-30T00:10+08:00", True), ("2199-01-01T09:00+08:00", True),
])  # fmt: skip
def test_no_minutes_of_a_meeting_that_is_still_to_come(held_at: str, refused: bool) -> None:
    """R-30a: nor a decision on them, whoever signs it."""
    filed = tuple(
        replace(one, at=datetime(2026, 4, 29, 12, tzinfo=UTC)) if one.form == "F-15" else one
        for one in said("F-15", held_at=held_at)(lawful()).filed
    )
    for form in ("F-15", "F-15s", "F-17b"):
        assert ("R-30a" in rules(guards.FORMS[form][1], replace(lawful(), filed=filed))) is refused


@pytest.mark.parametrize("form", sorted(set(guards.FORMS) - {"F-06", "F-11", "F-13c", "F-35", "F-40"}))
def test_a_lawful_file_passes(form: str) -> None:
    assert rules(guards.FORMS[form][1], lawful()) == set()


def test_a_lawful_file_may_be_recorded_archived_and_closed() -> None:
    for name in ("record_decision", "record_publication", "schedule_evaluations", "archive_part"):
        assert rules(guards.EFFECTS[name][1], lawful()) == set()
    assert rules(archive.to_finish, lawful()) == set()


@pytest.mark.parametrize(("rule", "form", "change"), ROWS, ids=[f"{n}-{row[0]}-{row[1]}" for n, row in enumerate(ROWS)])
def test_one_duty_left_open_is_refused_by_name(rule: str, form: str, change: Change) -> None:
    found = rules(guards.FORMS[form][1], change(lawful()))
    assert (rule if rule != "R-25b" else "R-25a") in found


@pytest.mark.parametrize("forms", [("F-13", "F-13s"), ("F-15",), ("F-16b",), ("F-23",), ("F-15s",)])
def test_nothing_is_archived_or_closed_with_a_duty_open(forms: tuple[str, ...]) -> None:
    assert rules(archive.to_archive, without(*forms)(lawful()))
    assert rules(archive.to_finish, without(*forms)(lawful()))


@pytest.mark.parametrize(("frozen_on", "told"), [(3, "尚未记录审查的是哪一份文本"), (5, "在审查后有变动")])
def test_an_opinion_that_names_no_text_is_refused_for_the_right_reason(frozen_on: int, told: str) -> None:
    """An early release signed opinions without keeping what they were given on; later the text may have changed."""
    facts = lawful()
    signed = tuple(replace(one, at=datetime(2026, 4, 4, tzinfo=UTC)) for one in facts.filed)
    facts = replace(facts, filed=signed, text=Text(1, "ab", "", datetime(2026, 4, frozen_on, tzinfo=UTC)))
    found = [one for one in collect(guards.FORMS["F-14"][1](facts)) if one.rule == "R-25c"]
    assert [told in one.message for one in found] == [True] and found[0].todo == "将现行文本重新送审。"


def test_the_text_that_was_reviewed_may_be_filed_again() -> None:
    """Only another text is another text: the same one, filed once more, is the one that was reviewed."""
    same = filed_after_the_review(lawful())
    filed = tuple(replace(one, answers=same.of("F-06", "draft_file") and {"draft_file": same.of("F-06", "draft_file")})
                  if one.form == "F-11" else one for one in same.filed)  # fmt: skip
    assert rules(guards.FORMS["F-15a"][1], replace(same, filed=filed)) == set()


def test_closing_asks_for_the_final_report_and_the_archive() -> None:
    assert "R-34c" in rules(archive.to_finish, without("F-19c")(lawful()))
    assert "R-33" in rules(archive.to_finish, of(archived=False)(lawful()))


@pytest.mark.parametrize(
    "change",
    [
        said("F-01", exclusion_type="macro_control"),
        said("F-03", initiate=False),
        of(withdrawn=True),
        with_filed("F-01t"),
        with_filed("F-42m"),
        lambda f: said("F-15", decision="rejected", deviation_reason="会上已说明")(f),
    ],
)
def test_a_lawful_early_end_needs_no_more_than_its_archive(change: Change) -> None:
    """And, where it is out of scope, the confirmation of a leader."""
    ended = replace(without("F-16b", "F-17b", "F-18", "F-19c")(change(lawful())), approved=frozenset({"R-03c"}))
    assert rules(archive.to_finish, ended) == set()
    assert rules(archive.to_finish, of(archived=False)(ended)) == {"R-33"}
    # What the head withdrew is archived by a matter of its own.
    assert rules(archive.to_finish, of(archived=False)(with_filed("F-03w")(lawful()))) == set()


def test_what_the_law_does_not_ask_is_not_refused() -> None:
    """Each with the neighbour that is refused: a guard that refuses everything would pass the table above."""
    publish, decided = guards.FORMS["F-17b"][1], guards.EFFECTS["record_decision"][1]
    agreed = said(
        "F-16b", reply="agreed_with_comments", comments_handled=[{"comment": "补充论证", "handling": "已补充"}]
    )
    assert rules(publish, agreed(lawful())) == set()
    plain = said("F-06", public_concern=False, is_technical=False)
    assert rules(publish, said("F-17", adoption_summary="")(plain(lawful()))) == set()
    by_minutes = of(implementing_unit=None)(lawful())
    assert rules(decided, by_minutes) == set()
    assert rules(decided, said("F-15", implementing_unit_id=None)(by_minutes)) == {"R-34a"}
    assert rules(decided, said("F-15", implementing_unit_id=None)(lawful())) == set()


def test_a_dispute_that_was_settled_before_the_units_were_asked_again_is_none() -> None:
    """R-13b: who disagreed with the first text and no longer does has no dispute to be stated."""
    undisputed = said("F-05b", disputes=[])(lawful())
    asked_again = replace(
        undisputed, filed=(Filed("F-05", {"position": "disagree"}, 11), *without("F-05")(undisputed).filed)
    )
    assert rules(legality.consulted, undisputed) == {"R-13b"} and rules(legality.consulted, asked_again) == set()
    assert rules(legality.consulted, said("F-05", position="agree")(undisputed)) == set()


@pytest.mark.parametrize(("basis", "found", "expected"), [
    ("requires", False, set()), ("prohibits", False, {"R-25d"}), ("requires", True, {"R-25d"}),
])  # fmt: skip
def test_what_is_forbidden_is_no_reform_to_be_tried(basis: str, found: bool, expected: set[str]) -> None:
    tried = said(
        "F-13", conclusion="no_rule_risk_stated", legal_risk_statement="上位法未作规定。", prohibited_rule_found=found
    )
    facts = of(text=Text(1, "ab" * 32, "no_rule_risk_stated"))(tried(lawful()))
    facts = said("F-04", legal_basis=[{"title": "条例", "effect": basis}])(facts)
    assert rules(guards.FORMS["F-14"][1], facts) == expected


def test_execution_goes_on_by_a_decision_alone() -> None:
    assert rules(execution.to_resume, lawful()) == {"R-37a"}
    assert rules(execution.to_resume, lawful().with_filing(Filed("F-35c", {}, 9, role="admin_head"))) == set()


@pytest.mark.parametrize(
    ("gone", "other"), [(("会议纪要.txt",), ()), ((), ("草案.txt",)), (("会议纪要.txt",), ("草案.txt",))]
)
def test_papers_that_are_gone_or_changed_are_named_and_told_apart(
    gone: tuple[str, ...], other: tuple[str, ...]
) -> None:
    (refusal,) = collect(archive.papers_whole(of(papers_missing=gone, papers_changed=other)(lawful())))
    assert ("缺失" in str(refusal), "不一致" in str(refusal)) == (bool(gone), bool(other))
    assert all(name in str(refusal) for name in (*gone, *other)) and "%(" not in str(refusal)


def test_a_published_text_is_not_rewritten_and_an_order_needs_its_ground() -> None:
    assert "R-37a" in rules(execution.to_rewrite, lawful())
    order = Filed("F-35", {"ground": "major_change"}, 9, role="admin_head")
    assert rules(execution.to_suspend, lawful().with_filing(order)) == set()
    assert "R-37b" in rules(execution.to_suspend, lawful().with_filing(replace(order, answers={"ground": ""})))
    assert "R-37b" in rules(execution.to_suspend, lawful().with_filing(replace(order, role="deputy_head")))


def test_an_evaluation_needs_evaluator_public_and_decision() -> None:
    named = Filed("F-37", {"did_main_argumentation": False})
    heard = Filed("F-39", {"public_sources": [{"source": "网站", "opinions": 12}]})
    facts = Facts(kind="evaluation", filed=(named, heard))
    assert rules(evaluator.to_report, facts) == set()
    assert "R-36b" in rules(evaluator.to_report, replace(facts, filed=(heard,)))
    assert "R-36c" in rules(evaluator.to_report, replace(facts, filed=(named,)))
    assert "R-36d" in rules(archive.to_finish, facts)
    assert "R-36a" in rules(archive.to_finish, replace(facts, filed=(Filed("F-36", {"start": False}),)))
    against = (Filed("F-40", {"recommendation": "terminate"}), Filed("F-41", {"outcome": "continue"}))
    assert "R-36d" in rules(archive.to_finish, replace(facts, filed=against))


@pytest.mark.parametrize(
    ("rule", "duty", "person"),
    [
        ("SOD-01", Duty("legality_reviewer", "F-13"), Person(DRAFTER)),
        ("SOD-01", Duty("clerk", "F-13"), Person(DRAFTER)),
        ("SOD-02", Duty("legality_reviewer", "F-13"), Person(20, units=frozenset({UNIT}))),
        ("SOD-03", Duty("legality_head", "F-13s"), Person(REVIEWER)),
        ("SOD-08", Duty("hearing_host", "F-26"), Person(DRAFTER)),
        ("SOD-10", Duty("hearing_clerk", "F-15"), Person(MEMBER, "孙丽")),
        ("SOD-12", Duty("confidentiality_reviewer", "F-21"), Person(WRITER)),
    ],
)
def test_one_person_does_not_do_both(rule: str, duty: Duty, person: Person) -> None:
    assert rule in {refusal.rule for refusal in separation.barred(lawful(), duty, person)}
    assert not list(separation.barred(lawful(), duty, Person(99)))


def test_an_expert_with_an_interest_gives_no_opinion() -> None:
    told = lawful().with_filing(Filed("F-28", {"has_direct_interest": True}, 12))
    assert [r.rule for r in separation.barred(told, Duty("expert", "F-29"), Person(12))] == ["SOD-04"]
    assert not list(separation.barred(told, Duty("expert", "F-29"), Person(13)))


def test_every_refusal_says_what_to_do_next() -> None:
    for refusal in collect(legality.to_review(Facts()), archive.to_finish(Facts())):
        assert refusal.todo and refusal.article and str(refusal)
