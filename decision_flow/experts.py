"""Experts in a matter: invited without interest and in good standing, bound to secrecy, heard each for itself.

Until all opinions are in, no expert sees another's (Art. 19: independent); nobody but the expert writes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import interests, registries, submitted
from decision_flow.errors import N_, Invalid, NotPermitted, Refused
from decision_flow.identity import Actor
from decision_flow.models import STANDING, Matter, Standing, Task

DECLARATION, OPINION = "F-28", "F-29"
# Whoever has one of these posts reads for the office, not as an invited expert.
EXPERT_ROLES = frozenset({"expert"})


def must_be_invitable(session: Session, matter: Matter, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Refused` when one of the invited is suspended, removed (R-21) or interested (R-20b, SOD-04)."""
    for row in rows:
        found = registries.expert_of_user(session, int(row["expert_id"])) if row.get("expert_id") else None
        if found is not None and found.standing != Standing.ACTIVE:
            raise Refused(
                N_("不能邀请%(name)s：该专家已被暂停或者移出专家库。请另选专家。"),
                rule="R-21", article="条例第二十一条", name=found.name,
            )  # fmt: skip
        employers = {str(row.get("organisation") or ""), found.employer if found else ""} - {""}
        code = found.employer_credit_code if found else ""
        for employer in employers or {""}:
            if party := interests.interested(session, matter, name=employer, code=code):
                raise Refused(
                    N_("不能邀请%(name)s：其工作单位%(party)s与本事项有直接利害关系。请另选专家。"), rule="R-20b",
                    article="条例第二十条", name=found.name if found else employer, party=party,
                )  # fmt: skip


def must_have_declared(session: Session, actor: Actor, matter: Matter) -> None:
    """Raise `Invalid` unless this expert declared no interest and undertook secrecy in this matter (R-19b, R-20b)."""
    told = _declaration(session, actor, matter.id)
    if not told:
        raise Invalid(
            N_("还没有提交利害关系声明和保密承诺，不能出具论证意见。"),
            errors={"": [N_("请先提交专家声明（R-20b，条例第二十条）。")]},
        )
    if told.get("has_direct_interest"):
        raise Refused(N_("您声明与本事项有直接利害关系，应当回避。"), rule="R-20b", article="条例第二十条")


def must_have_undertaken(session: Session, actor: Actor, matter_id: int) -> None:
    """Raise `NotPermitted` for an invited expert who has not undertaken secrecy yet (R-19b): no papers before that."""
    if not is_only_expert(actor) or _declaration(session, actor, matter_id).get("confidentiality_signed"):
        return
    raise NotPermitted(N_("请先提交专家声明并承诺保密，再查看材料（条例第十九条）。"))


def hidden(session: Session, actor: Actor, matter_id: int, task: Task) -> bool:
    """Whether `task` is another expert's opinion that `actor` must not read yet (R-19b)."""
    if task.form != OPINION or task.completed_by_id == actor.user_id or not is_only_expert(actor):
        return False
    return (
        session.scalar(
            select(Task.id)
            .where(
                Task.matter_id == matter_id,
                Task.form == OPINION,
                Task.state.in_(STANDING),
            )
            .limit(1)
        )
        is not None
    )


def is_only_expert(actor: Actor) -> bool:
    """Whether `actor` has no post but that of an expert."""
    return bool(actor.roles) and actor.roles <= EXPERT_ROLES


def rate(session: Session, actor: Actor, matter: Matter, task: Task, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the rating of each expert whom the pool knows into the integrity record (R-21)."""
    for row in rows:
        expert = registries.expert_of_user(session, int(row["expert_id"])) if row.get("expert_id") else None
        if expert is not None:
            registries.rate(
                session, actor, expert, matter.id, task.id, str(row.get("rating") or ""), str(row.get("note") or "")
            )


def _declaration(session: Session, actor: Actor, matter_id: int) -> dict[str, Any]:
    """Return the latest declaration of this person in this matter."""
    for task in reversed(submitted.tasks_of(session, matter_id, DECLARATION)):
        if task.completed_by_id == actor.user_id:
            return dict(task.submission or {})
    return {}
