"""Opinions from a file: CSV (UTF-8 or GB18030) or a spreadsheet of Excel or WPS, all rows or none.

Reading is separate from adding: `read` returns entries and what is wrong row by row, `import_file` adds them
when nothing is. A row that says the same as an opinion already in the ledger, from the same person, is told
and left out.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import opinions
from decision_flow.errors import N_, Invalid
from decision_flow.identity import Actor
from decision_flow.models import Opinion
from decision_flow.opinion_entries import Asked, Entry, asked_since, entry_errors

MAX_BYTES, MAX_ROWS, MAX_TOLD = 10 * 1024 * 1024, 20_000, 50
SPREADSHEETS = ("xlsx", "xls", "ods", "et")
COLUMNS = {
    "来源": "channel", "channel": "channel", "意见人": "person_or_org", "姓名": "person_or_org",
    "from": "person_or_org",
    "联系方式": "contact", "contact": "contact", "意见内容": "content", "意见": "content", "content": "content",
    "态度": "position", "position": "position", "收到日期": "received_on", "日期": "received_on",
    "received_on": "received_on", "归类": "group_label", "group": "group_label",
}  # fmt: skip
WORDS = {
    "网站": "website", "信函": "letter", "电话": "phone", "座谈走访": "meeting", "座谈": "meeting", "听证": "hearing",
    "问卷": "questionnaire", "支持": "support", "反对": "oppose", "建议": "suggest",
}  # fmt: skip


@dataclass(frozen=True)
class Read:
    """What a file holds: entries with the number of their row, and errors by `row.column`."""

    entries: tuple[tuple[int, Entry], ...]
    errors: dict[str, list[str]]


@dataclass(frozen=True)
class Imported:
    """How many opinions were added, and the rows left out because they are in the ledger or the file already."""

    added: int
    duplicates: tuple[int, ...]


def import_file(session: Session, actor: Actor, matter_id: int, name: str, content: bytes) -> Imported:
    """Add the opinions of a file to a matter's ledger.

    Raises `Invalid` with every error by row (`5.content`), and then nothing is added; `NotPermitted` for
    anyone but the undertaking unit.
    """
    matter = opinions.kept(session, actor, matter_id)
    found = read(name, content, asked_since(session, matter))
    if found.errors:
        told = dict(list(found.errors.items())[:MAX_TOLD])
        raise Invalid(
            N_("文件没有导入：有%(n)s处需要修改。请在文件中改正后重新导入。"), errors=told, n=len(found.errors)
        )
    if not found.entries:
        raise Invalid(N_("文件中没有意见。"), errors={"file": [N_("文件中没有意见。")]})
    known = {
        (person, digest)
        for person, digest in session.execute(
            select(Opinion.person_or_org, Opinion.content_sha256).where(Opinion.matter_id == matter_id)
        )
    }
    fresh: list[Entry] = []
    duplicates: list[int] = []
    for row, entry in found.entries:
        key = (entry.person_or_org.strip(), opinions.digest(entry.content.strip()))
        # Opinions without a name may well say the same: only a named person is known to repeat oneself.
        if key in known and key[0]:
            duplicates.append(row)
            continue
        known.add(key)
        fresh.append(entry)
    source = {"file": name[:120], "sha256": hashlib.sha256(content).hexdigest(), "duplicates": duplicates}
    added = opinions.add_all(session, actor, matter_id, fresh, source) if fresh else 0
    return Imported(added, tuple(duplicates))


def read(name: str, content: bytes, asked: Asked) -> Read:
    """Read a file by its suffix; `asked` says since when its opinions can have come.

    Raises `Invalid` when it cannot be read at all or has no column of opinions.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(N_("文件超过10MB，请拆分后导入。"), errors={"file": [N_("文件超过10MB，请拆分后导入。")]})
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    rows = _spreadsheet(content) if suffix in SPREADSHEETS else _csv(content) if suffix == "csv" else None
    if rows is None:
        raise Invalid(
            N_("只能导入 CSV 或者 XLSX、XLS、ODS 文件。"),
            errors={"file": [N_("只能导入 CSV 或者 XLSX、XLS、ODS 文件。")]},
        )
    if len(rows) > MAX_ROWS + 1:
        raise Invalid(
            N_("一次最多导入20000条，请拆分后导入。"), errors={"file": [N_("一次最多导入20000条，请拆分后导入。")]}
        )
    header = [COLUMNS.get(str(cell).strip().lower(), "") for cell in rows[0]] if rows else []
    if "content" not in header:
        text = N_("第一行应当是列名，并且有“意见内容”一列。")
        raise Invalid(text, errors={"file": [text]})
    entries: list[tuple[int, Entry]] = []
    errors: dict[str, list[str]] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(str(cell).strip() for cell in row):
            continue
        told = {column: row[index] for index, column in enumerate(header) if column and index < len(row)}
        entry, wrong = _entry(told, asked)
        errors |= {f"{number}.{column}": texts for column, texts in wrong.items()}
        entries.append((number, entry))
    return Read(tuple(entries), errors)


def _entry(told: dict[str, object], asked: Asked) -> tuple[Entry, dict[str, list[str]]]:
    def word(column: str, default: str) -> str:
        value = str(told.get(column, "")).strip()
        return WORDS.get(value, value) or default

    received, wrong = None, {}
    value = told.get("received_on", "")
    if str(value).strip():
        received = _day(value)
        if received is None:
            wrong["received_on"] = [N_("日期写法不正确，请写成2026-05-08。")]
    entry = Entry(
        channel=word("channel", "letter"),
        content=str(told.get("content", "")).strip(),
        position=word("position", "suggest"),
        person_or_org=str(told.get("person_or_org", "")).strip(),
        contact=_plain(told.get("contact", "")),
        received_on=received,
        group_label=str(told.get("group_label", "")).strip(),
    )
    return entry, {**entry_errors(entry, asked), **wrong}


def _csv(content: bytes) -> list[list[object]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        message = N_("文件的编码不是 UTF-8 或者 GB18030，请另存为 CSV 后再导入。")
        raise Invalid(message, errors={"file": [message]})
    if "\x00" in text:
        message = N_("文件内容不是文本，请另存为 CSV 后再导入。")
        raise Invalid(message, errors={"file": [message]})
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error as error:
        raise Invalid(
            N_("文件读不出来，请另存后再导入。"), errors={"file": [N_("文件读不出来，请另存后再导入。")]}
        ) from error


def _spreadsheet(content: bytes) -> list[list[object]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False, nrows=MAX_ROWS + 2)
        return [list(row) for row in rows]
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise Invalid(
            N_("文件读不出来，请另存后再导入。"), errors={"file": [N_("文件读不出来，请另存后再导入。")]}
        ) from error


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    told = (
        str(value).strip().replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").replace(".", "-")
    )
    parts = told.split("-")
    try:
        return date(*(int(part) for part in parts)) if len(parts) == 3 else None
    except ValueError:
        return None


def _plain(value: object) -> str:
    # A telephone number in a spreadsheet is a float.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
