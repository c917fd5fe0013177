"""A deadline in words of the reader's language, and whether next year's calendar is still missing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Flask, current_app

from decision_flow import calendar_notices, clock
from decision_flow.models import Task
from decision_flow.working_days import Deadline
from web.language import gettext
from web.presentation import day_words
from web.request import language, transaction

ASK_AGAIN_SECONDS = 60.0


def why_words(deadline: Deadline) -> str:
    """Return the sentence that says how the date was counted."""
    values = {"start": day_words(deadline.start), "count": deadline.count, "due": day_words(deadline.due_on)}
    if deadline.unit == "working_days":
        text = gettext("自%(start)s起算，当日不计，第%(count)s个工作日是%(due)s。", **values)
    elif deadline.unit == "days":
        text = gettext(
            "自%(start)s起算，当日不计，满%(count)s日；最后一日是休息日的，顺延到下一个工作日：%(due)s。", **values
        )
    elif deadline.unit == "months":
        text = gettext("自%(start)s起%(count)s个月的对应日是%(due)s，没有对应日的为当月最后一日。", **values)
    else:
        text = gettext("最迟在%(start)s的%(count)s日前，即%(due)s；遇休息日不顺延，应当提前。", **values)
    if deadline.provisional:
        text += " " + gettext("其中有日期的放假安排尚未公布，暂定；公布后重新计算。")
    return text


def due_words(task: Task) -> str:
    """Return why a task is due when it is, in one sentence; in Chinese as it was computed and recorded."""
    if language() != "en" or not task.deadline or task.due_at is None:
        return str(task.due_explanation)
    told = task.deadline
    return why_words(
        Deadline(
            due_on=clock.local_date(task.due_at), start=date.fromisoformat(told["start"]), count=told["count"],
            unit=told["unit"], provisional=task.due_provisional, explanation=task.due_explanation,
            calendar_version=told.get("calendar_version", ""),
        )
    )  # fmt: skip


def event_words(parts: Mapping[str, Any]) -> str:
    """Return the event that a deadline counts from."""
    event = str(parts.get("event") or "stated")
    if event == "received":
        return gettext("收到任务")
    if event == "stated":
        return gettext("表单所填日期")
    return str(parts.get("event_en") or event) if language() == "en" else event


def missing_year() -> int | None:
    """Return the year whose arrangement is due and not entered; asked once a minute at most."""
    known = current_app.extensions["decision_flow"].setdefault("missing_year", [0.0, None])
    if time.monotonic() - known[0] > ASK_AGAIN_SECONDS or known[0] == 0.0:
        with transaction(read_only=True) as session:
            known[1] = calendar_notices.missing_year(session)
        known[0] = time.monotonic()
    found: int | None = known[1]
    return found


def register(app: Flask) -> None:
    """Make these known to the templates of `app`."""
    app.jinja_env.globals.update(
        why_words=why_words, due_words=due_words, event_words=event_words, missing_year=missing_year
    )
