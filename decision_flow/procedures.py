"""Procedures: a bundle as it lies in a folder, or as it is stored in a version."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import bundles
from decision_flow.engine import Bundle
from decision_flow.errors import N_, Invalid
from decision_flow.models import (
    UNDER_WAY,
    Matter,
    Procedure,
    ProcedureVersion,
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
    root = folder.resolve().parent.parent
    try:
        told = tomllib.loads((folder / "bundle.toml").read_text("utf-8"))
        bpmn = {path.name: path.read_bytes() for path in sorted(folder.glob("*.bpmn"))}
        tables = root / "decision-tables"
        dmn = {f"{name}.dmn": (tables / f"{name}.dmn").read_bytes() for name in told.get("tables", ())}
        everything = {path.name: path.read_bytes() for path in sorted((root / "forms").glob("*.toml"))}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Invalid(N_("程序包“%(folder)s”读不出来：%(reason)s"), folder=folder.name, reason=str(error)) from error
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
    query = select(func.count()).where(Matter.procedure_version_id == version.id, Matter.status.in_(UNDER_WAY))
    return session.scalar(query) or 0
