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
}
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
CONDITION, PROPERTIES = f"{{{BPMN}}}conditionExpression", f"{{{CAMUNDA}}}properties"
# These carry other elements; what stands in them is looked at one by one.
_SCOPES = ("process", "subProcess")
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
    if known.kind == "serviceTask" and node.get(SERVICE_TYPE, "external") != "external":
        yield "服务任务的类型(camunda:type)只能是 external"
    for child in node:
        name = child.tag
        if name in known.silent:
            continue
        if name == EXTENSIONS:
            yield from _extensions(child)
        elif name not in known.children and known.kind not in _SCOPES and name.startswith(f"{{{BPMN}}}"):
            yield f"内容 {etree.QName(child).localname} 不会起作用,请删去"
        if name == LOOP:
            yield from ignored(child)
        elif name == CONDITION and (child.get("language") or child.get(f"{{{CAMUNDA}}}resource")):
            yield "条件只能用本系统的表达式,不能另外指定语言或文件"


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
    attributes = {*plain, *(f"{{{BPMN}}}{name}" for name in plain), *(f"{{{CAMUNDA}}}{name}" for name in ours)}
    names = CHILDREN["*"] | CHILDREN.get(kind, set()) | _SAID_ELSEWHERE
    names |= CHILDREN["event"] if kind.endswith("Event") else set()
    names |= CHILDREN["activity"] if kind.lower().endswith("task") or kind == "callActivity" else set()
    children = frozenset(f"{{{BPMN}}}{name}" for name in names)
    return _Known(kind, frozenset(attributes), children, children - {EXTENSIONS, LOOP, CONDITION})


def refused_declarations(definitions: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield (element id, sentence) for what a whole file asks of an engine and this one does not offer."""
    for extension in definitions.iterfind(f"{{{BPMN}}}extension"):
        if extension.get("mustUnderstand") == "true":
            yield extension.get("definition", ""), "文件要求的扩展不能理解"
    for process in definitions.iterfind(f"{{{BPMN}}}process"):
        if process.get("isExecutable") == "false":
            yield process.get("id", ""), "流程标为不可执行(isExecutable)"


def _attribute(key: str, value: str) -> Iterator[str]:
    """Say of an attribute that is not known whether somebody would expect that it does something."""
    name = etree.QName(key)
    if name.namespace in (None, BPMN):
        if DEFAULTS.get(name.localname) != value:
            yield f"属性 {name.localname} 不会起作用,请删去"
    elif name.namespace in ENGINES:
        yield f"属性 {ENGINES[name.namespace]}:{name.localname} 不会起作用,请删去"


def _extensions(holder: etree._Element) -> Iterator[str]:
    for extension in holder:
        if extension.tag == PROPERTIES:
            continue
        name = etree.QName(extension)
        if name.namespace in ENGINES:
            yield f"扩展 {ENGINES[name.namespace]}:{name.localname} 不会起作用,请删去"
