"""Many people at once, who take tasks and give them back: what is committed, and how much of it in a time."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import insert, select

from decision_flow import audit, checkpoints, clock, engine, identity, projection, tasks
from decision_flow.audit import SYSTEM, EventName
from decision_flow.db import Database
from decision_flow.models import AuditEvent, Matter, Organisation, PolicyVersion, Task, User
from decision_flow.procedures import ProcedureSource
from tests import past_the_gate
from tests.drawing import Drawing
from tests.engine.driver import bundle

KEY = "taking"
PROCESSES = 4
Acts = Counter[int]


def tasks_for(database: Database, writers: int, each: int = 4) -> list[int]:
    """Open a task for every writer, `each` of them in one matter, so that writers meet in its stream."""
    drawing = Drawing(KEY).start().user("look", "办理", role="government_office").end().chain("start", "look", "end")
    source = ProcedureSource(KEY, "签收", "Taking", "", bundle(drawing))
    with database.transaction() as session:
        version = past_the_gate.put_in_force(session, source)
        organ = session.scalars(select(Organisation.id).where(Organisation.name == "清河镇人民政府")).one()
        policy = session.scalars(select(PolicyVersion.digest)).first()
        step = engine.start(
            engine.compile(source.bundle), {"matter": {"id": 0}}, projection.context(session, clock.now())
        )
        for number in range(-(-writers // each)):
            matter = Matter(
                number=f"T-{number}", title="签收", procedure_version_id=version.id, organ_id=organ, status="RUNNING",
                registered_at=clock.now(), passed={}, state=step.state, policy_digest=policy,
            )  # fmt: skip
            session.add(matter)
            session.flush()
            stream = audit.matter_stream(matter.id)
            audit.append(session, stream, EventName.MATTER_REGISTERED, actor=SYSTEM, matter_id=matter.id)
            session.execute(insert(Task), [
                {"matter_id": matter.id, "token": f"t{turn}", "element_id": "look", "process": KEY, "name": "办理",
                 "role_code": "government_office", "organisation_id": organ, "pool": f"government_office:{organ}",
                 "state": "OPEN", "received_at": clock.now()} for turn in range(each)
            ])  # fmt: skip
        found = select(Task.id).join(Matter).where(Matter.number.like("T-%")).order_by(Task.id)
        return list(session.scalars(found))[:writers]


def work(database: Database, task_ids: list[int], seconds: float, *, chained: bool = True) -> Acts:
    """Let a writer for every task take it and give it back for so long; return the committed acts of each task."""
    fork = multiprocessing.get_context("fork")
    told: Any = fork.Queue()
    database.dispose()
    shares = [task_ids[turn::PROCESSES] for turn in range(PROCESSES)]
    running = [fork.Process(target=_share, args=(database.url, share, seconds, chained, told)) for share in shares]
    for process in running:
        process.start()
    done: Acts = sum((Counter(told.get(timeout=seconds + 120)) for _ in running), Counter())
    for process in running:
        process.join()
    return done


def _share(url: str, task_ids: list[int], seconds: float, chained: bool, told: Any) -> None:
    if not chained:
        audit.append = _without_the_chain  # type: ignore[assignment]
    database, done = Database(url, pool_size=len(task_ids)), Counter[int]()
    until = time.monotonic() + seconds

    def write(task_id: int) -> None:
        with database.transaction(read_only=True) as session:
            user = session.scalars(select(User).where(User.username == "zhoukai")).one()
            actor = identity.actor_of(session, user)
        acts: list[Callable[..., Task]] = [tasks.claim, tasks.release]
        with database.transaction(read_only=True) as session:
            held = session.get_one(Task, task_id).state == "CLAIMED"
        for act in itertools.cycle(acts[::-1] if held else acts):
            with database.transaction() as session:
                act(session, actor, task_id)
            done[task_id] += 1
            if time.monotonic() >= until:
                return

    threads = [threading.Thread(target=write, args=(task_id,)) for task_id in task_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(dict(done))


_numbers = itertools.count(1)


def _without_the_chain(session: Any, stream: str, event: EventName, *, actor: Any, **told: Any) -> str:
    """Write the same event as a row that is linked to nothing: no head read or moved, nothing hashed."""
    at, seq = clock.now(), next(_numbers)
    facts = dict(told.get("facts") or {})
    row = {
        "stream": f"bare:{told['task_id']}:{time.time_ns()}", "seq": seq, "at": at, "event": event.value,
        "result": "ok", "actor_id": actor.user_id, "actor": actor.display, "matter_id": told["matter_id"],
        "task_id": told["task_id"], "prev_hash": "", "hash": "", "sm3": "",
        "canonical": json.dumps({"event": event.value, "at": at.isoformat(), "facts": facts}, ensure_ascii=False),
    }  # fmt: skip
    session.execute(insert(AuditEvent), [row])
    return ""


def recorded(database: Database, task_ids: list[int]) -> Acts:
    """Return how many acts of each task the trail holds, after verifying that it has no gap and no fork."""
    with database.snapshot() as session:
        report = checkpoints.verify_live(session)
        assert report.problems == [], report.text()
        rows = session.execute(
            select(AuditEvent.task_id).where(
                AuditEvent.task_id.in_(task_ids), AuditEvent.event.in_(("task.claimed", "task.released"))
            )
        )
        return Counter(row.task_id for row in rows)
