"""What the law keeps for ever nobody removes: no page, no method, no act; and a suggestion ends only with its reply."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from decision_flow import acts
from decision_flow.errors import Invalid
from decision_flow.models import Appointment, AuditEvent, Document, Matter, Opinion, Task, User
from tests.guards.test_guards import lawful, of, without
from tests.rules.shortcut import HEAD, World, encoded
from tests.rules.test_acts import attempt

KEPT = (User, Appointment, Matter, Task, Document, Opinion, AuditEvent)


def test_nobody_deletes_a_person_a_suggestion_or_a_report(world: World) -> None:
    """R-10c, R-35a, R-38b: no address takes a deletion, and what stands there is there afterwards."""
    task = world.begin("F-12", lawful())
    methods = {method for rule in world.app.url_map.iter_rules() for method in rule.methods}
    assert methods <= {"GET", "HEAD", "OPTIONS", "POST"}
    user = world.id_of("wuting")
    before = counted(world)
    for who in ("admin", "security", HEAD, "zhoukai"):
        desk = world.desk(who)
        desk.get("/account")
        for path in (f"/people/{user}", f"/matters/{task.matter_id}", f"/tasks/{task.id}", "/matters", "/exceptions"):
            answer = desk.client.delete(path, headers={"X-CSRFToken": desk.token})
            assert answer.status_code in (404, 405), (path, answer.status_code)
            for word in ("delete", "remove"):
                assert desk.post(f"{path}/{word}").status_code in (404, 405)
    after = counted(world)
    assert all(after[model] >= before[model] for model in before)
    with world.database.transaction(read_only=True) as session:
        assert session.get_one(User, user).name == "吴婷"


def counted(world: World) -> dict[str, int]:
    with world.database.transaction(read_only=True) as session:
        return {model.__name__: session.scalar(select(func.count()).select_from(model)) or 0 for model in KEPT}


def test_a_suggestion_is_ended_only_with_its_reply(world: World) -> None:
    """R-10c: the head ends a matter before its decision; without a reply to whoever suggested it, nothing ends."""
    matter_id = world.register({**world.suggestion("finish"), "suggestion_source": "citizen"})
    with world.database.transaction() as session:
        task = acts.begin(session, world.person(session, HEAD), matter_id, "withdraw")
    answers = {**world.answers(task, {}), "kind": "no_longer_needed", "reply_text": ""}
    before = world.standing(task)
    with pytest.raises(Invalid) as refusal:
        world.try_it(task, HEAD, answers)
    assert refusal.value.rules == ["R-10c"] and set(refusal.value.errors) == {"reply_text"}
    desk = world.desk(HEAD)
    desk.get(f"/tasks/{task.id}")
    answer = desk.post(f"/tasks/{task.id}", **encoded(world.form("F-03w"), answers))
    assert answer.status_code == 422 and "R-10c" in answer.get_data(as_text=True)
    assert world.standing(task) == before and len(world.refused(task)) == 2


def test_a_major_adjustment_is_not_published_without_a_review_of_its_own(world: World) -> None:
    """R-37c: what was reviewed and discussed for the decision that it replaces serves for nothing."""
    adjusting = of(relation="adjusts", published=False, archived=False)
    attempt(world, "R-25a", "F-17b", lambda facts: adjusting(without("F-13", "F-13s")(facts)), 409)
    attempt(world, "R-25a", "record_publication", lambda facts: adjusting(without("F-13", "F-13s")(facts)), 409)
