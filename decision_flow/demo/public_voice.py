"""What the public of the demo says: comments on notices, letters entered by hand, and how they were settled."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import actors, clock, comments, notices, opinions
from decision_flow.comments import Comment
from decision_flow.models import Notice, NoticeKind, User
from decision_flow.opinion_entries import Entry
from decision_flow.opinions import LedgerQuery

if TYPE_CHECKING:
    from decision_flow.demo.play import Play

SAFETY = (
    "施工期间要有专人疏导，学生上下学时段停止大型车辆通行。", "夜间施工要设警示灯，弯道处加装反光标志。",
    "请公布施工时间表，让村里提前安排农产品外运。", "半幅施工时请保留至少三米宽的通道。", "希望公开施工单位和监督电话。",
)  # fmt: skip
PASSING = (
    "路面窄，会车困难，建议多设几处会车道。", "支持改造，建议在学校和卫生室门口设减速带。", "建议同步修建排水沟，雨天路面积水严重。",
    "支持，建议增设公交停靠点。",
)  # fmt: skip
ORCHARD = (
    "建议改线避让果园，多年投入的果树损失大。", "反对占用果园边角地，请从东侧改线。", "改线多花的钱可以分年安排，不要砍树。",
    "请先谈好青苗补偿再进场。",
)  # fmt: skip
REFUSE = (
    ("收集点不要离住户太近，夏天气味大。", "suggest"), ("支持分类，希望配齐可回收物的投放口。", "support"),
    ("柳湾三组坡陡，清运车上不去，请换个位置。", "oppose"), ("请公布每个点的清运时间和责任人电话。", "suggest"),
    ("建议学校门口设一个有害垃圾收集点。", "suggest"),
)  # fmt: skip
NAMES = ("", "王建国", "李秀英", "", "张伟", "刘芳", "", "柳湾村第三村民小组", "陈静", "杨帆")


def speak(play: Play, opened: date, keeper: str) -> None:
    """Case A: 46 opinions, most of them by the public page, the rest entered by the undertaking unit."""
    with play.database.transaction(read_only=True) as session:
        number = session.scalars(
            select(Notice.number)
            .where(Notice.matter_id == play.matter_id, Notice.kind == NoticeKind.SOLICITATION)
            .order_by(Notice.id.desc())
            .limit(1)
        ).one()
    written = _repeat(SAFETY, 19, "suggest") + _repeat(PASSING, 11, "support") + _repeat(ORCHARD, 16, "oppose")
    for place, (text, position) in enumerate(written):
        day = opened + timedelta(days=1 + place * 28 // len(written))
        moment = datetime.combine(day, time(9 + place % 9, place % 60), clock.BUSINESS_ZONE)
        name = NAMES[place % len(NAMES)]
        with clock.pretend(moment), play.database.transaction() as session:
            if place % 9 == 8:
                actor = _actor(session, keeper)
                entry = Entry("phone" if place % 2 else "letter", text, position, name or "村民来信", "", day)
                opinions.enter(session, actor, play.matter_id, entry)
            else:
                contact = f"1380000{place:04d}" if place % 3 == 0 else ""
                comments.submit(session, number, Comment(text, position, name, contact, f"demo-{place}"))


def settle(play: Play, keeper: str) -> None:
    """Group and settle the 46 opinions: 19 adopted, 11 partly, 16 not, with reasons."""
    with clock.pretend(_noon(play.day)), play.database.transaction() as session:
        actor = _actor(session, keeper)
        groups = (
            ("suggest", "加强施工期安全防护", "adopted", ""),
            ("support", "增设会车道和标志", "partly", "按规范在视距不足路段设置"),
            ("oppose", "改线避让果园", "not_adopted", "改线增加用地和投资，原线加宽可以满足需要"),
        )
        for position, label, disposition, reason in groups:
            which = LedgerQuery(position=position)
            opinions.group(session, actor, play.matter_id, which, label)
            opinions.dispose(session, actor, play.matter_id, which, disposition, reason)


def comment(play: Play, texts: tuple[tuple[str, str], ...]) -> None:
    """A few comments on the standing solicitation of a matter that rests in its period."""
    for place, (text, position) in enumerate(texts):
        moment = _noon(play.day) + timedelta(days=1, minutes=7 * place)
        with clock.pretend(min(moment, clock.now())), play.database.transaction() as session:
            notice = notices.standing(session, play.matter_id)
            if notice is not None:
                told = Comment(text, position, NAMES[place % len(NAMES)], "", f"demo-{place}")
                comments.submit(session, notice.number, told)


def keep(play: Play, keeper: str, rows: tuple[tuple[str, str, str, str, str], ...]) -> None:
    """Enter opinions by hand and settle each: (channel, text, position, disposition, reason)."""
    with clock.pretend(_noon(play.day)), play.database.transaction() as session:
        actor = _actor(session, keeper)
        for place, (channel, text, position, disposition, reason) in enumerate(rows):
            name = NAMES[place % len(NAMES)] or "群众"
            entry = opinions.enter(session, actor, play.matter_id, Entry(channel, text, position, name, "", play.day))
            opinions.dispose(session, actor, play.matter_id, [entry.id], disposition, reason)


def _repeat(texts: tuple[str, ...], count: int, position: str) -> list[tuple[str, str]]:
    return [
        (texts[place % len(texts)] if place < len(texts) else f"{texts[place % len(texts)]}（第{place // len(texts) + 1}次座谈时也提过）", position)
        for place in range(count)
    ]  # fmt: skip


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12, 5), clock.BUSINESS_ZONE)


def _actor(session: Session, username: str) -> actors.Actor:
    account = session.scalars(select(User).where(User.username == username)).one()
    return actors.actor_of(session, account)
