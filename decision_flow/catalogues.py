"""The annual catalogue of decision matters (R-03d): drafted, consented to by the Party committee, published.

A published version is a promise to the public: it is never changed. Whatever changes becomes a new version
with its reason, which needs the consent again. At the end of the year the completion is published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from decision_flow import audit, clock, identity, oversight, typed_in
from decision_flow.audit import EventName
from decision_flow.errors import N_, Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.identity import Actor, Permission
from decision_flow.models import Catalogue, CatalogueItem, CatalogueStatus, Completion, Organisation
from decision_flow.steps import StatutoryStep

STREAM = "catalogue"
ARTICLE = "条例第三条"
STEPS = (
    StatutoryStep.PUBLIC_PARTICIPATION, StatutoryStep.EXPERT_ARGUMENTATION, StatutoryStep.RISK_ASSESSMENT,
    StatutoryStep.FAIR_COMPETITION_REVIEW, StatutoryStep.LEGALITY_REVIEW, StatutoryStep.COLLECTIVE_DISCUSSION,
)  # fmt: skip
# The two that no matter can do without (Arts. 25 and 30).
ALWAYS = (StatutoryStep.LEGALITY_REVIEW, StatutoryStep.COLLECTIVE_DISCUSSION)
_WRONG = N_("填写的内容有误，请按提示修改后再提交。")


def begin(session: Session, actor: Actor, organ_id: int, year: int) -> Catalogue:
    """Begin the catalogue of a year; return its first draft. Raises `Conflict` when the year has one already."""
    _may_manage(actor, organ_id)
    if not 2019 <= year <= clock.today().year + 1:
        raise Invalid(_WRONG, errors={"year": [N_("年度应在2019年到明年之间。")]})
    if session.scalar(select(Catalogue.id).where(Catalogue.organ_id == organ_id, Catalogue.year == year).limit(1)):
        raise Conflict(N_("本年度已有目录。如需调整，请在已公布的版本上修订。"))
    return _new(session, actor, organ_id, year, 1, "")


def revise(session: Session, actor: Actor, catalogue_id: int, reason: str) -> Catalogue:
    """Begin a new version of a published catalogue with its items; return the draft.

    Raises `Invalid` without a reason, `Conflict` when a draft is in hand already.
    """
    old = _manageable(session, actor, catalogue_id)
    if old.status != CatalogueStatus.PUBLISHED:
        raise Conflict(N_("只有现行的已公布版本可以修订。"))
    reason = typed_in.words(reason)
    if not reason:
        raise Invalid(_WRONG, errors={"reason": [N_("请填写调整的理由。")]})
    drafted = select(Catalogue.id).where(
        Catalogue.organ_id == old.organ_id, Catalogue.year == old.year, Catalogue.status == CatalogueStatus.DRAFT
    )
    if session.scalar(drafted.limit(1)):
        raise Conflict(N_("本年度已有一个修订稿正在办理。"))
    last = session.scalar(
        select(func.max(Catalogue.number)).where(Catalogue.organ_id == old.organ_id, Catalogue.year == old.year)
    )
    new = _new(session, actor, old.organ_id, old.year, (last or 0) + 1, reason[:2000])
    for item in old.items:
        new.items.append(
            CatalogueItem(
                seq_no=item.seq_no,
                matter_name=item.matter_name,
                undertaking_unit_id=item.undertaking_unit_id,
                planned_finish=item.planned_finish,
                required_steps=list(item.required_steps),
            )
        )
    session.flush()
    return new


def save_item(
    session: Session, actor: Actor, catalogue_id: int, values: Mapping[str, Any], item_id: int | None = None
) -> CatalogueItem:
    """Add an item to a draft, or change one of its items; return it.

    `values`: `matter_name`, `undertaking_unit_id`, `planned_finish` (YYYY-MM), `required_steps` (codes).
    Raises `Refused` for a published version (R-03d), `Invalid` with every error by field.
    """
    catalogue = _editable(session, actor, catalogue_id)
    told = _checked(session, catalogue, values)
    before: dict[str, Any] = {}
    if item_id is None:
        item = CatalogueItem(seq_no=max((one.seq_no for one in catalogue.items), default=0) + 1, **told)
        catalogue.items.append(item)
    else:
        item = _item(catalogue, item_id)
        before = {name: getattr(item, name) for name, value in told.items() if getattr(item, name) != value}
        for name, value in told.items():
            setattr(item, name, value)
    session.flush()
    after = {name: value for name, value in told.items() if item_id is None or name in before}
    _tell(
        session, EventName.CATALOGUE_EDITED, actor, catalogue,
        item=item.seq_no, name=item.matter_name, before=before, after=after,
    )  # fmt: skip
    return item


def remove_item(session: Session, actor: Actor, catalogue_id: int, item_id: int) -> None:
    """Take an item out of a draft; the rest is numbered anew. Raises `Refused` for a published version."""
    catalogue = _editable(session, actor, catalogue_id)
    gone = _item(catalogue, item_id)
    catalogue.items.remove(gone)
    session.flush()
    for number, item in enumerate(sorted(catalogue.items, key=lambda one: one.seq_no), 1):
        item.seq_no = number
        session.flush()
    _tell(session, EventName.CATALOGUE_EDITED, actor, catalogue, removed=gone.matter_name)


def consent(session: Session, actor: Actor, catalogue_id: int, doc_no: str, on: str) -> Catalogue:
    """Record that the Party committee of the same level agreed: number and date (ISO) of its document."""
    catalogue = _editable(session, actor, catalogue_id)
    errors: dict[str, list[str]] = {}
    doc_no = typed_in.words(doc_no)
    if not doc_no:
        errors["party_consent_doc_no"] = [N_("请填写党委同意文件的文号。")]
    day = typed_in.day(on)
    if day is None or day > clock.today():
        errors["party_consent_on"] = [N_("请填写不晚于今天的日期。")]
    if errors:
        raise Invalid(_WRONG, errors=errors)
    catalogue.party_consent_doc_no, catalogue.party_consent_on = doc_no[:80], day
    _tell(session, EventName.CATALOGUE_CONSENTED, actor, catalogue, doc_no=catalogue.party_consent_doc_no, on=on)
    return catalogue


def publish(session: Session, actor: Actor, catalogue_id: int) -> Catalogue:
    """Publish a draft; the version before is replaced. Raises `Refused` without the consent (R-03d, STOP)."""
    catalogue = _editable(session, actor, catalogue_id)
    if not catalogue.party_consent_doc_no:
        raise Refused(
            N_("目录须经同级党委同意后才能公布。请先登记党委同意文件的文号和日期。"), rule="R-03d", article=ARTICLE
        )
    if not catalogue.items:
        raise Invalid(N_("目录还没有事项，不能公布。"))
    before = session.scalars(
        select(Catalogue).where(
            Catalogue.organ_id == catalogue.organ_id,
            Catalogue.year == catalogue.year,
            Catalogue.status == CatalogueStatus.PUBLISHED,
        )
    ).one_or_none()
    if before is not None:
        before.status = CatalogueStatus.REPLACED
    catalogue.status, catalogue.published_at = CatalogueStatus.PUBLISHED, clock.now()
    catalogue.published_as = actor.display
    _tell(
        session, EventName.CATALOGUE_PUBLISHED, actor, catalogue,
        doc_no=catalogue.party_consent_doc_no, reason=catalogue.reason,
        items=[[item.seq_no, item.matter_name, item.planned_finish] for item in catalogue.items],
    )  # fmt: skip
    return catalogue


def record_completion(
    session: Session, actor: Actor, catalogue_id: int, told: Mapping[int, tuple[str, str]]
) -> Catalogue:
    """Publish what became of each item at the end of the year (P; usual in localities).

    `told` maps item ids to (completion, note). Raises `Invalid` when an item has none, or one that is not
    done has no note; `Conflict` when it was published already.
    """
    catalogue = _manageable(session, actor, catalogue_id)
    if catalogue.status != CatalogueStatus.PUBLISHED:
        raise Conflict(N_("只有现行的已公布版本可以公布完成情况。"))
    if catalogue.completion_published_at is not None:
        raise Conflict(N_("本年度完成情况已经公布，不能再改。"))
    errors: dict[str, list[str]] = {}
    for item in catalogue.items:
        status, note = told.get(item.id, ("", ""))
        note = typed_in.words(note)
        if status not in list(Completion):
            errors[f"completion-{item.id}"] = [N_("请选择完成情况。")]
        elif status != Completion.DONE and not note:
            errors[f"note-{item.id}"] = [N_("没有完成的，请说明原因和下一步安排。")]
        item.completion, item.completion_note = status, note[:2000]
    if errors:
        raise Invalid(_WRONG, errors=errors)
    catalogue.completion_published_at = clock.now()
    _tell(
        session, EventName.CATALOGUE_COMPLETED, actor, catalogue,
        items=[[item.seq_no, item.completion, item.completion_note] for item in catalogue.items],
    )  # fmt: skip
    return catalogue


def get(session: Session, actor: Actor, catalogue_id: int) -> Catalogue:
    """Return a version with its items, for an official of the organ or a supervisor. Raises `NotFound`."""
    identity.require(actor, Permission.MATTER_READ)
    catalogue = _loaded(session, catalogue_id)
    if catalogue.organ_id not in oversight.organ_ids(session, actor):
        raise NotFound(_NONE)
    return catalogue


def listing(session: Session, actor: Actor) -> list[Catalogue]:
    """Return all versions of the actor's organs (supervisors: of all), the newest first."""
    identity.require(actor, Permission.MATTER_READ)
    query = _query().order_by(Catalogue.year.desc(), Catalogue.organ_id, Catalogue.number.desc())
    return list(session.scalars(query.where(Catalogue.organ_id.in_(oversight.organ_ids(session, actor)))))


