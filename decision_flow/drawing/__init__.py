"""The drawing (BPMN DI) of a process, computed from its model alone."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from lxml import etree

from decision_flow.drawing.layout import Edge, Layout, Node
from decision_flow.engine.markup import tag

B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_SPACES = (
    f'xmlns:bpmndi="{DI}" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
)
LEFT, TOP, BAND = 160, 80, 30
_NODES = ("Task", "Gateway", "Event", "callActivity", "subProcess", "task")

__all__ = ["draw", "is_drawn"]


def draw(root: etree._Element) -> None:
    """Draw the processes of a file anew, in place of whatever drawing it has: left to right, one below the other.

    Several processes need a collaboration to stand in one drawing; a file without one is given it.
    """
    processes = root.findall(f"{B}process")
    if not processes:
        return
    for old in root.findall(f"{{{DI}}}BPMNDiagram"):
        root.remove(old)
    collaboration = root.find(f"{B}collaboration")
    if collaboration is None and len(processes) > 1:
        collaboration = etree.Element(f"{B}collaboration", {"id": "collaboration"})
        for process in processes:
            key, title = process.get("id", ""), process.get("name")
            told = {"id": f"{key}_pool", "processRef": key} | ({"name": title} if title else {})
            etree.SubElement(collaboration, f"{B}participant", told)
        root.insert(0, collaboration)
    pools = {} if collaboration is None else {
        pool.get("processRef", ""): pool.get("id", "") for pool in collaboration.iterfind(f"{B}participant")
    }  # fmt: skip
    name = processes[0].get("id", "")
    plane = collaboration.get("id", "") if collaboration is not None and pools else name
    text, top = "", float(TOP)
    for process in processes:
        more, height = _process(process, pools.get(process.get("id", ""), ""), top)
        text, top = text + more, top + height + TOP
    drawing = etree.fromstring(
        f"<drawn {_SPACES}><bpmndi:BPMNDiagram id={_id('diagram_', name)}>"
        f"<bpmndi:BPMNPlane id={_id('plane_', name)} bpmnElement={_id('', plane)}>{text}</bpmndi:BPMNPlane>"
        "</bpmndi:BPMNDiagram></drawn>"
    )
    root.extend(list(drawing))
    etree.cleanup_namespaces(root, keep_ns_prefixes=[prefix for prefix in root.nsmap if prefix])


def is_drawn(root: etree._Element) -> bool:
    """Whether every node and flow of every process in the file has a place in its drawing, which is one."""
    whole = {child.get("id") for child in root.iterchildren(f"{B}process", f"{B}collaboration")}
    if sum(plane.get("bpmnElement") in whole for plane in root.iter(f"{{{DI}}}BPMNPlane")) > 1:
        return False
    placed = {
        shape.get("bpmnElement")
        for shape in root.iter(f"{{{DI}}}BPMNShape", f"{{{DI}}}BPMNEdge")
        if len(shape)  # bounds or way-points
    }
    return all(
        child.get("id") in placed
        for process in root.iterfind(f"{B}process")
        for child in process.iter(etree.Element)
        if tag(child) == "sequenceFlow" or (tag(child).endswith(_NODES) and tag(child) != "flowNodeRef")
    )


def _process(process: etree._Element, pool: str, top: float) -> tuple[str, float]:
    """Return the drawing of one process, in its pool if it has one, and how high it is."""
    lanes = list(process.iter(f"{B}lane"))
    lane_of = {ref.text or "": lane.get("id", "") for lane in lanes for ref in lane.iterfind(f"{B}flowNodeRef")}
    layout = _scope(process, lane_of, [lane.get("id", "") for lane in lanes])
    text = ""
    if pool:
        text += _shape(pool, _bounds(LEFT, top, layout.width + BAND * 2, layout.height), ' isHorizontal="true"')
    for lane, (y, height) in zip(lanes, layout.lane_y, strict=False):
        wide = _bounds(LEFT + BAND, top + y, layout.width + BAND, height)
        text += _shape(lane.get("id", ""), wide, ' isHorizontal="true"')
    return text + _drawn(layout, LEFT + BAND * 2, top), layout.height


def _scope(element: etree._Element, lane_of: dict[str, str], lanes: list[str]) -> Layout:
    """Lay out a process or the inside of a sub-process."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for child in element.iterchildren(etree.Element):
        kind, name = tag(child), child.get("name") or ""
        if kind == "sequenceFlow":
            edges.append(Edge(child.get("id", ""), child.get("sourceRef", ""), child.get("targetRef", ""), name))
        elif kind.endswith(_NODES):
            inner = _scope(child, {}, []) if kind == "subProcess" else None
            lane = lane_of.get(child.get("id", ""), lanes[0] if lanes else "")
            nodes.append(Node(child.get("id", ""), kind, name, lane, child.get("attachedToRef") or "", inner))
    known = {node.id for node in nodes}
    return Layout(nodes, [edge for edge in edges if edge.source in known and edge.target in known], lanes)


def _bounds(x: float, y: float, width: float, height: float) -> str:
    return f'<dc:Bounds x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"/>'


def _id(prefix: str, key: str, suffix: str = "") -> str:
    """Return an id as a quoted attribute: that of a stranger's file may hold anything."""
    return quoteattr(f"{prefix}{key}{suffix}")


def _shape(key: str, box: str, more: str = "", label: str = "") -> str:
    inner = f"<bpmndi:BPMNLabel>{label}</bpmndi:BPMNLabel>" if label else ""
    head = f"id={_id('', key, '_di')} bpmnElement={_id('', key)}"
    return f"<bpmndi:BPMNShape {head}{more}>{box}{inner}</bpmndi:BPMNShape>"


def _drawn(layout: Layout, dx: float, dy: float) -> str:
    """Return shapes and edges of a scope whose upper left corner stands at (dx, dy)."""
    text = ""
    for node in layout.nodes.values():
        width, height = node.size
        x, y = dx + node.x - width / 2, dy + node.y - height / 2
        more = ' isMarkerVisible="true"' if node.kind == "exclusiveGateway" else ""
        more = ' isExpanded="true"' if node.inner else more
        label = ""
        if node.labelled:
            lx, ly, lw, lh = node.label()
            label = _bounds(dx + lx, dy + ly, lw, lh)
        text += _shape(node.id, _bounds(x, y, width, height), more, label)
        if node.inner:
            text += _drawn(node.inner, x, y)
    for edge in layout.edges:
        points = "".join(f'<di:waypoint x="{dx + x:.0f}" y="{dy + y:.0f}"/>' for x, y in edge.points)
        label = ""
        if edge.name and edge.at:
            box = _bounds(dx + edge.at[0], dy + edge.at[1], *edge.box)
            label = f"<bpmndi:BPMNLabel>{box}</bpmndi:BPMNLabel>"
        head = f"id={_id('', edge.id, '_di')} bpmnElement={_id('', edge.id)}"
        text += f"<bpmndi:BPMNEdge {head}>{points}{label}</bpmndi:BPMNEdge>"
    return text
