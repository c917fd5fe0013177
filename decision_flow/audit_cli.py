"""The commands `decision-flow audit …`: verify, checkpoint, export."""

from __future__ import annotations

import base64
import gc
import json
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decision_flow.command_line import open_database, operator
from decision_flow.config import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from decision_flow.trail_exports import Filters


@click.group()
def audit() -> None:
    """The trail: verify it, sign a checkpoint, export it."""
    # What is there by now stays: a collection in a long run need not look at it.
    gc.freeze()


@audit.command("verify")
@click.argument("file", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--checkpoint", type=click.Path(exists=True, dir_okay=False), help="A checkpoint kept from earlier.")
@click.option("--key", default="", help="The public key that must have signed (hex).")
@click.option("--papers/--no-papers", default=True, help="Whether the stored papers are read and hashed as well.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
@click.pass_obj
def audit_verify(
    settings: Settings, file: Path | None, checkpoint: str | None, key: str, papers: bool, lang: str
) -> None:
    """Verify an exported trail, a package or a proof; without FILE the live database and all papers.

    Exit status 0: intact; 1: not.
    """
    from decision_flow import live_trail
    from decision_flow.documents import FileStore
    from decision_flow.verifier import verify_trail

    kept = next(verify_trail.read(checkpoint), None) if checkpoint else None
    if file is not None:
        report = verify_trail.verify_file(str(file), key, kept)
    else:
        with open_database(settings).snapshot() as session:
            report = live_trail.verify(session, key, kept)
            store = FileStore(settings.folder / "files")
            for sha256, problem in live_trail.papers(session, store) if papers else ():
                if problem:
                    report.wrong(problem, sha256)
    click.echo(report.text(lang))
    sys.exit(1 if report.problems else 0)


@audit.command("checkpoint")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the latest checkpoint here, to be kept.")
@click.option("--since", type=click.Path(exists=True, dir_okay=False), help="Prove that it goes on from this one.")
@click.pass_obj
def audit_checkpoint(settings: Settings, output: Path | None, since: str | None) -> None:
    """Sign a checkpoint of all that was recorded, show it, and write it out for keeping.

    With --since, a checkpoint kept from earlier, what is written is the proof that nothing was rewritten since.
    """
    from sqlalchemy import select

    from decision_flow import checkpoints
    from decision_flow.models import TrailCheckpoint
    from decision_flow.verifier import verify_trail

    key, database = checkpoints.signing_key(settings.folder), open_database(settings)
    with database.snapshot() as session:
        found = checkpoints.survey(session)
    with database.transaction() as session:
        if found is not None:
            checkpoints.seal(session, key, operator(), found)
            session.flush()
        newest = select(TrailCheckpoint).order_by(TrailCheckpoint.number.desc()).limit(1)
        last = session.scalars(newest).one_or_none()
        line = checkpoints.as_line(last) if last else None
    if line is None:
        raise click.ClickException("还没有任何记录。")
    click.echo(f"{line['note']}signature {line['signature']}\nkey {line['public_key']}")
    if since is not None:
        with database.snapshot() as session:
            line = checkpoints.proof(session, next(verify_trail.read(since), None), line)
    if output is not None:
        output.write_text(json.dumps(line, ensure_ascii=False) + "\n", "utf-8")


@audit.command("timestamp")
@click.argument("number", type=int)
@click.option(
    "--request", type=click.Path(path_type=Path), help="Write the request here, to be carried to the authority."
)
@click.option("--reply", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Take in its reply.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the latest timestamp here.")
@click.pass_obj
def audit_timestamp(
    settings: Settings, number: int, request: Path | None, reply: Path | None, output: Path | None
) -> None:
    """Get the timestamp (RFC 3161) of checkpoint NUMBER: from the service that is set, or by hand as files."""
    from decision_flow import time_authority, timestamps

    database = open_database(settings)
    if request is not None:
        with database.transaction(read_only=True) as session:
            request.write_bytes(timestamps.request(timestamps.point(session, number)))
    if reply is not None:
        with database.transaction() as session:
            timestamps.take(session, number, reply.read_bytes()[: timestamps.LARGEST + 1], operator())
    elif request is None and output is None:
        if not settings.tsa_url:
            raise click.UsageError("没有设置时间戳服务（tsa_url），请用 --request 导出请求、用 --reply 导入答复。")
        time_authority.ask(database, settings, number)
    with database.transaction(read_only=True) as session:
        stamps = timestamps.point(session, number).stamps
    for stamp in stamps:
        click.echo(f"{stamp.stamped_at.isoformat()} {stamp.source}".rstrip())
    if output is not None and stamps:
        output.write_bytes(base64.b64decode(stamps[-1].reply))


@audit.command("export")
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "csv", "xlsx", "xes", "ocel", "pdf", "package"]), default="jsonl"
)
@click.option("--matter", type=int, help="Only events of this matter (id).")
@click.option("--person", type=int, help="Only what this person did (id).")
@click.option("--rule", default="", help="Only events under this rule, such as R-15b.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Up to and including this day.")
@click.option("--resume", is_flag=True, help="Go on with an export of jsonl or csv that was broken off.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def audit_export(
    settings: Settings,
    kind: str,
    matter: int | None,
    person: int | None,
    rule: str,
    first: datetime | None,
    last: datetime | None,
    resume: bool,
    output: Path,
) -> None:
    """Export the trail. JSON Lines without a filter is the trail that can be verified; the export is recorded."""
    from decision_flow import audit as trail
    from decision_flow import trail_exports

    filters = trail_exports.Filters(matter, person, rule, first and first.date(), last and last.date())
    asked = {"format": kind, "matter": matter, "person": person, "rule": rule}
    days = {"from": first.date().isoformat() if first else None, "to": last.date().isoformat() if last else None}
    if resume and kind not in trail_exports.LINES:
        raise click.UsageError("只有 jsonl 和 csv 的导出可以继续。")
    of_matter = kind in ("pdf", "package")
    if of_matter and (matter is None or filters != trail_exports.Filters(matter_id=matter)):
        raise click.UsageError("pdf 和 package 是一个事项的全过程记录，请用 --matter 指定，不能再加其他条件。")
    database = open_database(settings)
    with database.transaction() as session:
        _refuse_unknown(session, filters)
        name = trail.EventName.TRAIL_EXPORTED
        trail.append(session, trail.TRAIL, name, actor=operator(), facts={**asked, **days}, rules=["R-08b"])
    with database.snapshot() as session:
        if of_matter:
            count = _export_matter(session, settings, kind, matter or 0, output)
        else:
            count = _export(session, kind, filters, output, resume)
    click.echo(f"已导出{count}{'个文件' if of_matter else '条'}：{output}")


