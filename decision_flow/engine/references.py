"""Whether everything that a bundle names is there: processes, tables, messages and signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from decision_flow.engine.data import Finding
from decision_flow.engine.decisions import DecisionTable
from decision_flow.engine.diagrams import RULES, Diagrams
from decision_flow.engine.markup import PREFIX, PROCESS, camunda, tag
from decision_flow.errors import N_, Text

DECLARED = {"messageRef": "message", "signalRef": "signal"}


def unresolved(main: str, diagrams: Diagrams, tables: Mapping[str, DecisionTable]) -> Iterator[Finding]:
    """Yield a finding for each name that leads nowhere, for what nothing leads to, and for a call that never ends."""
    if main not in diagrams.processes:
        yield Finding(RULES, main, N_("程序包中没有这个主流程"))
    calls = _calls(diagrams)
    called = {target for targets in calls.values() for _, target in targets}
    for name in diagrams.processes:
        if name != main and name not in called:
            yield Finding(RULES, name, N_("这个流程没有被调用，不会运行"))
    for process, targets in calls.items():
        for element, target in targets:
            if target not in diagrams.processes:
                told = N_("被调用的流程“%s”不在程序包中：请把它画进同一个文件，或者改画成子流程")
                yield Finding(RULES, element, Text.of(told, target))
            elif process in _reached(target, calls):
                told = N_("被调用的流程“%s”又会调用回来，没有尽头，请改画成循环")
                yield Finding(RULES, element, Text.of(told, target))
    for tree in diagrams.trees.values():
        for node in tree.iter(f"{PREFIX}businessRuleTask"):
            if camunda(node, "decisionRef") not in tables:
                told = N_("决策表 %s 不在程序包中，请加入")
                yield Finding(RULES, node.get("id", ""), Text.of(told, camunda(node, "decisionRef")))
    yield from _undeclared(diagrams)
    yield from _signals_nobody_catches(diagrams)


def _calls(diagrams: Diagrams) -> dict[str, list[tuple[str, str]]]:
    """Return the calls of each process: which element calls which process."""
    return {
        process.get("id", ""): [
            (node.get("id", ""), node.get("calledElement", "")) for node in process.iter(f"{PREFIX}callActivity")
        ]
        for tree in diagrams.trees.values()
        for process in tree.iterchildren(PROCESS)
    }


def _reached(name: str, calls: Mapping[str, list[tuple[str, str]]]) -> set[str]:
    """Return `name` and the processes that it calls, at whatever remove."""
    seen: set[str] = set()
    stack = [name]
    while stack:
        current = stack.pop()
        if current not in seen:
            seen.add(current)
            stack += [target for _, target in calls.get(current, ())]
    return seen


def _undeclared(diagrams: Diagrams) -> Iterator[Finding]:
    """Name what refers to a message or signal that no file declares with a name, or that two declare differently."""
    names: dict[tuple[str, str], set[str]] = {}
    for tree in diagrams.trees.values():
        for kind in DECLARED.values():
            for node in tree.iterchildren(f"{PREFIX}{kind}"):
                names.setdefault((kind, node.get("id", "")), set()).add(node.get("name", ""))
    for tree in diagrams.trees.values():
        for node in tree.iter(*(f"{PREFIX}{name}" for name in ("messageEventDefinition", "receiveTask"))):
            yield from _resolved(node, "messageRef", names)
        for node in tree.iter(f"{PREFIX}signalEventDefinition"):
            yield from _resolved(node, "signalRef", names)


def _resolved(node: etree._Element, key: str, names: Mapping[tuple[str, str], set[str]]) -> Iterator[Finding]:
    reference = node.get(key, "")
    element = node if tag(node) == "receiveTask" else node.getparent()
    found = names.get((DECLARED[key], reference), set()) - {""}
    if not found:
        told = N_("消息或信号“%s”没有声明名称，请在文件中声明")
        yield Finding(RULES, element.get("id", ""), Text.of(told, reference))
    if len(found) > 1:
        told = N_("消息或信号的编号“%s”有几个不同的名称，请分开编号")
        yield Finding(RULES, element.get("id", ""), Text.of(told, reference))


def _signals_nobody_catches(diagrams: Diagrams) -> Iterator[Finding]:
    """Refuse a signal that is thrown and that nothing in the bundle waits for: it would go nowhere."""
    thrown: list[tuple[str, str]] = []
    caught: set[str] = set()
    for tree in diagrams.trees.values():
        for definition in tree.iter(f"{PREFIX}signalEventDefinition"):
            event, signal = definition.getparent(), definition.get("signalRef", "")
            if tag(event) in ("intermediateThrowEvent", "endEvent"):
                thrown.append((event.get("id", ""), signal))
            else:
                caught.add(signal)
    for element, signal in thrown:
        if signal not in caught:
            yield Finding(RULES, element, N_("信号没有任何环节等待，请改用服务任务"))
