"""Two bundles compared: elements, their properties, forms and tables, in the order a reader asks for them.

Layout is no change. An element is the same one if its id is the same; a process, form or table likewise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from decision_flow.engine import Bundle
from decision_flow.engine.markup import NODES, NS, camunda, parse_xml, properties_of, tag
from decision_flow.errors import N_, Invalid

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# How a reader calls what changed.
KINDS = {
    "process": N_("流程"), "element": N_("环节"), "flow": N_("连线"), "form": N_("表单"), "field": N_("字段"),
    "table": N_("决策表"), "row": N_("行"),
}  # fmt: skip
ASPECTS = {
    "name": N_("名称"), "name_en": N_("英文名称"), "kind": N_("类型"), "role": N_("岗位角色"),
    "form": N_("表单"), "step": N_("法定环节"), "exempts": N_("豁免的环节"), "basis": N_("依据"),
    "due": N_("办理期限"), "due_rule": N_("期限依据"), "hint": N_("办理提示"), "hint_en": N_("英文提示"),
    "unit": N_("办理单位"), "person": N_("办理人"), "process": N_("被调用的流程"), "table": N_("决策表"),
    "topic": N_("系统功能"), "on": N_("附着于"), "interrupts": N_("是否中断"), "timer": N_("等待到"),
    "event": N_("触发方式"), "list": N_("逐项办理的列表"), "sequential": N_("依次办理"), "source": N_("起点"),
    "target": N_("终点"), "condition": N_("条件"), "default": N_("默认连线"), "title": N_("名称"),
    "title_en": N_("英文名称"), "label": N_("名称"),
    "label_en": N_("英文名称"), "type": N_("类型"), "required": N_("必填"), "required_if": N_("必填条件"),
    "visible_if": N_("显示条件"), "options": N_("选项"), "help": N_("填写说明"), "policy": N_("命中策略"),
    "description": N_("说明"), "inputs": N_("输入列"), "outputs": N_("输出列"), "checks": N_("检查"),
}  # fmt: skip


@dataclass(frozen=True)
class Detail:
    """One property of a thing before and after; "" when it had or has none."""

    aspect: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One difference. `what` is process, element, flow, form, field, table or row; `within` what it belongs to."""

    kind: str
    what: str
    id: str
    name: str
    within: str
    details: tuple[Detail, ...] = ()
    role: str = ""


@dataclass(frozen=True)
class _Thing:
    what: str
    within: str
    name: str
    aspects: Mapping[str, str]


def compare(before: Bundle, after: Bundle) -> tuple[Change, ...]:
    """Return how `after` differs from `before`. Files that cannot be read are passed over."""
    old, new = dict(_things(before)), dict(_things(after))
    found: list[Change] = []
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        thing = now or was
        assert thing is not None
        # What belongs to something that came or went as a whole is not told again.
        if thing.what in ("element", "flow") and (("process", thing.within) in old) != (
            ("process", thing.within) in new
        ):
            continue
        if thing.what == "field" and (("form", thing.within) in old) != (("form", thing.within) in new):
            continue
        if thing.what == "row" and (("table", thing.within) in old) != (("table", thing.within) in new):
            continue
        kind = CHANGED
        details: tuple[Detail, ...] = ()
        if was is None or now is None:
            kind = ADDED if was is None else REMOVED
        else:
            details = _details(was.aspects, now.aspects)
            if not details:
                continue
        role = thing.aspects.get("role", "")
        found.append(Change(kind, thing.what, key[1], thing.name, thing.within, details, role))
    return tuple(found)


def roles_concerned(before: Bundle | None, after: Bundle) -> frozenset[str]:
    """Return the roles whose tasks came, went or changed; without `before`, all that have a task."""
    if before is None:
        things = (thing for _, thing in _things(after))
        return frozenset(thing.aspects["role"] for thing in things if thing.aspects.get("role"))
    found: set[str] = set()
    for change in compare(before, after):
        found.add(change.role)
        found.update(
            value for detail in change.details if detail.aspect == "role" for value in (detail.before, detail.after)
        )
        if change.what in ("form", "field"):
            form = change.id if change.what == "form" else change.within
            found.update(
                thing.aspects.get("role", "") for _, thing in _things(after) if thing.aspects.get("form") == form
            )
    return frozenset(found - {""})


def _details(was: Mapping[str, str], now: Mapping[str, str]) -> tuple[Detail, ...]:
    # A flow that leads to a step with a new name leads where it led: ends are compared by id, told by name.
    return tuple(
        Detail(name, was.get(name, ""), now.get(name, ""))
        for name in dict.fromkeys((*now, *was))
        if not name.startswith("_") and was.get(f"_{name}", was.get(name, "")) != now.get(f"_{name}", now.get(name, ""))
    )


