"""Rubbish at every address and in every form, as several people: nothing may end in a fault or tell what is inside.

`answers` asks each address with identifiers that exist and that cannot, in every method, then submits the forms of the
pages that it was shown with one field at a time spoilt. A test sends a sample of it, this benchmark all.
"""

from __future__ import annotations

import io
import itertools
import os
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from decision_flow import demo, migrations, models
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.resources import BPMN
from scripts.benchmarks.harness import Figures
from web import create_app

PEOPLE = (
    "",
    "chenbin",
    "zhoukai",
    "linyue",
    "gaojianming",
    "wangmin",
    "yangguang",
    "moqing",
    "dengjie",
    "qiaolin",
    "tengyun",
    "audit",
    "admin",
    "security",
)
# What a part of an address may be filled with beside what exists; written as it goes over the line.
NUMBERS = ("0", "2147483648", "9223372036854775808", "9" * 5000)
WORDS = (
    "%00",
    "%FF%FE",
    "%ED%A0%80",
    "..%5C..%5Csetup.cfg",
    "%2e%2e",
    "a" * 5000,
    "'%22%3E%3Cb%3E",
    "%0d%0aX-Own: 1",
    "{{7*7}}",
)
VALUES = (
    "", "\x00", "a\x00b", "-1", "0", "99999999999999999999", "1e999", "NaN", "inf", "9" * 5000, "9223372036854775808", "²", "٣", "x" * 70_000, "'\"><b>",
    "../../../etc/passwd", "\ud800", "\r\nX-Own: 1", "2026-02-30", "0000-00-00", "9999-12-31", "10000-01-01T00:00", "[" * 2000,
    "{{7*7}}", "%s%(x)s{0.__class__}", "\u202e\u200b", "𝒳", "true", "[]", "null",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"Referer": "http://["},
    {"Referer": "http://localhost/\x7f\u00ff"},
    {"Accept": "application/json;q=x, */*;q=-1"},
    {"Accept-Language": "\u00ff;q=9"},
    {"Cookie": "df_session=\u00ff; df_lang=\u00ff; df_size=<b>; session=x"},
    {"User-Agent": "\u00ff" * 4000},
    {"If-Modified-Since": "yesterday", "If-None-Match": "\u00ff", "Range": "bytes=9-1,-"},
    {"X-Forwarded-For": "\u00ff, <b>", "X-Forwarded-Host": "evil.example"},
    {"Content-Length": "5"},
)
BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/json", b'{"a": "\\ud800"}'),
    ("application/json", b"["  * 100_000),
    ("application/json", b'"x"'),
    ("application/json", b'{"content": 5, "revision": {}, "a": NaN}'),
    *(("application/json", b'{"revision": 1, %b}' % told) for told in (
        b'"title": "\\ud800"', b'"title": "\\u0000"', b'"files": {"a.bpmn": "\\ud800"}', b'"files": {"../a": "<"}', b'"title": {}',
        b'"xml": "\\ud800"', b'"xml": "<!DOCTYPE a [<!ENTITY b SYSTEM \'file:///etc/passwd\'>]><a>&b;</a>"', b'"policy": [5]',
        b'"policy": "../../../etc/passwd"', b'"definition": {"title": "\\ud800", "fields": [{}]}', b'"definition": {"fields": [{"name": "a\\n", "type": 5}]}',
        b'"definition": {"fields": [{"name": "a", "label": "b", "type": "short", "required": NaN, "x": 1e999}]}', b'"files": {"a.bpmn": null, "": "x"}',
        b'"definition": {"title": "' + b"x" * 200_000 + b'"}',
    )),
    ("application/json; charset=utf-7", b"\xff\xfe"),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % number for number in range(21_000))),
    ("application/x-www-form-urlencoded", b"a=%ff&b=%ed%a0%80&%00=%00&=&&;"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ended"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x\\\xff\x00.docx\"\r\n\r\n\x00\xff\r\n--x--\r\n"),
    ("text/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    ("", b"\xff"),
)  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
# What only the inside knows. A page of the demo has no reason to say any of it.
TELLING = re.compile(
    rb"Traceback|File &#34;|site-packages|sqlalchemy|psycopg|sqlite3|jinja2|werkzeug|root:x:0|(?<![\w/])/(?:tmp|home|usr|var|work)/\w"
)
# All of it is some 900,000 requests.
SHARE = float(os.environ.get("DECISION_FLOW_BENCH_RUBBISH", "0.05"))
# These end the session that goes on asking.
ENDING = ("sign_in.leave", "account.revoke", "account.password")


