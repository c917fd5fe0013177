"""Reads the XML of a stranger: no entities, no network, no document types, and bounds on all of it."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from decision_flow.engine.ignored import BPMN, CAMUNDA
from decision_flow.errors import N_, Invalid

NS = {"bpmn": BPMN, "camunda": CAMUNDA}
MAX_BYTES = 4_000_000
MAX_ELEMENTS = 20_000
# To read one of many attributes takes a look at all before it.
_TOO_WIDE = etree.XPath("boolean(//*[count(@*) > 200])")
# Larger files are read anew each time: what is remembered stays small.
MAX_REMEMBERED = 500_000

GATEWAYS = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway")
ACTIVITIES = (
    "userTask", "manualTask", "task", "serviceTask", "businessRuleTask", "sendTask", "receiveTask",
    "callActivity", "subProcess",
)  # fmt: skip
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
NODES = (*GATEWAYS, *ACTIVITIES, *EVENTS)
PREFIX = f"{{{BPMN}}}"
PROCESS, FLOW, CONDITION = f"{PREFIX}process", f"{PREFIX}sequenceFlow", f"{PREFIX}conditionExpression"
ROLES = f"{{{CAMUNDA}}}candidateGroups"
EXTENSIONS, PROPERTIES, PROPERTY = f"{PREFIX}extensionElements", f"{{{CAMUNDA}}}properties", f"{{{CAMUNDA}}}property"
LOOP, STANDARD_LOOP = f"{PREFIX}multiInstanceLoopCharacteristics", f"{PREFIX}standardLoopCharacteristics"


def parse_xml(name: str, content: bytes) -> etree._Element:
    """Parse XML without entities, network or document types. Raises `Invalid` naming the file."""
    if len(content) > MAX_BYTES:
        raise Invalid(N_("文件“%(name)s”超过%(limit)s字节，不能使用。"), name=name, limit=MAX_BYTES)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or "<!DOCTYPE".encode("utf-16-le") in content:
        raise Invalid(N_("文件“%(name)s”含有文档类型声明，出于安全不能使用。"), name=name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(N_("文件“%(name)s”不是有效的XML:%(reason)s"), name=name, reason=str(error)) from error
    if tree.getroottree().docinfo.doctype:
        raise Invalid(N_("文件“%(name)s”含有文档类型声明，出于安全不能使用。"), name=name)
    if _TOO_WIDE(tree):
        raise Invalid(N_("文件“%(name)s”过大，不能使用。"), name=name)
    if content.count(b"<") > MAX_ELEMENTS * 10 and sum(1 for _ in tree.iter()) > MAX_ELEMENTS * 10:
        raise Invalid(N_("文件“%(name)s”过大，不能使用。"), name=name)
    return tree


def tag(node: etree._Element) -> str:
    """Return the BPMN tag of `node`, or an empty text for foreign elements."""
    name = node.tag
    return name[len(PREFIX) :] if isinstance(name, str) and name.startswith(PREFIX) else ""


def properties_of(node: etree._Element) -> dict[str, str]:
    """Return the `camunda:property` pairs that stand directly on `node`."""
    return {
        entry.get("name", ""): entry.get("value", "")
        for holder in node.iterchildren(EXTENSIONS)
        for properties in holder.iterchildren(PROPERTIES)
        for entry in properties.iterchildren(PROPERTY)
    }


def roles_of(node: etree._Element) -> tuple[str, ...]:
    """Return the roles of `camunda:candidateGroups`."""
    told = node.get(ROLES)
    return tuple(part.strip() for part in told.split(",") if part.strip()) if told else ()


def camunda(node: etree._Element, name: str) -> str | None:
    """Return a `camunda:` attribute of `node`."""
    value: str | None = node.get(f"{{{CAMUNDA}}}{name}")
    return value


def tree_of(name: str, content: bytes) -> etree._Element:
    """Return the tree of a diagram, its flows numbered. It is shared by all who read the file: only to be looked at.

    Raises `Invalid` as `parse_xml` does.
    """
    return _small_tree(name, content) if len(content) <= MAX_REMEMBERED else _numbered(name, content)


@lru_cache(maxsize=32)
def _small_tree(name: str, content: bytes) -> etree._Element:
    return _numbered(name, content)


def _numbered(name: str, content: bytes) -> etree._Element:
    tree = parse_xml(name, content)
    for process in tree.iterchildren(PROCESS):
        _number_flows(process)
    return tree


def _number_flows(process: etree._Element) -> None:
    """Give flows without an id one: the library would drop them and finish early (trap 10)."""
    for number, flow in enumerate(process.iter(FLOW)):
        if not flow.get("id"):
            flow.set("id", f"{process.get('id')}_flow_{number}")
