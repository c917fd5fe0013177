"""Printing: every shipped form on paper, Chinese set as Chinese, and templates that cannot do more than print."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import docx
import pytest

from decision_flow.errors import Invalid
from decision_flow.forms import Form
from decision_flow.printing import check_template, default_template, layout_of, printed, render
from decision_flow.prints import _example, _on_paper
from decision_flow.resources import BPMN

FORMS = {path.stem: Form.parse(path.read_bytes()) for path in sorted((BPMN / "forms").glob("*.toml"))}
HEAD: dict[str, Any] = {
    "title": "会议记录", "basis": "条例第三十条", "organ": "清河镇人民政府", "number": "ZD-2026-0001", "matter": "农村公路改造工程",
    "unit": "规划办", "filled_as": "党政办·林悦", "date": "2026年5月8日", "marks": (), "digest": "0" * 16,
    "printed_at": "2026年5月8日9:30",
}  # fmt: skip


def texts(content: bytes) -> str:
    return "".join(
        part.text or "" for part in docx.Document(io.BytesIO(content)).element.iter() if part.tag.endswith("}t")
    )


def template(*paragraphs: str) -> bytes:
    document, target = docx.Document(), io.BytesIO()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(target)
    return target.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_prints_by_its_default(form: str) -> None:
    told = _example(FORMS[form])
    content = render(default_template(layout_of(form)), told.context())
    said = texts(content)
    assert "{" not in said and FORMS[form].title in said
    for field in FORMS[form].fields:
        assert field.label in said, field.name
        for column in field.columns:
            assert column.label in said


def test_answers_are_said_in_words_and_nothing_breaks_the_file() -> None:
    answers = {
        "meeting_no": "第<3>次 & 会", "held_at": "2026-05-08T09:30:00+08:00", "members_total": 7, "decision": "approved",
        "implementing_unit_id": 4, "deviation": False, "uu_report": "第一行\n第二行",
        "attendance": [{"person": "孙丽", "status": "present", "recused": False}],
    }  # fmt: skip
    told = printed(FORMS["F-15"], answers, lambda target, value: f"{target}#{value}", **HEAD)
    assert told.fields["held_at"] == "2026年5月8日9:30" and told.fields["decision"] == "通过"
    assert told.fields["implementing_unit_id"] == "organisation#4" and told.fields["members_total"] == "7人"
    assert told.sections[0].tables[0].rows == (("孙丽", "出席", "否", ""),)
    said = texts(render(default_template("document"), told.context()))
    assert "第<3>次 & 会" in said and "第二行" in said and "孙丽" in said
    assert "{{ 7*7 }}" in texts(
        render(default_template("form"), printed(FORMS["F-15"], {"place": "{{ 7*7 }}"}, str, **HEAD).context())
    )


@pytest.mark.parametrize("layout", ["form", "document", "notice"])
def test_chinese_is_set_as_chinese(layout: str) -> None:
    with zipfile.ZipFile(io.BytesIO(default_template(layout))) as archive:
        styles, body = archive.read("word/styles.xml").decode(), archive.read("word/document.xml").decode()
    assert 'w:eastAsia="en-US"' not in styles and styles.count('w:eastAsia="zh-CN"') >= 2
    assert 'w:eastAsia="仿宋_GB2312"' in styles and 'w:eastAsia="方正小标宋简体"' in body
    page = docx.Document(io.BytesIO(default_template(layout))).sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)


@pytest.mark.parametrize("layout", ["form", "document", "notice"])
def test_the_defaults_pass_the_check_that_an_office_must(layout: str) -> None:
    check_template(default_template(layout), _example(FORMS["F-15"]).context())
    check_template(template("{{ title }}", "{{ fields.decision }}"), _example(FORMS["F-15"]).context())


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        (template("{{ fields.__class__.__mro__ }}"), "不能使用"),
        (template("{{ ''.__class__.__base__.__subclasses__() }} {{ fields }}"), "不能使用"),
        (template("{{ fields.items() }}"), "不能使用"),
        (template("{{ title * 1000000000 }} {{ fields.a }}"), "不能使用"),
        (template("{{ '%01000000000d' % 1 }} {{ fields.a }}"), "不能使用"),
        (template("{{ title.format(1) }} {{ fields.a }}"), "不能使用"),
        (template("{{ title|center(1000000000) }} {{ fields.a }}"), "不能使用"),
        (template("{% include '/etc/passwd' %} {{ fields.a }}"), "只能使用"),
        (template("{% macro x() %}{% endmacro %}{{ fields.a }}"), "只能使用"),
        (template("{% set x = fields %}{{ x }}"), "只能使用"),
        (template("{{ secret_key }} {{ fields.a }}"), "没有的内容：secret_key"),
        (template("{{ config }} {{ fields.a }}"), "没有的内容：config"),
        (template("{% for i in range(9) %}{{ i }}{% endfor %}{{ fields.a }}"), "没有的内容：range"),
        (template("{% for a in sections %}" * 5 + "x" + "{% endfor %}" * 5), "套得太深"),
        (template("{{ title }}"), "空白"),
        (template("{{ fields.a "), "不能使用"),
        (b"PK\x03\x04not a word file", "不能使用"),
        (b"x" * (6 * 1024 * 1024), "过大"),
    ],
)  # fmt: skip
def test_a_template_cannot_do_more_than_print(hostile: bytes, why: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_template(hostile, _example(FORMS["F-15"]).context())
    assert why in str(refusal.value)


def test_a_notice_stands_under_its_own_title() -> None:
    answers = {"title": "关于公开征求意见的公告", "body": "拟加宽路面。", "purpose": "会车困难。"}
    told = _on_paper(printed(FORMS["F-22"], answers, str, **HEAD))
    assert layout_of("F-22") == "notice" and told.title == "关于公开征求意见的公告"
    said = texts(render(default_template("notice"), told.context()))
    assert said.count("关于公开征求意见的公告") == 1 and "农村公路改造工程" not in said
    assert "为什么提出" in said and "会车困难。" in said and "清河镇人民政府" in said
    assert "草案要点：" not in said  # a text stands under its heading, a date beside its label
    met = {"meeting_no": "3", "attendance": [{"person": "孙丽", "status": "present", "recused": False}]}
    minutes = _on_paper(printed(FORMS["F-15"], met, str, **HEAD))
    assert minutes.title == "会议记录"
    assert minutes.sections[0].tables[0].columns == ("姓名", "出席", "是否回避")