@dataclass(frozen=True)
class Answer:
    """One request in short, and what came back."""

    who: str
    asked: str
    status: int
    fault: str


class Forms(HTMLParser):
    """The forms of a page: (method, action, fields with what they show)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, list[tuple[str, str, str]]]] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append((told.get("method", "get").upper(), told.get("action", ""), []))
        if not self.found:
            return
        fields = self.found[-1][2]
        name = told.get("name", "")
        if tag == "select":
            self._select = name
        if tag == "option" and self._select and ("selected" in told or told.get("value")):
            fields.append((self._select, told.get("value", ""), "text"))
            self._select = ""
        if name and tag in ("input", "textarea", "button"):
            fields.append((name, told.get("value", ""), told.get("type", "text")))


def answers(app: Flask, database: Database, people: tuple[str, ...], share: float, seed: int) -> Iterator[Answer]:
    """Send a `share` of all the rubbish to `app`, chosen by `seed`; yield every answer with the fault found in it."""
    app.config["WTF_CSRF_ENABLED"] = False  # otherwise all would end at the first door
    chance = random.Random(seed)
    modeller = Sender(app, "dengjie")
    modeller.send(
        "POST", "/procedures/drafts", data={"source": "version:major_decision@1", "key": "tried", "title": "试一试"}
    )
    known = _known(database)
    rules = sorted((rule for rule in app.url_map.iter_rules()), key=str)
    for who in people:
        sender = Sender(app, who)
        for rule in rules:
            if rule.endpoint in ENDING:
                continue
            for request in _at(rule, known):
                if chance.random() < share:
                    yield sender.send(**request)
            for shown in _addresses(rule, known, rubbish=False):
                if chance.random() < share**0.5:
                    page = sender.client.get(shown)
                    if page.mimetype == "text/html":
                        yield sender.judge(page, "GET", shown)
                        for request in _spoilt(page.get_data(as_text=True), shown, chance, share**0.5):
                            yield sender.send(**request)


class Sender:
    """One person at a client, signed in again whenever a request ended the session."""

    def __init__(self, app: Flask, who: str) -> None:
        self.app, self.who = app, who
        self.client: FlaskClient = app.test_client()
        if who:
            self.client.post("/sign-in", data={"username": who, "password": demo.PASSWORD})

    def send(self, method: str, path: str, **options: Any) -> Answer:
        try:
            answer = self.client.open(path, method=method, **options)
        except Exception as error:  # nothing caught it: the server would cut the connection
            return Answer(self.who, f"{method} {path[:200]} {str(options)[:600]}", 599, repr(error)[:200])
        return self.judge(answer, method, path, **options)

    def judge(self, answer: Any, method: str, path: str, **options: Any) -> Answer:
        body = answer.get_data() if answer.mimetype in ("text/html", "application/problem+json", "text/plain") else b""
        told = TELLING.search(body)
        own = "a header of ours" if "X-Own" in answer.headers else ""
        away = answer.headers.get("Location", "")
        own = own or (f"leads to {away}" if away and not re.match(r"/(?![/\\])", away) else "")
        fault = f"status {answer.status_code}" if answer.status_code >= 500 else told[0].decode() if told else own
        return Answer(self.who, f"{method} {path[:200]} {str(options)[:600]}", answer.status_code, fault)


def _known(database: Database) -> dict[str, list[str]]:
    """Return some identifiers that exist, by the name that an address gives them."""
    kinds = {
        "matter_id": models.Matter, "task_id": models.Task, "document_id": models.Document, "user_id": models.User,
        "organ_id": models.Organisation, "organisation_id": models.Organisation, "post_id": models.Post,
        "appointment_id": models.Appointment, "draft_id": models.ProcedureDraft, "expert_id": models.Expert,
        "institution_id": models.Institution, "catalogue_id": models.Catalogue, "item_id": models.CatalogueItem,
        "record_id": models.ExceptionRecord, "notice_id": models.Notice, "timer_id": models.Timer,
        "event_id": models.AuditEvent, "version_id": models.PolicyVersion, "hook_id": models.Hook,
        "substitution_id": models.Substitution,
    }  # fmt: skip
    found: dict[str, list[str]] = {}
    with database.transaction(read_only=True) as session:
        for name, kind in kinds.items():
            ids = session.scalars(select(kind.id).order_by(kind.id)).all()
            found[name] = [str(ids[0]), str(ids[-1])] if ids else ["1"]
        found["number"] = [
            "1",
            *session.scalars(select(models.Notice.number).limit(1)),
            *session.scalars(select(models.Opinion.number).limit(1)),
        ]
        found["sha256"] = list(session.scalars(select(models.Document.sha256).limit(1)))
        found["form_id"] = ["F-02", "F-38"]
        found["key"] = [*session.scalars(select(models.Procedure.key).limit(1)), "review_days"]
        found["name"] = [*session.scalars(select(models.ProcedureFile.name).limit(2))]
        found["process"] = ["major_decision"]
    return found | {
        "tab": ["trail", "papers", "progress"],
        "code": ["en"],
        "size": ["large"],
        "rule": ["R-25a"],
        "filename": ["manifest.json"],
        "token": ["x"],
        "day": ["2026-01-05"],
    }


def _addresses(rule: Rule, known: dict[str, list[str]], *, rubbish: bool) -> Iterator[str]:
    """Yield the addresses of a rule: every part known and, with `rubbish`, one part at a time that is not."""
    parts = re.split(r"<(?:\w+:)?(\w+)>", str(rule))
    names = parts[1::2]
    whole = [known.get(name) or ["1"] for name in names]
    choices = list(itertools.islice(itertools.product(*whole), 6)) if names else [()]
    if rubbish:
        choices = []
        for place, name in enumerate(names):
            for bad in NUMBERS if f"int:{name}" in str(rule) else WORDS:
                choices.append(tuple(bad if at == place else options[0] for at, options in enumerate(whole)))
    for chosen in choices:
        yield "".join(itertools.chain.from_iterable(itertools.zip_longest(parts[::2], map(str, chosen), fillvalue="")))


def _at(rule: Rule, known: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield requests at one rule: impossible identifiers, other methods, broken headers, bodies and queries."""
    for path in _addresses(rule, known, rubbish=True):
        for method in ("GET", "POST"):
            yield {"method": method, "path": path}
    for path in list(_addresses(rule, known, rubbish=False))[:2]:
        for method in METHODS:
            yield {"method": method, "path": path}
        for headers in HEADERS:
            yield {"method": "GET", "path": path, "headers": headers}
        for kind, body in BODIES:
            if "POST" in (rule.methods or ()):
                yield {"method": "POST", "path": path, "data": body, "content_type": kind}
        for name in (
            "page",
            "text",
            "no",
            "matter",
            "after",
            "next",
            "year",
            "organ",
            "sort",
            "from",
            "lang",
            "step",
            "state",
            "diagram",
        ):
            for value in VALUES:
                yield {"method": "GET", "path": f"{path}?{name}={quote(value[:3000], errors='surrogatepass')}"}


