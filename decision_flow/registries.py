"""The pools of experts and institutions: who is in them, their standing with its history, how they did (Art. 21).

Nobody is ever removed from the register: "removed" is a standing (R-41). Institutions are known by their unified
social credit code, so that a new name hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from decision_flow import audit, clock, identity, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.identity import Actor, Permission
from decision_flow.models import Expert, ExpertRating, Institution, Standing, StandingChange, User

REGISTRIES = "registries"
LEVELS = ("own", "city", "province")
CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
PER_PAGE = 30


@dataclass(frozen=True)
class PoolPage:
    """One page of a pool."""

    rows: tuple[Any, ...]
    total: int
    page: int
    pages: int


def experts(session: Session, actor: Actor, words: str = "", standing: str = "", page: int = 1) -> PoolPage:
    """Return one page of the experts, by name."""
    identity.require(actor, Permission.REGISTRY_READ)
    return _page(session, Expert, (Expert.name, Expert.field, Expert.employer), words, standing, page)


def institutions(session: Session, actor: Actor, words: str = "", standing: str = "", page: int = 1) -> PoolPage:
    """Return one page of the institutions, by name."""
    identity.require(actor, Permission.REGISTRY_READ)
    return _page(
        session, Institution, (Institution.name, Institution.credit_code, Institution.field), words, standing, page
    )


def expert(session: Session, actor: Actor, expert_id: int) -> tuple[Expert, list[StandingChange], list[ExpertRating]]:
    """Return an expert with the history of standing and the ratings, the latest first. Raises `NotFound`."""
    identity.require(actor, Permission.REGISTRY_READ)
    found = session.get(Expert, expert_id)
    if found is None:
        raise NotFound(N_("没有这位专家。"))
    changes = session.scalars(
        select(StandingChange).where(StandingChange.expert_id == found.id).order_by(StandingChange.id.desc())
    )
    ratings = session.scalars(
        select(ExpertRating).where(ExpertRating.expert_id == found.id).order_by(ExpertRating.id.desc())
    )
    return found, list(changes), list(ratings)


def institution(session: Session, actor: Actor, institution_id: int) -> tuple[Institution, list[StandingChange]]:
    """Return an institution with the history of its standing, the latest first. Raises `NotFound`."""
    identity.require(actor, Permission.REGISTRY_READ)
    found = session.get(Institution, institution_id)
    if found is None:
        raise NotFound(N_("没有这个机构。"))
    changes = session.scalars(
        select(StandingChange).where(StandingChange.institution_id == found.id).order_by(StandingChange.id.desc())
    )
    return found, list(changes)


def register_expert(session: Session, actor: Actor, told: Mapping[str, Any]) -> Expert:
    """Register an expert: name, field, title, employer, employer_credit_code, known_position, pool_level, username.

    Raises `Invalid` by field, `NotPermitted` without the right to keep the pools.
    """
    identity.require(actor, Permission.REGISTRY_MANAGE)
    words = {key: typed_in.words(value) for key, value in told.items()}
    errors: dict[str, list[str]] = {}
    if not words.get("name"):
        errors["name"] = [N_("请填写姓名。")]
    if not words.get("field"):
        errors["field"] = [N_("请填写专业领域。")]
    if words.get("pool_level") not in LEVELS:
        errors["pool_level"] = [N_("请选择所属专家库。")]
    code = words.get("employer_credit_code", "").upper()
    if code and not CREDIT_CODE.fullmatch(code):
        errors["employer_credit_code"] = [N_("统一社会信用代码为18位，不含字母I、O、S、V、Z。")]
    user_id = None
    if username := words.get("username"):
        user_id = session.scalar(select(User.id).where(User.username == username))
        if user_id is None:
            errors["username"] = [N_("没有这个账号。")]
        elif session.scalar(select(Expert.id).where(Expert.user_id == user_id)):
            errors["username"] = [N_("这个账号已经登记为专家。")]
    if errors:
        raise Invalid(N_("专家没有登记，请按提示修改。"), errors=errors)
    found = Expert(
        name=words["name"][:40], field=words["field"][:100], title=words.get("title", "")[:100],
        employer=words.get("employer", "")[:120], employer_credit_code=code,
        known_position=words.get("known_position", "")[:200], pool_level=words["pool_level"],
        standing=Standing.ACTIVE, user_id=user_id, registered_at=clock.now(),
    )  # fmt: skip
    session.add(found)
    session.flush()
    _changed(session, actor, Standing.ACTIVE, "", expert_id=found.id)
    _record(session, EventName.EXPERT_REGISTERED, actor, expert=found.id, name=found.name, pool=found.pool_level)
    return found


def register_institution(session: Session, actor: Actor, told: Mapping[str, Any]) -> Institution:
    """Register an institution: name, credit_code, legal_representative, field, pool_level. Raises `Invalid`."""
    identity.require(actor, Permission.REGISTRY_MANAGE)
    words = {key: typed_in.words(value) for key, value in told.items()}
    code = words.get("credit_code", "").upper()
    errors: dict[str, list[str]] = {}
    if not words.get("name"):
        errors["name"] = [N_("请填写机构名称。")]
    elif session.scalar(select(Institution.id).where(Institution.name == words["name"])):
        errors["name"] = [N_("同名机构已经登记。")]
    if not CREDIT_CODE.fullmatch(code):
        errors["credit_code"] = [N_("统一社会信用代码为18位，不含字母I、O、S、V、Z。")]
    elif session.scalar(select(Institution.id).where(Institution.credit_code == code)):
        errors["credit_code"] = [N_("这个信用代码的机构已经登记，改名后仍是同一机构。")]
    if words.get("pool_level") not in LEVELS:
        errors["pool_level"] = [N_("请选择所属专家库。")]
    if errors:
        raise Invalid(N_("机构没有登记，请按提示修改。"), errors=errors)
    found = Institution(
        name=words["name"][:120], credit_code=code, legal_representative=words.get("legal_representative", "")[:40],
        field=words.get("field", "")[:100], pool_level=words["pool_level"], standing=Standing.ACTIVE,
        registered_at=clock.now(),
    )  # fmt: skip
    session.add(found)
    session.flush()
    _changed(session, actor, Standing.ACTIVE, "", institution_id=found.id)
    _record(session, EventName.INSTITUTION_REGISTERED, actor, institution=found.id, name=found.name, code=code)
    return found


def set_standing(session: Session, actor: Actor, subject: Expert | Institution, standing: str, reason: str) -> None:
    """Suspend, remove or restore an expert or institution, with a reason (R-21, R-41). Raises `Invalid`, `Conflict`."""
    identity.require(actor, Permission.REGISTRY_MANAGE)
    errors: dict[str, list[str]] = {}
    if standing not in list(Standing):
        errors["standing"] = [N_("请选择状态。")]
    if typed_in.length(reason) < 5:
        errors["reason"] = [N_("请写明理由，至少5个字。")]
    if errors:
        raise Invalid(N_("状态没有变更，请按提示修改。"), errors=errors)
    if subject.standing == standing:
        raise Conflict(N_("已经是这个状态。"))
    was, subject.standing = subject.standing, standing
    is_expert = isinstance(subject, Expert)
    where = {"expert_id": subject.id} if is_expert else {"institution_id": subject.id}
    _changed(session, actor, standing, typed_in.words(reason), **where)
    told = {
        "standing": standing,
        "reason": typed_in.words(reason),
        "before": {"standing": was},
        "after": {"standing": standing},
    }
    _record(session, EventName.STANDING_CHANGED, actor, **told, **where)


def rate(session: Session, actor: Actor, expert: Expert, matter_id: int, task_id: int, rating: str, note: str) -> None:
    """Put how an expert did in a matter into the integrity record."""
    session.add(
        ExpertRating(
            expert_id=expert.id, matter_id=matter_id, task_id=task_id, rating=rating, note=note,
            rated_at=clock.now(), rated_as=actor.display,
        )
    )  # fmt: skip
    audit.append(
        session, audit.matter_stream(matter_id), EventName.EXPERT_RATED, actor=actor, matter_id=matter_id,
        task_id=task_id, facts={"expert": expert.id, "rating": rating},
    )  # fmt: skip


def expert_of_user(session: Session, user_id: int) -> Expert | None:
    """Return the expert that an account belongs to."""
    return session.scalars(select(Expert).where(Expert.user_id == user_id)).one_or_none()


def institution_of_code(session: Session, code: str) -> Institution | None:
    """Return the institution with this unified social credit code."""
    return session.scalars(select(Institution).where(Institution.credit_code == code)).one_or_none()


def _page(session: Session, table: Any, columns: tuple[Any, ...], words: str, standing: str, page: int) -> PoolPage:
    conditions = (
        [or_(*(column.icontains(words.strip()[:80], autoescape=True) for column in columns))] if words.strip() else []
    )
    if standing:
        conditions.append(table.standing == standing)
    total = session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, page), pages)
    rows = session.scalars(
        select(table).where(*conditions).order_by(table.name, table.id).limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    )
    return PoolPage(tuple(rows), total, page, pages)


def _changed(session: Session, actor: Actor, standing: str, reason: str, **where: int) -> None:
    session.add(
        StandingChange(standing=standing, reason=reason, changed_at=clock.now(), changed_as=actor.display, **where)
    )


def _record(session: Session, event: EventName, actor: Actor, **facts: Any) -> None:
    audit.append(session, REGISTRIES, event, actor=actor, facts=facts)