def published(session: Session, catalogue_id: int | None = None) -> list[Catalogue]:
    """Return what the public may see: every version that was ever published, or the one asked for."""
    query = _query().where(Catalogue.status != CatalogueStatus.DRAFT)
    if catalogue_id is not None:
        query = query.where(Catalogue.id == catalogue_id)
    return list(session.scalars(query.order_by(Catalogue.year.desc(), Catalogue.organ_id, Catalogue.number.desc())))


def choices(session: Session, organ_id: int | None) -> list[tuple[int, str]]:
    """Return (item id, year, number and name) of the organ's catalogues in force: what a matter may name (F-03)."""
    rows = session.execute(
        select(CatalogueItem.id, Catalogue.year, CatalogueItem.seq_no, CatalogueItem.matter_name)
        .join(Catalogue, Catalogue.id == CatalogueItem.catalogue_id)
        .where(Catalogue.organ_id == organ_id, Catalogue.status == CatalogueStatus.PUBLISHED)
        .order_by(Catalogue.year.desc(), CatalogueItem.seq_no)
    )
    return [(key, f"{year}-{seq_no} {name}") for key, year, seq_no, name in rows]


def may_manage(actor: Actor, organ_id: int) -> bool:
    """Whether the actor keeps the catalogue of that organ."""
    return Permission.RECORDS_MANAGE in actor.permissions and organ_id in _organs(actor)


