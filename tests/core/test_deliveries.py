"""What leaves the house, as a user's programs see it: a real mail server, a real HTTP server, a real calendar parser."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller
from icalendar import Calendar
from sqlalchemy import select

from decision_flow import clock, deliveries, identity, notifications, senders
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.errors import NotFound, NotPermitted
from decision_flow.models import Hook, Notification, Task, User
from decision_flow.senders import Unsendable


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """A real HTTP server on this machine that keeps what it is sent."""

    port: int = 0
    seen: list[Post] = field(default_factory=list)
    status: int = 200
    answer: bytes = b'{"errcode":0,"code":0}'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.seen.append(Post(self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(found.answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()


class Mailbox:
    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - the server's word
        self.letters.append(envelope.content)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def notice(database: Database, files: FileStore) -> tuple[Task, User]:
    """A task with a due date in somebody's hands, of which a notice is written; the person has an address."""
    play = cases.OTHERS[6](database, files)
    with database.transaction() as session:
        session.query(Notification).update({"state": "SENT"})
        task = session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.state == "CLAIMED", Task.due_at.is_not(None))
        ).one()
        holder = session.get_one(User, task.assignee_id)
        holder.email = "reviewer@example.gov.cn"
        notifications.enqueue(
            session, "task.reminder", dedupe_key="n1", at=clock.now(), recipient_id=holder.id, matter_id=task.matter_id,
            task_id=task.id, payload={"title": "清河镇道路方案", "name": task.name, "due": "2026-03-18"},
        )  # fmt: skip
    return task, holder


def send(database: Database, settings: Settings, owner: str = "a") -> int:
    with database.transaction() as session:
        notifications.spread(session, mail=bool(settings.smtp_host))
    return deliveries.dispatch(database, owner, settings, senders.senders(settings))


def hook(database: Database, kind: str, url: str, secret: str = "s3cret") -> None:
    with database.transaction() as session:
        session.add(Hook(kind=kind, name="汇聚平台", url=url, secret=secret, events=[], active=True))


