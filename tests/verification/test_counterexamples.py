"""Each rule has a wrong and a right model, a page with their pictures, and the command line reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from decision_flow import verification
from decision_flow.cli import main
from decision_flow.engine.markup import camunda, parse_xml
from scripts.diagrams import pictures
from scripts.diagrams.pictures import FOLDER, PAGES, counterexample

RULES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
SOUNDNESS = {"deadlock", "lack_of_synchronisation", "cannot_finish", "dead_element"}


def test_every_rule_has_its_models_and_its_page() -> None:
    files = {path.stem for path in Path(verification.__file__).parent.glob("rules/*.py")} - {"__init__", "soundness"}
    assert set(RULES) == files | SOUNDNESS
    index = (PAGES / "README.md").read_text("utf-8")
    for rule in RULES:
        page = (PAGES / f"{rule}.md").read_text("utf-8")
        assert f"{rule}-wrong.svg" in page and f"{rule}-right.svg" in page and "**To mend.**" in page
        assert f"({rule}.md)" in index


@pytest.mark.parametrize("rule", RULES)
def test_the_wrong_model_fails_with_exactly_its_rule_and_the_right_one_passes(rule: str) -> None:
    _, report = counterexample(FOLDER / rule, "wrong")
    assert {found.rule for found in report.findings} == {rule}
    assert report.verdict == (
        "lawful" if rule == "labelled" else "unsound" if rule in SOUNDNESS | {"connected"} else "unlawful"
    )
    _, report = counterexample(FOLDER / rule, "right")
    assert report == verification.Report("lawful")


@pytest.mark.parametrize("rule", RULES)
def test_the_command_line_reads_them(rule: str) -> None:
    own = FOLDER / rule / "policy.toml"
    given = ["--policy", str(own)] if own.is_file() else []
    for side, expected in (("wrong", int(rule != "labelled")), ("right", 0)):
        told = CliRunner().invoke(main, ["procedures", "verify", str(FOLDER / rule / f"{side}.bpmn"), *given])
        assert told.exit_code == expected, told.output
        assert (f"[{rule}]" in told.output) is (side == "wrong")


def test_the_pictures_are_those_of_the_models() -> None:
    drawn = dict(pictures.pictures())
    assert set(drawn) == set(PAGES.glob("*.svg"))
    for path, text in drawn.items():
        assert path.read_text("utf-8") == text, f"{path.name}: python -m scripts.diagrams.pictures"
        etree.fromstring(text)
        assert len(text) < 9_000


def test_the_models_are_told_in_chinese_and_drawn() -> None:
    for path in sorted(FOLDER.glob("*/*.bpmn")):
        tree = parse_xml(path.name, path.read_bytes())
        names = [node.get("name") for node in tree.iter("{*}userTask", "{*}startEvent", "{*}endEvent")]
        if path.parent.name != "labelled" or path.stem == "right":
            assert all(name and re.search(r"[\u4e00-\u9fff]", name) for name in names), path
        assert all(camunda(node, "candidateGroups") for node in tree.iter("{*}userTask"))
        drawn = {shape.get("bpmnElement") for shape in tree.iter("{*}BPMNShape", "{*}BPMNEdge")}
        nodes = tree.iter("{*}sequenceFlow", "{*}userTask", "{*}exclusiveGateway", "{*}startEvent", "{*}boundaryEvent")
        assert {node.get("id") for node in nodes} <= drawn
