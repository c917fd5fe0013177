"""Draws the counterexamples as small pictures for the pages of the rules: `python -m scripts.diagrams.pictures`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from decision_flow import loose_files
from decision_flow.drawing.layout import CHARACTER, LINE, measure
from decision_flow.engine import Bundle
from decision_flow.engine.markup import camunda, properties_of
from decision_flow.resources import BPMN
from decision_flow.roles import ROLES
from decision_flow.verification import Report, policy

FOLDER = BPMN / "counterexamples"
PAGES = Path(__file__).resolve().parents[2] / "docs" / "rules"
B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAY = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
MARGIN = 12
STYLE = (
    "text{font:12px 'Noto Sans CJK SC','Microsoft YaHei',sans-serif;text-anchor:middle;fill:#1f2933}"
    ".s{font-size:9px;fill:#52606d}.n{fill:#fff;stroke:#1f2933;stroke-width:1.4}.e{stroke-width:3}.f{fill:none;stroke:#52606d;stroke-width:1.2}"
    ".m{fill:none;stroke:#1f2933;stroke-width:1.8}.way .n,.way .m{stroke:#b45309;stroke-width:2.4}"
    ".bad .n{fill:#fee2e2;stroke:#b91c1c;stroke-width:2.6}.bad .m{stroke:#b91c1c}.bad.f{stroke:#b91c1c;stroke-width:2.2}"
)
MARKS = {
    "exclusiveGateway": "M-7,-7 7,7 M7,-7 -7,7", "parallelGateway": "M-9,0 9,0 M0,-9 0,9",
    "inclusiveGateway": "M0,-9 A9,9 0 1 0 0.1,-9",
}  # fmt: skip


def counterexample(folder: Path, side: str) -> tuple[Bundle, Report]:
    """Return the model `side` (wrong or right) of a rule's folder, and what the verifier says of it."""
    [case] = loose_files.cases([folder / f"{side}.bpmn"])
    own = folder / "policy.toml"
    return case.bundle, case.judge(policy.load(own) if own.is_file() else policy.default())


def picture(content: bytes, wrong: Collection[str] = (), way: Collection[str] = ()) -> str:
    """Return the drawing of a BPMN file as SVG: what is wrong in red, the way there in brown."""
    root = etree.fromstring(content)
    elements = {node.get("id"): node for node in root.iter() if str(node.tag).startswith(B)}
    boxes = list(root.iter(f"{DC}Bounds"))
    right = max(float(box.get("x")) + float(box.get("width")) for box in boxes)
    low = max(float(box.get("y")) + float(box.get("height")) for box in boxes)
    points = [(float(one.get("x")), float(one.get("y"))) for one in root.iter(WAY)]
    left = min([float(box.get("x")) for box in boxes] + [x for x, _ in points]) - MARGIN
    top = min([float(box.get("y")) for box in boxes] + [y for _, y in points]) - MARGIN
    width, height = (
        max([right, *(x for x, _ in points)]) + MARGIN - left,
        max([low, *(y for _, y in points)]) + MARGIN - top,
    )
    parts = [*_flows(root, elements, wrong), *_shapes(root, elements, wrong, way)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">\n<style>{STYLE}</style>\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 8,4 0,8z" fill="#52606d"/></marker></defs>\n'
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _flows(root: etree._Element, elements: dict[str, etree._Element], wrong: Collection[str]) -> Iterator[str]:
    for edge in root.iter(f"{DI}BPMNEdge"):
        name = edge.get("bpmnElement")
        points = " ".join(f"{float(one.get('x')):.0f},{float(one.get('y')):.0f}" for one in edge.iter(WAY))
        bad = " bad" if name in wrong else ""
        yield f'<polyline class="f{bad}" points="{points}" marker-end="url(#a)"/>'
        yield from _label(edge, elements[name].get("name") or "")


def _shapes(
    root: etree._Element, elements: dict[str, etree._Element], wrong: Collection[str], way: Collection[str]
) -> Iterator[str]:
    for shape in root.iter(f"{DI}BPMNShape"):
        node = elements[shape.get("bpmnElement")]
        kind, name = etree.QName(node).localname, node.get("name") or ""
        box = shape.find(f"{DC}Bounds")
        x, y, width, height = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        middle, centre = x + width / 2, y + height / 2
        mark = "bad" if node.get("id") in wrong else "way" if node.get("id") in way else ""
        yield f'<g class="{mark}">'
        if kind.endswith("Gateway"):
            r = width / 2
            yield f'<path class="n" d="M{middle - r:.0f},{centre:.0f} {middle:.0f},{centre - r:.0f} {middle + r:.0f},{centre:.0f} {middle:.0f},{centre + r:.0f}z"/>'
            yield f'<path class="m" transform="translate({middle:.0f} {centre:.0f})" d="{MARKS[kind]}"/>'
        elif kind.endswith("Event"):
            thick = " e" if kind == "endEvent" else ""
            dashed = ' stroke-dasharray="4 3"' if node.get("cancelActivity") == "false" else ""
            yield f'<circle class="n{thick}"{dashed} cx="{middle:.0f}" cy="{centre:.0f}" r="{width / 2:.0f}"/>'
            if node.find(f"{B}timerEventDefinition") is not None:
                yield f'<circle class="n"{dashed} cx="{middle:.0f}" cy="{centre:.0f}" r="{width / 2 - 4:.0f}"/>'
                yield f'<path class="m" transform="translate({middle:.0f} {centre:.0f})" d="M0,-9 0,0 6,3"/>'
        else:
            yield f'<rect class="n" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="8"/>'
            yield from _text(name, middle, centre - 8, width - 14)
            yield f'<text class="s" x="{middle:.0f}" y="{y + height - 10:.0f}">{escape(_caption(node))}</text>'
        yield "</g>"
        yield from _label(shape, name)


def _caption(node: etree._Element) -> str:
    """Return who does a task, on which form, and whether within a period."""
    role = ROLES.get(camunda(node, "candidateGroups") or "")
    due = "限期" if properties_of(node).get("due") else ""
    return " ".join(part for part in (role.label if role else "", camunda(node, "formKey") or "", due) if part)


def _label(drawn: etree._Element, name: str) -> Iterator[str]:
    box = drawn.find(f"{DI}BPMNLabel/{DC}Bounds")
    if box is not None and name:
        x, y, width, height = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        yield from _text(name, x + width / 2, y + height / 2, width)


def _text(name: str, x: float, y: float, limit: float) -> Iterator[str]:
    """Yield the lines of a text around a centre, broken where `layout.measure` breaks them."""
    count = round(measure(name, limit)[1] / LINE)
    each = -(-len(name) // count) if len(name) * CHARACTER > limit else len(name)
    lines = [name[at : at + each] for at in range(0, len(name), each or 1)]
    for number, line in enumerate(lines):
        yield f'<text x="{x:.0f}" y="{y + 4 + LINE * (number - (len(lines) - 1) / 2):.0f}">{escape(line)}</text>'


def pictures() -> Iterator[tuple[Path, str]]:
    """Yield every picture of the rules' pages with the file it belongs in."""
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        for side in ("wrong", "right"):
            bundle, report = counterexample(folder, side)
            wrong = {found.element for found in report.findings}
            way = {name for found in report.findings for name in found.counterexample}
            yield PAGES / f"{folder.name}-{side}.svg", picture(bundle.bpmn[str(folder / f"{side}.bpmn")], wrong, way)


if __name__ == "__main__":
    for path, text in pictures():
        path.write_text(text, "utf-8")
