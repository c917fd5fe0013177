"""Who is barred does a duty in no way: not claimed, not completed, not handed over (转办), not as a substitute, and nobody
in their name; by operation and over HTTP. Each refusal is recorded, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from decision_flow import absences, audit, clock, contributors, people, tasks
from decision_flow.audit import EventName
from decision_flow.errors import Barred, Refused
from decision_flow.guards.facts import Facts, Filed
from decision_flow.models import Appointment, Matter, Organisation, Post, Substitution, Task
from tests.guards.test_guards import lawful, of
from tests.rules.shortcut import ACTS, PEOPLE, World

BARRED_ONE, OTHER, STRANGER = "liqiang", "xujing", "tangwen"
NUMBER, UNIT = next(number for number, name in PEOPLE.items() if name == BARRED_ONE), "清河镇经济发展办公室"
Change = Callable[[World, Facts], Facts]


def filing(form: str, **answers: Any) -> Change:
    """The barred person filed this before."""
    return lambda world, facts: replace(facts, filed=(*facts.filed[:1], Filed(form, answers, NUMBER)))


def naming(form: str, table: str, column: str, who: str) -> Change:
    """Somebody else filed a form that names this person."""
    return lambda world, facts: replace(facts, filed=(Filed(form, {table: [{column: world.id_of(who)}]}, 16),))


def of_the_unit(world: World, facts: Facts) -> Facts:
    return of(undertaking_unit=world.units[UNIT])(facts)


def as_it_is(world: World, facts: Facts) -> Facts:
    return facts


ROWS: list[tuple[str, str, Change]] = [
    ("SOD-01", "F-13d", filing("F-06")),
    ("SOD-01", "F-12b", filing("F-13c")),
    ("SOD-02", "F-12b", of_the_unit),
    ("SOD-03", "F-13s", filing("F-13")),
    ("SOD-04", "F-29", filing("F-28", has_direct_interest=True)),
    ("SOD-04", "F-29", naming("F-29e", "experts", "expert_id", OTHER)),
    ("SOD-05", "F-40", as_it_is),
    ("SOD-06", "F-40", as_it_is),
    ("SOD-07", "F-40", as_it_is),
    ("SOD-08", "F-26", filing("F-04")),
    ("SOD-08", "F-26", of_the_unit),
    ("SOD-10", "F-15", naming("F-15b", "members", "person", BARRED_ONE)),
    ("SOD-12", "F-21", filing("F-17")),
    ("SOD-14", "F-08", filing("F-06")),
]


# What the forms ask besides, to be complete.
TYPED: dict[str, dict[str, Any]] = {
    "F-26": {
        "opened_at": "2026-03-02T09:00", "presentation_at": "2026-03-02T09:10", "debate_at": "2026-03-02T10:00",
    },
}  # fmt: skip


@pytest.fixture
def posts(world: World) -> Any:
    """Appoint and put in somebody's place for one test alone."""
    with world.database.transaction(read_only=True) as session:
        before = set(session.scalars(select(Appointment.id)))
    yield
    yesterday = clock.today() - timedelta(days=1)
    with world.database.transaction() as session:
        session.execute(update(Appointment).where(Appointment.id.not_in(before)).values(ends_on=yesterday))
        session.execute(update(Substitution).values(ended_at=clock.now()))


@pytest.mark.parametrize(("rule", "act", "change"), ROWS, ids=[f"{n}-{r[0]}-{r[1]}" for n, r in enumerate(ROWS)])
def test_who_is_barred_does_it_in_no_way(world: World, posts: None, rule: str, act: str, change: Change) -> None:
    task = world.begin(act, change(world, lawful()), "post_evaluation" if act == "F-40" else "major_decision")
    if act == "F-40":
        worked_before(world, task, rule)
    role = ACTS[act].role
    appoint(world, OTHER, role)
    stand_in(world, OTHER, BARRED_ONE)
    is_refused(world, task, rule, BARRED_ONE, "claim")
    appoint(world, BARRED_ONE, role)
    stand_in(world, BARRED_ONE, STRANGER)
    is_refused(world, task, rule, STRANGER, "claim")
    is_refused(world, task, rule, BARRED_ONE, "claim")
    is_refused(world, task, rule, BARRED_ONE, "complete")
    world.claim(task, OTHER)
    is_refused(world, task, rule, OTHER, "transfer")
    assert holder(world, task) == world.id_of(OTHER)


def worked_before(world: World, task: Task, rule: str) -> None:
    """Let the matter of `task` evaluate a decision that the barred person, or their unit, had worked on."""
    told = {
        "SOD-05": Filed("F-30", {"assessor_type": "third_party", "assessor_name": UNIT}, 1),
        "SOD-06": Filed("F-29", {"overall": "support"}, NUMBER),
        "SOD-07": Filed("F-04", {}, 1),
    }[rule]
    unit = world.units[UNIT] if rule == "SOD-07" else world.units["清河司法所"]
    decision = world.begin("F-12", replace(lawful(), filed=(told,), undertaking_unit=unit))
    with world.database.transaction() as session:
        session.get_one(Matter, task.matter_id).decision_id = decision.matter_id


def appoint(world: World, username: str, role: str, until: Any = None) -> None:
    """Give somebody a post of this role in the town, for a limited time as posts are given."""
    with world.database.transaction() as session:
        post = session.scalars(
            select(Post)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(Post.role_code == role, Organisation.name.contains("清河") | (Organisation.level == "external"))
            .order_by(Organisation.level.desc())
        ).first()
        today = clock.today()
        session.add(
            Appointment(
                user_id=world.id_of(username), post_id=post.id, starts_on=today, ends_on=today + timedelta(days=300)
            )
        )


