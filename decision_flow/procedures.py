"""Procedures: read a bundle from a folder, publish it as an immutable version, retire the one before."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from decision_flow import audit, bundles, clock
from decision_flow.audit import Author, EventName
from decision_flow.engine import Bundle
from decision_flow.errors import N_, Invalid
from decision_flow.models import (
    Matter,
    MatterStatus,
    Procedure,
    ProcedureFile,
    ProcedureVersion,
    VersionStatus,
)


@dataclass(frozen=True)
class ProcedureSource:
    """A bundle as it lies in a folder: its description and its files."""

    key: str
    title: str
    title_en: str
    start_form: str
    bundle: Bundle


def read_folder(folder: Path) -> ProcedureSource:
    """Read `bundle.toml` and the files it names: diagrams beside it, tables and forms from their own folders.

    Raises `Invalid` naming what is missing.
    """
    root = folder.parent.parent
    try:
        told = tomllib.loads((folder / "bundle.toml").read_text("utf-8"))
        bpmn = {path.name: path.read_bytes() for path in sorted(folder.glob("*.bpmn"))}
        tables = root / "decision-tables"
        dmn = {f"{name}.dmn": (tables / f"{name}.dmn").read_bytes() for name in told.get("tables", ())}
        everything = {path.name: path.read_bytes() for path in sorted((root / "forms").glob("*.toml"))}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Invalid(N_("程序包「%(folder)s」读不出来:%(reason)s"), folder=folder.name, reason=str(error)) from error
    text = b"".join(bpmn.values())
    start_form, acts = told.get("start_form", ""), told.get("acts", ())
    used = {
        name: content
        for name, content in everything.items()
        if f'formKey="{Path(name).stem}"'.encode() in text or Path(name).stem in (start_form, *acts)
    }
    return ProcedureSource(
        key=told["id"],
        title=told["title"],
        title_en=told.get("title_en", ""),
        start_form=start_form,
        bundle=Bundle(main=told["main"], bpmn=bpmn, dmn=dmn, forms=used),
    )


def publish(session: Session, source: ProcedureSource, *, author: Author, publisher: Author) -> ProcedureVersion:
    """Put a bundle in force as the next version; what is already in force with the same digest stays.

    Running matters keep the version they began with. Raises `NotConforming` or `Invalid` when the bundle
    cannot run.
    """
    runnable = bundles.make(source.bundle, source.start_form)
    missing = {
        element.form
        for element in runnable.compiled.elements.values()
        if element.form and element.form not in runnable.forms
    }
    if missing:
        raise Invalid(N_("程序用到的表单不存在:%(forms)s。"), forms="、".join(sorted(missing)))
    procedure = session.scalars(select(Procedure).where(Procedure.key == source.key)).one_or_none()
    if procedure is None:
        procedure = Procedure(key=source.key, title=source.title, title_en=source.title_en)
        session.add(procedure)
        session.flush()
    procedure.title, procedure.title_en = source.title, source.title_en
    current = session.scalars(
        select(ProcedureVersion).where(
            ProcedureVersion.procedure_id == procedure.id, ProcedureVersion.status == VersionStatus.IN_FORCE
        )
    ).one_or_none()
    if current is not None and current.digest == runnable.compiled.digest:
        return current
    session.execute(
        update(ProcedureVersion)
        .where(ProcedureVersion.procedure_id == procedure.id, ProcedureVersion.status == VersionStatus.IN_FORCE)
        .values(status=VersionStatus.RETIRED)
    )
    last = session.scalar(
        select(func.max(ProcedureVersion.number)).where(ProcedureVersion.procedure_id == procedure.id)
    )
    version = ProcedureVersion(
        procedure=procedure,
        number=(last or 0) + 1,
        digest=runnable.compiled.digest,
        main=source.bundle.main,
        start_form=source.start_form,
        status=VersionStatus.IN_FORCE,
        author_id=author.user_id,
        publisher_id=publisher.user_id,
        published_at=clock.now(),
    )
    session.add(version)
    session.flush()
    for kind, files in (
        ("bpmn", source.bundle.bpmn),
        ("dmn", source.bundle.dmn),
        ("form", source.bundle.forms),
    ):
        session.add_all(
            ProcedureFile(version_id=version.id, kind=kind, name=name, content=content)
            for name, content in files.items()
        )
    audit.append(
        session,
        audit.procedure_stream(source.key),
        EventName.PROCEDURE_PUBLISHED,
        actor=publisher,
        facts={
            "key": source.key,
            "version": version.number,
            "digest": version.digest,
            "author": {"id": author.user_id, "display": author.display},
        },
    )
    return version


def shipped(folder: Path) -> list[ProcedureSource]:
    """Return the procedures that come with the product, read from `folder`/procedures."""
    return [read_folder(path.parent) for path in sorted((folder / "procedures").glob("*/bundle.toml"))]


def stored(session: Session, version: ProcedureVersion) -> ProcedureSource:
    """Return a stored version as a bundle with its description."""
    procedure = session.get_one(Procedure, version.procedure_id)
    return ProcedureSource(
        procedure.key,
        procedure.title,
        procedure.title_en,
        version.start_form,
        bundles.stored_bundle(session, version),
    )


def running(session: Session, version: ProcedureVersion) -> int:
    """Return how many matters are under way on `version`."""
    query = select(func.count()).where(
        Matter.procedure_version_id == version.id, Matter.status.in_((MatterStatus.RUNNING, MatterStatus.SUSPENDED))
    )
    return session.scalar(query) or 0
