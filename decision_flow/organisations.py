"""Units and posts: the tree they form, who sits where, and their changes. Nothing is deleted (R-38b).

The system administrator keeps them; every change is recorded with what stood before. A unit or post can be
closed only when nobody holds it any more, and neither its organ nor its role ever changes: tasks that are
open, and the history of appointments, rest on both. A reorganised unit is closed and a new one made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, identity, oversight, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.identity import ROLES, Actor, Permission
from decision_flow.models import Appointment, Organisation, Post, User

LEVELS = ("province", "city", "district", "township", "village", "external")
KINDS = (
    "government", "department", "office", "judicial_office", "institution", "enterprise", "social_org",
)  # fmt: skip
BINDINGS = ("direct", "by_reference")
NO_UNIT = N_("没有这个单位。")


@dataclass(frozen=True)
class Seat:
    """A post and who holds it today."""

    post: Post
    holders: tuple[User, ...]


@dataclass(frozen=True)
class Line:
    """A unit in the tree: how deep it lies, and its posts."""

    unit: Organisation
    depth: int
    seats: tuple[Seat, ...]

    @property
    def titles(self) -> list[Seat]:
        """The posts that can be filled, once for each title: a person who has one in several roles is named once."""
        found: dict[str, Seat] = {}
        for seat in self.seats:
            if seat.post.active:
                known = found.get(seat.post.title, Seat(seat.post, ()))
                more = tuple(holder for holder in seat.holders if holder not in known.holders)
                found[seat.post.title] = Seat(known.post, known.holders + more)
        return list(found.values())


def tree(session: Session, actor: Actor) -> list[Line]:
    """Return all units with their posts and holders, each below the unit it belongs to; three statements."""
    identity.require(actor, Permission.PEOPLE_READ)
    units = list(session.scalars(select(Organisation).order_by(Organisation.id)))
    seats = _seats(session)
    below: dict[int | None, list[Organisation]] = defaultdict(list)
    for unit in units:
        below[unit.parent_id].append(unit)
    found: list[Line] = []

    def add(parent: int | None, depth: int) -> None:
        for unit in below.get(parent, ()):
            found.append(Line(unit, depth, seats.get(unit.id, ())))
            add(unit.id, depth + 1)

    add(None, 0)
    return found


def organs_of(session: Session, actor: Actor) -> list[Organisation]:
    """Return the organs in which the actor serves today, and those one oversees."""
    seen = Organisation.id.in_(oversight.organ_ids(session, actor)), Organisation.organ_id == Organisation.id
    return list(session.scalars(select(Organisation).where(*seen).order_by(Organisation.id)))


def units_of_organ(session: Session, organ_id: int) -> list[Organisation]:
    """Return the units of an organ that are not closed, the organ itself among them."""
    query = select(Organisation).where(Organisation.organ_id == organ_id, Organisation.active)
    return list(session.scalars(query.order_by(Organisation.id)))


def _seats(session: Session) -> dict[int, tuple[Seat, ...]]:
    today = clock.today()
    holders: dict[int, list[User]] = defaultdict(list)
    held = session.execute(
        select(Appointment.post_id, User)
        .join(User, User.id == Appointment.user_id)
        .where(Appointment.starts_on <= today, or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today))
        .order_by(Appointment.id)
    )
    for post_id, user in held:
        holders[post_id].append(user)
    found: dict[int, list[Seat]] = defaultdict(list)
    for post in session.scalars(select(Post).order_by(Post.id)):
        found[post.organisation_id].append(Seat(post, tuple(holders.get(post.id, ()))))
    return {unit_id: tuple(seats) for unit_id, seats in found.items()}


def organisation(session: Session, actor: Actor, organisation_id: int) -> Organisation:
    """Return one unit. Raises `NotFound`."""
    identity.require(actor, Permission.PEOPLE_READ)
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound(NO_UNIT)
    return found


def posts(session: Session, actor: Actor) -> list[Post]:
    """Return all posts that can be filled, with their units."""
    identity.require(actor, Permission.PEOPLE_READ)
    return list(
        session.scalars(
            select(Post)
            .where(Post.active)
            .options(joinedload(Post.organisation))
            .order_by(Post.organisation_id, Post.id)
        )
    )


def create_organisation(session: Session, actor: Actor, values: Mapping[str, Any]) -> Organisation:
    """Add a unit: `name, name_en, level, kind, parent_id, organ_id` (empty: an organ itself), `binding`.

    Raises `Invalid` by field; an organ must say whether the decree binds it directly (R-02).
    """
    identity.require(actor, Permission.PEOPLE_MANAGE)
    parent, organ = typed_in.number(values.get("parent_id")) or None, typed_in.number(values.get("organ_id")) or None
    errors = _wrong(session, values, None)
    if values.get("level") not in LEVELS:
        errors["level"] = [N_("请选择层级。")]
    if organ is None and values.get("binding") not in BINDINGS:
        errors["binding"] = [N_("决策机关应当选择直接适用或者参照执行。")]
    if organ is not None and not _is_organ(session, organ):
        errors["organ_id"] = [N_("请选择决策机关。")]
    if parent is not None and session.get(Organisation, parent) is None:
        errors["parent_id"] = [NO_UNIT]
    if errors:
        raise Invalid(N_("单位没有保存，请按提示修改。"), errors=errors)
    unit = Organisation(
        **_fields(values),
        level=values["level"],
        parent_id=parent if parent is not None else organ,
        organ_id=organ,
        binding=values.get("binding") if organ is None else None,
        active=True,
    )
    session.add(unit)
    session.flush()
    if organ is None:
        unit.organ_id = unit.id
    _record(session, EventName.ORGANISATION_CREATED, actor, id=unit.id, name=unit.name, organ=unit.organ_id)
    return unit


def change_organisation(
    session: Session, actor: Actor, organisation_id: int, values: Mapping[str, Any]
) -> Organisation:
    """Correct a unit: `name, name_en, kind, credit_code, active`. Raises `Invalid` by field, `Conflict` in use."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    unit = organisation(session, actor, organisation_id)
    if errors := _wrong(session, values, unit):
        raise Invalid(N_("单位没有保存，请按提示修改。"), errors=errors)
    fields = {**_fields(values), "active": values.get("active") in (True, "true")}
    if unit.active and not fields["active"]:
        _nobody_left(session, Post.organisation_id == unit.id)
        if session.scalar(select(Organisation.id).where(Organisation.parent_id == unit.id, Organisation.active)):
            raise Conflict(N_("该单位还有下级单位，请先停用下级单位。"))
    _change(session, EventName.ORGANISATION_CHANGED, actor, unit, fields)
    return unit


