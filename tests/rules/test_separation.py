"""The separation of duties at the moment a task is taken, by operation."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from decision_flow import identity, tasks
from decision_flow.db import Database
from decision_flow.demo.play import Play, units
from decision_flow.documents import FileStore
from decision_flow.errors import Barred
from decision_flow.models import AuditEvent, Matter, Task, User
from tests.stories.test_negative import straight_to, under


def refused(database: Database, play: Play) -> list[str]:
    with database.transaction(read_only=True) as session:
        assert session.scalars(select(Task.state).where(Task.element_id == "T_only")).one() == "OPEN"
        return list(session.scalars(select(AuditEvent.canonical).where(AuditEvent.result == "refused")))


def test_a_unit_does_not_review_its_own_draft(database: Database, files: FileStore) -> None:
    """SOD-02: the judicial office carries the matter, so its own reviewer may not even take the task."""
    play = under(straight_to("F-13", "legality_reviewer"), database, files)
    with database.transaction() as session:
        session.get_one(Matter, play.matter_id).undertaking_unit_id = units(database)["清河司法所"]
    with database.transaction(read_only=True) as session:
        task_id = session.scalars(select(Task.id).where(Task.element_id == "T_only")).one()
        reviewer = identity.actor_of(session, session.scalars(select(User).where(User.username == "wangmin")).one())
    with pytest.raises(Barred) as refusal, database.transaction() as session:
        tasks.claim(session, reviewer, task_id)
    assert refusal.value.rules == ["SOD-02"]
    (told,) = refused(database, play)
    assert '"SOD-02"' in told


def test_who_drafted_does_not_review(database: Database, files: FileStore) -> None:
    """SOD-01: whoever worked on the draft may not take the review, whatever post they also hold."""
    play = under(straight_to("F-13", "legality_reviewer"), database, files)
    with database.transaction() as session:
        reviewer = identity.actor_of(session, session.scalars(select(User).where(User.username == "wangmin")).one())
        first = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.token == "start")).one()
        first.form, first.completed_by_id = "F-06", reviewer.user_id
        task_id = session.scalars(select(Task.id).where(Task.element_id == "T_only")).one()
    with pytest.raises(Barred) as refusal, database.transaction() as session:
        tasks.claim(session, reviewer, task_id)
    assert refusal.value.rules == ["SOD-01"]
    (told,) = refused(database, play)
    assert '"SOD-01"' in told
