"""The opinion ledger (意见台账): what the public wrote, what was entered by hand, and what was done with each.

Every opinion has a receipt number, the only key its writer needs. An opinion without a disposition is
pending, and nothing closes while one is (R-18).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, identity, matters, typed_in
from decision_flow.audit import Author, EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor, Permission
from decision_flow.models import Appointment, Disposition, Matter, Opinion, Post, User
from decision_flow.opinion_entries import WEBSITE, Entry, asked_since, entry_errors

PER_PAGE = 50
# No I, L, O, U: a receipt is read out over the telephone.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Counts:
    """How the ledger of a matter stands."""

    total: int = 0
    pending: int = 0
    adopted: int = 0
    partly: int = 0
    not_adopted: int = 0
    support: int = 0
    oppose: int = 0


@dataclass(frozen=True)
class LedgerQuery:
    """Filters of the ledger; `disposition` may be "pending", `assignee` a user id or 0."""

    words: str = ""
    disposition: str = ""
    position: str = ""
    channel: str = ""
    group: str = ""
    assignee: int = 0
    page: int = 1


@dataclass(frozen=True)
class LedgerPage:
    """One page of the ledger, with the groups in use."""

    rows: tuple[Opinion, ...]
    total: int
    page: int
    pages: int
    counts: Counts
    groups: tuple[tuple[str, int, int], ...]


def enter(session: Session, actor: Actor, matter_id: int, entry: Entry) -> Opinion:
    """Enter an opinion that came on paper, by telephone, at a meeting or hearing. Raises `Invalid` by field."""
    matter = kept(session, actor, matter_id)
    errors = entry_errors(entry, asked_since(session, matter))
    if entry.channel == WEBSITE:
        errors["channel"] = [N_("网站意见由公众在公告页提交，不能代为录入。请选择实际来源。")]
    if errors:
        raise Invalid(N_("意见没有录入，请按提示修改。"), errors=errors)
    opinion = add(session, matter_id, entry, author=actor)
    audit.append(
        session, audit.ledger_stream(matter_id), EventName.OPINION_RECEIVED, actor=actor, matter_id=matter_id,
        facts={"no": opinion.number, "channel": entry.channel, "sha256": opinion.content_sha256},
    )  # fmt: skip
    return opinion


def add_all(session: Session, actor: Actor, matter_id: int, entries: list[Entry], source: Mapping[str, Any]) -> int:
    """Add checked entries of one file, all or none, with one event that names the file; return how many."""
    kept(session, actor, matter_id)
    for entry in entries:
        add(session, matter_id, entry, author=actor)
    audit.append(
        session, audit.ledger_stream(matter_id), EventName.OPINIONS_IMPORTED, actor=actor, matter_id=matter_id,
        facts={"added": len(entries), **source},
    )  # fmt: skip
    return len(entries)


def counts(session: Session, matter_id: int) -> Counts:
    """Return how the ledger of a matter stands, in one statement."""
    rows = session.execute(
        select(Opinion.disposition, Opinion.position, func.count())
        .where(Opinion.matter_id == matter_id)
        .group_by(Opinion.disposition, Opinion.position)
    ).all()

    def of(index: int, value: str | None) -> int:
        return sum(int(row[2]) for row in rows if row[index] == value)

    return Counts(
        total=sum(int(row[2]) for row in rows),
        pending=of(0, None),
        adopted=of(0, Disposition.ADOPTED),
        partly=of(0, Disposition.PARTLY),
        not_adopted=of(0, Disposition.NOT_ADOPTED),
        support=of(1, "support"),
        oppose=of(1, "oppose"),
    )


def must_be_disposed(session: Session, matter_id: int) -> None:
    """Raise `Refused` while an opinion of the matter is pending (R-18)."""
    pending = counts(session, matter_id).pending
    if pending:
        raise Refused(
            N_("不能办结：意见台账中还有%(pending)s条意见没有处理。请在台账中逐条研究，未采纳的写明理由。"),
            rule="R-18",
            article="条例第十八条",
            pending=pending,
        )


def ledger(session: Session, actor: Actor, matter_id: int, query: LedgerQuery) -> LedgerPage:
    """Return one page of a matter's ledger, the earliest first. Raises `NotFound` for a matter one may not see."""
    matters.get(session, actor, matter_id)
    conditions = _conditions(matter_id, query)
    total = session.scalar(select(func.count()).select_from(Opinion).where(*conditions)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, query.page), pages)
    rows = session.scalars(
        select(Opinion)
        .options(joinedload(Opinion.assignee))
        .where(*conditions)
        .order_by(Opinion.number)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    groups = session.execute(
        select(Opinion.group_label, func.count(), func.count(Opinion.disposition))
        .where(Opinion.matter_id == matter_id)
        .group_by(Opinion.group_label)
        .order_by(func.count().desc(), Opinion.group_label)
    )
    return LedgerPage(
        tuple(rows), total, page, pages, counts(session, matter_id),
        tuple((label, int(all_), int(all_) - int(done)) for label, all_, done in groups),
    )  # fmt: skip


def dispose(
    session: Session, actor: Actor, matter_id: int, which: list[int] | LedgerQuery, disposition: str, reason: str
) -> int:
    """Settle opinions, named one by one or all that a filter finds; return how many.

    Raises `Invalid` when nothing is chosen or a reason is missing (R-18), `Conflict` once the matter is decided.
    """
    matter = kept(session, actor, matter_id)
    if matter.decided_at is not None:
        raise Conflict(N_("本事项已经作出决定，意见的处理结果不能再改。"))
    errors: dict[str, list[str]] = {}
    if disposition not in list(Disposition):
        errors["disposition"] = [N_("请选择处理结果。")]
    elif disposition != Disposition.ADOPTED and not typed_in.words(reason):
        errors["reason"] = [N_("未采纳、部分采纳的，请写明理由（R-18，条例第十八条）。")]
    told = {"disposition": disposition, "reason": typed_in.words(reason)}
    return _change(
        session, actor, matter_id, which, errors, EventName.OPINION_DISPOSED,
        {**told, "disposed_at": clock.now(), "disposed_as": actor.display}, told,
    )  # fmt: skip


def group(session: Session, actor: Actor, matter_id: int, which: list[int] | LedgerQuery, label: str) -> int:
    """Put opinions of like content under one heading; an empty label takes them out. Return how many."""
    kept(session, actor, matter_id)
    errors = {"group_label": [N_("不能超过60字。")]} if len(label.strip()) > 60 else {}
    values = {"group_label": label.strip()}
    return _change(
        session, actor, matter_id, which, errors, EventName.OPINION_CHANGED, values, {"group": label.strip()}
    )


def assign(session: Session, actor: Actor, matter_id: int, which: list[int] | LedgerQuery, user_id: int) -> int:
    """Give opinions to a colleague of the undertaking unit to study; return how many."""
    kept(session, actor, matter_id)
    known = {key for key, _ in colleagues(session, matter_id)}
    errors = {} if user_id in known else {"assignee_id": [N_("请选择承办单位的人员。")]}
    return _change(
        session, actor, matter_id, which, errors, EventName.OPINION_CHANGED,
        {"assignee_id": user_id}, {"assignee": user_id},
    )  # fmt: skip


def colleagues(session: Session, matter_id: int) -> list[tuple[int, str]]:
    """Return (user id, name) of those who serve in the undertaking unit today."""
    unit_id = session.scalar(select(Matter.undertaking_unit_id).where(Matter.id == matter_id))
    today = clock.today()
    rows = session.execute(
        select(User.id, User.name)
        .join(Appointment, Appointment.user_id == User.id)
        .join(Post, Post.id == Appointment.post_id)
        .where(
            User.active,
            Post.organisation_id == unit_id,
            Appointment.starts_on <= today,
            or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
        )
        .distinct()
        .order_by(User.name)
    )
    return [(key, name) for key, name in rows]


def may_keep(actor: Actor, matter: Matter) -> bool:
    """Whether `actor` keeps the ledger of this matter: whoever works in its undertaking unit."""
    return f"undertaking_unit:{matter.undertaking_unit_id}" in actor.pools


def kept(session: Session, actor: Actor, matter_id: int) -> Matter:
    """Return the matter whose ledger `actor` keeps. Raises `NotFound`, `NotPermitted`."""
    identity.require(actor, Permission.TASK_WORK)
    matter = matters.get(session, actor, matter_id)
    if not may_keep(actor, matter):
        raise NotPermitted(N_("意见台账由决策承办单位办理，您可以查看，不能改动。"))
    return matter


def add(
    session: Session, matter_id: int, entry: Entry, *, author: Author, notice_id: int | None = None,
    token_key: str | None = None, content_key: str | None = None,
) -> Opinion:  # fmt: skip
    """Add one opinion with the next number of its matter and a receipt; recording it is the caller's."""
    now = clock.now()
    opinion = Opinion(
        receipt=_receipt(),
        matter_id=matter_id,
        notice_id=notice_id,
        number=_next_number(session, matter_id),
        channel=entry.channel,
        person_or_org=typed_in.words(entry.person_or_org),
        contact=typed_in.words(entry.contact),
        content=typed_in.words(entry.content),
        position=entry.position,
        received_on=entry.received_on or clock.local_date(now),
        received_at=now,
        entered_by_id=author.user_id,
        entered_as=author.display,
        group_label=entry.group_label.strip(),
        content_sha256=digest(typed_in.words(entry.content)),
        token_key=token_key,
        content_key=content_key,
    )
    session.add(opinion)
    session.flush()
    return opinion


def _change(
    session: Session, actor: Actor, matter_id: int, which: list[int] | LedgerQuery, errors: dict[str, list[str]],
    event: EventName, values: Mapping[str, Any], facts: Mapping[str, Any],
) -> int:  # fmt: skip
    if isinstance(which, list) and not which:
        errors = {**errors, "chosen": [N_("请先勾选要处理的意见。")]}
    if errors:
        raise Invalid(N_("没有办理，请按提示修改。"), errors=errors)
    conditions = (
        _conditions(matter_id, which)
        if isinstance(which, LedgerQuery)
        else [Opinion.matter_id == matter_id, Opinion.id.in_(which)]
    )
    # What it was before, under the lock that the change takes.
    columns = [column for column in (Opinion.disposition, Opinion.reason, Opinion.group_label, Opinion.assignee_id)
               if column.key in values]  # fmt: skip
    before: dict[tuple[Any, ...], list[int]] = {}
    for number, *was in session.execute(select(Opinion.number, *columns).where(*conditions).with_for_update()):
        before.setdefault(tuple(was), []).append(number)
    changed = session.scalars(
        update(Opinion)
        .where(*conditions)
        .values(**values)
        .returning(Opinion.number)
        .execution_options(synchronize_session=False)
    ).all()
    if not changed:
        raise NotFound(N_("没有找到要处理的意见，请刷新后再办理。"))
    audit.append(
        session, audit.ledger_stream(matter_id), event, actor=actor, matter_id=matter_id,
        facts={
            "numbers": sorted(changed),
            **facts,
            "before": [
                {"numbers": sorted(numbers), **{column.key: value for column, value in zip(columns, was, strict=True)}}
                for was, numbers in before.items()
            ],
            "after": {column.key: values[column.key] for column in columns},
        },
    )  # fmt: skip
    return len(changed)


def _conditions(matter_id: int, query: LedgerQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Opinion.matter_id == matter_id]
    if wanted := query.words.strip()[:80]:
        columns = (Opinion.content, Opinion.person_or_org, Opinion.group_label, Opinion.receipt)
        found.append(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    if query.disposition == "pending":
        found.append(Opinion.disposition.is_(None))
    elif query.disposition:
        found.append(Opinion.disposition == query.disposition)
    if query.position:
        found.append(Opinion.position == query.position)
    if query.channel:
        found.append(Opinion.channel == query.channel)
    if query.group:
        found.append(Opinion.group_label == ("" if query.group == "-" else query.group))
    if query.assignee:
        found.append(Opinion.assignee_id == query.assignee)
    return found


def _receipt() -> str:
    told = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"YJ-{told[:5]}-{told[5:]}"


def _next_number(session: Session, matter_id: int) -> int:
    return int(
        session.scalar(
            text(
                "INSERT INTO number_series (name, last) VALUES (:name, 1) "
                "ON CONFLICT (name) DO UPDATE SET last = number_series.last + 1 RETURNING last"
            ),
            {"name": f"opinion:{matter_id}"},
        )
        or 1
    )


def digest(*parts: str) -> str:
    """Return the SHA-256 (hex) of texts joined by line ends."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
