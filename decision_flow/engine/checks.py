"""What one node of a diagram says that does not run, or not as it reads."""

from __future__ import annotations

import re
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
from decision_flow.engine.moments import check_timer
from decision_flow.errors import N_, DecisionFlowError, Invalid, Text
from decision_flow.expressions import compile_expression
from decision_flow.steps import StatutoryStep

# What a task and a timer can bear as columns of a row.
MAX_NAME, MAX_ID = 120, 80
DECIDING = ("exclusiveGateway", "inclusiveGateway")
STEPS = frozenset(StatutoryStep)
REFUSED = {
    "scriptTask": N_("脚本任务会运行任意代码，请改用服务任务"),
    "complexGateway": N_("复杂网关不能运行，请改用排他、包容或并行网关"),
    "adHocSubProcess": N_("自由子流程不能运行，请画出先后顺序"),
    "transaction": N_("事务子流程不能运行，请改用子流程"),
    "dataStoreReference": N_("数据存储不能运行，请删去，内容写进表单"),
    "choreographyTask": N_("编排任务不能运行，请删去"),
}
REFUSED_EVENTS = {
    "linkEventDefinition": N_("链接事件会被直接越过，请用连线连接"),
    "compensateEventDefinition": N_("补偿事件会被直接越过，请画出要补做的环节"),
    "errorEventDefinition": N_("错误事件会被直接越过，请改用网关分支"),
    "cancelEventDefinition": N_("取消事件不能运行，请改用终止结束事件"),
    "conditionalEventDefinition": N_("条件事件不能运行，请改用网关分支"),
    "escalationEventDefinition": N_("升级事件不能运行，请改用信号事件"),
}
THROWN = ("intermediateThrowEvent", "endEvent")
# What may set off, or be set off by, an event in its place; everywhere else it would be passed in silence.
TRIGGERS = {
    "intermediateCatchEvent": ("messageEventDefinition", "signalEventDefinition", "timerEventDefinition"),
    "boundaryEvent": ("messageEventDefinition", "signalEventDefinition", "timerEventDefinition"),
    "intermediateThrowEvent": ("signalEventDefinition",),
    "endEvent": ("signalEventDefinition", "terminateEventDefinition"),
}


class Leaving(NamedTuple):
    """A flow that leaves a node."""

    id: str
    target: str
    condition: str | None


_ID = re.compile(r"[\w.\-·]*\Z")
# What the library calls the specifications of its own.
_KEPT = re.compile(r"\A(Start|End|Root)\Z|\.(EndJoin|BoundaryEventSplit|BoundaryEventJoin)\Z")
_PATH = re.compile(r"[^\W\d]\w*(\.\w+)*\Z")
# What the standard and other engines count the instances by.
_COUNTED = re.compile(r"\b(numberOf\w*Instances|nrOf\w*Instances|loopCounter)\b")

Check = Callable[[etree._Element, str, list[Leaving]], Iterable[str]]


# The attribute without which an activity of that kind does nothing.
NEEDED = {
    "serviceTask": (f"{{{CAMUNDA}}}topic", N_("服务任务没有指定功能（topic）")),
    "businessRuleTask": (f"{{{CAMUNDA}}}decisionRef", N_("规则任务没有指定决策表（decisionRef）")),
    "callActivity": ("calledElement", N_("调用活动没有指定被调用的流程")),
    "receiveTask": ("messageRef", N_("收发任务没有指定消息")),
}


