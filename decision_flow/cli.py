"""The command line of the core. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import fcntl
import signal
import sys
import threading
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decision_flow.audit_cli import audit as audit_commands
from decision_flow.backup_cli import backup, restore
from decision_flow.calendar_cli import calendar
from decision_flow.command_line import open_database
from decision_flow.config import Settings
from decision_flow.errors import N_, DecisionFlowError, Invalid
from decision_flow.library_cli import library_commands
from decision_flow.procedures_cli import procedures

if TYPE_CHECKING:
    from decision_flow.db import Database


# The edges around the core add their commands by this group of entry points; an edge is loaded when it is asked for.
EDGES = "decision_flow.commands"


class Commands(click.Group):
    """A group whose commands tell what went wrong as one sentence and exit with 2.

    That is a domain error, a database that does not answer, or a file that cannot be read or written. Anything else
    is a bug and shows where it is.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *(point.name for point in entry_points(group=EDGES))})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        known = super().get_command(context, name)
        if known is None:
            for point in entry_points(group=EDGES, name=name):
                point.load()
            known = super().get_command(context, name)
        return known

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except DecisionFlowError as error:
            told = str(error)
        except BrokenPipeError:
            raise
        except OSError as error:
            told = f"文件不能读写：{error.filename or ''}（{error.strerror or error}）。请检查路径、权限和磁盘空间。"
        except Exception as error:
            told = _of_database(error)
            if not told:
                raise
        click.echo(told, err=True)
        sys.exit(2)


def _of_database(error: Exception) -> str:
    """Return what to say of a database that cannot be reached, opened or written to; "" for any other error."""
    # Loaded already by whoever met a database.
    from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

    if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
        reason = " ".join(str(error.orig).split())[:300]
        return f"数据库不能使用：{reason}。请检查设置 database_url、数据库是否已经启动以及读写权限。"
    return ""


@click.group(cls=Commands)
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Decision Flow: major administrative decisions by the law's procedure."""
    context.obj = Settings.load(config)


main.add_command(calendar)
main.add_command(audit_commands)
main.add_command(backup)
main.add_command(restore)
main.add_command(procedures)
for command in library_commands:
    procedures.add_command(command)


@main.group()
def config() -> None:
    """Settings."""


