"""A database of an earlier head, with a district and a matter under way, is brought to the newest and goes on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from flask import Flask
from sqlalchemy import Connection, MetaData, select, text

from decision_flow import audit, checkpoints, live_trail, migrations
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.models import AuditStream, Matter, TrailNode
from tests.conftest import POSTGRESQL, database_at, server
from tests.long_trail import KEY
from tests.web.client import Desk
from web import equip

# From here on an event is linked by SM3 too, and tells on whose behalf and why (format 2).
SM3_SINCE = "0011"


def empty_beside(database: Database, folder: Path) -> Database:
    if database.is_sqlite:
        return database_at(f"sqlite:///{folder / 'old.db'}")
    name = database.url.split("?")[0].rsplit("/", 1)[1].replace("test_", "old_")
    server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    return database_at(POSTGRESQL.replace("/postgres?", f"/{name}?"))


def format_1(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as a release wrote them that knew no SM3: the same acts, hashed and linked by SHA-256 alone."""
    heads: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row["stream"], row["seq"])):
        told = json.loads(row["canonical"])
        told = {key: value for key, value in told.items() if key not in ("prev_sm3", "on_behalf_of", "reason")}
        told |= {"format": 1, "prev": heads.get(row["stream"], audit.GENESIS)}
        row["canonical"] = rfc8785.dumps(told).decode()
        row["prev_hash"], row["hash"] = told["prev"], hashlib.sha256(row["canonical"].encode()).hexdigest()
        heads[row["stream"]] = row["hash"]
    return rows


def fill(old: Connection, new: Connection, revision: str) -> None:
    """Write the rows of `new` into `old`, as far as that head has tables and columns for them."""
    there, here = MetaData(), MetaData()
    there.reflect(old)
    here.reflect(new)
    last: dict[str, str] = {}
    for table in there.sorted_tables:
        if table.name == "alembic_version" or table.name not in here.tables:
            continue
        found = here.tables[table.name]
        query = select(*(found.c[column.name] for column in table.columns if column.name in found.c))
        gone = {"timestamp": ""} if table.name == "trail_checkpoint" and "timestamp" in table.c else {}
        rows = [{**row, **gone} for row in new.execute(query.order_by(*found.primary_key)).mappings()]
        if table.name == "audit_event" and revision < SM3_SINCE:
            rows = format_1(rows)
            last = {row["stream"]: row["hash"] for row in sorted(rows, key=lambda row: row["seq"])}
        if any("JSON" in str(column.type) for column in table.columns):
            for row in rows:  # without what is null: JSON has a word of its own for it
                old.execute(table.insert(), {key: value for key, value in row.items() if value is not None})
        elif rows:
            old.execute(table.insert(), rows)
        if rows and "id" in table.c and old.dialect.name == "postgresql":
            highest = max(row["id"] for row in rows)
            old.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {highest})"))
    for stream, head in last.items():
        old.execute(text("UPDATE audit_stream SET head = :head WHERE name = :name"), {"head": head, "name": stream})


@pytest.mark.parametrize("revision", ["0001", "0011"])
def test_an_earlier_database_is_brought_to_the_newest_and_goes_on(
    database: Database, files: FileStore, tmp_path: Path, shell: Flask, settings: Settings, revision: str
) -> None:
    play = cases.OTHERS[0](database, files)
    with database.transaction() as session:
        for _ in range(130):
            audit.append(session, "aside", audit.EventName.STEP_PASSED, actor=audit.SYSTEM)
    with database.transaction() as session:
        checkpoints.seal(session, KEY)
    old = empty_beside(database, tmp_path)
    migrations.upgrade(old, revision)
    with database.engine.connect() as new, old.engine.begin() as connection:
        fill(connection, new, revision)
        assert connection.execute(text("SELECT count(*) FROM audit_event")).scalar() > 5
    migrations.upgrade(old)
    with old.transaction(read_only=True) as session:
        names = session.scalars(select(AuditStream.name)).all()
        assert f"matter:{play.matter_id}" in names
        assert [audit.verify(session, name) for name in names] == [None] * len(names)
        before = session.get_one(Matter, play.matter_id).procedure_version_id
    with old.snapshot() as session:
        if revision >= SM3_SINCE:
            assert live_trail.verify(session).problems == []
            # What proofs are made of was worked out for the checkpoint that was there.
            with database.transaction(read_only=True) as kept:
                nodes = [one.execute(select(TrailNode.__table__)).all() for one in (session, kept)]
            assert nodes[0] == nodes[1] != []
    equip(shell, Settings.of({"data_dir": settings.data_dir, "secret_key": settings.secret_key, "demo": True}), old)
    clerk = Desk(shell, "zhoukai")
    assert "/tasks/" in clerk.get("/inbox")
    for path in (f"/matters/{play.matter_id}", f"/matters/{play.matter_id}/trail", "/procedures", "/notices"):
        clerk.get(path)
    again = Play(old, files, play.day)
    again.matter_id = play.matter_id
    again.days(1).run_to("T_major_decision_04")
    with old.transaction(read_only=True) as session:
        assert session.get_one(Matter, play.matter_id).procedure_version_id == before
        assert audit.verify(session, audit.matter_stream(play.matter_id)) is None
    old.dispose()
