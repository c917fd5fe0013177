"""The public pages under load: 200 readings a second, 20 comments a second from 1,000 addresses behind a proxy.

Open loop: every request has its time, whether or not the ones before were answered, so that a server that falls
behind shows it. Meanwhile an official opens the inbox again and again. One process as deployed, with
`trusted_proxies = 1`; loopback only; bounded in time. What asks runs in the process of the benchmark.
"""

from __future__ import annotations

import http.client
import os
import queue
import threading
import time
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import func, select

from decision_flow import actors, clock, notices
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.models import Matter, Notice, NoticeKind, Opinion, User
from decision_flow.notice_texts import NoticeText
from scripts.benchmarks.harness import Figures, Person, Server, fill, milliseconds

READS, COMMENTS, SECONDS, ADDRESSES = 200, 20, 20, 1000
READERS, WRITERS = 24, 16


def run(url: str) -> Figures:
    """Return rates and latencies; raises when a comment was lost or counted twice."""
    return measure(url, READS, COMMENTS, SECONDS)


def measure(url: str, reads: int, comments: int, seconds: int) -> Figures:
    """As `run`, at any rate and for any time: the suite runs it small."""
    database = fill(url)
    number = _notice(database)
    with database.transaction(read_only=True) as session:
        before = session.scalar(select(func.count()).select_from(Opinion)) or 0
    server = Server(url, trusted_proxies="1", threads="12")
    try:
        figures, accepted = _load(server, number, reads, comments, seconds)
    finally:
        server.stop()
    with database.transaction(read_only=True) as session:
        stored = (session.scalar(select(func.count()).select_from(Opinion)) or 0) - before
    database.dispose()
    if stored != accepted:
        raise RuntimeError(f"{accepted} comments were accepted, {stored} are in the ledger")
    return {**figures, "comments accepted = stored": stored}


class _Open:
    """Requests at set times by a number of connections; each time is counted from when it was due."""

    def __init__(self, port: int, workers: int) -> None:
        self.port, self.due = port, queue.Queue[tuple[float, str, str | None, str]]()
        self.took: list[float] = []
        self.statuses: dict[int, int] = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def go(self, requests: list[tuple[float, str, str | None, str]]) -> None:
        for one in requests:
            self.due.put(one)
        for thread in self.threads:
            thread.start()

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.1, end - time.monotonic()))

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while True:
            try:
                at, path, body, address = self.due.get_nowait()
            except queue.Empty:
                return
            time.sleep(max(0.0, at - time.monotonic()))
            headers = {"X-Forwarded-For": address}
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            try:
                connection.request("POST" if body is not None else "GET", path, body, headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except OSError:
                connection.close()
                status = 0
            with self.lock:
                self.took.append(time.monotonic() - at)
                self.statuses[status] = self.statuses.get(status, 0) + 1


def _load(server: Server, number: str, reads: int, comments: int, seconds: int) -> tuple[Figures, int]:
    person = Person(server, "zhoukai")
    used = server.cpu_seconds()
    begin = time.monotonic() + 0.5
    reading, writing = _Open(server.port, READERS), _Open(server.port, WRITERS)
    reading.go([(begin + n / reads, f"/notices/{number}", None, _address(n)) for n in range(reads * seconds)])
    writing.go([
        (begin + n / comments, f"/notices/{number}/comments",
         urlencode({"content": f"第{n}条意见：请保留便道。", "position": "suggest", "token": f"t{n}"}), _address(n))
        for n in range(comments * seconds)
    ])  # fmt: skip
    inbox: list[float] = []
    while time.monotonic() < begin + seconds:
        started = time.perf_counter()
        status, _ = person.get("/inbox")
        inbox.append(time.perf_counter() - started)
        assert status == 200, status
        time.sleep(0.1)
    reading.wait(60)
    writing.wait(60)
    ended = time.monotonic() - begin
    read50, read95 = milliseconds(reading.took)
    write50, write95 = milliseconds(writing.took)
    inbox50, inbox95 = milliseconds(inbox)
    return {
        "readings a second": len(reading.took) / max(ended, seconds),
        "readings not answered with 200": sum(count for status, count in reading.statuses.items() if status != 200),
        "reading p50, ms": read50,
        "reading p95, ms": read95,
        "comments a second": len(writing.took) / max(ended, seconds),
        "comments not answered with 303": sum(count for status, count in writing.statuses.items() if status != 303),
        "comment p50, ms": write50,
        "comment p95, ms": write95,
        "inbox p50, ms": inbox50,
        "inbox p95, ms": inbox95,
        "server CPU, share of one core at the rate asked for": (server.cpu_seconds() - used) / seconds,
        "load average of the machine": os.getloadavg()[0],
    }, writing.statuses.get(303, 0)


def _address(n: int) -> str:
    place = n % ADDRESSES
    return f"198.51.{place // 250}.{place % 250 + 1}"


def _notice(database: Database) -> str:
    """Publish a solicitation that is open today, on a matter registered for it."""
    from scripts.benchmarks.complete import _register

    _register(database, 1)
    with database.transaction() as session:
        user = session.scalars(select(User).where(User.username == "linyue")).one()
        matter = session.scalars(select(Matter).order_by(Matter.id.desc()).limit(1)).one()
        today = clock.today()
        told = NoticeText(
            NoticeKind.SOLICITATION, "关于公开征求停车收费管理办法意见的公告",
            (("what", "拟对集镇道路停车收费。" * 20), ("why", "停车难。" * 20), ("whom", "车主和商户。"), ("how", "电话。")),
            ("website",), today, today + timedelta(days=30), explanation_id=_explanation(session, user, matter),
        )  # fmt: skip
        found: Notice = notices.publish(session, actors.actor_of(session, user), matter, told)
        return found.number


def _explanation(session: object, user: User, matter: Matter) -> int:
    import io
    import tempfile
    from pathlib import Path

    from sqlalchemy.orm import Session

    from decision_flow import documents

    assert isinstance(session, Session)
    store = FileStore(Path(tempfile.mkdtemp()), Settings().upload_limit_mb * 1024 * 1024)
    actor = actors.actor_of(session, user)
    paper = documents.store(session, actor, store, io.BytesIO("说明".encode()), "草案说明.txt", matter_id=matter.id)
    return paper.id
