"""The trail as an event log after IEEE 1849 (XES): one trace a matter, with the standard extensions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow.db import streamed
from decision_flow.models import AuditEvent, Matter, Task
from decision_flow.trail_exports.selection import BATCH, Filters, Tick, chosen, silent

EXTENSIONS = (
    ("Concept", "concept"), ("Time", "time"), ("Lifecycle", "lifecycle"), ("Organizational", "org"),
)  # fmt: skip
# The transitions of the standard lifecycle; every other event is a whole act, `complete`.
TRANSITIONS = {
    "task.opened": "schedule", "task.claimed": "start", "task.released": "reassign", "task.transferred": "reassign",
    "task.completed": "complete", "task.withdrawn": "withdraw", "task.returned": "reassign",
}  # fmt: skip
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    + "".join(
        f'<extension name="{name}" prefix="{prefix}" uri="http://www.xes-standard.org/{prefix}.xesext"/>\n'
        for name, prefix in EXTENSIONS
    )
    + '<global scope="trace"><string key="concept:name" value=""/></global>\n'
    '<global scope="event"><string key="concept:name" value=""/>'
    '<date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/>'
    '<string key="lifecycle:transition" value="complete"/><string key="org:resource" value=""/></global>\n'
    '<classifier name="Activity" keys="concept:name"/>\n'
    '<classifier name="Activity and transition" keys="concept:name lifecycle:transition"/>\n'
    '<string key="lifecycle:model" value="standard"/>\n'
)
# What must be escaped in an attribute, and what XML has no place for: it is shown as the replacement character.
_SPECIAL = re.compile('[&<>"\t\n\r]|[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def to_xes(session: Session, filters: Filters, target: Path, tick: Tick = silent) -> int:
    """Write a log with one trace a matter; return how many events.

    Events that belong to no matter are left out: they are of no case. An event of a task is named as the task,
    with its element in the procedure and its number as the instance.
    """
    columns = (AuditEvent.canonical, AuditEvent.matter_id, Matter.number, Matter.title, Matter.status)
    query = chosen(select(*columns, Task.name, Task.element_id), filters)
    query = query.join(Matter, Matter.id == AuditEvent.matter_id).outerjoin(Task, Task.id == AuditEvent.task_id)
    ordered = query.order_by(AuditEvent.matter_id, AuditEvent.id)
    count, current = 0, None
    with target.open("w", encoding="utf-8", newline="\n") as out:
        out.write(HEAD)
        for canonical, matter_id, number, title, status, name, element in streamed(session, ordered):
            if matter_id != current:
                out.write("<trace>\n" if current is None else "</trace>\n<trace>\n")
                out.write(_text("concept:name", number) + _text("title", title) + _text("status", status) + "\n")
                current = matter_id
            out.write(_event(json.loads(canonical), name, element))
            count += 1
            if count % BATCH == 0:
                tick(count)
        out.write("</log>\n" if current is None else "</trace>\n</log>\n")
    return count


def _event(told: dict[str, Any], name: str | None, element: str | None) -> str:
    event = told["event"]
    is_task = event.startswith("task.") and name is not None
    parts = [
        "<event>",
        _text("concept:name", str(name) if is_task else event),
        f'<date key="time:timestamp" value="{_xml(told["at"])}"/>',
        _text("lifecycle:transition", TRANSITIONS.get(event, "complete")),
        _text("org:resource", told["actor"]["display"]),
        _text("event", event),
        _text("result", told["result"]),
    ]
    if is_task:
        parts += [_text("concept:instance", str(told["task"])), _text("element", str(element))]
    if told["rules"]:
        parts.append(_text("rules", " ".join(told["rules"])))
    return "".join([*parts, "</event>\n"])


def _text(key: str, value: str) -> str:
    return f'<string key="{key}" value="{_xml(value)}"/>'


def _xml(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0], "\ufffd"), value)
