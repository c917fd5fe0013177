"""The findings of a draft come from the one verifier, and the gate lets nothing pass that it does not call lawful."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from decision_flow import bundles, policies, policy_versions, procedures
from decision_flow.db import Database
from decision_flow.errors import NotConforming, NotFound
from decision_flow.modelling import checking, drafts, gate, sources
from decision_flow.policies import DECREE
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from decision_flow.verification import game
from decision_flow.verification.rules import soundness
from tests.core.registry import person
from tests.core.test_modelling import MODELLER, NAME, PUBLISHER, begin, edited, walk


def without_review() -> ProcedureSource:
    return edited(
        'id="flow_local_decision_10" sourceRef="T_risk" targetRef="T_legality"',
        'id="flow_local_decision_10" sourceRef="T_risk" targetRef="T_meeting"',
    )


@pytest.mark.parametrize("policy", policies.names())
def test_what_ships_is_lawful_with_its_forms_and_tables(policy: str) -> None:
    for source in (*procedures.shipped(BPMN), *sources.templates()):
        report = checking.check(source, policy)
        assert (report.verdict, report.errors) == ("lawful", ()), source.key


def test_a_hole_is_told_in_words_and_drawn_with_its_flows() -> None:
    source = edited('value="legality_review"', 'value="drafting"')
    report = checking.check(source, DECREE)
    hole = next(one for one in report.findings if "合法性审查" in one.message)
    assert report.verdict == "unlawful" and report.runs
    assert (hole.rule, hole.element, hole.basis) == ("step_unavoidable", "T_meeting", "条例第二十五条")
    assert hole.message == "不经过合法性审查也能到达集体讨论决定"
    assert hole.counterexample[:5] == (
        "E_start", "flow_local_decision_01", "T_initiate", "flow_local_decision_02", "G_initiate",
    )  # fmt: skip
    assert hole.counterexample[-2:] == ("flow_local_decision_12", "T_meeting")


def test_what_can_hang_is_unsound() -> None:
    report = checking.check(without_review(), DECREE)
    assert report.verdict == "unsound"
    assert {one.element for one in report.errors} >= {"T_legality"}


def test_a_call_taken_out_leaves_a_process_behind_and_a_hole() -> None:
    source = next(source for source in procedures.shipped(BPMN) if source.key == "major_decision")
    main = source.bundle.bpmn["major_decision.bpmn"].decode()
    main = main.replace('targetRef="C_publication"', 'targetRef="C_land_approval"')
    start = main.index('<bpmn:callActivity id="C_publication"')
    end = main.index("</bpmn:callActivity>", start) + len("</bpmn:callActivity>")
    main = main[:start] + main[end:]
    start = main.index('<bpmn:sequenceFlow id="flow_major_decision_69"')
    main = main[:start] + main[main.index("/>", start) + 2 :]
    bundle = replace(source.bundle, bpmn={**source.bundle.bpmn, "major_decision.bpmn": main.encode()})
    report = checking.check(replace(source, bundle=bundle), DECREE)
    assert report.verdict == "unsupported" and not report.runs
    assert {(one.rule, one.element) for one in report.errors} >= {("executable", "publication")}
    hole = next(one for one in report.errors if one.rule == "step_before_end")
    assert hole.message == "集体讨论决定作出决定后，不经过公布也能办结" and "T_major_decision_21" in hole.counterexample


def test_a_policy_that_does_not_ship_is_answered_for_by_the_decree() -> None:
    source = edited('value="legality_review"', 'value="drafting"')
    for name in ("", "decision-adjustment", "../policies/decree-713", "/etc/passwd"):
        assert checking.check(source, name).verdict == "unlawful"


def test_what_is_undecided_is_not_published(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    draft_id = begin(database, key="undecided", title="不能判定")
    walk(database, draft_id)
    monkeypatch.setattr(game, "MAX_STATES", 3)
    monkeypatch.setattr(checking, "_recent", {})
    with database.transaction() as session, pytest.raises(NotConforming) as refusal:
        gate.publish(session, person(session, PUBLISHER), draft_id, 1)
    assert [one.rule for one in refusal.value.findings] == ["bound"]
    with database.transaction() as session, pytest.raises(NotFound):
        bundles.in_force(session, "undecided")


def test_a_milder_policy_of_the_draft_does_not_help_past_the_policy_of_an_organ(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The townships of the demo have adopted nothing of their own, so the decree counts for them too."""
    source = edited('value="risk_assessment"', 'value="drafting"')
    assert checking.check(source, "township-example").verdict == "lawful"
    with database.transaction() as session:
        draft = drafts.start(session, person(session, MODELLER), source, origin="x", policy="township-example")
        assert policy_versions.adopted(session) == {DECREE}
        told = gate.checklist(session, person(session, PUBLISHER), draft, source)
        assert [one.id for one in told.policies] == ["township-example", DECREE] and not told.lawful
        with pytest.raises(NotConforming) as refusal:
            gate.publish(session, person(session, PUBLISHER), draft.id, 1)
        assert "不经过风险评估也能到达集体讨论决定" in {one.message for one in refusal.value.findings}
        monkeypatch.setattr(policy_versions, "adopted", lambda _: frozenset({"township-example"}))
        assert gate.checklist(session, person(session, PUBLISHER), draft, source).lawful


def test_the_system_puts_nothing_unlawful_in_force_either(database: Database, tmp_path: Path) -> None:
    shutil.copytree(BPMN / "forms", tmp_path / "forms")
    (tmp_path / "decision-tables").mkdir()
    folder = tmp_path / "procedures" / "local_decision"
    shutil.copytree(BPMN / "templates" / "local_decision", folder)
    text = (folder / NAME).read_text("utf-8")
    (folder / NAME).write_text(text.replace('value="archiving"', 'value="execution"'), "utf-8")
    with database.transaction() as session, pytest.raises(NotConforming, match="没有通过核对") as refusal:
        gate.put_shipped_in_force(session, tmp_path)
    assert {one.rule for one in refusal.value.findings} >= {"step_before_end"}
    (folder / NAME).write_text(text, "utf-8")
    with database.transaction() as session:
        gate.put_shipped_in_force(session, tmp_path)
        assert bundles.in_force(session, "local_decision").number == 1


def test_a_change_of_one_process_leaves_the_others_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    source = next(source for source in procedures.shipped(BPMN) if source.key == "major_decision")
    judged: list[str] = []
    real = soundness._scope
    monkeypatch.setattr(soundness, "_scope", lambda scope, processes: judged.append(scope.id) or real(scope, processes))
    checking.check(source, DECREE)
    judged.clear()
    main = source.bundle.bpmn["major_decision.bpmn"].replace("登记与初核".encode(), "登记和初核".encode())
    bundle = replace(source.bundle, bpmn={**source.bundle.bpmn, "major_decision.bpmn": main})
    assert checking.check(replace(source, bundle=bundle), DECREE).verdict == "lawful"
    assert sorted(judged) == ["major_decision", "required_steps"]
