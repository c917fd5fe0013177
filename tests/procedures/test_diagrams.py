"""The shipped diagrams can be read and opened: geometry by bounds, and the standard's own schema."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import SpiffWorkflow.bpmn.parser
from lxml import etree

from decision_flow.resources import BPMN

FILES = sorted((BPMN / "procedures").glob("*/*.bpmn"))
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]
B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
WAY = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
CONTAINERS = ("participant", "lane", "subProcess")

Box = tuple[float, float, float, float]
Point = tuple[float, float]


class Drawing:
    """A file's drawing: boxes of shapes and labels, ways of flows."""

    def __init__(self, path: Path) -> None:
        self.root = etree.parse(str(path)).getroot()
        self.elements = {node.get("id"): node for node in self.root.iter() if node.get("id") and B in str(node.tag)}
        self.shapes: dict[str, Box] = {}
        self.labels: dict[str, Box] = {}
        self.ways: dict[str, list[Point]] = {}
        for shape in self.root.iter(f"{DI}BPMNShape", f"{DI}BPMNEdge"):
            name = shape.get("bpmnElement")
            if shape.tag == f"{DI}BPMNShape":
                self.shapes[name] = _box(shape.find(f"{DC}Bounds"))
            else:
                self.ways[name] = [(float(one.get("x")), float(one.get("y"))) for one in shape.iterfind(WAY)]
            label = shape.find(f"{DI}BPMNLabel/{DC}Bounds")
            if label is not None:
                self.labels[name] = _box(label)

    def kind(self, name: str) -> str:
        return str(etree.QName(self.elements[name]).localname)

    def solid(self) -> dict[str, Box]:
        """Shapes that nothing else may cover; an event on a border belongs to its activity."""
        return {name: box for name, box in self.shapes.items() if self.kind(name) not in (*CONTAINERS, "boundaryEvent")}


def _box(bounds: etree._Element) -> Box:
    x, y, width, height = (float(bounds.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(box: Box, start: Point, end: Point) -> bool:
    """Whether a horizontal or vertical line runs through the inside of a box."""
    line = (min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))
    return (line[0] < box[2] and box[0] < line[2] and line[1] < box[3] and box[1] < line[3]) or (
        line[1] == line[3] and box[1] < line[1] < box[3] and line[0] < box[2] and box[0] < line[2]
    ) or (line[0] == line[2] and box[0] < line[0] < box[2] and line[1] < box[3] and box[1] < line[3])  # fmt: skip


@pytest.fixture(params=FILES, ids=IDS)
def drawing(request: pytest.FixtureRequest) -> Drawing:
    return Drawing(request.param)


def test_everything_is_drawn(drawing: Drawing) -> None:
    nodes = {node.get("id") for node in drawing.root.iter() if str(node.tag).startswith(B) and _is_node(node)}
    assert nodes <= set(drawing.shapes)
    assert {flow.get("id") for flow in drawing.root.iter(f"{B}sequenceFlow")} == set(drawing.ways)
    named = {name for name in nodes if drawing.kind(name).endswith(("Gateway", "Event"))}
    assert {name for name in named if drawing.elements[name].get("name")} <= set(drawing.labels)


def _is_node(node: etree._Element) -> bool:
    return str(node.tag).endswith(("Task", "task", "Gateway", "Event", "callActivity", "subProcess", "lane"))


def test_no_two_shapes_overlap(drawing: Drawing) -> None:
    solid = drawing.solid()
    assert [pair for pair in combinations(solid, 2) if _overlap(solid[pair[0]], solid[pair[1]])] == []
    lanes = {name: box for name, box in drawing.shapes.items() if drawing.kind(name) == "lane"}
    assert [pair for pair in combinations(lanes, 2) if _overlap(lanes[pair[0]], lanes[pair[1]])] == []


def test_each_element_stands_in_its_lane(drawing: Drawing) -> None:
    for lane in drawing.root.iter(f"{B}lane"):
        left, top, right, bottom = drawing.shapes[lane.get("id")]
        for reference in lane.iterfind(f"{B}flowNodeRef"):
            x0, y0, x1, y1 = drawing.shapes[reference.text]
            assert left <= x0 and x1 <= right and top <= y0 and y1 <= bottom, reference.text


def test_labels_overlap_neither_shapes_nor_each_other(drawing: Drawing) -> None:
    shapes = {name: box for name, box in drawing.shapes.items() if drawing.kind(name) not in CONTAINERS}
    clashes = [
        (name, other) for name, box in drawing.labels.items() for other in shapes if _overlap(box, shapes[other])
    ]
    pairs = combinations(drawing.labels, 2)
    clashes += [pair for pair in pairs if _overlap(drawing.labels[pair[0]], drawing.labels[pair[1]])]
    assert clashes == []


def test_no_flow_runs_through_a_label_or_a_shape(drawing: Drawing) -> None:
    solid = drawing.solid()
    for flow, points in drawing.ways.items():
        for start, end in pairwise(points):
            for name, box in drawing.labels.items():
                assert not _crosses(box, start, end), (flow, "label of", name)
            for name, box in solid.items():
                assert not _crosses(box, start, end), (flow, "shape", name)


def test_flows_that_share_no_end_do_not_run_on_top_of_each_other(drawing: Drawing) -> None:
    """Else a line seems to lead where it does not."""
    lines = [
        (name, start, end) for name, points in drawing.ways.items() for start, end in pairwise(points) if start != end
    ]
    for (name, a, b), (other, c, d) in combinations(lines, 2):
        one, two = drawing.elements[name], drawing.elements[other]
        if one.get("sourceRef") == two.get("sourceRef") or one.get("targetRef") == two.get("targetRef"):
            continue
        for along, across in ((0, 1), (1, 0)):
            if a[across] == b[across] == c[across] == d[across]:
                low = max(min(a[along], b[along]), min(c[along], d[along]))
                high = min(max(a[along], b[along]), max(c[along], d[along]))
                assert high - low <= 0, (name, other)


def test_flows_are_orthogonal_and_end_on_their_shapes(drawing: Drawing) -> None:
    for name, points in drawing.ways.items():
        flow = drawing.elements[name]
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(points)), name
        for end, point in (("sourceRef", points[0]), ("targetRef", points[-1])):
            assert _on_border(drawing.shapes[flow.get(end)], point), (name, end)


