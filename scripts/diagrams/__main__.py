"""Writes the drawing (BPMN DI) of the diagrams named, or of all shipped ones, anew from their model."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lxml import etree

from scripts.diagrams.layout import Edge, Layout, Node

B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
SHIPPED = Path(__file__).resolve().parents[2] / "bpmn" / "procedures"
LEFT, TOP, BAND = 160, 80, 30
NODES = ("Task", "Gateway", "Event", "callActivity", "subProcess", "task")


def scope(element: etree._Element, lane_of: dict[str, str], lanes: list[str]) -> Layout:
    """Lay out a process or the inside of a sub-process."""
    nodes, edges = [], []
    for child in element:
        tag = etree.QName(child).localname
        if tag == "sequenceFlow":
            edges.append(Edge(child.get("id"), child.get("sourceRef"), child.get("targetRef"), child.get("name") or ""))
        elif tag.endswith(NODES):
            inner = scope(child, {}, []) if tag == "subProcess" else None
            lane = lane_of.get(child.get("id"), lanes[0] if lanes else "")
            nodes.append(
                Node(child.get("id"), tag, child.get("name") or "", lane, child.get("attachedToRef") or "", inner)
            )
    return Layout(nodes, edges, lanes)


def bounds(x: float, y: float, width: float, height: float) -> str:
    return f'<dc:Bounds x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" />'


def shape(id: str, box: str, more: str = "", label: str = "") -> str:
    inner = f"\n        <bpmndi:BPMNLabel>\n          {label}\n        </bpmndi:BPMNLabel>" if label else ""
    return (
        f'      <bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}"{more}>\n        {box}{inner}\n'
        "      </bpmndi:BPMNShape>\n"
    )


def drawn(layout: Layout, dx: float, dy: float) -> str:
    """Return shapes and edges of a scope whose upper left corner stands at (dx, dy)."""
    text = ""
    for node in layout.nodes.values():
        width, height = node.size
        x, y = dx + node.x - width / 2, dy + node.y - height / 2
        more = ' isMarkerVisible="true"' if node.kind == "exclusiveGateway" else ""
        more = ' isExpanded="true"' if node.inner else more
        lx, ly, lw, lh = node.label()
        label = bounds(dx + lx, dy + ly, lw, lh) if node.labelled else ""
        text += shape(node.id, bounds(x, y, width, height), more, label)
        if node.inner:
            text += drawn(node.inner, x, y)
    for edge in layout.edges:
        points = "".join(f'        <di:waypoint x="{dx + x:.0f}" y="{dy + y:.0f}" />\n' for x, y in edge.points)
        label = ""
        if edge.name and edge.at:
            box = bounds(dx + edge.at[0], dy + edge.at[1], *edge.box)
            label = f"        <bpmndi:BPMNLabel>\n          {box}\n        </bpmndi:BPMNLabel>\n"
        text += f'      <bpmndi:BPMNEdge id="{edge.id}_di" bpmnElement="{edge.id}">\n{points}{label}      </bpmndi:BPMNEdge>\n'
    return text


def diagram(root: etree._Element) -> str:
    """Return the drawing of the one process of a file."""
    process = root.find(f"{B}process")
    name = process.get("id")
    lanes = list(process.iter(f"{B}lane"))
    lane_of = {ref.text: lane.get("id") for lane in lanes for ref in lane.iterfind(f"{B}flowNodeRef")}
    layout = scope(process, lane_of, [lane.get("id") for lane in lanes])
    pool = root.find(f"{B}collaboration/{B}participant")
    plane = root.find(f"{B}collaboration").get("id") if pool is not None else name
    text = ""
    if pool is not None:
        text += shape(pool.get("id"), bounds(LEFT, TOP, layout.width + BAND * 2, layout.height), ' isHorizontal="true"')
    for lane, (y, height) in zip(lanes, layout.lane_y, strict=False):
        text += shape(lane.get("id"), bounds(LEFT + BAND, TOP + y, layout.width + BAND, height), ' isHorizontal="true"')
    text += drawn(layout, LEFT + BAND * 2, TOP)
    return (
        f'  <bpmndi:BPMNDiagram id="diagram_{name}">\n    <bpmndi:BPMNPlane id="plane_{name}" bpmnElement="{plane}">\n'
        f"{text}    </bpmndi:BPMNPlane>\n  </bpmndi:BPMNDiagram>\n"
    )


def redraw(path: Path) -> None:
    """Write a file again: the model line by line as it is, the drawing new."""
    root = etree.parse(str(path), etree.XMLParser(remove_blank_text=True)).getroot()
    drawing = diagram(root)
    for old in root.findall("{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram"):
        root.remove(old)
    etree.indent(root, "  ")
    text = etree.tostring(root, encoding="unicode")
    text = re.sub(r"(?<=[\w\"])/>", " />", text).replace("</bpmn:definitions>", drawing + "</bpmn:definitions>\n")
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + text, "utf-8")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(SHIPPED.glob("*/*.bpmn")):
        redraw(path)
