"""The texts of notices: one file per event and language under `messages/`, first line the subject, then the text.

Values come from the notice's payload. A value that is missing is shown as a dash, so that a text that was
changed never stops a notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "messages"
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Wording:
    """A notice in words."""

    subject: str
    body: str


def say(event: str, payload: Mapping[str, Any] | None, language: str = "zh") -> Wording:
    """Return the words for `event`; an event without a file of its own gets those of `default`."""
    language = language if language in LANGUAGES else "zh"
    subject, body = _file(language, event) or _file(language, "default") or ("%(title)s", "")
    values = _Values(payload or {})
    if language == "en" and values.get("name_en"):
        values["name"] = values["name_en"]
    if "items" in values:
        values["list"] = "\n".join(_line(item, language) for item in values["items"])
    if isinstance(values.get("why"), list):
        values["why"] = ("、" if language == "zh" else ", ").join(
            TRIGGERS.get(key, (key, key))[language == "en"] for key in values["why"]
        )
    return Wording(subject % values, body % values)


TRIGGERS = {
    "scheduled": ("按计划评估", "scheduled"),
    "below_expectation": ("实施结果明显未达预期", "below expectation"),
    "many_opinions": ("提出较多意见", "many opinions"),
    "deemed_necessary": ("决策机关认为有必要", "deemed necessary"),
    "law_change": ("法律政策变化", "change of law"),
}


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def _line(item: Mapping[str, Any], language: str) -> str:
    if language == "en":
        late = f", {item['late']} days overdue" if item["late"] > 0 else ""
        return f"- {item['title']}: {item.get('name_en') or item['name']}, due {item['due']}{late}"
    late = f"，逾期{item['late']}天" if item["late"] > 0 else ""
    return f"· {item['title']}：{item['name']}，期限{item['due']}{late}"


@lru_cache(maxsize=64)
def _file(language: str, event: str) -> tuple[str, str] | None:
    path = HERE / language / f"{event}.txt"
    if not path.is_file():
        return None
    subject, _, body = path.read_text("utf-8").partition("\n")
    return subject.strip(), body.strip()
