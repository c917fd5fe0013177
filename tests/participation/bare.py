"""A matter under a diagram that holds nothing but the forms a test names: what the drawing leaves out, the rules must hold."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import actors, clock, documents, exceptions, matters, notices, tasks
from decision_flow.actors import Actor
from decision_flow.db import Database
from decision_flow.demo.answers import fill
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.engine import Bundle
from decision_flow.forms import Form
from decision_flow.models import Appointment, AuditEvent, Matter, Notice, NoticeKind, Organisation, Post, Task, User
from decision_flow.notice_texts import NoticeText
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from tests import past_the_gate
from tests.drawing import Drawing

UNIT = "清河镇规划建设和生态环境办公室"
KEEPER, OFFICER, STRANGER, HEAD = "chenbin", "linyue", "liqiang", "gaojianming"
ROLE_OF = {"undertaking_unit": KEEPER, "disclosure_officer": OFFICER}

SYMPOSIUM = {
    "form_type": "symposium", "held_on": "2026-01-05", "participants": [{"name": "沿线村民代表", "people": 26}],
    "summary": "村民普遍支持，希望尽快开工。",
}  # fmt: skip


def person(session: Session, username: str) -> Actor:
    return actors.actor_of(session, session.scalars(select(User).where(User.username == username)).one())


def begin(database: Database, *steps: tuple[str, str], title: str = "") -> int:
    """Put a diagram of these (form, role) tasks in force, one after another, and register a matter on it."""
    drawing = Drawing("bare").start()
    names = []
    for place, (form, role) in enumerate(steps, 1):
        drawing.user(f"T_{place}", role=role, form=form, step="public_participation")
        names.append(f"T_{place}")
    # A matter may not end without its decision; here none is taken, so something always waits at the end.
    drawing.user("T_last", role="disclosure_officer", form="F-22b", step="public_participation")
    drawing.end().chain("start", *names, "T_last", "end")
    forms = {f"{form}.toml": (BPMN / "forms" / f"{form}.toml").read_bytes() for form in {"F-01", "F-22b", *dict(steps)}}
    source = ProcedureSource(
        "bare", "简易程序", "Bare", "F-01", Bundle(main="bare", bpmn={"bare.bpmn": drawing.xml()}, dmn={}, forms=forms)
    )
    with database.transaction() as session:
        past_the_gate.put_in_force(session, source)
        organ = session.scalars(select(Organisation).where(Organisation.name == QINGHE)).one()
        form = Form.parse(forms["F-01.toml"])
        given = {"matter_name": title or f"停车收费管理办法{secrets.token_hex(3)}", "received_date": clock.today().isoformat(), "exclusion_type": "none",
                 "contains_state_secret": False, "suggestion_source": "department", "matter_category": "public_policy"}  # fmt: skip
        matter = matters.register(session, person(session, "wuting"), "bare", organ.id, fill(form, given, {}))
        matter.undertaking_unit_id = session.scalars(select(Organisation.id).where(Organisation.name == UNIT)).one()
        session.flush()
        for task in session.scalars(
            select(Task).where(Task.matter_id == matter.id, Task.role_code == "undertaking_unit", Task.state == "OPEN")
        ):
            task.organisation_id = matter.undertaking_unit_id
            task.pool = f"undertaking_unit:{matter.undertaking_unit_id}"
        return matter.id


def open_task(database: Database, matter_id: int) -> Task:
    with database.transaction(read_only=True) as session:
        return session.scalars(
            select(Task).where(Task.matter_id == matter_id, Task.state.in_(("OPEN", "CLAIMED"))).order_by(Task.id)
        ).first()


def complete(database: Database, matter_id: int, who: str, values: dict[str, Any], sign: bool = False) -> None:
    task = open_task(database, matter_id)
    with database.transaction() as session:
        actor = person(session, who)
        signature = {"kind": "attestation", "user_id": actor.user_id, "display": actor.display,
                     "at": clock.now().isoformat(timespec="seconds")} if sign else None  # fmt: skip
        tasks.complete(session, actor, task.id, values, signature)


def approve(database: Database, matter_id: int, who: str, form: str, values: dict[str, Any]) -> None:
    """Ask from the form for what needs approval before it counts, and have the head approve it."""
    with database.transaction() as session:
        record = exceptions.ask_in_form(session, person(session, who), matter_id, form, values)
        exceptions.decide(session, person(session, HEAD), record.id, True, "")


def paper(
    session: Session, files: FileStore, actor: Actor, matter_id: int, task_id: int | None, field: str
) -> dict[str, Any]:
    document = documents.store(
        session, actor, files, BytesIO("草案说明".encode()), "草案说明.txt",
        matter_id=matter_id, task_id=task_id, form="F-22", field=field,
    )  # fmt: skip
    return {"document_id": document.id, "name": document.name, "sha256": document.sha256, "size": document.size}


def text(explanation_id: int | None, days: int = 30, **changed: Any) -> NoticeText:
    today = clock.today()
    told: dict[str, Any] = {
        "kind": NoticeKind.SOLICITATION,
        "title": "关于公开征求停车收费管理办法意见的公告",
        "sections": (("what", "拟对集镇道路停车收费。"), ("why", "停车难。"), ("how", "电话0871-60007788")),
        "channels": ("website",),
        "open_on": today,
        "close_on": today + timedelta(days=days),
        "explanation_id": explanation_id,
        **changed,
    }
    return NoticeText(**told)


def solicit(database: Database, files: FileStore, matter_id: int, days: int = 30, **changed: Any) -> Notice:
    """Publish a solicitation of `matter_id` that is open today."""
    with database.transaction() as session:
        actor = person(session, OFFICER)
        explanation = paper(session, files, actor, matter_id, None, "explanation_file")
        told = text(**{"explanation_id": explanation["document_id"], "days": days, **changed})
        return notices.publish(session, actor, session.get_one(Matter, matter_id), told)


def recorded(database: Database, stream: str) -> list[AuditEvent]:
    with database.transaction(read_only=True) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.stream == stream).order_by(AuditEvent.seq)))


def day(count: int) -> date:
    return clock.today() + timedelta(days=count)


def said(database: Database, matter_id: int, form: str, answers: dict[str, Any], who: str = KEEPER) -> Task:
    """A form that was completed before: its answers as the rules find them, whatever led there."""
    with database.transaction() as session:
        actor = person(session, who)
        task = Task(
            matter_id=matter_id, token=f"{form}-{secrets.token_hex(4)}", element_id=f"T_{form}", process="bare",
            name=form, form=form, role_code="undertaking_unit", organisation_id=actor.appointments[0].organisation_id,
            pool="nobody", state="COMPLETED", received_at=clock.now(), completed_at=clock.now(),
            completed_by_id=actor.user_id, completed_as=actor.display, submission=answers,
        )  # fmt: skip
        session.add(task)
        session.flush()
        return task


def deliver(database: Database, matter_id: int, who: str, name: str, on: str) -> None:
    """Complete the next delivery of papers as one to `name`, which the product takes from the participant at hand."""
    task = open_task(database, matter_id)
    complete(database, matter_id, who, {"delivered_on": on, "receipt": "本人签收"})
    with database.transaction() as session:
        done = session.get_one(Task, task.id)
        done.submission = {**done.submission, "participant": name}


def also(database: Database, username: str, role: str) -> None:
    """Appoint a person of the demo to a further post of the organ."""
    with database.transaction() as session:
        user = session.scalars(select(User).where(User.username == username)).one()
        post = session.scalars(
            select(Post)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(Post.role_code == role, Organisation.name.contains("清河"))
        ).first()
        session.add(Appointment(user_id=user.id, post_id=post.id, starts_on=date(2020, 1, 1)))


def hand(database: Database, matter_id: int, username: str) -> None:
    """Make the open task one for this person, as a diagram that names the person does."""
    task_id = open_task(database, matter_id).id
    with database.transaction() as session:
        task = session.get_one(Task, task_id)
        task.person_id = person(session, username).user_id
        task.pool = f"person:{task.person_id}"


def filled(session: Session, task: Task) -> dict[str, Any]:
    """Plausible answers to a task's form."""
    content = (BPMN / "forms" / f"{task.form}.toml").read_bytes()
    return fill(Form.parse(content), {}, {"organisation": 1})
