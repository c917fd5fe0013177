"""Scenarios of the engine, each once straight through and once with save and restore at every rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from decision_flow import engine
from decision_flow.engine import Context
from decision_flow.errors import Conflict, ProcedureFault
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle
from tests.engine.models import called, experts, send_back, with_timer

pytestmark = pytest.mark.parametrize("restart", [False, True], ids=["straight", "restored"])


def test_passed_elements_and_flows_tell_the_way_taken(restart: bool) -> None:
    run = Driver(send_back(), restart=restart)
    assert [passed.element_id for passed in run.last.passed] == ["start", "flow_p_01"]
    step = run.do("draft", F01={"again": False})
    assert [passed.element_id for passed in step.passed] == ["draft", "flow_p_02", "good", "flow_p_04"]


def test_a_task_completes_only_once(restart: bool) -> None:
    run = Driver(send_back(), restart=restart)
    token = run.open()["draft"][0].token
    run.do("draft", F01={"again": False})
    with pytest.raises(Conflict):
        engine.complete(run.compiled, run.state, token, {}, run.context)
    with pytest.raises(Conflict):
        engine.complete(run.compiled, run.state, "nonsense", {}, run.context)


def test_a_parallel_join_waits_for_a_branch_that_loops_inside(restart: bool) -> None:
    drawing = Drawing("p").start().fork("split").user("a").user("b").xor("again").fork("meet").user("last").end()
    drawing.chain("start", "split", "a", "meet", "last", "end").chain("split", "b", "again")
    drawing.flow("again", "b", "more").flow("again", "meet", "else")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    run.do("a", left=1)
    for number in range(5):
        run.do("b", more=True, right=number)
        assert run.names() == ["b"]
    run.do("b", more=False, right=9)
    (last,) = run.open()["last"]
    assert (last.data["left"], last.data["right"]) == (1, 9)


def test_a_join_keeps_what_each_branch_changed(restart: bool) -> None:
    drawing = Drawing("p").start().user("first").fork("split").user("a").user("b").fork("meet").user("last").end()
    drawing.chain("start", "first", "split", "a", "meet", "last", "end").chain("split", "b", "meet")
    for order in ("ab", "ba"):
        run = Driver(engine.compile(bundle(drawing)), restart=restart)
        run.do("first", shared={"old": 1}, list=[1, 2, 3])
        for name in order:
            run.do(name, **({"shared": {"new": 2}, "list": [9]} if name == "a" else {"other": True}))
        (last,) = run.open()["last"]
        assert (last.data["shared"], last.data["list"], last.data["other"]) == ({"new": 2}, [9], True)


def test_multi_instance_over_nobody_goes_on(restart: bool) -> None:
    run = Driver(experts(), restart=restart)
    run.do("choose", F29e={"experts": []})
    assert run.names() == ["sum_up"] and run.open()["sum_up"][0].data["opinions"] == []


def test_multi_instance_over_something_else_is_a_fault(restart: bool) -> None:
    run = Driver(experts(), restart=restart)
    before = run.state
    with pytest.raises(ProcedureFault, match="列表"):
        run.do("choose", F29e={"experts": "everyone"})
    assert run.state == before and run.names() == ["choose"]


def test_an_interrupting_timer_fires_once_at_its_time(restart: bool) -> None:
    run = Driver(with_timer(), restart=restart)
    (due,) = run.last.timers
    assert due.due_at == NOON + timedelta(days=30) and due.element.id == "late"
    assert run.at(NOON + timedelta(days=29)).passed == ()
    token = run.open()["work"][0].token
    step = run.at(NOON + timedelta(days=30))
    assert step.closed == (token,) and run.names() == ["remind"] and step.timers == ()
    assert run.at(NOON + timedelta(days=31)).passed == ()


def test_a_timer_that_does_not_interrupt_leaves_the_work_open(restart: bool) -> None:
    run = Driver(with_timer(stays=True), restart=restart)
    run.at(NOON + timedelta(days=31))
    assert run.names() == ["remind", "work"]
    run.do("work")
    run.do("remind")
    assert run.last.finished


def test_a_plain_date_means_the_end_of_that_day_in_china(restart: bool) -> None:
    drawing = Drawing("p").start().user("open").timer("until", "date(F22.close_on)").user("close").end()
    drawing.chain("start", "open", "until", "close", "end")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    (due,) = run.do("open", F22={"close_on": "2026-04-08"}).timers
    assert due.due_at == datetime(2026, 4, 8, 15, 59, 59, tzinfo=UTC)
    run.at(due.due_at - timedelta(seconds=1))
    assert run.names() == []
    run.at(due.due_at)
    assert run.names() == ["close"]


def test_a_signal_interrupts_a_called_process(restart: bool) -> None:
    run = Driver(called(), restart=restart)
    run.do("report", finished=False)
    token = run.open()["report"][0].token
    step = run.send("suspend", why="flood")
    assert step.closed == (token,) and run.names() == ["adjust"]
    with pytest.raises(Conflict):
        run.send("suspend")
    assert run.do("adjust").outcome == "end2"


def test_a_called_process_hands_its_data_back(restart: bool) -> None:
    run = Driver(called(), {"matter": {"id": 7}}, restart=restart)
    for number in range(30):
        run.do("report", finished=False, percent=number)
    step = run.do("report", finished=True, percent=100)
    assert step.finished and step.data["percent"] == 100 and step.data["matter"] == {"id": 7}


def test_a_service_task_asks_for_an_effect(restart: bool) -> None:
    drawing = Drawing("p").start().user("draft").service("freeze", "freeze_draft").user("sign").end()
    drawing.chain("start", "draft", "freeze", "sign", "end")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    (call,) = run.do("draft", F06={"x": 1}).calls
    assert (call.name, call.element.id, call.data["F06"]) == ("freeze_draft", "freeze", {"x": 1})
    assert run.do("sign").calls == ()


def test_cancel_closes_everything(restart: bool) -> None:
    run = Driver(called(), restart=restart)
    token = run.open()["report"][0].token
    step = engine.cancel(run.compiled, run.state, Context(now=NOON))
    assert step.finished and step.closed == (token,) and step.timers == ()


def test_the_real_clock_does_not_matter(restart: bool) -> None:
    run = Driver(with_timer(), restart=restart)
    far = datetime(1999, 1, 1, tzinfo=UTC)
    assert engine.fire(run.compiled, run.state, Context(now=far)).passed == ()
