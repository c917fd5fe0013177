"""Writes small BPMN models for tests: `Drawing("p").start("s").user("a", role="x").chain("s", "a", "e")`."""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"'
    ' xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    ' id="definitions_{id}" targetNamespace="urn:decision-flow">\n'
)
PROPERTIES = ("step", "exempts", "name_en", "basis", "due", "due_rule", "unit", "person", "hint", "hint_en")


class Node:
    """One flow node with its attributes."""

    def __init__(self, kind: str, id: str, name: str, **attributes: object) -> None:
        self.kind, self.id, self.name, self.attributes = kind, id, name, attributes
        self.incoming: list[str] = []
        self.outgoing: list[str] = []
        self.inner: Drawing | None = None


class Drawing:
    """One process or sub-process, written as BPMN XML."""

    def __init__(self, id: str, name: str = "", **attributes: str) -> None:
        self.id, self.name, self.attributes = id, name or id, attributes
        self.nodes: dict[str, Node] = {}
        self.flows: list[tuple[str, str, str, str, str]] = []
        self.signals: dict[str, str] = {}

    def add(self, kind: str, id: str, name: str = "", **attributes: object) -> Drawing:
        self.nodes[id] = Node(kind, id, name or id, **attributes)
        return self

    def start(self, id: str = "start", name: str = "开始", **attributes: object) -> Drawing:
        return self.add("startEvent", id, name, **attributes)

    def end(self, id: str = "end", name: str = "结束", **attributes: object) -> Drawing:
        return self.add("endEvent", id, name, **attributes)

    def user(self, id: str, name: str = "", role: str = "clerk", **attributes: object) -> Drawing:
        return self.add("userTask", id, name, role=role, **attributes)

    def service(self, id: str, topic: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("serviceTask", id, name, topic=topic, **attributes)

    def rule(self, id: str, table: str, variable: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("businessRuleTask", id, name, table=table, variable=variable, **attributes)

    def xor(self, id: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("exclusiveGateway", id, name, **attributes)

    def fork(self, id: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("parallelGateway", id, name, **attributes)

    def inclusive(self, id: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("inclusiveGateway", id, name, **attributes)

    def call(self, id: str, process: str, name: str = "", **attributes: object) -> Drawing:
        return self.add("callActivity", id, name, process=process, **attributes)

    def sub(self, inner: Drawing, **attributes: object) -> Drawing:
        self.add("subProcess", inner.id, inner.name, **attributes)
        self.nodes[inner.id].inner = inner
        return self

    def timer(self, id: str, text: str, name: str = "", on: str = "", **attributes: object) -> Drawing:
        kind = "boundaryEvent" if on else "intermediateCatchEvent"
        return self.add(kind, id, name, timer=text, on=on, **attributes)

    def signal(self, id: str, signal: str, name: str = "", on: str = "", **attributes: object) -> Drawing:
        kind = "boundaryEvent" if on else "intermediateCatchEvent"
        return self.add(kind, id, name, signal=signal, on=on, **attributes)

    def flow(self, source: str, target: str, condition: str = "", name: str = "") -> Drawing:
        id = f"flow_{self.id}_{len(self.flows) + 1:02d}"
        self.flows.append((id, source, target, condition, name))
        self.nodes[source].outgoing.append(id)
        self.nodes[target].incoming.append(id)
        return self

    def chain(self, *ids: str) -> Drawing:
        for source, target in pairwise(ids):
            self.flow(source, target)
        return self

    def xml(self) -> bytes:
        return (HEAD.format(id=self.id) + self.declarations() + self.process_xml() + "</bpmn:definitions>\n").encode()

    def declarations(self) -> str:
        names = sorted(self.signal_names())
        return "".join(f'  <bpmn:signal id="signal_{name}" name="{name}" />\n' for name in names)

    def signal_names(self) -> set[str]:
        found = {str(node.attributes["signal"]) for node in self.nodes.values() if node.attributes.get("signal")}
        for node in self.nodes.values():
            found |= node.inner.signal_names() if node.inner else set()
        return found

    def process_xml(self, lanes: str = "") -> str:
        head = f'  <bpmn:process id="{self.id}" name={quoteattr(self.name)} isExecutable="true">\n'
        return head + _properties(self.attributes) + lanes + self.body() + "  </bpmn:process>\n"

    def body(self) -> str:
        return "".join(map(self._node, self.nodes.values())) + "".join(map(_flow, self.flows))

    def _node(self, node: Node) -> str:
        told = node.attributes
        head = f'    <bpmn:{node.kind} id="{node.id}" name={quoteattr(node.name)}'
        for key, attribute in (
            ("form", "camunda:formKey"), ("role", "camunda:candidateGroups"), ("topic", "camunda:topic"),
            ("table", "camunda:decisionRef"), ("variable", "camunda:resultVariable"),
            ("process", "calledElement"), ("on", "attachedToRef"), ("default", "default"),
        ):  # fmt: skip
            if told.get(key):
                head += f" {attribute}={quoteattr(str(told[key]))}"
        if node.kind == "serviceTask":
            head += ' camunda:type="external"'
        if node.kind == "boundaryEvent" and told.get("stays"):
            head += ' cancelActivity="false"'
        default = next((flow[0] for flow in self.flows if flow[1] == node.id and flow[3] == "else"), "")
        if default:
            head += f' default="{default}"'
        body = _properties({key: str(told[key]) for key in PROPERTIES if told.get(key)})
        body += "".join(f"      <bpmn:incoming>{flow}</bpmn:incoming>\n" for flow in node.incoming)
        body += "".join(f"      <bpmn:outgoing>{flow}</bpmn:outgoing>\n" for flow in node.outgoing)
        if told.get("each"):
            body += _instances(node)
        if node.inner is not None:
            body += node.inner.body()
        if told.get("timer"):
            body += (
                '      <bpmn:timerEventDefinition><bpmn:timeDate xsi:type="bpmn:tFormalExpression">'
                f"{escape(str(told['timer']))}</bpmn:timeDate></bpmn:timerEventDefinition>\n"
            )
        if told.get("signal"):
            body += f'      <bpmn:signalEventDefinition signalRef="signal_{told["signal"]}" />\n'
        if told.get("terminate"):
            body += "      <bpmn:terminateEventDefinition />\n"
        return f"{head}>\n{body}    </bpmn:{node.kind}>\n"


def _flow(flow: tuple[str, str, str, str, str]) -> str:
    id, source, target, condition, name = flow
    head = f'    <bpmn:sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"'
    if name:
        head += f" name={quoteattr(name)}"
    if not condition or condition == "else":
        return head + " />\n"
    return (
        f'{head}>\n      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">'
        f"{escape(condition)}</bpmn:conditionExpression>\n    </bpmn:sequenceFlow>\n"
    )


def _properties(properties: dict[str, str]) -> str:
    if not properties:
        return ""
    rows = "".join(
        f"          <camunda:property name={quoteattr(key)} value={quoteattr(value)} />\n"
        for key, value in properties.items()
    )
    return (
        "      <bpmn:extensionElements>\n        <camunda:properties>\n"
        f"{rows}        </camunda:properties>\n      </bpmn:extensionElements>\n"
    )


def _instances(node: Node) -> str:
    told = node.attributes
    item, results = told.get("item", "item"), told.get("results", f"{node.id}_results")
    mode = ' isSequential="true"' if told.get("sequential") else ""
    return (
        f"      <bpmn:multiInstanceLoopCharacteristics{mode}>\n"
        f"        <bpmn:loopDataInputRef>{told['each']}</bpmn:loopDataInputRef>\n"
        f"        <bpmn:loopDataOutputRef>{results}</bpmn:loopDataOutputRef>\n"
        f'        <bpmn:inputDataItem id="{node.id}_in" name="{item}" />\n'
        f'        <bpmn:outputDataItem id="{node.id}_out" name="{told.get("variable") or f"{item}_answer"}" />\n'
        "      </bpmn:multiInstanceLoopCharacteristics>\n"
    )
