"""What the file of a matter must hold before it closes (R-33), and how long each paper is kept (D-09).

The checklist is pure, over facts: which forms were completed, what was exempted, what the draft said of itself.
A matter that ended before the decision hands over what there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from decision_flow.engine.decisions import DecisionTable, read_tables
from decision_flow.errors import N_
from decision_flow.resources import BPMN

PRESENT, MISSING, EXEMPT, NOT_NEEDED, NONE_YET = "present", "missing", "exempt", "not_needed", "none_yet"
# Kinds of paper by the form and field they were filed in; drafts are told apart by whether a newer one came.
_KINDS = {
    ("F-15", "minutes_file"): "minutes",
    ("F-34", "report_file"): "risk_report",
    ("F-17b", ""): "decision",
    ("F-17", ""): "decision",
    ("F-23", ""): "opinion_ledger",
}
_OPINIONS = ("F-13", "F-13a", "F-13c", "F-13e", "F-13s")
Judged = tuple[str, str, tuple[str, ...], tuple[str, ...], "Exemption | None"]
_LONGEST = ("10y", "30y", "permanent")


@dataclass(frozen=True)
class Exemption:
    """An approved exemption from a step: the article, its reason, who approved it (as then) and when."""

    article: str
    reason: str
    approved_as: str
    approved_at: datetime


@dataclass(frozen=True)
class ArchiveFacts:
    """What is known of a matter. `decided`: the meeting approved it; `said`: the latest answers by form.

    `exemptions`: by the form that exempts, what was approved there.
    """

    procedure: str
    decided: bool
    forms: frozenset[str]
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exemptions: Mapping[str, Exemption] = field(default_factory=dict)

    def told(self, form: str, name: str) -> Any:
        """Return an answer, or None."""
        return self.said.get(form, {}).get(name)


@dataclass(frozen=True)
class ArchiveItem:
    """One item of the file (domain list of R-33): how it stands, what is missing of what is needed, what exempts."""

    number: int
    name: str
    state: str
    missing: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    exemption: Exemption | None = None


def checklist(facts: ArchiveFacts) -> list[ArchiveItem]:
    """Return the items of the file of a matter in their order."""
    if facts.procedure == "major_decision":
        return _numbered(_major_decision(facts))
    if facts.procedure == "three_major_one_large":
        return _numbered(_three_major(facts))
    return []


def missing(facts: ArchiveFacts) -> list[ArchiveItem]:
    """Return the items that must be there before the file closes and are not."""
    return [item for item in checklist(facts) if item.state == MISSING]


def kind_of(form: str | None, field_name: str, *, newest: bool) -> str:
    """Return what kind of paper was filed there, as the table D-09 names it."""
    if field_name.startswith("draft_file"):
        return "decision" if newest else "interim_draft"
    if form in _OPINIONS:
        return "legality_opinion"
    return _KINDS.get((form or "", field_name)) or _KINDS.get((form or "", "")) or "other"


def retention_of(kind: str) -> str:
    """Return how long a kind of paper is kept: "permanent", "30y" or "10y" (D-09; U until the archives approve it)."""
    return str(_table().decide({"kind": kind}, {})["retention"])


def longest(retentions: Iterable[str]) -> str:
    """Return the longest of several periods: the whole file is kept as long as its longest paper."""
    return max(retentions, key=_LONGEST.index, default="10y")


@cache
def _table() -> DecisionTable:
    name = "D-09-retention.dmn"
    return read_tables({name: (BPMN / "decision-tables" / name).read_bytes()})["D-09"]


def _item(name: str, needed: Collection[str], facts: ArchiveFacts, *, unless: bool = False) -> Judged:
    """Judge one item: `needed` forms must all be there, unless the item does not apply."""
    absent = tuple(form for form in needed if form not in facts.forms)
    if unless:
        return name, NOT_NEEDED if absent else PRESENT, (), tuple(needed), None
    if not facts.decided:
        return name, PRESENT if len(absent) < len(needed) else NONE_YET, (), tuple(needed), None
    return name, MISSING if absent else PRESENT, absent, tuple(needed), None


def _or_exempt(name: str, needed: Collection[str], exemption: str, facts: ArchiveFacts) -> Judged:
    told = _item(name, needed, facts)
    # An exemption of a part leaves the step to be done for the rest.
    exempt = exemption in facts.forms and facts.told(exemption, "scope") != "part"
    if not exempt or told[1] not in (MISSING, NONE_YET):
        return told
    return name, EXEMPT, (), (*needed, exemption), facts.exemptions.get(exemption)


def _major_decision(facts: ArchiveFacts) -> list[Judged]:
    solicited = "open_solicitation" in (facts.told("F-20", "forms") or ())
    withheld = "F-07" in facts.forms
    consulted = bool(facts.told("F-04", "consulted_units"))
    npc = bool(facts.told("F-06", "npc_report_required"))
    return [
        _item(N_("启动材料"), ("F-01", "F-02", "F-03"), facts),
        _item(N_("调研与依据"), ("F-04",), facts),
        _item(N_("草案各版及说明"), ("F-06",), facts),
        _item(N_("部门协商"), ("F-05", "F-05b"), facts, unless=not consulted),
        _or_exempt(
            N_("公众参与材料或者不予公开认定"), ("F-20", "F-23", *(("F-22",) if solicited else ())), "F-07", facts
        ),
        _or_exempt(N_("专家论证材料或者豁免"), ("F-29s",), "F-08", facts),
        _or_exempt(N_("风险评估材料或者豁免"), ("F-34", "F-34b"), "F-09b", facts),
        _item(N_("公平竞争审查"), ("F-10",), facts, unless=not facts.told("F-06", "affects_market_entities")),
        _item(N_("送审材料、合法性审查意见和法律意见"), ("F-12", "F-13", "F-13a", "F-13s"), facts),
        _item(N_("会议材料、记录和决定"), ("F-14", "F-15", "F-15s"), facts),
        _item(N_("党委请示与批复、人大报告"), ("F-16", "F-16b", *(("F-16n",) if npc else ())), facts),
        _item(N_("公布与解读"), ("F-17", "F-17b"), facts, unless=withheld and facts.told("F-07", "scope") == "whole"),
        _item(N_("执行任务书、进度和问题"), ("F-18", "F-19"), facts),
    ]


def _three_major(facts: ArchiveFacts) -> list[Judged]:
    meeting = "F-42b" in facts.forms
    party = "F-42d" in facts.forms
    return [
        _item(N_("事项表"), ("F-42",), facts),
        _item(N_("会前准备"), ("F-42b",), facts, unless=not meeting),
        _item(
            N_("会议记录或者审批、党委结果"),
            ("F-42d",) if party else ("F-15", "F-15s") if meeting else ("F-42a",),
            facts,
        ),
        _item(N_("公示公开"), ("F-42e",), facts),
        _item(N_("执行情况"), ("F-42f",), facts),
    ]


def _numbered(items: Iterable[Judged]) -> list[ArchiveItem]:
    return [ArchiveItem(number, *item) for number, item in enumerate(items, 1)]
