"""What somebody with a post and bad intent would try over HTTP: each is refused, and the file stays as it was.

Beside these: back-dating by an order of the steps (`tests/web/test_late_pages.py`), a changed policy in a running matter
(`test_policy_versions.py`), closing a notice early (`tests/participation/test_notices.py`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from decision_flow import clock, documents, drafts, tasks
from decision_flow.models import Document, LateEntry, Task
from tests.guards.test_guards import Filed, lawful, of, without
from tests.rules.shortcut import HEAD, OFFICE, World, encoded
from tests.rules.test_separation import BARRED_ONE, NUMBER, OTHER, appoint, posts
from tests.web.test_late_pages import PDF

__all__ = ["posts"]


def stored(world: World, task_id: int) -> Task:
    with world.database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.id == task_id).options(undefer(Task.submission), undefer(Task.draft))
        ).one()


def test_a_stale_form_sent_twice_or_by_another_counts_once(world: World, posts: None) -> None:
    task = world.begin("timer-record_decision", replace(lawful(), archived=False))
    appoint(world, OTHER, "government_office")
    mine, other = world.desk(OFFICE), world.desk(OTHER)
    for desk in (mine, other):
        desk.get(f"/tasks/{task.id}")
    assert mine.post(f"/tasks/{task.id}/claim").status_code == 302
    assert other.post(f"/tasks/{task.id}").status_code == 409
    assert (
        other.post(f"/tasks/{task.id}/transfer", to_user_id=str(world.id_of(OTHER)), reason="我来办").status_code == 409
    )
    assert mine.post(f"/tasks/{task.id}").status_code == 302
    done = world.standing(task)
    for desk in (mine, other):
        again = desk.post(f"/tasks/{task.id}")
        assert again.status_code == 409 and "办结" in again.get_data(as_text=True)
    assert world.standing(task) == done


def test_another_forms_answers_and_another_matters_papers_are_not_taken(world: World) -> None:
    elsewhere = world.begin("F-12", lawful())
    task = world.begin("F-06", replace(lawful(), filed=lawful().filed[:1]))
    with world.database.transaction() as session:
        foreign = documents.store(
            session, world.person(session, OFFICE), world.files, BytesIO("别的事项".encode()), "别的.txt",
            matter_id=elsewhere.matter_id, task_id=elsewhere.id, form="F-06", field="draft_file",
        )  # fmt: skip
    desk = world.desk(OFFICE)
    desk.get(f"/tasks/{task.id}")
    desk.post(f"/tasks/{task.id}/claim")
    named = json.dumps({"document_id": foreign.id, "name": "x.txt", "sha256": foreign.sha256, "size": 1})
    signing = {"_form": "F-03", "form": "F-03", "initiate": "true", "head_sign": "x", "draft_sha256": "cd" * 32}
    desk.post(f"/tasks/{task.id}", _save="1", **signing)
    assert not {"initiate", "head_sign", "_form"} & set(stored(world, task.id).draft or {})
    before = world.standing(task)
    answers = encoded(world.form("F-06"), world.answers(task, {}))
    answer = desk.post(f"/tasks/{task.id}", **{**answers, **signing, "draft_file-kept": named})
    assert answer.status_code == 422 and "没有找到这份文件" in answer.get_data(as_text=True)
    sent = desk.client.post(f"/tasks/{task.id}", json={"initiate": True}, headers={"X-CSRFToken": desk.token})
    assert sent.status_code == 422
    assert world.standing(task) == before and stored(world, task.id).state == "CLAIMED"


def test_a_signature_is_not_replayed(world: World) -> None:
    """Neither the attestation of an earlier paper, nor a scan that was uploaded for another one, signs."""
    earlier = world.begin("F-15s", lawful())
    task = world.begin("F-15s", without("F-15s")(lawful()))
    with world.database.transaction() as session:
        scan = documents.store(
            session, world.person(session, HEAD), world.files, BytesIO(PDF), "签字页.pdf",
            matter_id=earlier.matter_id, task_id=earlier.id, form="F-15s", field="signature",
        )  # fmt: skip
    attested = json.dumps(
        {"kind": "attestation", "user_id": world.id_of(HEAD), "display": "镇长", "at": "2026-01-01T09:00:00"}
    )
    scanned = json.dumps(
        {"kind": "scan", "document_id": scan.id, "name": scan.name, "sha256": scan.sha256, "size": scan.size}
    )
    desk = world.desk(HEAD)
    desk.get(f"/tasks/{task.id}")
    desk.post(f"/tasks/{task.id}/claim")
    before = world.standing(task)
    for told in (attested, scanned):
        for name in ("signature", "signature-kept", "signature-0", "signed"):
            answer = desk.post(f"/tasks/{task.id}", agree="true", **{name: told})
            assert answer.status_code == 422, (name, answer.status_code)
    assert desk.post(f"/tasks/{task.id}", agree="true", _password="猜的密码").status_code == 422
    assert world.standing(task) == before and stored(world, task.id).submission is None


def test_nobody_hands_a_task_to_themselves_under_another_post(world: World, posts: None) -> None:
    """SOD-01: a second post makes no second person."""
    task = world.begin("F-13", lawful())
    appoint(world, "wangmin", "legality_head")
    appoint(world, "wangmin", "legality_reviewer")
    desk = world.desk("wangmin")
    desk.get(f"/tasks/{task.id}")
    assert desk.post(f"/tasks/{task.id}/claim").status_code == 302
    before = world.standing(task)
    for to in (str(world.id_of("wangmin")), "", "0", "x", str(world.id_of("linyue"))):
        assert desk.post(f"/tasks/{task.id}/transfer", to_user_id=to, reason="换一个岗位").status_code == 422
    assert world.standing(task) == before and stored(world, task.id).assignee_id == world.id_of("wangmin")
    with world.database.transaction() as session:
        tasks.release(session, world.person(session, "wangmin"), task.id)


def test_what_was_filed_is_not_filed_again(world: World) -> None:
    """R-30f, R-25c: neither the minutes nor the draft of a closed step takes answers, files, drafts or a late entry."""
    task = world.begin("F-17b", replace(lawful(), published=False, archived=False))
    with world.database.transaction(read_only=True) as session:
        closed = {
            form: session.scalars(select(Task.id).where(Task.matter_id == task.matter_id, Task.form == form)).one()
            for form in ("F-15", "F-06")
        }
        papers = session.scalar(select(func.count()).select_from(Document))
    before = world.standing(task)
    for form, task_id in closed.items():
        kept = stored(world, task_id).submission
        for who in ("linyue", "wuting", OFFICE, HEAD):
            desk = world.desk(who)
            desk.get(f"/tasks/{task_id}")
            field = "minutes_file" if form == "F-15" else "draft_file"
            for path, sent in (
                ("", {"decision": "rejected", field: ("换一份.txt", "另一份正文".encode())}),
                ("", {"_save": "1", "decision": "rejected"}),
                ("/draft", {"decision": "rejected"}),
                ("/claim", {}),
                ("/release", {}),
                ("/transfer", {"to_user_id": "1", "reason": "再办一次"}),
                (
                    "/late",
                    {
                        "_late_on": "2026-01-05",
                        "_late_by": "高建明",
                        "_late_reason": "补一份",
                        "_late_scan": ("x.pdf", PDF),
                    },
                ),
            ):
                answer = desk.post(f"/tasks/{task_id}{path}", **sent)
                assert answer.status_code in (403, 404, 409, 422), (form, who, path, answer.status_code)
        assert stored(world, task_id).submission == kept and stored(world, task_id).draft is None
    assert world.standing(task) == before
    with world.database.transaction(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Document)) == papers


def test_the_text_that_is_frozen_is_the_one_that_was_filed(world: World) -> None:
    """R-25c: not a file that was uploaded and put aside, and not a newer one where an older was filed again."""
    task = world.begin("F-13c", without("F-13c")(lawful()))
    with world.database.transaction() as session:
        me = world.person(session, OFFICE)
        filed, aside = (
            documents.store(session, me, world.files, BytesIO(f"{name}{task.id}".encode()), f"{name}.txt",
                            matter_id=task.matter_id, task_id=task.id, form="F-13c", field="draft_file")
            for name in ("送审文本", "放在一边的文本")
        )  # fmt: skip
        row = session.get_one(Task, task.id)
        row.state, row.completed_at, row.completed_by_id = "COMPLETED", clock.now(), me.user_id
        row.submission = {
            "draft_file": {"document_id": filed.id, "sha256": filed.sha256, "name": filed.name, "size": 1}
        }
        session.flush()
        version = drafts.freeze(session, world.matter(session, task), me, clock.now())
        assert (version.sha256, version.document_id) == (filed.sha256, filed.id) and aside.id > filed.id


def test_paper_evades_no_separation_of_duties(world: World, posts: None) -> None:
    """SOD-08: a hearing hosted on paper by who drafted the proposal is not entered later by the office either."""
    task = world.begin("F-26", replace(lawful(), filed=(Filed("F-04", {}, NUMBER),)))
    desk = world.desk(OFFICE)
    desk.get(f"/tasks/{task.id}/late")
    before = world.standing(task)
    sent: dict[str, Any] = encoded(world.form("F-26"), world.answers(task, {
        "opened_at": "2026-03-02T09:00", "presentation_at": "2026-03-02T09:10", "debate_at": "2026-03-02T10:00",
    }))  # fmt: skip
    told = {
        "_late_on": "2026-03-02",
        "_late_by": "李强",
        "_late_reason": "线下举行听证",
        "_late_scan": ("记录.pdf", PDF),
    }
    assert world.id_of(BARRED_ONE)
    ways = ("李强", "李 强\u200b", "赵一、李强", "李强（经济发展办公室）", "主持人：李强，记录：周凯")
    for by in ways:
        told["_late_scan"] = ("记录.pdf", PDF)
        answer = desk.post(f"/tasks/{task.id}/late", **sent, **{**told, "_late_by": by})
        assert answer.status_code == 403 and "SOD-08" in answer.get_data(as_text=True), by
    assert world.standing(task) == before
    assert ["SOD-08" in one["rules"] for one in world.refused(task)] == [True] * len(ways)
    with world.database.transaction(read_only=True) as session:
        assert session.get(LateEntry, task.id) is None


@pytest.mark.parametrize("act", ["F-14", "F-15a", "F-15b"])
def test_an_opinion_that_comes_in_while_the_ledger_closes_is_not_passed_over(world: World, act: str) -> None:
    """R-18: whatever was counted when participation closed, no act before the decision goes past a pending opinion."""
    task = world.begin(act, of(pending=1, published=False, decided=False, archived=False)(lawful()))
    answer = world.press(task, OFFICE, world.answers(task, lawful().last(act).answers if lawful().last(act) else {}))
    assert answer.status_code == 409 and "R-18" in answer.get_data(as_text=True)