def _on_border(box: Box, point: Point) -> bool:
    inside = box[0] - 1 <= point[0] <= box[2] + 1 and box[1] - 1 <= point[1] <= box[3] + 1
    return (
        inside
        and min(abs(point[0] - box[0]), abs(point[0] - box[2]), abs(point[1] - box[1]), abs(point[1] - box[3])) <= 1
    )


def test_it_is_read_from_left_to_right(drawing: Drawing) -> None:
    """Most flows go to the right; those that do not are the loops back."""
    back = [name for name, points in drawing.ways.items() if points[-1][0] < points[0][0]]
    assert len(back) <= len(drawing.ways) / 4


def test_the_model_is_what_the_standard_says(drawing: Drawing) -> None:
    folder = Path(SpiffWorkflow.bpmn.parser.__file__).parent / "schema"
    schema = etree.XMLSchema(etree.parse(str(folder / "BPMN20.xsd")))
    schema.assertValid(drawing.root)


def test_what_stands_in_several_bundles_is_the_same() -> None:
    for name in {path.name for path in FILES}:
        texts = {path.read_bytes().replace(b' camunda:formKey="F-19b"', b"") for path in FILES if path.name == name}
        if name != "problem_handling.bpmn":
            assert len(texts) == 1, name


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_short_name_stands_on_one_line(path: Path) -> None:
    """On two it would lie over the sign in the corner of its task."""
    drawn = Drawing(path)
    for name, box in drawn.shapes.items():
        text = drawn.elements[name].get("name", "")
        if drawn.kind(name).endswith(("Task", "task", "callActivity")) and len(text) <= 10:
            assert box[2] - box[0] >= 12 * len(text) + 26, text


def test_every_form_and_table_is_asked_for_somewhere() -> None:
    """F-01 to F-41 by a task or by an act that a person opens, D-01 to D-07 by a rule task; D-08 by the daily run."""
    written = "".join(path.read_text("utf-8") for path in FILES)
    asked = set(re.findall(r'camunda:formKey="([^"]+)"', written))
    forms = {path.stem for path in (BPMN / "forms").glob("*.toml")}
    assert asked <= forms
    # The withdrawal of a matter, a later note on minutes, and what a three-major matter is registered with.
    assert forms - asked == {"F-03w", "F-15n", "F-42"}
    assert {int(re.match(r"F-(\d+)", form)[1]) for form in forms} == set(range(1, 44))
    tables = {f"D-{number:02d}" for number in range(1, 8)}
    assert tables <= set(re.findall(r'camunda:decisionRef="([^"]+)"', written))
