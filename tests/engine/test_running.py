"""Scenarios of the engine, each once straight through and once with save and restore at every rest."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from decision_flow import engine
from decision_flow.engine import Compiled, Context
from decision_flow.errors import Conflict, ProcedureFault
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle

pytestmark = pytest.mark.parametrize("restart", [False, True], ids=["straight", "restored"])


def send_back() -> Compiled:
    drawing = Drawing("p").start().user("draft", form="F-01").xor("good").user("sign").end()
    drawing.chain("start", "draft", "good").flow("good", "draft", "F01.again").flow("good", "sign", "else")
    return engine.compile(bundle(drawing.chain("sign", "end")))


def test_a_thousand_send_backs_leave_the_state_as_small_as_ten(restart: bool) -> None:
    run = Driver(send_back(), restart=restart)
    sizes = [len(run.do("draft", F01={"again": True, "round": number}).state) for number in range(1000)]
    assert sizes[-1] <= sizes[9] + 16
    run.do("draft", F01={"again": False, "round": 1000})
    step = run.do("sign")
    assert step.finished and step.outcome == "end" and step.data["F01"]["round"] == 1000


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


def rounds() -> Compiled:
    """A fork and join in a sub-process that a loop enters again and again, and an inclusive one inside."""
    inner = Drawing("round_").start("rs").inclusive("split").user("a").user("b").user("c")
    inner.inclusive("meet").end("re").chain("rs", "split")
    for name in "abc":
        inner.flow("split", name, f"'{name}' in chosen").chain(name, "meet")
    inner.chain("meet", "re")
    drawing = Drawing("p").start().user("choose").sub(inner).user("review").xor("more").end()
    drawing.chain("start", "choose", "round_", "review", "more").flow("more", "choose", "again")
    return engine.compile(bundle(drawing.flow("more", "end", "else")))


@pytest.mark.parametrize("seed", range(128))
def test_joins_stay_right_over_repeated_rounds(restart: bool, seed: int) -> None:
    """Trap 14: random branches in random orders, three rounds; the step after opens once, at the last one."""
    dice = random.Random(seed)
    run = Driver(rounds(), restart=restart)
    for number in range(3):
        chosen = dice.sample("abc", dice.randint(1, 3))
        run.do("choose", chosen=chosen)
        assert run.names() == sorted(chosen)
        dice.shuffle(chosen)
        for done, name in enumerate(chosen, 1):
            run.do(name, **{f"by_{name}": number})
            assert ("review" in run.names()) == (done == len(chosen))
        (review,) = run.open()["review"]
        assert all(review.data[f"by_{name}"] == number for name in chosen)
        run.do("review", again=number < 2)
    assert run.last.finished


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


def experts(sequential: bool = False) -> Compiled:
    drawing = Drawing("p").start().user("choose", form="F-29e")
    drawing.user(
        "opinion", form="F-29", each="F29e.experts", item="expert", results="opinions", sequential=sequential,
        person="expert.id",
    ).user("sum_up").xor("more").end()  # fmt: skip
    drawing.chain("start", "choose", "opinion", "sum_up", "more").flow("more", "choose", "again")
    return engine.compile(bundle(drawing.flow("more", "end", "else")))


@pytest.mark.parametrize("sequential", [False, True])
def test_multi_instance_keeps_items_and_answers_apart(restart: bool, sequential: bool) -> None:
    """Trap 1 and 16: restored in the middle, twice round, nothing lost and nothing left over."""
    run = Driver(experts(sequential), restart=restart)
    for number in range(2):
        people = [{"id": 10 * number + position} for position in range(3)]
        run.do("choose", F29e={"experts": people})
        while "opinion" in run.open():
            task = run.open()["opinion"][-1]
            assert task.item_name == "expert" and task.data["F29e"]["experts"] == people
            run.do("opinion", -1, F29={"of": task.item["id"], "overall": "support"})
        (total,) = run.open()["sum_up"]
        assert sorted(answer["of"] for answer in total.data["opinions"]) == [10 * number + n for n in range(3)]
        assert "expert" not in total.data and "F29" not in total.data
        run.do("sum_up", again=number == 0)
    assert run.last.finished


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


def test_nested_multi_instance(restart: bool) -> None:
    inner = Drawing("unit").start("us").user("answer", each="unit_item.people", item="person", results="answers")
    inner.end("ue").chain("us", "answer", "ue")
    drawing = Drawing("p").start().user("list")
    drawing.sub(inner, each="units", item="unit_item", results="all").user("last").end()
    drawing.chain("start", "list", "unit", "last", "end")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    run.do("list", units=[{"people": ["a", "b"]}, {"people": ["c"]}])
    assert len(run.open()["answer"]) == 3
    while "answer" in run.open():
        run.do("answer", ok=True)
    assert run.names() == ["last"]


def with_timer(stays: bool = False) -> Compiled:
    drawing = Drawing("p").start().user("work").timer("late", "P30D", on="work", stays=stays)
    drawing.user("remind").end().end("end2").chain("start", "work", "end").chain("late", "remind", "end2")
    return engine.compile(bundle(drawing))


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


def called() -> Compiled:
    main = Drawing("p").start().call("execute", "execution").signal("stop", "suspend", on="execute")
    main.user("adjust").end().end("end2").chain("start", "execute", "end").chain("stop", "adjust", "end2")
    inner = Drawing("execution").start("xs").user("report").xor("done").end("xe")
    inner.chain("xs", "report", "done").flow("done", "report", "not finished").flow("done", "xe", "else")
    return engine.compile(bundle(main, inner))


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


def test_a_fault_names_the_element_and_changes_nothing(restart: bool) -> None:
    run = Driver(send_back(), restart=restart)
    before = run.state
    with pytest.raises(ProcedureFault) as fault:
        run.do("draft", F02={})
    assert fault.value.element == "good" and fault.value.expression == "F01.again"
    assert run.state == before and run.names() == ["draft"]


def test_cancel_closes_everything(restart: bool) -> None:
    run = Driver(called(), restart=restart)
    token = run.open()["report"][0].token
    step = engine.cancel(run.compiled, run.state, Context(now=NOON))
    assert step.finished and step.closed == (token,) and step.timers == ()


def test_a_chain_of_a_thousand_tasks_compiles_and_runs(restart: bool) -> None:
    """Trap 11 and the silent depth limit of 1,000."""
    names = [f"t{number:04d}" for number in range(1000)]
    drawing = Drawing("p").start().end()
    for name in names:
        drawing.user(name)
    run = Driver(engine.compile(bundle(drawing.chain("start", *names, "end"))), restart=restart)
    for name in names:
        assert run.names() == [name]
        run.do(name)
    assert run.last.finished and len(run.state) < 2000


def test_the_real_clock_does_not_matter(restart: bool) -> None:
    run = Driver(with_timer(), restart=restart)
    far = datetime(1999, 1, 1, tzinfo=UTC)
    assert engine.fire(run.compiled, run.state, Context(now=far)).passed == ()
