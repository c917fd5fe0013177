"""The trail in the formats of an auditor's trade: events by matter, person, rule and period, one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.models import AuditEvent, Matter

HEADINGS = (
    "时间",
    "流",
    "序号",
    "事件",
    "结果",
    "办理人",
    "代表",
    "理由",
    "规则",
    "事项",
    "任务",
    "内容",
    "SHA-256",
    "SM3",
)
BATCH = 2000


@dataclass(frozen=True)
class Filters:
    """Which events: of a matter, of a person, under a rule, within days (China's, both included)."""

    matter_id: int | None = None
    person_id: int | None = None
    rule: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def are_empty(self) -> bool:
        """Whether everything is wanted."""
        return self == Filters()


def events(session: Session, filters: Filters) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield (what was recorded, its SHA-256, its SM3) in the order of writing; constant memory in a snapshot."""
    query = select(AuditEvent.canonical, AuditEvent.hash, AuditEvent.sm3).order_by(AuditEvent.id)
    for canonical, digest, sm3 in session.execute(_chosen(query, filters).execution_options(yield_per=BATCH)):
        told = json.loads(canonical)
        if not filters.rule or filters.rule in told["rules"]:
            yield told, digest, sm3


def _chosen(query: Select[*tuple[Any, ...]], filters: Filters) -> Select[*tuple[Any, ...]]:
    if filters.matter_id is not None:
        query = query.where(AuditEvent.matter_id == filters.matter_id)
    if filters.person_id is not None:
        query = query.where(AuditEvent.actor_id == filters.person_id)
    if filters.rule:
        query = query.where(AuditEvent.canonical.contains(f'"{filters.rule}"', autoescape=True))
    if filters.first is not None:
        query = query.where(AuditEvent.at >= _midnight(filters.first))
    if filters.last is not None:
        query = query.where(AuditEvent.at < _midnight(filters.last + timedelta(days=1)))
    return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), clock.BUSINESS_ZONE).astimezone(UTC)


def row(told: dict[str, Any], digest: str, sm3: str) -> list[str]:
    """Return one event as the cells under `HEADINGS`; the time is that of China."""
    at = datetime.fromisoformat(told["at"]).astimezone(clock.BUSINESS_ZONE)
    facts = json.dumps(told["facts"], ensure_ascii=False, sort_keys=True)
    return [
        at.isoformat(timespec="seconds"), told["stream"], str(told["seq"]), told["event"], told["result"],
        told["actor"]["display"], told.get("on_behalf_of", ""), told.get("reason", ""), " ".join(told["rules"]),
        str(told["matter"] or ""), str(told["task"] or ""), facts, digest, sm3,
    ]  # fmt: skip


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def to_jsonl(session: Session, filters: Filters, target: Path) -> int:
    """Write one event a line, with its hashes; return how many. For a trail that can be verified see checkpoints."""
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for told, digest, sm3 in events(session, filters):
            out.write(json.dumps({**told, "hash": digest, "sm3": sm3}, ensure_ascii=False) + "\n")
            count += 1
    return count


def to_csv(session: Session, filters: Filters, target: Path) -> int:
    """Write a table that Excel and WPS open as UTF-8; return how many events."""
    count = 0
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        for event in events(session, filters):
            writer.writerow([neutral(cell) for cell in row(*event)])
            count += 1
    return count


def to_xlsx(session: Session, filters: Filters, target: Path) -> int:
    """Write a workbook, a sheet for each million of events; return how many."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(str(target), options) as book:
        sheet: Any = None
        for event in events(session, filters):
            line = count % 1_000_000
            if line == 0:
                sheet = book.add_worksheet()
                sheet.write_row(0, 0, HEADINGS)
            for column, cell in enumerate(row(*event)):
                sheet.write_string(line + 1, column, cell[:32_767])
            count += 1
        if sheet is None:
            book.add_worksheet().write_row(0, 0, HEADINGS)
    return count


XES = "http://www.xes-standard.org/"
EXTENSIONS = (
    ("Concept", "concept", "concept.xesext"), ("Time", "time", "time.xesext"),
    ("Lifecycle", "lifecycle", "lifecycle.xesext"), ("Organizational", "org", "org.xesext"),
)  # fmt: skip
TRANSITIONS = {
    "task.opened": "schedule", "task.claimed": "start", "task.released": "reassign", "task.transferred": "reassign",
    "task.completed": "complete", "task.withdrawn": "withdraw", "task.returned": "reassign",
}  # fmt: skip


def to_xes(session: Session, filters: Filters, target: Path) -> int:
    """Write a log after IEEE 1849: one trace a matter, with the standard extensions; return how many events.

    Events that belong to no matter are left out: they are of no case.
    """
    from lxml import etree

    query = select(AuditEvent.matter_id, AuditEvent.canonical).where(AuditEvent.matter_id.is_not(None))
    query = _chosen(query, filters).order_by(AuditEvent.matter_id, AuditEvent.id)
    names: dict[int | None, tuple[str, str]] = {}
    for known, number, title in session.execute(select(Matter.id, Matter.number, Matter.title)):
        names[known] = (number, title)
    count = 0
    current: int | None = None
    with etree.xmlfile(str(target), encoding="utf-8") as out:
        out.write_declaration()
        with out.element("log", {"xes.version": "1849.2016", "xes.features": ""}, nsmap={None: XES}):
            for name, prefix, file in EXTENSIONS:
                out.write(etree.Element("extension", name=name, prefix=prefix, uri=XES + file))
            trace: Any = None
            for matter_id, canonical in session.execute(query.execution_options(yield_per=BATCH)):
                told = json.loads(canonical)
                if filters.rule and filters.rule not in told["rules"]:
                    continue
                if matter_id != current:
                    if trace is not None:
                        trace.__exit__(None, None, None)
                    trace, current = out.element("trace"), matter_id
                    trace.__enter__()
                    number, title = names[matter_id]
                    out.write(_attribute(etree, "string", "concept:name", number))
                    out.write(_attribute(etree, "string", "title", title))
                out.write(_xes_event(etree, told))
                count += 1
            if trace is not None:
                trace.__exit__(None, None, None)
    return count


def _attribute(etree: Any, kind: str, key: str, value: str) -> Any:
    # XML has no place for control characters; they are shown as the replacement character.
    clean = "".join(one if one.isprintable() or one in "\t\n\r" else "\ufffd" for one in value)
    return etree.Element(kind, key=key, value=clean)


def _xes_event(etree: Any, told: dict[str, Any]) -> Any:
    found = etree.Element("event")
    facts = told["facts"]
    name = str(facts.get("name") or told["event"]) if told["event"].startswith("task.") else told["event"]
    for kind, key, value in (
        ("string", "concept:name", name),
        ("date", "time:timestamp", told["at"]),
        ("string", "lifecycle:transition", TRANSITIONS.get(told["event"], "complete")),
        ("string", "org:resource", told["actor"]["display"]),
        ("string", "event", told["event"]),
        ("string", "result", told["result"]),
    ):
        found.append(_attribute(etree, kind, key, value))
    return found


WRITERS = {"jsonl": to_jsonl, "csv": to_csv, "xlsx": to_xlsx, "xes": to_xes}
