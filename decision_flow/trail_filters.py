"""What of the trail is wanted: one set of filters for the desk, the exports and the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, SQLColumnExpression, false, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from decision_flow import audit, clock
from decision_flow.event_names import EVENTS, EventName
from decision_flow.models import AuditEvent, Document, Matter, TrailMention, User

# So many matters or people of a name are looked up first.
FEW = 50


class _Holds(FunctionElement[bool]):
    """Whether a text holds a word as it stands, upper and lower case told apart."""

    type = Boolean()
    inherit_cache = True


@compiles(_Holds, "sqlite")
def _instr(element: _Holds, compiler: SQLCompiler, **kept: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **kept)}) > 0)"


@compiles(_Holds, "postgresql")
def _strpos(element: _Holds, compiler: SQLCompiler, **kept: Any) -> str:
    # LIKE goes through the text letter by letter and takes several times as long.
    return f"(strpos({compiler.process(element.clauses, **kept)}) > 0)"


@dataclass(frozen=True)
class Filters:
    """Which events: of a matter, of a person, under a rule, within days (China's, both included), and so on.

    `matter` is the number of a matter or part of its title, `person` a name, `document` the digest of a paper or
    part of its name; `text` words that must all be there: in what was
    recorded, in the name of the event, or in number or title of its matter. Without `reads`, the readings of the
    trail themselves are left out unless asked for by name. `organ_ids` bounds what a reader may see: events of
    the matters of these organs only; None does not. `matter_ids` and `person_ids` are what `looked_up` found.
    """

    matter_id: int | None = None
    person_id: int | None = None
    rule: str = ""
    first: date | None = None
    last: date | None = None
    event: str = ""
    result: str = ""
    matter: str = ""
    person: str = ""
    document: str = ""
    text: str = ""
    reads: bool = True
    organ_ids: frozenset[int] | None = None
    matter_ids: tuple[int, ...] | None = None
    person_ids: tuple[int, ...] | None = None

    @property
    def are_empty(self) -> bool:
        """Whether everything is wanted."""
        return self == Filters()

    @property
    def are_backwards(self) -> bool:
        """Whether the first day is after the last: nothing is of such days, which proves nothing."""
        return self.first is not None and self.last is not None and self.first > self.last

    @property
    def words(self) -> list[str]:
        """Return the words of `text`, at most five."""
        return self.text.split()[:5]


def looked_up(session: Session, filters: Filters) -> Filters:
    """Return the filters with the few matters and people that bear the name; where there are many, unchanged.

    A database that is given numbers knows by which index they are found.
    """
    if filters.matter:
        ids = session.scalars(select(Matter.id).where(_called(filters.matter)).limit(FEW + 1)).all()
        if len(ids) <= FEW:
            filters = replace(filters, matter="", matter_ids=tuple(ids))
    if filters.person:
        ids = session.scalars(select(User.id).where(_named(filters.person)).limit(FEW + 1)).all()
        if len(ids) <= FEW:
            filters = replace(filters, person="", person_ids=tuple(ids))
    return filters


def chosen(query: Select[*tuple[Any, ...]], filters: Filters) -> Select[*tuple[Any, ...]]:
    """Return `query` over `AuditEvent` with the conditions of `filters`."""
    return query.where(*indexed(filters), *spoken(filters))


def indexed(filters: Filters, moment: SQLColumnExpression[Any] = AuditEvent.at) -> list[ColumnElement[bool]]:
    """Return the conditions that an index answers: all but the words. `moment` is the column of the order."""
    found: list[ColumnElement[bool]] = []
    if filters.matter_ids is not None:
        ledgers = [audit.ledger_stream(one) for one in filters.matter_ids]
        found.append(or_(AuditEvent.matter_id.in_(filters.matter_ids), AuditEvent.stream.in_(ledgers)))
    if filters.person_ids is not None:
        # One is said to be equal: then the index gives the order as well.
        one, *more = filters.person_ids or (0,)
        found.append(AuditEvent.actor_id.in_(filters.person_ids) if more else AuditEvent.actor_id == one)
    if filters.matter_id is not None:
        found.append(of_matter(filters.matter_id))
    if filters.person_id is not None:
        found.append(AuditEvent.actor_id == filters.person_id)
    if filters.matter:
        found.append(_of_matters(_called(filters.matter)))
    if filters.person:
        found.append(AuditEvent.actor_id.in_(select(User.id).where(_named(filters.person))))
    if filters.rule:
        found.append(AuditEvent.id.in_(_mentions(TrailMention.value == filters.rule)))
    if filters.document:
        found.append(AuditEvent.id.in_(_mentions(_digests(filters.document.strip()))))
    for column, value in ((AuditEvent.event, filters.event), (AuditEvent.result, filters.result)):
        if value:
            found.append(column == value)
    if not filters.reads and not filters.event:
        found.append(AuditEvent.event != EventName.TRAIL_READ.value)
    if filters.first is not None:
        found.append(moment >= clock.start_of_day(filters.first))
    if filters.last is not None:
        found.append(moment < clock.end_of_day(filters.last) + timedelta(seconds=1))
    if filters.organ_ids is not None:
        found.append(_of_matters(Matter.organ_id.in_(filters.organ_ids)))
    return found


def spoken(filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions of the words: each must be looked for in every event that the others leave."""
    found: list[ColumnElement[bool]] = []
    for word in filters.words:
        # As it stands in the canonical form: a quotation mark is escaped there.
        written = json.dumps(word, ensure_ascii=False)[1:-1]
        kinds = [event for event, name in EVENTS.items() if word in name]
        found.append(
            or_(
                _Holds(AuditEvent.canonical, written),
                AuditEvent.event.in_(kinds) if kinds else false(),
                _of_matters(_called(word)),
            )
        )
    return found


def of_matter(matter_id: int) -> ColumnElement[bool]:
    """Return the condition for all that concerns a matter: its own stream, its ledger, and who read its files."""
    beside = (audit.ledger_stream(matter_id), audit.reading_stream(matter_id))
    return or_(AuditEvent.matter_id == matter_id, AuditEvent.stream.in_(beside))


def _of_matters(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition for events of the matters that `which` chooses, and of their ledgers."""
    theirs, ledgers = select(Matter.id).where(which), select(audit.ledger_stream_of(Matter.id)).where(which)
    return or_(AuditEvent.matter_id.in_(theirs), AuditEvent.stream.in_(ledgers))


def _called(words: str) -> ColumnElement[bool]:
    return or_(Matter.title.icontains(words, autoescape=True), Matter.number.icontains(words, autoescape=True))


def _named(name: str) -> ColumnElement[bool]:
    return or_(User.name.icontains(name, autoescape=True), User.username == name)


def _mentions(which: ColumnElement[bool]) -> Select[int]:
    return select(TrailMention.event_id).where(which)


def is_digest(document: str) -> bool:
    """Whether a paper is named by its digest."""
    return len(document) == 64 and set(document) <= set("0123456789abcdef")


def _digests(document: str) -> ColumnElement[bool]:
    if is_digest(document):
        return TrailMention.value == document
    return TrailMention.value.in_(select(Document.sha256).where(Document.name.icontains(document, autoescape=True)))
