"""Forms as HTML: every control labelled, nothing typed lost, both languages, and what comes back from the page."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage, MultiDict

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Invalid
from decision_flow.expressions import compile_expression
from decision_flow.forms import Field, Form, holds
from decision_flow.resources import BPMN
from web import create_app, forms, presentation

FORMS = {path.stem: Form.parse(path.read_bytes()) for path in sorted((BPMN / "forms").glob("*.toml"))}
SCRIPT = Path(forms.__file__).parent / "assets/js/form.js"
CHOICES = {
    "organisation": [(4, "规划建设办"), (5, "财政所")],
    "user": [(7, "高建明")],
    "role:admin_head": [(7, "高建明")],
}
FILE = {"document_id": 3, "name": '草案"<b>.pdf', "sha256": "a" * 64, "size": 100}
Element = Any


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application without any data: forms need none."""
    folder = tmp_path_factory.mktemp("forms")
    settings = Settings.of({"data_dir": str(folder), "secret_key": "k" * 40})
    return create_app(settings, Database(f"sqlite:///{folder}/empty.db"))


@pytest.fixture(autouse=True)
def in_a_request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def draw(form: str | Form, values: dict[str, Any] | None = None, **options: Any) -> Element:
    found = FORMS[form] if isinstance(form, str) else form
    return lxml.html.fromstring(f"<main>{forms.render(found, values or {}, **options)}</main>")


def sample(field: Field) -> Any:
    values: dict[str, Any] = {
        "text": "文字<script>", "long": "第一行\n第二行", "int": 3, "number": 0.5, "money": "1200.00", "date": "2026-05-08",
        "datetime": "2026-05-08T09:30+08:00", "bool": True, "ref": CHOICES.get(field.ref, [(4, "")])[0][0], "file": FILE,
        "sign": {"kind": "attestation", "user_id": 7, "display": "镇长高建明", "at": "2026-05-08T09:30:00+08:00"},
    }  # fmt: skip
    if field.type == "enum":
        return field.values[0]
    if field.type == "multi":
        return [4] if field.ref else [field.values[0]]
    if field.type == "table":
        return [{column.name: sample(column) for column in field.columns}] * 2
    return [FILE] if field.multiple else values[field.type]


def full(form: Form) -> dict[str, Any]:
    return {field.name: sample(field) for field in form.fields}


# What went before decides whether some fields are drawn at all.
SHOWING = {
    "F-14": {"F13": {"conclusion": "lawful", "points": [{"no": 1}]}}, "F-42b": {"F42": {"kind": "personnel"}},
    "F-42f": {"F42": {"kind": "fund"}},
}  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_every_control_has_a_label_and_every_id_is_one(form: Form, lang: str) -> None:
    errors = {field.name: ["有误。"] for field in form.fields}
    errors |= {f"{field.name}.1.{column.name}": ["有误。"] for field in form.fields for column in field.columns}
    page = draw(form, full(form), errors=errors, choices=CHOICES, lang=lang, context=SHOWING.get(form.id, {}))
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {label.get("for") for label in page.iter("label")}
    controls = page.xpath("//input[not(@type='hidden')] | //select | //textarea | //output")
    for control in controls:
        label = next(iter(control.xpath("ancestor::label")), None)
        assert label is not None or control.get("id") in labelled, control.get("name")
        assert control.get("onclick") is None and control.get("style") is None
    for element in page.iter():
        for described in (element.get("aria-describedby") or "").split():
            assert described in ids, described
    for link in page.xpath("//*[@id='error-summary']//a"):
        assert link.get("href").removeprefix("#") in ids, link.get("href")
        assert link.text
    for group in page.iter("fieldset"):
        assert group[0].tag == "legend" and group[0].text_content().strip()
    assert not page.xpath("//script | //style")


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_english_pages_hold_no_chinese_of_the_form(form: Form, readonly: bool) -> None:
    context = {"F06": {"public_concern": True, "affects_specific_group": True}}
    page = draw(form, {}, lang="en", readonly=readonly, context=context)
    assert not re.findall(r"[\u4e00-\u9fff]+", page.text_content())
    assert not [value for value in page.xpath("//@aria-label | //@data-search") if re.search(r"[\u4e00-\u9fff]", value)]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_what_was_typed_comes_back_as_it_was(form: Form, lang: str) -> None:
    """Draw, send the page as it is, and read it again: the answers are the same."""
    values = full(form)
    page = draw(form, values, choices=CHOICES, lang=lang, context=SHOWING.get(form.id, {}))
    read, uploads = forms.read_submission(form, sent(page), MultiDict())
    assert uploads == []
    for field in form.fields:
        if field.auto:
            assert field.name not in read
        elif field.type != "sign" and not (field.ref and field.ref not in CHOICES):
            assert comparable(field, read[field.name]) == comparable(field, values[field.name]), field.name


