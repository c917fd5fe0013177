"""The desk over HTTP: what a person sees, types and is told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from decision_flow import clock
from decision_flow.audit import AuditEvent
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.models import Document, Task
from tests.web.client import Desk
from web import presentation

OFFICE, DRAFTER = "zhoukai", "liqiang"


@pytest.fixture
def registered(app: Flask, database: Database) -> Task:
    return _standing(database, cases.OTHERS[0](database, FileStore(_folder(app))).matter_id)


@pytest.fixture
def drafting(app: Flask, database: Database) -> Task:
    return _standing(database, cases.OTHERS[4](database, FileStore(_folder(app))).matter_id)


def _folder(app: Flask) -> Path:
    return app.extensions["decision_flow"]["files"].root


def _standing(database: Database, matter_id: int) -> Task:
    with database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.matter_id == matter_id, Task.state.in_(("OPEN", "CLAIMED")))
        ).one()


DRAFT = {
    "has_major_disagreement": "false", "options-0-option_code": "A", "options-0-content": "整体搬迁",
    "is_technical": "false", "affects_market_entities": "false", "affects_specific_group": "false",
    "direct_vital_interest": "false", "public_concern": "false", "withheld_by_law": "false",
    "npc_report_required": "false", "government_pricing": "false", "affected_people_count": "800",
    "fund_source": "none", "targets-0-indicator": "摊位数", "targets-0-target": "120",
}  # fmt: skip


def test_every_page_of_the_desk_is_sound_in_both_languages(app: Flask, drafting: Task) -> None:
    desk = Desk(app, DRAFTER)
    for language in ("zh", "en"):
        desk.client.get(f"/language/{language}")
        for path in (
            "/inbox", "/inbox?tab=claimable", "/inbox?tab=done", "/inbox?tab=started", "/matters", "/matters/new",
            f"/matters/{drafting.matter_id}", f"/matters/{drafting.matter_id}/papers",
            f"/matters/{drafting.matter_id}/trail", f"/matters/{drafting.matter_id}/evaluations",
            f"/tasks/{drafting.id}", "/account", "/account/password", "/help",
        ):  # fmt: skip
            desk.get(path)


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(app: Flask, drafting: Task) -> None:
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    answer = desk.post(
        f"/tasks/{drafting.id}",
        **{**DRAFT, "affected_people_count": "许多", "options-0-content": "", "options-1-content": "就地改造"},
        draft_file=("草案.txt", "草案正文".encode()),
    )
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for kept in ("许多", "就地改造", "摊位数", "草案.txt"):
        assert kept in html
    assert 'id="field-affected_people_count-error"' in html
    assert 'href="#field-options-0-content"' in html
    desk.look_at(html)


def test_a_task_is_completed_with_files_and_shows_what_comes_next(
    app: Flask, database: Database, drafting: Task
) -> None:
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    files = {"draft_file": ("草案.txt", "草案".encode()), "explanation_file": ("说明.txt", "说明".encode())}
    answer = desk.post(f"/tasks/{drafting.id}", **DRAFT, **files)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    assert "风险筛查" in desk.get(answer.headers["Location"])
    with database.transaction(read_only=True) as session:
        papers = session.scalars(select(Document).where(Document.task_id == drafting.id)).all()
        assert {paper.name for paper in papers} == {"草案.txt", "说明.txt"}
        assert all(paper.filed_at for paper in papers)
        (frozen,) = session.scalars(
            select(AuditEvent).where(AuditEvent.event == "draft.frozen", AuditEvent.matter_id == drafting.matter_id)
        )
        assert json.loads(frozen.canonical)["facts"]["files"][0]["name"] == "草案.txt"
    download = desk.client.get(f"/documents/{papers[0].id}")
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert Desk(app, "taoran").client.get(f"/documents/{papers[0].id}").status_code == 404
    again = desk.post(f"/tasks/{drafting.id}", **DRAFT)
    assert again.status_code == 409
    assert "李强" in again.get_data(as_text=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [("脚本.html", b"<script>"), ("图.svg", b"<svg/>"), ("空.txt", b""), ("假.pdf", b"MZ"), ("方案（机密）.txt", b"x")],
)
def test_a_file_that_is_not_allowed_is_refused_and_the_rest_stays(
    app: Flask, drafting: Task, name: str, content: bytes
) -> None:
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    answer = desk.post(f"/tasks/{drafting.id}", **DRAFT, draft_file=(name, content))
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="field-draft_file-error"' in html
    assert "整体搬迁" in html


def test_a_file_of_another_matter_cannot_be_named(app: Flask, database: Database, drafting: Task) -> None:
    other = cases.OTHERS[6](database, FileStore(_folder(app)))
    with database.transaction(read_only=True) as session:
        foreign = session.scalars(select(Document).where(Document.matter_id == other.matter_id)).first()
    assert foreign is not None
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    kept = json.dumps({"document_id": foreign.id, "name": "草案.txt"})
    answer = desk.post(f"/tasks/{drafting.id}", **DRAFT, **{"draft_file-kept": kept, "explanation_file-kept": kept})
    assert answer.status_code == 422


def test_rows_are_added_and_removed_without_script(app: Flask, drafting: Task) -> None:
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    more = desk.post(f"/tasks/{drafting.id}", **DRAFT, _add="options").get_data(as_text=True)
    assert 'name="options-1-content"' in more
    fewer = desk.post(f"/tasks/{drafting.id}", **DRAFT, **{"options-1-content": "第二", "_remove": "options-0"})
    assert "第二" in fewer.get_data(as_text=True)
    assert "整体搬迁" not in fewer.get_data(as_text=True)


def test_whatever_was_typed_is_kept_as_a_draft(app: Flask, drafting: Task) -> None:
    desk = Desk(app, DRAFTER)
    desk.get(f"/tasks/{drafting.id}")
    told = desk.post(
        f"/tasks/{drafting.id}/draft", affected_people_count="许多", single_option_reason="半句"
    ).get_json()
    assert told["saved"]
    assert "许多" in desk.get(f"/tasks/{drafting.id}")


def test_a_signature_needs_ones_own_password(app: Flask, database: Database) -> None:
    play = cases.OTHERS[2](database, FileStore(_folder(app)))
    task = _standing(database, play.matter_id)
    desk = Desk(app, "gaojianming")
    desk.get(f"/tasks/{task.id}")
    desk.post(f"/tasks/{task.id}/claim")
    given = {"initiate": "true", "decided_on": play.day.isoformat()}
    for password in ("", "wrong"):
        answer = desk.post(f"/tasks/{task.id}", **given, _password=password)
        assert answer.status_code == 422
        assert 'id="field-head_sign-error"' in answer.get_data(as_text=True)
    assert desk.post(f"/tasks/{task.id}", **given, _password="Demo-2026-pass").status_code == 302
    with database.transaction(read_only=True) as session:
        done = session.get_one(Task, task.id)
        assert done.submission["head_sign"]["display"].endswith("高建明")


def test_a_stranger_is_told_nothing(app: Flask, drafting: Task) -> None:
    desk = Desk(app, "taoran")
    desk.get(f"/tasks/{drafting.id}", 404)
    desk.get(f"/matters/{drafting.matter_id}", 404)
    assert desk.post(f"/tasks/{drafting.id}", **DRAFT).status_code in (403, 404)


def test_the_diagram_comes_with_what_was_passed(app: Flask, drafting: Task) -> None:
    desk = Desk(app, DRAFTER)
    told = desk.client.get(f"/matters/{drafting.matter_id}/diagrams/major_decision").get_json()
    assert "T_major_decision_06" in told["passed"]
    assert "T_major_decision_09" in told["now"]
    assert "<bpmn:process" in told["xml"]
    assert told["standing"] == {"major_decision": ["拟订决策草案"]} and told["names"] == {}
    assert desk.client.get(f"/matters/{drafting.matter_id}/diagrams/nonsense").status_code == 404
    english = desk.client.get(f"/matters/{drafting.matter_id}/diagrams/major_decision?lang=en").get_json()
    assert english["names"]["T_major_decision_09"] == "Draft the decision"
    assert english["names"]["lane_major_decision_undertaking_unit"] == "Undertaking unit"


def test_a_draft_from_another_window_is_not_overwritten_unsaid(app: Flask, drafting: Task) -> None:
    desk, address = Desk(app, DRAFTER), f"/tasks/{drafting.id}"
    html = desk.get(address)
    seen = re.search(r'name="_seen" value="([^"]*)"', html)
    assert seen and seen[1] == ""
    json_wanted = {"headers": {"Accept": "application/json"}}
    kept = desk.client.post(
        address + "/draft", data={"csrf_token": desk.token, "_seen": "", "fund_detail": "甲"}, **json_wanted
    )
    newest = re.search(r'name="_seen" value="([^"]*)"', desk.get(address))
    assert newest and newest[1] == kept.get_json()["at"]
    stale = desk.client.post(
        address + "/draft", data={"csrf_token": desk.token, "_seen": "", "fund_detail": "乙"}, **json_wanted
    )
    assert stale.status_code == 409 and "别的窗口" in stale.get_json()["detail"]
    told = desk.post(address, **{**DRAFT, "_seen": "", "_save": "1", "fund_detail": "丙"})
    page = told.get_data(as_text=True)
    assert told.status_code == 409 and "再次暂存以本页为准" in page and 'value="丙"' in page
    assert 'value="甲"' in desk.get(address)
    assert desk.post(address, **{**DRAFT, "_seen": newest[1], "_save": "1", "fund_detail": "丙"}).status_code == 302


def test_a_figure_of_the_inbox_leads_to_what_it_counts(app: Flask, registered: Task) -> None:
    due = registered.due_at
    assert due is not None
    with clock.pretend(due + timedelta(days=1)):
        desk = Desk(app, OFFICE)
        html = desk.get("/inbox?tab=done")
        leads = re.search(r'class="counter counter-late" href="([^"]+)"', html)
        assert leads and leads[1] == "?tab=claimable&amp;due=overdue"
        assert f'value="{registered.id}"' in desk.get("/inbox?tab=claimable&due=overdue")
        assert desk.post("/inbox/claim").status_code == 302
        assert "请先选择要签收的任务" in desk.get("/inbox?tab=claimable")


def test_a_matter_is_registered_once(app: Flask, database: Database) -> None:
    desk = Desk(app, "wuting")
    html = desk.get("/matters/new")
    organ = re.search(r'<option value="(\d+)"[^>]*>清河镇人民政府', html)
    assert organ
    given = {
        "_procedure": "major_decision", "_organ": organ[1], "matter_name": "清河镇供水管网改造",
        "suggestion_source": "department", "proposer_name": "吴婷", "proposer_contact": "0871", "received_date": "2026-01-05",
        "summary": "集镇供水管网老化，漏损严重，群众用水不便，建议分两期改造，第一期改造主干管网六公里。",
        "matter_category": "public_construction", "exclusion_type": "none", "contains_state_secret": "false",
    }  # fmt: skip
    secret = desk.post("/matters/new", **{**given, "contains_state_secret": "true"})
    assert secret.status_code == 422
    assert "SEC-10" in secret.get_data(as_text=True)
    assert desk.post("/matters/new", **given).status_code == 302
    twice = desk.post("/matters/new", **given)
    assert twice.status_code == 409
    assert "同名事项" in twice.get_data(as_text=True)


@pytest.mark.parametrize(
    "path", ["/inbox?page=9999999999", "/inbox?tab=x&due=y&sort=z", "/matters?page=-1", "/inbox?text=%25%00"]
)
def test_odd_addresses_make_no_fault(app: Flask, path: str) -> None:
    assert Desk(app, OFFICE).client.get(path).status_code in (200, 400)


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("条例第十条", 10),
        ("条例第七条", 7),
        ("条例第十九条", 19),
        ("条例第二十条", 20),
        ("R-30b 条例第三十条", 30),
        ("条例第二十九条", 29),
    ],
)
def test_an_article_is_cited_in_the_language_of_the_reader(app: Flask, chinese: str, english: int) -> None:
    with app.test_request_context("/"):
        assert presentation.basis(chinese) == chinese
    with app.test_request_context("/?lang=en"):
        assert presentation.basis(chinese) == chinese[: chinese.index("条例")] + f"Regulation Art. {english}"
        assert presentation.basis(None) == ""
