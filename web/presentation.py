"""How values look: dates, due badges, names of roles, steps and states in the reader's language."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, url_for
from markupsafe import Markup

from decision_flow import clock, masking
from decision_flow.errors import N_
from decision_flow.event_names import EVENTS
from decision_flow.roles import ROLES
from decision_flow.steps import StatutoryStep
from web.language import gettext, translated
from web.request import language

_DIGITS = "一二三四五六七八九"
STATIC = Path(__file__).parent / "static"
STATES = {
    "OPEN": N_("待签收"), "CLAIMED": N_("办理中"), "COMPLETED": N_("已办结"), "CANCELLED": N_("已撤回"),
    "RUNNING": N_("办理中"), "SUSPENDED": N_("中止执行"),
}  # fmt: skip


def text_of(thing: Any, name: str = "label") -> str:
    """Return `thing.label`, or `thing.label_en` for a reader of English where there is one."""
    if language() == "en":
        english = getattr(thing, f"{name}_en", "")
        if english:
            return str(english)
    return str(getattr(thing, name))


def day(value: Any) -> str:
    """Return a date for a table: 2026-05-08."""
    if isinstance(value, datetime):
        value = clock.local_date(value)
    return value.isoformat() if isinstance(value, date) else str(value or "")


def day_words(value: Any) -> str:
    """Return a date for a sentence: 2026年5月8日, or 8 May 2026."""
    if isinstance(value, datetime):
        value = clock.local_date(value)
    if not isinstance(value, date):
        return ""
    if language() == "en":
        return f"{value.day} {value.strftime('%B %Y')}"
    return f"{value.year}年{value.month}月{value.day}日"


# The laws that bases name, the longer names first, so that none is read as the end of another.
LAWS = (
    N_("土地管理法实施条例"), N_("政府信息公开条例"), N_("公平竞争审查条例"), N_("个人信息保护法"),
    N_("保守国家秘密法"), N_("土地管理法"), N_("价格法"), N_("实施条例"),
)  # fmt: skip


def basis(text: str | None) -> str:
    """Return a legal basis in the reader's language: 条例第二十二条 is "Regulation Art. 22" in English."""
    if language() != "en" or not text:
        return text or ""
    words = translated(text)
    for law in LAWS:
        words = words.replace(law, f"{translated(law)} ")
    words = words.replace("条例第", "Regulation 第")
    for mark in "、，；（）":
        words = words.replace(mark, translated(mark))
    return re.sub(rf"第([{''.join(_DIGITS)}十]+)条", lambda found: f"Art. {_number(found[1])}", words)


def _number(words: str) -> int:
    """Return the value of a Chinese numeral below 100."""
    tens, ten, ones = words.rpartition("十")
    return (_DIGITS.index(tens) + 1 if tens else 1 if ten else 0) * 10 + (_DIGITS.index(ones) + 1 if ones else 0)


def moment(value: datetime | None) -> str:
    """Return a moment in China: 2026-05-08 09:30."""
    return value.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if value else ""


def step_name(value: str | None) -> str:
    """Return the name of a statutory step."""
    return text_of(StatutoryStep(value)) if value else ""


def role_name(code: str) -> str:
    """Return the name of a role."""
    return text_of(ROLES[code]) if code in ROLES else code


def state_name(value: str | None) -> str:
    """Return the name of a state of a task or matter."""
    return gettext(STATES.get(value or "", value or ""))


def event_name(value: str) -> str:
    """Return an event of the trail in words."""
    return gettext(EVENTS.get(value, value))


def due_badge(due_at: datetime | None, explanation: str = "", provisional: bool | None = None) -> Markup:
    """Return the badge of a due date: colour, words and the date, never colour alone."""
    if due_at is None:
        return Markup('<span class="text-secondary">—</span>')
    left = math.ceil((due_at - clock.now()).total_seconds() / 86400)
    if left <= 0:
        kind, words = "late", gettext("逾期%(days)s天", days=max(1, 1 - left))
    elif left == 1:
        kind, words = "today", gettext("今日到期")
    elif left <= 3:
        kind, words = "soon", gettext("剩余%(days)s天", days=left - 1)
    else:
        kind, words = "later", gettext("剩余%(days)s天", days=left - 1)
    badge = Markup('<span class="due due-{}" title="{}">{}</span> <span class="due-date">{}</span>').format(
        kind, explanation, words, day(due_at)
    )
    # The calendar of that day is not official yet: said wherever the date is shown.
    if provisional if provisional is not None else "暂定" in explanation:
        badge += Markup('<span class="due due-provisional">{}</span>').format(gettext("暂定"))
    return badge


@lru_cache(maxsize=1)
def _manifest() -> dict[str, str]:
    path = STATIC / "manifest.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def asset_url(name: str) -> str:
    """Return the address of a built asset, with the hash of its content in its name."""
    return url_for("static", filename=_manifest().get(name, name))


def register(app: Flask) -> None:
    """Make all of this known to the templates of `app`."""
    app.jinja_env.filters.update(
        basis=basis, day=day, day_words=day_words, moment=moment, step_name=step_name, role_name=role_name,
        state_name=state_name, event_name=event_name, text=text_of, masked_name=masking.name,
        masked_contact=masking.contact,
    )  # fmt: skip
    app.jinja_env.globals.update(asset_url=asset_url, due_badge=due_badge, language=language)