def create_post(
    session: Session,
    actor: Actor,
    organisation_id: int,
    title: str,
    role_code: str,
    title_en: str = "",
    *,
    leads: bool = False,
) -> Post:
    """Add a post to a unit; its role says which tasks it may take, `leads` that it heads the unit. Raises `Invalid`."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    unit = session.get(Organisation, organisation_id)
    errors = _wrong_title(title)
    if role_code not in ROLES:
        errors["role_code"] = [N_("请选择角色。")]
    if unit is None or not unit.active:
        errors["organisation_id"] = [N_("请选择单位。")]
    if errors:
        raise Invalid(N_("岗位没有保存，请按提示修改。"), errors=errors)
    post = Post(
        organisation_id=organisation_id,
        title=title.strip(),
        title_en=title_en.strip()[:120],
        role_code=role_code,
        leads=leads,
        active=True,
    )
    session.add(post)
    session.flush()
    _record(session, EventName.POST_CREATED, actor, id=post.id, title=post.title, role=role_code, unit=organisation_id)
    return post


def change_post(
    session: Session, actor: Actor, post_id: int, title: str, title_en: str, active: bool, *, leads: bool = False
) -> Post:
    """Correct the title of a post and whether it heads the unit, or close it once nobody holds it; its role stays."""
    identity.require(actor, Permission.PEOPLE_MANAGE)
    post = session.get(Post, post_id)
    if post is None:
        raise NotFound(N_("没有这个岗位。"))
    if errors := _wrong_title(title):
        raise Invalid(N_("岗位没有保存，请按提示修改。"), errors=errors)
    if post.active and not active:
        _nobody_left(session, Post.id == post.id)
    fields = {"title": title.strip(), "title_en": title_en.strip()[:120], "leads": leads, "active": active}
    _change(session, EventName.POST_CHANGED, actor, post, fields)
    return post


def _wrong(session: Session, values: Mapping[str, Any], unit: Organisation | None) -> dict[str, list[str]]:
    name = str(values.get("name") or "").strip()
    other = Organisation.id != (unit.id if unit else 0)
    errors: dict[str, list[str]] = {}
    if not 2 <= len(name) <= 120:
        errors["name"] = [N_("请填写2至120个字的名称。")]
    elif session.scalar(select(Organisation.id).where(Organisation.name == name, other)):
        errors["name"] = [N_("已有同名单位。")]
    if values.get("kind") not in KINDS:
        errors["kind"] = [N_("请选择类别。")]
    code = str(values.get("credit_code") or "").strip()
    if code and not (len(code) == 18 and code.isascii() and code.isalnum()):
        errors["credit_code"] = [N_("统一社会信用代码为18位。")]
    return errors


def _wrong_title(title: str) -> dict[str, list[str]]:
    return {} if 1 <= len(title.strip()) <= 80 else {"title": [N_("请填写岗位名称。")]}


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(values["name"]).strip(),
        "name_en": str(values.get("name_en") or "").strip()[:200],
        "kind": values["kind"],
        "credit_code": str(values.get("credit_code") or "").strip().upper() or None,
    }


def _is_organ(session: Session, organisation_id: int) -> bool:
    unit = session.get(Organisation, organisation_id)
    return unit is not None and unit.is_organ


def _nobody_left(session: Session, which: Any) -> None:
    ahead = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= clock.today())
    if session.scalar(select(Appointment.id).join(Post, Post.id == Appointment.post_id).where(which, ahead).limit(1)):
        raise Conflict(N_("还有人员在任，请先由安全管理员结束任职。"))


def _change(session: Session, event: EventName, actor: Actor, row: Organisation | Post, fields: dict[str, Any]) -> None:
    before = {name: getattr(row, name) for name, value in fields.items() if getattr(row, name) != value}
    if before:
        for name in before:
            setattr(row, name, fields[name])
        _record(session, event, actor, id=row.id, before=before, after={name: fields[name] for name in before})


def _record(session: Session, event: EventName, actor: Actor, **facts: Any) -> None:
    audit.append(session, audit.PEOPLE, event, actor=actor, facts=facts)
