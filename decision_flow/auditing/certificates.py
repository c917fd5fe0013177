"""The certificate of dissent (Art. 38): what a member said against, on which papers, proven by the trail."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer

from decision_flow import audit, clock, minutes, prints
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.auditing import access, proof
from decision_flow.auditing.proof import Inclusion
from decision_flow.errors import N_, NotFound, NotPermitted, Refused
from decision_flow.models import (
    Appointment,
    AuditEvent,
    Document,
    DraftVersion,
    LateEntry,
    Matter,
    Organisation,
    Post,
    Task,
    TaskState,
    User,
)
from decision_flow.roles import Permission

POSITIONS = {"disagree": "不同意", "reserve": "保留意见"}
DECISIONS = {
    "approved": "通过", "approved_with_changes": "修改后通过", "deferred": "暂缓", "returned": "退回修改",
    "rejected": "不予通过",
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """One event of the trail with its place in a checkpoint's tree, None while no checkpoint covers it."""

    stream: str
    seq: int
    at: datetime
    event: str
    actor: str
    canonical: str
    hash: str
    sm3: str
    inclusion: Inclusion | None


@dataclass(frozen=True)
class Dissent:
    """One meeting at which the member dissented, with the words as the minutes have them."""

    task_id: int
    meeting_no: str
    held_at: str
    decision: str
    position: str
    words: str
    said_at: str
    head_reason: str
    recorded_as: str
    recorded_at: datetime | None
    post: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """All that the certificate says."""

    matter: Matter
    person: User
    dissents: tuple[Dissent, ...]
    papers: tuple[tuple[str, str], ...]
    draft: tuple[int, str, str] | None
    evidence: tuple[Evidence, ...]
    issued_at: datetime


def certificate(session: Session, actor: Actor, matter_id: int, person_id: int) -> Certificate:
    """Return the certificate of a member, for the member or whoever reads the trail of the matter.

    Raises `Refused` for who did not dissent, `NotPermitted` for anybody else who asks, `NotFound`.
    """
    if Permission.AUDIT_READ in actor.permissions:
        access.matter(session, actor, matter_id)
    elif actor.user_id != person_id:
        raise NotPermitted(N_("不同意见证明只发给本人，或者由审计人员查阅。"))
    return made(session, matter_id, person_id)


def made(session: Session, matter_id: int, person_id: int) -> Certificate:
    """Return the certificate for whoever has the machine. Raises `Refused` for who did not dissent, `NotFound`."""
    matter = session.scalars(
        select(Matter).where(Matter.id == matter_id).options(joinedload(Matter.organ))
    ).one_or_none()
    person = session.get(User, person_id)
    if matter is None or person is None:
        raise NotFound(N_("没有这个事项或者人员。"))
    dissents = tuple(said for member, said in dissenters(session, matter) if member.id == person_id)
    if not dissents:
        raise Refused(
            N_("会议记录中没有该成员的不同意见或者保留意见，不能出具证明。"), rule="R-38c", article="条例第三十八条"
        )
    tasks = {found.task_id for found in dissents}
    papers = session.execute(
        select(Document.name, Document.sha256)
        .where(Document.matter_id == matter.id, Document.filed_at.is_not(None))
        .order_by(Document.id)
    )
    text = session.scalars(
        select(DraftVersion).where(DraftVersion.matter_id == matter.id).order_by(DraftVersion.number.desc()).limit(1)
    ).one_or_none()
    return Certificate(
        matter, person, dissents, tuple((name, sha256) for name, sha256 in papers),
        (text.number, text.name, text.sha256) if text else None, _evidence(session, matter, tasks), clock.now(),
    )  # fmt: skip


def dissenters(session: Session, matter: Matter) -> tuple[tuple[User, Dissent], ...]:
    """Return the members with an account who dissented in a matter, each with what was said."""
    return tuple(one for task in minutes.of_matter(session, matter.id) for one in _dissents(session, matter, task))


def shown(session: Session, actor: Actor, matter: Matter) -> tuple[tuple[User, Dissent], ...]:
    """Return the dissents of a matter whose certificate the actor may take: one's own, an auditor all."""
    reads = Permission.AUDIT_READ in actor.permissions
    return tuple(one for one in dissenters(session, matter) if reads or one[0].id == actor.user_id)


def of_person(session: Session, actor: Actor) -> tuple[tuple[Matter, Dissent], ...]:
    """Return where the actor dissented, the latest first: in the organs in which they hold or held a post."""
    organs = (
        select(Organisation.organ_id)
        .join(Post, Post.organisation_id == Organisation.id)
        .join(Appointment, Appointment.post_id == Post.id)
        .where(Appointment.user_id == actor.user_id)
    )
    tasks = session.scalars(
        select(Task)
        .join(Task.matter)
        .where(Task.form == minutes.FORM, Task.state == TaskState.COMPLETED, Matter.organ_id.in_(organs))
        .options(undefer(Task.submission), contains_eager(Task.matter))
        .order_by(Task.completed_at.desc(), Task.id.desc())
    )
    return tuple(
        (task.matter, said)
        for task in tasks
        if any(row.get("person") == actor.name for row in (task.submission or {}).get("opinions") or ())
        for person, said in _dissents(session, task.matter, task)
        if person.id == actor.user_id
    )


