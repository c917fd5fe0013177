"""Diagrams from other tools, made ours: what is changed or dropped is listed, what cannot run is named.

Plain BPMN 2.0 and the dialects of Camunda 7, Flowable, Activiti and SpiffWorkflow. Nothing vanishes silently:
an attribute or extension that this engine does not act on is taken out and said; a drawing that other engines
repair without a word (no start, an implicit split, flows without an id) is repaired here with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from lxml import etree

from decision_flow import drawing, engine, extraction
from decision_flow.engine.checks import MAX_NAME
from decision_flow.engine.ignored import BPMN, CAMUNDA, CAMUNDA_ATTRIBUTES, ENGINES
from decision_flow.engine.markup import ACTIVITIES, NODES, parse_xml, tag
from decision_flow.errors import N_, Invalid, NotConforming, Text
from decision_flow.expressions import compile_expression

# What other engines call by the names that we use too.
OURS = frozenset(
    {"candidateGroups", "formKey", "collection", "elementVariable", "decisionRef", "resultVariable", "topic"}
)
# What our drawing leaves out; it means nothing to the run.
UNDRAWN = ("textAnnotation", "group", "dataObjectReference", "messageFlow")
PEOPLE = ("userTask", "manualTask", "task")
# Said in a file, and nothing here goes by it.
UNHEARD = (
    "ioSpecification", "dataInputAssociation", "dataOutputAssociation", "property", "potentialOwner", "humanPerformer",
    "performer", "resourceRole", "rendering", "auditing", "monitoring", "dataStoreReference",
)  # fmt: skip
# What other engines count the instances of a multi-instance by.
COUNTED = re.compile(r"\b(nrOf\w+|loopCounter)\b")
# Whose work a task without a role becomes until somebody settles it in the modeller.
ROLE = "undertaking_unit"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Fate(StrEnum):
    """What became of something in the file."""

    CHANGED = "changed"
    DROPPED = "dropped"
    REFUSED = "refused"


@dataclass(frozen=True)
class Note:
    """One thing that is not as it was: where, what became of it, and in words with their values beside them."""

    element: str
    fate: Fate
    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words in Chinese, filled."""
        return self.message % self.values if self.values else self.message


@dataclass(frozen=True)
class Converted:
    """A file made ours. Each of its processes that no other calls can run unless something in `notes` was refused.

    `titles` are by process.
    """

    name: str
    xml: bytes
    processes: tuple[str, ...]
    kept: int
    notes: tuple[Note, ...]
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[Note, ...]:
        """What stands against using the file, each with its element."""
        return tuple(note for note in self.notes if note.fate is Fate.REFUSED)


def convert(name: str, content: bytes) -> Converted:
    """Return a foreign diagram in our dialect. Raises `Invalid` for a file that is no XML, or hostile XML."""
    tree = parse_xml(name, content)
    notes: list[Note] = []
    processes = list(tree.iter(f"{{{BPMN}}}process"))
    if not processes:
        return Converted(name, content, (), 0, (Note(name, Fate.REFUSED, N_("文件中没有流程")),))
    notes += _named(processes)
    for process in processes:
        for scope in [process, *process.iter(f"{{{BPMN}}}subProcess")]:
            notes += _number(scope)
    notes += [*_told_apart(processes), *_shortened(tree)]
    for process in processes:
        if process.get("isExecutable") != "true":
            process.set("isExecutable", "true")
            notes.append(Note(process.get("id", ""), Fate.CHANGED, N_("标为可执行")))
        notes += _unheard(process)
        for node in list(process.iter(etree.Element)):
            notes += _dialect(node)
        for scope in [process, *process.iter(f"{{{BPMN}}}subProcess")]:
            notes += _flows(scope)
            notes += _ends(scope)
    notes += (
        Note(flow.get("id", ""), Fate.CHANGED, N_("消息流只作图示，不会发送"))
        for flow in tree.iter(f"{{{BPMN}}}messageFlow")
    )
    ids, begin = tuple(process.get("id", "") for process in processes), extraction.first(tree)
    notes += (
        Note(name, Fate.CHANGED, N_("文件中有几个互不调用的流程：从其中一个开始，其余的不进入草案"))
        for name in begin[1:]
    )
    if not any(note.fate is Fate.REFUSED for note in notes) and not drawing.is_drawn(tree):
        # Without a place in the drawing an element would run unseen.
        drawing.draw(tree)
        notes += (
            Note(node.get("id", ""), Fate.DROPPED, N_("重新排版后，图上不再画注释和数据对象，内容仍在文件中"))
            for node in tree.iter(*(f"{{{BPMN}}}{name}" for name in UNDRAWN))
        )
        notes.append(Note(ids[0], Fate.CHANGED, N_("图上有环节没有位置，已重新排版")))
    xml: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    notes += _runs(name, xml, begin)
    kept = sum(1 for process in processes for node in process.iter() if tag(node) in NODES)
    titles = {process.get("id", ""): (process.get("name") or "").strip()[:120] for process in processes}
    return Converted(name, xml, ids, kept, tuple(notes), titles)


