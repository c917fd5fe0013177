"""A hearing (听证): enrolment of anyone, the draw that anyone can run again, and whether it may be opened.

The seed of the draw is made when the notice is published and its digest stands in the notice; the seed itself
is published with the list of participants. How persons are ranked stands in `draws`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, draws, matters, notices, opinions, policy_versions, submitted, typed_in
from decision_flow.audit import PUBLIC, EventName
from decision_flow.draws import Entry
from decision_flow.errors import N_, Conflict, Invalid, NotFound, Refused
from decision_flow.identity import Actor
from decision_flow.models import Enrolment, HearingDraw, Matter, Notice, NoticeKind, NoticeState, Task
from decision_flow.notice_texts import NoticeText

ARTICLE_16, ARTICLE_17 = "条例第十六条", "条例第十七条"


@dataclass(frozen=True)
class Application:
    """What somebody sends who wants to take part; `token` came with the form."""

    name: str
    side: str
    contact: str
    view: str = ""
    is_civil_servant: bool = False
    token: str = ""


@dataclass(frozen=True)
class HearingView:
    """What the office sees of a hearing: plan, notice, enrolments, draw."""

    matter: Matter
    plan: Mapping[str, Any]
    notice: Notice | None
    enrolments: tuple[Enrolment, ...]
    draw: HearingDraw | None
    may_draw: bool
    keeps: bool


def publish_notice(
    session: Session, actor: Actor, matter: Matter, plan: Mapping[str, Any], told: Mapping[str, Any], task: Task | None
) -> Notice:
    """Publish the notice of a hearing with the digest of the draw's seed, and open enrolment (R-16b, R-16c)."""
    seed = draws.new_seed()
    sides = [dict(row) for row in plan.get("sides") or ()]
    draft = submitted.latest(session, matter.id, "F-06")
    seats = "\n".join(f"{row['side']}：{row['seats']}名" for row in sides)
    when = f"{_moment(plan.get('held_at'))}，{plan.get('place') or ''}；旁听席{plan.get('public_seats') or 0}个。"
    how = (
        f"{plan.get('selection_method') or ''}\n报名人数超过名额的，用公开的办法抽取（{draws.ALGORITHM}）。"
        f"抽取所用种子的SHA-256为{draws.commitment(seed)}，种子随名单公布，任何人可以复核。"
    )
    notice = notices.publish(
        session,
        actor,
        matter,
        NoticeText(
            NoticeKind.HEARING,
            f"关于举行《{plan.get('hearing_subject') or matter.title}》听证会的公告",
            (
                ("body", str(told.get("body") or "")),
                ("when", when),
                ("sides", seats),
                ("selection", how),
                ("short_reason", str(told.get("short_notice_reason") or "")),
            ),
            ("website",),
            open_on=_day(told.get("notice_on")),
            close_on=_day(told.get("enrol_until")),
            explanation_id=submitted.file_id(draft.get("explanation_file")),
            facts={"sides": sides, "held_at": plan.get("held_at"), "place": plan.get("place"),
                   "seed_sha256": draws.commitment(seed), "algorithm": draws.ALGORITHM},
        ),
        task=task,
    )  # fmt: skip
    session.add(HearingDraw(notice_id=notice.id, seed_sha256=draws.commitment(seed), seed=seed))
    session.flush()
    return notice


def enrol(session: Session, number: str, told: Application) -> tuple[Enrolment, bool]:
    """Enrol somebody for a hearing; return (enrolment, whether it is new). Sent twice it counts once.

    Raises `Invalid` by field, `NotFound`, `Conflict` outside the time of enrolment.
    """
    notice = session.scalars(select(Notice).where(Notice.number == number).with_for_update()).one_or_none()
    if notice is None or notice.kind != NoticeKind.HEARING:
        raise NotFound(N_("没有这份公告，请核对网址。"))
    today = clock.today()
    if notice.state == NoticeState.WITHDRAWN or not notice.open_on or not notice.close_on:
        raise Conflict(N_("这份公告已经撤回，不再接收报名。"))
    if not notice.open_on <= today <= notice.close_on:
        raise Conflict(N_("现在不在报名时间内，不能报名。"))
    errors: dict[str, list[str]] = {}
    if not 2 <= typed_in.length(told.name) <= len(told.name) <= 40:
        errors["name"] = [N_("请填写姓名，名单会公布姓名。")]
    if told.side not in {row["side"] for row in notice.facts.get("sides", ())}:
        errors["side"] = [N_("请选择您代表的相关方。")]
    if not 5 <= typed_in.length(told.contact) <= len(told.contact) <= 100:
        errors["contact"] = [N_("请填写联系方式，用于送达听证材料，不公开。")]
    if len(told.view) > 2000:
        errors["view"] = [N_("主要观点不能超过2000字。")]
    if errors:
        raise Invalid(N_("报名没有提交，请按提示修改。您填写的内容还在。"), errors=errors)
    key = _key(notice.number, told)
    if (found := _enrolled(session, key)) is not None:
        return found, False
    try:
        with session.begin_nested():
            last = session.scalar(select(func.max(Enrolment.number)).where(Enrolment.notice_id == notice.id))
            enrolment = Enrolment(
                receipt=f"BM-{secrets.token_hex(5).upper()}", notice_id=notice.id, number=(last or 0) + 1,
                name=" ".join(typed_in.words(told.name).split()), side=told.side, contact=typed_in.words(told.contact),
                view=typed_in.words(told.view),
                is_civil_servant=told.is_civil_servant, enrolled_at=clock.now(), token_key=key,
            )  # fmt: skip
            session.add(enrolment)
            session.flush()
    except IntegrityError:
        if (found := _enrolled(session, key)) is None:
            raise
        return found, False
    audit.append(
        session, audit.matter_stream(notice.matter_id), EventName.ENROLMENT_RECEIVED, actor=PUBLIC,
        matter_id=notice.matter_id, facts={"notice": notice.number, "no": enrolment.number, "side": enrolment.side},
    )  # fmt: skip
    return enrolment, True


