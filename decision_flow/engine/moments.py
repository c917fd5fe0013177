"""What moment a timer means: a duration, a day, a time of day, or what an expression gives."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from decision_flow import clock
from decision_flow.errors import N_, Invalid
from decision_flow.expressions import compile_expression

ISO_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}([T ].*)?$")
ISO_DURATION = re.compile(r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")


def moment(value: Any, now: datetime) -> datetime:
    """Return the aware UTC moment that a timer's value means.

    A duration counts from `now`; a plain date (or a deadline) means the end of that day in China, because
    a period ends at 24:00 (Civil Code, Art. 203). Raises `ValueError` for anything else.
    """
    due_on = getattr(value, "due_on", value)
    if isinstance(due_on, datetime):
        return due_on.astimezone(UTC)
    if isinstance(due_on, date):
        return clock.end_of_day(due_on)
    text = str(due_on)
    if (match := ISO_DURATION.match(text)) and len(text) > 1 and not text.endswith("T"):
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = (now.month - 1) + months + 12 * years
        year, month = now.year + total // 12, total % 12 + 1
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
        start = now.replace(year=year, month=month, day=min(now.day, last))
        return start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if len(text) == 10:
        return clock.end_of_day(date.fromisoformat(text))
    parsed = datetime.fromisoformat(text)
    return (parsed.replace(tzinfo=clock.BUSINESS_ZONE) if parsed.tzinfo is None else parsed).astimezone(UTC)


def is_literal(text: str) -> bool:
    """Whether a timer's text is a duration or a date rather than an expression."""
    return bool(ISO_DURATION.match(text) or ISO_DATE.match(text))


def check_timer(text: str) -> None:
    """Raise `Invalid` for a text that is no expression of ours, or that can be seen never to give a moment."""
    told = text.strip()
    value: Any = told
    if not is_literal(told):
        expression = compile_expression(told)
        if expression.names() or expression.functions:
            return
        value = expression.evaluate({})
    try:
        moment(value, datetime(2026, 1, 1, tzinfo=UTC))
    except (TypeError, ValueError, OverflowError) as error:
        raise Invalid(N_("定时器的时间“%(text)s”不是日期或期限，请写成 2026-05-01 或 P30D"), text=told) from error
