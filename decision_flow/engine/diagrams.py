"""Reads BPMN files as what they are, documents from a stranger, and refuses by name what does not run.

Everything the library would accept and then silently pass over is refused here, so that what an office
draws is what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from decision_flow.engine.data import Element, Finding, Flow
from decision_flow.engine.ignored import BPMN, CAMUNDA, ignored, refused_declarations
from decision_flow.errors import N_, Invalid, NotConforming
from decision_flow.expressions import compile_expression
from decision_flow.steps import StatutoryStep

NS = {"bpmn": BPMN, "camunda": CAMUNDA}
MAX_BYTES = 4_000_000
MAX_ELEMENTS = 20_000

GATEWAYS = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway")
ACTIVITIES = (
    "userTask", "manualTask", "task", "serviceTask", "businessRuleTask", "sendTask", "receiveTask",
    "callActivity", "subProcess",
)  # fmt: skip
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
NODES = (*GATEWAYS, *ACTIVITIES, *EVENTS)
# Drawn or described, but nothing that a token passes through.
PASSIVE = (
    "sequenceFlow", "laneSet", "textAnnotation", "association", "group", "documentation", "dataObject",
    "dataObjectReference", "extensionElements", "incoming", "outgoing",
    "multiInstanceLoopCharacteristics", "standardLoopCharacteristics",
)  # fmt: skip
REFUSED = {
    "scriptTask": "脚本任务会运行任意代码,请改用服务任务",
    "complexGateway": "复杂网关不能运行",
    "adHocSubProcess": "自由子流程不能运行",
    "transaction": "事务子流程不能运行",
    "dataStoreReference": "数据存储不能运行",
    "choreographyTask": "编排任务不能运行",
}
REFUSED_EVENTS = {
    "linkEventDefinition": "链接事件会被直接越过",
    "compensateEventDefinition": "补偿事件会被直接越过",
    "errorEventDefinition": "错误事件会被直接越过",
    "cancelEventDefinition": "取消事件不能运行",
    "conditionalEventDefinition": "条件事件不能运行",
    "escalationEventDefinition": "升级事件不能运行",
}
RULES = "executable"


@dataclass(frozen=True)
class Diagrams:
    """All files of a bundle, read: trees for the parser, elements and flows for everyone else."""

    trees: Mapping[str, etree._Element]
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    processes: Mapping[str, tuple[str, ...]]


def read(files: Mapping[str, bytes]) -> Diagrams:
    """Return the diagrams of `files` (name -> bytes).

    Raises `Invalid` for XML that cannot be read or is hostile, `NotConforming` with every finding when
    something in it cannot run.
    """
    trees = {name: parse_xml(name, content) for name, content in files.items()}
    findings: list[Finding] = []
    elements: dict[str, Element] = {}
    flows: dict[str, Flow] = {}
    processes: dict[str, tuple[str, ...]] = {}
    for tree in trees.values():
        lanes = _lanes(tree)
        findings += (Finding(RULES, name, reason) for name, reason in refused_declarations(tree))
        for process in tree.iterfind(f"{{{BPMN}}}process"):
            _number_flows(process)
            for scope in _scopes(process):
                findings += _read_scope(scope, process.get("id", ""), lanes, elements, flows, processes)
    if findings:
        raise NotConforming(N_("程序图中有不能运行的内容。"), findings=findings)
    return Diagrams(trees, elements, flows, processes)


def parse_xml(name: str, content: bytes) -> etree._Element:
    """Parse XML without entities, network or document types. Raises `Invalid` naming the file."""
    if len(content) > MAX_BYTES:
        raise Invalid(N_("文件「%(name)s」超过%(limit)s字节,不能使用。"), name=name, limit=MAX_BYTES)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or "<!DOCTYPE".encode("utf-16-le") in content:
        raise Invalid(N_("文件「%(name)s」含有文档类型声明,出于安全不能使用。"), name=name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(N_("文件「%(name)s」不是有效的XML:%(reason)s"), name=name, reason=str(error)) from error
    if tree.getroottree().docinfo.doctype:
        raise Invalid(N_("文件「%(name)s」含有文档类型声明,出于安全不能使用。"), name=name)
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS * 10:
        raise Invalid(N_("文件「%(name)s」过大,不能使用。"), name=name)
    return tree


def tag(node: etree._Element) -> str:
    """Return the BPMN tag of `node`, or an empty text for foreign elements."""
    name = etree.QName(node)
    return name.localname if name.namespace == BPMN else ""


def properties_of(node: etree._Element) -> dict[str, str]:
    """Return the `camunda:property` pairs that stand directly on `node`."""
    found = node.iterfind("bpmn:extensionElements/camunda:properties/camunda:property", NS)
    return {entry.get("name", ""): entry.get("value", "") for entry in found}


def camunda(node: etree._Element, name: str) -> str | None:
    """Return a `camunda:` attribute of `node`."""
    value: str | None = node.get(f"{{{CAMUNDA}}}{name}")
    return value


def _scopes(process: etree._Element) -> Iterator[etree._Element]:
    """Yield the process and every embedded sub-process in it: each is entered and left on its own."""
    yield process
    yield from process.iter(f"{{{BPMN}}}subProcess")


def _lanes(tree: etree._Element) -> dict[str, str]:
    return {
        (reference.text or "").strip(): lane.get("name", "")
        for lane in tree.iter(f"{{{BPMN}}}lane")
        for reference in lane.iterfind("bpmn:flowNodeRef", NS)
    }


def _number_flows(process: etree._Element) -> None:
    """Give flows without an id one: the library would drop them and finish early (trap 10)."""
    for number, flow in enumerate(process.iter(f"{{{BPMN}}}sequenceFlow")):
        if not flow.get("id"):
            flow.set("id", f"{process.get('id')}_flow_{number}")


def _read_scope(
    scope: etree._Element,
    process_id: str,
    lanes: Mapping[str, str],
    elements: dict[str, Element],
    flows: dict[str, Flow],
    processes: dict[str, tuple[str, ...]],
) -> list[Finding]:
    findings: list[Finding] = []
    scope_id = scope.get("id", "")
    inside: list[str] = []
    outgoing: dict[str, list[etree._Element]] = {}
    for flow in scope.iterfind("bpmn:sequenceFlow", NS):
        flows[flow.get("id", "")] = Flow(
            flow.get("id", ""), flow.get("sourceRef", ""), flow.get("targetRef", ""), process_id
        )
        outgoing.setdefault(flow.get("sourceRef", ""), []).append(flow)
        findings += (Finding(RULES, flow.get("id", ""), reason) for reason in ignored(flow))
    if tag(scope) == "process":
        elements[scope_id] = _element(scope, process_id, lanes, findings)
        findings += (Finding(RULES, scope_id, reason) for reason in ignored(scope))
    for node in scope:
        kind = tag(node)
        if not kind or kind in PASSIVE:
            continue
        name = node.get("id", "")
        if kind not in NODES:
            reason = REFUSED.get(kind, f"不支持的元素 {kind}")
            findings.append(Finding(RULES, name, reason))
            continue
        if not name or name in elements:
            findings.append(Finding(RULES, name or scope_id, "元素没有编号,或者编号重复"))
            continue
        elements[name] = _element(node, process_id, lanes, findings)
        inside.append(name)
        findings += (Finding(RULES, name, reason) for reason in ignored(node))
        for check in CHECKS:
            findings += (Finding(RULES, name, reason) for reason in check(node, kind, outgoing.get(name, [])))
    if not any(tag(node) == "startEvent" for node in scope):
        findings.append(Finding(RULES, scope_id, "没有开始事件"))
    if not any(tag(node) == "endEvent" for node in scope):
        findings.append(Finding(RULES, scope_id, "没有结束事件"))
    known = set(inside)
    findings += (
        Finding(RULES, flow.get("id", ""), "连线的起点或终点不在同一层流程中")
        for group in outgoing.values()
        for flow in group
        if flow.get("sourceRef") not in known or flow.get("targetRef") not in known
    )
    findings += _joins_on_loops(scope, outgoing)
    processes[process_id] = (*processes.get(process_id, ()), *inside)
    return findings


def _element(node: etree._Element, process_id: str, lanes: Mapping[str, str], findings: list[Finding]) -> Element:
    properties = properties_of(node)
    name = node.get("id", "")

    def statutory(key: str) -> StatutoryStep | None:
        value = properties.get(key)
        if not value:
            return None
        try:
            return StatutoryStep(value)
        except ValueError:
            findings.append(Finding(RULES, name, f"属性 {key} 的值「{value}」不是法定环节"))
            return None

    for key in ("due", "unit", "person"):
        if properties.get(key):
            try:
                compile_expression(properties[key])
            except Invalid as error:
                findings.append(Finding(RULES, name, str(error)))
    return Element(
        id=name,
        name=(node.get("name") or "").replace("\n", ""),
        kind=tag(node),
        process=process_id,
        name_en=properties.get("name_en", ""),
        lane=lanes.get(name, ""),
        step=statutory("step"),
        exempts=statutory("exempts"),
        form=camunda(node, "formKey"),
        roles=tuple(part.strip() for part in (camunda(node, "candidateGroups") or "").split(",") if part.strip()),
        properties=properties,
    )


Check = Callable[[etree._Element, str, list[etree._Element]], Iterable[str]]


def _check_tasks(node: etree._Element, kind: str, outgoing: list[etree._Element]) -> Iterator[str]:
    if kind in ("userTask", "manualTask", "task"):
        groups = [part for part in (camunda(node, "candidateGroups") or "").split(",") if part.strip()]
        if len(groups) != 1:
            yield "人工任务必须恰好指定一个岗位角色(candidateGroups)"
    if kind == "serviceTask" and not camunda(node, "topic"):
        yield "服务任务没有指定功能(topic)"
    if kind == "businessRuleTask" and not camunda(node, "decisionRef"):
        yield "规则任务没有指定决策表(decisionRef)"
    if kind == "callActivity" and not node.get("calledElement"):
        yield "调用活动没有指定被调用的流程"
    if kind == "sendTask":
        yield "消息不会送到系统之外,请改用服务任务"
    if kind == "receiveTask" and not node.get("messageRef"):
        yield "收发任务没有指定消息"
    if node.get("isForCompensation") == "true":
        yield "补偿活动会被忽略"
    if node.get("triggeredByEvent") == "true":
        yield "事件子流程不能可靠运行,请改用边界事件"
    if kind in ACTIVITIES and len(outgoing) > 1:
        yield "活动有多条流出连线,请用网关分支"


def _check_events(node: etree._Element, kind: str, outgoing: list[etree._Element]) -> Iterator[str]:
    if kind not in EVENTS:
        return
    definitions = [child for child in node if tag(child).endswith("EventDefinition")]
    for definition in definitions:
        name = tag(definition)
        if name in REFUSED_EVENTS:
            yield REFUSED_EVENTS[name]
        if name == "timerEventDefinition":
            yield from _check_timer(definition)
        if name in ("messageEventDefinition", "signalEventDefinition") and not (
            definition.get("messageRef") or definition.get("signalRef")
        ):
            yield "消息或信号事件没有指定名称"
    if len(definitions) > 1:
        yield "一个事件只能有一种触发方式"
    if kind in ("boundaryEvent", "intermediateCatchEvent") and not definitions:
        yield "事件没有触发方式"
    if node.get("cancelActivity") == "false" and any(tag(entry) != "timerEventDefinition" for entry in definitions):
        yield "不中断的消息或信号边界事件只会触发一次,请改用中断事件或另一事项"
    if kind == "startEvent" and definitions:
        yield "开始事件不能有触发方式:事项由登记开始,或由定时记录开始"
    if kind in ("intermediateThrowEvent", "endEvent") and any(
        tag(entry) == "messageEventDefinition" for entry in definitions
    ):
        yield "消息不会送到系统之外,请改用服务任务"
    if kind != "endEvent" and kind != "boundaryEvent" and len(outgoing) != 1:
        yield "事件必须有且只有一条流出连线"
    if kind == "boundaryEvent" and len(outgoing) != 1:
        yield "边界事件必须有且只有一条流出连线"


def _check_timer(definition: etree._Element) -> Iterator[str]:
    times = [child for child in definition if tag(child) in ("timeDate", "timeDuration")]
    if any(tag(child) == "timeCycle" for child in definition):
        yield "循环定时器不能可靠运行,请画成循环"
    elif len(times) != 1 or not (times[0].text or "").strip():
        yield "定时器没有写明时间"


def _check_gateways(node: etree._Element, kind: str, outgoing: list[etree._Element]) -> Iterator[str]:
    if kind == "eventBasedGateway":
        yield "事件网关不能可靠运行,请改用边界事件"
    if kind not in ("exclusiveGateway", "inclusiveGateway"):
        yield from (
            "只有排他网关和包容网关的流出连线可以带条件"
            for flow in outgoing
            if flow.find("bpmn:conditionExpression", NS) is not None
        )
        return
    if node.get("default") and node.get("default") not in {flow.get("id") for flow in outgoing}:
        yield f"默认连线 {node.get('default')} 不是从这里流出的"
    for flow in outgoing:
        condition = flow.findtext("bpmn:conditionExpression", None, NS)
        if condition and flow.get("id") == node.get("default"):
            yield f"默认连线 {flow.get('id')} 的条件不会起作用,请删去"
        if condition:
            try:
                compile_expression(condition.strip())
            except Invalid as error:
                yield str(error)
        elif len(outgoing) > 1 and flow.get("id") != node.get("default"):
            yield f"连线 {flow.get('id')} 没有条件,也不是默认连线"


def _check_loops(node: etree._Element, kind: str, outgoing: list[etree._Element]) -> Iterator[str]:
    if node.find("bpmn:standardLoopCharacteristics", NS) is not None:
        yield "标准循环请画成循环或多实例"
    loop = node.find("bpmn:multiInstanceLoopCharacteristics", NS)
    if loop is None:
        return
    if loop.find("bpmn:loopDataInputRef", NS) is None and camunda(loop, "collection") is None:
        yield "多实例必须指定一个列表(loopDataInputRef)"
    if loop.find("bpmn:loopDataInputRef", NS) is not None and camunda(loop, "collection") is not None:
        yield "多实例指定了两个列表(loopDataInputRef 和 camunda:collection),请留一个"
    condition = loop.findtext("bpmn:completionCondition", None, NS)
    if condition:
        try:
            compile_expression(condition.strip())
        except Invalid as error:
            yield str(error)


CHECKS: tuple[Check, ...] = (_check_tasks, _check_events, _check_gateways, _check_loops)


def _joins_on_loops(scope: etree._Element, outgoing: Mapping[str, list[etree._Element]]) -> list[Finding]:
    """Refuse a parallel or inclusive join that a loop reaches again in the same scope (trap 14).

    The library counts the tokens of earlier rounds there and fires early. The same fork and join in an
    embedded sub-process is entered afresh each round and is right.
    """
    follow = {source: [flow.get("targetRef", "") for flow in group] for source, group in outgoing.items()}
    incoming: dict[str, int] = {}
    for targets in follow.values():
        for target in targets:
            incoming[target] = incoming.get(target, 0) + 1
    for event in scope.iterfind("bpmn:boundaryEvent", NS):
        follow.setdefault(event.get("attachedToRef", ""), []).append(event.get("id", ""))
    return [
        Finding(RULES, node.get("id", ""), "汇合网关在循环上会提前放行,请把分支和汇合放进子流程")
        for node in scope
        if tag(node) in ("parallelGateway", "inclusiveGateway")
        and incoming.get(node.get("id", ""), 0) > 1
        and _reaches_itself(node.get("id", ""), follow)
    ]


def _reaches_itself(start: str, follow: Mapping[str, list[str]]) -> bool:
    seen: set[str] = set()
    stack = list(follow.get(start, ()))
    while stack:
        name = stack.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            stack.extend(follow.get(name, ()))
    return False
