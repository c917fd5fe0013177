"""The risks of a matter: the matrix of its points, its rounds bound to texts of the draft, and what Art. 24 asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from decision_flow import matters, submitted
from decision_flow.errors import N_, Refused
from decision_flow.identity import Actor
from decision_flow.models import Matter, Task

FINDING, REPORT, POINTS = "F-34b", "F-34", "F-32"


@dataclass(frozen=True)
class Round:
    """One round of assessment: the text it was about, its points, and the finding of the head."""

    number: int
    draft_version: int
    points: tuple[Mapping[str, Any], ...]
    report: Mapping[str, Any]
    finding: Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: level, and the places of the points before and after measures."""

    level: str
    before: tuple[int, ...]
    after: tuple[int, ...]


def level(likelihood: int, impact: int) -> str:
    """Return the level of a point (D-03): high, medium or low. Both run from 1 to 5."""
    if impact == 5:
        return "high" if likelihood >= 2 else "medium"
    score = likelihood * impact
    return "high" if score >= 15 else "medium" if score >= 8 else "low"


def must_be_controllable_for_a_reason(session: Session, matter: Matter, task: Task, told: Mapping[str, Any]) -> None:
    """Raise `Refused` when what was uncontrollable is marked controllable on the same text with no measure (R-24)."""
    if told.get("finding") == "uncontrollable":
        return
    earlier = [entry for entry in submitted.tasks_of(session, matter.id, FINDING) if entry.id != task.id]
    if not earlier or (earlier[-1].submission or {}).get("finding") != "uncontrollable":
        return
    reports = submitted.tasks_of(session, matter.id, REPORT)
    assessed = [
        int((entry.submission or {}).get("draft_version") or 0)
        for entry in reports
        if entry.completed_at and earlier[-1].completed_at and entry.completed_at <= earlier[-1].completed_at
    ]
    changed = not assessed or matter.draft_version > assessed[-1]
    if not changed and not told.get("measures_required"):
        raise Refused(
            N_("不能认定为可控：上一轮认定为不可控，草案没有修改，也没有新的措施。请调整草案或者写明已采取的措施。"),
            rule="R-24",
            article="条例第二十四条",
        )


def rounds(session: Session, actor: Actor, matter_id: int) -> tuple[Round, ...]:
    """Return the rounds of a matter's risk assessment, the first one first. Raises `NotFound`."""
    matters.get(session, actor, matter_id)
    points = submitted.every(session, matter_id, POINTS)
    reports = submitted.every(session, matter_id, REPORT)
    findings = submitted.every(session, matter_id, FINDING)
    return tuple(
        Round(
            place + 1,
            int(_at(reports, place).get("draft_version") or 0),
            tuple(told.get("points") or ()),
            _at(reports, place),
            _at(findings, place),
        )
        for place, told in enumerate(points)
    )


def matrix(points: tuple[Mapping[str, Any], ...]) -> list[list[Cell]]:
    """Return the 5x5 matrix, the highest impact first, each cell with the places (from 1) of the points in it."""

    def at(likelihood: int, impact: int, prefix: str) -> tuple[int, ...]:
        return tuple(
            place
            for place, point in enumerate(points, 1)
            if point.get(f"{prefix}likelihood") == likelihood and point.get(f"{prefix}impact") == impact
        )

    return [
        [Cell(level(likely, impact), at(likely, impact, ""), at(likely, impact, "residual_")) for likely in range(1, 6)]
        for impact in range(5, 0, -1)
    ]


def _at(rows: list[dict[str, Any]], place: int) -> dict[str, Any]:
    return rows[place] if place < len(rows) else {}
