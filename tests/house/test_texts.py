"""Every text that a reader may see has its English, and every form says everything twice."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.pofile import read_po

from decision_flow.forms import Field, Form
from decision_flow.resources import BPMN
from tests.house.texts import ROOT, everything
from web.language import CATALOGUES, english

FORMS = sorted((BPMN / "forms").glob("*.toml"))


@pytest.mark.parametrize("text", everything())
def test_the_text_is_translated(text: str) -> None:
    found = english().gettext(text)
    assert found != text, text
    assert sorted(re.findall(r"%\(\w+\)s|%s", found)) == sorted(re.findall(r"%\(\w+\)s|%s", text))
    assert not re.search(r"[\u4e00-\u9fff]", found)


def test_a_text_stands_in_one_catalogue() -> None:
    ids = [
        text
        for path in sorted(CATALOGUES.glob("*.po"))
        for text in re.findall(r'^msgid "(.+)"$', path.read_text("utf-8"), re.M)
    ]
    assert [text for text, count in Counter(ids).items() if count > 1] == []


def test_no_translation_outlives_its_text() -> None:
    sources = [
        path
        for folder in ("bpmn", "decision_flow", "web")
        for kind in ("*.py", "*.toml")
        for path in (ROOT / folder).rglob(kind)
    ]
    # Some are said by a table rather than where they stand.
    told = {*everything(), ""}
    written = "\n".join(path.read_text("utf-8") for path in sources if "assets" not in path.parts)
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as file:
            assert [one.id for one in read_po(file) if one.id not in told and str(one.id) not in written] == [], (
                path.name
            )


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_the_form_is_complete_in_both_languages(path) -> None:
    form = Form.parse(path.read_bytes())
    assert form.id == path.stem
    assert form.title_en and form.basis

    def check(field: Field) -> None:
        assert field.label and field.label_en, field.name
        assert bool(field.help) == bool(field.help_en), field.name
        for option in field.options:
            assert option.label and option.label_en, (field.name, option.value)
        for column in field.columns:
            check(column)

    for field in form.fields:
        check(field)
    for entry in form.checks:
        assert entry.message and entry.message_en


@pytest.mark.parametrize("path", sorted((ROOT / "web/templates").rglob("*.html")), ids=lambda path: path.stem)
def test_a_template_says_nothing_in_chinese_only(path) -> None:
    """Marks between the parts of a list are words too: 、 is a comma in English."""
    written = re.sub(r"\{#.*?#\}|中文", "", path.read_text("utf-8"), flags=re.S)
    written = re.sub(r"' if language\(\) == 'en' else '[“”。]", "", written)
    assert re.findall(r"[\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e]+", re.sub(r"_\('[^']*'", "", written)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "web/templates").rglob("*.html")), ids=lambda path: path.stem)
def test_a_template_fills_a_text_where_it_looks_it_up(path) -> None:
    """`_()` fills at once, also from nothing: what would be filled after it has failed by then."""
    assert not re.search(r"\b_\([^()]*\)\s*\|\s*format", path.read_text("utf-8"))
