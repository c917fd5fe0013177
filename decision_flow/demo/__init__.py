"""Demo data: a district with two townships, its people, and matters at every step.

Everything is made through the public operations, so that the trail of a demo matter is a real one. Dates
are relative to today. Only demo mode loads it, and every account in it says so.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from decision_flow import audit, clock, identity, working_days
from decision_flow.audit import SYSTEM, EventName
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.roster import PEOPLE, UNITS
from decision_flow.documents import FileStore
from decision_flow.modelling import gate
from decision_flow.models import Appointment, Organisation, Post, User

PASSWORD = "Demo-2026-pass"  # noqa: S105 - public by intention; shown on the sign-in page in demo mode


# Whoever holds one of these heads the unit.
LEADING = ("主任", "所长", "站长", "负责人")


def load(database: Database, files: FileStore, bpmn: Path) -> bool:
    """Load the demo into an empty database; return whether anything was done."""
    with database.transaction() as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            return False
        working_days.seed(session)
        gate.put_shipped_in_force(session, bpmn)
    load_people(database)
    cases.load(database, files)
    return True


def load_people(database: Database) -> None:
    """Create units, posts, accounts and appointments of the roster."""
    start = clock.today().replace(year=clock.today().year - 2, month=1, day=4)
    with database.transaction() as session:
        units: dict[str, Organisation] = {}
        for entry in UNITS:
            unit = Organisation(
                name=entry.name,
                name_en=entry.name_en,
                level=entry.level,
                kind=entry.kind,
                parent_id=units[entry.parent].id if entry.parent else None,
                organ_id=units[entry.organ].id if entry.organ else None,
                credit_code=entry.credit_code or None,
                binding=entry.binding or None,
                active=True,
            )
            session.add(unit)
            session.flush()
            if not entry.organ:
                unit.organ_id = unit.id
            units[entry.name] = unit
        hashed = identity.hash_password(PASSWORD)
        posts: dict[tuple[str, str, str], Post] = {}
        for person in PEOPLE:
            account = User(
                username=person.username, name=person.name, name_en=person.name_en, password_hash=hashed,
                password_changed_at=clock.now(), created_at=clock.now(), active=True, is_demo=True,
                failed_sign_ins=0, must_change_password=False, language="", phone="", email="",
            )  # fmt: skip
            session.add(account)
            session.flush()
            for organisation, title, title_en, role in person.posts:
                key = (organisation, title, role)
                if key not in posts:
                    posts[key] = Post(
                        organisation_id=units[organisation].id,
                        title=title,
                        title_en=title_en,
                        role_code=role,
                        leads=title in LEADING,
                        active=True,
                    )
                    session.add(posts[key])
                    session.flush()
                session.add(Appointment(user_id=account.id, post_id=posts[key].id, starts_on=start))
        audit.append(
            session, audit.PEOPLE, EventName.USER_CREATED, actor=SYSTEM, facts={"demo": True, "people": len(PEOPLE)}
        )
