"""Tables of the trail: JSON Lines, CSV, XLSX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.trail_exports.resuming import Pieces
from decision_flow.trail_exports.selection import BATCH, Filters, Tick, events, silent, stored

HEADINGS = (
    "时间", "流", "序号", "事件", "结果", "办理人", "代表", "理由", "规则", "事项", "任务", "内容", "SHA-256", "SM3",
)  # fmt: skip


def row(told: dict[str, Any], digest: str, sm3: str) -> list[str]:
    """Return one event as the cells under `HEADINGS`; the time is that of China."""
    at = datetime.fromisoformat(told["at"]).astimezone(clock.BUSINESS_ZONE)
    facts = json.dumps(told["facts"], ensure_ascii=False, sort_keys=True)
    return [
        at.isoformat(timespec="seconds"), told["stream"], str(told["seq"]), told["event"], told["result"],
        told["actor"]["display"], told.get("on_behalf_of", ""), told.get("reason", ""), " ".join(told["rules"]),
        str(told["matter"] or ""), str(told["task"] or ""), facts, digest, sm3,
    ]  # fmt: skip


# With what a formula begins, also as an input method writes it in full width.
BEGINS_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(BEGINS_FORMULA) else cell


def json_line(event: Row[Any]) -> str:
    """Return an event as one line of JSON: its canonical form, and its hashes behind it."""
    return f'{event.canonical[:-1]},"hash":"{event.hash}","sm3":"{event.sm3}"}}\n'


def csv_line(event: Row[Any]) -> str:
    """Return an event as one record of CSV."""
    return _record(row(json.loads(event.canonical), event.hash, event.sm3))


def _record(cells: list[str] | tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([neutral(cell) for cell in cells])
    return out.getvalue()


# What a text begins with (Excel and WPS know UTF-8 by its mark), and how an event is written.
LINES: dict[str, tuple[str, Callable[[Row[Any]], str]]] = {
    "jsonl": ("", json_line),
    "csv": ("\ufeff" + _record(HEADINGS), csv_line),
}


def to_jsonl(session: Session, filters: Filters, target: Path, tick: Tick = silent) -> int:
    """Write one event a line, with its hashes; return how many."""
    return _write("jsonl", stored(session, filters), target, tick)


def to_csv(session: Session, filters: Filters, target: Path, tick: Tick = silent) -> int:
    """Write a table that Excel and WPS open; return how many events."""
    return _write("csv", stored(session, filters), target, tick)


def _write(kind: str, found: Iterator[Row[Any]], target: Path, tick: Tick) -> int:
    head, line = LINES[kind]
    count = 0
    with target.open("w", encoding="utf-8", newline="") as out:
        out.write(head)
        for count, event in enumerate(found, 1):
            out.write(line(event))
            if count % BATCH == 0:
                tick(count)
    return count


def pieces(session: Session, filters: Filters, kind: str) -> Pieces:
    """Return the lines of a kind of `LINES` as `resuming.write` takes them."""
    head, line = LINES[kind]

    def found(start: dict[str, Any], after: Any) -> Iterator[tuple[Any, str]]:
        if after is None:
            yield None, head
        ended = {name: seq for name, seq, *_ in start["heads"]}
        for event in stored(session, filters, after or 0):
            if event.seq <= ended.get(event.stream, 0):
                yield event.id, line(event)

    return found


def to_xlsx(session: Session, filters: Filters, target: Path, tick: Tick = silent) -> int:
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
            if count % BATCH == 0:
                tick(count)
        if sheet is None:
            book.add_worksheet().write_row(0, 0, HEADINGS)
    return count
