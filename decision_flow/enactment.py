"""The act behind the publish gate: a bundle becomes the next version in force, the one before is retired.

Only the gate imports this; the import contract holds it. Whoever wants to put a procedure in force goes through there.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select, update
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
            **(origin or {}),
        },
    )
    return version
