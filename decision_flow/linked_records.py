"""Petitions, mediations and other records kept elsewhere that belong to a matter, and how many there are.

Until they are procedures of their own, a matter only names them; petitions count for the trigger of a
post-decision evaluation (D-08). An order of the superior to correct, and whoever was held to account for a
decision, stand in the same register with the document that says so (Arts. 38 to 40); nothing removes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from decision_flow import audit, clock, identity, matters, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.identity import Actor, Permission
from decision_flow.models import Document, LinkedRecord, Matter, Organisation

KINDS = {
    "petition": N_("信访"),
    "mediation": N_("人民调解"),
    "administrative_mediation": N_("行政调解"),
    "complaint": N_("举报投诉"),
    "lawsuit": N_("行政复议、诉讼"),
    "correction_order": N_("上级责令改正"),
    "undertaking_fault": N_("承办单位责任追究"),
    "executing_fault": N_("执行单位责任追究"),
}
# Records of liability: the row of the law that asks for them. Each comes with its document.
LIABILITY = {"correction_order": "R-38a", "undertaking_fault": "R-39", "executing_fault": "R-40"}
PAPER = "linked_record"
STATES = {"open": N_("办理中"), "settled": N_("已办结"), "failed": N_("未达成一致")}


@dataclass(frozen=True)
class Register:
    """One page of the records of liability."""

    rows: tuple[LinkedRecord, ...]
    total: int
    page: int
    pages: int


def add(
    session: Session, actor: Actor, matter_id: int, values: Mapping[str, str], paper: Document | None = None
) -> LinkedRecord:
    """Link a record to a matter; return it.

    `values`: `kind`, `number`, `occurred_on` (ISO date, not in the future), `summary`, `state`; `paper` the
    document, which a record of liability must have. Raises `Invalid` with every error by field, `Conflict`
    when that number is linked already.
    """
    identity.require(actor, Permission.MATTER_REGISTER)
    matter = matters.get(session, actor, matter_id)
    told = {name: typed_in.words(values.get(name)) for name in ("kind", "number", "occurred_on", "summary", "state")}
    errors: dict[str, list[str]] = {}
    if told["kind"] not in KINDS:
        errors["kind"] = [N_("请选择类别。")]
    if not 1 <= len(told["number"]) <= 80:
        errors["number"] = [N_("请填写编号，不超过80个字。")]
    if told["kind"] in LIABILITY and paper is None:
        errors["paper"] = [N_("请上传责令改正或者责任追究的文书。")]
    if told["kind"] == "executing_fault" and matter.implementing_unit_id is None:
        errors["kind"] = [N_("本事项还没有确定执行单位。")]
    if told["kind"] == "undertaking_fault" and matter.undertaking_unit_id is None:
        errors["kind"] = [N_("本事项还没有确定承办单位。")]
    day = typed_in.day(told["occurred_on"])
    if day is None or day > clock.today():
        errors["occurred_on"] = [N_("请填写不晚于今天的日期。")]
    if not 1 <= len(told["summary"]) <= 2000:
        errors["summary"] = [N_("请填写摘要，不超过2000个字。")]
    if (told["state"] or "open") not in STATES:
        errors["state"] = [N_("请选择状态。")]
    if errors or day is None:
        raise Invalid(N_("填写的内容有误，请按提示修改后再提交。"), errors=errors)
    same = select(LinkedRecord.id).where(
        LinkedRecord.matter_id == matter_id, LinkedRecord.kind == told["kind"], LinkedRecord.number == told["number"]
    )
    if session.scalar(same.limit(1)):
        raise Conflict(N_("这个编号已经关联到本事项。"))
    record = LinkedRecord(
        matter_id=matter_id,
        kind=told["kind"],
        number=told["number"],
        occurred_on=day,
        summary=told["summary"],
        state=told["state"] or "open",
        recorded_at=clock.now(),
        recorded_as=actor.display,
    )
    session.add(record)
    session.flush()
    facts: dict[str, Any] = {}
    if paper is not None:
        paper.field, paper.filed_at = f"{PAPER}:{record.id}", record.recorded_at
        facts["document"] = {"name": paper.name, "sha256": paper.sha256}
    unit_id = {"executing_fault": matter.implementing_unit_id, "undertaking_fault": matter.undertaking_unit_id}
    if unit := unit_id.get(record.kind):
        facts["unit"] = {"id": unit, "name": session.get_one(Organisation, unit).name}
    _tell(session, EventName.RECORD_LINKED, actor, record, **facts)
    return record


def change_state(session: Session, actor: Actor, matter_id: int, record_id: int, state: str) -> LinkedRecord:
    """Say how a linked record stands now. Raises `NotFound`, or `Invalid` for an unknown state."""
    identity.require(actor, Permission.MATTER_REGISTER)
    matters.get(session, actor, matter_id)
    record = session.scalars(
        select(LinkedRecord).where(LinkedRecord.id == record_id, LinkedRecord.matter_id == matter_id).with_for_update()
    ).one_or_none()
    if record is None:
        raise NotFound(N_("没有这条关联记录。"))
    if state not in STATES:
        raise Invalid(N_("填写的内容有误，请按提示修改后再提交。"), errors={"state": [N_("请选择状态。")]})
    was, record.state = record.state, state
    _tell(session, EventName.RECORD_LINKED, actor, record, before={"state": was}, after={"state": state})
    return record


def of_matter(session: Session, matter_id: int) -> list[LinkedRecord]:
    """Return the linked records of a matter, the latest first."""
    return list(
        session.scalars(
            select(LinkedRecord)
            .where(LinkedRecord.matter_id == matter_id)
            .order_by(LinkedRecord.occurred_on.desc(), LinkedRecord.id.desc())
        )
    )


def papers(session: Session, matter_id: int) -> dict[int, Document]:
    """Return the documents of a matter's records, by record."""
    found = session.scalars(
        select(Document).where(Document.matter_id == matter_id, Document.field.startswith(f"{PAPER}:"))
    )
    return {int(paper.field.partition(":")[2]): paper for paper in found}


