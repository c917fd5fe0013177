"""Where everything of a process stands, so that it can be read: lanes, left to right, no line over a label.

A grid: a column for each step from the start, a row for whatever shares lane and column. Between the columns
lie gutters (vertical tracks, then a zone for labels), above each row a corridor (horizontal tracks). A flow
leaves its source on the right and enters its target on the left when nothing lies between, otherwise through
the corridor above the target into its top. So labels have places that no line crosses: below gateways and
events, in the label zone of a gutter, and above a corridor's own track.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

TASK = (110, 74)
# A name on one line stays clear of the sign in the corner; beyond the widest it is broken.
WIDEST, AROUND = 146, 26
GATEWAY = (50, 50)
EVENT = (36, 36)
PITCH, MARGIN, CHARACTER, LINE = 10, 22, 12, 14
LABEL_WIDTH = 72


@dataclass
class Node:
    """One element; `inner` is the layout of an expanded sub-process. `x`, `y` are its centre."""

    id: str
    kind: str
    name: str
    lane: str = ""
    host: str = ""
    inner: Layout | None = None
    events: int = 0  # on its border
    column: int = 0
    row: int = 0
    x: float = 0
    y: float = 0

    @property
    def size(self) -> tuple[float, float]:
        if self.inner is not None:
            return self.inner.width, self.inner.height
        if self.kind.endswith("Gateway"):
            return GATEWAY
        if self.kind.endswith("Event"):
            return EVENT
        wide = min(WIDEST, measure(self.name, math.inf)[0] + AROUND)
        return max(TASK[0], wide) + 100 * max(0, self.events - 1), TASK[1]

    @property
    def labelled(self) -> bool:
        """Whether the name stands beside the shape."""
        return bool(self.name) and (self.kind.endswith("Gateway") or self.kind.endswith("Event"))

    def label(self) -> tuple[float, float, float, float]:
        """Bounds of the name: below the shape; beside it for an event on the border of an activity."""
        width, height = measure(self.name, 84 if not self.host else 60)
        if self.host:
            return self.x + 21, self.y + 4, width, height
        return self.x - width / 2, self.y + self.size[1] / 2 + 3, width, height


@dataclass
class Edge:
    """One sequence flow with its way and the place of its label."""

    id: str
    source: str
    target: str
    name: str = ""
    points: list[tuple[float, float]] = field(default_factory=list)
    at: tuple[float, float] | None = None

    @property
    def box(self) -> tuple[float, float]:
        return measure(self.name, LABEL_WIDTH) if self.name else (0, 0)


def measure(text: str, limit: float) -> tuple[float, float]:
    """Width and height of a text whose lines are at most `limit` wide."""
    length = sum(CHARACTER if ord(one) > 255 else CHARACTER * 0.6 for one in text)
    lines = max(1, math.ceil(length / limit))
    return min(length, limit) if lines == 1 else limit, lines * LINE


class Layout:
    """One scope laid out: a process with its lanes, or the inside of a sub-process."""

    def __init__(self, nodes: list[Node], edges: list[Edge], lanes: list[str]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.edges, self.lanes = edges, lanes or [""]
        self.free = [node for node in nodes if not node.host]
        for node in nodes:
            if node.host:
                self.nodes[node.host].events += 1
        self._columns()
        self._rows()
        self._ways()
        self._measure()
        self._place()

    def origin(self, edge: Edge) -> Node:
        """The node in whose column a flow begins: the activity itself for an event on its border."""
        node = self.nodes[edge.source]
        return self.nodes[node.host] if node.host else node

    def _columns(self) -> None:
        follow: dict[str, list[str]] = defaultdict(list)
        for edge in self.edges:
            follow[self.origin(edge).id].append(edge.target)
        forward: dict[str, list[str]] = defaultdict(list)
        seen: dict[str, int] = {}

        def visit(name: str) -> None:
            stack = [(name, iter(follow[name]))]
            seen[name] = 1
            while stack:
                current, rest = stack[-1]
                target = next(rest, None)
                if target is None:
                    seen[current] = 2
                    stack.pop()
                elif seen.get(target) != 1:
                    forward[current].append(target)
                    if target not in seen:
                        seen[target] = 1
                        stack.append((target, iter(follow[target])))

        for node in sorted(self.free, key=lambda node: node.kind != "startEvent"):
            if node.id not in seen:
                visit(node.id)
        waiting: dict[str, int] = defaultdict(int)
        for targets in forward.values():
            for target in targets:
                waiting[target] += 1
        ready = [node.id for node in self.free if not waiting[node.id]]
        for name in ready:
            for target in forward[name]:
                self.nodes[target].column = max(self.nodes[target].column, self.nodes[name].column + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)

    def _rows(self) -> None:
        """Give each node a row of its lane: that of whoever leads to it, if free, so that lines are straight."""
        taken: set[tuple[str, int, int]] = set()
        leads: dict[str, list[Node]] = defaultdict(list)
        for edge in self.edges:
            leads[edge.target].append(self.origin(edge))
        own: dict[str, int] = {}
        for node in sorted(self.free, key=lambda node: node.column):
            before = [one for one in leads[node.id] if one.column < node.column and one.lane == node.lane]
            wanted = own[max(before, key=lambda one: one.column).id] if before else 0
            row = wanted
            if (node.lane, row, node.column) in taken:
                row = 0
                while (node.lane, row, node.column) in taken:
                    row += 1
            taken.add((node.lane, row, node.column))
            own[node.id] = row
        self.rows_of = {
            lane: 1 + max((own[n.id] for n in self.free if n.lane == lane), default=0) for lane in self.lanes
        }
        first = 0
        for lane in self.lanes:
            for node in self.free:
                if node.lane == lane:
                    node.row = first + own[node.id]
            first += self.rows_of[lane]
        self.row_count = first
        self.column_count = 1 + max((node.column for node in self.free), default=0)

    def _ways(self) -> None:
        """Decide for each flow how it goes, and give it tracks."""
        at = {(node.row, node.column): node for node in self.free}
        self.left: set[str] = set()  # targets entered on the left
        self.straight: set[str] = set()
        self.direct: set[str] = set()
        for edge in self.edges:
            source, target = self.origin(edge), self.nodes[edge.target]
            if self.nodes[edge.source].host or target.column <= source.column or target.id in self.left:
                continue
            between = range(source.column + 1, target.column)
            if source.row == target.row and not any((source.row, column) in at for column in between):
                self.straight.add(edge.id)
                self.left.add(target.id)
        for edge in self.edges:
            source, target = self.origin(edge), self.nodes[edge.target]
            if self.nodes[edge.source].host or edge.id in self.straight or target.id in self.left:
                continue
            if target.column == source.column + 1:
                self.direct.add(edge.id)
                self.left.add(target.id)
        # Vertical tracks: one for each source in the gutter behind it, and per boundary event.
        self.vertical: dict[int, list[str]] = defaultdict(list)
        self.horizontal: dict[int, list[tuple[str, int, int, float]]] = defaultdict(list)
        self.track: dict[tuple[int, str], int] = {}
        for edge in self.edges:
            if edge.id in self.straight:
                continue
            source, target = self.origin(edge), self.nodes[edge.target]
            gutter = source.column + 1
            falls = self.nodes[edge.source].host and target.row == source.row + 1
            if not falls and edge.source not in self.vertical[gutter]:
                self.vertical[gutter].append(edge.source)
            if edge.id in self.direct:
                continue
            low, high = sorted((source.column, target.column))
            self._take_track(target.row, edge, low, high, self._key(edge))
            if self.nodes[edge.source].host and target.row != source.row + 1:
                self._take_track(source.row + 1, edge, source.column, source.column + 1, f"{edge.id}:out")
        for gutter in self.vertical:
            self._order(gutter)
        self.row_count_all = max([self.row_count, *[row + 1 for row in self.horizontal]])

    def _order(self, gutter: int) -> None:
        """Put the tracks of a gutter so that a line leaving a row ends before another's enters in the same row."""
        before: dict[str, set[str]] = defaultdict(set)
        for edge in self.edges:
            if edge.id in self.direct and self.origin(edge).column + 1 == gutter:
                row = self.nodes[edge.target].row
                for name in self.vertical[gutter]:
                    node = self.nodes[name]
                    if not node.host and node.row == row and name != edge.source:
                        before[edge.source].add(name)
        ordered: list[str] = []
        waiting = list(self.vertical[gutter])
        while waiting:
            free = [name for name in waiting if not before[name] & set(waiting) - {name}]
            # Where two wait for each other no order helps; the first goes on.
            ordered.append((free or waiting)[0])
            waiting.remove(ordered[-1])
        self.vertical[gutter] = ordered

    def _key(self, edge: Edge) -> str:
        return (
            edge.id if edge.name else f"to:{edge.target}:{self.origin(edge).column >= self.nodes[edge.target].column}"
        )

    def _take_track(self, corridor: int, edge: Edge, low: int, high: int, key: str) -> None:
        """Take the lowest track of a corridor that is free over these columns; the same key shares one."""
        tracks = self.horizontal[corridor]
        height = edge.box[1]
        for number, (owner, first, last, tall) in enumerate(tracks):
            if owner == key:
                tracks[number] = (key, min(first, low), max(last, high), max(tall, height))
                return
        tracks.append((key, low, high, height))

    def _level(self, corridor: int) -> dict[str, tuple[float, float]]:
        """Return for each key of a corridor its distance from the corridor's lower end, and its height."""
        levels: list[list[tuple[str, int, int, float]]] = []
        for entry in sorted(self.horizontal[corridor], key=lambda entry: (entry[2] - entry[1], entry[0])):
            for level in levels:
                if all(entry[2] < other[1] or entry[1] > other[2] for other in level):
                    level.append(entry)
                    break
            else:
                levels.append([entry])
        found: dict[str, tuple[float, float]] = {}
        distance = 8.0
        for level in levels:
            tall = max(entry[3] for entry in level)
            for entry in level:
                found[entry[0]] = (distance, tall)
            distance += max(PITCH, tall + 6)
        found[""] = (distance, 0)
        return found

    def _measure(self) -> None:
        self.levels = {corridor: self._level(corridor) for corridor in range(self.row_count_all)}
        self.corridor = [self.levels[row][""][0] + 6 for row in range(self.row_count_all)]
        self.row_height = [0.0] * self.row_count_all
        for node in self.free:
            half = node.size[1] / 2
            low = half + (node.label()[3] + 8 if node.labelled else 8)
            if any(other.host == node.id for other in self.nodes.values()):
                low = half + 18 + LINE * 2
            self.row_height[node.row] = max(self.row_height[node.row], 2 * max(half + 8, low))
        self.column_width = [float(TASK[0] + 14)] * self.column_count
        for node in self.free:
            self.column_width[node.column] = max(self.column_width[node.column], node.size[0] + 14)
        labels = [0.0] * (self.column_count + 1)
        for edge in self.edges:
            if edge.name:
                gutter = self.origin(edge).column + 1
                labels[gutter] = max(labels[gutter], edge.box[0] + 10)
        self.gutter = [
            14 + PITCH * len(self.vertical[gutter]) + labels[gutter] + 6 for gutter in range(self.column_count + 1)
        ]
        self.label_zone = [14 + PITCH * len(self.vertical[gutter]) + 3 for gutter in range(self.column_count + 1)]

    def _place(self) -> None:
        self.gutter_x: list[float] = []
        self.column_x: list[float] = []
        x = 0.0
        for column in range(self.column_count):
            self.gutter_x.append(x)
            x += self.gutter[column] if column else MARGIN
            self.column_x.append(x)
            x += self.column_width[column]
        self.gutter_x.append(x)
        self.width = x + max(self.gutter[self.column_count], MARGIN)
        self.row_y: list[float] = []
        self.corridor_y: list[float] = []
        self.lane_y: list[tuple[float, float]] = []
        y, row = 0.0, 0
        for lane in self.lanes:
            top = y
            for _ in range(self.rows_of[lane]):
                y += self.corridor[row]
                self.corridor_y.append(y)
                self.row_y.append(y + self.row_height[row] / 2)
                y += self.row_height[row]
                row += 1
            y += MARGIN / 2
            self.lane_y.append((top, y - top))
        self.height = y
        if self.row_count_all > self.row_count:
            self.corridor_y.append(y + self.corridor[row])
            self.height += self.corridor[row] + 4
            top, tall = self.lane_y[-1]
            self.lane_y[-1] = (top, tall + self.corridor[row] + 4)
        for node in self.free:
            node.x = self.column_x[node.column] + self.column_width[node.column] / 2
            node.y = self.row_y[node.row]
        hosted: dict[str, int] = defaultdict(int)
        for node in self.nodes.values():
            if node.host:
                host = self.nodes[node.host]
                # The second one stands clear of the sign of a call in the middle.
                node.x = host.x - host.size[0] / 2 + 20 + 100 * hosted[host.id] + 20 * (hosted[host.id] > 0)
                node.y = host.y + host.size[1] / 2
                hosted[host.id] += 1
        for edge in self.edges:
            self._draw(edge)

    def _track_x(self, gutter: int, source: str) -> float:
        return self.gutter_x[gutter] + 10 + PITCH * self.vertical[gutter].index(source)

    def _draw(self, edge: Edge) -> None:
        source, target, origin = self.nodes[edge.source], self.nodes[edge.target], self.origin(edge)
        gutter = origin.column + 1
        zone = self.gutter_x[gutter] + self.label_zone[gutter]
        out = source.x + source.size[0] / 2
        if edge.id in self.straight:
            edge.points = [(out, source.y), (target.x - target.size[0] / 2, target.y)]
            edge.at = (zone, source.y)
        elif edge.id in self.direct:
            track = self._track_x(gutter, edge.source)
            edge.points = [
                (out, source.y),
                (track, source.y),
                (track, target.y),
                (target.x - target.size[0] / 2, target.y),
            ]
            edge.at = (zone, target.y)
        else:
            level = self.corridor_y[target.row] - self.levels[target.row][self._key(edge)][0]
            top = target.y - target.size[1] / 2
            if source.host and target.row == origin.row + 1:
                edge.points = [(source.x, source.y + 18), (source.x, level), (target.x, level), (target.x, top)]
                edge.at = (max(source.x, self.column_x[origin.column]) + 30, level)
            else:
                track = self._track_x(gutter, edge.source)
                if source.host:
                    below = self.corridor_y[origin.row + 1] - self.levels[origin.row + 1][f"{edge.id}:out"][0]
                    start = [(source.x, source.y + 18), (source.x, below), (track, below)]
                else:
                    start = [(out, source.y), (track, source.y)]
                edge.points = [*start, (track, level), (target.x, level), (target.x, top)]
                leftwards = target.x < track
                edge.at = (self.gutter_x[gutter] - edge.box[0] - 4, level) if leftwards else (zone, level)
        edge.points = [point for n, point in enumerate(edge.points) if n == 0 or point != edge.points[n - 1]]
        if edge.name and edge.at:
            edge.at = (edge.at[0], edge.at[1] - edge.box[1] - 3)