def _new(session: Session, actor: Actor, organ_id: int, year: int, number: int, reason: str) -> Catalogue:
    catalogue = Catalogue(
        organ_id=organ_id, year=year, number=number, status=CatalogueStatus.DRAFT, reason=reason,
        party_consent_doc_no="", created_at=clock.now(), created_as=actor.display, items=[],
    )  # fmt: skip
    session.add(catalogue)
    session.flush()
    _tell(session, EventName.CATALOGUE_EDITED, actor, catalogue, reason=reason)
    return catalogue


def _checked(session: Session, catalogue: Catalogue, values: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, list[str]] = {}
    name = typed_in.words(values.get("matter_name"))
    if not 4 <= len(name) <= 80:
        errors["matter_name"] = [N_("事项名称应为4到80个字。")]
    unit = session.get(Organisation, typed_in.number(values.get("undertaking_unit_id")))
    if unit is None or unit.organ_id != catalogue.organ_id or not unit.active:
        errors["undertaking_unit_id"] = [N_("请选择本机关的承办单位。")]
    month = str(values.get("planned_finish") or "").strip()
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        errors["planned_finish"] = [N_("请按年-月填写，如2026-05。")]
    wanted: Sequence[Any] = values.get("required_steps") or ()
    steps = [step.value for step in STEPS if step.value in wanted or step in ALWAYS]
    if not set(map(str, wanted)) <= {step.value for step in STEPS}:
        errors["required_steps"] = [N_("选择的程序不存在，请重新选择。")]
    if errors or unit is None:
        raise Invalid(_WRONG, errors=errors)
    return {
        "matter_name": name, "undertaking_unit_id": unit.id, "planned_finish": month, "required_steps": steps,
    }  # fmt: skip


_NONE = N_("没有这份目录，或者您无权查看。")


def _query() -> Any:
    return select(Catalogue).options(
        selectinload(Catalogue.organ), selectinload(Catalogue.items).selectinload(CatalogueItem.undertaking_unit)
    )


def _loaded(session: Session, catalogue_id: int, *, locked: bool = False) -> Catalogue:
    query = _query().where(Catalogue.id == catalogue_id)
    found: Catalogue | None = session.scalars(query.with_for_update(of=Catalogue) if locked else query).one_or_none()
    if found is None:
        raise NotFound(_NONE)
    return found


def _manageable(session: Session, actor: Actor, catalogue_id: int) -> Catalogue:
    catalogue = _loaded(session, catalogue_id, locked=True)
    _may_manage(actor, catalogue.organ_id)
    return catalogue


def _editable(session: Session, actor: Actor, catalogue_id: int) -> Catalogue:
    catalogue = _manageable(session, actor, catalogue_id)
    if catalogue.status != CatalogueStatus.DRAFT:
        raise Refused(N_("已公布的目录不能改动。请修订为新的版本，并说明理由。"), rule="R-03d", article=ARTICLE)
    return catalogue


def _item(catalogue: Catalogue, item_id: int) -> CatalogueItem:
    found = next((item for item in catalogue.items if item.id == item_id), None)
    if found is None:
        raise NotFound(N_("目录中没有这个事项。"))
    return found


def _organs(actor: Actor) -> set[int]:
    return {held.organ_id for held in actor.appointments}


def _may_manage(actor: Actor, organ_id: int) -> None:
    identity.require(actor, Permission.RECORDS_MANAGE)
    if organ_id not in _organs(actor):
        raise NotPermitted(N_("只能管理本人任职机关的目录。"))


def _tell(session: Session, event: EventName, actor: Actor, catalogue: Catalogue, **facts: Any) -> None:
    told = {"catalogue": catalogue.id, "organ": catalogue.organ_id, "year": catalogue.year, "number": catalogue.number}
    audit.append(session, STREAM, event, actor=actor, facts={**told, **facts}, rules=["R-03d"])
