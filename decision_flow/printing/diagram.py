"""A BPMN drawing as SVG for paper, with what was passed and what stands now."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from html import escape

from lxml import etree

B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAY = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
FONT = "Noto Sans SC"
LINE, SIZE, SMALL = "#8a94a0", 12, 11
# A drawing is cut where one page would make it too small: each piece has about the proportions of the page.
PAGE, PROPORTION, OVERLAP = 2400, 1.6, 60
# Done is filled, what stands now has a thick border: told apart without colour, too.
PLAIN = 'fill="#ffffff" stroke="#8a94a0" stroke-width="1"'
DONE = 'fill="#dce8f2" stroke="#1f4e79" stroke-width="1.4"'
NOW = 'fill="#fff4d6" stroke="#a15c00" stroke-width="3"'
Box = tuple[float, float, float, float]


def svgs(content: bytes, passed: Mapping[str, int], now: Collection[str]) -> list[str]:
    """Return the drawing in a BPMN file as SVG, cut into pages that can be read; none when the file has no drawing.

    `content` is a published diagram; the pieces overlap a little.
    """
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    elements = {one.get("id"): one for one in root.iter() if isinstance(one.tag, str) and one.get("id")}
    shapes = {shape.get("bpmnElement"): _box(shape) for shape in root.iter(f"{DI}BPMNShape")}
    if not shapes:
        return []
    back, front = [], []
    for key, (box, label) in shapes.items():
        element = elements.get(key)
        if element is None:
            continue
        kind = etree.QName(element).localname
        if kind in ("participant", "lane"):
            back.append(_band(box, element.get("name", ""), kind))
        else:
            style = NOW if key in now else DONE if passed.get(key) else PLAIN
            front.append(_shape(kind, box, label, element.get("name", ""), style))
    for edge in root.iter(f"{DI}BPMNEdge"):
        points = [(float(point.get("x")), float(point.get("y"))) for point in edge.iter(WAY)]
        flow = elements.get(edge.get("bpmnElement"))
        name = flow.get("name", "") if flow is not None else ""
        bounds = edge.find(f"{DI}BPMNLabel/{DC}Bounds")
        back.append(
            _edge(points, name, _bounds(bounds) if bounds is not None else None, edge.get("bpmnElement") in passed)
        )
    boxes = [box for box, _ in shapes.values()]
    left, top = min(box[0] for box in boxes) - 20, min(box[1] for box in boxes) - 20
    width = max(box[0] + box[2] for box in boxes) - left + 20
    height = max(box[1] + box[3] for box in boxes) - top + 40
    arrow = (
        '<defs><marker id="to" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>'
    )
    pages = math.ceil(width / max(PAGE, height * PROPORTION))
    each = width / pages
    return [
        "".join(
            [
                _head(left + number * each - (OVERLAP if number else 0), top, each + OVERLAP, height),
                arrow,
                *back,
                *front,
                "</svg>",
            ]
        )
        for number in range(pages)
    ]


def _head(left: float, top: float, width: float, height: float) -> str:
    box = f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'


def _bounds(bounds: etree._Element) -> Box:
    x, y, width, height = (float(bounds.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, width, height


def _box(shape: etree._Element) -> tuple[Box, Box | None]:
    label = shape.find(f"{DI}BPMNLabel/{DC}Bounds")
    return _bounds(shape.find(f"{DC}Bounds")), _bounds(label) if label is not None else None


def _band(box: Box, name: str, kind: str) -> str:
    x, y, width, height = box
    at = x + 15
    rect = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="{LINE}" stroke-width="0.7"/>'
    turned = f'transform="rotate(-90 {at} {y + height / 2})"'
    return rect + _line(at, y + height / 2 + 4, name, SIZE if kind == "participant" else SMALL, turned)


def _shape(kind: str, box: Box, label: Box | None, name: str, style: str) -> str:
    x, y, width, height = box
    middle, centre = x + width / 2, y + height / 2
    if kind.endswith("Gateway"):
        points = f"{middle},{y} {x + width},{centre} {middle},{y + height} {x},{centre}"
        sign = "○" if kind.startswith("inclusive") else "×"
        drawn = f'<polygon points="{points}" {style}/>' + _line(middle, centre + 7, sign, 20)
    elif kind.endswith("Event"):
        drawn = f'<circle cx="{middle}" cy="{centre}" r="{width / 2}" {style}/>'
        if kind != "startEvent":
            drawn += f'<circle cx="{middle}" cy="{centre}" r="{width / 2 - 3}" fill="none" stroke="{LINE}"/>'
    else:
        inside = 'fill="none" stroke="#8a94a0" stroke-dasharray="6 3"' if kind == "subProcess" else style
        drawn = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" {inside}/>'
        if kind == "callActivity":
            drawn += (
                f'<rect x="{x + 3}" y="{y + 3}" width="{width - 6}" height="{height - 6}" rx="6" fill="none" '
                f'stroke="{LINE}" stroke-width="0.7"/>'
            )
        if kind == "subProcess":
            return drawn + _line(x + 12 + len(name) * SIZE / 2, y + 18, name, SIZE)
        return drawn + _words(name, (x + 4, y, width - 8, height), SIZE)
    return drawn + (_words(name, label, SMALL) if label else "")


def _edge(points: list[tuple[float, float]], name: str, label: Box | None, walked: bool) -> str:
    way = " ".join(f"{x},{y}" for x, y in points)
    colour, thick = ("#1f4e79", 1.8) if walked else (LINE, 1)
    line = f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="{thick}" marker-end="url(#to)"/>'
    return line + (_words(name, label, SMALL) if label and name else "")


def _words(text: str, box: Box, size: float) -> str:
    """Break a text to the width of its box, centred."""
    x, y, width, height = box
    fits = max(2, int(width / size))
    rows = [text[start : start + fits] for start in range(0, len(text), fits)]
    first = y + height / 2 - (len(rows) - 1) * (size + 2) / 2 + size * 0.36
    return "".join(_line(x + width / 2, first + number * (size + 2), row, size) for number, row in enumerate(rows))


def _line(x: float, y: float, text: str, size: float, more: str = "") -> str:
    look = f'font-family="{FONT}" font-size="{size}" text-anchor="middle" fill="#1a1a1a"'
    return f'<text x="{x}" y="{y}" {look} {more}>{escape(text)}</text>'
