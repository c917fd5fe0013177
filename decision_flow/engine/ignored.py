"""What the engine would pass over in silence, and is therefore refused by name.

BPMN and the Camunda namespace say many things that other engines act on and this one does not: a listener,
an assignee, a mapping of variables, a data input. An office that draws one would believe that it happens.
So every attribute and every child of an element is either on the lists below, because it is honoured or
says nothing about the run, or it is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    kind = etree.QName(node).localname
    yield from _attributes(node, kind)
    yield from _extensions(node)
    if kind not in _SCOPES:
        allowed = CHILDREN["*"] | CHILDREN.get(kind, set())
        allowed |= CHILDREN["event"] if kind.endswith("Event") else set()
        allowed |= CHILDREN["activity"] if kind.lower().endswith("task") or kind == "callActivity" else set()
        for child in node:
            name = _local(child, BPMN)
            if name and name not in allowed | _SAID_ELSEWHERE:
                yield f"内容 {name} 不会起作用,请删去"
    for child in node:
        name = _local(child, BPMN)
        if name == "multiInstanceLoopCharacteristics":
            yield from ignored(child)
        elif name == "conditionExpression" and (child.get("language") or child.get(f"{{{CAMUNDA}}}resource")):
            yield "条件只能用本系统的表达式,不能另外指定语言或文件"


def refused_declarations(definitions: etree._Element) -> Iterator[tuple[str, str]]:
    """Yield (element id, sentence) for what a whole file asks of an engine and this one does not offer."""
    for extension in definitions.iterfind(f"{{{BPMN}}}extension"):
        if extension.get("mustUnderstand") == "true":
            yield extension.get("definition", ""), "文件要求的扩展不能理解"
    for process in definitions.iterfind(f"{{{BPMN}}}process"):
        if process.get("isExecutable") == "false":
            yield process.get("id", ""), "流程标为不可执行(isExecutable)"


def _attributes(node: etree._Element, kind: str) -> Iterator[str]:
    plain = ATTRIBUTES["*"] | ATTRIBUTES.get(kind, set())
    ours = CAMUNDA_ATTRIBUTES.get(kind, set())
    for key, value in node.attrib.items():
        name = etree.QName(str(key))
        if name.namespace in (None, BPMN):
            known = name.localname in plain | _SAID_ELSEWHERE or DEFAULTS.get(name.localname) == value
        elif name.namespace == CAMUNDA:
            known = name.localname in ours
        else:
            known = name.namespace not in ENGINES
        if not known:
            prefix = f"{ENGINES[name.namespace]}:" if name.namespace in ENGINES else ""
            yield f"属性 {prefix}{name.localname} 不会起作用,请删去"
    if kind == "serviceTask" and node.get(f"{{{CAMUNDA}}}type", "external") != "external":
        yield "服务任务的类型(camunda:type)只能是 external"


def _extensions(node: etree._Element) -> Iterator[str]:
    for holder in node.iterfind(f"{{{BPMN}}}extensionElements"):
        for extension in holder:
            name = etree.QName(extension)
            if name.namespace == CAMUNDA and name.localname == "properties":
                continue
            if name.namespace in ENGINES:
                yield f"扩展 {ENGINES[name.namespace]}:{name.localname} 不会起作用,请删去"


def _local(node: etree._Element, namespace: str) -> str:
    name = etree.QName(node)
    return str(name.localname) if name.namespace == namespace else ""