def stand_in(world: World, principal: str, substitute: str) -> None:
    with world.database.transaction() as session:
        day = clock.today().isoformat()
        absences.substitute(session, world.person(session, principal), {
            "substitute_id": str(world.id_of(substitute)), "starts_on": day, "ends_on": day, "reason": "出差",
        })  # fmt: skip


def is_refused(world: World, task: Task, rule: str, who: str, way: str) -> None:
    """Try one way by operation and over HTTP: 403 with rule and article, recorded twice, nothing changed."""
    before, told = world.standing(task), len(world.refused(task))
    filed = lawful().last(task.form or "")
    given = {**(filed.answers if filed else {}), **TYPED.get(task.form or "", {})}
    values = world.answers(task, given) if way == "complete" else {}
    to = world.id_of(BARRED_ONE)
    with pytest.raises(Barred) as refusal:
        if way == "transfer":
            with world.database.transaction() as session:
                tasks.transfer(session, world.person(session, who), task.id, to, "外出")
        elif way == "claim":
            world.claim(task, who)
        else:
            world.try_it(task, who, values)
    (named,) = [one for one in refusal.value.refusals if one.rule == rule]
    assert named.article and named.todo and "%" not in str(named)
    desk = world.desk(who)
    desk.get(f"/tasks/{task.id}")
    if way == "complete":
        answer = world.press(task, who, values)
    else:
        sent = {"to_user_id": str(to), "reason": "外出"} if way == "transfer" else {}
        answer = desk.post(f"/tasks/{task.id}/{way}", **sent)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 403 and rule in html and named.article in html, html[:2000]
    assert world.standing(task) == before
    assert [rule in one["rules"] for one in world.refused(task)[told:]] == [True, True]


def holder(world: World, task: Task) -> int | None:
    with world.database.transaction(read_only=True) as session:
        return session.get_one(Task, task.id).assignee_id


def test_handing_on_at_the_last_moment_hides_nobody(world: World, posts: None) -> None:
    """SOD-01: who typed the draft and let another press the button has drafted; a mere claim given back has not."""
    drafting = world.begin("F-06", replace(lawful(), filed=lawful().filed[:1]))
    for username in (BARRED_ONE, OTHER):
        appoint(world, username, ACTS["F-06"].role)
    world.claim(drafting, OTHER)
    with world.database.transaction() as session:
        tasks.release(session, world.person(session, OTHER), drafting.id)
    world.claim(drafting, BARRED_ONE)
    with world.database.transaction() as session:
        me = world.person(session, BARRED_ONE)
        tasks.save_draft(session, me, drafting.id, {"has_major_disagreement": True})
        tasks.transfer(session, me, drafting.id, world.id_of(OTHER), "另有任务")
    with world.database.transaction(read_only=True) as session:
        found = contributors.hands(session, drafting.matter_id, {"F-06"})
    assert found == {("F-06", world.id_of(BARRED_ONE))}

    review = world.begin("F-13", lawful())
    with world.database.transaction() as session:
        draft = session.scalars(
            select(Task).where(Task.matter_id == review.matter_id, Task.form == "F-06", Task.state == "COMPLETED")
        ).one()
        audit.append(
            session, audit.matter_stream(review.matter_id), EventName.TASK_TRANSFERRED, matter_id=review.matter_id,
            actor=world.person(session, BARRED_ONE), task_id=draft.id, facts={"drafted_by": world.id_of(BARRED_ONE)},
        )  # fmt: skip
    appoint(world, BARRED_ONE, "legality_reviewer")
    is_refused(world, review, "SOD-01", BARRED_ONE, "claim")


def test_no_administrator_comes_to_business_by_standing_in(world: World, posts: None) -> None:
    """SOD-13: not with a post that begins while the substitution runs, nor with one given after it was arranged."""
    day = clock.today()

    def arrange(session: Session, other: str, days: int) -> None:
        absences.substitute(session, world.person(session, OTHER), {
            "substitute_id": str(world.id_of(other)), "starts_on": day.isoformat(),
            "ends_on": (day + timedelta(days=days)).isoformat(), "reason": "出差",
        })  # fmt: skip

    def post_of(session: Session, role: str) -> int:
        return session.scalars(select(Post.id).where(Post.role_code == role)).first()

    with world.database.transaction() as session:
        begins = day + timedelta(days=2)
        session.add(
            Appointment(user_id=world.id_of("hanmei"), post_id=post_of(session, "audit_admin"), starts_on=begins)
        )
    with pytest.raises(Refused) as early, world.database.transaction() as session:
        arrange(session, "hanmei", 3)
    with world.database.transaction() as session:
        arrange(session, STRANGER, 3)
    with pytest.raises(Refused) as late, world.database.transaction() as session:
        guard = world.person(session, "security")
        people.make_appointment(session, guard, world.id_of(STRANGER), post_of(session, "audit_admin"), day)
    assert early.value.rule == late.value.rule == "SOD-13"
    with world.database.transaction() as session:
        assert world.person(session, STRANGER).acting
        # Put there past the operation: the post still opens no business.
        session.add(Appointment(user_id=world.id_of(STRANGER), post_id=post_of(session, "audit_admin"), starts_on=day))
        session.flush()
        assert not world.person(session, STRANGER).acting
