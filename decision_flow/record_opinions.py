"""What was said and signed in a matter, as its record prints it: the ledger by group, dissent, signatures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import adoption, clock, masking, minutes
from decision_flow.models import Disposition, Matter, Opinion, Task

CHANNELS = {
    "website": "网站", "letter": "来信", "phone": "电话", "meeting": "座谈走访", "hearing": "听证会",
    "questionnaire": "问卷",
}  # fmt: skip
STANCES = {"support": "支持", "oppose": "反对", "suggest": "建议"}
DISSENT = {"disagree": "不同意", "reserve": "保留意见"}
DECISIONS = {
    "approved": "通过", "approved_with_changes": "修改后通过", "deferred": "暂缓", "returned": "退回修改",
    "rejected": "不予通过",
}  # fmt: skip
SIGNED = {"attestation": "系统留痕", "scan": "纸质签署扫描件"}


def ledger(session: Session, matter_id: int) -> list[dict[str, Any]]:
    """Return the opinions group by group, the largest first, each with what became of it and why.

    Contact details stay out, and what in the text looks like personal data is covered: the record goes to others.
    """
    groups: dict[str, list[Opinion]] = {}
    opinions = session.scalars(select(Opinion).where(Opinion.matter_id == matter_id).order_by(Opinion.number))
    for one in opinions:
        groups.setdefault(one.group_label, []).append(one)
    found = []
    for label, rows in sorted(groups.items(), key=lambda group: (not group[0], -len(group[1]), group[1][0].number)):
        counts = {name: sum(one.disposition == key for one in rows) for key, name in adoption.NAMES.items()}
        counts["未研究"] = sum(one.disposition is None for one in rows)
        told = "、".join(f"{name}{count}条" for name, count in counts.items() if count)
        found.append({
            "heading": f"{label or '未归类的意见'}（共{len(rows)}条：{told}）",
            "rows": [_opinion(one) for one in rows],
        })  # fmt: skip
    return found


def _opinion(one: Opinion) -> list[str]:
    became = adoption.NAMES[Disposition(one.disposition)] if one.disposition else "未研究"
    source = f"{one.received_on.isoformat()} {CHANNELS.get(one.channel, one.channel)} {STANCES[one.position]}"
    return [str(one.number), source, masking.text(one.content), became, one.reason]


def dissent(session: Session, matter: Matter) -> list[list[str]]:
    """Return each dissent: meeting and decision, who with the post as it was, how, and the words of the minutes."""
    found = []
    for task in minutes.of_matter(session, matter.id):
        told = task.submission
        meeting = f"{told.get('meeting_no') or ''} {str(told.get('held_at') or '').replace('T', ' ')[:16]}".strip()
        decision = DECISIONS.get(str(told.get("decision")), "")
        reason = str(told.get("deviation_reason") or "")
        for member, row in minutes.dissents(session, matter, task):
            who = f"{member.post}·{member.user.name}" if member else str(row.get("person") or "")
            words = str(row.get("words") or "（未记录要点）")
            found.append(
                [meeting, who, DISSENT[row["position"]], words, f"{decision}。{reason}" if reason else decision]
            )
    return found


def signatures(forms: Iterable[tuple[Task, str]]) -> list[list[str]]:
    """Return each signature: form, signer with the post as it was, moment, and by what; of (task, form's title)."""
    found = []
    for task, title in forms:
        for value in (task.submission or {}).values():
            if isinstance(value, dict) and value.get("kind") in SIGNED and value.get("at"):
                at = datetime.fromisoformat(str(value["at"])).astimezone(clock.BUSINESS_ZONE)
                signer = str(value.get("display") or task.completed_as)
                found.append([f"{task.form} {title}", signer, at.strftime("%Y-%m-%d %H:%M"), SIGNED[value["kind"]]])
    return found
