"""The act behind the publish gate: a bundle becomes the next version in force, the one before is retired.

Only the gate imports this; the import contract holds it. Whoever wants to put a procedure in force goes through there.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from decision_flow import audit, bundles, clock
from decision_flow.audit import Author, EventName
from decision_flow.errors import N_, Invalid
from decision_flow.models import Procedure, ProcedureFile, ProcedureVersion, VersionStatus
from decision_flow.procedures import ProcedureSource


def enact(
    session: Session,
    source: ProcedureSource,
    *,
    author: Author,
    publisher: Author,
    origin: Mapping[str, object] | None = None,
) -> ProcedureVersion:
    """Put a bundle in force as the next version; what is already in force with the same digest stays.

    Running matters keep the version they began with. `origin` is what else the event tells of where the bundle
    came from: its draft, who drew on it, the policies it was asked by. Raises `NotConforming` or `Invalid` when the
    bundle cannot run.
    """
    digest = _must_run(source)
    procedure = session.scalars(select(Procedure).where(Procedure.key == source.key)).one_or_none()
    if procedure is None:
        procedure = Procedure(key=source.key)
        session.add(procedure)
    procedure.title, procedure.title_en = source.title, source.title_en
    session.flush()
    current = bundles.found_in_force(session, source.key)
    if current is not None and current.digest == digest:
        return current
    if current is not None:
        current.status = VersionStatus.RETIRED
        session.flush()
    last = session.scalar(
        select(func.max(ProcedureVersion.number)).where(ProcedureVersion.procedure_id == procedure.id)
    )
    version = ProcedureVersion(
        procedure=procedure, number=(last or 0) + 1, digest=digest, main=source.bundle.main,
        start_form=source.start_form, status=VersionStatus.IN_FORCE, author_id=author.user_id,
        publisher_id=publisher.user_id, published_at=clock.now(),
    )  # fmt: skip
    session.add(version)
    session.flush()
    _keep_files(session, version, source)
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
            **(origin or {}),
        },
    )
    return version


def _must_run(source: ProcedureSource) -> str:
    """Return the digest of a bundle that runs and brings every form its tasks name."""
    runnable = bundles.make(source.bundle, source.start_form)
    named = {element.form for element in runnable.compiled.elements.values() if element.form}
    if missing := named - runnable.forms.keys():
        raise Invalid(N_("程序用到的表单不存在：%(forms)s。"), forms="、".join(sorted(missing)))
    return runnable.compiled.digest


def _keep_files(session: Session, version: ProcedureVersion, source: ProcedureSource) -> None:
    bundle = source.bundle
    for kind, files in (("bpmn", bundle.bpmn), ("dmn", bundle.dmn), ("form", bundle.forms)):
        session.add_all(
            ProcedureFile(version_id=version.id, kind=kind, name=name, content=content)
            for name, content in files.items()
        )