def draw(session: Session, actor: Actor, matter_id: int, public_value: str = "") -> HearingDraw:
    """Draw the participants from the enrolments, once, after enrolment has closed (R-16c).

    Raises `Refused` before that, `Conflict` when it was done, `NotPermitted` for anyone but the undertaking unit.
    """
    opinions.kept(session, actor, matter_id)
    notice = notices.latest(session, matter_id, NoticeKind.HEARING)
    if notice is None:
        raise Refused(N_("还没有发布听证公告，不能抽取参加人。"), rule="R-16b", article=ARTICLE_16)
    if notice.close_on is not None and clock.today() <= notice.close_on:
        raise Refused(
            N_("报名到%(day)s截止，截止后才能抽取参加人。"), rule="R-16c", article=ARTICLE_16,
            day=notice.close_on.isoformat(),
        )  # fmt: skip
    found = session.scalars(select(HearingDraw).where(HearingDraw.notice_id == notice.id).with_for_update()).one()
    if found.drawn_at is not None:
        raise Conflict(N_("参加人已经抽取，结果不能改变。"))
    entries = [Entry(row.number, row.name, row.side) for row in _enrolments(session, notice.id)]
    seats = {str(row["side"]): int(row["seats"]) for row in notice.facts.get("sides", ())}
    found.public_value = public_value.strip()[:200]
    ranked = draws.draw(draws.combined(found.seed, found.public_value), entries, seats)
    found.entries = [[entry.number, entry.name, entry.side] for entry in entries]
    found.result = [
        {"number": row.entry.number, "name": row.entry.name, "side": row.entry.side, "rank": row.rank,
         "selected": row.selected, "digest": row.digest}
        for row in ranked
    ]  # fmt: skip
    found.drawn_at, found.drawn_as = clock.now(), actor.display
    audit.append(
        session, audit.matter_stream(matter_id), EventName.HEARING_DRAWN, actor=actor, matter_id=matter_id,
        facts={"notice": notice.number, "seed": found.seed, "public_value": found.public_value,
               "entries": len(entries), "result_sha256": audit.digest_of(found.result)},
    )  # fmt: skip
    return found


def publish_list(session: Session, actor: Actor, matter: Matter, told: Mapping[str, Any], task: Task | None) -> Notice:
    """Publish who takes part, with the seed and the whole list of the draw, so that anyone can run it again."""
    chosen = submitted.latest(session, matter.id, "F-25c").get("participants") or []
    hearing = notices.latest(session, matter.id, NoticeKind.HEARING)
    found = _draw_of(session, hearing)
    sections = [("participants", "\n".join(f"{row['side']}:{row['name']}" for row in chosen))]
    facts: dict[str, Any] = {}
    if found is not None and found.drawn_at is not None:
        lines = "\n".join(f"{number},{name},{side}" for number, name, side in found.entries)
        public = f"\n公开数值：{found.public_value}" if found.public_value else ""
        sections += [("seed", f"{found.seed}{public}"), ("entries", lines), ("verify", draws.IN_WORDS)]
        facts = {"seed": found.seed, "public_value": found.public_value, "result": found.result,
                 "algorithm": draws.ALGORITHM}  # fmt: skip
    title = f"关于公布《{matter.title}》听证会参加人名单的公告"
    return notices.publish(
        session, actor, matter,
        NoticeText(NoticeKind.HEARING_LIST, title, tuple(sections), tuple(told.get("channels") or ()), facts=facts),
        task=task,
    )  # fmt: skip


