"""What the benchmarks share: throw-away databases with fsync on, a real server process, a person at it."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import text

from decision_flow import demo, migrations, working_days
from decision_flow.db import Database
from decision_flow.modelling import gate

Figures = dict[str, float]
ROOT = Path(__file__).parents[2]


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Yield the address of an empty SQLite file and, where it is installed, of an empty PostgreSQL cluster."""
    folder = Path(tempfile.mkdtemp())
    urls = {"SQLite": f"sqlite:///{folder / 'bench.db'}"}
    bins = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    as_user: list[str] = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    data = folder / "pg"
    try:
        if bins and (bins[-1] / "initdb").exists():
            folder.chmod(0o755)
            data.mkdir()
            if as_user:
                shutil.chown(data, "postgres")
            quiet = {"stdout": subprocess.DEVNULL, "check": True}
            tool = str(bins[-1])
            subprocess.run(
                [*as_user, f"{tool}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8"], **quiet
            )
            options = f"-k {data} -c listen_addresses='' -c shared_buffers=512MB"
            subprocess.run(
                [*as_user, f"{tool}/pg_ctl", "-D", data, "-w", "-o", options, "-l", data / "log", "start"], **quiet
            )
            urls["PostgreSQL"] = f"postgresql://postgres@/postgres?host={data}"
        yield urls
    finally:
        if "PostgreSQL" in urls:
            subprocess.run(
                [*as_user, f"{bins[-1]}/pg_ctl", "-D", data, "-m", "immediate", "stop"],
                stdout=subprocess.DEVNULL,
                check=False,
            )
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str) -> Database:
    """Return the database at `url` with schema, calendar, procedures and the people of the demo, and no matter."""
    database = Database(url)
    migrations.upgrade(database)
    with database.transaction() as session:
        if working_days.seed(session):
            gate.put_shipped_in_force(session)
        else:
            return database
    demo.load_people(database)
    return database


class Server:
    """The product as it is deployed: one process with waitress, here without the worker."""

    def __init__(self, url: str, **settings: str) -> None:
        """Start it on the database at `url`, with settings by name as text."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = tempfile.mkdtemp()
        environment = {**os.environ, "DECISION_FLOW_DATABASE_URL": url, "DECISION_FLOW_SECRET_KEY": "k" * 40}
        environment |= {f"DECISION_FLOW_{name.upper()}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "serve", "--port", str(self.port), "--data", self.data, "--demo", "--no-worker"],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 180  # on a machine that others load
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def memory_mb(self) -> float:
        """Resident memory of the server process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]

    def cpu_seconds(self) -> float:
        """CPU that the server process has used so far: tells its cost also on a machine that others load."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


class Person:
    """Somebody signed in at the server, on one connection that is kept open."""

    def __init__(self, server: Server, username: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.get("/sign-in")
        assert self.post("/sign-in", {"username": username, "password": demo.PASSWORD})[0] == 302
        self.get("/account")

    def get(self, path: str) -> tuple[int, str]:
        return self._send("GET", path, None)

    def post(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        return self._send("POST", path, urlencode({"csrf_token": self.token, **fields}))

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        if found := re.search(r'name="csrf-token" content="([^"]+)"', text):
            self.token = found[1]
        return answer.status, text


def milliseconds(seconds: list[float]) -> tuple[float, float]:
    """Return (median, 95th percentile) in milliseconds."""
    ordered = sorted(seconds)
    return statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.95) - 1] * 1000


def server_cpu(database: Database) -> float:
    """Return the seconds of CPU that the processes of the PostgreSQL server have used so far; 0 for SQLite."""
    if database.is_sqlite:
        return 0.0
    with database.engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    server = _stat(Path(f"/proc/{backend}"))[1]
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = _stat(folder)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if server in (int(folder.name), fields[1]):
            # Of the postmaster also what its ended children used.
            ticks += sum(fields[11:15] if int(folder.name) == server else fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(folder: Path) -> list[int]:
    """Return the fields behind the name: state (as 0), parent, …, CPU of the process and of its ended children."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]
