"""The whole-process record of a matter (全过程记录, R-33) as one document: cover, diagrams, what happened, who signed.

Whether the matter may be seen is the caller's question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from decision_flow import (
    archives,
    archiving,
    audit,
    bundles,
    checkpoints,
    clock,
    late_entries,
    matter_views,
    printing,
    prints,
    record_opinions,
)
from decision_flow.archives import ArchiveItem
from decision_flow.bundles import Runnable
from decision_flow.errors import N_, NotFound
from decision_flow.event_names import EVENTS
from decision_flow.models import (
    STANDING,
    AuditEvent,
    AuditStream,
    Matter,
    ProcedureVersion,
    Task,
    TaskState,
    TrailCheckpoint,
)
from decision_flow.printing import Printed
from decision_flow.steps import StatutoryStep

STEP_STATES = {"done": "已办理", "now": "正在办理", "exempt": "豁免", "coming": "未到"}
STATUSES = {"RUNNING": "办理中", "SUSPENDED": "中止执行", "COMPLETED": "已办结", "CANCELLED": "已撤销"}
# Behind the name of whatever was entered later.
LATE = "（补录）"
RETENTIONS = {"permanent": "永久", "30y": "30年", "10y": "10年"}
ITEMS = {
    archives.PRESENT: "齐全", archives.MISSING: "缺少", archives.EXEMPT: "豁免",
    archives.NOT_NEEDED: "不适用", archives.NONE_YET: "尚无",
}  # fmt: skip


def get(session: Session, matter_id: int) -> Matter:
    """Return a matter with all that its record says. Raises `NotFound`."""
    options = (
        joinedload(Matter.organ), joinedload(Matter.undertaking_unit), undefer(Matter.passed),
        joinedload(Matter.procedure_version).joinedload(ProcedureVersion.procedure),
    )  # fmt: skip
    found = session.scalars(select(Matter).where(Matter.id == matter_id).options(*options)).one_or_none()
    if found is None:
        raise NotFound(N_("没有这个事项，或者您无权查看。"))
    return found


def pdf(session: Session, matter_id: int) -> bytes:
    """Return the record of a matter as PDF/A. `session` is a snapshot. Raises `NotFound`."""
    return printing.pdf("record", values(session, get(session, matter_id)), clock.now())


def forms(session: Session, matter: Matter) -> list[tuple[Task, Printed]]:
    """Return the completed forms of a matter in their order."""
    runnable = bundles.runnable(session, matter.procedure_version)
    tasks = session.scalars(
        select(Task)
        .where(Task.matter_id == matter.id, Task.state == TaskState.COMPLETED, Task.form.is_not(None))
        .options(undefer(Task.submission), joinedload(Task.organisation))
        .order_by(Task.completed_at, Task.id)
    )
    found = []
    for task in tasks:
        if form := runnable.form(task.form):
            unit = matter.undertaking_unit or task.organisation
            found.append((task, prints.completed(session, form, task, matter, unit.name)))
    return found


def values(session: Session, matter: Matter) -> dict[str, Any]:
    """Return all that the record says, as plain values."""
    runnable = bundles.runnable(session, matter.procedure_version)
    tasks = tuple(session.scalars(select(Task).where(Task.matter_id == matter.id).order_by(Task.received_at, Task.id)))
    papers = archiving.filed(session, matter.id)
    kept = archiving.retentions(papers)
    late = late_entries.of_matter(session, matter.id)
    version = matter.procedure_version
    unit = matter.undertaking_unit.name if matter.undertaking_unit else matter.organ.name
    moments = (
        ("登记", matter.registered_at),
        ("决定", matter.decided_at),
        ("公布", matter.published_at),
        ("办结", matter.closed_at),
    )
    completed = forms(session, matter)
    return {
        "title": matter.title,
        "number": matter.number,
        "organ": matter.organ.name,
        "made": _moment(clock.now()),
        "facts": [
            ["编号", matter.number], ["承办单位", unit], ["状态", STATUSES.get(matter.status, matter.status)],
            ["程序", f"{version.procedure.title} 第{version.number}版"],
            *([f"{name}时间", _moment(at)] for name, at in moments if at),
            ["保管期限", RETENTIONS[archives.longest(kept.values())]],
        ],
        "steps": [
            [StatutoryStep(line.step).label, STEP_STATES[line.status], _moment(line.at), line.note]
            for line in matter_views.step_lines(runnable.compiled, tasks)
        ],
        "diagrams": _diagrams(runnable, matter, tasks),
        "timeline": _timeline(session, matter, {task.id: task.name for task in tasks}),
        "forms": [{**told.context(), "form": told.form} for _, told in completed],
        "ledger": record_opinions.ledger(session, matter.id),
        "dissent": record_opinions.dissent(session, matter),
        "signatures": record_opinions.signatures((task, told.title) for task, told in completed),
        "documents": [
            [str(number), paper.name + (LATE if paper.task_id in late else ""),
             f"{paper.uploaded_as} {_moment(paper.filed_at)}", RETENTIONS[kept[paper.id]], paper.sha256]
            for number, paper in enumerate(papers, 1)
        ],
        "checklist": [
            [str(item.number), item.name, ITEMS[item.state], _explained(item)]
            for item in archives.checklist(archiving.facts_of(session, matter))
        ],
        **_proof(session, matter.id),
    }  # fmt: skip


def _diagrams(runnable: Runnable, matter: Matter, tasks: tuple[Task, ...]) -> list[dict[str, Any]]:
    """The main process, and those it called in which anything was passed, each once."""
    passed: Mapping[str, int] = matter.passed or {}
    now = {task.element_id for task in tasks if task.state in STANDING}
    found = []
    for process in matter_views.processes(runnable.compiled):
        key = process.id
        inside = {element.id for element in runnable.compiled.elements.values() if element.process == key}
        content = next((one for one in runnable.diagrams.values() if f'<bpmn:process id="{key}"'.encode() in one), b"")
        if content and (inside & (set(passed) | now) or key == runnable.compiled.main):
            found.append({"name": process.name or key, "svgs": printing.svgs(content, passed, now)})
    return found


def _timeline(session: Session, matter: Matter, names: Mapping[int, str]) -> list[list[str]]:
    rows = session.execute(
        select(
            AuditEvent.at,
            AuditEvent.event,
            AuditEvent.task_id,
            AuditEvent.actor,
            AuditEvent.result,
            AuditEvent.canonical,
        )
        .where(AuditEvent.stream == audit.matter_stream(matter.id))
        .order_by(AuditEvent.seq)
    )
    found = []
    for number, row in enumerate(rows, 1):
        told = json.loads(row.canonical)
        subject = names.get(row.task_id or 0, "") or str(told["facts"].get("name", ""))
        words = EVENTS.get(row.event, row.event) + (f"：{subject}" if subject else "")
        refused = "（未准许）" if row.result != "ok" else ""
        found.append([str(number), _moment(row.at), words + refused, row.actor, " ".join(told["rules"])])
    return found


def _proof(session: Session, matter_id: int) -> dict[str, Any]:
    streams = audit.streams_of(matter_id)
    heads = session.execute(
        select(AuditStream.name, AuditStream.seq, AuditStream.head, AuditStream.sm3)
        .where(AuditStream.name.in_(streams))
        .order_by(AuditStream.name)
    ).all()
    last = session.scalars(select(TrailCheckpoint).order_by(TrailCheckpoint.number.desc()).limit(1)).one_or_none()
    told = None
    if last is not None:
        sealed = checkpoints.covered(session)
        left = sum(head.seq - min(head.seq, sealed.get(head.name, 0)) for head in heads)
        covers = "本事项的记录已全部由检查点覆盖。" if not left else f"本事项还有{left}条记录没有检查点覆盖。"
        told = {"note": last.note.strip(), "signature": last.signature, "public_key": last.public_key, "covers": covers}
    return {"heads": [[head.name, str(head.seq), head.head, head.sm3] for head in heads], "checkpoint": told}


def _explained(item: ArchiveItem) -> str:
    """Return what is missing of an item, or which exemption stands in its place."""
    if told := item.exemption:
        return f"{told.article}。{told.reason}（批准：{told.approved_as} {_moment(told.approved_at)}）"
    return "、".join(item.missing)


def _moment(at: Any) -> str:
    return at.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if at else ""
