"""G-DECIDE: decided by the head on the basis of a meeting whose minutes show what Art. 30 asks."""

from __future__ import annotations

from datetime import datetime

from decision_flow import clock, typed_in
from decision_flow.deliberation import deviates, head_last
from decision_flow.errors import N_
from decision_flow.guards.facts import APPROVED, Facts
from decision_flow.guards.said import Found, missing


def held(facts: Facts) -> Found:
    """R-30a: there are minutes of what took place; papers sent around, or a signature alone, decide nothing."""
    minutes = facts.last("F-15")
    if minutes is not None and minutes.at is not None and _day(minutes.get("held_at")) > _day(minutes.at):
        yield missing(
            "R-30a", 30, N_("会议还没有召开，会议记录不能办结。"), N_("会议召开以后再如实填写会议记录。"), "F-15"
        )
    if minutes is None:
        yield missing("R-30a", 30, N_("没有经会议集体讨论，不能作出决定。"), N_("召开会议讨论并制作会议记录。"), "F-15")


def _day(value: object) -> str:
    """Return the day of a moment in China, "" of none."""
    return clock.local_date(value).isoformat() if isinstance(value, datetime) else str(value or "")[:10]


def quorum(facts: Facts) -> Found:
    """R-30g: more of the members were there than the quorum of the matter's policy."""
    minutes = facts.last("F-15")
    if minutes is None:
        return
    # A person who is listed twice, however the name is spaced, was there once; who was notified or is listed was to
    # be there, whatever number the minutes say.
    rows = minutes.get("attendance") or ()
    present = {typed_in.same(row.get("person")) for row in rows if row.get("status") == "present"}
    listed = {typed_in.same(row.get("person")) for row in rows}
    notified = {row.get("person") for row in facts.of("F-15b", "members") or ()}
    everybody = max(int(minutes.get("members_total") or 0), len(listed), len(notified))
    asked = facts.settings["quorum_percent"]
    if 100 * len(present) <= asked.value * everybody or not present:
        yield missing(
            "R-30g",
            asked.basis,
            N_("出席人数没有超过应到人数的%(percent)s%%。"),
            N_("达到法定人数后另行召开会议。"),
            "F-15",
            percent=asked.value,
        )


def everybody_spoke(facts: Facts) -> Found:
    """R-30b, SOD-11: each present member has an opinion row; who was recused has none."""
    minutes = facts.last("F-15")
    if minutes is None:
        return
    rows = minutes.get("attendance") or ()
    spoke = {row.get("person") for row in minutes.get("opinions") or ()}
    present = {row.get("person") for row in rows if row.get("status") == "present" and not row.get("recused")}
    recused = {row.get("person") for row in rows if row.get("recused")}
    if present - spoke:
        yield missing("R-30b", 30, N_("有出席的成员没有发表意见的记录。"), N_("逐人记录意见。"), "F-15")
    if recused & spoke:
        yield missing("SOD-11", 30, N_("回避的成员不能发表意见。"), N_("更正会议记录。"), "F-15")


def head_spoke_last(facts: Facts) -> Found:
    """R-30c."""
    opinions = facts.of("F-15", "opinions") or ()
    if facts.has("F-15") and (not opinions or not head_last(opinions)):
        yield missing(
            "R-30c",
            30,
            N_("行政首长应当最后发表意见。"),
            N_("按实际发言次序记录；首长先发言的，另行召开会议。"),
            "F-15",
        )


def deviation_explained(facts: Facts) -> Found:
    """R-30d: a decision against the majority was explained at the meeting."""
    minutes = facts.last("F-15")
    if minutes is None or not deviates(minutes.get("opinions") or (), minutes.get("decision")):
        return
    if not str(minutes.get("deviation_reason") or "").strip():
        yield missing(
            "R-30d", 30, N_("决定与多数人意见不一致，没有在会上说明理由。"), N_("记录首长在会上说明的理由。"), "F-15"
        )


def clerk_apart(facts: Facts) -> Found:
    """SOD-10: who keeps the minutes is no voting member."""
    minutes = facts.last("F-15")
    if minutes is None or minutes.by is None:
        return
    name = typed_in.same(facts.names.get(minutes.by, ""))
    if name and name in {typed_in.same(row.get("person")) for row in minutes.get("attendance") or ()}:
        yield missing("SOD-10", "职责分离", N_("会议记录人不能是会议组成人员。"), N_("由其他人员记录。"), "F-15")


def signed(facts: Facts) -> Found:
    """R-30e: the head, and nobody else, signed after these minutes."""
    minutes, signature = facts.last("F-15"), facts.last("F-15s")
    if minutes is None:
        return
    if signature is None or facts.place(signature) < facts.place(minutes):
        yield missing("R-30e", 30, N_("行政首长没有签署决定。"), N_("由行政首长签署。"), "F-15s")
    elif signature.role not in ("", "admin_head"):
        yield missing("R-30e", 30, N_("决定应当由行政首长签署。"), N_("由行政首长签署。"), "F-15s")


def executor_named(facts: Facts) -> Found:
    """R-34a: an approved decision names who carries it out."""
    named = facts.implementing_unit is not None or facts.of("F-15", "implementing_unit_id")
    if facts.of("F-15", "decision") in APPROVED and not named:
        yield missing("R-34a", 34, N_("没有明确决策执行单位。"), N_("在会议记录中明确执行单位。"), "F-15")


def to_close_minutes(facts: Facts) -> Found:
    """What the minutes must show (F-15)."""
    yield from held(facts)
    yield from quorum(facts)
    yield from everybody_spoke(facts)
    yield from head_spoke_last(facts)
    yield from deviation_explained(facts)
    yield from clerk_apart(facts)
    yield from executor_named(facts)


def to_decide(facts: Facts) -> Found:
    """What must stand before a decision is recorded."""
    yield from to_close_minutes(facts)
    yield from signed(facts)
