"""Separation of duties inside one matter (SOD-01 to SOD-14): asked when a task is taken, handed on and completed."""

from __future__ import annotations

from dataclasses import dataclass

from decision_flow.errors import N_
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found, missing

SEPARATION = "职责分离"
REVIEW_ROLES = frozenset({"legality_reviewer", "legality_head"})
REVIEW_FORMS = frozenset({"F-12b", "F-13", "F-13b", "F-13d", "F-13e", "F-13s"})
DRAFTING_FORMS = ("F-04", "F-05b", "F-06", "F-11", "F-12", "F-13c", "F-14")
# Which tasks the rules below may say anything about: for all others nothing is read.
ROLES = REVIEW_ROLES
FORMS = REVIEW_FORMS | {"F-15", "F-17", "F-21", "F-26", "F-29", "F-38", "F-39", "F-40"}


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
            N_("审查机构是本事项的承办单位,不能审查自己的草案。"),
            N_("由政府办公室指定上级或者其他审查人员。"),
        )
    if any(one.by == person.id for one in facts.all(*DRAFTING_FORMS)):
        yield missing("SOD-01", 25, N_("您参与了草案的起草,不能承担合法性审查。"), N_("由其他审查人员办理。"))


def signer_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-03: who drafted the opinion does not sign it."""
    opinion = facts.last("F-13")
    if duty.form == "F-13s" and opinion is not None and opinion.by == person.id:
        yield missing("SOD-03", 28, N_("审查意见的起草人和签发人不能是同一人。"), N_("由审查机构负责人签发。"))


def expert_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-04: an expert who declared a direct interest gives no opinion."""
    told = [one for one in facts.all("F-28") if one.by == person.id]
    if duty.form == "F-29" and told and told[-1].get("has_direct_interest") is True:
        yield missing("SOD-04", 20, N_("您声明与本事项有直接利害关系,应当回避。"), N_("由承办单位另选专家。"))


def host_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-08: the host of the hearing is not of the drafting team."""
    if duty.form == "F-26" and any(one.by == person.id for one in facts.all(*DRAFTING_FORMS)):
        yield missing("SOD-08", "行政处罚法第六十四条", N_("听证主持人不能是草案起草人员。"), N_("由其他人员主持。"))


def clerk_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-10: the clerk of the minutes is no member of the meeting named in its notice."""
    members = {row.get("person") for row in facts.of("F-15b", "members") or ()}
    if duty.form == "F-15" and person.id in members:
        yield missing("SOD-10", SEPARATION, N_("会议记录人不能是会议组成人员。"), N_("由其他人员记录。"))


def page_reviewer_apart(facts: Facts, duty: Duty, person: Person) -> Found:
    """SOD-12: who wrote the page does not review it for secrets."""
    page = facts.last("F-17")
    if duty.form == "F-21" and page is not None and page.by == person.id:
        yield missing(
            "SOD-12", "政府信息公开条例第十七条", N_("公布稿的起草人和保密审查人不能是同一人。"), N_("由其他人员审查。")
        )


def barred(facts: Facts, duty: Duty, person: Person) -> Found:
    """Yield every reason why this person may not do this duty in this matter."""
    for rule in (reviewer_apart, signer_apart, expert_apart, host_apart, clerk_apart, page_reviewer_apart):
        yield from rule(facts, duty, person)
