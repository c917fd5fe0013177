"""The statutory checklist of a matter (法定程序核对): each duty that applies, whether it is done, and what shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from decision_flow import matter_facts, matters, rules
from decision_flow.errors import Refusal
from decision_flow.guards import decide, initiate, legality, meeting, publish
from decision_flow.guards.archive import ended_early
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found
from decision_flow.identity import Actor
from decision_flow.models import Matter
from decision_flow.rules import Rule
from decision_flow.steps import StatutoryStep

DONE, OPEN, EXEMPT, VIOLATED = "done", "open", "exempt", "violated"


@dataclass(frozen=True)
class Entry:
    """One duty as it stands: `evidence` is the form that shows it, `who` and `at` who filed it and when."""

    rule: Rule
    step: StatutoryStep
    state: str
    missing: tuple[Refusal, ...] = ()
    evidence: str = ""
    task_id: int = 0
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Duty:
    """One duty: the guard that holds it, the forms that show it, and the form that exempts from it.

    `before` is the act it must precede: a duty still open after it was violated.
    """

    rule: str
    step: StatutoryStep
    guard: Callable[[Facts], Found]
    forms: tuple[str, ...]
    exempt: str = ""
    before: str = "decided"
    applies: Callable[[Facts], bool] = lambda facts: True


def _minuted(facts: Facts) -> Found:
    yield from decide.held(facts)
    yield from decide.quorum(facts)
    yield from decide.everybody_spoke(facts)
    yield from decide.head_spoke_last(facts)
    yield from decide.deviation_explained(facts)
    yield from decide.clerk_apart(facts)


def _signed(facts: Facts) -> Found:
    yield from decide.held(facts)
    yield from decide.signed(facts)


S = StatutoryStep
DUTIES: tuple[Duty, ...] = (
    Duty("R-03a", S.INITIATION, initiate.scope, ("F-01",)),
    Duty("R-10a", S.INITIATION, initiate.studied, ("F-02",), applies=lambda f: f.relation != "adjusts"),
    Duty("R-10d", S.INITIATION, initiate.begun, ("F-03",), applies=lambda f: f.relation != "adjusts"),
    Duty("R-11a", S.INITIATION, initiate.carried, ("F-03b",)),
    Duty("R-12a", S.DRAFTING, legality.drafted, ("F-06", "F-04")),
    Duty("R-13a", S.DRAFTING, legality.consulted, ("F-05b",), applies=lambda f: bool(f.of("F-04", "consulted_units"))),
    Duty("R-14a", S.PUBLIC_PARTICIPATION, legality.public_heard, ("F-23",), "F-07"),
    Duty("R-19a", S.EXPERT_ARGUMENTATION, legality.experts_heard, ("F-29s", "F-29"), "F-08"),
    Duty("R-22a", S.RISK_ASSESSMENT, legality.risk_assessed, ("F-34b",), "F-09b"),
    Duty("R-29c", S.FAIR_COMPETITION_REVIEW, legality.competition_reviewed, ("F-10",),
         applies=lambda f: f.of("F-06", "affects_market_entities") is True),
    Duty("R-26a", S.LEGALITY_REVIEW, legality.explained, ("F-12",)),
    Duty("R-28a", S.LEGALITY_REVIEW, meeting.advised, ("F-13a",)),
    Duty("R-25a", S.LEGALITY_REVIEW, meeting.reviewed, ("F-13s",)),
    Duty("R-28b", S.LEGALITY_REVIEW, meeting.answered, ("F-13c",),
         applies=lambda f: f.of("F-13", "conclusion") == "lawful_after_revision"),
    Duty("R-29", S.COLLECTIVE_DISCUSSION, meeting.package, ("F-14",)),
    Duty("R-30a", S.COLLECTIVE_DISCUSSION, _minuted, ("F-15",)),
    Duty("R-30e", S.COLLECTIVE_DISCUSSION, _signed, ("F-15s",)),
    Duty("R-34a", S.COLLECTIVE_DISCUSSION, publish.executor_named, ("F-15",), before="published"),
    Duty("R-31", S.PARTY_REPORT, publish.party_replied, ("F-16b",), before="published"),
    Duty("R-08a", S.PARTY_REPORT, publish.congress_told, ("F-16n",), before="published",
         applies=lambda f: f.of("F-06", "npc_report_required") is True),
    Duty("R-32a", S.PUBLICATION, publish.page_reviewed, ("F-17b",), "F-07", before="published"),
    Duty("R-32b", S.PUBLICATION, publish.explained, ("F-17",), before="published",
         applies=lambda f: True in (f.of("F-06", "public_concern"), f.of("F-06", "is_technical"))),
)  # fmt: skip


def of_matter(session: Session, actor: Actor, matter_id: int) -> tuple[Entry, ...]:
    """Return the duties of a matter that the actor may see; none for a matter that is no major decision."""
    return entries(session, matters.get(session, actor, matter_id))


def entries(session: Session, matter: Matter) -> tuple[Entry, ...]:
    """Return the duties of a matter that was loaded for whoever may see it."""
    facts = matter_facts.of(session, matter)
    if facts.kind != "major":
        return ()
    return tuple(_entry(duty, facts) for duty in DUTIES if duty.applies(facts))


def _entry(duty: Duty, facts: Facts) -> Entry:
    missing = tuple(duty.guard(facts))
    shown, exempting = facts.last(*duty.forms), facts.last(duty.exempt) if duty.exempt else None
    if not missing and shown is not None:
        state, proof = DONE, shown
    elif not missing and exempting is not None:
        state, proof = EXEMPT, exempting
    else:
        late = facts.published if duty.before == "published" else facts.decided
        state, proof = (VIOLATED if missing and late and not ended_early(facts) else OPEN), None
    if proof is None:
        return Entry(rules.rule(duty.rule), duty.step, state, missing)
    return Entry(rules.rule(duty.rule), duty.step, state, (), proof.form, proof.task, proof.who, proof.at)
