"""Plays a matter through the public operations, each step by a person whose post it is, at its own time."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import (
    acts,
    bundles,
    clock,
    departures,
    documents,
    exceptions,
    formalities,
    forms,
    identity,
    matters,
    tasks,
    worker,
)
from decision_flow.db import Database
from decision_flow.demo import answers
from decision_flow.documents import FileStore
from decision_flow.identity import Actor
from decision_flow.models import (
    Appointment,
    ExceptionRecord,
    ExceptionState,
    Matter,
    Organisation,
    Post,
    ProcedureVersion,
    Task,
    TaskState,
    Timer,
    TimerKind,
    TimerState,
    User,
)

PAPER = "{title}\n{name}\n本文件为演示材料。\n"


class Play:
    """One matter of the demo. `day` moves on with `on(...)`; every act happens at that day's office hours."""

    def __init__(self, database: Database, files: FileStore, day: date) -> None:
        self.database, self.files = database, files
        documents.keep_files(database, files)
        self.day, self._minute = day, 0
        self.matter_id = 0
        # Whether what needs a second person's approval gets it as soon as it is asked for.
        self.approving = True

    def on(self, day: date) -> Play:
        """Go on to a later day and let what has become due happen first."""
        self.day, self._minute = day, 0
        return self.settle()

    def settle(self) -> Play:
        """Let happen what has become due by now."""
        with clock.pretend(self._now()):
            while worker.tick(self.database, "demo"):
                pass
        return self

    def after(self, other: Play) -> Play:
        """Go on where another matter's play has come to."""
        if (self.day, self._minute) < (other.day, other._minute):
            self.day, self._minute = other.day, other._minute
        return self.settle()

    def linked(self, relation: str) -> list[Play]:
        """Return the matters that follow from this one, each to be played on from here."""
        self.settle()
        with self.database.transaction(read_only=True) as session:
            ids = session.scalars(
                select(Matter.id)
                .where(Matter.decision_id == self.matter_id, Matter.relation == relation)
                .order_by(Matter.id)
            ).all()
        found = []
        for matter_id in ids:
            other = Play(self.database, self.files, self.day)
            other.matter_id, other._minute = matter_id, self._minute
            found.append(other)
        return found

    def days(self, count: int) -> Play:
        """Go on by some calendar days."""
        return self.on(self.day + timedelta(days=count))

    def suggest(self, username: str, organ: str, given: Mapping[str, Any], procedure: str = "major_decision") -> Play:
        """Register the matter."""
        with clock.pretend(self._now()), self.database.transaction() as session:
            actor = self._actor(session, username)
            organ_id = session.scalars(select(Organisation.id).where(Organisation.name == organ)).one()
            version = bundles.in_force(session, procedure)
            form = bundles.runnable(session, version).forms[version.start_form]
            received = {"received_date": self.day.isoformat()} if procedure == "major_decision" else {}
            values = answers.fill(form, {**received, **given}, {})
            self.matter_id = matters.register(session, actor, procedure, organ_id, values).id
        return self

    def do(self, element: str, who: str = "", **given: Any) -> Play:
        """Complete the open task at `element`; `who` when several could."""
        with clock.pretend(self._now()), self.database.transaction() as session:
            task = self._open(session, element, who)
            actor = self._candidate(session, task, who)
            tasks.claim(session, actor, task.id)
            self._complete(session, actor, task, given)
        return self

    def act(self, key: str, who: str, **given: Any) -> Play:
        """Do what may be done at any time: suspend, report a problem, end the matter."""
        with clock.pretend(self._now()), self.database.transaction() as session:
            actor = self._actor(session, who)
            task_id = acts.begin(session, actor, self.matter_id, key).id
        with clock.pretend(self._now()), self.database.transaction() as session:
            self._complete(session, actor, session.get_one(Task, task_id, options=[joinedload(Task.matter)]), given)
        return self

    def claim(self, element: str, who: str = "") -> Play:
        """Claim the open task at `element` and leave it in the person's inbox."""
        with clock.pretend(self._now()), self.database.transaction() as session:
            task = self._open(session, element, who)
            tasks.claim(session, self._candidate(session, task, who), task.id)
        return self

    def run_to(self, *stop: str, given: Mapping[str, Mapping[str, Any]] | None = None, limit: int = 80) -> Play:
        """Complete whatever is open, with typical answers, until a task at one of `stop` stands open."""
        for _ in range(limit):
            with self.database.transaction(read_only=True) as session:
                standing = self._standing(session)
            names = [task.element_id for task in standing]
            if not standing:
                if not self._wait():
                    return self
                continue
            todo = next((name for name in names if name not in stop), None)
            if todo is None:
                return self
            self.do(todo, **dict((given or {}).get(todo, {})))
        raise RuntimeError(f"the demo did not come to {stop}")

    def _wait(self) -> bool:
        """Move on to the next timer of the matter; return whether there was one."""
        with self.database.transaction(read_only=True) as session:
            due = session.scalar(
                select(Timer.due_at)
                .where(
                    Timer.matter_id == self.matter_id,
                    Timer.kind == TimerKind.ENGINE,
                    Timer.state == TimerState.WAITING,
                )
                .order_by(Timer.due_at)
                .limit(1)
            )
        if due is None:
            return False
        self.on(clock.local_date(due) + timedelta(days=1))
        return True

    @property
    def since(self) -> datetime:
        """A moment after everything told so far and before what is told next."""
        start = datetime.combine(self.day, time(8, 40), clock.BUSINESS_ZONE)
        return start + timedelta(minutes=self._minute + 5)

    def _now(self) -> datetime:
        self._minute += 17
        start = datetime.combine(self.day, time(8, 40), clock.BUSINESS_ZONE)
        return start + timedelta(minutes=self._minute)

    def _standing(self, session: Session) -> list[Task]:
        return list(
            session.scalars(
                select(Task)
                .where(Task.matter_id == self.matter_id, Task.state.in_((TaskState.OPEN, TaskState.CLAIMED)))
                .options(joinedload(Task.matter).joinedload(Matter.procedure_version))
                .order_by(Task.id)
            )
        )

    def _open(self, session: Session, element: str, who: str) -> Task:
        found = [task for task in self._standing(session) if task.element_id == element]
        if not found:
            standing = [task.element_id for task in self._standing(session)]
            raise RuntimeError(f"no open task at {element}; open are {standing}")
        if who:
            actor = self._actor(session, who)
            found = [task for task in found if task.pool in actor.pools] or found
        return found[0]

    def _candidate(self, session: Session, task: Task, who: str) -> Actor:
        if who:
            return self._actor(session, who)
        if task.assignee_id or task.person_id:
            account = session.get_one(User, task.assignee_id or task.person_id)
            return identity.actor_of(session, account)
        for account in session.scalars(select(User).where(User.active).order_by(User.id)):
            actor = identity.actor_of(session, account)
            if task.pool in actor.pools:
                return actor
        raise RuntimeError(f"nobody in the demo holds {task.pool} for {task.element_id}")

    def _complete(self, session: Session, actor: Actor, task: Task, given: Mapping[str, Any]) -> None:
        version = session.get_one(ProcedureVersion, task.matter.procedure_version_id)
        form = bundles.runnable(session, version).form(task.form)
        if form is None:
            tasks.complete(session, actor, task.id, {})
            return
        references = self._references(session, task)
        before = session.scalars(
            select(Task)
            .where(Task.matter_id == task.matter_id, Task.form == form.id, Task.submission.is_not(None))
            .options(undefer(Task.submission))
            .order_by(Task.completed_at.desc())
            .limit(1)
        ).one_or_none()
        earlier = before.submission if before is not None and form.id == "F-01" else {}
        organ = session.get_one(Organisation, task.matter.organ_id).name
        registers = formalities.suggested(session, task.matter, form.id)
        told = {**registers, **answers.dated(form.id, organ), **earlier, **given}
        if form.id == "F-15":
            told.setdefault("implementing_unit_id", task.matter.implementing_unit_id or references["organisation"])
        values = answers.fill(form, told, references)
        for field in form.fields:
            asked = field.required or (field.required_if is not None and forms.holds(field.required_if, values))
            if field.type == "file" and asked and field.name not in values:
                values[field.name] = self._paper(session, actor, task, field.name, field.label, field.multiple)
        signature = {
            "kind": "attestation",
            "user_id": actor.user_id,
            "display": actor.display,
            "at": clock.now().isoformat(timespec="seconds"),
        }
        if self.approving and form.id in departures.BEFORE and values.get(departures.BEFORE[form.id][1]):
            exceptions.ask_in_form(session, actor, task.matter_id, form.id, values)
            self.approve(session)
        tasks.complete(session, actor, task.id, values, signature)
        if self.approving:
            self.approve(session)

    def approve(self, session: Session) -> None:
        """Have a leader of the organ who did not ask approve what waits for it."""
        asked = session.scalars(
            select(ExceptionRecord).where(
                ExceptionRecord.matter_id == self.matter_id, ExceptionRecord.state == ExceptionState.ASKED
            )
        ).all()
        for record in asked:
            leaders = session.scalars(
                select(User)
                .join(Appointment, Appointment.user_id == User.id)
                .join(Post, Post.id == Appointment.post_id)
                .join(Organisation, Organisation.id == Post.organisation_id)
                .where(
                    Post.role_code.in_(exceptions.APPROVERS), User.id != (record.asked_by_id or 0),
                    or_(Organisation.id == record.organ_id, Organisation.organ_id == record.organ_id),
                )
                .order_by(User.id.desc())
                .limit(1)
            )  # fmt: skip
            exceptions.decide(session, identity.actor_of(session, leaders.one()), record.id, True, "同意")

    def _paper(self, session: Session, actor: Actor, task: Task, name: str, label: str, several: bool) -> Any:
        text = PAPER.format(title=task.matter.title, name=label).encode()
        document = documents.store(
            session, actor, self.files, io.BytesIO(text), f"{label}.txt",
            matter_id=task.matter_id, task_id=task.id, form=task.form, field=name,
        )  # fmt: skip
        value = {"document_id": document.id, "name": document.name, "sha256": document.sha256, "size": document.size}
        return [value] if several else value

    def _references(self, session: Session, task: Task) -> dict[str, int]:
        unit = task.matter.undertaking_unit_id or task.matter.organ_id
        adviser = session.scalar(select(User.id).where(User.username == "guyan"))
        expert = session.scalar(select(User.id).where(User.username == "moqing"))
        return {"organisation": unit, "role:legal_adviser": adviser or 0, "role:expert": expert or 0}

    @staticmethod
    def _actor(session: Session, username: str) -> Actor:
        account = session.scalars(select(User).where(User.username == username)).one()
        return identity.actor_of(session, account)


def units(database: Database) -> dict[str, int]:
    """Return the ids of all units by name."""
    with database.transaction(read_only=True) as session:
        return {unit.name: unit.id for unit in session.scalars(select(Organisation))}
