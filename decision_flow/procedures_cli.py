"""`decision-flow procedures`: judge procedures from the command line, before or without a database."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decision_flow.errors import N_, DecisionFlowError, Invalid
from decision_flow.policies import DECREE

if TYPE_CHECKING:
    from decision_flow.importing import Converted, Note
    from decision_flow.verification import Finding, Report
    from decision_flow.verification.gathering import Case


@click.group()
def procedures() -> None:
    """Procedures."""


@procedures.command("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--policy", "policy_name", default=DECREE, help="A shipped policy's name, or a TOML file.")
@click.option("--soundness-only", is_flag=True, help="Judge only whether it can always run to its end.")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text")
def verify(files: tuple[Path, ...], policy_name: str, soundness_only: bool, shape: str) -> None:
    """Judge FILES (.bpmn, bundle folders or ZIPs): exit 0 when all are lawful, 1 when not, 2 when unreadable."""
    from decision_flow import loose_files
    from decision_flow.verification import policy

    try:
        chosen = policy.load(policy_name)
        answers = [(case, case.judge(chosen, soundness_only=soundness_only)) for case in loose_files.cases(files)]
    except DecisionFlowError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if shape == "json":
        click.echo(json.dumps([_told(case, report) for case, report in answers], ensure_ascii=False, indent=1))
    else:
        for case, report in answers:
            click.echo(f"{case.file} {case.bundle.main}: {report.verdict}")
            for finding in report.findings:
                basis = f" ({finding.basis})" if finding.basis else ""
                click.echo(f"  [{finding.rule}] {finding.element}: {_message(case, finding)}{basis}")
    sys.exit(0 if all(report.verdict == "lawful" for _, report in answers) else 1)


@procedures.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Convert every .bpmn below a folder and count; write nothing.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the converted file goes.")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text")
def import_(path: Path, check: bool, output: Path | None, shape: str) -> None:
    """Make a diagram of another tool ours, listing what changes: exit 0, 1 when refused, 2 when unreadable."""
    if check:
        _check_folder(path, shape)
        return
    from decision_flow import importing

    try:
        converted = importing.convert(path.name, path.read_bytes())
    except OSError as error:
        raise Invalid(N_("文件“%(name)s”读不出来：%(reason)s"), name=str(path), reason=error.strerror) from error
    if shape == "json":
        click.echo(json.dumps(_notes(converted), ensure_ascii=False, indent=1))
    else:
        for note in converted.notes:
            click.echo(f"{note.fate} {note.element}: {note.text}")
    if not converted.refused and output is not None:
        output.write_bytes(converted.xml)
    sys.exit(1 if converted.refused else 0)


def _check_folder(folder: Path, shape: str) -> None:
    """Print for every file whether it is converted or refused, by which element, and the counts by reason."""
    from decision_flow import importing

    if not folder.is_dir():
        click.echo(f"{folder}：不是文件夹", err=True)
        sys.exit(2)
    files: list[dict[str, object]] = []
    refusals: dict[str, tuple[Note, ...]] = {}
    reasons: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.bpmn")):
        name = str(path.relative_to(folder))
        try:
            converted = importing.convert(path.name, path.read_bytes())
        except (OSError, DecisionFlowError) as error:
            refusals[name] = (importing.Note(name, importing.Fate.REFUSED, str(error)),)
            files.append({"file": name, "verdict": "refused", "notes": [{"element": name, "message": str(error)}]})
            reasons["文件读不出来或者不安全"] += 1
            continue
        verdict = "refused" if converted.refused else "converted"
        files.append({"file": name, "verdict": verdict, **_notes(converted)})
        refusals[name] = converted.refused
        for message in {re.sub(r"“.*?”|\d+", "…", note.text) for note in converted.refused}:
            reasons[message] += 1
    verdicts = Counter(str(file["verdict"]) for file in files)
    told = {"total": len(files), **verdicts, "reasons": dict(reasons.most_common())}
    if shape == "json":
        click.echo(json.dumps({"files": files, **told}, ensure_ascii=False, indent=1))
        return
    for file in files:
        click.echo(f"{file['verdict']} {file['file']}")
        for note in refusals[str(file["file"])]:
            click.echo(f"  {note.element}: {note.text}")
    click.echo(f"共{len(files)}个：转换{verdicts['converted']}个，拒绝{verdicts['refused']}个")
    for message, count in reasons.most_common():
        click.echo(f"  {count} {message}")


def _notes(converted: Converted) -> dict[str, object]:
    return {
        "kept": converted.kept,
        "notes": [{"element": note.element, "fate": note.fate.value, "message": note.text} for note in converted.notes],
    }


def _told(case: Case, report: Report) -> dict[str, object]:
    keys = ("rule", "severity", "element", "message", "basis")
    return {
        "file": case.file,
        "process": case.bundle.main,
        "verdict": report.verdict,
        "findings": [
            {key: getattr(found, key) for key in keys}
            | {"message": _message(case, found), "counterexample": list(found.counterexample)}
            for found in report.findings
        ],
    }


def _message(case: Case, found: Finding) -> str:
    """Return what is found; of what lies in a called process also where that is drawn."""
    where = case.where(found.element)
    return f"{found.message}（画在 {where}）" if where else found.message