def _things(bundle: Bundle) -> Iterator[tuple[tuple[str, str], _Thing]]:
    for name, content in sorted(bundle.bpmn.items()):
        try:
            tree = parse_xml(name, content)
        except Invalid:
            continue
        for process in tree.iterfind("bpmn:process", NS):
            yield from _process(process)
    for name, content in sorted(bundle.forms.items()):
        yield from _form(name, content)
    for name, content in sorted(bundle.dmn.items()):
        try:
            tree = parse_xml(name, content)
        except Invalid:
            continue
        for decision in tree.iter("{*}decision"):
            yield from _table(decision)


def _process(process: etree._Element) -> Iterator[tuple[tuple[str, str], _Thing]]:
    key, name = process.get("id", ""), process.get("name") or process.get("id", "")
    yield ("process", key), _Thing("process", "", name, {"name": name})
    names = {
        node.get("id", ""): node.get("name") or node.get("id", "") for node in process.iter() if tag(node) in NODES
    }
    defaults = {node.get("default") for node in process.iter() if node.get("default")}
    for node in process.iter():
        kind = tag(node)
        if kind in NODES:
            yield (kind and "element", node.get("id", "")), _Thing("element", key, _called(node), _aspects(node, kind))
        elif kind == "sequenceFlow":
            source, target = (names.get(node.get(end, ""), "") for end in ("sourceRef", "targetRef"))
            told = {
                "name": node.get("name") or "", "source": source, "target": target,
                "_source": node.get("sourceRef"), "_target": node.get("targetRef"),
                "condition": (node.findtext("bpmn:conditionExpression", "", NS) or "").strip(),
                "default": "true" if node.get("id") in defaults else "",
            }  # fmt: skip
            yield ("flow", node.get("id", "")), _Thing("flow", key, f"{source} → {target}", _filled(told))


def _aspects(node: etree._Element, kind: str) -> dict[str, str]:
    loop = node.find("bpmn:multiInstanceLoopCharacteristics", NS)
    told: dict[str, str | None] = {
        "kind": kind,
        "name": (node.get("name") or "").replace("\n", ""),
        "role": camunda(node, "candidateGroups"),
        "form": camunda(node, "formKey"),
        **properties_of(node),
        "process": node.get("calledElement"),
        "table": camunda(node, "decisionRef"),
        "topic": camunda(node, "topic"),
        "on": node.get("attachedToRef"),
        "interrupts": node.get("cancelActivity"),
    }
    for child in node:
        if tag(child) == "timerEventDefinition":
            told["timer"] = "".join((inner.text or "").strip() for inner in child)
        elif tag(child).endswith("EventDefinition"):
            told["event"] = child.get("signalRef") or child.get("messageRef") or tag(child)
    if loop is not None:
        told["list"] = loop.findtext("bpmn:loopDataInputRef", None, NS) or camunda(loop, "collection")
        told["sequential"] = loop.get("isSequential")
    return _filled(told)


def _filled(told: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in told.items() if value}


def _called(node: etree._Element) -> str:
    return str(node.get("name") or node.get("id", "")).replace("\n", "")


def _form(name: str, content: bytes) -> Iterator[tuple[tuple[str, str], _Thing]]:
    try:
        told = tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return
    key = str(told.get("id", name))
    head = {entry: _text(value) for entry, value in told.items() if entry not in ("fields",)}
    yield ("form", key), _Thing("form", "", str(told.get("title", key)), head)
    fields = told.get("fields", [])
    for entry in fields if isinstance(fields, list) else []:
        if isinstance(entry, dict):
            aspects = {aspect: _text(value) for aspect, value in entry.items()}
            label = str(entry.get("label", entry.get("name", "")))
            yield ("field", f"{key}.{entry.get('name', '')}"), _Thing("field", key, label, aspects)


def _table(decision: etree._Element) -> Iterator[tuple[tuple[str, str], _Thing]]:
    table = decision.find("{*}decisionTable")
    if table is None:
        return
    key, name = decision.get("id", ""), decision.get("name") or decision.get("id", "")
    inputs = [(entry.findtext("{*}inputExpression/{*}text") or "").strip() for entry in table.iterfind("{*}input")]
    outputs = [entry.get("name", "") for entry in table.iterfind("{*}output")]
    head = {"name": name, "policy": table.get("hitPolicy", "UNIQUE"), "inputs": "、".join(inputs)}
    yield ("table", key), _Thing("table", "", name, {**head, "outputs": "、".join(outputs)})
    for number, row in enumerate(table.iterfind("{*}rule"), 1):
        cells = [(entry.findtext("{*}text") or "").strip() for entry in row.iterfind("{*}inputEntry")]
        results = [(entry.findtext("{*}text") or "").strip() for entry in row.iterfind("{*}outputEntry")]
        told = {"description": row.findtext("{*}description") or ""}
        told |= {f"{label}": cell for label, cell in zip(inputs, cells, strict=False)}
        told |= {f"→ {label}": cell for label, cell in zip(outputs, results, strict=False)}
        yield ("row", f"{key}.{row.get('id', number)}"), _Thing("row", key, str(number), told)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, list):
        return "、".join(_text(entry) for entry in value)
    if isinstance(value, dict):
        return " ".join(_text(entry) for entry in value.values())
    return str(value)