def register(session: Session, actor: Actor, page: int = 1, per_page: int = 50) -> Register:
    """Return one page of the records of liability, the latest first: of the matters the actor may see."""
    identity.require(actor, Permission.MATTER_READ)
    wanted = (LinkedRecord.kind.in_(LIABILITY), matters.visible_to(actor))
    counted = select(func.count()).select_from(LinkedRecord).join(Matter, Matter.id == LinkedRecord.matter_id)
    total = session.scalar(counted.where(*wanted)) or 0
    pages = max(1, -(-total // per_page))
    page = min(max(1, page), pages)
    rows = session.scalars(
        select(LinkedRecord)
        .join(LinkedRecord.matter)
        .options(
            contains_eager(LinkedRecord.matter).options(
                joinedload(Matter.undertaking_unit), joinedload(Matter.implementing_unit)
            )
        )
        .where(*wanted)
        .order_by(LinkedRecord.occurred_on.desc(), LinkedRecord.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return Register(tuple(rows), total, page, pages)


def count(session: Session, matter_id: int, kind: str) -> int:
    """Return how many records of that kind a matter names: `petitions` of the table D-08."""
    return (
        session.scalar(
            select(func.count())
            .select_from(LinkedRecord)
            .where(LinkedRecord.matter_id == matter_id, LinkedRecord.kind == kind)
        )
        or 0
    )


def _tell(session: Session, event: EventName, actor: Actor, record: LinkedRecord, **more: Any) -> None:
    audit.append(
        session,
        audit.matter_stream(record.matter_id),
        event,
        actor=actor,
        matter_id=record.matter_id,
        facts={
            "kind": record.kind, "number": record.number, "state": record.state, "summary": record.summary, **more,
        },
        rules=[LIABILITY[record.kind]] if record.kind in LIABILITY else [],
    )  # fmt: skip
