"""Notices to the public (公告): published once, never edited; a faulty one is withdrawn and stays to be seen.

What a page says is frozen into the row when it is published, with its digest; the page is drawn from that
and from nothing else. So what the law wants to stand in the notice itself (Art. 15: why a period is
shorter) is checked on the very text that people will read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, drafts, masking, notice_texts, policy_versions, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import (
    Document,
    DraftVersion,
    LateEntry,
    Matter,
    Notice,
    NoticeKind,
    NoticeState,
    Task,
)
from decision_flow.notice_texts import NoticeText
from decision_flow.steps import StatutoryStep

PER_PAGE = 20
# How to send an opinion names the office's own address, which is not a person's.
NOT_MASKED = frozenset({"how"})


@dataclass(frozen=True)
class NoticeView:
    """What the page of a notice shows; `sections` are masked."""

    notice: Notice
    sections: tuple[tuple[str, str], ...]
    is_open: bool
    not_yet: bool
    days: int
    days_left: int
    replaced_by: str
    related: tuple[Notice, ...]
    late: LateEntry | None = None


@dataclass(frozen=True)
class NoticePage:
    """One page of the list of notices."""

    rows: tuple[Notice, ...]
    total: int
    page: int
    pages: int


def publish(
    session: Session, actor: Actor, matter: Matter, told: NoticeText, *, task: Task | None = None,
    replaces: Notice | None = None,
) -> Notice:  # fmt: skip
    """Publish a notice of `matter` and return it; its period, if it has one, runs from tomorrow.

    Raises `Invalid` by field (R-15a: channels, explanation, dates), `Refused` when a shorter period is not
    explained in the text of the page itself (R-15b) or when the text holds an identity number or a bank
    account (R-32a).
    """
    solicits = told.kind == NoticeKind.SOLICITATION
    notice_texts.check(told, policy_versions.setting(session, matter, "public_comment_days") if solicits else None)
    content = [{"name": name, "text": words} for name, words in told.sections if words.strip()]
    notice = Notice(
        number=_next_number(session),
        kind=told.kind,
        matter_id=matter.id,
        task_id=task.id if task else None,
        title=told.title.strip(),
        sections=content,
        open_on=told.open_on,
        close_on=told.close_on,
        short_reason=told.short_reason.strip(),
        channels=list(told.channels),
        facts=dict(told.facts),
        draft_document_id=_draft_of(session, matter.id) if told.kind in WITH_DRAFT else None,
        explanation_document_id=told.explanation_id,
        state=NoticeState.PUBLISHED,
        sha256=audit.digest_of({"title": told.title.strip(), "sections": content}),
        replaces_id=replaces.id if replaces else None,
        published_at=clock.now(),
        published_as=actor.display,
    )
    session.add(notice)
    session.flush()
    facts = {"notice": notice.number, "kind": notice.kind, "sha256": notice.sha256}
    if told.close_on:
        facts |= {"open_on": str(told.open_on), "close_on": str(told.close_on)}
    _record(session, EventName.NOTICE_PUBLISHED, actor, matter.id, **facts)
    if told.kind == NoticeKind.SOLICITATION:
        # The stream exists before the public writes, so that two first comments do not race for it.
        audit.append(
            session, audit.ledger_stream(matter.id), EventName.LEDGER_OPENED, actor=actor, matter_id=matter.id,
            facts={"notice": notice.number},
        )  # fmt: skip
    return notice


def withdraw(session: Session, actor: Actor, notice_id: int, reason: str) -> Notice:
    """Withdraw a faulty notice: it stays visible as withdrawn, takes no more opinions, and its period is void.

    Public participation that was closed on it is stale from then on (R-14a, R-15b).

    Raises `Invalid` without a reason, `Conflict` when it is withdrawn already, `NotPermitted` for anyone but
    the organ's disclosure officer.
    """
    notice = _locked(session, notice_id)
    _must_publish_for(actor, notice.matter)
    if notice.state == NoticeState.WITHDRAWN:
        raise Conflict(N_("这份公告已经撤回。"))
    reason = typed_in.words(reason)
    if typed_in.length(reason) < 5:
        raise Invalid(
            N_("公告没有撤回，请按提示修改。"), errors={"reason": [N_("请写明撤回的原因，撤回后公众可以看到。")]}
        )
    notice.state = NoticeState.WITHDRAWN
    notice.withdrawn_at, notice.withdrawn_as = clock.now(), actor.display
    notice.withdrawn_reason = reason
    if notice.kind == NoticeKind.SOLICITATION and standing(session, notice.matter_id) is None:
        # What was concluded on a period that is void now is done again, or reasoned away and approved.
        drafts.mark(session, notice.matter, [StatutoryStep.PUBLIC_PARTICIPATION], clock.now())
    _record(session, EventName.NOTICE_WITHDRAWN, actor, notice.matter_id, notice=notice.number, reason=reason)
    return notice


def republish(session: Session, actor: Actor, notice_id: int, told: NoticeText) -> Notice:
    """Publish a corrected notice in the place of a withdrawn one; its period starts anew (R-15b).

    Without an explanation of its own it keeps the old one's. Raises `Conflict` unless the old one is withdrawn
    and not replaced yet; otherwise as `publish`.
    """
    old = _locked(session, notice_id)
    _must_publish_for(actor, old.matter)
    if old.state != NoticeState.WITHDRAWN:
        raise Conflict(N_("请先撤回原公告，再重新发布。"))
    if session.scalar(select(Notice.id).where(Notice.replaces_id == old.id)):
        raise Conflict(N_("这份公告已经重新发布过。"))
    if told.explanation_id is None:
        told = replace(told, explanation_id=old.explanation_document_id)
    return publish(session, actor, old.matter, told, replaces=old)


def must_be_over(session: Session, matter_id: int) -> None:
    """Raise `Refused` unless the period of the matter's standing solicitation has ended (R-15a, R-15b).

    Whatever the diagram says: without a published notice, after a withdrawal, and before the last day has
    passed in China, the solicitation cannot be closed.
    """
    notice = standing(session, matter_id)
    if notice is None:
        raise Refused(
            N_("不能结束征求意见：没有已发布的征求意见公告。请先发布公告，期限从公告之日重新计算。"),
            rule="R-15a",
            article="条例第十五条",
        )
    if notice.close_on is not None and clock.today() <= notice.close_on:
        raise Refused(
            N_("不能提前结束征求意见：公告的期限到%(day)s届满。请在期满后办理。"),
            rule="R-15b",
            article="条例第十五条",
            day=notice.close_on.isoformat(),
        )


def standing(session: Session, matter_id: int) -> Notice | None:
    """Return the latest solicitation of a matter if it is published, None after its withdrawal."""
    notice = session.scalars(
        select(Notice)
        .where(Notice.matter_id == matter_id, Notice.kind == NoticeKind.SOLICITATION)
        .order_by(Notice.id.desc())
        .limit(1)
    ).one_or_none()
    return notice if notice is not None and notice.state == NoticeState.PUBLISHED else None


def latest(session: Session, matter_id: int, kind: NoticeKind) -> Notice | None:
    """Return the latest published notice of a kind of a matter."""
    return session.scalars(
        select(Notice)
        .where(Notice.matter_id == matter_id, Notice.kind == kind, Notice.state == NoticeState.PUBLISHED)
        .order_by(Notice.id.desc())
        .limit(1)
    ).one_or_none()


def of_matter(session: Session, matter_id: int) -> tuple[Notice, ...]:
    """Return all notices of a matter, the newest first."""
    return tuple(session.scalars(select(Notice).where(Notice.matter_id == matter_id).order_by(Notice.id.desc())))


def by_number(session: Session, number: str) -> Notice:
    """Return a notice with its matter. Raises `NotFound`."""
    notice = session.scalars(
        select(Notice)
        .where(Notice.number == number)
        .options(
            joinedload(Notice.matter).options(joinedload(Matter.organ), joinedload(Matter.undertaking_unit)),
            joinedload(Notice.draft),
            joinedload(Notice.explanation),
        )
    ).one_or_none()
    if notice is None:
        raise NotFound(N_("没有这份公告，请核对网址。"))
    return notice


def view(session: Session, number: str) -> NoticeView:
    """Return what the public page of a notice shows, personal data covered. Raises `NotFound`."""
    notice = by_number(session, number)
    today = clock.today()
    opened = notice.state == NoticeState.PUBLISHED and notice.open_on is not None and notice.close_on is not None
    begun = opened and notice.open_on is not None and notice.open_on <= today
    running = begun and notice.close_on is not None and today <= notice.close_on
    related = session.scalars(
        select(Notice)
        .where(Notice.matter_id == notice.matter_id, Notice.id != notice.id)
        .order_by(Notice.id.desc())
        .limit(20)
    )
    replacing = session.scalar(select(Notice.number).where(Notice.replaces_id == notice.id))
    return NoticeView(
        notice=notice,
        sections=tuple(
            (entry["name"], entry["text"] if entry["name"] in NOT_MASKED else masking.text(entry["text"]))
            for entry in notice.sections
        ),
        is_open=bool(running),
        not_yet=opened and not begun,
        days=(notice.close_on - notice.open_on).days if notice.open_on and notice.close_on else 0,
        days_left=(notice.close_on - today).days if running and notice.close_on else 0,
        replaced_by=replacing or "",
        related=tuple(related),
        late=session.get(LateEntry, notice.task_id) if notice.task_id else None,
    )


def listing(session: Session, *, words: str = "", kind: str = "", when: str = "", page: int = 1) -> NoticePage:
    """Return one page of the notices, the newest first; `when` is "open" (can be answered now) or "past"."""
    today = clock.today()
    conditions: list[ColumnElement[bool]] = []
    if wanted := words.strip()[:80]:
        conditions.append(
            or_(Notice.title.icontains(wanted, autoescape=True), Notice.number.icontains(wanted, autoescape=True))
        )
    if kind:
        conditions.append(Notice.kind == kind)
    answerable = and_(
        Notice.state == NoticeState.PUBLISHED,
        Notice.close_on.is_not(None),
        Notice.open_on <= today,
        Notice.close_on >= today,
    )
    if when == "open":
        conditions.append(answerable)
    elif when == "past":
        conditions.append(or_(Notice.state == NoticeState.WITHDRAWN, Notice.close_on < today))
    total = session.scalar(select(func.count()).select_from(Notice).where(*conditions)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, page), pages)
    rows = session.scalars(
        select(Notice)
        .options(joinedload(Notice.matter).joinedload(Matter.organ))
        .where(*conditions)
        .order_by(Notice.published_at.desc(), Notice.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    return NoticePage(tuple(rows), total, page, pages)


WITH_DRAFT = frozenset({NoticeKind.SOLICITATION, NoticeKind.HEARING})


def may_publish_for(actor: Actor, matter: Matter) -> bool:
    """Whether `actor` is a disclosure officer of the organ that decides the matter."""
    return f"disclosure_officer:{matter.organ_id}" in actor.pools


def _must_publish_for(actor: Actor, matter: Matter) -> None:
    if not may_publish_for(actor, matter):
        raise NotPermitted(N_("只有本机关的政务公开专员可以撤回或者重新发布公告。"))


def _draft_of(session: Session, matter_id: int) -> int | None:
    return session.scalar(
        select(DraftVersion.document_id)
        .join(Document, Document.id == DraftVersion.document_id)
        .where(DraftVersion.matter_id == matter_id)
        .order_by(DraftVersion.number.desc())
        .limit(1)
    )


def _next_number(session: Session) -> str:
    year = clock.today().year
    last = session.scalar(
        text(
            "INSERT INTO number_series (name, last) VALUES (:name, 1) "
            "ON CONFLICT (name) DO UPDATE SET last = number_series.last + 1 RETURNING last"
        ),
        {"name": f"notice:{year}"},
    )
    return f"GG-{year}-{last:04d}"


def _locked(session: Session, notice_id: int) -> Notice:
    notice = session.scalars(
        select(Notice)
        .where(Notice.id == notice_id)
        .options(joinedload(Notice.matter, innerjoin=True))
        .with_for_update(of=Notice)
    ).one_or_none()
    if notice is None:
        raise NotFound(N_("没有这份公告，请核对网址。"))
    return notice


def _record(session: Session, event: EventName, actor: Actor, matter_id: int, **facts: Any) -> None:
    audit.append(session, audit.matter_stream(matter_id), event, actor=actor, matter_id=matter_id, facts=facts)
