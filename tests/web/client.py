"""A test client that signs in as people do, keeps the CSRF token, and looks at each page it fetches."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from decision_flow.demo import PASSWORD


class Page(HTMLParser):
    """What a page says that a reader of it would notice: headings, title, controls without a label, inline code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.title = ""
        self.inline: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, bool]] = []
        self._in = ""
        self._label_depth = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        self._in = tag if tag in ("h1", "title") else self._in
        if tag == "h1":
            self.headings.append("")
        if tag == "label":
            self._label_depth += 1
            self.labelled.add(told.get("for") or "")
        if tag == "script" and not told.get("src"):
            self.inline.append("script")
        if "style" in told or any(name.startswith("on") for name in told):
            self.inline.append(tag)
        if tag in ("input", "select", "textarea") and told.get("type") not in ("hidden", "submit"):
            self.controls.append((told.get("id") or "", bool(told.get("aria-label")) or self._label_depth > 0))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._label_depth -= 1
        if tag == self._in:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "h1":
            self.headings[-1] += data
        if self._in == "title":
            self.title += data


class Desk:
    """One person at a browser."""

    def __init__(self, app: Flask, username: str = "") -> None:
        self.client = app.test_client()
        self.token = ""
        if username:
            self.get("/sign-in")
            assert self.post("/sign-in", username=username, password=PASSWORD).status_code == 302

    def get(self, path: str, status: int = 200, **options: Any) -> str:
        answer = self.client.get(path, **options)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:600])
        html = answer.get_data(as_text=True)
        if answer.mimetype == "text/html" and status != 302:
            self.look_at(html)
        return html

    def post(self, path: str, **fields: Any) -> TestResponse:
        data: dict[str, Any] = {"csrf_token": self.token, **fields}
        for name, value in data.items():
            if isinstance(value, tuple):
                data[name] = (io.BytesIO(value[1]), value[0])
        return self.client.post(path, data=data, content_type="multipart/form-data")

    def look_at(self, html: str) -> None:
        """Each page has one heading that its title repeats, a label on every control and no inline code."""
        page = Page(html)
        found = re.search(r'name="csrf-token" content="([^"]+)"', html)
        self.token = found[1] if found else self.token
        assert len(page.headings) == 1
        assert not page.inline
        for control, named in page.controls:
            assert named or control in page.labelled, control
