"""A request id for the logs, the health check and the figures for a monitor."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from decision_flow import clock, jobs
from decision_flow.models import (
    STANDING,
    Notification,
    NotificationState,
    Task,
    Timer,
    TimerState,
)
from web.auth import public
from web.request import files, transaction

page = Blueprint("observability", __name__)
log = structlog.get_logger(__name__)
REGISTRY = CollectorRegistry()
REQUESTS = Counter("df_requests", "Requests", ["endpoint", "status"], registry=REGISTRY)
SECONDS = Histogram("df_request_seconds", "Seconds per request", ["endpoint"], registry=REGISTRY)
OPEN_TASKS = Gauge("df_open_tasks", "Open tasks", registry=REGISTRY)
TIMERS_LATE = Gauge("df_timers_late", "Timers that are due and have not gone off", registry=REGISTRY)
TIMERS_FAILED = Gauge("df_timers_failed", "Timers given up", registry=REGISTRY)
OUTBOX = Gauge("df_outbox_pending", "Notices not yet delivered", registry=REGISTRY)


def observe(app: Flask) -> None:
    """Give each request an id, count it and time it."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = uuid.uuid4().hex[:12]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        REQUESTS.labels(endpoint, response.status_code).inc()
        SECONDS.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response


@page.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    """Say whether this process can do its work, and in a word for each part what it lacks; nothing of the inside.

    503 means that no work can be done here. Without a worker anywhere, pages are still answered: 200, but degraded.
    """
    found = {"database": _tried("database", _ask_database), "files": _tried("files", _write_beside_the_files)}
    well = all(state == "ok" for state in found.values())
    found["worker"] = _tried("worker", _see_a_worker) if found["database"] == "ok" else "unknown"
    status = "failing" if not well else "ok" if found["worker"] == "ok" else "degraded"
    return jsonify(status=status, **found), 200 if well else 503


def _tried(name: str, check: Callable[[], bool]) -> str:
    try:
        return "ok" if check() else "missing"
    except (SQLAlchemyError, OSError) as error:
        log.error("unhealthy", part=name, error=type(error).__name__)
        return "fails"


def _ask_database() -> bool:
    with transaction(read_only=True) as session:
        return bool(session.scalar(text("SELECT 1")))


def _write_beside_the_files() -> bool:
    """Write a little where uploads go: a folder may be there and yet full, or read-only."""
    root = files().root
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root) as tried:
        return tried.write(bytes(4096)) == 4096


def _see_a_worker() -> bool:
    with transaction(read_only=True) as session:
        return any(well and node.kind != "web" for node, well in jobs.alive(session))


@page.get("/metrics")
@public
def metrics() -> Response:
    """Return the figures in the Prometheus text format; to the machine itself only."""
    if request.remote_addr not in ("127.0.0.1", "::1"):
        return Response(status=404)
    with transaction(read_only=True) as session:
        standing = Task.state.in_(STANDING)
        OPEN_TASKS.set(session.scalar(select(func.count()).select_from(Task).where(standing)) or 0)
        late = (Timer.state == TimerState.WAITING, Timer.due_at < clock.now())
        TIMERS_LATE.set(session.scalar(select(func.count()).select_from(Timer).where(*late)) or 0)
        failed = Timer.state == TimerState.FAILED
        TIMERS_FAILED.set(session.scalar(select(func.count()).select_from(Timer).where(failed)) or 0)
        pending = Notification.state == NotificationState.PENDING
        OUTBOX.set(session.scalar(select(func.count()).select_from(Notification).where(pending)) or 0)
    return Response(generate_latest(REGISTRY), mimetype=CONTENT_TYPE_LATEST)
