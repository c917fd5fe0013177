"""The commands `decision-flow backup` and `decision-flow restore`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from decision_flow.command_line import open_database, operator
from decision_flow.config import Settings


def _told(count: int) -> None:
    if count % 500 == 0:
        click.echo(f"已处理{count}个文件…", err=True)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-key", is_flag=True, help="Put in the key that signs checkpoints; keep the file as secret as it.")
@click.pass_obj
def backup(settings: Settings, file: Path, with_key: bool) -> None:
    """Back up the database and all papers to FILE; work may go on meanwhile."""
    from decision_flow import audit, backups, checkpoints
    from decision_flow.event_names import EventName

    if file.exists():
        raise click.ClickException(f"{file} 已经存在，请换一个文件名。")
    database = open_database(settings)
    key = checkpoints.public_key(checkpoints.signing_key(settings.folder))
    with database.transaction() as session:
        facts = {"file": file.name, "with_key": with_key, "public_key": key}
        audit.append(session, audit.OPERATIONS, EventName.BACKUP_MADE, actor=operator(), facts=facts)
    count = backups.write(database, settings.folder, file, with_key=with_key, tick=_told)
    click.echo(f"已备份数据库和{count}个文件：{file}")
    if not with_key:
        click.echo(f"签名密钥不在备份中，请另行妥善保管 {settings.folder / checkpoints.KEY_FILE}。公钥：{key}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", help="Language of the verification.")
@click.pass_obj
def restore(settings: Settings, file: Path, lang: str) -> None:
    """Restore FILE into an empty place, then verify the trail and every paper. Exit status 0: whole; 1: not."""
    from decision_flow import audit, backups
    from decision_flow.event_names import EventName

    database = open_database(settings, newest=False)
    found = backups.restore(file, database, settings.folder, _told)
    click.echo(found.report.text(lang))
    click.echo(f"材料文件：应有{found.files}个，缺少{len(found.missing)}个，内容不符{len(found.changed)}个。")
    for sha256 in [*found.missing, *found.changed]:
        click.echo(f"  {sha256}")
    if not found.with_key:
        click.echo("备份中没有签名密钥。请先把原来的 trail-key 放回数据目录，再启动系统；否则检查点将用新的密钥签发。")
    with database.transaction() as session:
        facts = {"file": file.name, "intact": found.is_whole, "files": found.files}
        audit.append(session, audit.OPERATIONS, EventName.BACKUP_RESTORED, actor=operator(), facts=facts)
    click.echo("恢复完成，过程记录和材料均已验证。" if found.is_whole else "已恢复，但验证发现问题，请勿投入使用。")
    sys.exit(0 if found.is_whole else 1)
