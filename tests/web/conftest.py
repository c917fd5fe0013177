"""The application over a database of its own, in demo mode, and browsers that sign in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from web import create_app, equip


class Browser:
    """A client that sends the token of the page it last saw, as a browser does."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.token = ""

    def get(self, path: str, **options: object) -> TestResponse:
        return self._seen(self.client.get(path, **options))

    def post(self, path: str, **sent: object) -> TestResponse:
        """Send a form; redirects are not followed."""
        if not self.token:
            self.get("/sign-in")
        return self._seen(self.client.post(path, data={"csrf_token": self.token, **sent}))

    def sign_in(self, username: str, password: str = PASSWORD, next: str = "") -> TestResponse:
        self.get("/sign-in")
        return self.post("/sign-in", username=username, password=password, next=next)

    def _seen(self, answer: TestResponse) -> TestResponse:
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.get_data(as_text=True)):
            self.token = found[1]
        return answer


ENTER = Callable[[str], Browser]


@pytest.fixture
def demo_settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
def app(shell: Flask, demo_settings: Settings, database: Database) -> Flask:
    equip(shell, demo_settings, database)
    return shell


@pytest.fixture
def fresh_app(demo_settings: Settings, database: Database) -> Flask:
    """An application of one's own, to which a test may add pages."""
    return create_app(demo_settings, database)


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """A browser in which nobody has signed in."""
    return Browser(app)


@pytest.fixture
def signed_in(app: Flask) -> ENTER:
    """Return a browser in which a person of the demo has signed in."""

    def enter(username: str) -> Browser:
        found = Browser(app)
        assert found.sign_in(username).status_code == 302
        return found

    return enter
