"""What a person, or a script, is told when something cannot be done, and what the trail keeps of it."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask, abort
from sqlalchemy import select

from decision_flow import audit, clock, errors
from decision_flow.db import Database
from decision_flow.demo.play import Play
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.identity import Permission
from decision_flow.models import AuditEvent, Task
from tests.web.conftest import ENTER, Browser
from web.auth import public, requires
from web.errors import refusals, told

REFUSED = errors.Refused("没有审查意见，不能提交 %(what)s。", rule="R-25a", article="条例第二十五条", what="<集体讨论>")
RAISED = {
    "not-permitted": (errors.NotPermitted("不归您办。"), 403),
    "not-found": (errors.NotFound("没有这一项。"), 404),
    "conflict": (errors.Conflict("已经办结。"), 409),
    "refused": (REFUSED, 409),
    "invalid": (errors.Invalid("填写有误。", errors={"a.0.b": ["甲不对。"], "c": ["乙不对。"]}), 422),
    "not-conforming": (errors.NotConforming("不能使用。"), 422),
    "fault": (errors.ProcedureFault("流程出错。", element="T_1"), 500),
    "base": (errors.DecisionFlowError("不行。"), 400),
}


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    def view(what: str, matter_id: int | None = None) -> str:
        if what == "bug":
            raise KeyError("secret detail")
        if what == "too-large":
            abort(413)
        raise RAISED[what][0]

    fresh_app.add_url_rule("/raise/<what>", "raise", requires(Permission.ACCOUNT_OWN)(view))
    fresh_app.add_url_rule("/raise/<what>/<int:matter_id>", "raise_of", requires(Permission.ACCOUNT_OWN)(view))
    fresh_app.add_url_rule("/open", "open", public(lambda: "open"))
    fresh_app.add_url_rule("/undeclared", "undeclared", lambda: "never")
    return fresh_app


def last(database: Database) -> AuditEvent:
    with database.transaction(read_only=True) as session:
        return session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()


@pytest.mark.parametrize("what", RAISED)
def test_a_page_says_what_happened_under_its_status(signed_in: ENTER, what: str) -> None:
    error, status = RAISED[what]
    answer = signed_in("chenbin").get(f"/raise/{what}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert f"<title>{heading} ·" in page
    assert str(error).split("<")[0] in page
    assert "退出" in page  # still at one's desk, with the menu


def test_a_refusal_names_rule_and_article_and_is_escaped(signed_in: ENTER) -> None:
    page = signed_in("chenbin").get("/raise/refused").get_data(as_text=True)
    assert "R-25a" in page
    assert "条例第二十五条" in page
    assert "&lt;集体讨论&gt;" in page
    assert "<集体讨论>" not in page


def test_what_was_entered_wrongly_is_listed(signed_in: ENTER) -> None:
    page = signed_in("chenbin").get("/raise/invalid").get_data(as_text=True)
    assert "<li>甲不对。</li>" in page
    assert "<li>乙不对。</li>" in page


def test_a_script_gets_problem_json(signed_in: ENTER) -> None:
    browser = signed_in("chenbin")
    answer = browser.get("/raise/refused", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"
    assert "现在不能办理" in answer.get_data(as_text=True)  # no \\u escapes
    told = answer.get_json()
    assert (told["status"], told["code"], told["rule"], told["article"]) == (409, "refused", "R-25a", "条例第二十五条")
    assert told["detail"] == str(REFUSED)
    told = browser.get("/raise/invalid", headers={"Accept": "application/json"}).get_json()
    assert told["errors"] == {"a.0.b": ["甲不对。"], "c": ["乙不对。"]}
    told = browser.get("/no-such-page", headers={"Accept": "application/json"})
    assert (told.status_code, told.get_json()["code"]) == (404, "http_404")


def test_a_bug_tells_its_number_and_nothing_else(signed_in: ENTER) -> None:
    answer = signed_in("chenbin").get("/raise/bug")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in page
    assert "secret detail" not in page
    assert "KeyError" not in page


def test_other_addresses_methods_and_sizes(signed_in: ENTER) -> None:
    browser = signed_in("chenbin")
    missing = browser.get("/no-such-page")
    assert missing.status_code == 404
    assert "没有找到" in missing.get_data(as_text=True)
    assert browser.get("/sign-out").status_code == 405
    large = browser.get("/raise/too-large")
    assert large.status_code == 413
    assert "过大" in large.get_data(as_text=True)


def test_a_page_that_stood_open_too_long_is_told_so(signed_in: ENTER) -> None:
    browser = signed_in("admin")
    browser.token = "stale"
    answer = browser.post("/people", username="x1", name="某人")
    assert answer.status_code == 400
    assert "停留时间过长" in answer.get_data(as_text=True)


def test_the_way_back_leads_to_this_site_only(signed_in: ENTER) -> None:
    browser = signed_in("chenbin")
    page = browser.get("/raise/conflict", headers={"Referer": "http://localhost/matters?a=1&b=2"})
    assert 'href="/matters?a=1&amp;b=2"' in page.get_data(as_text=True)
    page = browser.get("/raise/conflict", headers={"Referer": "http://evil.example/matters"})
    assert "返回上一页" not in page.get_data(as_text=True)


def test_english_readers_are_told_in_english(signed_in: ENTER) -> None:
    page = signed_in("chenbin").get("/raise/bug?lang=en").get_data(as_text=True)
    assert "<h1>Something failed</h1>" in page
    assert not re.search(r"[一-鿿]", re.search(r"<main.*</main>", page, re.S)[0])


# --- the trail --------------------------------------------------------------------------------------------
@pytest.fixture
def matter(database: Database, files: FileStore) -> tuple[int, int]:
    """A matter that has just been suggested, and its first task."""
    play = Play(database, files, clock.today())
    play.suggest("yangguang", QINGHE, {"matter_name": "清河镇农贸市场改造", "proposer_name": "杨光"})
    with database.transaction(read_only=True) as session:
        task = session.scalars(select(Task).where(Task.matter_id == play.matter_id)).first()
        return play.matter_id, task.id


@pytest.mark.parametrize("what, rules", [("refused", ["R-25a"]), ("not-permitted", [])])
def test_a_refusal_is_kept_in_the_trail(signed_in: ENTER, database: Database, what: str, rules: list[str]) -> None:
    signed_in("chenbin").get(f"/raise/{what}")
    found = last(database)
    told = json.loads(found.canonical)
    assert (found.event, found.result, found.stream) == ("action.refused", "refused", "access")
    assert told["rules"] == rules
    assert told["facts"]["path"] == f"/raise/{what}"
    assert told["facts"]["told"] == str(RAISED[what][0])
    assert found.actor == "清河镇规划建设和生态环境办公室·主任·陈斌"


@pytest.mark.parametrize("what", ["conflict", "invalid", "not-found", "bug"])
def test_what_is_no_refusal_is_not(signed_in: ENTER, database: Database, what: str) -> None:
    signed_in("chenbin").get(f"/raise/{what}")
    assert last(database).event == "session.signed_in"


def test_what_was_refused_of_a_matter_stands_in_its_own_stream(
    signed_in: ENTER, database: Database, matter: tuple[int, int]
) -> None:
    matter_id, task_id = matter
    signed_in("chenbin").get(f"/raise/refused/{matter_id}")
    found = last(database)
    assert (found.stream, found.matter_id, found.task_id) == (audit.matter_stream(matter_id), matter_id, None)
    # The task's matter is known from the task; the auditor has no business at its desk.
    auditor = signed_in("audit")
    auditor.get("/account")
    assert auditor.post(f"/tasks/{task_id}/claim").status_code == 403
    found = last(database)
    assert (found.stream, found.matter_id, found.task_id) == (audit.matter_stream(matter_id), matter_id, task_id)
    with database.transaction(read_only=True) as session:
        assert audit.verify(session, found.stream) is None


def test_a_refusal_of_a_matter_that_is_not_there_goes_to_access(signed_in: ENTER, database: Database) -> None:
    signed_in("chenbin").get("/raise/refused/4711")
    assert (last(database).stream, last(database).matter_id) == ("access", None)


# --- permission -------------------------------------------------------------------------------------------
def test_a_route_without_a_declaration_is_closed(signed_in: ENTER, visitor: Browser) -> None:
    assert visitor.get("/undeclared").status_code == 403
    assert signed_in("admin").get("/undeclared").status_code == 403
    assert visitor.get("/open").get_data(as_text=True) == "open"


def test_a_missing_permission_is_refused_and_recorded(signed_in: ENTER, database: Database) -> None:
    assert signed_in("chenbin").get("/people").status_code == 403
    assert last(database).event == "action.refused"


@pytest.mark.parametrize(("language", "names"), [("zh", "经营者、专家"), ("en", "经营者, 专家")])  # as it is
def test_names_in_a_row_stand_apart_as_the_language_does(app: Flask, language: str, names: str) -> None:
    refused = errors.Refused(
        "不能举行听证会：%(sides)s没有参加人。每一相关方都应当有代表。",
        rule="R-16c",
        article="条例第十六条",
        sides="经营者、专家",
    )
    with app.test_request_context(f"/?lang={language}"):
        assert names in told(refused) and names in refusals(refused)[0]["text"]