def note_issued(session: Session, actor: audit.Author, found: Certificate) -> None:
    """Record that a certificate was taken, in the matter's trail of readings."""
    audit.append(
        session, audit.reading_stream(found.matter.id), EventName.CERTIFICATE_ISSUED, actor=actor,
        matter_id=found.matter.id, rules=["R-38c"],
        facts={
            "person": found.person.id, "name": found.person.name,
            "meetings": [one.meeting_no for one in found.dissents],
        },
    )  # fmt: skip


def _dissents(session: Session, matter: Matter, task: Task) -> list[tuple[User, Dissent]]:
    told: Mapping[str, Any] = task.submission
    marks = prints.late_marks(session.get(LateEntry, task.id))
    return [
        (
            member.user,
            Dissent(
                task.id, str(told.get("meeting_no") or ""), str(told.get("held_at") or ""),
                str(told.get("decision") or ""), str(row["position"]), str(row.get("words") or ""),
                str(row.get("at") or ""), str(told.get("deviation_reason") or ""), task.completed_as,
                task.completed_at, member.post, marks,
            ),
        )
        for member, row in minutes.dissents(session, matter, task)
        if member is not None
    ]  # fmt: skip


def _evidence(session: Session, matter: Matter, tasks: set[int]) -> tuple[Evidence, ...]:
    """Return the events that prove it: the minutes completed, the decision signed and recorded."""
    signed = select(Task.id).where(Task.matter_id == matter.id, Task.form == "F-15s")
    rows = session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.stream == audit.matter_stream(matter.id),
            (AuditEvent.event == EventName.DECISION_RECORDED.value)
            | (
                (AuditEvent.event == EventName.TASK_COMPLETED.value)
                & (AuditEvent.task_id.in_(tasks) | AuditEvent.task_id.in_(signed))
            ),
        )
        .order_by(AuditEvent.seq)
    ).all()
    return tuple(
        Evidence(
            row.stream, row.seq, row.at, row.event, row.actor, row.canonical, row.hash, row.sm3,
            proof.place(session, row.stream, row.seq),
        )
        for row in rows
    )  # fmt: skip


def as_html(found: Certificate) -> str:
    """Return the certificate as one page that needs nothing else, with the evidence in it as JSON."""
    matter, rows = found.matter, []
    for one in found.dissents:
        rows += [
            ("会议", f"{one.meeting_no} {one.held_at[:16].replace('T', ' ')}"),
            ("会议决定", DECISIONS.get(one.decision, one.decision)),
            ("当时职务", one.post),
            ("表明的态度", POSITIONS[one.position]),
            ("发言要点（会议记录原文）", one.words or "（未记录要点）"),
            ("行政首长说明的理由", one.head_reason or "—"),
            ("会议记录人", "\n".join((f"{one.recorded_as} {_local(one.recorded_at)}", *one.marks))),
        ]
    if found.draft:
        rows.append(("决策草案", f"第{found.draft[0]}版 {found.draft[1]} SHA-256 {found.draft[2]}"))
    rows += [("会议依据的材料", f"{name} SHA-256 {sha256}") for name, sha256 in found.papers]
    for proven in found.evidence:
        placed = proven.inclusion
        said = f"第{placed.number}号检查点，第{placed.index + 1}片叶，共{placed.size}片" if placed else "尚无检查点覆盖"
        rows.append(
            (
                "过程记录",
                f"{proven.stream} 第{proven.seq}条 {_local(proven.at)} {proven.actor} SHA-256 {proven.hash};{said}",
            )
        )
    lines = "".join(f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>" for label, value in rows)
    proofs = [
        {"canonical": one.canonical, "hash": one.hash, "sm3": one.sm3,
         "inclusion": one.inclusion and {**vars(one.inclusion), "made_at": one.inclusion.made_at.isoformat()}}
        for one in found.evidence
    ]  # fmt: skip
    evidence = json.dumps(proofs, ensure_ascii=False).replace("<", "\\u003c")
    title = f"不同意见证明：{found.person.name}"
    return (
        '<!DOCTYPE html>\n<html lang="zh-Hans"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>"
        "body{font:16px/1.7 serif;max-width:48em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse;width:100%}th,td{border:1px solid #444;padding:.3em .5em;text-align:left;"
        "vertical-align:top;white-space:pre-line;overflow-wrap:anywhere}th{width:11em;font-weight:normal}</style></head><body>"
        f"<h1>不同意见证明</h1><p>{html.escape(matter.title)}（{html.escape(matter.number)}，"
        f"{html.escape(matter.organ.name)}）集体讨论时，{html.escape(found.person.name)}表示了不同意见或者保留意见。"
        "依据《重大行政决策程序暂行条例》第三十八条，该意见已如实记录。</p>"
        f"<table>{lines}</table><p>出具时间：{_local(found.issued_at)}。核对方法：叶的散列为"
        "SHA-256(00‖canonical)"  # as it is
        "，按path逐层与兄弟结点合并，即"
        "SHA-256(01‖左‖右)"  # as it is
        "，结果应与root一致；note由public_key签名。</p>"
        f'<script type="application/json" id="evidence">{evidence}</script></body></html>\n'
    )


def _local(moment: datetime | None) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if moment else ""
