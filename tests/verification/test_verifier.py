"""The verifier against drawings with known faults, a naive search, and the shipped procedures."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from decision_flow import engine, procedures
from decision_flow.cli import main
from decision_flow.engine import Bundle
from decision_flow.engine.markup import NS, parse_xml
from decision_flow.errors import Invalid
from decision_flow.resources import BPMN
from decision_flow.verification import Report, policy, verify
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle
from tests.verification import brute

SHIPPED = procedures.shipped(BPMN)
TEMPLATES = [procedures.read_folder(path.parent) for path in sorted((BPMN / "templates").glob("*/bundle.toml"))]
REVIEW = """
[[require]]
step = "legality_review"
before = "collective_discussion"
"""


def judge(drawing: Drawing, rule: str = "", *others: Drawing) -> Report:
    files = {f"{each.id}.bpmn": each.xml() for each in (drawing, *others)}
    bundle = Bundle(drawing.id, files)
    return verify(bundle, policy=policy.parse(rule, "test")) if rule else verify(bundle, soundness_only=True)


def rules(report: Report) -> set[str]:
    return {found.rule for found in report.findings}


@pytest.mark.parametrize("name", policy.policies())
@pytest.mark.parametrize("source", SHIPPED + TEMPLATES, ids=lambda source: source.key)
def test_every_shipped_procedure_is_lawful_under_every_shipped_policy(
    source: procedures.ProcedureSource, name: str
) -> None:
    assert verify(source.bundle, policy=policy.load(name)) == Report("lawful")


def test_a_deadlock_is_found() -> None:
    drawing = Drawing("p").start().xor("g").user("a").user("b").fork("j").end()
    drawing.chain("start", "g", "a", "j").chain("g", "b", "j").chain("j", "end")
    assert (judge(drawing).verdict, rules(judge(drawing))) == ("unsound", {"deadlock"})


def test_a_lack_of_synchronisation_is_found() -> None:
    drawing = Drawing("p").start().fork("g").user("a").user("b").xor("j").end()
    drawing.chain("start", "g", "a", "j").chain("g", "b", "j").chain("j", "end")
    assert rules(judge(drawing)) == {"lack_of_synchronisation"}


def test_a_loop_without_a_way_out_and_a_dead_task_are_found() -> None:
    drawing = Drawing("p").start().xor("g").user("a").user("b").end()
    drawing.chain("start", "g", "a", "b", "a").chain("g", "end")
    assert rules(judge(drawing)) == {"cannot_finish"}
    drawing = Drawing("p").start().user("a").user("alone").end().chain("start", "a", "end").chain("alone", "end")
    assert [found.element for found in judge(drawing).findings] == ["alone"]


def test_an_inclusive_join_waits_for_those_that_were_chosen() -> None:
    drawing = Drawing("p").start().inclusive("s").user("a").user("b").inclusive("j").end()
    drawing.chain("start", "s", "a", "j").chain("s", "b", "j").chain("j", "end")
    assert judge(drawing).verdict == "lawful"


def reviewed(*, event: bool = False, called: bool = False) -> tuple[Drawing, ...]:
    drawing = Drawing("p").start().xor("merge").user("decide", step="collective_discussion").end()
    inner = Drawing("q").start("s2").user("r", step="legality_review").end("e2").chain("s2", "r", "e2")
    if called:
        drawing.call("review", "q", step="legality_review")
    else:
        drawing.user("review", step="legality_review")
    if event:
        drawing.timer("late", "P3D", on="review").flow("late", "merge")
    drawing.chain("start", "review", "merge", "decide", "end")
    return (drawing, inner) if called else (drawing,)


def test_a_step_that_is_interrupted_has_not_been_completed() -> None:
    for called in (False, True):
        drawing, *others = reviewed(called=called)
        assert judge(drawing, REVIEW, *others).verdict == "lawful"
        drawing, *others = reviewed(event=True, called=called)
        report = judge(drawing, REVIEW, *others)
        assert (report.verdict, rules(report)) == ("unlawful", {"step_unavoidable"})
        assert report.findings[0].counterexample[-2:] == ("merge", "decide")
        assert "不经过合法性审查也能到达集体讨论" in report.findings[0].message


def test_an_exemption_counts_only_where_the_policy_says_so() -> None:
    drawing = (
        Drawing("p").start().xor("g").user("review", step="legality_review").user("let", exempts="legality_review")
    )
    drawing.xor("m").user("decide", step="collective_discussion").end()
    drawing.chain("start", "g", "review", "m", "decide", "end").flow("g", "let", "else").flow("let", "m")
    drawing.flows[0] = drawing.flows[0]
    drawing.flows[1] = (*drawing.flows[1][:3], "x", "")
    assert judge(drawing, REVIEW).verdict == "unlawful"
    assert judge(drawing, REVIEW + "exemption = true").verdict == "lawful"


def test_roles_periods_and_deadlines() -> None:
    drawing = Drawing("p").start().user("a", role="x", form="F-06").user("b", role="x", form="F-13").end()
    drawing.chain("start", "a", "b", "end")
    assert rules(judge(drawing, '[[require]]\nkind="roles_differ"\nforms=["F-06","F-13"]')) == {"roles_differ"}
    period = '[[require]]\nkind="period"\nform="F-22"\ndays=30'
    for wait, told in (("P30D", set()), ("P20D", {"minimum_period"})):
        drawing = Drawing("p").start().user("a", form="F-22").timer("t", wait).end().chain("start", "a", "t", "end")
        assert rules(judge(drawing, period)) == told
    deadline = '[[require]]\nkind="deadline"\nstep="legality_review"'
    for due, told in (("", {"deadline_declared"}), ("working_days_after(7)", set())):
        drawing = Drawing("p").start().user("a", step="legality_review", due=due).end().chain("start", "a", "end")
        assert rules(judge(drawing, deadline)) == told


def test_a_policy_that_is_wrong_says_where() -> None:
    for text in ("[[require]]\nstep='x'\nbefore='drafting'", "[[require]]\nkind='x'", "[[require]]", "x = "):
        with pytest.raises(Invalid):
            policy.parse(text, "test")


def test_twenty_branches_and_a_thousand_tasks_take_no_time() -> None:
    drawing = Drawing("p").start().fork("g").fork("j").end().chain("start", "g").chain("j", "end")
    for branch in range(20):
        names = [f"t{branch}_{number}" for number in range(3)]
        for name in names:
            drawing.user(name)
        drawing.chain("g", *names, "j")
    chain = Drawing("p").start().end()
    names = [f"t{number}" for number in range(1000)]
    for name in names:
        chain.user(name)
    chain.chain("start", *names, "end")
    for each in (drawing, chain):
        begun = time.process_time()
        assert judge(each).verdict == "lawful"
        assert time.process_time() - begun < 1


def test_random_models_agree_with_a_naive_search() -> None:
    told = {True: 0, False: 0}
    for seed in range(400):
        drawing = _random(random.Random(seed))
        expected = brute.sound(drawing)
        if expected is None:
            continue
        told[expected] += 1
        report = judge(drawing)
        assert (report.verdict == "lawful") is expected, (seed, report)
    assert min(told.values()) > 20


def _random(chance: random.Random) -> Drawing:
    drawing = Drawing("p").start().end()
    count = 0

    def block(depth: int) -> tuple[str, str]:
        nonlocal count
        count += 1
        name = f"n{count}"
        kind = chance.choice(["task", "task", "xor", "and", "loop"]) if depth else "task"
        if kind == "task":
            drawing.user(name)
            return name, name
        split, join = f"{name}s", f"{name}j"
        add = drawing.fork if kind == "and" else drawing.xor
        add(split)
        (drawing.fork if kind == "and" and chance.random() < 0.85 else drawing.xor)(join)
        for _ in range(2):
            first, last = block(depth - 1)
            if kind == "loop" and _ == 1:
                drawing.flow(split, first).flow(last, split)
            else:
                drawing.flow(split, first).flow(last, join)
        return split, join

    first, last = block(3)
    drawing.flow("start", first).flow(last, "end")
    if chance.random() < 0.4:
        gates = [name for name, node in drawing.nodes.items() if "Gateway" in node.kind]
        if len(gates) > 1:
            drawing.flow(*chance.sample(gates, 2))
    return drawing


def test_the_command_line_tells_verdicts_in_json(tmp_path: Path) -> None:
    run = CliRunner()
    good, bad = tmp_path / "good.bpmn", tmp_path / "bad.bpmn"
    good.write_bytes(reviewed()[0].xml())
    bad.write_bytes(reviewed(event=True)[0].xml())
    rule = tmp_path / "one.toml"
    rule.write_text(REVIEW)
    found = run.invoke(main, ["procedures", "verify", str(good), "--policy", str(rule), "--format", "json"])
    assert found.exit_code == 0, found.output
    found = run.invoke(main, ["procedures", "verify", str(bad), "--policy", str(rule), "--format", "json"])
    told = json.loads(found.output)[0]
    assert (found.exit_code, told["process"], told["verdict"]) == (1, "p", "unlawful")
    assert set(told["findings"][0]) == {"rule", "severity", "element", "message", "basis", "counterexample"}
    bad.write_text("<!DOCTYPE x [<!ENTITY a 'b'>]><x/>")
    assert run.invoke(main, ["procedures", "verify", str(bad)]).exit_code == 2
    assert run.invoke(main, ["procedures", "verify", str(tmp_path / "none.bpmn")]).exit_code == 2
    folder = str(BPMN / "procedures" / "problem_handling")
    assert run.invoke(main, ["procedures", "verify", folder]).exit_code == 0


def test_each_of_many_files_is_judged_even_where_their_processes_have_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.bpmn").write_bytes(reviewed()[0].xml())
    (tmp_path / "b.bpmn").write_bytes(reviewed(event=True)[0].xml())
    outer = Drawing("outer").start().call("c", "inner").end().chain("start", "c", "end")
    (tmp_path / "c.bpmn").write_bytes(outer.xml())
    inner = Drawing("inner").start("s").user("t", form="F-06").end("e").chain("s", "t", "e")
    (tmp_path / "d.bpmn").write_bytes(inner.xml())
    rule = tmp_path / "one.toml"
    rule.write_text(REVIEW)
    files = [str(tmp_path / f"{name}.bpmn") for name in "abcd"]
    given = ["procedures", "verify", *files, "--policy", str(rule), "--format", "json"]
    told = json.loads(CliRunner().invoke(main, given).output)
    found = [(Path(each["file"]).stem, each["process"], each["verdict"]) for each in told]
    assert found == [("a", "p", "lawful"), ("b", "p", "unlawful"), ("c", "outer", "lawful")]


def test_the_run_that_is_printed_really_passes_the_step_by() -> None:
    drawing, *_ = reviewed(event=True)
    assert judge(drawing, REVIEW).findings[0].counterexample == ("start", "review", "late", "merge", "decide")
    instance = Driver(engine.compile(bundle(drawing)))
    instance.at(NOON + timedelta(days=4))
    assert instance.names() == ["decide"]


SPARED = (
    "C_legality", "C_public", "C_expert", "C_risk", "C_discussion", "T_required_steps_07", "T_required_steps_08",
    "T_required_steps_09", "C_archive_done",
)  # fmt: skip


@pytest.mark.parametrize("element", [*SPARED, "T_major_decision_03", "T_major_decision_16", "S_archive", "C_fair"])
def test_taking_a_step_out_of_the_shipped_procedure_is_caught(element: str) -> None:
    source = next(each for each in SHIPPED if each.key == "major_decision")
    name = next(name for name in source.bundle.bpmn if name.startswith("major_decision"))
    tree = parse_xml(name, source.bundle.bpmn[name])
    node = next(each for each in tree.iter() if each.get("id") == element)
    scope = node.getparent()
    flows = list(scope.iterfind("bpmn:sequenceFlow", NS))
    leaving = next(flow for flow in flows if flow.get("sourceRef") == element)
    for flow in flows:
        if flow.get("targetRef") == element:
            flow.set("targetRef", leaving.get("targetRef"))
    scope.remove(leaving)
    scope.remove(node)
    changed = replace(source.bundle, bpmn={**source.bundle.bpmn, name: etree.tostring(tree)})
    assert verify(changed).verdict == ("unlawful" if element in SPARED else "lawful")
