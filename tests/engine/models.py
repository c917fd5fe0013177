"""Small models that several tests of the engine run."""

from __future__ import annotations

from decision_flow import engine
from decision_flow.engine import Compiled
from tests.drawing import Drawing
from tests.engine.driver import bundle


def send_back() -> Compiled:
    drawing = Drawing("p").start().user("draft", form="F-01").xor("good").user("sign").end()
    drawing.chain("start", "draft", "good").flow("good", "draft", "F01.again").flow("good", "sign", "else")
    return engine.compile(bundle(drawing.chain("sign", "end")))


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


def experts(sequential: bool = False) -> Compiled:
    drawing = Drawing("p").start().user("choose", form="F-29e")
    drawing.user(
        "opinion", form="F-29", each="F29e.experts", item="expert", results="opinions", sequential=sequential,
        person="expert.id",
    ).user("sum_up").xor("more").end()  # fmt: skip
    drawing.chain("start", "choose", "opinion", "sum_up", "more").flow("more", "choose", "again")
    return engine.compile(bundle(drawing.flow("more", "end", "else")))


def with_timer(stays: bool = False) -> Compiled:
    drawing = Drawing("p").start().user("work").timer("late", "P30D", on="work", stays=stays)
    drawing.user("remind").end().end("end2").chain("start", "work", "end").chain("late", "remind", "end2")
    return engine.compile(bundle(drawing))


def called() -> Compiled:
    main = Drawing("p").start().call("execute", "execution").signal("stop", "suspend", on="execute")
    main.user("adjust").end().end("end2").chain("start", "execute", "end").chain("stop", "adjust", "end2")
    inner = Drawing("execution").start("xs").user("report").xor("done").end("xe")
    inner.chain("xs", "report", "done").flow("done", "report", "not finished").flow("done", "xe", "else")
    return engine.compile(bundle(main, inner))