@config.command("check")
@click.pass_obj
def config_check(settings: Settings) -> None:
    """Print the settings in force; secrets are masked."""
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        shown = "******" if entry.metadata["secret"] and value else value
        basis = f"  [{entry.metadata['basis']}]" if entry.metadata["basis"] else ""
        click.echo(f"{entry.name} = {shown}  # {entry.metadata['about']}{basis}")


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@click.pass_obj
def db_upgrade(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    from decision_flow.modelling import shipping

    database = open_database(settings, newest=False)
    upgrade(database)
    click.echo("数据库已是最新。")
    with database.transaction(read_only=True) as session:
        for key, title in shipping.newer(session).items():
            click.echo(f"程序“{title}”（{key}）随产品有新版本，升级不改动生效的版本：请程序发布人在程序库核对后发布。")


@main.group()
def demo() -> None:
    """Demo data."""


@demo.command("load")
@click.pass_obj
def demo_load(settings: Settings) -> None:
    """Load the demo into an empty database."""
    database = open_database(settings, newest=False)
    upgrade(database)
    click.echo("演示数据已装入。" if load_demo(settings, database) else "数据库不是空的，没有装入演示数据。")


@main.group()
def matters() -> None:
    """Matters, for the operator."""


@matters.command("list")
@click.pass_obj
def matters_list(settings: Settings) -> None:
    """List all matters: number, status, current step, title."""
    from sqlalchemy import select

    from decision_flow.models import Matter

    with open_database(settings).transaction(read_only=True) as session:
        for matter in session.scalars(select(Matter).order_by(Matter.id)):
            click.echo(f"{matter.number}\t{matter.status}\t{matter.current_step or '-'}\t{matter.title}")


@matters.command("show")
@click.argument("number")
@click.pass_obj
def matters_show(settings: Settings, number: str) -> None:
    """Show one matter by its number, with its tasks and whether its trail is intact."""
    from sqlalchemy import select

    from decision_flow import audit
    from decision_flow.models import Matter, Task

    with open_database(settings).transaction(read_only=True) as session:
        matter = session.scalars(select(Matter).where(Matter.number == number)).one_or_none()
        if matter is None:
            raise click.ClickException(f"没有编号为 {number} 的事项。")
        click.echo(f"{matter.number} {matter.title}\n{matter.status} {matter.current_step or ''}")
        for task in session.scalars(select(Task).where(Task.matter_id == matter.id).order_by(Task.id)):
            click.echo(f"  {task.state:10} {task.name} {task.completed_as}")
        broken = audit.verify(session, audit.matter_stream(matter.id))
        click.echo("过程记录完整。" if broken is None else f"过程记录在第{broken.seq}条断开：{broken.reason}")
        if broken is not None:
            sys.exit(1)


@main.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Run the worker: timers and notices. Any number of them may run on one PostgreSQL."""
    from decision_flow import logs
    from decision_flow import worker as work
    from decision_flow.documents import FileStore

    logs.configure(settings.log_format)
    files = FileStore(settings.folder / "files")
    stop = work.start(open_database(settings), settings, files)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()
    stop()


def upgrade(database: Database) -> None:
    """Bring `database` to the newest schema."""
    from decision_flow import migrations

    migrations.upgrade(database)


def load_demo(settings: Settings, database: Database) -> bool:
    """Load the demo into an empty database; return whether anything was done. Waits for another who is doing it.

    Raises `Invalid` when an earlier loading was broken off: half a demo is none.
    """
    from decision_flow import demo as data
    from decision_flow import first_run
    from decision_flow.documents import FileStore
    from decision_flow.resources import BPMN

    with (settings.folder / "demo-loading").open("a+") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        with database.transaction(read_only=True) as session:
            empty = first_run.is_needed(session)
        if not empty:
            mark.seek(0)
            if mark.read():
                raise Invalid(
                    N_("演示数据上次没有装完，不能使用。请删除数据目录 %(path)s（PostgreSQL 还要另建空库）再启动。"),
                    path=settings.folder.absolute(),
                )
            return False
        mark.write("begun")
        mark.flush()
        done = data.load(database, FileStore(settings.folder / "files"), BPMN)
        mark.truncate(0)
        return done


@main.group()
def hearing() -> None:
    """Hearings, for anyone who wants to check one."""


@hearing.command("draw")
@click.option("--seed", required=True, help="The published seed.")
@click.option("--public-value", default="", help="The public value joined to it, if there was one.")
@click.option(
    "--list", "source", required=True, type=click.Path(exists=True, dir_okay=False), help="Number,name,side per line."
)
@click.option("--seats", multiple=True, required=True, help="Side=seats; once for each side.")
def hearing_draw(seed: str, public_value: str, source: str, seats: tuple[str, ...]) -> None:
    """Run the draw of a hearing again from its published seed and list; needs no database.

    Prints the digest of the seed, which must be the one in the notice, and side, rank, number, name, whether
    selected, and the digest that ranks each person.
    """
    from pathlib import Path

    from decision_flow import draws

    wanted: dict[str, int] = {}
    for told in seats:
        side, _, count = told.rpartition("=")
        if not side or not count.isdecimal():
            raise click.BadParameter("写成 相关方=名额", param_hint="--seats")
        wanted[side] = int(count)
    try:
        entries = draws.parse_list(Path(source).read_text("utf-8-sig").splitlines())
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{draws.ALGORITHM} sha256(seed)={draws.commitment(seed)}")
    for row in draws.draw(draws.combined(seed, public_value), entries, wanted):
        mark = "*" if row.selected else "-"
        click.echo("\t".join((row.entry.side, str(row.rank), str(row.entry.number), row.entry.name, mark, row.digest)))
