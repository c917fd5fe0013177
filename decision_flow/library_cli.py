"""`decision-flow procedures list | export | publish | draft | diff`: the library of procedures in the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decision_flow.command_line import open_database, operator
from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid, NotAuthenticated, NotConforming, NotFound, NotPermitted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from decision_flow.db import Database
    from decision_flow.identity import Actor
    from decision_flow.modelling.comparison import Change
    from decision_flow.models import ProcedureVersion
    from decision_flow.procedures import ProcedureSource

MARKS = {"added": "+", "removed": "-", "changed": "~"}


@click.command("list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """List the versions of every procedure and the open drafts: key, version, state, matters under way, title."""
    from sqlalchemy import select

    from decision_flow import procedures
    from decision_flow.models import DraftState, Procedure, ProcedureDraft, ProcedureVersion

    with open_database(settings).transaction(read_only=True) as session:
        rows = session.execute(
            select(Procedure, ProcedureVersion)
            .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
            .order_by(Procedure.key, ProcedureVersion.number)
        )
        for procedure, version in rows:
            running = procedures.running(session, version)
            click.echo(f"{procedure.key}\tv{version.number}\t{version.status}\t{running}\t{procedure.title}")
        drafts = select(ProcedureDraft).where(ProcedureDraft.state == DraftState.OPEN).order_by(ProcedureDraft.id)
        for draft in session.scalars(drafts):
            click.echo(f"{draft.key}\t草案{draft.id}\t{draft.state}\t-\t{draft.title}")


@click.command("export")
@click.argument("key")
@click.option("--number", type=click.IntRange(min=1), help="The version; without it the one in force.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def export(settings: Settings, key: str, number: int | None, output: Path) -> None:
    """Write a version as one package file; that it was taken out is recorded."""
    from decision_flow.modelling import library

    with open_database(settings).transaction() as session:
        packed = library.hand_out(session, operator(), _version(session, key, number))
    output.write_bytes(packed)
    click.echo(f"已导出：{output}")


@click.command("draft")
@click.argument("file", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option("--as", "username", required=True, help="Whose draft it becomes; asks for the password.")
@click.option("--main", default="", help="Which process begins, when a diagram holds several.")
@click.pass_obj
def draft(settings: Settings, file: Path, username: str, main: str) -> None:
    """Begin a draft from FILE: a package, or a diagram of another tool."""
    from decision_flow import importing
    from decision_flow.modelling import archive, drafts, sources

    content = file.read_bytes()
    if content.startswith(b"PK"):
        source = archive.unpack(content)
    else:
        converted = importing.convert(file.name, content)
        for note in converted.notes:
            click.echo(f"{note.fate} {note.element}: {note.text}", err=True)
        source = sources.foreign(converted, main)
    with _signed_in(settings, username) as (database, actor), database.transaction() as session:
        made = drafts.start(session, actor, source, origin=f"导入“{file.name}”")
        click.echo(f"草案{made.id}：{made.title}")


@click.command("publish")
@click.argument("draft_id", metavar="DRAFT", type=int)
@click.option("--as", "username", required=True, help="Who publishes; asks for the password. Not whoever drew it.")
@click.option("--revision", type=int, required=True, help="The revision that the publisher has checked.")
@click.pass_obj
def publish(settings: Settings, draft_id: int, username: str, revision: int) -> None:
    """Put a draft in force, through the same gate as the page: lawful, walked through, by a second person."""
    from decision_flow.modelling import gate

    with _signed_in(settings, username) as (database, actor):
        try:
            with database.transaction() as session:
                version = gate.publish(session, actor, draft_id, revision)
                click.echo(f"已发布为第{version.number}版并生效，摘要 {version.digest}")
        except NotConforming as error:
            click.echo(str(error), err=True)
            for finding in error.findings:
                click.echo(f"  [{finding.rule}] {finding.element}: {finding.message}", err=True)
            sys.exit(1)


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.pass_obj
def diff(settings: Settings, before: str, after: str) -> None:
    """Say how AFTER differs from BEFORE; each a folder, a package file, or KEY[@VERSION]. Exit 1 if it does."""
    from decision_flow.modelling import comparison

    changes = comparison.compare(_source(settings, before).bundle, _source(settings, after).bundle)
    for change in changes:
        for line in _words(change):
            click.echo(line)
    if not changes:
        click.echo("没有改动。")
    sys.exit(1 if changes else 0)


library_commands = (list_, export, draft, publish, diff)


def _words(change: Change) -> Iterator[str]:
    from decision_flow.modelling.comparison import ASPECTS, KINDS

    within = f"（{change.within}）" if change.within else ""
    yield f"{MARKS[change.kind]} {KINDS[change.what]}“{change.name}” {change.id}{within}"
    for detail in change.details:
        name = ASPECTS.get(detail.aspect, detail.aspect)
        yield f"    {name}：{detail.before or '（无）'} → {detail.after or '（无）'}"


def _source(settings: Settings, told: str) -> ProcedureSource:
    from decision_flow import procedures
    from decision_flow.modelling import archive

    path = Path(told)
    if path.is_dir():
        return procedures.read_folder(path)
    if path.is_file():
        return archive.unpack(path.read_bytes())
    key, _, number = told.partition("@")
    if number and not number.isdecimal():
        raise Invalid(N_("文件“%(name)s”读不出来：%(reason)s"), name=told, reason="KEY@VERSION")
    with open_database(settings).transaction(read_only=True) as session:
        return procedures.stored(session, _version(session, key, int(number) if number else None))


def _version(session: Session, key: str, number: int | None) -> ProcedureVersion:
    from sqlalchemy import select

    from decision_flow.models import Procedure, ProcedureVersion, VersionStatus

    which = ProcedureVersion.status == VersionStatus.IN_FORCE if number is None else ProcedureVersion.number == number
    found = session.scalars(select(ProcedureVersion).join(Procedure).where(Procedure.key == key, which)).one_or_none()
    if found is None:
        raise NotFound(N_("没有这个版本。"))
    return found


@contextmanager
def _signed_in(settings: Settings, username: str) -> Iterator[tuple[Database, Actor]]:
    """Sign a person in as the page does: a wrong password counts, and who came in and went is recorded."""
    from decision_flow import identity

    database = open_database(settings)
    password = click.prompt("密码", hide_input=True, err=True)
    refusal: NotAuthenticated | None = None
    token = ""
    with database.transaction() as session:
        try:
            token = identity.sign_in(session, username, password, settings, "command line", "decision-flow")
        except NotAuthenticated as error:
            refusal = error  # the failed try is committed
    if refusal is not None:
        raise refusal
    with database.transaction() as session:
        actor = identity.actor_for_token(session.connection(), token, settings)
    if actor is None or actor.must_change_password:
        raise NotPermitted(N_("请先在网页上登录并修改初始密码。"))
    try:
        yield database, actor
    finally:
        with database.transaction() as session:
            identity.sign_out(session, actor)
