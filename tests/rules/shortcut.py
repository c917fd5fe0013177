"""Somebody's own diagram, past the gate: from the registration straight to one guarded act, and no other step.

`World` holds one database with it for a whole module. A matter is registered for each attempt, what lies in its
file is written there, and the act is tried by operation and over HTTP.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from decision_flow import actors, bundles, clock, documents, matters, tasks
from decision_flow.actors import Actor
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.demo.answers import dated, fill
from decision_flow.demo.play import units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.engine import Bundle
from decision_flow.forms import Form
from decision_flow.guards.facts import Facts
from decision_flow.models import (
    AuditEvent,
    DraftVersion,
    ExceptionRecord,
    Matter,
    Opinion,
    ProcedureVersion,
    StaleStep,
    Task,
    User,
)
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from tests import past_the_gate
from tests.drawing import Drawing
from tests.guards.test_guards import EXECUTOR, UNIT
from tests.web.client import Desk

OFFICE, HEAD, UNDERTAKER = "zhoukai", "gaojianming", "清河镇规划建设和生态环境办公室"
# Who files what in `lawful()`, as people of the demo.
PEOPLE = {
    1: "wuting", 2: "wangmin", 3: "zhaolei", 4: "linyue", 5: "chenbin", 6: "heping", 9: "gaojianming", 11: "hanmei",
    12: "moqing", 13: "liqiang", 14: "guyan", 15: "fangyi", 16: "zhoukai",
}  # fmt: skip


@dataclass(frozen=True)
class Act:
    """One guarded act as it is drawn: the form, or the step, of its task, or the effect that follows the task."""

    key: str
    who: str = OFFICE
    role: str = "government_office"
    form: str = ""
    step: str = ""
    effect: str = ""

    @property
    def element(self) -> str:
        """The id of its task in the diagram."""
        return f"T_{self.key.replace('-', '_')}"


ACTS = {
    act.key: act
    for act in (
        Act("F-03", HEAD, "admin_head", "F-03"),
        *(Act(form, form=form) for form in ("F-06", "F-11", "F-12", "F-13c", "F-14", "F-15a", "F-15b")),
        Act("F-13", "wangmin", "legality_reviewer", "F-13"),
        Act("F-13s", "zhaolei", "legality_head", "F-13s"),
        Act("F-15", "linyue", "hearing_clerk", "F-15"),
        Act("F-15s", HEAD, "admin_head", "F-15s"),
        Act("F-17b", "linyue", "disclosure_officer", "F-17b"),
        Act("F-18", form="F-18"),
        Act("F-35", "sunli", "deputy_head", "F-35"),
        Act("F-40", form="F-40"),
        Act("F-24", form="F-24"),
        # No guard asks of these, but the separation of duties, or the form itself.
        *(Act(form, form=form) for form in ("F-02", "F-04", "F-29", "F-29p", "F-31", "F-32")),
        Act("F-22", "linyue", "disclosure_officer", "F-22"),
        Act("F-12b", "wangmin", "legality_reviewer", "F-12b"),
        Act("F-36", form="F-36"),
        Act("F-35b", form="F-35b"),
        Act("F-13d", "zhaolei", "legality_head", "F-13d"),
        Act("F-08", "sunli", "deputy_head", "F-08"),
        Act("F-21", "heping", "confidentiality_reviewer", "F-21"),
        Act("F-26", "zhaolei", "hearing_host", "F-26"),
        *(
            Act(effect, effect=effect)
            for effect in (
                "freeze_draft",
                "record_decision",
                "record_publication",
                "schedule_evaluations",
                "suspend_execution",
                "end_execution",
                "resume_execution",
                "archive_part",
            )
        ),
        *(Act(step, step=step) for step in ("collective_discussion", "publication", "party_report", "execution")),
        Act("finish"),
    )
}
# What a timer leads to by itself, two days after the registration: an effect, or the end.
BY_TIMER = ("record_decision", "record_publication", "archive_part", "finish")  # fmt: skip


def drawing() -> Drawing:
    """Each way leads from the start to one act and from there to the end."""
    drawn = Drawing("shortcut", "捷径").start("E_short").xor("G_which").end("E_end").flow("E_short", "G_which")
    for act in ACTS.values():
        drawn.user(act.element, form=act.form, role=act.role, step=act.step)
        drawn.flow("G_which", act.element, "else" if act.key == "finish" else f"F01.proposer_name == '{act.key}'")
        if act.effect:
            drawn.service(f"S_{act.key}", act.effect).chain(act.element, f"S_{act.key}", "E_end")
        else:
            drawn.flow(act.element, "E_end")
    for effect in BY_TIMER:
        fork, meanwhile, wait = f"G_{effect}", f"T_beside_{effect}", f"W_{effect}"
        drawn.fork(fork).user(meanwhile, role="government_office").timer(wait, "P2D")
        drawn.flow("G_which", fork, f"F01.proposer_name == 'timer-{effect}'").chain(fork, meanwhile, "E_end")
        drawn.flow(fork, wait)
        if effect == "finish":
            drawn.flow(wait, "E_end")
        else:
            drawn.service(f"S_timer_{effect}", effect).user(f"T_after_{effect}", role="government_office")
            drawn.chain(wait, f"S_timer_{effect}", f"T_after_{effect}", "E_end")
    return drawn


class World:
    """A database in which procedures of these keys run on the shortcut, and people at their desks."""

    def __init__(self, database: Database, app: Flask, files: FileStore, *keys: str) -> None:
        self.database, self.app, self.files = database, app, files
        self.units, self.desks = units(database), dict[str, Desk]()
        forms = {path.name: path.read_bytes() for path in (BPMN / "forms").glob("*.toml")}
        bundle = Bundle(main="shortcut", bpmn={"shortcut.bpmn": drawing().xml()}, forms=forms)
        with database.transaction() as session:
            for key in keys or ("major_decision",):
                source = ProcedureSource(key, "捷径", "Shortcut", "F-01", bundle)
                past_the_gate.put_in_force(session, source)

    def person(self, session: Session, username: str) -> Actor:
        return actors.actor_of(session, session.scalars(select(User).where(User.username == username)).one())

    def id_of(self, username: str) -> int:
        with self.database.transaction(read_only=True) as session:
            return self._id(session, username)

    def as_filed(self, username: str) -> int:
        """Return the number by which facts name this person."""
        return next(number for number, name in PEOPLE.items() if name == username)

    def desk(self, username: str) -> Desk:
        if username not in self.desks:
            self.desks[username] = Desk(self.app, username)
        return self.desks[username]

    def begin(self, act: str, facts: Facts, key: str = "major_decision") -> Task:
        """Register a matter that leads to `act`, with `facts` as its file; return the open task."""
        matter_id = self.register(self.suggestion(act), key)
        with self.database.transaction() as session:
            matter = session.get_one(Matter, matter_id)
            self.file(session, matter, facts, ACTS[act].form if act in ACTS else "")
            return session.scalars(select(Task).where(Task.matter_id == matter.id, Task.state == "OPEN")).one()

    def suggestion(self, act: str) -> dict[str, Any]:
        """Return the answers of a registration that leads to `act`."""
        given = {
            "matter_name": f"集镇停车管理办法{secrets.token_hex(4)}", "proposer_name": act, "exclusion_type": "none",
            "received_date": clock.today().isoformat(), "contains_state_secret": False,
            "suggestion_source": "department", "matter_category": "public_policy",
        }  # fmt: skip
        return fill(self.form("F-01"), given, {})

    def register(self, answers: Mapping[str, Any], key: str = "major_decision") -> int:
        """Register a matter by the public operation; return its id."""
        with self.database.transaction() as session:
            return matters.register(session, self.person(session, "wuting"), key, self.units[QINGHE], answers).id

    def matter(self, session: Session, task: Task) -> Matter:
        return session.get_one(Matter, task.matter_id)

    @staticmethod
    def form(form: str) -> Form:
        return Form.parse((BPMN / "forms" / f"{form}.toml").read_bytes())

    def file(self, session: Session, matter: Matter, facts: Facts, until: str = "") -> None:
        """Write the file of the matter as `facts` say, up to the act that is tried."""
        matter.category, matter.relation = facts.category, facts.relation
        known = {None: None, UNIT: self.units[UNDERTAKER]}
        matter.undertaking_unit_id = known.get(facts.undertaking_unit, facts.undertaking_unit)
        matter.implementing_unit_id = (
            self.units["清河镇农村公路管理站"] if facts.implementing_unit == EXECUTOR else None
        )
        now = clock.now()
        matter.decided_at = now if facts.decided else None
        matter.published_at = now if facts.published else None
        people = {number: self.person(session, name) for number, name in PEOPLE.items()}
        for place, one in enumerate(facts.filed):
            if one.form == until:
                break
            who = people[one.by or 1]
            session.add(
                Task(
                    matter_id=matter.id, token=f"filed:{place}:{secrets.token_hex(4)}", element_id="T_before", process="before", name=one.form,
                    form=one.form, role_code=one.role, organisation_id=who.appointments[0].organisation_id, pool="none",
                    state="COMPLETED", received_at=now, completed_at=now + timedelta(seconds=place),
                    completed_by_id=who.user_id, completed_as=who.display, submission=dict(one.answers),
                )
            )  # fmt: skip
        if facts.text is not None:
            matter.draft_version, matter.draft_sha256 = facts.text.number, facts.text.sha256
            session.add(
                DraftVersion(
                    matter_id=matter.id, number=facts.text.number, sha256=facts.text.sha256, frozen_at=now,
                    conclusion=facts.text.conclusion,
                )
            )  # fmt: skip
        for rule in facts.approved:
            session.add(
                ExceptionRecord(
                    matter_id=matter.id, organ_id=matter.organ_id, kind="exception", rule=rule, reason="理由属实。",
                    state="approved", asked_at=now, decided_at=now,
                )
            )  # fmt: skip
        for step in facts.stale:
            session.add(StaleStep(matter_id=matter.id, step=step, version=1, marked_at=now))
        for number in range(facts.pending):
            session.add(
                Opinion(
                    receipt=secrets.token_hex(8), matter_id=matter.id, number=number + 1, channel="letter",
                    content="建议缩小收费范围。", received_on=clock.today(), received_at=now, content_sha256="", token_key=secrets.token_hex(8),
                    content_key=secrets.token_hex(8),
                )
            )  # fmt: skip

    def answers(self, task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete answers to the task's form: `given`, and for the rest what is typical, files with them."""
        with self.database.transaction() as session:
            form = self._form(session, task)
            if form is None:
                return {}
            told = {**dated(form.id, QINGHE), **given}
            known = {field.name: told[field.name] for field in form.fields if field.name in told}
            references = {"organisation": self.units[UNDERTAKER], "role:legal_adviser": self._id(session, "guyan")}
            filled = fill(form, known, references)
            for field in form.fields:
                if field.type == "file" and field.required and field.name not in known:
                    paper = self._paper(session, task, form.id, field.name)
                    filled[field.name] = [paper] if field.multiple else paper
            return filled

    def try_it(self, task: Task, who: str, answers: Mapping[str, Any]) -> None:
        """Complete the task by the public operation."""
        with self.database.transaction() as session:
            form = self._form(session, task)
            actor = self.person(session, who)
            signs = form is not None and any(field.type == "sign" for field in form.fields)
            signature = {"kind": "attestation", "user_id": actor.user_id, "display": actor.display,
                         "at": clock.now().isoformat(timespec="seconds")}  # fmt: skip
            tasks.complete(session, actor, task.id, answers, signature if signs else None)

    def claim(self, task: Task, who: str) -> None:
        """Take the task by the public operation."""
        with self.database.transaction() as session:
            tasks.claim(session, self.person(session, who), task.id)

    def press(self, task: Task, who: str, answers: Mapping[str, Any]) -> TestResponse:
        """Complete the task over HTTP, as its page sends the form."""
        with self.database.transaction(read_only=True) as session:
            form = self._form(session, task)
        desk = self.desk(who)
        desk.get(f"/tasks/{task.id}")
        sent = encoded(form, answers) if form is not None else {}
        return desk.post(f"/tasks/{task.id}", **sent)

    def refused(self, task: Task) -> list[dict[str, Any]]:
        """Return the refusals that the trail of the matter tells of."""
        with self.database.transaction(read_only=True) as session:
            found = session.scalars(
                select(AuditEvent.canonical)
                .where(AuditEvent.matter_id == task.matter_id, AuditEvent.result == "refused")
                .order_by(AuditEvent.seq)
            )
            return [json.loads(canonical) for canonical in found]

    def standing(self, task: Task) -> dict[str, Any]:
        """Return all that an act could have changed."""
        with self.database.transaction(read_only=True) as session:
            matter, now = session.get_one(Matter, task.matter_id), session.get_one(Task, task.id)
            events = session.scalars(
                select(AuditEvent.event).where(AuditEvent.matter_id == matter.id, AuditEvent.result != "refused")
            )
            return {
                "matter": (matter.status, matter.decided_at, matter.published_at, matter.draft_version, matter.version),
                "task": now.completed_at,
                "tasks": sorted(session.scalars(select(Task.id).where(Task.matter_id == matter.id))),
                "events": sorted(event for event in events if event != "document.uploaded"),
            }

    def _form(self, session: Session, task: Task) -> Form | None:
        matter = session.get_one(Matter, task.matter_id)
        version = session.get_one(ProcedureVersion, matter.procedure_version_id)
        return bundles.runnable(session, version).form(task.form)

    def _id(self, session: Session, username: str) -> int:
        return session.scalars(select(User.id).where(User.username == username)).one()

    def _paper(self, session: Session, task: Task, form: str, field: str) -> dict[str, Any]:
        paper = documents.store(
            session, self.person(session, OFFICE), self.files, io.BytesIO("材料正文".encode()), "材料.txt",
            matter_id=task.matter_id, task_id=task.id, form=form, field=field,
        )  # fmt: skip
        return {"document_id": paper.id, "name": paper.name, "sha256": paper.sha256, "size": paper.size}


def encoded(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers as a browser sends them."""
    sent: dict[str, Any] = {}
    for field in form.fields:
        value = answers.get(field.name)
        if field.type == "sign":
            sent["_password"] = PASSWORD
        elif field.auto or value is None:
            continue
        elif field.type == "file":
            sent[f"{field.name}-kept"] = [json.dumps(one) for one in (value if field.multiple else [value])]
        elif field.type == "table":
            for number, row in enumerate(value):
                sent |= {f"{field.name}-{number}-{name}": _said(cell) for name, cell in row.items()}
        elif field.type == "multi":
            sent[field.name] = [str(one) for one in value]
        else:
            sent[field.name] = _said(value)
    return sent


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
