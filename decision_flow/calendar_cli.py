"""The calendar at the command line: a deadline with its explanation, and the yearly notice."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decision_flow.command_line import open_database
from decision_flow.config import Settings

if TYPE_CHECKING:
    from decision_flow.working_days import Calendar


@click.group()
def calendar() -> None:
    """The Chinese working calendar."""


@calendar.command("due")
@click.option("--start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day of the event; not counted.")
@click.option("--working-days", "working_days", type=click.IntRange(0, 5000), help="So many working days after.")
@click.option("--days", type=click.IntRange(0, 5000), help="So many calendar days after; a rest day rolls on.")
@click.option("--months", type=click.IntRange(0, 600), help="The corresponding day so many months later.")
@click.option("--days-before", "days_before", type=click.IntRange(0, 5000), help="At least so many days before.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def due(
    settings: Settings,
    start: datetime,
    working_days: int | None,
    days: int | None,
    months: int | None,
    days_before: int | None,
    form: str,
) -> None:
    """Say when a period ends, whether that is provisional, and why."""
    from decision_flow.working_days import counted

    asked = {"working_days": working_days, "days": days, "months": months, "days_before": days_before}
    given = [(unit, count) for unit, count in asked.items() if count is not None]
    if len(given) != 1:
        raise click.UsageError("请给出 --working-days、--days、--months、--days-before 中的一个。")
    unit, count = given[0]
    try:
        found = counted(_calendar(settings), unit, count, start.date())
    except (OverflowError, ValueError):
        raise click.UsageError("日期超出了可以推算的范围。") from None
    if form == "json":
        told = {"due": str(found), "provisional": found.provisional, "explanation": found.explanation}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{found}{'（暂定）' if found.provisional else ''}\n{found.explanation}")


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--preview", is_flag=True, help="Only show which deadlines it would move.")
@click.option("--organ", help="Name of the organ, for local holidays only.")
@click.option("--source", default="", help="Number and date of the notice.")
@click.pass_obj
def import_notice(settings: Settings, file: Path, preview: bool, organ: str | None, source: str) -> None:
    """Enter the official notice (CSV: date or date~date, then rest or work) and move what it moves."""
    from decision_flow import calendar_notices, deadlines, migrations, working_days
    from decision_flow.audit import SYSTEM
    from decision_flow.errors import N_, Invalid

    try:
        notice = calendar_notices.read(file.read_bytes())
    except Invalid as error:
        for texts in error.errors.values():
            click.echo(texts[0], err=True)
        raise
    database = open_database(settings, newest=False)
    migrations.upgrade(database)
    with database.transaction() as session:
        working_days.seed(session)
    with database.transaction(read_only=preview) as session:
        organ_id = _organ(session, organ)
        if organ and organ_id is None:
            raise Invalid(N_("没有导入：请选择决策机关。"))
        moves = deadlines.preview(session, notice, organ_id)
        if not preview:
            version = calendar_notices.enter(session, SYSTEM, notice, source or file.name, organ_id)
            moves = deadlines.recompute(session, SYSTEM)
    for move in moves:
        change = f"{move.old} → {move.new}" if move.moves else f"{move.old}（由暂定转为正式）"
        click.echo(f"{move.number}\t{move.title}\t{move.name}\t{change}")
    changed = sum(move.moves for move in moves)
    if preview:
        click.echo(f"预览：{notice.year}年安排{len(notice.days)}天，将变动{changed}个期限。没有导入。")
    else:
        click.echo(f"已导入：{notice.year}年安排{len(notice.days)}天，日历版本{version}，变动{changed}个期限。")


def _calendar(settings: Settings) -> Calendar:
    """Return the calendar of the configured database, or the one shipped where there is no database yet."""
    from decision_flow import migrations, working_days

    if settings.database.startswith("sqlite:///") and not Path(settings.database.removeprefix("sqlite:///")).exists():
        return working_days.package()
    database = open_database(settings, newest=False)
    if migrations.current(database) is None:
        return working_days.package()
    with database.transaction(read_only=True) as session:
        found = working_days.load(session)
    return found if found.days else working_days.package()


def _organ(session: object, name: str | None) -> int | None:
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from decision_flow.models import Organisation

    assert isinstance(session, Session)
    if not name:
        return None
    return session.scalar(
        select(Organisation.id).where(Organisation.name == name, Organisation.organ_id == Organisation.id)
    )
