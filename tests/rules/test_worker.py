"""What a guard refuses to a person it refuses to a timer: the matter stays, the office is told once, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from decision_flow import audit, clock, tasks, worker
from decision_flow.audit import EventName
from decision_flow.models import AuditEvent, Matter, Notification, Task, Timer
from tests.guards.test_guards import lawful, without
from tests.rules.shortcut import BY_TIMER, OFFICE, World

# What each timer leads to, and the duty that is open when it is due: discussion, publication, archive, the end.
ROWS = [
    ("record_decision", "R-30a", ("F-15", "F-15s")),
    ("record_publication", "R-31", ("F-16b",)),
    ("archive_part", "R-25a", ("F-13", "F-13s")),
    ("finish", "R-34c", ("F-19c",)),
]


@pytest.mark.parametrize(("effect", "rule", "forms"), ROWS, ids=[row[0] for row in ROWS])
def test_a_timer_does_not_do_what_a_person_may_not(
    world: World, travel: Callable[[date], None], effect: str, rule: str, forms: tuple[str, ...]
) -> None:
    travel(clock.today())
    beside = world.begin(f"timer-{effect}", replace(without(*forms)(lawful()), archived=False))
    if effect == "finish":
        archive(world, beside)
        complete(world, beside)
    before = world.standing(beside)
    travel(clock.today() + timedelta(days=3))
    due = timer_of(world, beside).due_at
    assert worker.tick(world.database, "a") == 0
    timer = timer_of(world, beside)
    assert (timer.state, timer.attempts, timer.due_at) == ("WAITING", 0, due) and rule in timer.last_error
    assert world.standing(beside) == before
    (told,) = world.refused(beside)
    assert rule in told["rules"] and told["actor"]["display"] == "系统"

    # It rests under its lease: no second try, and nothing is told twice once it is tried again.
    worker.tick(world.database, "b")
    assert timer_of(world, beside).owner == "a"
    for _ in range(10):
        lease_over(world, timer.id)
        worker.tick(world.database, "a")
    assert len(world.refused(beside)) == 1 and timer_of(world, beside).state == "WAITING"
    assert read_by_the_office(world, beside, rule)

    # A due timer that is refused is no hindrance to a person in the same matter.
    if effect != "finish":
        complete(world, beside)
    assert timer_of(world, beside).state == "WAITING"
    supply(world, beside, forms)
    lease_over(world, timer.id)
    assert worker.tick(world.database, "b") == 1
    with world.database.transaction(read_only=True) as session:
        assert session.get_one(Timer, timer.id).state == "DONE"
        events = set(session.scalars(select(AuditEvent.event).where(AuditEvent.matter_id == beside.matter_id)))
    assert "timer.fired" in events and len(world.refused(beside)) == 1
    assert worker.tick(world.database, "b") == 0


def complete(world: World, task: Task) -> None:
    with world.database.transaction() as session:
        tasks.complete(session, world.person(session, OFFICE), task.id, {})


def archive(world: World, task: Task) -> None:
    with world.database.transaction() as session:
        audit.append(
            session, audit.matter_stream(task.matter_id), EventName.ARCHIVE_FILED, actor=audit.SYSTEM,
            matter_id=task.matter_id,
        )  # fmt: skip


def timer_of(world: World, task: Task) -> Timer:
    with world.database.transaction(read_only=True) as session:
        return session.scalars(select(Timer).where(Timer.matter_id == task.matter_id, Timer.kind == "engine")).one()


def lease_over(world: World, timer_id: int) -> None:
    """Let the rest of ten minutes be over; leases go by the clock of the database."""
    with world.database.transaction() as session:
        session.execute(update(Timer).where(Timer.id == timer_id).values(lease_until=None))


def read_by_the_office(world: World, task: Task, rule: str) -> bool:
    """Whether the office has one notice that says the rule and leads to the checklist, and the operator sees it."""
    with world.database.transaction(read_only=True) as session:
        notice = session.scalars(
            select(Notification).where(
                Notification.event == "timer.refused", Notification.recipient_id == world.id_of(OFFICE),
                Notification.matter_id == task.matter_id,
            )
        ).one()  # fmt: skip
    desk = world.desk(OFFICE)
    led = desk.client.get(f"/messages/{notice.id}")
    assert led.headers["Location"].endswith(f"/matters/{task.matter_id}/checklist")
    return rule in desk.get("/messages") and rule in world.desk("admin").get("/operations")


def supply(world: World, task: Task, forms: tuple[str, ...]) -> None:
    """Do the duty that was open."""
    facts = lawful()
    with world.database.transaction() as session:
        matter = session.get_one(Matter, task.matter_id)
        done = replace(
            facts, filed=tuple(one for one in facts.filed if one.form in forms), text=None, approved=frozenset()
        )
        world.file(session, matter, done)


def test_every_way_a_timer_may_go_is_tried() -> None:
    assert {row[0] for row in ROWS} == set(BY_TIMER)
