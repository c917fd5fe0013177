"""Drafts of procedures: begun, saved without overwriting anybody, copied, discarded.

A draft is its files as rows and a revision number. Whoever saves says which revision the change was made on;
another one in the database means that somebody saved in between, and nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import audit, clock, identity, policies
from decision_flow.audit import EventName
from decision_flow.engine import Bundle
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.identity import Actor, Permission
from decision_flow.modelling import sources
from decision_flow.models import DraftFile, DraftState, ProcedureDraft
from decision_flow.policies import DECREE
from decision_flow.procedures import ProcedureSource

KINDS = ("bpmn", "dmn", "form")
SUFFIX = {"bpmn": ".bpmn", "dmn": ".dmn", "form": ".toml"}
MAX_FILES = 200
MAX_BYTES = 4_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,70}")
_KEY = re.compile(r"(?!drafts$|import$)[a-z][a-z0-9_]{2,50}")


@dataclass(frozen=True)
class Change:
    """What a save changes: files by (kind, name), None to take one out; and the facts of the draft."""

    files: Mapping[tuple[str, str], bytes | None] = field(default_factory=dict)
    title: str | None = None
    title_en: str | None = None
    start_form: str | None = None
    policy: str | None = None


def start(
    session: Session,
    actor: Actor,
    source: ProcedureSource,
    *,
    origin: str,
    key: str = "",
    title: str = "",
    base_version_id: int | None = None,
    policy: str = DECREE,
) -> ProcedureDraft:
    """Begin a draft from `source` and return it.

    `key` and `title` rename the procedure; left empty, the draft becomes the next version of the same one.
    `origin` says where it came from, for readers; `policy` is what it is checked under.
    Raises `Invalid` by field.
    """
    identity.require(actor, Permission.PROCEDURE_MODEL)
    key, title = key.strip(), title.strip()
    errors: dict[str, list[str]] = {}
    if not _KEY.fullmatch(key or source.key):
        errors["key"] = [N_("编号用小写字母、数字和下划线，以字母开头，3至51个字符。")]
    if len(title) > 120:
        errors["title"] = [N_("名称不超过120个字。")]
    if errors:
        raise Invalid(N_("草案没有建立，请按提示修改。"), errors=errors)
    if key and key != source.key:
        source = sources.renamed(source, key, title or source.title)
    elif title:
        source = replace(source, title=title)
    at = clock.now()
    draft = ProcedureDraft(
        key=source.key, title=source.title, title_en=source.title_en, main=source.bundle.main,
        start_form=source.start_form, policy=policy, origin=origin[:200],
        base_version_id=base_version_id, revision=1,
        state=DraftState.OPEN, created_by_id=actor.user_id, created_at=at, updated_by_id=actor.user_id, updated_at=at,
        authors=[actor.user_id], walked={},
    )  # fmt: skip
    session.add(draft)
    session.flush()
    bundle = source.bundle
    for kind, files in (("bpmn", bundle.bpmn), ("dmn", bundle.dmn), ("form", bundle.forms)):
        for name, content in files.items():
            _check_file(kind, name, content)
            session.add(DraftFile(draft_id=draft.id, kind=kind, name=name, content=content))
    session.flush()
    _record(session, actor, draft, EventName.DRAFT_STARTED, origin=draft.origin)
    return draft


def get(session: Session, actor: Actor, draft_id: int) -> ProcedureDraft:
    """Return a draft for reading. Raises `NotFound`."""
    identity.require(actor, Permission.PROCEDURE_READ)
    draft = session.scalars(
        select(ProcedureDraft).where(ProcedureDraft.id == draft_id).options(joinedload(ProcedureDraft.updated_by))
    ).one_or_none()
    if draft is None:
        raise NotFound(N_("没有这份草案。"))
    return draft


def source_of(session: Session, draft: ProcedureDraft) -> ProcedureSource:
    """Return the draft as a bundle with its description."""
    files: dict[str, dict[str, bytes]] = {kind: {} for kind in KINDS}
    for row in session.scalars(select(DraftFile).where(DraftFile.draft_id == draft.id).order_by(DraftFile.name)):
        files[row.kind][row.name] = row.content
    return ProcedureSource(
        draft.key, draft.title, draft.title_en, draft.start_form,
        Bundle(main=draft.main, bpmn=files["bpmn"], dmn=files["dmn"], forms=files["form"]),
    )  # fmt: skip


def save(session: Session, actor: Actor, draft_id: int, revision: int, change: Change) -> ProcedureDraft:
    """Write `change`, made on `revision`, and return the draft with its new revision.

    Forms and tables that the diagrams name and the product ships are taken in. Raises `Conflict`, saying who
    saved and when, if the draft has moved on; `Invalid` for what cannot be kept. Nothing is written then.
    """
    draft = _lock(session, actor, draft_id)
    if draft.revision != revision:
        raise Conflict(
            N_(
                "%(name)s已于%(at)s保存过这份草案，您的修改还没有写入。可以把您的修改另存为新草案，或者载入对方保存的内容。"
            ),
            name=draft.updated_by.name,
            at=draft.updated_at.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M"),
        )
    named = sources.named_forms(source_of(session, draft))
    for (kind, name), content in change.files.items():
        _put(session, draft, kind, name, content)
    if change.policy is not None and change.policy not in policies.names():
        raise Invalid(N_("没有这个政策。"))
    for attribute in ("title", "title_en", "start_form", "policy"):
        value = getattr(change, attribute)
        if value is not None:
            setattr(
                draft, attribute, value.strip()[: 120 if attribute == "title" else 60 if attribute == "policy" else 200]
            )
    if not draft.title:
        raise Invalid(N_("草案没有保存，请按提示修改。"), errors={"title": [N_("请填写程序名称。")]})
    session.flush()
    _adopt(session, draft, named)
    draft.revision += 1
    draft.updated_by_id, draft.updated_at = actor.user_id, clock.now()
    if actor.user_id not in draft.authors:
        draft.authors = [*draft.authors, actor.user_id]
    session.flush()
    return draft


def copy(session: Session, actor: Actor, draft_id: int, change: Change) -> ProcedureDraft:
    """Keep what somebody drew on an overtaken revision as a draft of its own; return it.

    Whoever drew on the first drew on the copy: none of them may publish it.
    """
    draft = get(session, actor, draft_id)
    made = start(
        session,
        actor,
        source_of(session, draft),
        origin=f"草案{draft.id}（另存）",
        base_version_id=draft.base_version_id,
        policy=draft.policy,
    )
    made.authors = sorted({*draft.authors, *made.authors})
    return save(session, actor, made.id, made.revision, change)


def discard(session: Session, actor: Actor, draft_id: int) -> None:
    """Put a draft aside; it stays readable. Raises `Conflict` when it is no longer open."""
    draft = _lock(session, actor, draft_id)
    draft.state = DraftState.DISCARDED
    _record(session, actor, draft, EventName.DRAFT_DISCARDED, revision=draft.revision)


def note_exported(session: Session, actor: Actor, draft_id: int) -> None:
    """Record that a draft was taken away as a file."""
    identity.require(actor, Permission.PROCEDURE_READ)
    draft = session.get(ProcedureDraft, draft_id)
    if draft is None:
        raise NotFound(N_("没有这份草案。"))
    _record(session, actor, draft, EventName.PROCEDURE_EXPORTED, revision=draft.revision)


def note_walk(session: Session, actor: Actor, draft_id: int, digest: str, ends: list[str]) -> None:
    """Remember the end events that a walk-through of the files with `digest` reached, added to those known."""
    identity.require(actor, Permission.PROCEDURE_READ)
    draft = session.get(ProcedureDraft, draft_id, with_for_update=True)
    if draft is None or draft.state != DraftState.OPEN or not ends:
        return
    known = draft.walked.get("ends", []) if draft.walked.get("digest") == digest else []
    reached = sorted({*known, *ends})
    if reached != known:
        draft.walked = {"digest": digest, "ends": reached}
        _record(session, actor, draft, EventName.DRAFT_WALKED, digest=digest, ends=reached)


def _lock(session: Session, actor: Actor, draft_id: int) -> ProcedureDraft:
    identity.require(actor, Permission.PROCEDURE_MODEL)
    return locked(session, draft_id)


def locked(session: Session, draft_id: int) -> ProcedureDraft:
    """Return the open draft, locked and as it stands now. Raises `NotFound`, `Conflict` when it is open no more."""
    draft = session.scalars(
        select(ProcedureDraft)
        .where(ProcedureDraft.id == draft_id)
        .options(joinedload(ProcedureDraft.updated_by, innerjoin=True))
        .with_for_update(of=ProcedureDraft)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if draft is None:
        raise NotFound(N_("没有这份草案。"))
    if draft.state != DraftState.OPEN:
        raise Conflict(N_("这份草案已经发布或者作废，不能再修改。"))
    return draft


def _put(session: Session, draft: ProcedureDraft, kind: str, name: str, content: bytes | None) -> None:
    query = select(DraftFile).where(DraftFile.draft_id == draft.id, DraftFile.kind == kind, DraftFile.name == name)
    row = session.scalars(query).one_or_none()
    if content is None:
        if row is not None:
            session.delete(row)
            session.flush()
        return
    _check_file(kind, name, content)
    if row is not None:
        row.content = content
        return
    session.add(DraftFile(draft_id=draft.id, kind=kind, name=name, content=content))
    session.flush()


def _check_file(kind: str, name: str, content: bytes) -> None:
    """Refuse what no file of a bundle is. A drawing in the middle of its work need not be able to run."""
    if kind not in KINDS or not _NAME.fullmatch(name) or not name.endswith(SUFFIX[kind]):
        raise Invalid(N_("文件名“%(name)s”不能用。"), name=name[:80])
    if len(content) > MAX_BYTES:
        raise Invalid(N_("文件“%(name)s”过大，不能保存。"), name=name)


def _adopt(session: Session, draft: ProcedureDraft, named: set[str]) -> None:
    """Take in the shipped forms and tables that the diagrams name; let go of the `named` forms they no longer do."""
    source = source_of(session, draft)
    if sum(len(files) for files in (source.bundle.bpmn, source.bundle.dmn, source.bundle.forms)) > MAX_FILES:
        raise Invalid(N_("草案的文件过多，不能保存。"))
    for kind, name, content in sources.missing(source):
        session.add(DraftFile(draft_id=draft.id, kind=kind, name=name, content=content))
    if gone := sources.let_go(source, named):
        session.execute(
            delete(DraftFile).where(DraftFile.draft_id == draft.id, DraftFile.kind == "form", DraftFile.name.in_(gone))
        )
    session.flush()


def _record(session: Session, actor: Actor, draft: ProcedureDraft, event: EventName, **facts: object) -> None:
    told = {"draft": draft.id, "key": draft.key, **facts}
    audit.append(session, audit.procedure_stream(draft.key), event, actor=actor, facts=told)
