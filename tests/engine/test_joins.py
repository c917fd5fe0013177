"""Joins when more than one token is on its way, and when what passed a fork comes round again (trap 14)."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from decision_flow import engine
from decision_flow.engine import Compiled
from tests.drawing import Drawing
from tests.engine.driver import NOON, Driver, bundle

pytestmark = pytest.mark.parametrize("restart", [False, True], ids=["straight", "restored"])


def two_tokens() -> Compiled:
    """Two tokens run one after the other through the same fork and join."""
    drawing = Drawing("p").start().fork("part").user("one").user("two").xor("merge").fork("split")
    drawing.user("a").user("b").fork("meet").user("last").end()
    drawing.chain("start", "part", "one", "merge", "split", "a", "meet", "last", "end")
    return engine.compile(bundle(drawing.chain("part", "two", "merge").chain("split", "b", "meet")))


@pytest.mark.parametrize("seed", range(64))
def test_a_parallel_join_takes_one_token_from_each_branch(restart: bool, seed: int) -> None:
    """Whatever the order, the step after stands open as often as both branches have come in."""
    dice = random.Random(seed)
    run = Driver(two_tokens(), restart=restart)
    come = {"a": 0, "b": 0}
    gone = 0
    while not run.last.finished:
        name = dice.choice(run.names())
        run.do(name, dice.randrange(len(run.open()[name])))
        come[name] = come.get(name, 0) + 1
        gone += name == "last"
        assert run.names().count("last") == min(come["a"], come["b"]) - gone
    assert gone == 2


def test_a_token_from_a_timer_does_not_open_the_join_of_the_work(restart: bool) -> None:
    drawing = Drawing("p").start().user("work").timer("late", "P1D", on="work", stays=True).xor("merge")
    drawing.fork("split").user("a").user("b").fork("meet").user("last").end()
    drawing.chain("start", "work", "merge", "split", "a", "meet", "last", "end").chain("late", "merge")
    run = Driver(engine.compile(bundle(drawing.chain("split", "b", "meet"))), restart=restart)
    run.at(NOON + timedelta(days=2))
    run.do("a")
    run.do("work")
    assert run.names() == ["a", "b", "b"]
    run.do("b")
    assert run.names() == ["a", "b", "last"]
    run.do("b")
    assert run.names() == ["a", "last"]


def test_an_inclusive_split_waits_for_nobody(restart: bool) -> None:
    """With one incoming flow there is nothing to join: the reminded branch starts though the work stands open."""
    drawing = Drawing("p").start().user("work").timer("late", "P1D", on="work", stays=True).xor("merge")
    drawing.inclusive("split").user("a").user("b").end().end("end2")
    drawing.chain("start", "work", "merge", "split").chain("late", "merge")
    drawing.flow("split", "a", "true").flow("split", "b", "true").chain("a", "end").chain("b", "end2")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    run.at(NOON + timedelta(days=2))
    assert run.names() == ["a", "b", "work"]
    run.do("work")
    assert run.names() == ["a", "a", "b", "b"]


def test_a_fork_on_a_loop_hands_on_the_data_of_its_own_round(restart: bool) -> None:
    """A value set back to what it was two rounds ago must not be overruled by the round between."""
    drawing = Drawing("p").start().xor("again").user("choose").fork("split").user("note").user("review")
    drawing.xor("more").end().end("end2")
    drawing.chain("start", "again", "choose", "split", "note", "end2").chain("split", "review", "more")
    drawing.flow("more", "again", "redo").flow("more", "end", "else")
    run = Driver(engine.compile(bundle(drawing)), restart=restart)
    for kind in ("major", "minor", "major"):
        run.do("choose", kind=kind)
        assert run.open()["review"][0].data["kind"] == kind
        run.do("review", redo=True)
