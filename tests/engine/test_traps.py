"""The sixteen traps that the library was found to set, each with our answer to it.

The numbers are those used in the comments of `decision_flow/engine`.
"""

from __future__ import annotations

import inspect
import json
import random
import zlib
from datetime import date, timedelta

import pytest
from sqlalchemy import LargeBinary

import decision_flow.engine as package
from decision_flow import engine
from decision_flow.engine import Bundle, Compiled, Context, codec, compiling, running, specs
from decision_flow.engine.environment import Evaluator
from decision_flow.errors import Conflict, NotConforming, ProcedureFault
from decision_flow.models import Matter
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle
from tests.engine.models import called, experts, rounds, send_back, with_timer

both_ways = pytest.mark.parametrize("restart", [False, True], ids=["straight", "restored"])


def reasons(xml: bytes) -> dict[str, str]:
    """Return what is told about each element, all of it."""
    with pytest.raises(NotConforming) as refusal:
        engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml}))
    told: dict[str, str] = {}
    for finding in refusal.value.findings:
        told[finding.element] = told.get(finding.element, "") + finding.message
    return told


def elsewhere(model: Bundle) -> Compiled:
    """Compile as a process does that was started a moment ago."""
    compiling._kept.clear()
    return engine.compile(model)


# 1 and 16: multi-instance


@both_ways
@pytest.mark.parametrize("sequential", [False, True])
def test_trap_01_a_multi_instance_restored_after_a_restart_goes_on(restart: bool, sequential: bool) -> None:
    """Twice round and restored in the middle: nothing is lost and nothing is left over."""
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


def nested() -> Bundle:
    inner = Drawing("unit").start("us").user("answer", each="unit_item.people", item="person", results="answers")
    inner.end("ue").chain("us", "answer", "ue")
    drawing = Drawing("p").start().user("list")
    drawing.sub(inner, each="units", item="unit_item", results="all").user("last").end()
    return bundle(drawing.chain("start", "list", "unit", "last", "end"))


@both_ways
def test_trap_01_nested_multi_instances_go_on_in_a_process_started_afresh(restart: bool) -> None:
    run = Driver(elsewhere(nested()), restart=restart)
    run.do("list", units=[{"people": ["a", "b"]}, {"people": ["c"]}])
    seen = []
    while "answer" in run.open():
        if restart:
            run.compiled = elsewhere(nested())
        task = run.open()["answer"][0]
        seen.append(task.item)
        run.do("answer", ok=task.item)
    assert sorted(seen) == ["a", "b", "c"] and run.names() == ["last"]
    assert run.do("last").finished


def test_trap_16_a_collection_is_never_written_into_the_plan() -> None:
    """The Camunda short form runs the same for a second matter, and again in a new process."""
    drawing = Drawing("p").start().user("ask").user("last").end().chain("start", "ask", "last", "end")
    loop = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="names" camunda:elementVariable="one" />'
    xml = drawing.xml().decode().replace("</bpmn:userTask>", f"{loop}</bpmn:userTask>", 1).encode()
    model = Bundle(main="p", bpmn={"p.bpmn": xml})
    for _ in range(2):
        run = Driver(elsewhere(model), {"names": ["a", "b", "c"]}, restart=True)
        for name in "abc":
            run.compiled = elsewhere(model)
            assert run.open()["ask"][0].item == name
            run.do("ask", ok=name)
        assert run.names() == ["last"] and run.open()["last"][0].data["names"] == ["a", "b", "c"]


# 2 to 9: states, data and faults


def test_trap_02_an_event_sub_process_is_refused_by_name() -> None:
    xml = Drawing("p").start().user("a").end().chain("start", "a", "end").xml().decode()
    inner = '<bpmn:subProcess id="x" triggeredByEvent="true"><bpmn:startEvent id="i" /></bpmn:subProcess>'
    assert "边界事件" in reasons(xml.replace("  </bpmn:process>", f"{inner}</bpmn:process>").encode())["x"]


def test_trap_03_a_state_is_bytes_and_keeps_its_order() -> None:
    """A JSON column sorts keys, and the library then restores tasks without their data."""
    assert isinstance(Matter.__table__.c.state.type, LargeBinary)
    run = Driver(send_back(), {"matter": {"z": 1, "a": 2}})
    for number in range(3):
        run.do("draft", F01={"again": True, "round": number})
    told = json.loads(zlib.decompress(run.state[1:]))
    for _, _, _, rows, _ in told[1]:
        assert all(parent < position for position, (_, parent, *_) in enumerate(rows))
    (draft,) = run.open()["draft"]
    assert list(draft.data["matter"]) == ["z", "a"] and draft.data["F01"]["round"] == 2


