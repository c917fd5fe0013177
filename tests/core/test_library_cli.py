"""The library at the command line: lists, packages, comparison, and publication through the gate of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from decision_flow import demo
from decision_flow.cli import main
from decision_flow.db import Database
from decision_flow.modelling import archive, sources
from decision_flow.models import AuditEvent
from decision_flow.resources import BPMN
from tests.core.test_modelling import walk

RUN = Callable[..., Result]
MAJOR = str(BPMN / "procedures/major_decision")


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RUN:
    monkeypatch.chdir(tmp_path)
    given = {
        "DECISION_FLOW_DATABASE_URL": database.url, "DECISION_FLOW_SECRET_KEY": "k" * 40, "DECISION_FLOW_DEMO": "true",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return lambda *words, typed="": CliRunner().invoke(main, list(words), input=typed)


def test_the_list_tells_versions_drafts_and_use(run: RUN) -> None:
    told = run("procedures", "list")
    assert told.exit_code == 0, told.output
    assert "major_decision\tv1\tIN_FORCE\t0\t重大行政决策程序" in told.output


def test_a_version_goes_out_as_the_package_of_the_page_and_that_is_recorded(run: RUN, database: Database) -> None:
    told = run("procedures", "export", "post_evaluation", "-o", "x.zip")
    assert told.exit_code == 0, told.output
    assert archive.unpack(Path("x.zip").read_bytes()).key == "post_evaluation"
    with database.transaction(read_only=True) as session:
        event = session.query(AuditEvent).filter_by(event="procedure.exported").one()
        assert "命令行·" in event.canonical
    assert run("procedures", "export", "none", "-o", "y.zip").exit_code == 2
    assert run("procedures", "diff", "post_evaluation@1", "x.zip").output == "没有改动。\n"


def test_differences_are_told_in_words(run: RUN) -> None:
    source = sources.template("local_decision")
    changed = source.bundle.bpmn["local_decision.bpmn"].decode().replace('name="拟订草案"', 'name="起草方案"')
    renamed = type(source)(
        source.key, source.title, "", source.start_form,
        type(source.bundle)(source.bundle.main, {"local_decision.bpmn": changed.encode()}, source.bundle.dmn, source.bundle.forms),
    )  # fmt: skip
    Path("after.zip").write_bytes(archive.pack(renamed))
    told = run("procedures", "diff", str(BPMN / "templates/local_decision"), "after.zip")
    assert told.exit_code == 1 and "~ 环节“起草方案”" in told.output and "名称：拟订草案 → 起草方案" in told.output
    for wrong in ("none", "major_decision@x", "major_decision@9"):
        assert run("procedures", "diff", wrong, "after.zip").exit_code == 2


def test_a_draft_is_published_by_a_second_person_through_the_gate_alone(run: RUN, database: Database) -> None:
    Path("p.zip").write_bytes(archive.pack(sources.template("local_decision")))
    wrong = run("procedures", "draft", "p.zip", "--as", "dengjie", typed="nonsense\n")
    assert wrong.exit_code == 2 and "不正确" in wrong.output
    made = run("procedures", "draft", "p.zip", "--as", "dengjie", typed=f"{demo.PASSWORD}\n")
    assert made.exit_code == 0, made.output
    number = int(made.output.split("草案")[1].split("：")[0])
    publish = ("procedures", "publish", str(number), "--revision", "1", "--as")
    own = run(*publish, "dengjie", typed=f"{demo.PASSWORD}\n")
    assert own.exit_code == 2, own.output
    early = run(*publish, "qiaolin", typed=f"{demo.PASSWORD}\n")
    assert early.exit_code == 2 and "还有结局没有试走到" in early.output
    walk(database, number)
    done = run(*publish, "qiaolin", typed=f"{demo.PASSWORD}\n")
    assert done.exit_code == 0 and "已发布为第1版并生效" in done.output, done.output
    again = run(*publish, "qiaolin", typed=f"{demo.PASSWORD}\n")
    assert again.exit_code == 2 and "已经发布" in again.output


def test_a_foreign_diagram_becomes_a_draft_and_says_what_changed(run: RUN, database: Database) -> None:
    space = 'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    inside = '<startEvent id="s"/><userTask id="t"/><endEvent id="e"/>'
    flows = '<sequenceFlow id="a" sourceRef="s" targetRef="t"/><sequenceFlow sourceRef="t" targetRef="e"/>'
    Path("x.bpmn").write_text(
        f'<definitions {space}><process id="leave" name="请假">{inside}{flows}</process></definitions>'
    )
    told = run("procedures", "draft", "x.bpmn", "--as", "dengjie", typed=f"{demo.PASSWORD}\n")
    assert told.exit_code == 0 and "没有岗位" in told.output and "：请假" in told.output
    Path("y.bpmn").write_text("<x/>")
    assert run("procedures", "draft", "y.bpmn", "--as", "dengjie", typed=f"{demo.PASSWORD}\n").exit_code == 2
