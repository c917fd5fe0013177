"""The text of a notice to the public, and what it must say before it is published (R-15a, R-15b, R-16b, R-32a)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from decision_flow import clock, masking
from decision_flow.errors import N_, Invalid, Refused, Text
from decision_flow.models import NoticeKind
from decision_flow.policies import Setting

# Notices with a period, and the field of their form that says when it begins.
_BEGINS = {
    NoticeKind.SOLICITATION: "open_on", NoticeKind.HEARING: "notice_on", NoticeKind.EXPROPRIATION: "open_on",
}  # fmt: skip


@dataclass(frozen=True)
class NoticeText:
    """A notice before it is published. `sections` are (name, text) in the order of the page."""

    kind: NoticeKind
    title: str
    sections: tuple[tuple[str, str], ...]
    channels: tuple[str, ...] = ()
    open_on: date | None = None
    close_on: date | None = None
    short_reason: str = ""
    explanation_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def check(told: NoticeText, period: Setting | None) -> None:
    """Raise `Invalid` by field, or `Refused`, unless `told` may be published; `period` is asked of a solicitation."""
    _check_text(told)
    if told.kind in _BEGINS:
        _check_beginning(told)
    if period is not None:
        _check_period(told, period)


def _check_text(told: NoticeText) -> None:
    errors: dict[str, list[str]] = {}
    if not told.title.strip():
        errors["title"] = [N_("请填写公告标题。")]
    if not told.channels:
        errors["channels"] = [N_("请至少选择一种公布渠道。")]
    if errors:
        raise Invalid(N_("公告没有发布，请按提示修改。"), errors=errors)
    masking.refuse_personal("\n".join([told.title, *(words for _, words in told.sections)]))


def _check_beginning(told: NoticeText) -> None:
    """Nothing is announced back: a period that began before the page was there gave nobody that time (R-15a, R-16b)."""
    if told.open_on is not None and told.open_on < clock.today():
        raise Invalid(
            N_("公告没有发布，请按提示修改。"),
            errors={_BEGINS[told.kind]: [N_("开始日期不能早于公告发布当日，期限从发布次日起算。")]},
        )


def _check_period(told: NoticeText, period: Setting) -> None:
    """The day of publication is not counted (Art. 15)."""
    errors: dict[str, list[str]] = {}
    if told.explanation_id is None:
        errors["explanation_file"] = [N_("请上传草案说明。")]
    if told.open_on is None:
        errors["open_on"] = [N_("请填写开始日期。")]
    if told.close_on is None:
        errors["close_on"] = [N_("请填写截止日期。")]
    elif told.open_on is not None and told.close_on <= told.open_on:
        errors["close_on"] = [N_("截止日期应当晚于开始日期。")]
    if errors:
        raise Invalid(N_("公告没有发布，请按提示修改。"), errors=errors)
    if told.open_on is None or told.close_on is None or (told.close_on - told.open_on).days >= period.value:
        return
    reason = told.short_reason.strip()
    if not reason:
        raise Invalid(
            N_("公告没有发布，请按提示修改。"),
            errors={
                "short_reason_public": [
                    Text.of(N_("期限少于%s日的，请写明理由，原文在公告中公布（R-15b，条例第十五条）。"), period.value)
                ]
            },
        )
    if not any(reason in words for _, words in told.sections):
        raise Refused(
            N_("不能公布：公告正文中没有缩短期限的理由。请把理由原文写入公告再发布。"),
            rule="R-15b",
            article="条例第十五条",
        )
