"""Plays lawful matters to their ends and exports their trail: FOLDER gets trail.xes, trail.ocel.json, told.json, bpmn/."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

from sqlalchemy import func, select

from decision_flow import bundles, trail_exports
from decision_flow.db import Database
from decision_flow.demo import cases, water_price
from decision_flow.documents import FileStore
from decision_flow.models import AuditEvent, Matter, MatterStatus, ProcedureVersion
from decision_flow.trail_exports import Filters
from tests.conftest import fill

DONE = {"T_execution_tracking_01": {"percent_done": 100, "finished": True}}
# What stands in parallel and repeats, what is technical, what is sent back: each another way to the end.
WAYS = (0, 5, 6, 8, 9)


def main(folder: Path) -> None:
    database, files = Database(f"sqlite:///{folder / 'peer.db'}"), FileStore(folder / "files")
    fill(database)
    cases.rural_road(database, files, date(2026, 1, 12)).run_to(given=DONE)
    water_price.pools(database)
    for number in WAYS:
        play = cases.OTHERS[number](database, files)
        play.run_to(given={**DONE, **cases.meeting_of(database)}, limit=200)
    with database.snapshot() as session:
        exported = {
            "xes": trail_exports.to_xes(session, Filters(), folder / "trail.xes"),
            "ocel": trail_exports.to_ocel(session, Filters(), folder / "trail.ocel.json"),
        }
        count = select(func.count()).select_from(AuditEvent)
        told = {
            "exported": exported,
            "events": session.scalar(count),
            "events of matters": session.scalar(count.where(AuditEvent.matter_id.is_not(None))),
            "matters": session.scalar(select(func.count()).select_from(Matter)),
            "kinds": dict(session.execute(select(AuditEvent.event, func.count()).group_by(AuditEvent.event)).all()),
            "cases": {},
        }
        versions = {}
        for matter in session.scalars(select(Matter).order_by(Matter.id)):
            version = session.get_one(ProcedureVersion, matter.procedure_version_id)
            versions[version.digest] = version
            told["cases"][matter.number] = {
                "version": version.digest, "main": version.main, "outcome": matter.outcome,
                "finished": matter.status == MatterStatus.COMPLETED,
                "events": session.scalar(count.where(AuditEvent.matter_id == matter.id)),
            }  # fmt: skip
        for digest, version in versions.items():
            (folder / "bpmn" / digest).mkdir(parents=True)
            for name, content in bundles.stored_bundle(session, version).bpmn.items():
                (folder / "bpmn" / digest / name).write_bytes(content)
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")


main(Path(sys.argv[1]))