def _refuse_unknown(session: Session, filters: Filters) -> None:
    """Refuse what cannot be meant: an empty export would look like a proof that nothing happened."""
    from sqlalchemy import exists, select

    from decision_flow import rules
    from decision_flow.models import Matter, TrailMention, User

    if filters.are_backwards:
        raise click.UsageError(f"--from {filters.first} 晚于 --to {filters.last}，请把两个日期对调。")
    for option, kind, model, number in (
        ("--matter", "事项", Matter.id, filters.matter_id), ("--person", "人员", User.id, filters.person_id),
    ):  # fmt: skip
        # No column holds a greater number.
        if number is not None and not (0 < number < 2**31 and session.scalar(select(model).where(model == number))):
            raise click.UsageError(f"没有编号为{number}的{kind}，请核对 {option}。")
    mentioned = select(exists().where(TrailMention.value == filters.rule))
    if filters.rule and filters.rule not in {rule.id for rule in rules.all_rules()} and not session.scalar(mentioned):
        raise click.UsageError(f"没有编号为“{filters.rule}”的规则，请核对 --rule（例如 R-15b）。")


def _export_matter(session: Session, settings: Settings, kind: str, matter_id: int, output: Path) -> int:
    from decision_flow import checkpoints, matter_records, packages
    from decision_flow.documents import FileStore
    from decision_flow.whole_files import whole

    with whole(output) as part:
        if kind == "pdf":
            part.write_bytes(matter_records.pdf(session, matter_id))
            return 1
        files, key = FileStore(settings.folder / "files"), checkpoints.signing_key(settings.folder)
        return packages.write(session, files, key, matter_id, part, lambda n: click.echo(f"已写出{n}个文件…", err=True))


def _export(session: Session, kind: str, filters: Filters, output: Path, resume: bool) -> int:
    """Write the export; its progress goes to the terminal's other stream."""
    from decision_flow import checkpoints, trail_exports
    from decision_flow.whole_files import whole

    def tick(count: int) -> None:
        if count % 20_000 == 0:
            click.echo(f"已写出{count}条…", err=True)

    if kind in trail_exports.LINES:
        is_trail = kind == "jsonl" and filters.are_empty
        pieces = partial(checkpoints.pieces, session) if is_trail else trail_exports.pieces(session, filters, kind)
        asked, begin = f"{kind} {filters}", partial(checkpoints.beginning, session)
        return trail_exports.write_resumable(output, asked, begin, pieces, resume=resume, tick=tick)
    with whole(output) as part:
        return trail_exports.WRITERS[kind](session, filters, part, tick)


@audit.command("certificate")
@click.option("--matter", type=int, required=True, help="The matter (id).")
@click.option("--person", type=int, required=True, help="The member (id).")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.pass_obj
def audit_certificate(settings: Settings, matter: int, person: int, output: Path) -> None:
    """Write the certificate of a member who dissented (Art. 38), with its evidence; exit status 2 for who did not."""
    from decision_flow.auditing import certificates

    with open_database(settings).transaction() as session:
        found = certificates.made(session, matter, person)
        certificates.note_issued(session, operator(), found)
        output.write_text(certificates.as_html(found), "utf-8")
    click.echo(f"已出具：{output}")
