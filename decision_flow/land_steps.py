"""The steps of an expropriation of land, asked of the calendar and of the hearing before they count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import clock, land, matter_facts, notices, policy_versions, submitted, working_days
from decision_flow.errors import N_, Invalid, Refused, Text
from decision_flow.identity import Actor
from decision_flow.land import Objections
from decision_flow.models import Matter, NoticeKind, Task, TaskState
from decision_flow.notice_texts import NoticeText

_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


def check(session: Session, matter: Matter, form: str, answers: Mapping[str, Any]) -> None:
    """Raise `Invalid` for a notice that is too short, `Refused` for what comes too early or without what must precede.

    `form` and `answers` are what is being completed. Besides the forms of an expropriation, what sends a draft to
    the legality review (F-12) and what has a decision carried out (F-18) are asked; others pass.
    """
    if form in land.TOO_SHORT:
        _long_enough(session, matter, form, answers)
    elif form in land.WAITS_FOR:
        _is_over(session, matter, land.WAITS_FOR[form])
    elif form in ("F-12", "F-43e"):
        _is_heard(session, matter)
    elif form == "F-18":
        _is_announced(session, matter)


def publish(session: Session, actor: Actor, matter: Matter, task: Task, answers: Mapping[str, Any]) -> None:
    """Publish the notice that F-43, F-43c or F-43g makes. Raises `Refused` when it names a household's account."""
    form = task.form or ""
    text = NoticeText(
        kind=NoticeKind.EXPROPRIATION,
        title=str(answers["title"]),
        sections=tuple((section, str(answers.get(field) or "")) for field, section in land.SECTIONS[form]),
        channels=tuple(answers.get("channels") or ()),
        open_on=_day(answers.get("open_on")),
        close_on=_day(answers.get("close_on")),
        explanation_id=submitted.file_id(answers.get("notice_file")),
    )
    notices.publish(session, actor, matter, text, task=task)


def _long_enough(session: Session, matter: Matter, form: str, answers: Mapping[str, Any]) -> None:
    opened, closed = date.fromisoformat(answers["open_on"]), date.fromisoformat(answers["close_on"])
    numbers = policy_versions.numbers(session, matter)
    due = land.shortest_end(working_days.load(session, matter.organ_id), form, opened, numbers)
    if closed < due.due_on:
        raise Invalid(_WRONG, errors={"close_on": [Text.of(land.TOO_SHORT[form], (due.count, due.due_on.isoformat()))]})


def _is_over(session: Session, matter: Matter, notice: str) -> None:
    told = submitted.latest(session, matter.id, notice)
    closes = date.fromisoformat(told["close_on"]) if told.get("close_on") else None
    if closes is None or clock.today() <= closes:
        raise Refused(
            N_("公告期还没有届满（至%(until)s），届满后再登记。"),
            rule="R-03b",
            article=land.ARTICLES[notice],
            until=closes.isoformat() if closes else "—",
        )


def _is_heard(session: Session, matter: Matter) -> None:
    """A majority that objects makes the hearing mandatory, whatever diagram or form leaves it out.

    Counted here from the two numbers: the form that shows the result is the office's own to redraw.
    """
    told, plan = submitted.latest(session, matter.id, "F-43d"), submitted.latest(session, matter.id, "F-43c")
    objections = Objections(int(plan.get("members_total") or 0), int(told.get("objections") or 0))
    if not land.hearing_is_mandatory(objections):
        return
    objected_at = session.scalar(
        select(Task.completed_at)
        .where(Task.matter_id == matter.id, Task.form == "F-43d", Task.state == TaskState.COMPLETED)
        .order_by(Task.completed_at.desc())
        .limit(1)
    )
    held = session.scalar(
        select(Task.id)
        .where(
            Task.matter_id == matter.id, Task.form == "F-27", Task.state == TaskState.COMPLETED,
            Task.completed_at >= objected_at,
        )
        .limit(1)
    )  # fmt: skip
    if held is None:
        raise Refused(
            N_("多数被征地成员认为补偿安置方案不符合规定，必须举行听证。请先举行听证并提交听证报告。"),
            rule="R-16a",
            article="土地管理法第四十七条",
        )


def _is_announced(session: Session, matter: Matter) -> None:
    """Nothing is carried out on land whose expropriation was not approved and announced, whatever diagram says so."""
    known = matter_facts.of(session, matter)
    if known.of("F-06", "land_expropriation") is True and not known.has("F-43g"):
        raise Refused(
            N_("征收土地还没有批准或者没有公告，不能下达执行。请先登记批准文件并发布征收土地公告。"),
            rule="R-03b",
            article="土地管理法第四十七条",
        )


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None
