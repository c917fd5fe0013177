"""The checks of the desk: verification in words, checkpoints, who answers, whether procedure and deadlines were kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from decision_flow import clock
from decision_flow.auditing import accountability, conformance
from decision_flow.demo.play import Play
from decision_flow.identity import Actor
from decision_flow.models import Task
from decision_flow.steps import StatutoryStep
from tests.core.authority import answer
from tests.web.client import Desk

AtDesk = Callable[[str], Desk]


def test_the_page_says_what_is_proven_and_what_is_not(road: Play, at_desk: AtDesk) -> None:
    desk = at_desk("audit")
    path = f"/audit/matters/{road.matter_id}/verify"
    page = desk.get(path)
    assert "首尾相连" in page and "还没有检查点覆盖" in page and "签发）证明" not in page
    made = desk.post("/audit/checkpoints")
    assert made.status_code == 302 and made.headers["Location"].endswith("/audit/checkpoints/1")
    page = desk.get(path)
    assert "由第1号检查点" in page and "全部记录都已经由检查点证明" in page and "还没有检查点覆盖" not in page
    assert "第1号检查点" in desk.get("/audit/checkpoints/1") and "/audit/checkpoints/1/download" in desk.get(
        "/audit/checkpoints"
    )
    assert desk.client.get("/audit/checkpoints/1/download").get_json()["number"] == 1
    desk.get("/audit/checkpoints/9", status=404)
    assert at_desk("lvping").post("/audit/checkpoints").status_code == 403
    request = desk.client.get("/audit/checkpoints/1/request").data
    for content, status in ((b"", 422), (b"none", 422), (answer(request, clock.now(), nonce=1), 422),
                            (answer(request, clock.now()), 302)):  # fmt: skip
        sent = desk.post("/audit/checkpoints/1/timestamps", reply=("checkpoint-1.tsr", content))
        assert sent.status_code == status
    assert "没有核对" in desk.get("/audit/checkpoints/1") and "存入第1号检查点的时间戳" in desk.get(
        "/audit?event=trail.stamped"
    )
    assert desk.client.get("/audit/checkpoints/1/timestamps/1").data == content
    desk.get("/audit/checkpoints/1/timestamps/9", status=404)
    assert at_desk("lvping").post("/audit/checkpoints/1/timestamps").status_code == 403
    assert "验证过程记录，结果：完整" in desk.get("/audit?event=trail.verified")


def test_who_proposed_drafted_reviewed_decided_is_told_with_the_post_of_then(
    road: Play, auditor: Actor, at_desk: AtDesk
) -> None:
    with road.database.transaction(read_only=True) as session:
        found = accountability.of_matter(session, auditor, road.matter_id)
        tasks = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.state == "COMPLETED")).all()
    acts = [act for _, acts in found.parts for act in acts]
    assert sorted(act.task.id for act in acts) == sorted(task.id for task in tasks)
    assert all(act.task.completed_as.count("·") >= 2 for act in acts)
    signed = next(act for act in acts if act.task.form == "F-15s")
    assert signed.version is not None and signed.version.sha256 and "镇长" in signed.task.completed_as
    page = at_desk("audit").get(f"/audit/accountability?matter={found.matter.number}")
    assert signed.task.completed_as in page and found.versions[-1].sha256 in page
    desk = at_desk("audit")
    assert "没有符合条件的事项" in desk.get("/audit/accountability?matter=没有")
    desk.get("/audit/accountability")
    desk.get("/audit/accountability?matter=999999", status=404)


def test_a_lawful_matter_conforms_and_a_late_task_shows_its_days(road: Play, auditor: Actor, at_desk: AtDesk) -> None:
    with road.database.transaction() as session:
        found = conformance.of_matter(session, auditor, road.matter_id)
        assert not found.violated and not any(step.out_of_order for step in found.steps)
        assert {StatutoryStep.LEGALITY_REVIEW, StatutoryStep.COLLECTIVE_DISCUSSION} <= {one.step for one in found.steps}
        known = {one.task.id: one.late for one in found.deadlines}
        task = next(one.task for one in found.deadlines if one.done_on and not one.late)
        task.completed_at = task.due_at + timedelta(days=3)
        session.flush()
        again = conformance.of_matter(session, auditor, road.matter_id)
        late = {one.task.id: one.late for one in again.deadlines}
        assert late == {**known, task.id: 3} and len(again.missed) == len(found.missed) + 1 and not again.conforms
    page = at_desk("audit").get(f"/audit/conformance/{road.matter_id}")
    assert "逾期3天" in page
    assert "有不符" in at_desk("lvping").get("/audit/conformance")


def test_a_step_that_came_after_one_that_follows_it_is_out_of_order(road: Play, auditor: Actor) -> None:
    with road.database.transaction() as session:
        reviews = session.scalars(
            select(Task).where(
                Task.matter_id == road.matter_id, Task.step == "legality_review", Task.state == "COMPLETED"
            )
        ).all()
        for review in reviews:
            review.completed_at = review.completed_at + timedelta(days=400)
        session.flush()
        found = conformance.of_matter(session, auditor, road.matter_id)
        assert [one.step for one in found.steps if one.out_of_order] == [StatutoryStep.LEGALITY_REVIEW]
        assert not found.conforms
        session.rollback()
