"""Separation of duties inside one matter (SOD-01 to SOD-14): asked when a task is taken, handed on and completed.

Asked of whoever would do the task and, where that is a substitute, of the absent person too: a duty that is closed
to somebody is not done in their name either.
"""

from __future__ import annotations

from dataclasses import dataclass

from decision_flow.errors import N_
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found, missing

SEPARATION = "职责分离"
REVIEW_ROLES = frozenset({"legality_reviewer", "legality_head"})
REVIEW_FORMS = frozenset({"F-12b", "F-13", "F-13b", "F-13d", "F-13e", "F-13s"})
DRAFTING_FORMS = ("F-04", "F-05b", "F-06", "F-11", "F-12", "F-13c", "F-14")
EVALUATION_FORMS = frozenset({"F-38", "F-39", "F-40"})
# An exemption, and the form of whoever asks for it.
ASKED_IN = {"F-07": "F-06", "F-08": "F-06", "F-09b": "F-09"}
# Whose drafts and files are asked after, besides who filed them: handing on at the last moment hides nobody.
WORKED_ON = frozenset({*DRAFTING_FORMS, "F-09", "F-13", "F-17"})
# Which tasks the rules below may say anything about: for all others nothing is read.
ROLES = REVIEW_ROLES
FORMS = REVIEW_FORMS | EVALUATION_FORMS | frozenset(ASKED_IN) | {"F-15", "F-21", "F-26", "F-28", "F-29"}


@dataclass(frozen=True)
class Person:
    """Who would do a task: the units served today, and those in which the task's role is held."""

    id: int
    name: str = ""
    units: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Duty:
    """The task at hand."""

    role: str
    form: str = ""
    step: str = ""

    @property
    def is_review(self) -> bool:
        """Whether this is a part of the legality review, by role or by form."""
        return self.role in REVIEW_ROLES or self.form in REVIEW_FORMS


def reviewer_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-01, SOD-02: who drafts does not review, and the unit that carries the matter does not review itself."""
    if not duty.is_review:
        return
    if facts.undertaking_unit is not None and facts.undertaking_unit in person.units:
        yield missing(
            "SOD-02",
            25,
            N_("%(name)s所在单位是本事项的承办单位，不能审查自己的草案。"),
            N_("由政府办公室指定上级或者其他审查人员。"),
            name=person.name,
        )
    if person.id in facts.workers_on(*DRAFTING_FORMS):
        yield missing(
            "SOD-01",
            25,
            N_("%(name)s参与了草案的起草，不能承担合法性审查。"),
            N_("由其他审查人员办理。"),
            name=person.name,
        )


def signer_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-03: who drafted the opinion does not sign it."""
    if duty.form == "F-13s" and person.id in facts.workers_on("F-13"):
        yield missing(
            "SOD-03",
            28,
            N_("审查意见由%(name)s起草，不能由同一人签发。"),
            N_("由审查机构负责人签发。"),
            name=person.name,
        )


def expert_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-04: who declared a direct interest gives no opinion, nor one who was not chosen and so not looked into."""
    if duty.form not in ("F-28", "F-29"):
        return
    told = [one for one in facts.all("F-28") if one.by == person.id]
    if duty.form == "F-29" and told and told[-1].get("has_direct_interest") is True:
        yield missing(
            "SOD-04", 20, N_("%(name)s声明与本事项有直接利害关系，应当回避。"), N_("由承办单位另选专家。"),
            name=person.name,
        )  # fmt: skip
    chosen = {row.get("expert_id") for row in facts.of("F-29e", "experts") or ()} - {None}
    if chosen and person.id not in chosen:
        yield missing(
            "SOD-04", 20, N_("%(name)s不是本事项选定的专家，没有核查利害关系，不能出具论证意见。"),
            N_("由承办单位在“选择专家”中选定后办理。"), "F-29e", name=person.name,
        )  # fmt: skip


def evaluator_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-05, SOD-06, SOD-07: who argued for the decision does not evaluate it, as a unit or in person."""
    if duty.form not in EVALUATION_FORMS:
        return
    before = facts.before
    if person.units & before.units:
        yield missing(
            "SOD-05", 36, N_("%(name)s所在单位在决策前承担了主要论证评估工作，不能参加后评估。"),
            N_("由其他评估人员办理。"), name=person.name,
        )  # fmt: skip
    if person.id in before.experts:
        yield missing(
            "SOD-06", "条例第三十六条（地方规定）", N_("%(name)s在决策前参加了本决策的专家论证，不能参加后评估。"),
            N_("转由其他人员办理。"), name=person.name,
        )  # fmt: skip
    reasoned = str(facts.of("F-37", "independence_reason") or "").strip()
    if person.units & before.own_units and not reasoned:
        yield missing(
            "SOD-07", 36, N_("%(name)s所在单位是本决策的承办单位或者执行单位，自行评估没有写明理由。"),
            N_("由其他评估人员办理，或者在确定评估单位时写明理由。"), "F-37", name=person.name,
        )  # fmt: skip


def host_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-08: the host of the hearing is not of the drafting team, nor of the unit that carries the matter."""
    if duty.form != "F-26":
        return
    drafted = person.id in facts.workers_on(*DRAFTING_FORMS)
    if drafted or (facts.undertaking_unit is not None and facts.undertaking_unit in person.units):
        yield missing(
            "SOD-08", "行政处罚法第六十四条（参照）", N_("%(name)s是承办单位或者草案起草人员，不能主持听证。"),
            N_("由其他单位的人员主持。"), name=person.name,
        )  # fmt: skip


def clerk_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-10: the clerk of the minutes is no member of the meeting named in its notice."""
    members = {row.get("person") for row in facts.of("F-15b", "members") or ()}
    if duty.form == "F-15" and person.id in members:
        yield missing(
            "SOD-10", SEPARATION, N_("%(name)s是会议组成人员，不能担任会议记录人。"), N_("由其他人员记录。"),
            name=person.name,
        )  # fmt: skip


def page_reviewer_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-12: who wrote the page does not review it for secrets."""
    if duty.form == "F-21" and person.id in facts.workers_on("F-17"):
        yield missing(
            "SOD-12", "政府信息公开条例第十七条", N_("公布稿由%(name)s起草，不能由同一人作保密审查。"),
            N_("由其他人员审查。"), name=person.name,
        )  # fmt: skip


def approver_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-14: who asked for an exemption does not approve it."""
    asked_in = ASKED_IN.get(duty.form)
    asked = facts.last(asked_in) if asked_in else None
    if asked is not None and asked.by == person.id:
        yield missing(
            "SOD-14", SEPARATION, N_("这项豁免由%(name)s提出，不能由本人批准。"), N_("由其他有权人员批准。"),
            name=person.name,
        )  # fmt: skip


APART = (
    reviewer_apart, signer_apart, expert_apart, evaluator_apart, host_apart, clerk_apart, page_reviewer_apart,
    approver_apart,
)  # fmt: skip


def barred(facts: Facts, duty: Duty, person: Person) -> Found:
    """Yield every reason why this person may not do this duty in this matter."""
    for rule in APART:
        yield from rule(facts, duty, person)
