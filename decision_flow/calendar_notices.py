"""The yearly notice on holidays (放假安排): read from text, shown before it counts, and entered.

The notice names days off and make-up days. Every other day of its year is then what its weekday says, and
the whole year is official. Local days of one organ are entered the same way and lie over the national ones.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, working_days
from decision_flow.audit import Author, EventName
from decision_flow.errors import N_, Invalid, Text
from decision_flow.models import CalendarDay, LocalDay, Organisation
from decision_flow.working_days import Calendar

KINDS = {
    "rest": "holiday", "holiday": "holiday", "休": "holiday", "放假": "holiday", "休息": "holiday", "假": "holiday",
    "work": "makeup", "makeup": "makeup", "班": "makeup", "上班": "makeup", "调休上班": "makeup", "补班": "makeup",
}  # fmt: skip
HEADERS = {"date", "day", "日期"}
LONGEST = 31
_RANGE = re.compile(r"\s*(?:~|—|至|到)\s*")


@dataclass(frozen=True)
class Notice:
    """A notice as read: the year it arranges and the days it names, each a holiday or a make-up day."""

    year: int
    days: Mapping[date, str]


def read(data: bytes | str) -> Notice:
    """Return the notice in a CSV of `date,kind` (`2027-02-05~2027-02-12,放假`; UTF-8 or GB 18030).

    Blank lines, a header line and lines beginning with # count for nothing. Raises `Invalid` with every
    wrong line under `line.<n>`.
    """
    text = data if isinstance(data, str) else text_of(data)
    days: dict[date, str] = {}
    errors: dict[str, list[str]] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text.replace("\uff0c", ",").replace("\t", ","))), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#") or cells[0].lower() in HEADERS:
            continue
        try:
            found = _span(cells[0])
        except ValueError:
            errors[f"line.{number}"] = [
                Text.of(N_("第%s行的日期读不出来，请写作 2027-02-05 或 2027-02-05~2027-02-12。"), number)
            ]
            continue
        kind = KINDS.get(cells[1].lower() if len(cells) > 1 else "")
        if kind is None:
            errors[f"line.{number}"] = [Text.of(N_("第%s行没有写明放假（rest）还是上班（work）。"), number)]
            continue
        for day in found:
            if days.setdefault(day, kind) != kind:
                errors[f"line.{number}"] = [Text.of(N_("第%s行与前面的行矛盾：同一天既放假又上班。"), number)]
    if not days and not errors:
        errors["text"] = [N_("通知中没有日期。")]
    if errors:
        raise Invalid(N_("放假安排读不出来，没有导入，请按提示修改。"), errors=errors)
    return Notice(Counter(day.year for day in days).most_common(1)[0][0], days)


def text_of(data: bytes) -> str:
    """Return a file as text, in UTF-8 or GB 18030. Raises `Invalid` for what is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(N_("文件不是文本，没有导入。"), errors={"text": [N_("请上传 CSV 文件。")]})


def applied(calendar: Calendar, notice: Notice, *, local: bool = False) -> Calendar:
    """Return `calendar` as it will be with the notice; pure, for the preview."""
    return Calendar({**calendar.days, **_effect(notice, local)}, calendar.version + 1)


def enter(session: Session, actor: Author, notice: Notice, source: str, organ_id: int | None = None) -> int:
    """Enter the notice under a new version of the calendar; return the version.

    Nationally the whole year becomes official. For an organ only the days named are kept, replacing those
    it had that year. Raises `Invalid` for an unknown organ.
    """
    version = working_days.version(session) + 1
    effect = _effect(notice, organ_id is not None)
    rows = [{"day": day, "kind": kind, "source": source[:120], "version": version} for day, (kind, _) in effect.items()]
    if organ_id is None:
        session.execute(delete(CalendarDay).where(CalendarDay.day.in_(list(effect))))
        session.execute(insert(CalendarDay), [{**row, "status": "official"} for row in rows])
    else:
        organ = session.get(Organisation, organ_id)
        if organ is None or not organ.is_organ:
            raise Invalid(N_("没有导入：请选择决策机关。"), errors={"organ_id": [N_("请选择决策机关。")]})
        first, last = date(notice.year, 1, 1), date(notice.year, 12, 31)
        session.execute(delete(LocalDay).where(LocalDay.organ_id == organ_id, LocalDay.day.between(first, last)))
        session.execute(delete(LocalDay).where(LocalDay.organ_id == organ_id, LocalDay.day.in_(list(effect))))
        session.execute(insert(LocalDay), [{**row, "organ_id": organ_id} for row in rows])
    audit.append(
        session,
        audit.CALENDAR,
        EventName.CALENDAR_IMPORTED,
        actor=actor,
        facts={
            "year": notice.year,
            "version": version,
            "source": source,
            "organ": organ_id,
            "rest": sorted(day.isoformat() for day, kind in notice.days.items() if kind == "holiday"),
            "work": sorted(day.isoformat() for day, kind in notice.days.items() if kind == "makeup"),
        },
    )
    session.flush()
    return version


def missing_year(session: Session) -> int | None:
    """Return next year from November on while its arrangement is not official (it is announced about then)."""
    today = clock.today()
    if today.month < 11:
        return None
    return None if is_official(session, today.year + 1) else today.year + 1


def is_official(session: Session, year: int) -> bool:
    """Whether the arrangement of a year has been entered."""
    status = session.scalar(select(CalendarDay.status).where(CalendarDay.day == date(year, 1, 1)))
    return status == "official"


def _effect(notice: Notice, local: bool) -> dict[date, tuple[str, bool]]:
    found: dict[date, tuple[str, bool]] = {}
    day = date(notice.year, 1, 1)
    while not local and day.year == notice.year:
        found[day] = ("work" if day.weekday() < 5 else "rest", False)
        day += timedelta(days=1)
    for day, kind in notice.days.items():
        found[day] = ("work" if kind == "makeup" and day.weekday() < 5 else kind, False)
    return found


def _span(text: str) -> list[date]:
    ends = [date.fromisoformat(part.replace("/", "-").replace(".", "-")) for part in _RANGE.split(text)]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or not 0 <= (last - first).days < LONGEST:
        raise ValueError(text)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
