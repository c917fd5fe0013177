"""A stored version as something that runs: compiled procedure and parsed forms, once per process.

A version never changes, so what was made of it is kept by its digest.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, joinedload

from decision_flow import engine
from decision_flow.engine import Bundle, Compiled
from decision_flow.errors import N_, NotFound
from decision_flow.forms import Form
from decision_flow.models import (
    Procedure,
    ProcedureFile,
    ProcedureVersion,
    VersionStatus,
)
from decision_flow.resources import shipped_forms


@dataclass(frozen=True)
class Runnable:
    """What a version needs in order to run: the compiled procedure, its forms, its diagrams."""

    compiled: Compiled
    forms: Mapping[str, Form]
    start_form: str
    diagrams: Mapping[str, bytes]

    def form(self, form_id: str | None) -> Form | None:
        """Return the form of that id, or None for a task without one.

        A version that does not bring the form of an act has the product's own.
        """
        if not form_id:
            return None
        return self.forms.get(form_id) or _shipped_form(form_id)


@lru_cache
def _shipped_form(form_id: str) -> Form:
    return Form.parse(shipped_forms()[form_id])


_kept: dict[str, Runnable] = {}
_lock = threading.Lock()


def make(bundle: Bundle, start_form: str) -> Runnable:
    """Compile `bundle` and parse its forms. Raises `NotConforming` or `Invalid` when it cannot run."""
    return Runnable(
        compiled=engine.compile(bundle),
        forms={form.id: form for form in map(Form.parse, bundle.forms.values())},
        start_form=start_form,
        diagrams=dict(bundle.bpmn),
    )


# What `runnable` asks of a version, for a statement that needs no object.
VERSION_COLUMNS = (ProcedureVersion.id, ProcedureVersion.digest, ProcedureVersion.main, ProcedureVersion.start_form)


def runnable(session: Session, version: ProcedureVersion | Row[*tuple[Any, ...]]) -> Runnable:
    """Return the runnable of a stored version; reads the files only the first time in this process."""
    found = _kept.get(version.digest)
    if found is None:
        with _lock:
            found = _kept.get(version.digest)
            if found is None:
                found = make(stored_bundle(session, version), version.start_form)
                _kept[version.digest] = found
    return found


def stored_bundle(session: Session, version: ProcedureVersion | Row[*tuple[Any, ...]]) -> Bundle:
    """Return the files of a version as they were published."""
    files: dict[str, dict[str, bytes]] = {"bpmn": {}, "dmn": {}, "form": {}}
    rows = session.scalars(select(ProcedureFile).where(ProcedureFile.version_id == version.id))
    for row in rows:
        files[row.kind][row.name] = row.content
    return Bundle(main=version.main, bpmn=files["bpmn"], dmn=files["dmn"], forms=files["form"])


def found_in_force(session: Session, key: str) -> ProcedureVersion | None:
    """Return the version of procedure `key` that is in force, None where there is none."""
    return session.scalars(
        select(ProcedureVersion)
        .join(Procedure)
        .options(joinedload(ProcedureVersion.procedure))
        .where(Procedure.key == key, ProcedureVersion.status == VersionStatus.IN_FORCE)
    ).one_or_none()


def in_force(session: Session, key: str) -> ProcedureVersion:
    """Return the version of procedure `key` that new matters begin with. Raises `NotFound`."""
    version = found_in_force(session, key)
    if version is None:
        raise NotFound(N_("程序“%(key)s”没有生效的版本，请先发布后再登记事项。"), key=key)
    return version
