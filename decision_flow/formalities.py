"""What a form means beyond its own fields: asked of the registers before it counts, and written to them after.

A form's own checks see the form and the process data. What lies in tables (the ledger, the notices, the pools
of experts) is asked here, by form id, under the matter's lock and whatever diagram the task stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from decision_flow import (
    adoption,
    agendas,
    archiving,
    assessors,
    exceptions,
    experts,
    hearings,
    land_steps,
    masking,
    matters,
    minutes,
    notices,
    opinions,
    participation,
    policy_versions,
    refusals,
    risks,
    submitted,
)
from decision_flow.identity import Actor
from decision_flow.models import Matter, Notice, NoticeKind, Task
from decision_flow.notice_texts import NoticeText


@dataclass(frozen=True)
class Filing:
    """One form that is being completed."""

    session: Session
    actor: Actor
    matter: Matter
    task: Task
    answers: Mapping[str, Any]
    context: Mapping[str, Any]


def auto_values(session: Session, matter: Matter, form_id: str | None) -> dict[str, Any]:
    """Return the values that the registers fill into a form (`auto` fields)."""
    if form_id not in FROM_LEDGER:
        return {}
    told = opinions.counts(session, matter.id)
    return {
        "ledger_total": told.total,
        "ledger_pending": told.pending,
        "ledger_adopted": told.adopted,
        "ledger_partly": told.partly,
        "ledger_not_adopted": told.not_adopted,
    }


def suggested(session: Session, matter: Matter, form_id: str | None) -> dict[str, Any]:
    """Return what the registers suggest as a first answer; whoever fills in the form may change it."""
    if form_id == "F-11":
        rows = adoption.rows(session, matter.id)
        return {"adoption": rows} if rows else {}
    if form_id in MEETING:
        return MEETING[form_id](session, matter)
    if form_id == "F-25c":
        chosen = hearings.participants_suggested(session, matter.id)
        return {"participants": chosen} if chosen else {}
    if form_id == "F-29r":
        told = submitted.latest(session, matter.id, "F-29e").get("experts") or []
        return {"ratings": [{"expert_id": row["expert_id"], "rating": "good"} for row in told]} if told else {}
    if form_id == "F-18":
        return {"progress_report_months": policy_versions.setting(session, matter, "progress_report_months").value}
    if form_id == "F-17":
        return {
            "page_title": f"关于公布《{matter.title}》的公告",
            "adoption_summary": adoption.summary(session, matter.id),
        }
    if form_id == "F-17e" and matter.relation != "evaluation":
        return {
            "title": f"关于《{matter.title}》公众意见采纳情况的说明",
            "body": adoption.summary(session, matter.id),
        }
    return {}


def check(filing: Filing) -> None:
    """Ask the registers whether this form may be completed now. Raises `Refused`, `Invalid`, `NotPermitted`."""
    land_steps.check(filing.session, filing.matter, filing.task.form or "", filing.answers)
    exceptions.must_be_approved(filing.session, filing.matter, filing.task.form or "", filing.answers)
    if asked := BEFORE.get(filing.task.form or ""):
        asked(filing)


def record(filing: Filing) -> None:
    """Write to the registers what a completed form means, in the same transaction."""
    exceptions.on_completed(filing.session, filing.matter, filing.task, filing.answers, filing.actor)
    if write := AFTER.get(filing.task.form or ""):
        write(filing)


def _solicitation_over(filing: Filing) -> None:
    notices.must_be_over(filing.session, filing.matter.id)


def _participation_over(filing: Filing) -> None:
    opinions.must_be_disposed(filing.session, filing.matter.id)
    participation.must_be_complete(filing.session, filing.matter, filing.context)


def _selected_fairly(filing: Filing) -> None:
    hearings.must_be_selected_fairly(filing.session, filing.matter.id, filing.answers.get("participants") or [])


def _hearing_ready(filing: Filing) -> None:
    hearings.must_be_ready(filing.session, filing.matter, filing.answers.get("opened_at"))


def _served_after_selection(filing: Filing) -> None:
    hearings.must_be_served_after_selection(filing.session, filing.matter.id, filing.answers.get("delivered_on"))


def _record_signed(filing: Filing) -> None:
    hearings.must_be_signed(filing.session, filing.matter.id)


def _experts_invitable(filing: Filing) -> None:
    experts.must_be_invitable(filing.session, filing.matter, filing.answers.get("experts") or [])


def _expert_bound(filing: Filing) -> None:
    experts.must_have_declared(filing.session, filing.actor, filing.matter)


def _assessor_impartial(filing: Filing) -> None:
    assessors.must_be_impartial(filing.session, filing.matter, filing.answers)


def _evaluator_independent(filing: Filing) -> None:
    assessors.must_be_independent(filing.session, filing.matter, filing.answers)


def _risk_controllable(filing: Filing) -> None:
    risks.must_be_controllable_for_a_reason(filing.session, filing.matter, filing.task, filing.answers)


def _publish_hearing(filing: Filing) -> None:
    plan = submitted.latest(filing.session, filing.matter.id, "F-25")
    hearings.publish_notice(filing.session, filing.actor, filing.matter, plan, filing.answers, filing.task)


def _publish_hearing_list(filing: Filing) -> None:
    hearings.publish_list(filing.session, filing.actor, filing.matter, filing.answers, filing.task)


def _rate_experts(filing: Filing) -> None:
    experts.rate(filing.session, filing.actor, filing.matter, filing.task, filing.answers.get("ratings") or [])


def _publish_solicitation(filing: Filing) -> None:
    explanation = submitted.file_id(filing.answers.get("explanation_file"))
    text = solicitation(filing.answers, explanation)
    notices.publish(filing.session, filing.actor, filing.matter, text, task=filing.task)


def republish(session: Session, actor: Actor, notice_id: int, told: Mapping[str, Any]) -> Notice:
    """Publish a solicitation anew from the answers of F-22; a shorter period needs its approval as on the form (R-15b).

    Raises as `notices.republish`, and `Refused` when its reason is not approved in these words.
    """
    if old := session.get(Notice, notice_id):
        refusals.acting(session, actor, old.matter_id)
        exceptions.must_be_approved(session, matters.get(session, actor, old.matter_id), "F-22", told)
    return notices.republish(session, actor, notice_id, solicitation(told, None))


def solicitation(told: Mapping[str, Any], explanation_id: int | None) -> NoticeText:
    """Return the notice that the answers to F-22 make; a shorter period's reason stands in it verbatim (R-15b)."""
    reason = str(told.get("short_reason_public") or "").strip()
    return NoticeText(
        kind=NoticeKind.SOLICITATION,
        title=str(told.get("title") or ""),
        sections=(
            ("what", str(told.get("body") or "")),
            ("why", str(told.get("purpose") or "")),
            ("whom", str(told.get("affected") or "")),
            ("short_reason", reason),
            ("how", str(told.get("how_to_submit") or "")),
        ),
        channels=tuple(told.get("channels") or ()),
        open_on=_day(told.get("open_on")),
        close_on=_day(told.get("close_on")),
        short_reason=reason,
        explanation_id=explanation_id,
    )