@pytest.mark.parametrize("value", [date(2026, 3, 9), {1, 2}, object()])
def test_trap_04_what_json_cannot_say_is_refused_and_not_changed_in_silence(value: object) -> None:
    run = Driver(send_back())
    before = run.state
    with pytest.raises(ProcedureFault, match="不能保存"):
        run.do("draft", F01={"again": True, "value": value})
    assert run.state == before


def test_trap_05_a_restored_matter_evaluates_with_our_own_language() -> None:
    """The library's engine is Python; it would come back after each load."""
    run = Driver(send_back())
    instance = codec.load(run.compiled, run.state, Evaluator(run.context))
    assert type(instance.script_engine) is Evaluator
    task = next(iter(instance.tasks.values()))
    for attack in ("__import__('os')", "().__class__", "open('/etc/passwd')", "9**9**9", "[x for x in (1,)]"):
        with pytest.raises(ProcedureFault, match="不能继续"):
            instance.script_engine.evaluate(task, attack)


def test_trap_06_a_state_names_no_class_so_that_none_can_be_missing() -> None:
    """The library's registry knows exact classes only; ours has rows by number."""
    inner = Drawing("inner").start("is").user("b").end("ie").chain("is", "b", "ie")
    drawing = Drawing("p").start().fork("f").service("s", "freeze_draft").sub(inner).timer("t", "P1D", on="inner")
    drawing.user("c", each="people", item="one").end().end("e2")
    drawing.chain("start", "f", "s", "c", "end").chain("f", "inner", "end").chain("t", "e2")
    run = Driver(engine.compile(bundle(drawing)), {"people": ["x"]}, restart=True)
    text = zlib.decompress(run.state[1:]).decode()
    kinds = {type(spec).__name__ for spec in run.compiled.plan.main.task_specs.values()}
    assert {"CallTask", "ParallelInstances"} <= kinds
    assert not any(kind in text for kind in kinds | {"typename", "SpiffWorkflow"})


def test_trap_07_a_state_never_meets_another_plan() -> None:
    """The library's migration restarts timers and loses drafts; a matter keeps the version it began with."""
    one = engine.compile(bundle(Drawing("p").start().user("a").end().chain("start", "a", "end")))
    other = engine.compile(bundle(Drawing("p").start().user("b").end().chain("start", "b", "end")))
    step = engine.start(one, {}, Context(now=NOON))
    with pytest.raises(ProcedureFault, match="版本"):
        engine.open_tasks(other, step.state)
    source = "".join(inspect.getsource(module) for module in (package, running, codec, specs, compiling))
    assert "migrate_workflow" not in source


@both_ways
def test_trap_08_a_fault_is_told_with_its_element(restart: bool) -> None:
    """An error event does not catch it, and the task must not stay in error."""
    run = Driver(send_back(), restart=restart)
    with pytest.raises(ProcedureFault) as fault:
        run.do("draft", F02={})
    assert fault.value.element == "good" and fault.value.expression == "F01.again"


@both_ways
def test_trap_09_a_step_that_fails_changes_nothing(restart: bool) -> None:
    run = Driver(send_back(), restart=restart)
    before = run.state
    with pytest.raises(ProcedureFault):
        run.do("draft", F02={})
    assert run.state == before and run.names() == ["draft"]
    run.do("draft", F01={"again": False})
    assert run.names() == ["sign"]


# 10 to 13: what is read


def test_trap_10_flows_without_an_id_are_kept() -> None:
    xml = Drawing("p").start().user("a").end().chain("start", "a", "end").xml().decode()
    for flow in ("flow_p_01", "flow_p_02"):
        xml = xml.replace(f'sequenceFlow id="{flow}"', "sequenceFlow")
    run = Driver(engine.compile(Bundle(main="p", bpmn={"p.bpmn": xml.encode()})))
    assert run.names() == ["a"]
    assert run.do("a").outcome == "end"


