"""Many people at once, who take tasks and give them back: what is committed, and how much of it in a time."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import bindparam, insert, literal, select
from sqlalchemy.orm import contains_eager, undefer

from decision_flow import audit, clock, engine, identity, live_trail, projection, tasks
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


@dataclass
class Slice:
    """What was done in one stretch of time: the committed acts of each task, the time, the CPU of the writers."""

    acts: Acts
    seconds: float
    cpu: float


class Crew:
    """Writers in processes of their own, a thread and a connection each; they rest between their slices."""

    def __init__(self, database: Database, task_ids: list[int], chained: bool) -> None:
        fork = multiprocessing.get_context("fork")
        database.dispose()
        self.members: list[tuple[Any, Connection]] = []
        for turn in range(PROCESSES):
            ours, theirs = fork.Pipe()
            told = (database.url, task_ids[turn::PROCESSES], chained, theirs)
            process = fork.Process(target=_member, args=told, daemon=True)
            process.start()
            self.members.append((process, ours))

    def work(self, seconds: float) -> Slice:
        """Let each of them act for so long."""
        begun, acts, cpu = time.monotonic(), Acts(), 0.0
        for _, pipe in self.members:
            pipe.send(seconds)
        for process, pipe in self.members:
            if not pipe.poll(seconds + 120):
                raise RuntimeError(f"no answer from a writer: {process}")
            done, used = pipe.recv()
            acts += done
            cpu += used
        return Slice(acts, time.monotonic() - begun, cpu)

    def dismiss(self) -> None:
        """Let them end."""
        for process, pipe in self.members:
            pipe.send(None)
            process.join()


@contextmanager
def crew(database: Database, task_ids: list[int], *, chained: bool = True) -> Iterator[Crew]:
    """Have a writer for every task; without `chained` they write the same events, linked to nothing."""
    made = Crew(database, task_ids, chained)
    try:
        yield made
    finally:
        made.dismiss()


def _member(url: str, task_ids: list[int], chained: bool, pipe: Connection) -> None:
    if not chained:
        audit.append = _without_the_chain  # type: ignore[assignment]
        tasks._LOCKED = _LOCKED_WITHOUT  # type: ignore[assignment]
    database = Database(url, pool_size=len(task_ids))
    writers = [_Writer(database, task_id) for task_id in task_ids]
    while seconds := pipe.recv():
        begun, until = time.process_time(), time.monotonic() + seconds
        threads = [threading.Thread(target=writer.act, args=(until,)) for writer in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = Acts({writer.task_id: writer.done for writer in writers})
        pipe.send((done, time.process_time() - begun))
        for writer in writers:
            writer.done = 0


class _Writer:
    """One person with one task."""

    def __init__(self, database: Database, task_id: int) -> None:
        self.database, self.task_id, self.done = database, task_id, 0
        with database.transaction(read_only=True) as session:
            user = session.scalars(select(User).where(User.username == "zhoukai")).one()
            self.actor = identity.actor_of(session, user)
        acts: list[Callable[..., Task]] = [tasks.claim, tasks.release]
        self.acts = itertools.cycle(acts)

    def act(self, until: float) -> None:
        while time.monotonic() < until:
            with self.database.transaction() as session:
                next(self.acts)(session, self.actor, self.task_id)
            self.done += 1


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
    audit._trail(session).events.append(row)  # written as all events are, with the commit
    return ""


# As `tasks` locks, but for the head of the stream.
_LOCKED_WITHOUT = (
    select(Task, Matter, literal(0), literal(""), literal(""))
    .join(Matter, Matter.id == Task.matter_id)
    .where(Task.id == bindparam("task_id"))
    .options(*(undefer(column) for column in (Task.draft, Matter.state, Matter.passed)))
    .options(contains_eager(Task.matter).joinedload(Matter.procedure_version, innerjoin=True))
    .with_for_update(of=(Matter, Task))
    .execution_options(populate_existing=True)
)


def recorded(database: Database, task_ids: list[int]) -> Acts:
    """Return how many acts of each task the trail holds, after verifying that it has no gap and no fork."""
    with database.snapshot() as session:
        report = live_trail.verify(session)
        assert report.problems == [], report.text()
        rows = session.execute(
            select(AuditEvent.task_id).where(
                AuditEvent.task_id.in_(task_ids), AuditEvent.event.in_(("task.claimed", "task.released"))
            )
        )
        return Counter(row.task_id for row in rows)
