"""Whose file a supervisor may read: the organ of the post, and every organ below it (Art. 8)."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from decision_flow.actors import Actor
from decision_flow.models import Organisation
from decision_flow.roles import ROLES, Permission


def roots(actor: Actor) -> frozenset[int]:
    """Return the organs of the posts by which the actor oversees; none for whoever oversees nothing."""
    return frozenset(
        held.organ_id
        for held in actor.appointments
        if held.role_code in ROLES and Permission.MATTER_READ_ALL in ROLES[held.role_code].permissions
    )


def organs(actor: Actor) -> Select[int]:
    """Return the statement for the ids of the units that the actor oversees, from the roots down."""
    below = select(Organisation.id).where(Organisation.id.in_(roots(actor))).cte(recursive=True)
    below = below.union(select(Organisation.id).join(below, Organisation.parent_id == below.c.id))
    return select(below.c.id)


def organ_ids(session: Session, actor: Actor) -> frozenset[int]:
    """Return the organs whose registers the actor may read: those one serves in, and those one oversees."""
    own = frozenset(held.organ_id for held in actor.appointments)
    return own | frozenset(session.scalars(organs(actor))) if roots(actor) else own


def bounds(session: Session, actor: Actor) -> frozenset[int] | None:
    """Return the organs whose part of the trail the actor may read; None for whoever may read all of it.

    The auditor of the installation reads all; so does a supervisor whose organs are all that there are.
    """
    if not roots(actor):
        return None
    seen = organ_ids(session, actor)
    every = session.scalars(select(Organisation.id).where(Organisation.organ_id == Organisation.id))
    return None if seen.issuperset(every) else seen