def _named(processes: list[etree._Element]) -> Iterator[Note]:
    """Give each process without an id one of its own."""
    taken = {process.get("id", "") for process in processes}
    for process in processes:
        if not process.get("id"):
            process.set("id", next(name for name in _numbers("process") if name not in taken))
            taken.add(process.get("id", ""))
            yield Note(process.get("id", ""), Fate.CHANGED, N_("没有编号，已编号"))


def _numbers(name: str) -> Iterator[str]:
    yield from (f"{name}_{number}" if number > 1 else name for number in count(1))


def _number(scope: etree._Element) -> Iterator[Note]:
    """Give an id to whatever lacks one, and to a flow that shares one: without it a flow would be dropped."""
    prefix = scope.get("id") or "process"
    for number, node in enumerate(scope):
        if tag(node) in (*NODES, "sequenceFlow") and not node.get("id"):
            node.set("id", f"{prefix}_{tag(node)}_{number}")
            yield Note(node.get("id", ""), Fate.CHANGED, N_("没有编号，已编号"))


def _told_apart(processes: list[etree._Element]) -> Iterator[Note]:
    """Give a flow another id when something has its own already; which of two elements is meant nobody knows."""
    taken = {node.get("id", "") for process in processes for node in process.iter(etree.Element) if tag(node) in NODES}
    for process in processes:
        for flow in process.iter(f"{{{BPMN}}}sequenceFlow"):
            told = flow.get("id", "")
            if told in taken:
                flow.set("id", next(name for name in _numbers(f"{told}_flow") if name not in taken))
                yield Note(told, Fate.CHANGED, N_("编号重复的连线，已另编号"))
            taken.add(flow.get("id", ""))


def _shortened(tree: etree._Element) -> Iterator[Note]:
    """Keep a name that no shape can hold as the documentation of its element."""
    for node in tree.iter(
        *(f"{{{BPMN}}}{kind}" for kind in (*NODES, "sequenceFlow", "process", "lane", "participant"))
    ):
        name = node.get("name", "")
        if len(name) > MAX_NAME:
            documentation = etree.Element(f"{{{BPMN}}}documentation")
            documentation.text = name
            node.insert(0, documentation)
            node.set("name", f"{name[: MAX_NAME - 1]}…")
            yield Note(
                _owner(node), Fate.CHANGED, N_("名称超过%(count)s个字，全文移到说明中"), {"count": MAX_NAME}
            )  # fmt: skip


def _unheard(process: etree._Element) -> Iterator[Note]:
    """Take out what nothing here goes by; who may do a task is kept as its role."""
    taken = list(process.iter(*(f"{{{BPMN}}}{name}" for name in UNHEARD)))
    for node in taken:
        yield Note(_owner(node), Fate.DROPPED, N_("内容 %(name)s"), {"name": tag(node)})
        person = node.getparent()
        if tag(node) == "potentialOwner" and tag(person) in PEOPLE and not _groups(person):
            told = "".join(node.itertext()).split()
            groups = [match[1] for text in told if (match := re.fullmatch(r"(?:group\()?([^()]+)\)?", text))]
            if groups:
                person.set(f"{{{CAMUNDA}}}candidateGroups", groups[0])
                yield Note(_owner(person), Fate.CHANGED, N_("potentialOwner 改为岗位"))
    extraction.take_out(taken)


def _groups(node: etree._Element) -> bool:
    return any(etree.QName(str(key)).localname == "candidateGroups" for key in node.attrib)


