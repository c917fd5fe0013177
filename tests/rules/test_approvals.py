"""A reason counts once somebody else with the authority has approved it: from the form to the approver and back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from decision_flow import clock, departures, exceptions, notifications
from decision_flow.errors import Invalid, Refused
from decision_flow.models import ExceptionRecord, Notification, Task
from tests.guards.test_guards import lawful, of
from tests.rules.shortcut import ACTS, World, encoded

REASON = "汛期将至，须在汛前完成全部程序。"


def stated(world: World, form: str, reason: str) -> dict[str, Any]:
    """The answers by which each form departs from the ordinary course."""
    today = clock.today()
    return {
        "F-22": {
            "open_on": today.isoformat(), "close_on": (today + timedelta(days=20)).isoformat(),
            "short_reason_public": reason,
        },
        "F-12b": {
            "complete": True, "agreed_due_on": (today + timedelta(days=3)).isoformat(), "shorten_reason": reason,
            "shorten_approved_by": world.id_of("gaojianming"),
        },
        "F-36": {"start": False, "decline_reason": reason},
    }[form]  # fmt: skip


@pytest.mark.parametrize(("form", "rule"), [("F-22", "R-15b"), ("F-12b", "R-26c"), ("F-36", "R-36a")])
def test_a_reason_counts_only_once_somebody_else_approved_it(world: World, form: str, rule: str) -> None:
    key = "post_evaluation" if form == "F-36" else "major_decision"
    who, task = ACTS[form].who, world.begin(form, lawful(), key)
    answers = world.answers(task, stated(world, form, REASON))
    world.claim(task, who)
    before = world.standing(task)
    with pytest.raises(Refused) as refusal:
        world.try_it(task, who, answers)
    assert (refusal.value.rule, refusal.value.article) == (rule, departures.ARTICLES[rule])
    refused = world.press(task, who, answers)
    html = refused.get_data(as_text=True)
    assert refused.status_code == 409 and rule in html and f"/tasks/{task.id}/approval" in html
    assert world.standing(task) == before and len(world.refused(task)) == 2

    asker = world.desk(who)
    sent = encoded(world.form(form), answers)
    assert asker.post(f"/tasks/{task.id}/approval", **sent).status_code == 302
    assert asker.post(f"/tasks/{task.id}/approval", **sent).status_code == 409
    assert "等待分管领导" in asker.get(f"/tasks/{task.id}")
    record = only(world, task, rule)
    with pytest.raises(Refused):
        world.try_it(task, who, answers)
    with pytest.raises(Refused) as own, world.database.transaction() as session:
        exceptions.decide(session, world.person(session, who), record.id, True, "")
    assert own.value.rule == "SOD-14"

    # The approver has a notice and a line in the inbox; both lead to the reason, and from there to the waiting act.
    deputy, page = world.desk("sunli"), f"/matters/{task.matter_id}/exceptions"
    assert "等待您批准" in deputy.get("/inbox") and page in deputy.get("/exceptions?state=asked")
    assert notice(world, "sunli", "exception.asked", record).endswith(page)
    shown = deputy.get(page)
    assert REASON in shown and f'href="/tasks/{task.id}"' in shown and "等待办理" in shown
    deputy.get(f"/tasks/{task.id}")
    # Refused with a ground, told to the asker where the act waits; asked anew and approved, the act goes through.
    assert deputy.post(f"{page}/{record.id}", _refuse="1").status_code == 422
    assert deputy.post(f"{page}/{record.id}", _refuse="1", note="理由不充分").status_code == 302
    assert notice(world, who, "exception.decided", record).endswith(f"/tasks/{task.id}")
    assert "没有批准：理由不充分" in asker.get(f"/tasks/{task.id}") and "不批准：" in asker.get("/messages")
    assert world.press(task, who, answers).status_code == 409
    assert asker.post(f"/tasks/{task.id}/approval", **sent).status_code == 302
    record = latest(world, task, rule)
    assert deputy.post(f"{page}/{record.id}", _approve="1", note="同意").status_code == 302
    assert notice(world, who, "exception.decided", record).endswith(f"/tasks/{task.id}")
    # What was approved is this reason and no other.
    with pytest.raises(Refused):
        world.try_it(task, who, {**answers, **stated(world, form, REASON + "另有考虑。")})
    # And these dates: a period of twenty days that was approved is not one of two.
    if form != "F-36":
        sooner = {"F-22": "close_on", "F-12b": "agreed_due_on"}[form]
        with pytest.raises(Refused) as other:
            world.try_it(task, who, {**answers, sooner: (clock.today() + timedelta(days=2)).isoformat()})
        assert rule in other.value.rules
    try:
        world.try_it(task, who, answers)
    except Refused as error:
        assert rule not in error.rules
    else:
        assert latest(world, task, rule).task_id == task.id


@pytest.mark.parametrize("reason", ["\u200b" * 20, "\u3164" * 20, "急 \u2800 办" + " " * 20])
def test_a_reason_that_cannot_be_read_is_none(world: World, reason: str) -> None:
    task = world.begin("F-22", lawful())
    desk = world.desk("linyue")
    path = f"/matters/{task.matter_id}/exceptions"
    desk.get(path)
    assert desk.post(path, rule="R-15b", reason=reason).status_code == 422
    assert desk.post(path, rule="R-15b", reason=REASON + reason).status_code == 302
    assert only(world, task, "R-15b").reason.startswith(REASON) and "\u200b" not in only(world, task, "R-15b").reason


def test_an_approval_is_asked_for_with_a_reason(world: World) -> None:
    task = world.begin("F-22", lawful())
    answers = world.answers(task, stated(world, "F-22", "急"))
    with pytest.raises(Invalid) as wrong, world.database.transaction() as session:
        exceptions.ask_in_form(session, world.person(session, "linyue"), task.matter_id, "F-22", answers)
    assert set(wrong.value.errors) == {"short_reason_public"}
    other = world.begin("F-12", lawful())
    desk = world.desk(ACTS["F-12"].who)
    desk.get(f"/tasks/{other.id}")
    assert desk.post(f"/tasks/{other.id}/approval").status_code == 404


def test_a_reason_stated_earlier_waits_for_its_approval(world: World) -> None:
    """R-12c: completing the form asks; the same words again do not ask twice, other words ask anew."""
    task = world.begin("F-04", lawful())
    answers = world.answers(
        task, {"cost_benefit_needed": False, "not_needed_reason": "规模小，可研已测算，不再另作分析。"}
    )
    with world.database.transaction() as session:
        form = session.get_one(Task, task.id)
        for reason, count in ((answers["not_needed_reason"], 2), (answers["not_needed_reason"], 2), (REASON, 3)):
            told = {**answers, "not_needed_reason": reason}
            exceptions.on_completed(session, world.matter(session, task), form, told, world.person(session, "wuting"))
            session.flush()
            rows = [row for row in exceptions.of_matter(session, task.matter_id) if row.rule == "R-12c"]
            # One was approved when the matter came here.
            assert (len(rows), rows[-1].state) == (count, "asked")
        assert exceptions.approved(session, task.matter_id, "R-12c") is None
        exceptions.decide(session, world.person(session, "sunli"), rows[-1].id, True, "")
        assert exceptions.approved(session, task.matter_id, "R-12c") is rows[-1]


def test_a_reason_that_was_only_stated_is_asked_for_with_one_press(world: World) -> None:
    """A matter begun before the rule: its page says that the reason now needs approval, and asks in the same words."""
    task = world.begin("F-12", of(approved=frozenset())(lawful()))
    with world.database.transaction() as session:
        matter = world.matter(session, task)
        session.add(
            ExceptionRecord(
                matter_id=matter.id, organ_id=matter.organ_id, kind="exception", rule="R-12c", reason=REASON,
                state="stated", asked_at=clock.now(), asked_by_id=world.id_of("wuting"), asked_as="吴婷",
            )
        )  # fmt: skip
    who, page = ACTS["F-12"].who, f"/matters/{task.matter_id}/exceptions"
    answers = world.answers(task, lawful().last("F-12").answers)
    refused = world.press(task, who, answers)
    assert refused.status_code == 409 and page in refused.get_data(as_text=True)
    asker = world.desk(who)
    shown = asker.get(page)
    assert "这条理由原来只需说明" in shown and f'value="{REASON}"' in shown
    assert asker.post(page, rule="R-12c", reason=REASON).status_code == 302
    assert "这条理由原来只需说明" not in asker.get(page)
    record = latest(world, task, "R-12c")
    assert record.state == "asked"
    deputy = world.desk("sunli")
    deputy.get(page)
    assert deputy.post(f"{page}/{record.id}", _approve="1").status_code == 302
    # What else the file lacks is refused still; the reason no longer.
    assert "R-12c" not in world.press(task, who, answers).get_data(as_text=True)


def notice(world: World, username: str, event: str, record: ExceptionRecord) -> str:
    """Return where the one notice of this event leads somebody."""
    with world.database.transaction() as session:
        notifications.spread(session)
        found = session.scalars(
            select(Notification.id)
            .where(Notification.event == event, Notification.recipient_id == world.id_of(username),
                   Notification.dedupe_key.startswith(f"{event}:{record.id}:"))
        ).all()  # fmt: skip
    assert len(found) == 1
    return str(world.desk(username).client.get(f"/messages/{found[0]}").headers["Location"])


def latest(world: World, task: Task, rule: str) -> ExceptionRecord:
    with world.database.transaction(read_only=True) as session:
        return session.scalars(
            select(ExceptionRecord)
            .where(ExceptionRecord.matter_id == task.matter_id, ExceptionRecord.rule == rule)
            .order_by(ExceptionRecord.id.desc())
        ).first()


def only(world: World, task: Task, rule: str) -> ExceptionRecord:
    with world.database.transaction(read_only=True) as session:
        return session.scalars(
            select(ExceptionRecord).where(ExceptionRecord.matter_id == task.matter_id, ExceptionRecord.rule == rule)
        ).one()
