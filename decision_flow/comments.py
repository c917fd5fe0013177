"""Comments of the public on a notice: taken without an account, counted once, found again by receipt."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, typed_in
from decision_flow.audit import PUBLIC, EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.models import Notice, NoticeKind, NoticeState, Opinion
from decision_flow.opinion_entries import LONGEST, POSITIONS, Entry
from decision_flow.opinions import add, digest

SHORTEST = 5


@dataclass(frozen=True)
class Comment:
    """What somebody sent: `token` came with the form, `source` is the keyed digest of the sender's address."""

    content: str
    position: str = "suggest"
    name: str = ""
    contact: str = ""
    token: str = ""
    source: str = ""


def submit(session: Session, number: str, comment: Comment) -> tuple[Opinion, bool]:
    """Take a comment on the solicitation `number`; return (opinion, whether it is new).

    Sent twice (the same form, or the same words from the same address on the same day) it counts once and
    the first receipt is returned. Raises `Invalid` by field, `NotFound`, `Conflict` outside the period.
    """
    notice = session.scalars(select(Notice).where(Notice.number == number)).one_or_none()
    if notice is None or notice.kind != NoticeKind.SOLICITATION:
        raise NotFound(N_("没有这份公告，请核对网址。"))
    _must_be_open(notice)
    content = typed_in.words(comment.content)
    _check_comment(comment, content)
    name, contact = typed_in.words(comment.name), typed_in.words(comment.contact)
    told = digest(content)
    token_key = digest("token", comment.token, told) if comment.token else None
    content_key = digest("source", comment.source, number, typed_in.same(name), told) if comment.source else None
    found = _twin(session, token_key, content_key)
    if found is not None:
        return found, False
    try:
        with session.begin_nested():
            opinion = add(
                session, notice.matter_id,
                Entry("website", content, comment.position, name, contact),
                author=PUBLIC, notice_id=notice.id, token_key=token_key, content_key=content_key,
            )  # fmt: skip
    except IntegrityError:
        # The same comment arrived at the same moment by another connection: that one counts.
        found = _twin(session, token_key, content_key)
        if found is None:
            raise
        return found, False
    audit.append(
        session, audit.ledger_stream(notice.matter_id), EventName.OPINION_RECEIVED, actor=PUBLIC,
        matter_id=notice.matter_id, facts={"no": opinion.number, "sha256": told},
    )  # fmt: skip
    return opinion, True


def by_receipt(session: Session, receipt: str) -> Opinion:
    """Return the opinion with this receipt number, however it was typed. Raises `NotFound`."""
    typed = "".join(character for character in receipt.upper() if character.isalnum())
    typed = typed.removeprefix("YJ").translate(str.maketrans("OIL", "011"))
    opinion = session.scalars(
        select(Opinion).where(Opinion.receipt == f"YJ-{typed[:5]}-{typed[5:10]}").options(joinedload(Opinion.notice))
    ).one_or_none()
    if opinion is None or len(typed) != 10:
        raise NotFound(N_("没有找到这个回执编号，请核对后再查。"))
    return opinion


def _check_comment(comment: Comment, content: str) -> None:
    errors: dict[str, list[str]] = {}
    if typed_in.length(content) < SHORTEST:
        errors["content"] = [N_("请写明您的意见，至少5个字。")]
    elif len(content) > LONGEST:
        errors["content"] = [N_("意见内容不能超过4000字。")]
    if comment.position not in POSITIONS:
        errors["position"] = [N_("请选择态度：支持、反对或者建议。")]
    for name, value in (("name", comment.name), ("contact", comment.contact)):
        if len(value.strip()) > 100:
            errors[name] = [N_("不能超过100字。")]
    if errors:
        raise Invalid(N_("意见没有提交，请按提示修改。您填写的内容还在。"), errors=errors)


def _must_be_open(notice: Notice) -> None:
    today = clock.today()
    if notice.state == NoticeState.WITHDRAWN:
        raise Conflict(N_("这份公告已经撤回，不再接收意见。请查看重新发布的公告。"))
    if notice.open_on is not None and today < notice.open_on:
        raise Conflict(N_("征求意见从%(day)s开始，请届时提交。"), day=notice.open_on.isoformat())
    if notice.close_on is None or today > notice.close_on:
        raise Conflict(
            N_("征求意见已于%(day)s结束，不再接收意见。"), day=notice.close_on.isoformat() if notice.close_on else ""
        )


def _twin(session: Session, token_key: str | None, content_key: str | None) -> Opinion | None:
    keys = [
        column == key
        for column, key in ((Opinion.token_key, token_key), (Opinion.content_key, content_key))
        if key is not None
    ]
    return session.scalars(select(Opinion).where(or_(*keys)).limit(1)).one_or_none() if keys else None