def _dialect(node: etree._Element) -> Iterator[Note]:
    """Say in our namespace what we act on too; take out, by name, what only the other engine acts on."""
    kind, owner = tag(node), _owner(node)
    if not kind:
        return
    for key, value in list(node.attrib.items()):
        name = etree.QName(str(key))
        if name.namespace not in ENGINES:
            continue
        if name.localname in OURS & CAMUNDA_ATTRIBUTES.get(kind, set()):
            if name.namespace != CAMUNDA:
                node.set(f"{{{CAMUNDA}}}{name.localname}", value)
                del node.attrib[key]
                yield Note(
                    owner,
                    Fate.CHANGED,
                    N_("%(name)s 改为本系统的写法"),
                    {"name": f"{ENGINES[name.namespace]}:{name.localname}"},
                )
        elif name.localname not in CAMUNDA_ATTRIBUTES.get(kind, set()) or name.namespace != CAMUNDA:
            del node.attrib[key]
            yield Note(
                owner, Fate.DROPPED, N_("属性 %(name)s"), {"name": f"{ENGINES[name.namespace]}:{name.localname}"}
            )
    if kind == "extensionElements":
        for child in list(node):
            name = etree.QName(child)
            if name.namespace in ENGINES and not (name.namespace == CAMUNDA and name.localname == "properties"):
                node.remove(child)
                yield Note(
                    owner, Fate.DROPPED, N_("扩展 %(name)s"), {"name": f"{ENGINES[name.namespace]}:{name.localname}"}
                )
    if kind in PEOPLE:
        groups = [part.strip() for part in (node.get(f"{{{CAMUNDA}}}candidateGroups") or "").split(",") if part.strip()]
        if len(groups) != 1:
            node.set(f"{{{CAMUNDA}}}candidateGroups", groups[0] if groups else ROLE)
            if groups:
                yield Note(owner, Fate.CHANGED, N_("有%(count)s个岗位，只留第一个"), {"count": len(groups)})
            else:
                yield Note(owner, Fate.CHANGED, N_("没有岗位，暂定为承办单位，请核对"))
    if kind in ("conditionExpression", "completionCondition"):
        yield from _condition(node, owner)
    elif kind in ("timeDate", "timeDuration", "loopDataInputRef"):
        yield from _spelt(node, owner)
    elif list_ := node.get(f"{{{CAMUNDA}}}collection"):
        node.set(f"{{{CAMUNDA}}}collection", translated(list_))


def _condition(node: etree._Element, owner: str) -> Iterator[Note]:
    text = (node.text or "").strip()
    node.attrib.pop(_XSI, None)
    for key in list(node.attrib):
        del node.attrib[key]
    ours = translated(text)
    try:
        compile_expression(ours)
        if counted := COUNTED.search(ours):
            raise Invalid(N_("这里没有“%(name)s”。"), name=counted[0])
    except Invalid as error:
        yield Note(
            owner,
            Fate.REFUSED,
            N_("条件“%(text)s”不能换成本系统的表达式：%(reason)s"),
            {"text": text[:80], "reason": Text.of(error.message, error.values)},
        )
        return
    if ours != text:
        node.text = ours
        yield Note(owner, Fate.CHANGED, N_("条件“%(text)s”改写为“%(ours)s”"), {"text": text[:80], "ours": ours[:80]})


def _spelt(node: etree._Element, owner: str) -> Iterator[Note]:
    """Take a name or a time out of the signs that other engines put around it; what it says is looked at later."""
    text = (node.text or "").strip()
    ours = translated(text) if re.match(r"[$#]\{", text) else text
    if ours != text:
        node.text = ours
        yield Note(owner, Fate.CHANGED, N_("“%(text)s”改写为“%(ours)s”"), {"text": text[:80], "ours": ours[:80]})


def translated(text: str) -> str:
    """Return a condition of JUEL, FEEL or Groovy in our expression language, as far as it is only spelt otherwise."""
    found = text.strip()
    if match := re.fullmatch(r"[$#]\{(.*)\}", found, re.S):
        found = match[1].strip()
    found = found.removeprefix("=").strip() if found.startswith("=") and not found.startswith("==") else found
    pieces = re.split(r"('[^']*'|\"[^\"]*\")", found)
    for number in range(0, len(pieces), 2):
        piece = pieces[number].replace("&&", " and ").replace("||", " or ")
        piece = re.sub(r"!(?!=)", " not ", piece)
        piece = re.sub(r"(?<![=!<>])=(?!=)", "==", piece)
        for word, ours in (("eq", "=="), ("ne", "!="), ("gt", ">"), ("lt", "<"), ("ge", ">="), ("le", "<=")):
            piece = re.sub(rf"\b{word}\b", ours, piece)
        piece = re.sub(r"\bnull\b", "None", piece)
        pieces[number] = re.sub(r"[ \t]+", " ", piece)
    return "".join(pieces).strip()