def _publish_results(filing: Filing) -> None:
    kind = NoticeKind.EVALUATION if filing.matter.relation == "evaluation" else NoticeKind.ADOPTION
    told = filing.answers
    notices.publish(
        filing.session, filing.actor, filing.matter,
        NoticeText(kind, str(told["title"]), (("body", str(told["body"])),), tuple(told.get("channels") or ())),
        task=filing.task,
    )  # fmt: skip


def _publish_land_notice(filing: Filing) -> None:
    land_steps.publish(filing.session, filing.actor, filing.matter, filing.task, filing.answers)


def _page_redacted(filing: Filing) -> None:
    """A reviewer who finds nothing personal on a page is not believed against the page itself."""
    if filing.answers.get("result") == "pass":
        masking.refuse_personal(
            "\n".join(map(str, submitted.latest(filing.session, filing.matter.id, "F-17").values()))
        )


def _publish_decision(filing: Filing) -> None:
    text = submitted.latest(filing.session, filing.matter.id, "F-17")
    notices.publish(
        filing.session, filing.actor, filing.matter,
        NoticeText(
            NoticeKind.DECISION,
            str(text.get("page_title") or filing.matter.title),
            (
                ("body", str(text.get("body") or "")),
                ("interpretation", str(text.get("interpretation") or "")),
                ("adoption", str(text.get("adoption_summary") or "")),
            ),
            tuple(filing.answers.get("channels") or ()),
            facts={"url": str(filing.answers.get("url") or "")},
        ),
        task=filing.task,
    )  # fmt: skip


def _publish_interpretation(filing: Filing) -> None:
    told = filing.answers
    notices.publish(
        filing.session, filing.actor, filing.matter,
        NoticeText(
            NoticeKind.INTERPRETATION, str(told["title"]),
            (("body", str(told["body"])), ("interpreter", str(told.get("interpreter") or ""))),
            ("website",), explanation_id=submitted.file_id(told.get("interpretation_file")),
        ),
        task=filing.task,
    )  # fmt: skip


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


FROM_LEDGER = frozenset({"F-22b", "F-23"})
MEETING = {"F-14": agendas.papers, "F-15b": agendas.notice, "F-15": agendas.minutes}
# What these forms suggest is read anew in every round; an earlier answer would be out of date.
FROM_REGISTERS = frozenset({"F-11", "F-25c"})


def _file_complete(filing: Filing) -> None:
    if filing.answers.get("accepted"):
        archiving.must_be_complete(filing.session, filing.matter)


def _speakers_told_apart(filing: Filing) -> None:
    minutes.must_be_told_apart(filing.session, filing.matter, filing.answers)


BEFORE: dict[str, Callable[[Filing], None]] = {
    minutes.FORM: _speakers_told_apart,
    "F-21": _page_redacted,
    "F-22b": _solicitation_over,
    "F-24b": _file_complete,
    "F-23": _participation_over,
    "F-25c": _selected_fairly,
    "F-25e": _served_after_selection,
    "F-26": _hearing_ready,
    "F-27": _record_signed,
    "F-29e": _experts_invitable,
    "F-29": _expert_bound,
    "F-30": _assessor_impartial,
    "F-34b": _risk_controllable,
    "F-37": _evaluator_independent,
}
AFTER: dict[str, Callable[[Filing], None]] = {
    "F-22": _publish_solicitation,
    "F-25b": _publish_hearing,
    "F-25d": _publish_hearing_list,
    "F-29r": _rate_experts,
    "F-17b": _publish_decision,
    "F-17e": _publish_results,
    "F-17i": _publish_interpretation,
    "F-43": _publish_land_notice,
    "F-43c": _publish_land_notice,
    "F-43g": _publish_land_notice,
}