@both_ways
def test_trap_11_a_chain_of_a_thousand_tasks_compiles_and_runs(restart: bool) -> None:
    names = [f"t{number:04d}" for number in range(1000)]
    drawing = Drawing("p").start().end()
    for name in names:
        drawing.user(name)
    run = Driver(engine.compile(bundle(drawing.chain("start", *names, "end"))), restart=restart)
    for name in names:
        assert run.names() == [name]
        run.do(name)
    assert run.last.finished and len(run.state) < 2000


@both_ways
def test_trap_11_a_thousand_send_backs_leave_the_state_as_small_as_ten(restart: bool) -> None:
    """The library's walk stops at a depth of 1,000: the matter would just stand still."""
    run = Driver(send_back(), restart=restart)
    sizes = [len(run.do("draft", F01={"again": True, "round": number}).state) for number in range(1000)]
    assert sizes[-1] <= sizes[9] + 16
    run.do("draft", F01={"again": False, "round": 1000})
    step = run.do("sign")
    assert step.finished and step.outcome == "end" and step.data["F01"]["round"] == 1000


@both_ways
def test_trap_12_a_step_into_a_dead_end_is_refused(restart: bool) -> None:
    """One branch of a choice can never open a join of both; the matter stays where it was."""
    drawing = Drawing("p").start().user("choose").xor("which").user("a").user("b").fork("meet").end()
    drawing.chain("start", "choose", "which").flow("which", "a", "left").flow("which", "b", "else")
    drawing.chain("a", "meet", "end").chain("b", "meet")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    run.do("choose", left=True)
    before = run.state
    with pytest.raises(ProcedureFault, match="尽头"):
        run.do("a")
    assert run.state == before and run.names() == ["a"]


def test_trap_13_each_refusal_of_legal_bpmn_names_its_element() -> None:
    """Where the library gives up with one error, every finding is told at once."""
    xml = Drawing("p").start().user("a").xor("g").end().chain("start", "a", "g").flow("g", "end").flow("g", "a").xml()
    parts = (
        '<bpmn:intermediateCatchEvent id="no_time"><bpmn:timerEventDefinition /></bpmn:intermediateCatchEvent>'
        '<bpmn:subProcess id="empty" /><bpmn:dataStoreReference id="store" />'
        '<bpmn:boundaryEvent id="bare" attachedToRef="a" />'
    )
    found = reasons(xml.decode().replace("  </bpmn:process>", f"{parts}</bpmn:process>").encode())
    assert {"g", "no_time", "empty", "store", "bare"} <= set(found)
    no_start = Drawing("p").user("a").end().chain("a", "end")
    assert "开始" in reasons(no_start.xml())["p"]
    split = Drawing("p").start().user("a").user("b").user("c").end().chain("start", "a", "b", "end")
    assert "网关" in reasons(split.chain("a", "c", "end").xml())["a"]


# 14: joins


def test_trap_14_a_join_on_a_loop_is_refused_by_name() -> None:
    """In the same scope it would open early in a later round."""
    drawing = Drawing("p").start().xor("again").fork("split").user("a").user("b").fork("meet").xor("more").end()
    drawing.chain("start", "again", "split", "a", "meet", "more").chain("split", "b", "meet")
    drawing.flow("more", "again", "redo").flow("more", "end", "else")
    assert "子流程" in reasons(drawing.xml())["meet"]


@both_ways
@pytest.mark.parametrize("seed", range(128))
def test_trap_14_joins_stay_right_over_repeated_rounds(restart: bool, seed: int) -> None:
    """Random branches in random orders, three rounds; the step after opens once, at the last one."""
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


def everything() -> Bundle:
    """A loop around a sub-process with a fork, and in one branch a sub-process for each unit with people in it.

    The people of a unit answer at once; a timer on them takes what is still open away and asks for a chase.
    """
    unit = Drawing("unit").start("us").user("answer", each="unit_item.people", item="person", results="answers")
    unit.timer("late", "P3D", on="answer").user("chase").xor("merged").user("seal").end("ue")
    unit.chain("us", "answer", "merged", "seal", "ue").chain("late", "chase", "merged")
    round_ = Drawing("round_").start("rs").fork("split").sub(unit, each="units", item="unit_item", results="sealed")
    round_.user("note").timer("reminder", "P1D", on="note", stays=True).user("remind").end("re2")
    round_.fork("meet").end("re").chain("rs", "split", "unit", "meet", "re").chain("split", "note", "meet")
    round_.chain("reminder", "remind", "re2")
    drawing = Drawing("p").start().xor("again").user("choose").sub(round_).user("review").xor("more").end()
    drawing.chain("start", "again", "choose", "round_", "review", "more")
    return bundle(drawing.flow("more", "again", "redo").flow("more", "end", "else"))


