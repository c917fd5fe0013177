"""Headers, CSRF and what a browser may keep."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.models import User
from tests.web.conftest import ENTER, Browser
from web import create_app
from web.security import allow_diagram_styles

TEMPLATES = sorted((Path(__file__).parents[2] / "web/templates").rglob("*.html"))


def policy(answer) -> dict[str, list[str]]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {words[0]: words[1:] for part in parts if (words := part.split())}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("GET /sign-in", 302), ("GET /inbox", 200), ("HEAD /inbox", 200), ("GET /people", 200), ("GET /no-such-page", 404),
        ("GET /matters", 403), ("POST /people", 400), ("DELETE /people", 405), ("OPTIONS /people", 200), ("TRACE /people", 405),
        ("GET /healthz", 200), ("GET /metrics", 200), ("GET /static/manifest.json", 200), ("GET /static/none", 404),
        ("GET /static/../web/auth.py", 404), ("GET /notices", 200), ("GET /language/en", 302), ("GET /people?text=%00", 400),
        ("GET /messages/calendar/x.ics", 404), ("GET /people?lang=en", 200),
    ],
)  # fmt: skip
def test_every_answer_carries_the_headers(signed_in: ENTER, asked: str, status: int) -> None:
    method, path = asked.split()
    answer = signed_in("admin").client.open(path, method=method)
    assert answer.status_code == status
    found = policy(answer)
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == found["style-src"] == found["form-action"] == ["'self'"]
    assert found["frame-ancestors"] == found["base-uri"] == ["'none'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Strict-Transport-Security" not in answer.headers


def test_only_a_page_with_a_diagram_may_style_its_shapes(fresh_app: Flask) -> None:
    def drawn() -> str:
        allow_diagram_styles()
        return "drawn"

    drawn.is_public = True
    fresh_app.add_url_rule("/drawn", "drawn", drawn)
    browser = Browser(fresh_app)
    browser.sign_in("admin")
    assert policy(browser.get("/drawn"))["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy(browser.get("/drawn"))["script-src"] == ["'self'"]
    assert policy(browser.get("/inbox"))["style-src"] == ["'self'"]


def test_signed_in_pages_are_not_kept_but_assets_are(signed_in: ENTER) -> None:
    browser = signed_in("admin")
    assert browser.get("/people").headers["Cache-Control"] == "no-store"
    assert browser.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert "immutable" in browser.get("/static/manifest.json").headers["Cache-Control"]


def test_https_is_insisted_on_once_it_is_there(settings: Settings, database: Database) -> None:
    answer = create_app(replace(settings, https=True), database).test_client().get("/sign-in")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


def test_proxies_are_believed_as_far_as_they_are_trusted(settings: Settings, database: Database) -> None:
    def address(hops: int) -> str:
        app = create_app(replace(settings, trusted_proxies=hops), database)
        seen: list[str] = []

        def view() -> str:
            from flask import request

            seen.append(request.remote_addr or "")
            return ""

        view.is_public = True
        app.add_url_rule("/address", "address", view)
        app.test_client().get("/address", headers={"X-Forwarded-For": "6.6.6.6, 10.0.0.7"})
        return seen[0]

    assert address(0) == "127.0.0.1"
    assert address(1) == "10.0.0.7"


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/people", "/account/language", "/inbox/claim", "/tasks/1"])
def test_nothing_is_done_without_the_token_of_a_page(signed_in: ENTER, path: str) -> None:
    browser = signed_in("admin")
    assert browser.client.post(path, data={"username": "x1", "name": "某人"}).status_code in (400, 403)
    assert browser.get("/people").status_code == 200


def test_a_script_sends_the_token_as_a_header(signed_in: ENTER) -> None:
    browser = signed_in("admin")
    browser.get("/account")
    sent = browser.client.post("/account/language", data={"language": "en"}, headers={"X-CSRFToken": browser.token})
    assert sent.status_code == 302


def test_the_token_of_one_browser_is_of_no_use_in_another(signed_in: ENTER) -> None:
    mine, other = signed_in("admin"), signed_in("security")
    mine.get("/people")
    other.get("/people")
    mine.token = other.token
    assert mine.post("/account/language", language="en").status_code == 400


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_template_brings_script_or_style_of_its_own(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text)
    assert not re.search(r"\|\s*safe\b", text)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
def test_what_people_write_stays_text(signed_in: ENTER, database: Database, name: str) -> None:
    with database.transaction() as session:
        user = session.get_one(User, 1)
        user.name = name
    for path in ("/people", "/people/1", f"/people?text={name}", "/people/organisations"):
        page = signed_in("admin").get(path).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "49" not in page or name != "{{ 7*7 }}" or "{{ 7*7 }}" in page
