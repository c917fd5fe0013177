"""A sample of `scripts/bench rubbish` on the rural road, and what it once found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask import Flask

from decision_flow.config import Settings
from decision_flow.demo.play import Play
from scripts.benchmarks import rubbish
from tests.stories.conftest import kept_files, road, told
from tests.web.conftest import ENTER
from web import create_app

__all__ = ["kept_files", "road", "told"]


@pytest.fixture
def app(road: Play, settings: Settings) -> Flask:
    return create_app(replace(settings, demo=True), road.database)


def test_nothing_ends_in_a_fault(app: Flask, road: Play) -> None:
    people = ("", "dengjie", "zhoukai", "admin")
    found = list(rubbish.answers(app, road.database, people, share=0.0004, seed=7))
    assert [answer for answer in found if answer.fault] == []
    assert len(found) > 150 and {200, 302, 400, 403, 404, 405} <= {answer.status for answer in found}


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 5000])
def test_a_number_that_no_row_can_have(signed_in: ENTER, number: str) -> None:
    browser = signed_in("zhoukai")
    assert browser.get(f"/matters/{number}").status_code == 404
    assert browser.get(f"/working-calendar?year={number}&organ={number}").status_code == 200
    assert browser.get(f"/procedures/major_decision/compare?from={number}&draft={number}").status_code == 200
    browser.get("/inbox")
    assert browser.post("/inbox/claim", task=number).status_code == 302
    assert browser.post("/tasks/1/transfer", to_user_id=number, reason="出差").status_code in (403, 404, 409, 422)


def test_a_word_in_an_address_that_no_row_can_bear(signed_in: ENTER) -> None:
    browser = signed_in("dengjie")
    for address in ("/procedures/%00", "/procedures/a%00/versions/1", "/notices/%00"):
        assert browser.get(address).status_code == 404
    assert browser.client.post("/notices/%00/enrolments").status_code in (400, 404)


def test_a_page_before_that_is_none(signed_in: ENTER) -> None:
    browser = signed_in("zhoukai")
    for before in ("http://[", "http://localhost//evil.example", "http://localhost/\\evil.example"):
        page = browser.get("/no-such-page", headers={"Referer": before})
        assert page.status_code == 404
        assert "evil.example" not in page.get_data(as_text=True)


def test_texts_that_no_database_can_hold(signed_in: ENTER) -> None:
    browser = signed_in("dengjie")
    browser.get("/procedures")
    begun = browser.post("/procedures/drafts", source="version:major_decision@1", key="tried", title="试一试")
    at = begun.headers["Location"]
    sent = [{"title": "\ud800"}, {"title": "\x00"}, {"files": {"a.bpmn": "\ud800"}}, {"xml": "\ud800"}, [[]]]
    for address in ("/content", "/copy", "/findings", "/forms/F-02", "/forms/F-02/preview", "/tables/d08/findings"):
        for told_of in sent:
            body = json.dumps(told_of if isinstance(told_of, list) else {"revision": 1, **told_of})
            headers = {"X-CSRFToken": browser.token, "Content-Type": "application/json"}
            assert browser.client.post(at + address, data=body, headers=headers).status_code == 400, (address, body)
    deep = browser.client.post(at + "/content", data="[" * 100_000, headers=headers)
    assert deep.status_code == 400
    browser.get("/procedures")
    assert browser.post("/procedures/import/keep", name="x", content="不是编码").status_code == 422


def test_no_nul_behind_another_value_of_the_same_name(signed_in: ENTER) -> None:
    browser = signed_in("zhoukai")
    browser.get("/inbox")
    sent = {"csrf_token": browser.token, "task": ["1", "\x00"]}
    assert browser.client.post("/inbox/claim", data=sent).status_code == 400
    assert browser.client.get("/inbox?text=a&text=%00").status_code == 400