def test_a_mail_with_its_calendar_entry(database: Database, files: FileStore, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    task, _ = notice(database, files)
    settings = Settings.of({"smtp_host": "127.0.0.1", "smtp_port": port, "mail_from": "df@example.gov.cn",
                            "base_url": "https://juece.example.gov.cn"})  # fmt: skip
    assert send(database, settings) == 1
    assert send(database, settings) == 0
    (raw,) = box.letters
    letter = email.message_from_bytes(raw, policy=email.policy.default)
    assert letter["To"] == "reviewer@example.gov.cn" and "清河镇道路方案" in letter["Subject"]
    assert letter["Message-ID"].endswith("@example.gov.cn>")
    text = letter.get_body(("plain",)).get_content()
    assert f"https://juece.example.gov.cn/tasks/{task.id}" in text and "2026-03-18" in text
    (part,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    (event,) = Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
    assert event.decoded("dtstart") == clock.local_date(task.due_at)
    assert "清河镇道路方案" in str(event["summary"])


def test_each_person_says_which_mails_they_want(database: Database, files: FileStore) -> None:
    assert notifications.wants({}, "task.opened") and not notifications.wants(None, "task.opened")
    assert not notifications.wants({"mail": "never"}, "digest")
    assert notifications.wants({"mail": "daily"}, "digest") and not notifications.wants(
        {"mail": "daily"}, "task.opened"
    )
    assert not notifications.wants({"muted": ["task.opened"]}, "task.opened")
    _, holder = notice(database, files)
    with database.transaction() as session:
        session.get_one(User, holder.id).notice_choices = {"mail": "never"}
    settings = Settings.of({"smtp_host": "127.0.0.1", "smtp_port": 1})
    assert send(database, settings) == 0
    with database.transaction(read_only=True) as session:
        assert session.scalars(select(Notification).where(Notification.channel == "email")).all() == []
        (told, total) = notifications.mine(session, holder.id, unread=True, page=1)
        assert total >= 1 and told[0].dedupe_key == "n1"


def test_a_webhook_is_signed_and_keeps_its_key(database: Database, files: FileStore, sink: Sink) -> None:
    notice(database, files)
    hook(database, "webhook", sink.url)
    settings = Settings.of({"hook_allow": "127.0.0.0/8"})
    sink.status = 503
    assert send(database, settings) == 0
    with database.transaction() as session:
        row = session.scalars(select(Notification).where(Notification.channel == "webhook")).one()
        assert (row.state, row.attempts) == ("PENDING", 1) and "503" in row.last_error
    assert send(database, settings) == 0 and len(sink.seen) == 1  # it rests
    with database.transaction() as session:
        session.get_one(Notification, row.id).lease_until = None
    sink.status = 204
    assert send(database, settings) == 1
    first, second = sink.seen
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == f"n1>hook:{row.hook_id}"
    moment, signature = (part.split("=", 1)[1] for part in second.headers["X-Decision-Flow-Signature"].split(","))
    assert signature == hmac.new(b"s3cret", moment.encode() + b"." + second.body, hashlib.sha256).hexdigest()
    assert second.json["event"] == "task.reminder" and second.json["due"]


def test_what_fails_eight_times_lies_with_the_dead_letters(database: Database, files: FileStore, sink: Sink) -> None:
    notice(database, files)
    hook(database, "webhook", sink.url)
    settings, sink.status = Settings.of({"hook_allow": "127.0.0.1"}), 500
    for _ in range(10):
        send(database, settings)
        with database.transaction() as session:
            session.query(Notification).filter_by(channel="webhook").update({"lease_until": None})
    assert len(sink.seen) == 8
    with database.transaction() as session:
        admin = identity.actor_of(session, session.scalars(select(User).where(User.username == "admin")).one())
        clerk = identity.actor_of(session, session.scalars(select(User).where(User.username == "zhoukai")).one())
        (dead,) = deliveries.dead_letters(session, admin)
        with pytest.raises(NotPermitted):
            deliveries.retry(session, clerk, dead.id)
        deliveries.retry(session, admin, dead.id)
        with pytest.raises(NotFound):
            deliveries.retry(session, admin, dead.id)
    sink.status = 200
    assert send(database, settings) == 1


def test_a_delivery_that_was_overtaken_settles_nothing(database: Database, files: FileStore, sink: Sink) -> None:
    notice(database, files)
    hook(database, "webhook", sink.url)
    settings = Settings.of({"hook_allow": "127.0.0.1"})
    with database.transaction() as session:
        notifications.spread(session)
        (slow,) = deliveries.claim(session, "slow", settings, ["webhook"], 5)
        assert deliveries.claim(session, "fast", settings, ["webhook"], 5) == []
        session.get_one(Notification, slow.id).lease_until = None
    assert deliveries.dispatch(database, "fast", settings, senders.senders(settings)) == 1
    with database.transaction() as session:
        assert deliveries.settle(session, slow, "slow", "timed out") is False
        assert session.get_one(Notification, slow.id).state == "SENT"


def parcel(url: str, channel: str = "webhook", secret: str = "k") -> deliveries.Parcel:
    return deliveries.Parcel(
        id=1, attempt=1, key="k1", channel=channel, event="task.opened", at=clock.now(), payload={}, subject="新任务",
        body="请办理", link="", url=url, secret=secret,
    )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/", "http://localhost:9/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/",
        "http://192.168.1.1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "ftp://example.com/", "http://u:p@1.1.1.1/", "http:///x",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(url: str) -> None:
    with pytest.raises(Unsendable):
        senders.webhook(parcel(url), Settings())


def test_redirects_and_endless_answers_are_refused(sink: Sink) -> None:
    settings = Settings.of({"hook_allow": "127.0.0.1"})
    sink.status = 302
    with pytest.raises(Unsendable, match="302"):
        senders.webhook(parcel(sink.url), settings)
    assert len(sink.seen) == 1
    sink.status, sink.answer = 200, b"x" * (senders.LARGEST + 1)
    with pytest.raises(Unsendable, match="过大"):
        senders.webhook(parcel(sink.url), settings)


def test_the_robots_speak_as_their_makers_ask(sink: Sink) -> None:
    settings = Settings.of({"hook_allow": "127.0.0.1"})
    senders.dingtalk(parcel(f"{sink.url}?access_token=t", "dingtalk", "SEC1"), settings)
    senders.wecom(parcel(f"{sink.url}?key=t", "wecom"), settings)
    senders.feishu(parcel(sink.url, "feishu", "SEC2"), settings)
    ding, wecom, feishu = sink.seen
    query = parse_qs(urlsplit(ding.path).query)
    (moment,) = query["timestamp"]
    expected = hmac.new(b"SEC1", f"{moment}\nSEC1".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(expected).decode()] and query["access_token"] == ["t"]
    assert ding.json == wecom.json == {"msgtype": "text", "text": {"content": "新任务\n请办理"}}
    expected = hmac.new(f"{feishu.json['timestamp']}\nSEC2".encode(), b"", hashlib.sha256).digest()
    assert feishu.json["sign"] == base64.b64encode(expected).decode()
    assert feishu.json["content"] == {"text": "新任务\n请办理"}
    sink.answer = b'{"errcode":310000,"errmsg":"keywords not in content"}'
    with pytest.raises(Unsendable, match="没有接受"):
        senders.wecom(parcel(sink.url, "wecom"), settings)
    with pytest.raises(Unsendable, match="官方地址"):
        senders.wecom(parcel("https://example.com/x", "wecom"), Settings())
