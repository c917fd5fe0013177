"""What the checks need of a diagram, read once per content: a draft changes one file at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from decision_flow.engine.markup import NODES, NS, camunda, properties_of, roles_of, tag, tree_of


@dataclass(frozen=True)
class Node:
    """One flow node. `scope` is the process or sub-process it stands in, `on` the activity it is attached to."""

    id: str
    kind: str
    name: str
    name_en: str
    scope: str
    step: str = ""
    exempts: str = ""
    form: str = ""
    roles: tuple[str, ...] = ()
    calls: str = ""
    on: str = ""


@dataclass(frozen=True)
class Sheet:
    """One diagram: its processes, nodes and flows (id, source, target); its title is that of its first process."""

    processes: tuple[str, ...]
    nodes: tuple[Node, ...]
    flows: tuple[tuple[str, str, str], ...]
    title: str = ""
    title_en: str = ""


@lru_cache(maxsize=512)
def sheet(name: str, content: bytes) -> Sheet:
    """Return what stands in a diagram. Raises `Invalid` for XML that cannot be read."""
    tree = tree_of(name, content)
    processes = tuple(process.get("id", "") for process in tree.iterfind("bpmn:process", NS))
    nodes, flows = [], []
    for process in tree.iterfind("bpmn:process", NS):
        for entry in process.iter():
            kind = tag(entry)
            if kind in NODES:
                nodes.append(_node(entry, kind))
            elif kind == "sequenceFlow":
                flows.append((entry.get("id", ""), entry.get("sourceRef", ""), entry.get("targetRef", "")))
    first = tree.find("bpmn:process", NS)
    title = (first.get("name") or "").strip() if first is not None else ""
    title_en = properties_of(first).get("name_en", "") if first is not None else ""
    return Sheet(processes, tuple(nodes), tuple(flows), title, title_en)


def sheets(files: Mapping[str, bytes]) -> list[Sheet]:
    """Return the diagrams of a bundle. Raises `Invalid`."""
    return [sheet(name, content) for name, content in files.items()]


def _node(entry: etree._Element, kind: str) -> Node:
    told = properties_of(entry)
    parent = entry.getparent()
    return Node(
        id=entry.get("id", ""),
        kind=kind,
        name=(entry.get("name") or "").replace("\n", "").strip(),
        name_en=told.get("name_en", ""),
        scope=parent.get("id", "") if parent is not None else "",
        step=told.get("step", ""),
        exempts=told.get("exempts", ""),
        form=camunda(entry, "formKey") or "",
        roles=roles_of(entry),
        calls=entry.get("calledElement") or "",
        on=entry.get("attachedToRef") or "",
    )
