"""Takes parts of a diagram out of it, with whatever only pointed at them and their places in the drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from decision_flow import drawing
from decision_flow.engine.markup import PREFIX, PROCESS

DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_ENDS = ("sourceRef", "targetRef", "processRef", "bpmnElement")


def first(tree: etree._Element) -> list[str]:
    """Return the processes that no other one of the file calls; all where they call each other in a round."""
    every = [process.get("id", "") for process in tree.iter(PROCESS)]
    called = {
        call.get("calledElement", "")
        for process in tree.iter(PROCESS)
        for call in process.iter(f"{PREFIX}callActivity")
        if call.get("calledElement") != process.get("id")
    }
    return [name for name in every if name not in called] or every


def below(tree: etree._Element, main: str) -> set[str]:
    """Return `main` and the processes of the file that it calls, directly or not."""
    processes = {process.get("id", ""): process for process in tree.iter(PROCESS)}
    found, stack = set(), [main]
    while stack:
        name = stack.pop()
        if name in processes and name not in found:
            found.add(name)
            stack += [call.get("calledElement", "") for call in processes[name].iter(f"{PREFIX}callActivity")]
    return found


def only(content: bytes, main: str) -> bytes:
    """Return the diagram with `main` and what it calls alone. The content is one that has been read before."""
    tree = etree.fromstring(content)
    kept = below(tree, main)
    others = [process for process in tree.iter(PROCESS) if process.get("id", "") not in kept]
    if not others:
        return content
    take_out(others)
    pools = [pool for pool in tree.iter(f"{PREFIX}participant") if pool.get("processRef")]
    around = tree.find(f"{PREFIX}collaboration")
    if around is not None and not pools:
        tree.remove(around)
    if (around is not None and not pools) or not drawing.is_drawn(tree):
        drawing.draw(tree)  # It was drawn in what is gone.
    made: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    return made


def take_out(nodes: Iterable[etree._Element]) -> None:
    """Take `nodes` of one tree out of it, and all that leads to or from them or draws them."""
    taken = [node for node in nodes if node.getparent() is not None]
    if not taken:
        return
    tree = taken[0].getroottree().getroot()
    gone: set[str] = set()
    while taken:
        new = {each.get("id", "") for node in taken for each in node.iter(etree.Element)} - {""}
        gone |= new
        for node in taken:
            node.getparent().remove(node)
        taken = list(_pointing(tree, new))


def _pointing(tree: etree._Element, gone: set[str]) -> Iterator[etree._Element]:
    links = [f"{PREFIX}{name}" for name in ("association", "messageFlow", "participant")]
    for node in tree.iter(*links, f"{DI}BPMNShape", f"{DI}BPMNEdge"):
        if gone & {node.get(end, "") for end in _ENDS}:
            yield node
    for plane in tree.iter(f"{DI}BPMNPlane"):
        if plane.get("bpmnElement") in gone:
            yield plane.getparent()
    for reference in tree.iter(f"{PREFIX}flowNodeRef"):
        if (reference.text or "").strip() in gone:
            yield reference