@both_ways
@pytest.mark.parametrize("seed", range(24))
def test_trap_14_nested_instances_timers_and_joins_stay_right_over_random_rounds(restart: bool, seed: int) -> None:
    """A count of our own says what must stand open after each random act, through three rounds."""
    dice = random.Random(seed)
    run = Driver(engine.compile(everything()), restart=restart)
    now = NOON
    for number in range(3):
        sizes = [dice.randint(1, 3) for _ in range(dice.randint(1, 3))]
        units = [{"people": [f"{number}.{at}.{who}" for who in range(size)]} for at, size in enumerate(sizes)]
        run.do("choose", units=units)
        people = {name for unit in units for name in unit["people"]}
        waiting = [set(unit["people"]) for unit in units]
        stage = ["answer"] * len(units)
        note, remind, reminded, ends = True, 0, False, now + timedelta(days=1)
        late = now + timedelta(days=3)
        while True:
            expected = [kind for kind, left in zip(stage, waiting, strict=True) for _ in range(len(left) or 1)
                        if kind != "done"] + ["note"] * note + ["remind"] * remind  # fmt: skip
            if not expected:
                break
            assert run.names() == sorted(expected)
            if dice.random() < 0.2:
                now += timedelta(days=dice.choice([1, 2]))
                run.at(now)
                if note and not reminded and now >= ends:
                    remind, reminded = 1, True
                if now >= late:
                    for at, kind in enumerate(stage):
                        if kind == "answer":
                            stage[at], waiting[at] = "chase", set()
                continue
            name = dice.choice(expected)
            which = dice.randrange(len(run.open()[name]))
            task = run.open()[name][which]
            run.do(name, which, **{name: number})
            if name == "note":
                note = False
            elif name == "remind":
                remind = 0
            elif name == "answer":
                assert task.item in people
                people.discard(task.item)
                (at,) = [at for at, left in enumerate(waiting) if task.item in left]
                waiting[at].discard(task.item)
                stage[at] = "answer" if waiting[at] else "seal"
            else:
                at = units.index(task.data["unit_item"])
                assert stage[at] == name
                stage[at] = "seal" if name == "chase" else "done"
        assert run.names() == ["review"]
        run.do("review", redo=number < 2)
    assert run.last.finished and run.last.timers == ()


# 15: boundary events


@both_ways
def test_trap_15_a_timer_goes_with_its_activity_so_what_outlives_it_is_a_row(restart: bool) -> None:
    """The engine withdraws it; evaluations and adjustments are rows of their own (see the timer tests)."""
    run = Driver(with_timer(stays=True), restart=restart)
    assert len(run.last.timers) == 1
    step = run.do("work")
    assert step.timers == () and step.timers_changed and step.finished
    with pytest.raises(NotConforming) as refusal:
        drawing = Drawing("p").start().user("work").signal("s", "news", on="work", stays=True).user("x").end()
        engine.compile(bundle(drawing.end("e2").chain("start", "work", "end").chain("s", "x", "e2")))
    assert [finding.element for finding in refusal.value.findings] == ["s"]


@both_ways
def test_trap_15_a_signal_on_a_called_process_can_come_again(restart: bool) -> None:
    """Suspended, resumed, suspended again: the activity is entered afresh with its boundary event."""
    main = Drawing("p").start().call("execute", "execution").signal("stop", "suspend", on="execute")
    main.signal("go", "resume").end().chain("start", "execute", "end").chain("stop", "go", "execute")
    inner = Drawing("execution").start("xs").user("report").end("xe").chain("xs", "report", "xe")
    run = Driver(engine.compile(bundle(main, inner)), restart=restart)
    for number in range(5):
        (token,) = [task.token for task in run.open()["report"]]
        assert run.send("suspend", number=number).closed == (token,)
        assert run.names() == []
        with pytest.raises(Conflict):
            run.send("suspend")
        run.send("resume")
        assert run.names() == ["report"]
    assert run.do("report").finished


def test_a_called_process_is_still_interrupted_once() -> None:
    run = Driver(called())
    run.send("suspend")
    assert run.names() == ["adjust"]