def sent(page: Element) -> MultiDict[str, str]:
    """What a browser would send: successful controls only."""
    found: list[tuple[str, str]] = []
    for control in page.xpath("//input | //select | //textarea"):
        kind = control.get("type")
        if kind in ("file", "password") or (kind == "checkbox" and control.get("checked") is None):
            continue
        if control.tag == "select":
            chosen = control.xpath("option[@selected]/@value")
            found.append((control.get("name"), chosen[0] if chosen else ""))
        else:
            value = (control.text or "") if control.tag == "textarea" else control.get("value", "")
            found.append((control.get("name"), value))
    return MultiDict(found)


def comparable(field: Field, value: Any) -> Any:
    if field.type == "table":
        columns = [
            column for column in field.columns if not column.auto and not (column.ref and column.ref not in CHOICES)
        ]
        return [{column.name: comparable(column, row.get(column.name)) for column in columns} for row in value]
    if field.type == "file":
        return [entry["document_id"] for entry in (value if field.multiple else [value])]
    if field.type == "multi":
        return [str(entry) for entry in value]
    return str(value)[:16].lower() if field.type == "datetime" else str(value).lower()


def test_text_is_escaped() -> None:
    for readonly in (False, True):
        drawn = str(
            forms.render(
                FORMS["F-02"], {"necessity": "<script>alert(1)</script>", "report_file": FILE}, readonly=readonly
            )
        )
        assert "<script>alert" not in drawn and "<b>" not in drawn
        assert "&lt;script&gt;" in drawn


def test_errors_stand_beside_their_fields_and_in_the_summary() -> None:
    form = FORMS["F-06"]
    with pytest.raises(Invalid) as refusal:
        form.validate({"options": [{"option_code": "A"}], "has_major_disagreement": True})
    for lang, label, row in (("zh", "备选方案", "第1行"), ("en", "Options", "Row 1")):
        page = draw(form, {"options": [{"option_code": "A"}]}, errors=refusal.value.errors, lang=lang)
        cell = page.get_element_by_id("field-options-0-content")
        assert cell.get("aria-invalid") == "true"
        assert page.get_element_by_id("field-options-0-content-error").text_content().strip()
        (link,) = page.xpath("//*[@id='error-summary']//a[@href='#field-options-0-content']")
        assert label in link.text
        assert row.lower() in link.text.lower()
        assert page.get_element_by_id("field-single_option_reason-error") is not None


def test_a_refusal_is_told_in_the_readers_language_with_its_rule() -> None:
    form = FORMS["F-22"]
    with pytest.raises(Invalid) as refusal:
        form.validate(
            {"open_on": "2026-03-09", "close_on": "2026-03-09"}, context={"policy": {"public_comment_days": 30}}
        )
    english = draw(form, errors=refusal.value.errors, lang="en").get_element_by_id("field-close_on-error")
    assert english.text_content().strip() == "The period is wrong."
    reason = draw(form, errors=refusal.value.errors, lang="zh").get_element_by_id("field-short_reason_public-error")
    assert "（R-15b，条例第十五条）" in reason.text_content()


def test_a_number_that_is_none_is_shown_again() -> None:
    (box,) = draw("F-06", {"affected_people_count": "约三千"}).xpath("//input[@name='affected_people_count']")
    assert (box.get("type"), box.get("value")) == ("text", "约三千")
    (box,) = draw("F-06", {"affected_people_count": 3120}).xpath("//input[@name='affected_people_count']")
    assert (box.get("type"), box.get("value"), box.get("min")) == ("number", "3120", "0")


def test_a_form_comes_in_its_sections() -> None:
    page = draw("F-06", lang="en")
    assert page.xpath("//section/h2/text()") == [
        "The draft", "Options", "What settles the steps to follow", "Money, effects and targets",
    ]  # fmt: skip
    assert page.xpath("//section[1]//output/@id") == ["field-draft_version", "field-draft_sha256"]


def test_computed_fields_show_what_is_known_so_far() -> None:
    point = {"likelihood": 5, "impact": 5, "residual_likelihood": 1, "residual_impact": 1}
    page = draw("F-32", {"points": [point, {}]}, lang="zh")
    shown = [cell.text_content().strip() for cell in page.xpath("//span[contains(@class, 'df-auto')]")]
    assert shown == ["高", "低", "—", "—"]
    page = draw("F-03", {}, auto={"actor_id": 7}, choices=CHOICES)
    assert page.get_element_by_id("field-decided_by").text_content().strip() == "高建明"
    page = draw("F-18", {}, context={"F06": {"targets": [{"indicator": "改造里程", "target": "7.2"}]}})
    assert "改造里程" in page.get_element_by_id("field-targets").text_content()