def _flows(scope: etree._Element) -> Iterator[Note]:
    """Repair ways out that other engines guess: a missing default, an implicit split of a task."""
    outgoing: dict[str, list[etree._Element]] = {}
    for flow in scope.iterfind(f"{{{BPMN}}}sequenceFlow"):
        outgoing.setdefault(flow.get("sourceRef", ""), []).append(flow)
    for node in list(scope):
        kind, name = tag(node), node.get("id", "")
        out = outgoing.get(name, [])
        bare = [flow for flow in out if flow.find(f"{{{BPMN}}}conditionExpression") is None]
        if (
            kind in ("exclusiveGateway", "inclusiveGateway")
            and len(out) > 1
            and not node.get("default")
            and len(bare) == 1
        ):
            node.set("default", bare[0].get("id", ""))
            yield Note(name, Fate.CHANGED, N_("没有条件的一条出线定为默认"))
        if (kind in ACTIVITIES or kind in ("startEvent", "intermediateCatchEvent")) and len(out) > 1:
            if len(bare) != len(out):
                yield Note(name, Fate.REFUSED, N_("活动的出线带条件，请改用网关"))
                continue
            gateway = etree.SubElement(scope, f"{{{BPMN}}}parallelGateway", {"id": f"{name}_split"})
            for flow in out:
                flow.set("sourceRef", f"{name}_split")
            for reference in node.findall(f"{{{BPMN}}}outgoing"):
                node.remove(reference)
            etree.SubElement(
                scope,
                f"{{{BPMN}}}sequenceFlow",
                {"id": f"{name}_to_split", "sourceRef": name, "targetRef": gateway.get("id", "")},
            )
            yield Note(name, Fate.CHANGED, N_("有多条出线，其后补了并行网关"))


def _ends(scope: etree._Element) -> Iterator[Note]:
    """Add the start and the ends that the drawing takes for granted."""
    name = scope.get("id", "")
    nodes = [node for node in scope if tag(node) in NODES]
    targets = {flow.get("targetRef") for flow in scope.iterfind(f"{{{BPMN}}}sequenceFlow")}
    sources = {flow.get("sourceRef") for flow in scope.iterfind(f"{{{BPMN}}}sequenceFlow")}
    if not any(tag(node) == "startEvent" for node in nodes):
        first = [node for node in nodes if node.get("id") not in targets and tag(node) != "boundaryEvent"]
        if len(first) == 1:
            _join(scope, "startEvent", f"{name}_start", first[0].get("id", ""), starts=True)
            yield Note(name, Fate.CHANGED, N_("没有开始事件，已补"))
    if not any(tag(node) == "endEvent" for node in nodes):
        for node in nodes:
            if node.get("id") not in sources:
                _join(scope, "endEvent", f"{node.get('id')}_end", node.get("id", ""), starts=False)
                yield Note(node.get("id", ""), Fate.CHANGED, N_("没有结束事件，已补"))


def _join(scope: etree._Element, kind: str, event: str, other: str, *, starts: bool) -> None:
    etree.SubElement(scope, f"{{{BPMN}}}{kind}", {"id": event})
    source, target = (event, other) if starts else (other, event)
    etree.SubElement(
        scope, f"{{{BPMN}}}sequenceFlow", {"id": f"{event}_flow", "sourceRef": source, "targetRef": target}
    )


def _runs(name: str, xml: bytes, begin: list[str]) -> Iterator[Note]:
    """Yield why the engine would still refuse what begins with one of `begin`, each with its element, once."""
    seen: set[tuple[str, str]] = set()
    for main in begin:
        try:
            engine.compile(engine.Bundle(main, {name: extraction.only(xml, main)}))
        except NotConforming as error:
            for finding in error.findings:
                if (finding.element, finding.message) not in seen:
                    seen.add((finding.element, finding.message))
                    yield Note(finding.element, Fate.REFUSED, finding.message)
            if not error.findings:
                yield Note(main, Fate.REFUSED, error.message, error.values)
        except Invalid as error:
            yield Note(main, Fate.REFUSED, error.message, error.values)


def _owner(node: etree._Element) -> str:
    """Return the id of the nearest element that has one: what a reader finds in the drawing."""
    found: etree._Element | None = node
    while found is not None and not found.get("id"):
        found = found.getparent()
    return found.get("id", "") if found is not None else ""
