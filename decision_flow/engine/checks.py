"""What one node of a diagram says that does not run, or not as it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from lxml import etree

from decision_flow.engine.ignored import CAMUNDA, ignored
from decision_flow.engine.markup import (
    ACTIVITIES,
    EVENTS,
    GATEWAYS,
    LOOP,
    PREFIX,
    STANDARD_LOOP,
    camunda,
    properties_of,
    roles_of,
    tag,
)  # fmt: skip
from decision_flow.errors import Invalid
from decision_flow.expressions import compile_expression
from decision_flow.steps import StatutoryStep

# What a task and a timer can bear as columns of a row.
MAX_NAME, MAX_ID = 120, 80
DECIDING = ("exclusiveGateway", "inclusiveGateway")
STEPS = frozenset(StatutoryStep)
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


class Leaving(NamedTuple):
    """A flow that leaves a node."""

    id: str
    target: str
    condition: str | None


Check = Callable[[etree._Element, str, list[Leaving]], Iterable[str]]


# The attribute without which an activity of that kind does nothing.
NEEDED = {
    "serviceTask": (f"{{{CAMUNDA}}}topic", "服务任务没有指定功能(topic)"),
    "businessRuleTask": (f"{{{CAMUNDA}}}decisionRef", "规则任务没有指定决策表(decisionRef)"),
    "callActivity": ("calledElement", "调用活动没有指定被调用的流程"),
    "receiveTask": ("messageRef", "收发任务没有指定消息"),
}


def _check_activity(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    if kind in ("userTask", "manualTask", "task"):
        if len(roles_of(node)) != 1:
            yield "人工任务必须恰好指定一个岗位角色(candidateGroups)"
    elif kind == "sendTask":
        yield "消息不会送到系统之外,请改用服务任务"
    elif kind in NEEDED and not node.get(NEEDED[kind][0]):
        yield NEEDED[kind][1]
    if len(outgoing) > 1:
        yield "活动有多条流出连线,请用网关分支"


def _check_event(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
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


def _check_gateway(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    if kind == "eventBasedGateway":
        yield "事件网关不能可靠运行,请改用边界事件"
    if kind not in DECIDING:
        return
    default = node.get("default")
    if default and all(flow.id != default for flow in outgoing):
        yield f"默认连线 {default} 不是从这里流出的"
    for flow in outgoing:
        if flow.condition and flow.id == default:
            yield f"默认连线 {flow.id} 的条件不会起作用,请删去"
        if flow.condition:
            yield from _uncompiled(flow.condition)
        elif len(outgoing) > 1 and flow.id != default:
            yield f"连线 {flow.id} 没有条件,也不是默认连线"


def _check_node(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    """Look at what any node may say: properties, marks, loops, and conditions on what leaves it."""
    yield from ignored(node)
    if len(node.get("name", "")) > MAX_NAME:
        yield f"名称超过{MAX_NAME}个字,请缩短,细节写进说明"
    if len(node.get("id", "")) > MAX_ID:
        yield f"编号超过{MAX_ID}个字符,请缩短"
    properties = properties_of(node)
    for key in properties.keys() & {"step", "exempts"}:
        if properties[key] and properties[key] not in STEPS:
            yield f"属性 {key} 的值「{properties[key]}」不是法定环节"
    for key in properties.keys() & {"due", "unit", "person"}:
        yield from _uncompiled(properties[key])
    for flow in outgoing:
        if flow.condition is not None and kind not in DECIDING:
            yield "只有排他网关和包容网关的流出连线可以带条件"
    if node.get("isForCompensation") == "true":
        yield "补偿活动会被忽略"
    if node.get("triggeredByEvent") == "true":
        yield "事件子流程不能可靠运行,请改用边界事件"
    for loop in node.iterchildren(STANDARD_LOOP, LOOP):
        yield from _check_loop(loop)


def _check_loop(loop: etree._Element) -> Iterator[str]:
    if loop.tag == STANDARD_LOOP:
        yield "标准循环请画成循环或多实例"
        return
    listed = loop.find(f"{PREFIX}loopDataInputRef") is not None
    if not listed and camunda(loop, "collection") is None:
        yield "多实例必须指定一个列表(loopDataInputRef)"
    if listed and camunda(loop, "collection") is not None:
        yield "多实例指定了两个列表(loopDataInputRef 和 camunda:collection),请留一个"
    yield from _uncompiled(loop.findtext(f"{PREFIX}completionCondition"))


def _uncompiled(text: str | None) -> Iterator[str]:
    """Say what is wrong with an expression, if one stands there."""
    if text:
        try:
            compile_expression(text.strip())
        except Invalid as error:
            yield str(error)


# What runs, and what is looked at in it.
CHECKS: Mapping[str, tuple[Check, ...]] = {
    **dict.fromkeys(GATEWAYS, (_check_node, _check_gateway)),
    **dict.fromkeys(ACTIVITIES, (_check_node, _check_activity)),
    **dict.fromkeys(EVENTS, (_check_node, _check_event)),
}
