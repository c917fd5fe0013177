"""What the file of a matter shows, as one frozen value: all that the guards know.

Nothing here says what a diagram intends; only what was really filed, by whom and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from decision_flow.policies import Settings, decree

APPROVED = frozenset({"approved", "approved_with_changes"})
# What a conclusion of the review must be for the very text that goes to the meeting (R-25c, R-25d, R-28b).
SUBMITTABLE = frozenset({"lawful", "no_rule_risk_stated", "confirmed"})
CONTROLLABLE = frozenset({"controllable", "controllable_with_measures"})


@dataclass(frozen=True)
class Filed:
    """One completed form: its answers, who filed it, in which role and for which unit, and when."""

    form: str
    answers: Mapping[str, Any]
    by: int | None = None
    who: str = ""
    role: str = ""
    unit: int | None = None
    at: datetime | None = None
    task: int = 0

    def get(self, name: str, default: Any = None) -> Any:
        """Return one answer."""
        return self.answers.get(name, default)


@dataclass(frozen=True)
class Text:
    """The text of the draft that stands: its hash, what the reviewer said of it, and since when it stands."""

    number: int = 0
    sha256: str = ""
    conclusion: str = ""
    frozen_at: datetime | None = None


@dataclass(frozen=True)
class Before:
    """Who worked on the decision that is evaluated, before it was made: what the evaluator's independence rests on.

    `experts` are people, `units` those that argued or assessed, `own_units` those that carried it and carry it out.
    """

    experts: frozenset[int] = frozenset()
    units: frozenset[int] = frozenset()
    own_units: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Facts:
    """The file of one matter.

    `kind` is major, adjustment, evaluation, three_major, archive or other. `filed` is in the order of filing.
    `stale` are steps done on an older text; `pending` counts opinions of the public without a disposition.
    `serves` says which units a person serves today, `names` what they are called. `settings` are the numbers of the
    policy version that the matter began with.

    Read only where a rule asks: `trail_break`, and `papers_missing` and `papers_changed` (filed papers whose bytes are
    gone or others now), where a file is archived; `hands` (forms that a person drafted or uploaded files for and then
    handed on) and `before` (of an evaluation) for the separation of duties.
    """

    kind: str = "major"
    relation: str | None = None
    category: str = ""
    filed: tuple[Filed, ...] = ()
    text: Text | None = None
    stale: tuple[str, ...] = ()
    pending: int = 0
    undertaking_unit: int | None = None
    implementing_unit: int | None = None
    decided: bool = False
    published: bool = False
    archived: bool = False
    withdrawn: bool = False
    adjusted: bool = False
    trail_break: str = ""
    papers_missing: tuple[str, ...] = ()
    papers_changed: tuple[str, ...] = ()
    approved: frozenset[str] = frozenset()
    serves: Mapping[int, frozenset[int]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    hands: frozenset[tuple[str, int]] = frozenset()
    before: Before = field(default_factory=Before)
    settings: Settings = field(default_factory=decree)

    def all(self, *forms: str) -> Iterator[Filed]:
        """Yield what was filed on any of `forms`, the earliest first."""
        return (one for one in self.filed if one.form in forms)

    def last(self, *forms: str) -> Filed | None:
        """Return the latest filing on any of `forms`, or None."""
        return next((one for one in reversed(self.filed) if one.form in forms), None)

    def has(self, *forms: str) -> bool:
        """Whether any of `forms` was filed."""
        return self.last(*forms) is not None

    def of(self, form: str, name: str, default: Any = None) -> Any:
        """Return one answer of the latest filing of `form`."""
        found = self.last(form)
        return default if found is None else found.get(name, default)

    def workers_on(self, *forms: str) -> set[int | None]:
        """Return who filed any of `forms`, or drafted it and handed it on."""
        return {one.by for one in self.all(*forms)} | {person for form, person in self.hands if form in forms}

    @property
    def draft_filed(self) -> str:
        """The hash of the text of the draft that was filed last, by whatever form; empty where none says."""
        for one in reversed(self.filed):
            for name, value in one.answers.items():
                entry = value[-1] if isinstance(value, list) and value else value
                if name.startswith("draft_file") and isinstance(entry, Mapping) and entry.get("sha256"):
                    return str(entry["sha256"])
        return ""

    def place(self, filed: Filed | None) -> int:
        """Return where a filing stands in the order, or -1."""
        return -1 if filed is None else self.filed.index(filed)

    def with_filing(self, filed: Filed) -> Facts:
        """Return the facts as they will be once `filed` counts."""
        return replace(self, filed=(*self.filed, filed))
