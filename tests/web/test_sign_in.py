"""Signing in and out, sessions, the lapsed session in the middle of work, and the first run."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from decision_flow import clock, first_run, migrations
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.models import AuditEvent, SignInSession, User
from tests.web.conftest import ENTER, Browser
from web import create_app
from web.pages.sign_in import safe_next


def lapse(database: Database) -> None:
    """Let every session have been idle for an hour."""
    with database.transaction() as session:
        for found in session.scalars(select(SignInSession)):
            found.last_seen_at = clock.now() - timedelta(hours=1)


def test_signing_in_leads_to_the_page_that_was_asked_for(visitor: Browser) -> None:
    asked = visitor.get("/matters?text=公路")
    assert asked.status_code == 302
    shown = visitor.get(asked.location)
    assert shown.status_code == 200
    next_ = html.unescape(re.search(r'name="next" value="([^"]*)"', shown.get_data(as_text=True))[1])
    done = visitor.post("/sign-in", username="chenbin", password=PASSWORD, next=next_)
    assert done.status_code == 302
    assert visitor.get(done.location).status_code == 200
    assert done.location.startswith("/matters?text=")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: Browser, app: Flask) -> None:
    cookie = visitor.sign_in("chenbin").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_stays_there(settings: Settings, database: Database) -> None:
    app = create_app(replace(settings, https=True), database)
    with database.transaction() as session:
        for user in session.scalars(select(User)):
            user.is_demo = False
    client = app.test_client()
    page = client.get("/sign-in", base_url="https://localhost").get_data(as_text=True)
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    done = client.post(
        "/sign-in",
        data={"username": "chenbin", "password": PASSWORD, "csrf_token": token},
        base_url="https://localhost",
        headers={"Referer": "https://localhost/sign-in"},
    )
    assert done.status_code == 302
    assert "Secure" in done.headers["Set-Cookie"]


def test_a_wrong_password_is_told_and_counted(visitor: Browser, database: Database) -> None:
    for _ in range(5):
        told = visitor.sign_in("chenbin", "wrong")
        assert told.status_code == 401
        assert "用户名或密码不正确" in told.get_data(as_text=True)
    told = visitor.sign_in("chenbin").get_data(as_text=True)
    assert "账号已锁定" in told
    assert 'value="chenbin"' in told
    assert PASSWORD not in re.search(r"<form.*?</form>", told, re.S)[0]


def test_signing_out_ends_the_session_on_the_server(signed_in: ENTER, app: Flask) -> None:
    browser = signed_in("chenbin")
    stolen = browser.client.get_cookie("df_session").value
    browser.get("/inbox")
    assert browser.post("/sign-out").location == "/sign-in"
    thief = app.test_client()
    thief.set_cookie("df_session", stolen)
    assert thief.get("/inbox").status_code == 302


def test_the_demo_says_so_and_lists_its_accounts(visitor: Browser, settings: Settings, database: Database) -> None:
    page = visitor.get("/sign-in").get_data(as_text=True)
    assert "这是演示系统" in page
    assert 'data-fill-user="chenbin"' in page
    real = create_app(settings, database).test_client().get("/sign-in").get_data(as_text=True)
    assert "演示" not in real
    assert "chenbin" not in real


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\/evil", "javascript:alert(1)", "evil", "",
     "/inbox\r\nSet-Cookie: a=b", "/\t/evil.example", "http:///evil", "/a\x00b", "//[", "///evil.example"],
)  # fmt: skip
def test_no_address_leads_elsewhere(app: Flask, visitor: Browser, target: str) -> None:
    with app.test_request_context():
        assert safe_next(target) == "/inbox"
    visitor.get("/sign-in")
    done = visitor.post("/sign-in", username="chenbin", password=PASSWORD, next=target)
    if "\x00" in target:  # refused as a whole: no database can hold it
        assert done.status_code == 400
    else:
        assert done.location == "/inbox"


@pytest.mark.parametrize("target", ["/tasks/5?tab=a&x=%E5%85%AC", "/matters/1/trail", "/?a=//b"])
def test_an_address_of_this_site_is_kept(app: Flask, target: str) -> None:
    with app.test_request_context():
        assert safe_next(target) == target


# --- a session that ends in the middle of work ------------------------------------------------------------
def kept(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    return html.unescape(found[1]) if found else ""


def test_what_was_being_sent_survives_the_end_of_the_session(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("admin")
    with database.transaction() as session:
        user_id = session.scalars(select(User.id).where(User.username == "chenbin")).one()
    browser.get(f"/people/{user_id}")
    lapse(database)
    sent = {"name": "陈<斌>", "name_en": "Chen", "phone": "135", "email": "a@example.com", "_password": "secret-word"}
    asked = browser.post(f"/people/{user_id}", **sent)
    assert asked.status_code == 401
    page = asked.get_data(as_text=True)
    assert "您填写的内容已保留" in page
    # A slip at the password loses nothing either.
    again = browser.post("/sign-in", username="admin", password="wrong", kept=kept(page)).get_data(as_text=True)
    resumed = browser.post("/sign-in", username="admin", password=PASSWORD, kept=kept(again))
    assert resumed.status_code == 200
    page = resumed.get_data(as_text=True)
    assert f'action="/people/{user_id}"' in page
    fields = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }
    fields.pop("csrf_token")
    assert fields == {name: value for name, value in sent.items() if name != "_password"}
    assert browser.post(f"/people/{user_id}", **fields).status_code == 302
    with database.transaction(read_only=True) as session:
        assert session.get_one(User, user_id).name == "陈<斌>"


def test_somebody_else_does_not_get_the_work_of_another(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("admin")
    browser.get("/people")
    lapse(database)
    page = browser.post("/people", username="x1", name="某人").get_data(as_text=True)
    done = browser.post("/sign-in", username="security", password=PASSWORD, kept=kept(page), next="/people")
    assert done.status_code == 302
    assert done.location == "/people"


def test_nothing_is_kept_that_our_own_page_did_not_send(signed_in: ENTER, database: Database) -> None:
    """Another site must not lay words into the mouth of whoever signs in next."""
    browser = signed_in("admin")
    browser.get("/people")
    lapse(database)
    browser.token = "forged"
    answer = browser.post("/people", username="x1", name="某人")
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")
    stranger = Browser(browser.client.application)
    stranger.get("/sign-in")
    assert stranger.post("/people", username="x1", name="某人").status_code == 302


def test_kept_work_cannot_be_forged(signed_in: ENTER, visitor: Browser) -> None:
    visitor.get("/sign-in")
    done = visitor.post("/sign-in", username="admin", password=PASSWORD, kept="eyJieSI6MX0.x.y")
    assert done.status_code == 302


def test_passwords_being_changed_are_not_kept(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("admin")
    browser.get("/account/password")
    lapse(database)
    answer = browser.post("/account/password", old=PASSWORD, new="Brand-new-word-1", again="Brand-new-word-1")
    assert answer.status_code == 302


def test_a_script_is_told_in_its_own_words(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("chenbin")
    lapse(database)
    answer = browser.get("/inbox", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["code"] == "not_authenticated"


# --- one's own account ------------------------------------------------------------------------------------
def test_whoever_must_change_the_password_gets_no_further(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("chenbin")
    with database.transaction() as session:
        session.scalars(select(User).where(User.username == "chenbin")).one().must_change_password = True
    for path in ("/inbox", "/matters", "/account", "/tasks/1"):
        assert browser.get(path).location == "/account/password"
    browser.get("/account/password")
    uneven = browser.post("/account/password", old=PASSWORD, new="Brand-new-word-1", again="Brand-new-word-2")
    assert uneven.status_code == 422
    assert "不一致" in uneven.get_data(as_text=True)
    assert browser.get("/inbox").location == "/account/password"
    old = browser.client.get_cookie("df_session").value
    browser.get("/account/password")
    done = browser.post("/account/password", old=PASSWORD, new="Brand-new-word-1", again="Brand-new-word-1")
    assert done.location == "/inbox"
    assert browser.client.get_cookie("df_session").value != old
    assert browser.get("/inbox").status_code == 200


def test_a_wrong_old_password_is_counted_although_nothing_changes(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("chenbin")
    browser.get("/account/password")
    browser.post("/account/password", old="wrong", new="Brand-new-word-1", again="Brand-new-word-1")
    with database.transaction(read_only=True) as session:
        assert session.scalars(select(User.failed_sign_ins).where(User.username == "chenbin")).one() == 1


def test_one_sees_and_ends_ones_other_sessions(signed_in: ENTER) -> None:
    here, there = signed_in("chenbin"), signed_in("chenbin")
    page = here.get("/account").get_data(as_text=True)
    (path,) = re.findall(r'action="(/account/sessions/\d+/revoke)"', page)
    stranger = signed_in("linyue")
    stranger.get("/account")
    assert stranger.post(path).status_code == 404
    assert there.get("/inbox").status_code == 200
    assert here.post(path).location == "/account"
    assert there.get("/inbox").status_code == 302


def test_a_request_notes_that_a_session_is_used_once_a_minute(signed_in: ENTER, database: Database) -> None:
    def seen() -> object:
        with database.transaction(read_only=True) as session:
            return session.scalars(select(SignInSession.last_seen_at)).one()

    with time_machine.travel(clock.now(), tick=False) as traveller:
        browser = signed_in("chenbin")
        first = seen()
        traveller.shift(timedelta(seconds=59))
        browser.get("/inbox")
        assert seen() == first
        traveller.shift(timedelta(seconds=2))
        browser.get("/inbox")
        assert seen() == clock.now()


def test_the_language_is_that_of_address_browser_person_installation(signed_in: ENTER) -> None:
    def spoken(visitor: Browser, path: str = "/account") -> str:
        return re.search(r'<html lang="([^"]+)"', visitor.get(path).get_data(as_text=True))[1]

    visitor = signed_in("chenbin")
    assert spoken(visitor) == "zh-Hans"
    visitor.post("/account/language", language="en")
    assert spoken(visitor) == "en"
    elsewhere = signed_in("chenbin")
    assert spoken(elsewhere) == "en"
    assert elsewhere.get("/language/zh?next=/account").location == "/account"
    assert spoken(elsewhere) == "zh-Hans"
    assert spoken(elsewhere, "/account?lang=en") == "en"
    assert spoken(visitor) == "en"


# --- first run --------------------------------------------------------------------------------------------
@pytest.fixture
def fresh(settings: Settings, tmp_path: Path) -> Flask:
    database = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    migrations.upgrade(database)
    return create_app(settings, database)


def form(code: str, **changes: str) -> dict[str, str]:
    sent = {"code": code, "name": "云岭区人民政府", "level": "district", "binding": "direct"}
    for n, role in enumerate(("system", "security", "audit")):
        sent |= {
            f"{role}_admin-username": role,
            f"{role}_admin-name": f"人员{n}",
            f"{role}_admin-password": f"Founding-{n}-word",
        }
    return sent | changes


def test_before_there_is_an_administrator_every_page_leads_to_the_first_run(fresh: Flask) -> None:
    client = fresh.test_client()
    for path in ("/", "/inbox", "/sign-in", "/people", "/matters/1", "/help"):
        assert client.get(path).location == "/first-run", path
    assert client.get("/first-run").status_code == 200
    assert client.get("/healthz").status_code == 200


def test_the_first_run_is_not_open_to_whoever_comes_first(fresh: Flask, settings: Settings) -> None:
    browser = Browser(fresh)
    browser.get("/first-run")
    refused = browser.post("/first-run", **form("000000000000"))
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "设置码不正确" in page
    assert 'value="人员1"' in page
    assert "Founding-1-word" not in page
    assert browser.get("/inbox").location == "/first-run"


def test_the_founding_makes_three_administrators_and_closes_itself(fresh: Flask, settings: Settings) -> None:
    browser = Browser(fresh)
    browser.get("/first-run")
    code = first_run.setup_code(settings)
    wrong = browser.post("/first-run", **form(code, **{"security_admin-name": "", "level": "township"}))
    assert wrong.status_code == 422
    page = wrong.get_data(as_text=True)
    assert re.search(r'id="security_admin-name"[^>]*>\s*<div class="field-error"', page)
    assert '<option value="township" selected>' in page
    assert browser.post("/first-run", **form(code)).location == "/sign-in"
    assert browser.get("/first-run").status_code == 404
    assert not (settings.folder / "setup-code").exists()
    for role in ("system", "security", "audit"):
        person = Browser(fresh)
        number = ("system", "security", "audit").index(role)
        assert person.sign_in(role, f"Founding-{number}-word").location == "/inbox"
        assert person.get("/people").status_code == 200
    with fresh.extensions["decision_flow"]["database"].transaction(read_only=True) as session:
        assert "Founding" not in "".join(session.scalars(select(AuditEvent.canonical)))
