"""A file that is given alone: what it calls is found beside it, a part is judged as one, nothing else is read."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from decision_flow.cli import main
from decision_flow.resources import BPMN
from decision_flow.verification import policy
from tests.drawing import Drawing

PROCEDURES = BPMN / "procedures"
SHIPPED = sorted(PROCEDURES.glob("*/*.bpmn"))
REVIEW = '[[require]]\nstep = "legality_review"\nbefore = "collective_discussion"\nbasis = "B"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a procedure in three files; the working directory is another."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "rule.toml").write_text(REVIEW)
    here = tmp_path / "here"
    here.mkdir()
    put(here / "main.bpmn", outer())
    put(here / "review.bpmn", Drawing("review").start("s").user("r", step="legality_review").end("e"), "s", "r", "e")
    decide = Drawing("decide").start("s2").user("d", step="collective_discussion").end("e2")
    put(here / "decide.bpmn", decide, "s2", "d", "e2")
    return here


def outer(first: str = "review") -> Drawing:
    drawing = Drawing("main").start().call("c", first).call("k", "decide").end()
    return drawing.chain("start", "c", "k", "end")


def put(path: Path, drawing: Drawing, *chain: str) -> None:
    path.write_bytes((drawing.chain(*chain) if chain else drawing).xml())


def ask(*given: object) -> tuple[int, list[dict[str, Any]]]:
    answer = CliRunner().invoke(main, ["procedures", "verify", *map(str, given), "--format", "json"])
    assert answer.exit_code in (0, 1), answer.output
    return answer.exit_code, json.loads(answer.output)


def verdicts(*given: object) -> list[tuple[str, str, str]]:
    return [(Path(each["file"]).name, each["process"], each["verdict"]) for each in ask(*given)[1]]


@pytest.mark.parametrize("name", policy.policies())
def test_every_shipped_file_is_lawful_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--policy", name if name == policy.DECREE else BPMN / "policies" / f"{name}.toml"]
    for file in SHIPPED:
        assert ask(file, *given) == (
            0,
            [{"file": str(file), "process": file.stem, "verdict": "lawful", "findings": []}],
        )


def test_all_shipped_files_are_lawful_together_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROCEDURES / "decision_adjustment", tmp_path / "copied")
    assert [each["verdict"] for each in ask(tmp_path / "copied")[1]] == ["lawful"]
    monkeypatch.chdir(PROCEDURES)
    files = [path.relative_to(PROCEDURES) for path in SHIPPED]
    for given in (random.Random(7).sample(files, len(files)), ["."]):
        code, told = ask(*given)
        assert code == 0 and sorted(each["process"] for each in told) == sorted({path.parent.name for path in SHIPPED})


def test_what_a_file_calls_is_found_beside_it_and_nowhere_else(folder: Path) -> None:
    rule = ("--policy", folder.parent / "rule.toml")
    assert verdicts(folder / "main.bpmn", *rule) == [("main.bpmn", "main", "lawful")]
    inside = folder / "inside"
    inside.mkdir()
    shutil.move(folder / "review.bpmn", inside)
    code, [told] = ask(folder / "main.bpmn", *rule)
    [found] = told["findings"]
    assert (code, told["verdict"], found["rule"], found["element"]) == (1, "unsupported", "executable", "c")
    assert "“review”找不到" in found["message"] and "同一文件夹" in found["message"]
    (folder / "review.bpmn").symlink_to(inside / "review.bpmn")
    assert verdicts(folder / "main.bpmn", *rule) == [("main.bpmn", "main", "unsupported")]
    # Whoever gives it says that it is meant, wherever it lies.
    assert verdicts(folder / "main.bpmn", inside / "review.bpmn", *rule) == [("main.bpmn", "main", "lawful")]


def test_a_part_answers_for_what_lies_in_it_and_runs_through_it(folder: Path) -> None:
    rule = ("--policy", folder.parent / "rule.toml")
    for name in ("review", "decide"):
        assert verdicts(folder / f"{name}.bpmn", *rule) == [(f"{name}.bpmn", name, "lawful")]
    round_it = Drawing("review").start("s").xor("g").user("r", step="legality_review").xor("m").end("e")
    put(
        folder / "review.bpmn",
        round_it.chain("s", "g").flow("g", "r", "x", "办").flow("g", "m", "else", "免"),
        "r",
        "m",
        "e",
    )
    for name in ("main", "review", "decide"):
        code, [told] = ask(folder / f"{name}.bpmn", *rule)
        [found] = told["findings"]
        assert (code, told["process"], told["verdict"]) == (1, name, "unlawful")
        assert (found["rule"], found["element"]) == ("step_unavoidable", "d") and "g" in found["counterexample"]
        assert ("画在" in found["message"]) is (name != "decide")
    (folder / "main.bpmn").unlink()
    assert verdicts(folder / "decide.bpmn", *rule) == [("decide.bpmn", "decide", "unlawful")]
    assert verdicts(folder / "decide.bpmn", "--soundness-only") == [("decide.bpmn", "decide", "lawful")]


def test_two_files_that_hold_what_is_called_are_named_and_the_given_one_is_meant(folder: Path) -> None:
    rule = ("--policy", folder.parent / "rule.toml")
    shutil.copy(folder / "review.bpmn", folder / "review (2).bpmn")
    code, [told] = ask(folder / "main.bpmn", *rule)
    assert (code, told["verdict"]) == (1, "unsupported")
    [found] = told["findings"]
    assert found["element"] == "c" and "review (2).bpmn、" in found["message"]
    assert verdicts(folder / "main.bpmn", folder / "review.bpmn", *rule) == [("main.bpmn", "main", "lawful")]
    assert verdicts(folder / "review (2).bpmn", *rule) == [("review (2).bpmn", "review", "lawful")]
    again = [folder / "main.bpmn", folder / "review.bpmn", folder / ".." / "here" / "main.bpmn"]
    assert verdicts(*again, *rule) == [("main.bpmn", "main", "lawful")]


def test_a_broken_neighbour_says_nothing_and_a_round_of_calls_is_told(folder: Path) -> None:
    (folder / "broken.bpmn").write_text("review decide <")
    assert verdicts(folder / "main.bpmn", "--policy", folder.parent / "rule.toml")[0][2] == "lawful"
    put(folder / "review.bpmn", Drawing("review").start("s").call("back", "main").end("e"), "s", "back", "e")
    told = verdicts(folder / "main.bpmn", folder / "review.bpmn", folder / "decide.bpmn")
    assert [(process, verdict) for _, process, verdict in told] == [("main", "unsupported")]
    answer = CliRunner().invoke(main, ["procedures", "verify", str(folder.parent / "elsewhere")])
    assert answer.exit_code == 2 and "没有流程" in answer.output


def test_forms_and_tables_that_lie_beside_come_first(folder: Path) -> None:
    drawing = Drawing("p").start().user("t", form="F-901").rule("k", "D-901", "level").xor("g").end().end("end2")
    drawing.flow("g", "end", "else", "否").flow("g", "end2", "F901.agreed and level.grade == 'high'", "是")
    put(folder / "p.bpmn", drawing, "start", "t", "k", "g")
    assert ask(folder / "p.bpmn")[1][0]["findings"] == []
    form = 'id = "F-901"\ntitle = "甲"\n[[fields]]\nname = "{}"\ntype = "bool"\nlabel = "乙"\n'
    (folder / "F-901.toml").write_text(form.format("other"))
    code, [told] = ask(folder / "p.bpmn")
    assert (code, told["verdict"], [each["rule"] for each in told["findings"]]) == (1, "unlawful", ["expression_typed"])
    (folder / "F-901.toml").write_text(form.format("agreed"))
    shipped = (BPMN / "decision-tables/D-06-hearing.dmn").read_text("utf-8")
    (folder / "own.dmn").write_text(shipped.replace('id="D-06"', 'id="D-901"'))
    code, [told] = ask(folder / "p.bpmn")
    assert code == 1 and "“level”没有“grade”" in told["findings"][0]["message"]
