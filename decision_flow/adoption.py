"""What became of the opinions of a matter, in words: the text that is published (Arts. 18, 32)."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import masking, opinions
from decision_flow.models import Disposition, Opinion

NAMES = {Disposition.ADOPTED: "采纳", Disposition.PARTLY: "部分采纳", Disposition.NOT_ADOPTED: "未采纳"}
MOST, LENGTH = 60, 160


def summary(session: Session, matter_id: int) -> str:
    """Return the adoption summary of a matter's ledger, personal data covered.

    Opinions of one group and one disposition are told together; those without a group one by one, up to a
    bound. An opinion that is pending is told as such, so that an unfinished summary cannot pass for one.
    """
    told = opinions.counts(session, matter_id)
    if not told.total:
        return "征求意见期间没有收到意见。"
    lines = [
        f"共收到意见{told.total}条，其中采纳{told.adopted}条，部分采纳{told.partly}条，未采纳{told.not_adopted}条"
        + (f"，尚在研究{told.pending}条。" if told.pending else "。")
    ]
    lines += [f"{place}. {line}" for place, line in enumerate(_lines(session, matter_id), 1)]
    return "\n".join(lines)


def rows(session: Session, matter_id: int) -> list[dict[str, str]]:
    """Return the ledger as rows of the table of adoptions (F-11), one per group and disposition."""
    found = []
    for label, disposition, reasons, count, example in _groups(session, matter_id):
        words = label or example
        found.append(
            {
                "source": "public",
                "opinion": f"{words}（{count}条）" if count > 1 else words,
                "disposition": disposition,
                **({"reason": reasons} if reasons else {}),
            }
        )
    return found


def _lines(session: Session, matter_id: int) -> list[str]:
    lines = []
    for label, disposition, reasons, count, example in _groups(session, matter_id):
        words = label or example
        name = NAMES[Disposition(disposition)]
        told = f"{words}（{count}条）：{name}。" if count > 1 else f"{words}：{name}。"
        lines.append(told + (f"理由：{reasons}" if reasons else ""))
    return lines


def _groups(session: Session, matter_id: int) -> list[tuple[str, str, str, int, str]]:
    """Return (group, disposition, reasons, number, an example), the largest first; single ones as their own group."""
    grouped = session.execute(
        select(Opinion.group_label, Opinion.disposition, Opinion.reason, func.count(), func.min(Opinion.number))
        .where(Opinion.matter_id == matter_id, Opinion.disposition.is_not(None), Opinion.group_label != "")
        .group_by(Opinion.group_label, Opinion.disposition, Opinion.reason)
        .order_by(func.count().desc(), func.min(Opinion.number))
    )
    merged: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for label, disposition, reason, count, _first in grouped:
        merged[label, disposition or ""].append((reason, int(count)))
    found = [
        (label, disposition, "；".join(reason for reason, _ in told if reason), sum(n for _, n in told), "")
        for (label, disposition), told in merged.items()
    ]
    single = session.execute(
        select(Opinion.content, Opinion.disposition, Opinion.reason)
        .where(Opinion.matter_id == matter_id, Opinion.disposition.is_not(None), Opinion.group_label == "")
        .order_by(Opinion.number)
        .limit(MOST)
    )
    for content, disposition, reason in single:
        found.append(("", disposition or "", masking.text(reason), 1, _short(masking.text(content))))
    return found


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LENGTH else words[: LENGTH - 1] + "…"
