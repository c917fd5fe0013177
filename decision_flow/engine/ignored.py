"""What the engine would pass over in silence, and is therefore refused by name.

BPMN and the Camunda namespace say many things that other engines act on and this one does not: a listener,
an assignee, a mapping of variables, a data input. An office that draws one would believe that it happens.
So every attribute and every child of an element is either on the lists below, because it is honoured or
says nothing about the run, or it is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from decision_flow.errors import N_, Text

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"

# Names and drawings say nothing about the run; the rest is honoured.
ATTRIBUTES = {
    "*": {"id", "name"},
    "process": {"isExecutable", "processType", "isClosed"},
    "sequenceFlow": {"sourceRef", "targetRef"},
    "callActivity": {"calledElement"},
    "subProcess": {"triggeredByEvent"},
    "boundaryEvent": {"attachedToRef", "cancelActivity"},
    "sendTask": {"messageRef"},
    "receiveTask": {"messageRef"},
    "exclusiveGateway": {"default", "gatewayDirection"},
    "inclusiveGateway": {"default", "gatewayDirection"},
    "parallelGateway": {"gatewayDirection"},
    "eventBasedGateway": {"gatewayDirection", "eventGatewayType"},
    "multiInstanceLoopCharacteristics": {"isSequential"},
    "messageEventDefinition": {"messageRef"},
    "signalEventDefinition": {"signalRef"},
}
# What is said by yes or no. The schema knows 1 and 0 too, but who reads a drawing does not.
BOOLEANS = ("isForCompensation", "triggeredByEvent", "cancelActivity", "isSequential")
# An attribute that only repeats what holds anyway.
DEFAULTS = {
    "isForCompensation": "false", "startQuantity": "1", "completionQuantity": "1", "instantiate": "false",
    "implementation": "##unspecified", "isInterrupting": "true", "parallelMultiple": "false",
    "isImmediate": "true", "behavior": "All", "triggeredByEvent": "false",
}  # fmt: skip
CAMUNDA_ATTRIBUTES = {
    "userTask": {"formKey", "candidateGroups"},
    "manualTask": {"formKey", "candidateGroups"},
    "task": {"formKey", "candidateGroups"},
    # The form of a start event is what a linked matter of this procedure is begun with.
    "startEvent": {"formKey"},
    "serviceTask": {"type", "topic"},
    "businessRuleTask": {"decisionRef", "resultVariable"},
    "multiInstanceLoopCharacteristics": {"collection", "elementVariable"},
    # Modellers write these by themselves. The trail is never thinned out, and versions are our own.
    "process": {"historyTimeToLive", "versionTag"},
}
CHILDREN = {
    "*": {"documentation", "extensionElements", "incoming", "outgoing"},
    "sequenceFlow": {"conditionExpression"},
    "multiInstanceLoopCharacteristics": {
        "loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem", "completionCondition",
    },
    "timerEventDefinition": {"timeDate", "timeDuration", "timeCycle"},
    "event": {
        "messageEventDefinition", "signalEventDefinition", "timerEventDefinition", "terminateEventDefinition",
    },
    "activity": {"multiInstanceLoopCharacteristics"},
}  # fmt: skip
# Extensions of engines: whoever draws them expects that something happens. Others are annotations of tools.
ENGINES = {
    CAMUNDA: "camunda",
    "http://camunda.org/schema/zeebe/1.0": "zeebe",
    "http://activiti.org/bpmn": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://www.jboss.org/drools": "drools",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "spiffworkflow",
}
EXTENSIONS, LOOP = f"{{{BPMN}}}extensionElements", f"{{{BPMN}}}multiInstanceLoopCharacteristics"
SERVICE_TYPE = f"{{{CAMUNDA}}}type"
PROPERTIES = f"{{{CAMUNDA}}}properties"
EXPRESSIONS = frozenset(
    f"{{{BPMN}}}{name}" for name in ("conditionExpression", "completionCondition", "timeDate", "timeDuration")
)
# These are looked into as their elements are.
LOOKED_INTO = frozenset({LOOP, *(f"{{{BPMN}}}{name}" for name in CHILDREN["event"])})
# These carry other elements; what stands in them is looked at one by one.
_SCOPES = ("process", "subProcess")
# Whole models of another kind, which nothing here plays.
ELSEWHERE = {
    "choreography", "globalChoreographyTask", "conversation", "globalConversation", "globalTask", "globalUserTask",
    "globalManualTask", "globalScriptTask", "globalBusinessRuleTask",
}  # fmt: skip
# Looked at elsewhere, with a sentence of their own.
_SAID_ELSEWHERE = {
    "isForCompensation", "triggeredByEvent", "standardLoopCharacteristics", "linkEventDefinition",
    "compensateEventDefinition", "errorEventDefinition", "cancelEventDefinition", "conditionalEventDefinition",
    "escalationEventDefinition",
}  # fmt: skip


def ignored(node: etree._Element) -> Iterator[str]:
    """Yield a sentence for each attribute, child and extension of `node` that the engine does not act on."""
    known = _known(node.tag)
    if not known.attributes.issuperset(node.keys()):
        for name, value in node.items():
            if name not in known.attributes:
                yield from _attribute(str(name), value)
    for name in BOOLEANS:
        if node.get(name, "true") not in ("true", "false"):
            yield Text.of(N_("属性 %s 只能写 true 或 false"), name)
    if known.kind == "serviceTask" and node.get(SERVICE_TYPE, "external") != "external":
        yield N_("服务任务的类型（camunda:type）只能是 external")
    once: set[str] = set()
    for child in node:
        name = child.tag
        if name in known.silent:
            continue
        if name == EXTENSIONS:
            yield from _extensions(child)
        elif not name.startswith(f"{{{BPMN}}}"):
            yield Text.of(N_("内容 %s 不属于BPMN，不会起作用，请删去"), name.rpartition("}")[2])
        elif name not in known.children and known.kind not in _SCOPES:
            yield Text.of(N_("内容 %s 不会起作用，请删去"), etree.QName(child).localname)
        elif name in once:
            yield Text.of(N_("内容 %s 只能有一个，请删去多余的"), etree.QName(child).localname)
        if name in LOOKED_INTO:
            once.add(name)
            yield from ignored(child)
        elif name in EXPRESSIONS:
            once.add(name)
            if child.get("language") or child.get(f"{{{CAMUNDA}}}resource"):
                yield N_("条件只能用本系统的表达式，不能另外指定语言或文件")
            if len(child):
                yield N_("表达式中夹有其他内容，会被截断，请只写文字")


class _Known(NamedTuple):
    """What an element of a kind may have: attributes, whatever their values, and children of BPMN.

    Of `silent` children nothing more is to be said.
    """

    kind: str
    attributes: frozenset[str]
    children: frozenset[str]
    silent: frozenset[str]


@lru_cache(maxsize=64)
def _known(tag: str) -> _Known:
    """Return what is known of the elements of one kind."""
    kind = etree.QName(tag).localname
    plain = ATTRIBUTES["*"] | ATTRIBUTES.get(kind, set()) | _SAID_ELSEWHERE
    ours = CAMUNDA_ATTRIBUTES.get(kind, set())
    attributes = {*plain, *(f"{{{CAMUNDA}}}{name}" for name in ours)}
    names = CHILDREN["*"] | CHILDREN.get(kind, set()) | _SAID_ELSEWHERE
    names |= CHILDREN["event"] if kind.endswith("Event") else set()
    names |= CHILDREN["activity"] if kind.lower().endswith("task") or kind == "callActivity" else set()
    children = frozenset(f"{{{BPMN}}}{name}" for name in names)
    return _Known(kind, frozenset(attributes), children, children - {EXTENSIONS} - LOOKED_INTO - EXPRESSIONS)


def refused_declarations(definitions: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield (element id, sentence) for what a whole file asks of an engine and this one does not offer."""
    for child in definitions:
        if child.tag.startswith(f"{{{BPMN}}}") and etree.QName(child).localname in ELSEWHERE:
            told = Text.of(N_("不支持的元素 %s，请删去"), etree.QName(child).localname)
            yield child.get("id") or etree.QName(child).localname, told
    for extension in definitions.iterfind(f"{{{BPMN}}}extension"):
        if extension.get("mustUnderstand", "false") != "false":
            yield extension.get("definition", ""), N_("文件要求的扩展不能理解，请删去")
    for process in definitions.iterfind(f"{{{BPMN}}}process"):
        if process.get("isExecutable", "true") != "true":
            yield process.get("id", ""), N_("流程标为不可执行，请把 isExecutable 改为 true")


def _attribute(key: str, value: str) -> Iterator[str]:
    """Say of an attribute that is not known whether somebody would expect that it does something."""
    name = etree.QName(key)
    if name.namespace in (None, BPMN):
        if DEFAULTS.get(name.localname) != value:
            yield Text.of(N_("属性 %s 不会起作用，请删去"), name.localname)
    elif name.namespace in ENGINES:
        yield Text.of(N_("属性 %s 不会起作用，请删去"), f"{ENGINES[name.namespace]}:{name.localname}")


def _extensions(holder: etree._Element) -> Iterator[str]:
    for extension in holder:
        if extension.tag == PROPERTIES:
            continue
        name = etree.QName(extension)
        if name.namespace in ENGINES:
            yield Text.of(N_("扩展 %s 不会起作用，请删去"), f"{ENGINES[name.namespace]}:{name.localname}")
