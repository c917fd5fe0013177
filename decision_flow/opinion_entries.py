"""An opinion as it is entered by hand or from a file: what it says, and on which day it can have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import clock, typed_in
from decision_flow.errors import N_, Text
from decision_flow.models import LateEntry, Matter, Notice, NoticeKind

# What the public sends through this site: nobody enters it for them.
WEBSITE = "website"
CHANNELS = (WEBSITE, "letter", "phone", "meeting", "hearing", "questionnaire")
# What the unit goes out and hears by itself needs no notice before.
GATHERED = ("meeting", "questionnaire")
POSITIONS = ("support", "oppose", "suggest")
LONGEST = 4000


@dataclass(frozen=True)
class Entry:
    """One opinion entered by hand or from a file."""

    channel: str
    content: str
    position: str = "suggest"
    person_or_org: str = ""
    contact: str = ""
    received_on: date | None = None
    group_label: str = ""


@dataclass(frozen=True)
class Asked:
    """Since when opinions can have come: what answers a notice, since its day; all else since the matter began."""

    matter: date
    notice: date | None

    def problem(self, entry: Entry) -> str:
        """Return what is wrong with the day on which an opinion came, or ""."""
        day, gathered = entry.received_on, entry.channel in GATHERED
        if day is None:
            return ""
        if day > clock.today():
            return N_("收到日期不能晚于今天。")
        if day < self.matter:
            text = N_("收到日期不能早于%s：事项那天才开始办理。请核对年月日。")
            return Text.of(text, self.matter.isoformat())
        if self.notice is not None and day < self.notice and not gathered:
            text = N_("收到日期不能早于%s：公告那天才发布。公告以前听取的意见，来源请选座谈会或者问卷调查。")
            return Text.of(text, self.notice.isoformat())
        return ""


def asked_since(session: Session, matter: Matter) -> Asked:
    """Return since when opinions on a matter can have come (R-14b, R-15a); steps done on paper count by their day."""
    late = session.scalar(select(func.min(LateEntry.done_on)).where(LateEntry.matter_id == matter.id))
    notices = session.execute(
        select(Notice.open_on, Notice.published_at).where(
            Notice.matter_id == matter.id, Notice.kind.in_((NoticeKind.SOLICITATION, NoticeKind.HEARING))
        )
    )
    days = [min(filter(None, (open_on, clock.local_date(at)))) for open_on, at in notices]
    earlier = [late] if late else []
    return Asked(min([clock.local_date(matter.registered_at), *earlier]), min([*days, *earlier]) if days else None)


def entry_errors(entry: Entry, asked: Asked | None = None) -> dict[str, list[str]]:
    """Return what is wrong with an entry, by field; of the day only when told since when opinions were `asked` for."""
    errors: dict[str, list[str]] = {}
    if entry.channel not in CHANNELS:
        errors["channel"] = [N_("请选择意见来源。")]
    if entry.position not in POSITIONS:
        errors["position"] = [N_("请选择态度：支持、反对或者建议。")]
    if typed_in.length(entry.content) < 2:
        errors["content"] = [N_("请填写意见内容。")]
    elif len(entry.content) > LONGEST:
        errors["content"] = [N_("意见内容不能超过4000字。")]
    if len(entry.person_or_org) > 100:
        errors["person_or_org"] = [N_("不能超过100字。")]
    if len(entry.contact) > 100:
        errors["contact"] = [N_("不能超过100字。")]
    if len(entry.group_label) > 60:
        errors["group_label"] = [N_("不能超过60字。")]
    if asked is not None and (wrong_day := asked.problem(entry)):
        errors["received_on"] = [wrong_day]
    return errors
