"""What a monitor is told, what is told when the database is away or the disk is full, and what the logs keep of it."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from decision_flow import clock, jobs, worker
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Conflict
from tests.web.conftest import ENTER, Browser


@contextmanager
def away(database: Database) -> Iterator[None]:
    """The database does not answer."""

    def refuse(*_: Any) -> None:
        raise OperationalError("SELECT secret", {"name": "周凯"}, Exception("no connection"), hide_parameters=True)

    event.listen(database.engine, "before_cursor_execute", refuse)
    yield
    event.remove(database.engine, "before_cursor_execute", refuse)


@pytest.fixture
def full(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes no more."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.mkstemp", refuse)


def health(browser: Browser) -> tuple[int, dict[str, str]]:
    answer = browser.get("/healthz")
    return answer.status_code, answer.get_json()


def test_health_names_the_part_that_fails(visitor: Browser, database: Database) -> None:
    assert health(visitor) == (200, {"status": "degraded", "database": "ok", "files": "ok", "worker": "missing"})
    with database.transaction() as session:
        jobs.beat(session, "n1", "web", clock.now())
    assert health(visitor)[1]["worker"] == "missing"
    with database.transaction() as session:
        jobs.beat(session, "n2", "both", clock.now())
    assert health(visitor) == (200, {"status": "ok", "database": "ok", "files": "ok", "worker": "ok"})


def test_health_without_a_database(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("admin")
    with away(database):
        assert health(browser) == (503, {"status": "failing", "database": "fails", "files": "ok", "worker": "unknown"})


def test_health_on_a_full_disk(visitor: Browser, full: None) -> None:
    assert health(visitor)[0] == 503 and health(visitor)[1]["files"] == "fails"


def test_health_where_the_folder_is_gone(visitor: Browser, demo_settings: Settings) -> None:
    shutil.rmtree(demo_settings.folder, ignore_errors=True)
    demo_settings.folder.write_text("a file now")
    assert health(visitor)[0] == 503
    demo_settings.folder.unlink()


def test_a_person_is_told_that_the_database_is_away(signed_in: ENTER, database: Database) -> None:
    browser = signed_in("zhoukai")
    browser.get("/inbox")
    with away(database):
        answers = browser.get("/inbox"), browser.post("/inbox/claim", task="1"), browser.get("/inbox?lang=en")
        told = browser.get("/inbox", headers={"Accept": "application/json"})
    for answer in answers:
        page = answer.get_data(as_text=True)
        assert answer.status_code == 503 and answer.headers["X-Request-Id"] in page
        assert "数据库没有应答" in page or "does not answer" in page
        assert "secret" not in page and "周凯" not in page
    assert (told.status_code, told.get_json()["code"]) == (503, "unavailable")
    assert browser.get("/inbox").status_code == 200


def test_the_figures_are_for_the_machine_itself(visitor: Browser) -> None:
    told = visitor.get("/metrics").get_data(as_text=True)
    for name in ("df_open_tasks", "df_timers_late", "df_timers_failed", "df_outbox_pending", "df_request_seconds"):
        assert f"\n{name}" in told
    assert 'endpoint="sign_in.show"' in told or visitor.get("/sign-in").status_code == 200
    for address in ("10.0.0.7", "::ffff:127.0.0.2", "203.0.113.5"):
        assert visitor.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 404


# --- logs -----------------------------------------------------------------------------------------------------
def test_a_fault_is_logged_with_its_number_and_without_what_was_entered(
    fresh_app: Flask, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        with database.transaction() as session:
            session.execute(text("SELECT nonsense FROM nowhere WHERE name = :name"), {"name": request.form["answer"]})
        return ""

    fails.is_public = True  # type: ignore[attr-defined]
    fresh_app.add_url_rule("/fails", "fails", fails, methods=["POST"])
    browser = Browser(fresh_app)
    browser.get("/sign-in")
    answer = browser.client.post(
        "/fails?text=李四", data={"csrf_token": browser.token, "answer": "张三", "password": "Secret-word-9"}
    )
    assert answer.status_code >= 500
    (line,) = [
        json.loads(line)
        for line in capsys.readouterr().err.splitlines()
        if '"fault"' in line or '"database_away"' in line
    ]
    assert line["request_id"] == answer.headers["X-Request-Id"] and line["path"] == "/fails"
    told = json.dumps(line, ensure_ascii=False)
    assert "nonsense" in told
    for secret in ("张三", "李四", "Secret-word-9", browser.token):
        assert secret not in told


def test_an_error_of_the_database_says_nothing_of_what_it_carried(database: Database) -> None:
    with pytest.raises(Conflict) as caught, database.transaction() as session:
        session.execute(text("INSERT INTO post (id, title) VALUES (1, :title)"), {"title": "张三的答复"})
    error = caught.value.__cause__
    assert isinstance(error, IntegrityError) and "INSERT INTO post" in str(error)
    assert "张三" not in str(error).replace(str(error.orig), "")


def test_a_secret_in_an_address_stays_out_of_the_log(
    visitor: Browser, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with away(database):
        for path in ("/messages/calendar/Secret-word-9.ics", "/receipts/Secret-word-9"):
            assert visitor.get(path).status_code == 503
    told = capsys.readouterr().err
    assert told.count("database_away") == 2 and "Secret-word-9" not in told


def test_a_worker_without_a_database_says_so_in_a_line_and_goes_on(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = worker._told_of("tick", worker.Worker(database, Settings()).work)
    with away(database):
        runs()
    (line,) = capsys.readouterr().err.splitlines()
    assert (json.loads(line)["event"], json.loads(line)["told"]) == ("database_away", "no connection")
    runs()
    assert capsys.readouterr().err == ""