def test_long_lists_can_be_searched() -> None:
    many = {"organisation": [(number, f"单位{number}") for number in range(1, 40)]}
    page = draw("F-03b", {"undertaking_units": [7]}, choices=many)
    assert page.xpath("//select[@name='lead_unit_id']/@data-search") == ["输入文字查找"]
    assert page.xpath("//div[@data-search]//input[@checked]/@value") == ["7"]
    assert not draw("F-03b", choices=CHOICES).xpath("//*[@data-search]")


def test_read_only_answers_are_words() -> None:
    values = FORMS["F-04"].validate(
        {
            "research_methods": ["field", "data"], "research_summary": "一\n二", "cost_benefit_needed": False,
            "not_needed_reason": "规模较小", "legal_basis": [{"title": "公路法", "effect": "authorises"}],
            "consulted_units": [{"unit_id": 5, "question": "资金"}],
        }
    )  # fmt: skip
    told = draw("F-04", values, choices=CHOICES, readonly=True, lang="zh")
    text = told.text_content()
    assert "实地调研" in text and "数据分析" in text and "授权" in text and "财政所" in text
    assert not told.xpath("//input | //select | //textarea | //button")
    assert "People and money" not in text
    signed = draw(
        "F-15s",
        {
            "signature": {
                "kind": "scan",
                "user_id": 7,
                "display": "镇长高建明",
                "at": "2026-05-08T01:30:00+00:00",
                "document_id": 9,
            }
        },
        readonly=True,
    )
    assert signed.xpath("//a/@href") == ["/documents/9"] and "镇长高建明 2026-05-08 09:30" in signed.text_content()
    assert "1,200.00 元" in draw("F-06", {"budget_amount": "1200.00"}, readonly=True, lang="zh").text_content()


def test_a_field_that_the_process_data_rule_out_is_not_drawn() -> None:
    form = Form.parse(
        b'id = "F-92"\ntitle = "x"\nfields = [{name = "a", label = "a", type = "text", visible_if = "context.F06.public_concern"}]'
    )
    assert draw(form, context={"F06": {"public_concern": True}}).xpath("//input")
    assert not draw(form, context={"F06": {"public_concern": False}}).xpath("//input")
    assert not draw(form).xpath("//input")


# --- reading back --------------------------------------------------------------------------------------


def rows(*codes: str) -> dict[str, str]:
    return {f"options-{number}-option_code": code for number, code in enumerate(codes)}


@pytest.mark.parametrize(
    ("pressed", "codes"),
    [
        ({}, ["A", "C"]),
        ({"_add": "options"}, ["A", "", "C", None]),
        ({"_add": "targets"}, ["A", "C"]),
        ({"_remove": "options-0"}, ["C"]),
        ({"_remove": "options-2"}, ["A"]),
        ({"_remove": "options-99"}, ["A", "C"]),
        ({"_remove": "options"}, ["A", "C"]),
        ({"_raise": "options-2"}, ["C", "A"]),
        ({"_raise": "options-0"}, ["A", "C"]),
        ({"_raise": "options-9²"}, ["A", "C"]),
    ],
)
def test_rows_are_added_moved_and_removed_without_script(pressed: dict[str, str], codes: list[str | None]) -> None:
    typed = MultiDict({**rows("A", "", "C"), "options-x-content": "?", "options-1-nothing": "?", **pressed})
    values, _ = forms.read_submission(FORMS["F-06"], typed, MultiDict())
    assert [row.get("option_code") for row in values["options"]] == codes
    assert forms.changes_rows(typed) == bool(pressed)


def test_rows_keep_their_order_and_are_not_without_end() -> None:
    sent_rows = {f"options-{number}-option_code": str(number) for number in (10, 2, 9999)}
    values, _ = forms.read_submission(FORMS["F-06"], MultiDict(sent_rows), MultiDict())
    assert [row["option_code"] for row in values["options"]] == ["2", "10", "9999"]
    many = MultiDict({f"options-{number}-option_code": "x" for number in range(2000)})
    values, _ = forms.read_submission(FORMS["F-06"], many, MultiDict())
    with pytest.raises(Invalid) as refusal:
        FORMS["F-06"].validate(values)
    assert "500" in refusal.value.errors["options"][0]