def _check_activity(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    if kind in ("userTask", "manualTask", "task"):
        if len(roles_of(node)) != 1:
            yield N_("人工任务必须恰好指定一个岗位角色（candidateGroups）")
    elif kind == "sendTask":
        yield N_("消息不会送到系统之外，请改用服务任务")
    elif kind in NEEDED and not node.get(NEEDED[kind][0]):
        yield NEEDED[kind][1]
    if len(outgoing) > 1:
        yield N_("活动有多条流出连线，请用网关分支")


def _check_event(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    definitions = [tag(child) for child in node if tag(child).endswith("EventDefinition")]
    for name in definitions:
        if name in REFUSED_EVENTS:
            yield REFUSED_EVENTS[name]
        elif kind == "startEvent":
            yield N_("开始事件不能有触发方式：事项由登记开始，或由定时记录开始")
        elif name == "messageEventDefinition" and kind in THROWN:
            yield N_("消息不会送到系统之外，请改用服务任务")
        elif name not in TRIGGERS.get(kind, ()):
            yield Text.of(N_("触发方式 %s 在这种事件上不会起作用，请删去"), name)
    for child in node.iterchildren(f"{PREFIX}timerEventDefinition"):
        yield from _check_timer(child)
    if len(definitions) > 1:
        yield N_("一个事件只能有一种触发方式")
    if kind in ("boundaryEvent", "intermediateCatchEvent") and not definitions:
        yield N_("事件没有触发方式")
    if node.get("cancelActivity") == "false" and any(name != "timerEventDefinition" for name in definitions):
        yield N_("不中断的消息或信号边界事件只会触发一次，请改用中断事件或另一事项")
    if kind != "endEvent" and len(outgoing) != 1:
        yield N_("事件必须有且只有一条流出连线")


def _check_timer(definition: etree._Element) -> Iterator[str]:
    times = [child for child in definition if tag(child) in ("timeDate", "timeDuration")]
    if any(tag(child) == "timeCycle" for child in definition):
        yield N_("循环定时器不能可靠运行，请画成循环")
    elif len(times) != 1 or not (times[0].text or "").strip():
        yield N_("定时器没有写明时间")
    else:
        try:
            check_timer(times[0].text or "")
        except DecisionFlowError as error:
            yield Text.of(error.message, error.values)


def _check_gateway(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    if kind == "eventBasedGateway":
        yield N_("事件网关不能可靠运行，请改用边界事件")
    if kind not in DECIDING:
        return
    default = node.get("default")
    if default and all(flow.id != default for flow in outgoing):
        yield Text.of(N_("默认连线 %s 不是从这里流出的"), default)
    for flow in outgoing:
        if flow.condition and flow.id == default:
            yield Text.of(N_("默认连线 %s 的条件不会起作用，请删去"), flow.id)
        if flow.condition:
            yield from _uncompiled(flow.condition)
        elif len(outgoing) > 1 and flow.id != default:
            yield Text.of(N_("连线 %s 没有条件，也不是默认连线"), flow.id)


def _check_node(node: etree._Element, kind: str, outgoing: list[Leaving]) -> Iterator[str]:
    """Look at what any node may say: properties, marks, loops, and conditions on what leaves it."""
    yield from ignored(node)
    if len(node.get("name", "")) > MAX_NAME:
        yield Text.of(N_("名称超过%s个字，请缩短，细节写进说明"), MAX_NAME)
    if not _ID.match(node.get("id", "")):
        yield N_("编号只能由字母、数字、下划线、连字符和点组成，请改名")
    elif _KEPT.search(node.get("id", "")):
        yield N_("这个编号由系统自己使用，请改名")
    if len(node.get("id", "")) > MAX_ID:
        yield Text.of(N_("编号超过%s个字符，请缩短"), MAX_ID)
    properties = properties_of(node)
    for key in properties.keys() & {"step", "exempts"}:
        if properties[key] and properties[key] not in STEPS:
            yield Text.of(N_("属性 step 或 exempts 的值“%s”不是法定环节"), properties[key])
    for key in properties.keys() & {"due", "unit", "person"}:
        yield from _uncompiled(properties[key])
    for flow in outgoing:
        if flow.condition is not None and kind not in DECIDING:
            yield N_("只有排他网关和包容网关的流出连线可以带条件")
    if node.get("isForCompensation") == "true":
        yield N_("补偿活动会被忽略，请画成普通环节")
    if node.get("triggeredByEvent") == "true":
        yield N_("事件子流程不能可靠运行，请改用边界事件")
    for loop in node.iterchildren(STANDARD_LOOP, LOOP):
        yield from _check_loop(loop)


def _check_loop(loop: etree._Element) -> Iterator[str]:
    if loop.tag == STANDARD_LOOP:
        yield N_("标准循环请画成循环或多实例")
        return
    lists = [text for text in (loop.findtext(f"{PREFIX}loopDataInputRef"), camunda(loop, "collection")) if text]
    if not lists:
        yield N_("多实例必须指定一个列表（loopDataInputRef）")
    if len(lists) > 1:
        yield N_("多实例指定了两个列表（loopDataInputRef 和 camunda:collection），请留一个")
    for text in lists:
        if not _PATH.match(text.strip()):
            yield Text.of(N_("多实例的列表“%s”不是名称，请写成 F04.units 这样的名称"), text.strip())
    condition = loop.findtext(f"{PREFIX}completionCondition")
    if condition and (counted := _COUNTED.search(condition)):
        yield Text.of(N_("多实例的结束条件中没有“%s”这个计数，请改用表单的内容"), counted[0])
    yield from _uncompiled(condition)


def _uncompiled(text: str | None) -> Iterator[str]:
    """Say what is wrong with an expression, if one stands there."""
    if text:
        try:
            compile_expression(text.strip())
        except Invalid as error:
            yield Text.of(error.message, error.values)


# What runs, and what is looked at in it.
CHECKS: Mapping[str, tuple[Check, ...]] = {
    **dict.fromkeys(GATEWAYS, (_check_node, _check_gateway)),
    **dict.fromkeys(ACTIVITIES, (_check_node, _check_activity)),
    **dict.fromkeys(EVENTS, (_check_node, _check_event)),
}
