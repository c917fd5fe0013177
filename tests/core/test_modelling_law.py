"""Which statutory step can be passed by, with the shortest way; what cannot be reached or left."""

from __future__ import annotations

import pytest

from decision_flow import procedures
from decision_flow.modelling import checking, law, reading, sources
from decision_flow.resources import BPMN
from tests.drawing import Drawing

SHIPPED = {source.key: source for source in procedures.shipped(BPMN)}
STEPS = ("public_participation", "expert_argumentation", "risk_assessment", "legality_review")


def told(drawing: Drawing, *called: Drawing, policy: str = "decree-713") -> list[law.Fault]:
    sheets = [reading.sheet(f"{one.id}.bpmn", one.xml()) for one in (drawing, *called)]
    return law.faults(law.Ways(drawing.id, sheets), policy)


def lawful() -> Drawing:
    """The shortest lawful decision: every step in one row."""
    drawing = Drawing("p").start()
    for step in STEPS:
        drawing.user(step, step=step)
    drawing.user("meeting", step="collective_discussion").user("publish", step="publication").end()
    return drawing


def row(drawing: Drawing, *leave_out: str) -> Drawing:
    return drawing.chain("start", *(step for step in STEPS if step not in leave_out), "meeting", "publish", "end")


def test_what_ships_is_lawful() -> None:
    assert checking.check(SHIPPED["major_decision"], "decree-713").verdict == "lawful"
    assert checking.check(SHIPPED["decision_adjustment"], "decision-adjustment").verdict == "lawful"
    for template in sources.templates():
        assert checking.check(template, "decree-713").verdict == "lawful"
    for source in SHIPPED.values():
        assert checking.check(source, "").verdict == "lawful", source.key


def test_every_step_in_a_row_is_lawful() -> None:
    assert told(row(lawful())) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_left_out_or_passed_by_is_found_with_the_shortest_way(step: str) -> None:
    drawing = lawful()
    del drawing.nodes[step]
    (found,) = told(row(drawing, step))
    assert (found.rule, found.element) == ("step_unavoidable", "meeting")
    names = [id for id in found.way if not id.startswith("flow_")]
    assert names == ["start", *(one for one in STEPS if one != step), "meeting"]

    around = lawful().xor("choice").xor("again")
    ids = ["start", *STEPS, "meeting", "publish", "end"]
    at = ids.index(step)
    around.chain(*ids[:at], "choice").flow("choice", step, "F1.a").flow(step, "again")
    around.flow("choice", "again", "else").chain("again", *ids[at + 1 :])
    (found,) = told(around)
    assert "choice" in found.way and step not in found.way
    assert all(id in around.nodes or id.startswith("flow_") for id in found.way)


@pytest.mark.parametrize("step", STEPS)
def test_a_recorded_exemption_stands_in_for_all_but_the_legality_review(step: str) -> None:
    drawing = lawful().xor("choice").user("exempt", exempts=step)
    ids = ["start", *STEPS, "meeting", "publish", "end"]
    at = ids.index(step)
    drawing.chain(*ids[:at], "choice").flow("choice", step, "F1.a").flow("choice", "exempt", "else")
    drawing.chain(step, ids[at + 1]).chain("exempt", ids[at + 1]).chain(*ids[at + 1 :])
    assert [one.rule for one in told(drawing)] == (["step_unavoidable"] if step == "legality_review" else [])


def test_a_step_inside_a_called_process_counts_where_it_is_called() -> None:
    drawing = lawful()
    drawing.nodes["legality_review"] = Drawing("x").call("legality_review", "review").nodes["legality_review"]
    review = (
        Drawing("review").start("r_start").user("r", step="legality_review").end("r_end").chain("r_start", "r", "r_end")
    )
    assert told(row(drawing), review) == []
    review.xor("r_x")
    empty = Drawing("review").start("r_start").user("r").end("r_end").chain("r_start", "r", "r_end")
    (found,) = told(row(drawing), empty)
    assert [id for id in found.way if not id.startswith("flow_")][-4:] == ["r_start", "r", "r_end", "meeting"]


def test_an_interrupting_event_is_a_way_round() -> None:
    drawing = lawful().timer("late", "days_after(3)", on="legality_review")
    row(drawing).flow("late", "meeting")
    (found,) = told(drawing)
    assert "late" in found.way and found.basis == "条例第二十五条"


def test_of_parallel_ways_all_are_gone() -> None:
    drawing = Drawing("p").start().fork("split").fork("join")
    for step in STEPS:
        drawing.user(step, step=step).chain("split", step, "join")
    drawing.user("meeting", step="collective_discussion").user("publish", step="publication").end()
    drawing.chain("start", "split").chain("join", "meeting", "publish", "end")
    assert told(drawing) == []


def test_what_cannot_be_reached_or_left_is_unsound() -> None:
    drawing = row(lawful().user("lost").user("stuck").xor("x"))
    drawing.flow("x", "stuck").flow("lost", "x")
    found = {(one.rule, one.element, one.message) for one in told(drawing, policy="")}
    assert ("connected", "stuck", "走到这里就停住了,没有下一步") in found
    assert ("connected", "lost", "怎么也走不到这里") in found


def test_publication_without_discussion_is_found() -> None:
    drawing = Drawing("p").start().user("publish", step="publication").end().chain("start", "publish", "end")
    assert {one.rule for one in told(drawing)} == {"step_unavoidable", "step_present"}
    assert told(drawing, policy="") == []


def test_every_step_of_the_main_procedure_that_is_taken_out_is_missed() -> None:
    main = SHIPPED["major_decision"].bundle
    sheets = reading.sheets(main.bpmn)
    nodes = {node.id: node for sheet in sheets for node in sheet.nodes}
    for demand in law.POLICIES["decree-713"]:
        # The law's hole is there as soon as nothing of the step is marked as such any more.
        ways = law.Ways(main.main, sheets)
        ways.nodes = {
            id: reading.Node(**{**node.__dict__, "step": "" if node.step == demand.step else node.step, "exempts": ""})
            for id, node in nodes.items()
        }
        rules = {(one.rule, one.basis) for one in law.faults(ways, "decree-713")}
        assert ("step_unavoidable", demand.basis) in rules or demand.step == "collective_discussion", demand
