"""The actor that every operation is given: a person with the appointments held today.

Read at the start of every request, so the statements are built once and ask for columns, not for objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from decision_flow import clock
from decision_flow.models import Appointment, Organisation, Post, SignInSession, Substitution, User
from decision_flow.prepared import Prepared
from decision_flow.roles import ADMINISTRATORS, Permission, permissions_of


@dataclass(frozen=True)
class Held:
    """One appointment held today, with all that is asked of it."""

    id: int
    title: str
    role_code: str
    organisation_id: int
    organisation: str
    organ_id: int


@dataclass(frozen=True)
class Acting:
    """Somebody absent for whom the actor stands in today: their pools, perhaps for one procedure only."""

    principal_id: int
    principal: str
    procedure_key: str
    pools: frozenset[str]
    units: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Actor:
    """The person who acts, as they are at this moment. `display` is frozen into every record."""

    user_id: int
    username: str
    name: str
    name_en: str
    language: str
    must_change_password: bool
    appointments: tuple[Held, ...]
    display: str
    roles: frozenset[str]
    pools: frozenset[str]
    permissions: frozenset[Permission]
    session_id: int | None = None
    seen_at: datetime | None = None
    acting: tuple[Acting, ...] = ()

    def stands_in(self, pool: str) -> Acting | None:
        """Return for whom the actor acts with this pool; None when it is the actor's own."""
        return next((acting for acting in self.acting if pool in acting.pools), None)


def actor_of(session: Session, user: User) -> Actor:
    """Return the actor that a user is today, from the appointments held today."""
    if session.autoflush:
        session.flush()
    connection = session.connection()
    rows = _OF_USER.rows(connection, {"user": user.id, "today": clock.today()})
    return build(user, rows, acting_of(connection, user.id) if rows and rows[0].substitutes else ())


def acting_of(connection: Connection, user_id: int) -> tuple[Acting, ...]:
    """Return for whom a person stands in today. Asked only of those who do."""
    today = clock.today()
    stands_in = connection.execute(
        select(Substitution.principal_id, Substitution.procedure_key)
        .where(
            Substitution.substitute_id == user_id,
            Substitution.starts_on <= today,
            Substitution.ends_on >= today,
            Substitution.ended_at.is_(None),
        )
        .order_by(Substitution.id)
    ).all()
    found = []
    for principal_id, key in stands_in:
        rows = _OF_USER.rows(connection, {"user": principal_id, "today": today})
        if rows[0].active:
            # Without their own substitutions: nobody stands in for somebody who stands in.
            them = build(rows[0], rows)
            if them.roles & set(ADMINISTRATORS):
                continue
            units = frozenset(held.organisation_id for held in them.appointments)
            found.append(Acting(principal_id, them.display, key, them.pools, units))
    return tuple(found)


def of_session(connection: Connection, token_hash: str) -> Sequence[Any]:
    """Return what is stored of a session and of the person who opened it, once per appointment held today."""
    return _OF_SESSION.rows(connection, {"token_hash": token_hash, "today": clock.today()})


def build(person: Any, rows: Sequence[Any], acting: tuple[Acting, ...] = ()) -> Actor:
    """Return the actor made of a person's own columns and one row per appointment (all None where there is none)."""
    held = tuple(
        Held(
            row.appointment_id,
            row.title,
            row.role_code,
            row.organisation_id,
            row.organisation,
            row.organ_id or row.organisation_id,
        )
        for row in rows
        if row.appointment_id is not None
    )
    roles = frozenset(appointment.role_code for appointment in held)
    user_id = person.id if isinstance(person, User) else person.user_id
    pools = {f"person:{user_id}"}
    for appointment in held:
        pools.add(f"{appointment.role_code}:{appointment.organisation_id}")
        pools.add(f"{appointment.role_code}:{appointment.organ_id}")
    # An administrator stands in for nobody, whenever the post was given (SOD-13).
    acting = () if roles & set(ADMINISTRATORS) else tuple(replace(one, pools=one.pools - pools) for one in acting)
    for entry in acting:
        pools |= entry.pools
    where = f"{held[0].organisation}·{held[0].title}·" if held else ""
    return Actor(
        user_id=user_id,
        username=person.username,
        name=person.name,
        name_en=person.name_en,
        language=person.language,
        must_change_password=person.must_change_password,
        appointments=held,
        display=f"{where}{person.name}",
        roles=roles,
        pools=frozenset(pools),
        permissions=permissions_of(roles),
        acting=acting,
    )


def _with_appointments(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Add the appointments held on the day `today`, if there are any."""
    today: BindParameter[date] = bindparam("today")
    held_today = and_(
        Appointment.user_id == User.id,
        Appointment.starts_on <= today,
        or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
    )
    substitutes = exists().where(
        Substitution.substitute_id == User.id,
        Substitution.starts_on <= today,
        Substitution.ends_on >= today,
        Substitution.ended_at.is_(None),
    )
    return (
        statement.add_columns(
            substitutes.label("substitutes"),
            Appointment.id.label("appointment_id"),
            Post.title,
            Post.role_code,
            Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation"),
            Organisation.organ_id,
        )
        .outerjoin(Appointment, held_today)
        .outerjoin(Post, Post.id == Appointment.post_id)
        .outerjoin(Organisation, Organisation.id == Post.organisation_id)
        .order_by(Appointment.id)
    )


_PERSON = (
    User.id.label("user_id"),
    User.username,
    User.name,
    User.name_en,
    User.language,
    User.active,
    User.is_demo,
    User.must_change_password,
    User.password_changed_at,
)
_OF_USER = Prepared(_with_appointments(select(*_PERSON).where(User.id == bindparam("user"))))
_OF_SESSION = Prepared(
    _with_appointments(
        select(
            SignInSession.id.label("session_id"),
            SignInSession.last_seen_at,
            SignInSession.expires_at,
            SignInSession.revoked_at,
            *_PERSON,
        )
        .join_from(SignInSession, User, User.id == SignInSession.user_id)
        .where(SignInSession.token_hash == bindparam("token_hash"))
    )
)