def _spoilt(html: str, shown: str, chance: random.Random, share: float) -> Iterator[dict[str, Any]]:
    """Yield each form of a page as it stands with one field spoilt."""
    for method, action, fields in Forms(html).found:
        target = action or shown
        if any(end in target for end in ("sign-out", "revoke", "/password", "/language")):
            continue
        for index, (name, _, kind) in enumerate(fields):
            for value in VALUES:
                if chance.random() >= share:
                    continue
                kept = [(n, v if at != index else value) for at, (n, v, k) in enumerate(fields) if k != "file"]
                data: dict[str, Any] = {}
                for field, content in kept:
                    data.setdefault(field, []).append(content.encode("utf-8", "surrogatepass"))
                if kind == "file":
                    data[name] = [
                        (
                            io.BytesIO(value.encode("utf-8", "surrogatepass")),
                            "../" + value.replace("\x00", "")[:300].encode("utf-8", "replace").decode() + ".docx",
                        )
                    ]
                if method == "GET":
                    query = "&".join(f"{quote(n)}={quote(c[:3000])}" for n, cs in data.items() for c in cs)
                    yield {"method": "GET", "path": f"{target.partition('?')[0]}?{query}"}
                else:
                    yield {"method": "POST", "path": target, "data": data, "content_type": "multipart/form-data"}


def run(url: str) -> Figures:
    database = Database(url)
    folder = Path(tempfile.mkdtemp())
    settings = Settings.of({"data_dir": str(folder), "secret_key": "k" * 40, "demo": True})
    migrations.upgrade(database)
    demo.load(database, FileStore(folder / "files"), BPMN)
    app = create_app(settings, database)
    sent = faults = 0
    for answer in answers(app, database, PEOPLE, SHARE, seed=1):
        sent += 1
        if answer.fault:
            faults += 1
            print(f"   {answer.who or 'visitor'}: {answer.asked} → {answer.fault}")
    return {"requests": sent, "faults": faults}