def participants_suggested(session: Session, matter_id: int) -> list[dict[str, Any]]:
    """Return those whom the draw selected, as first answers to F-25c; without a draw, all who enrolled."""
    notice = notices.latest(session, matter_id, NoticeKind.HEARING)
    if notice is None:
        return []
    found = _draw_of(session, notice)
    chosen = {row["number"] for row in (found.result or () if found else ()) if row["selected"]}
    return [
        {"name": row.name, "side": row.side, "is_civil_servant": row.is_civil_servant}
        for row in _enrolments(session, notice.id)
        if not chosen or row.number in chosen
    ]


def must_be_selected_fairly(session: Session, matter_id: int, participants: list[Mapping[str, Any]]) -> None:
    """Raise `Refused` when more enrolled for a side than it has seats and the draw did not choose (R-16c)."""
    notice = notices.latest(session, matter_id, NoticeKind.HEARING)
    if notice is None:
        return
    seats = {str(row["side"]): int(row["seats"]) for row in notice.facts.get("sides", ())}
    _must_keep_to_the_seats(session, matter_id, notice, participants, seats)
    enrolled: dict[str, set[str]] = {}
    for row in _enrolments(session, notice.id):
        enrolled.setdefault(row.side, set()).add(row.name)
    found = _draw_of(session, notice)
    for side, names in enrolled.items():
        if len(names) <= seats.get(side, 0):
            continue
        if found is None or found.drawn_at is None:
            raise Refused(
                N_("“%(side)s”报名人数超过名额，应当先公开抽取，再登记参加人。"),
                rule="R-16c",
                article=ARTICLE_16,
                side=side,
            )
        drawn = {row["name"] for row in found.result or () if row["side"] == side}
        strangers = {str(row["name"]) for row in participants if row.get("side") == side} - drawn
        if strangers:
            raise Refused(
                N_("“%(side)s”的参加人应当从抽取结果中产生：%(names)s不在名单中。"), rule="R-16c", article=ARTICLE_16,
                side=side, names="、".join(sorted(strangers)),
            )  # fmt: skip


def _must_keep_to_the_seats(
    session: Session, matter_id: int, notice: Notice, participants: list[Mapping[str, Any]], seats: Mapping[str, int]
) -> None:
    """Who takes part sits for a side that was announced, on one of its seats; consumers keep their share (R-16c)."""
    taken = Counter(str(row.get("side") or "") for row in participants)
    for side, count in taken.items():
        if count > seats.get(side, 0):
            raise Refused(
                N_("“%(side)s”登记%(count)s人，公告的名额为%(seats)s人。请按公告的相关方和名额登记参加人。"),
                rule="R-16c", article=ARTICLE_16, side=side, count=count, seats=seats.get(side, 0),
            )  # fmt: skip
    consumers = [str(row["side"]) for row in notice.facts.get("sides", ()) if row.get("is_consumer")]
    priced = submitted.latest(session, matter_id, "F-25").get("is_price_hearing")
    if priced and 5 * sum(taken[side] for side in consumers) < 2 * sum(taken.values()):
        raise Refused(
            N_("价格听证的消费者参加人不得少于五分之二。请补足消费者参加人。"), rule="R-16c",
            article="政府制定价格听证办法",
        )  # fmt: skip


def must_be_served_after_selection(session: Session, matter_id: int, delivered_on: Any) -> None:
    """Raise `Invalid` when papers were served before it was settled to whom: nothing is dated back (R-16d)."""
    day = _day(delivered_on)
    settled = [task.completed_at for task in submitted.tasks_of(session, matter_id, "F-25c") if task.completed_at]
    if day is not None and settled and day < clock.local_date(settled[-1]):
        raise Invalid(
            N_("填写的内容有误，请按提示修改后再提交。"),
            errors={"delivered_on": [N_("送达日期不能早于确定参加人的日期。")]},
        )