def test_files_are_kept_dropped_and_added() -> None:
    form = FORMS["F-12"]
    kept = [
        json.dumps({"document_id": number, "name": f"{number}.pdf", "size": 1, "path": "/etc"}) for number in (3, 4)
    ]
    typed = MultiDict(
        [
            ("attachment_files-kept", kept[0]),
            ("attachment_files-kept", kept[1]),
            ("attachment_files-kept", "{"),
            ("attachment_files-drop", "3"),
        ]
    )
    sent_files = MultiDict(
        [
            ("attachment_files", FileStorage(io.BytesIO(b"x"), "新.pdf")),
            ("attachment_files", FileStorage(io.BytesIO(b""), "")),
        ]
    )
    values, uploads = forms.read_submission(form, typed, sent_files)
    assert values["attachment_files"] == [{"document_id": 4, "name": "4.pdf", "size": 1}]
    assert [(name, file.filename) for name, file in uploads] == [("attachment_files", "新.pdf")]
    field = next(field for field in form.fields if field.name == "attachment_files")
    assert len(forms.with_upload(field, values["attachment_files"], FILE)) == 2


def test_a_signature_may_come_as_a_scan_and_never_as_data() -> None:
    form = FORMS["F-15s"]
    scan = MultiDict([("signature", FileStorage(io.BytesIO(b"x"), "签名.pdf"))])
    values, uploads = forms.read_submission(
        form, MultiDict({"signature": '{"kind": "attestation"}', "_password": "x"}), scan
    )
    assert values == {"signature": None} and uploads[0][0] == "signature"
    page = draw(form, {"signature": FILE})
    assert page.xpath("//input[@name='signature-kept']") and page.xpath(
        "//input[@name='_password' and @type='password']"
    )
    assert "不等同可靠电子签名" in page.text_content()


# --- conditions in the browser -------------------------------------------------------------------------

CONDITIONS = [
    ("kind in ['a', 'b'] and not empty(name)", {"kind": "a", "name": "x"}),
    ("kind in ['a', 'b'] and not empty(name)", {"kind": "c", "name": "x"}),
    ("kind in ['a'] or exists(number)", {"kind": None, "number": 3}),
    ("days_between(first, last) < 30", {"first": "2026-03-09", "last": "2026-04-07"}),
    ("days_between(first, last) < 30", {"first": "2026-03-09", "last": "2026-04-08"}),
    ("days_between(first, last) < 30", {"first": None, "last": "2026-04-08"}),
    ("sure == true and len(rows) < 2", {"sure": True, "rows": [{"a": 1}]}),
    ("sure == true and len(rows) < 2", {"sure": True, "rows": None}),
    ("any_of(rows, 'a', 1) and count(rows, 'a', 2) == 1", {"rows": [{"a": 1}, {"a": 2}]}),
    ("number >= 3", {"number": 10}),
    ("number >= 3", {"number": None}),
    ("name != 'x'", {"name": None}),
    ("not (sure == false)", {"sure": None}),
    ("'a' in several", {"several": ["b"]}),
    ("'a' in several", {"several": None}),
    ("context.F06.public_concern and sure", {"sure": True}),
    ("empty(context.F99.x) and len(context.F06.options) > 1", {}),
]


def test_the_browser_decides_as_the_server_does() -> None:
    """Each condition is worked out by conditions.js in Node and by our expressions: the same answer."""
    context = {"F06": {"public_concern": True, "options": [{}, {}]}}
    cases = [
        {"tree": json.loads(forms.condition(compile_expression(text), context)), "names": names}
        for text, names in CONDITIONS
    ]
    source = (SCRIPT.parent / "forms/conditions.js").read_text("utf-8").replace("export ", "")
    program = f"{source}\nconst cases = {json.dumps(cases)};\n" + (
        "console.log(JSON.stringify(cases.map(c => Boolean(evaluate(c.tree, name => c.names[name] ?? null)))));"
    )
    told = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == [
        holds(compile_expression(text), {**names, "context": context}) for text, names in CONDITIONS
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_every_shipped_condition_of_visibility_reaches_the_browser(form: Form) -> None:
    for field in form.fields:
        if field.visible_if:
            assert forms.condition(field.visible_if, {"F25": {"held_at": "2026-05-08T09:30+08:00"}}), field.name


def test_what_the_browser_cannot_work_out_stays_visible() -> None:
    assert forms.condition(compile_expression("where(rows, 'a', 1) == []")) == ""
    assert forms.condition(None) == ""


def test_the_script_is_small() -> None:
    for part in (SCRIPT, *(SCRIPT.parent / "forms").iterdir()):
        text = part.read_text("utf-8")
        assert len(text.encode()) < 6 * 1024
        assert "eval(" not in text and "innerHTML" not in text and "Function(" not in text
    built = next(presentation.STATIC.glob("form.*.js"))
    assert built.stat().st_size < 6 * 1024  # what the browser gets
