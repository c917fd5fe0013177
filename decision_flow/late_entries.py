"""补录: a step done on paper, before or beside the system, is entered with its scan, its true date and who did it.

It is completed as any other step, by the same checks; nothing is dated back: the trail says when it was
entered and by whom, and every place that shows the step says that it was entered later. A signature of
somebody else is only ever the scan.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, bundles, clock, filedates, guarding, identity, matters, refusals, tasks, typed_in
from decision_flow.actors import Actor
from decision_flow.audit import EventName
from decision_flow.documents import FileStore
from decision_flow.errors import N_, Invalid, NotFound, NotPermitted
from decision_flow.forms import Form
from decision_flow.models import Document, LateEntry, Matter, ProcedureVersion, Task, User
from decision_flow.roles import Permission
from decision_flow.tasks import Completed

# The first day of the decree: what lies before it is no step of this procedure.
FIRST_DAY = date(2019, 9, 1)
SCAN = "late_scan"
_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


def may_enter(session: Session, actor: Actor, task: Task) -> bool:
    """Whether the actor may enter a step later: whoever may work on it, or the office of the organ for others.

    The office may not where the form names whoever works on it as reviewer or approver.
    """
    if task.pool in actor.pools:
        return True
    matter = session.get_one(Matter, task.matter_id)
    office = any(h.role_code == "government_office" and h.organ_id == matter.organ_id for h in actor.appointments)
    form = _form(session, task)
    return office and form is not None and not any(field.auto == "actor_id" for field in form.fields)


def entering(session: Session, actor: Actor, task: Task) -> Actor:
    """Return the actor with the right to this one task. Raises `NotPermitted` for whoever may not enter it,
    `Conflict` when it is closed or in somebody's hands."""
    identity.require(actor, Permission.TASK_WORK)
    if not may_enter(session, actor, task):
        raise NotPermitted(N_("该环节须由办理人本人署名，不能代为补录。"))
    worker = dataclasses.replace(actor, pools=actor.pools | {task.pool})
    tasks.must_hold(session, worker, task)
    return worker


def complete(
    session: Session, actor: Actor, files: FileStore, task_id: int, values: Mapping[str, Any], told: Mapping[str, str]
) -> tuple[Completed, LateEntry]:
    """Complete a task as done on paper; return what it led to and the entry.

    `told`: `on` (ISO date, not in the future), `by` (who did it), `reason`, `scan` (id of a document that the
    actor uploaded for this task as `late_scan`). Raises `Invalid` with every error, `NotPermitted`, and what
    `tasks.complete` raises.
    """
    task = session.get(Task, task_id)
    if task is None:
        raise NotFound(N_("没有这个任务，或者您无权查看。"))
    worker = entering(session, actor, task)
    day, scan = _checked(session, actor, task, told)
    form = _form(session, task)
    signs = form is not None and any(field.type == "sign" for field in form.fields)
    by = typed_in.words(told["by"])
    _must_be_apart(session, actor, task, by)
    signature = {
        "kind": "scan",
        "user_id": actor.user_id,
        "display": f"{by}（纸质签署）",
        "at": clock.now().isoformat(timespec="seconds"),
        "document_id": scan.id,
    }
    done = tasks.complete(session, worker, task_id, values, signature if signs else None)
    scan.filed_at, scan.step = done.task.completed_at, done.task.step
    later = _made_later(session, files, task_id, day)
    entry = LateEntry(
        task_id=task_id,
        matter_id=task.matter_id,
        done_on=day,
        done_by=by[:80],
        reason=typed_in.words(told["reason"])[:2000],
        scan_id=scan.id,
        entered_at=done.task.completed_at or clock.now(),
        entered_by_id=actor.user_id,
        entered_as=actor.display,
        signed=signs,
        later_files="、".join(later)[:2000],
    )
    session.add(entry)
    audit.append(
        session,
        audit.matter_stream(task.matter_id),
        EventName.TASK_ENTERED_LATE,
        actor=actor,
        matter_id=task.matter_id,
        task_id=task_id,
        facts={
            "done_on": day.isoformat(), "done_by": entry.done_by, "reason": entry.reason, "scan": scan.sha256,
            "later_files": later,
        },
        rules=["R-39"] if later else [],
    )  # fmt: skip
    return done, entry


def _must_be_apart(session: Session, actor: Actor, task: Task, by: str) -> None:
    """Raise `Barred` when whoever did the step on paper may not do it in this matter: paper evades nothing (SOD-*)."""
    refusals.acting(session, actor, task.matter_id, task.id)
    matter = matters.lock(session, task.matter_id)
    # Several people may be named, each with a unit or post beside the name, and a name with a space in it.
    named = {typed_in.same(by), *(typed_in.same(part) for part in re.split(r"[^\w·]+", by))}
    for user_id, name in session.execute(select(User.id, User.name).where(User.active)).all():
        if typed_in.same(name) in named:
            guarding.before_handing(session, matter, task, user_id)


def of_matter(session: Session, matter_id: int) -> dict[int, LateEntry]:
    """Return the entries of a matter by task."""
    rows = session.scalars(select(LateEntry).where(LateEntry.matter_id == matter_id))
    return {row.task_id: row for row in rows}


def _checked(session: Session, actor: Actor, task: Task, told: Mapping[str, str]) -> tuple[date, Document]:
    errors: dict[str, list[str]] = {}
    day: date | None = None
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(told.get("on", "").strip())
    if day is None or not FIRST_DAY <= day <= clock.today():
        errors["_late_on"] = [N_("请填写实际办理日期，不早于2019年9月1日、不晚于今天。")]
    if not typed_in.words(told.get("by")):
        errors["_late_by"] = [N_("请填写实际办理或者签署的人员。")]
    if typed_in.length(told.get("reason", "")) < 5:
        errors["_late_reason"] = [N_("请说明为什么在线下办理，不少于5个字。")]
    scan = session.scalars(
        select(Document).where(
            Document.id == typed_in.number(told.get("scan")),
            Document.task_id == task.id,
            Document.field == SCAN,
            Document.uploaded_by_id == actor.user_id,
        )
    ).one_or_none()
    if scan is None:
        errors["_late_scan"] = [N_("请上传纸质材料的扫描件。没有扫描件的不能补录。")]
    if errors or scan is None or day is None:
        raise Invalid(_WRONG, errors=errors)
    return day, scan


def _made_later(session: Session, files: FileStore, task_id: int, day: date) -> list[str]:
    """Return the names of the task's files that say they were made after `day`."""
    found = []
    for paper in session.scalars(select(Document).where(Document.task_id == task_id, Document.filed_at.is_not(None))):
        made = filedates.created_on(files.path(paper.sha256), paper.media_type)
        if made is not None and made > day:
            found.append(f"{paper.name}（{made.isoformat()}）")
    return found


def _form(session: Session, task: Task) -> Form | None:
    matter = session.get_one(Matter, task.matter_id)
    return bundles.runnable(session, session.get_one(ProcedureVersion, matter.procedure_version_id)).form(task.form)