def must_be_ready(session: Session, matter: Matter, opened_at: Any) -> None:
    """Raise `Refused` unless the hearing may be opened: R-16b, R-16c, R-16d, whatever the diagram says."""
    plan = submitted.latest(session, matter.id, "F-25")
    notice = notices.latest(session, matter.id, NoticeKind.HEARING)
    if not plan or notice is None:
        raise Refused(
            N_("不能举行听证会：听证公告没有发布。请先公告时间、地点、草案及说明。"), rule="R-16b", article=ARTICLE_16
        )
    held_on = _day(plan.get("held_at"))
    opened_on = _day(opened_at)
    if held_on is None or (opened_on is not None and opened_on < held_on):
        raise Refused(N_("不能早于公告的时间举行听证会。需要改期的，请重新公告。"), rule="R-16b", article=ARTICLE_16)
    if opened_on is not None and opened_on > clock.today():
        raise Refused(N_("听证会还没有举行，不能登记笔录。请在举行之后登记。"), rule="R-17a", article=ARTICLE_17)
    chosen = submitted.latest(session, matter.id, "F-25c").get("participants") or []
    sides = {str(row.get("side")) for row in chosen}
    missing = [str(row["side"]) for row in plan.get("sides") or () if str(row["side"]) not in sides]
    if missing:
        raise Refused(
            N_("不能举行听证会：%(sides)s没有参加人。每一相关方都应当有代表。"), rule="R-16c", article=ARTICLE_16,
            sides="、".join(missing),
        )  # fmt: skip
    listed = notices.latest(session, matter.id, NoticeKind.HEARING_LIST)
    ahead = policy_versions.setting(session, matter, "price_hearing_list_days")
    listed_by = held_on - timedelta(days=ahead.value) if plan.get("is_price_hearing") else held_on
    if listed is None or clock.local_date(listed.published_at) > listed_by:
        raise Refused(
            N_("不能举行听证会：参加人名单没有在%(day)s以前公布。"), rule="R-16c",
            article=ahead.basis if plan.get("is_price_hearing") else ARTICLE_16, day=listed_by.isoformat(),
        )  # fmt: skip
    _papers_in_time(session, matter, chosen, held_on)


def must_be_signed(session: Session, matter_id: int) -> None:
    """Raise `Refused` while a participant has neither signed nor been noted as refusing (R-17a)."""
    signed = {str(told.get("participant") or "") for told in submitted.every(session, matter_id, "F-26b")}
    chosen = submitted.latest(session, matter_id, "F-25c").get("participants") or []
    missing = [str(row["name"]) for row in chosen if str(row["name"]) not in signed]
    if missing or not chosen:
        raise Refused(
            N_("笔录还没有核对完：%(names)s既没有签字，也没有拒签说明。"), rule="R-17a", article=ARTICLE_17,
            names="、".join(missing) or "—",
        )  # fmt: skip


def view(session: Session, actor: Actor, matter_id: int) -> HearingView:
    """Return what the office sees of a matter's hearing. Raises `NotFound` for a matter one may not see."""
    matter = matters.get(session, actor, matter_id, joinedload(Matter.undertaking_unit))
    notice = notices.latest(session, matter_id, NoticeKind.HEARING)
    found = _draw_of(session, notice)
    closed = notice is not None and notice.close_on is not None and clock.today() > notice.close_on
    keeps = opinions.may_keep(actor, matter)
    return HearingView(
        matter=matter,
        plan=submitted.latest(session, matter_id, "F-25"),
        notice=notice,
        enrolments=tuple(_enrolments(session, notice.id)) if notice else (),
        draw=found,
        may_draw=keeps and closed and found is not None and found.drawn_at is None,
        keeps=keeps,
    )


def _papers_in_time(session: Session, matter: Matter, chosen: list[Any], held_on: date) -> None:
    """Each participant has the papers some calendar days before (Art. 16: seven); later is too late (R-16d)."""
    delivered: dict[str, date] = {}
    for told in submitted.every(session, matter.id, "F-25e"):
        day = _day(told.get("delivered_on"))
        name = str(told.get("participant") or "")
        if day is not None and (name not in delivered or day < delivered[name]):
            delivered[name] = day
    before = policy_versions.setting(session, matter, "hearing_papers_days").value
    latest = held_on - timedelta(days=before)
    late = [str(row["name"]) for row in chosen if delivered.get(str(row["name"]), date.max) > latest]
    if late:
        raise Refused(
            N_("不能举行听证会：%(names)s没有在%(day)s以前收到材料（听证会%(before)s日前）。请改期并重新公告。"),
            rule="R-16d", article=ARTICLE_16, before=before, names="、".join(late), day=latest.isoformat(),
        )  # fmt: skip


def _enrolments(session: Session, notice_id: int) -> list[Enrolment]:
    return list(session.scalars(select(Enrolment).where(Enrolment.notice_id == notice_id).order_by(Enrolment.number)))


def _enrolled(session: Session, key: str) -> Enrolment | None:
    return session.scalars(select(Enrolment).where(Enrolment.token_key == key)).one_or_none()


def _draw_of(session: Session, notice: Notice | None) -> HearingDraw | None:
    if notice is None:
        return None
    return session.scalars(select(HearingDraw).where(HearingDraw.notice_id == notice.id)).one_or_none()


def _key(number: str, told: Application) -> str:
    # One person enrols once for one side, however often the form is sent.
    who = (number, typed_in.same(told.name), typed_in.same(told.contact), told.side)
    return hashlib.sha256("\n".join(who).encode()).hexdigest()


def _moment(value: Any) -> str:
    text = str(value or "")
    if len(text) < 16:
        return text
    return f"{int(text[:4])}年{int(text[5:7])}月{int(text[8:10])}日{text[11:16]}"


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None
