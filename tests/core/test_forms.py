"""The one validator of forms: whatever comes in, and what a form file may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decision_flow.errors import Invalid, Text
from decision_flow.forms import Field, Form
from decision_flow.resources import BPMN

FORMS = {path.stem: Form.parse(path.read_bytes()) for path in sorted((BPMN / "forms").glob("*.toml"))}
EVERYTHING = Form.parse(
    """
id = "F-90"
title = "各种字段"
fields = [
    {name = "title", label = "标题", type = "text", required = true, min_length = 2, max_length = 20},
    {name = "story", label = "说明", type = "long"},
    {name = "people", label = "人数", type = "int", min = 0, max = 100},
    {name = "share", label = "比例", type = "number", min = 0, max = 1},
    {name = "cost", label = "费用", type = "money"},
    {name = "day", label = "日期", type = "date"},
    {name = "moment", label = "时间", type = "datetime"},
    {name = "sure", label = "是否确定", type = "bool", required = true},
    {name = "kind", label = "类别", type = "enum", options = [{value = "a", label = "甲"}, {value = "b", label = "乙"}]},
    {name = "several", label = "多项", type = "multi", options = [{value = "a", label = "甲"}, {value = "b", label = "乙"}]},
    {name = "units", label = "单位", type = "multi", ref = "organisation"},
    {name = "person", label = "人员", type = "ref", ref = "role:expert"},
    {name = "paper", label = "文件", type = "file"},
    {name = "papers", label = "附件", type = "file", multiple = true},
    {name = "rows", label = "表格", type = "table", max_rows = 5, columns = [
        {name = "what", label = "内容", type = "text", required = true},
        {name = "often", label = "次数", type = "int", min = 1},
        {name = "why", label = "理由", type = "text", visible_if = "often > 3", required_if = "often > 3"},
        {name = "double", label = "两倍", type = "int", auto = "often * 2"},
        {name = "no", label = "序号", type = "int", auto = "row"},
    ]},
    {name = "reason", label = "理由", type = "long", visible_if = "sure == false", required_if = "sure == false"},
    {name = "times", label = "总数", type = "int", auto = "total(rows, 'often')"},
    {name = "version", label = "版本", type = "int", auto = "draft_version"},
    {name = "signature", label = "签名", type = "sign"},
]
checks = [
    {expr = "empty(people) or empty(share) or people > share", message = "人数应当大于比例。", field = "people", rule = "R-1", article = "条例第一条"},
    {expr = "what != 'no'", message = "不能这样写。", each = "rows", field = "what"},
]
""".encode()
)
SIGNED = {
    "signature": {
        "kind": "attestation",
        "user_id": 7,
        "display": "镇政府·镇长·高建明",
        "at": "2026-05-08T09:30:00+00:00",
    }
}
GIVEN: dict[str, Any] = {
    "auto": {"draft_version": 3, "actor_id": 7},
    "signed": SIGNED,
    "context": {"F06": {"public_concern": True}},
}

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["a", "b", "true", "2026-05-08", "2026-05-08T09:30", "12.50", "1,234", "9", "", "  ", "\ud800", "\x00", "1e400"])
)  # fmt: skip
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def fitting(field: Field) -> st.SearchStrategy[Any]:
    """Values of the field's type, now and then of another."""
    dates = st.dates().map(str)
    of_type: dict[str, st.SearchStrategy[Any]] = {
        "text": st.text(max_size=60), "long": st.text(max_size=60), "int": st.integers(-5, 120) | st.integers().map(str),
        "number": st.floats(), "money": st.decimals(allow_nan=False).map(str) | st.floats(), "date": dates,
        "datetime": st.datetimes(timezones=st.none() | st.timezones()).map(lambda at: at.isoformat()), "bool": st.booleans(),
        "ref": st.integers(-1, 10**16), "file": st.fixed_dictionaries({"document_id": st.integers()}, optional={"name": st.text(max_size=9), "size": st.integers()}),
        "sign": st.just({"kind": "attestation", "user_id": 1, "display": "x", "at": "y"}),
    }  # fmt: skip
    if field.type == "enum":
        of_type["enum"] = st.sampled_from(field.values)
    if field.type == "multi":
        of_type["multi"] = st.lists(st.integers(1, 9) if field.ref else st.sampled_from(field.values), max_size=4)
    if field.type == "table":
        of_type["table"] = st.lists(submissions(field.columns), max_size=4)
    if field.type == "file" and field.multiple:
        of_type["file"] = st.lists(of_type["file"], max_size=2)
    return st.one_of(*[of_type[field.type]] * 4, junk)


def submissions(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={field.name: fitting(field) for field in fields})


def either_valid_or_invalid(form: Form, submission: Any, draft: bool) -> dict[str, Any] | None:
    errors: dict[str, list[str]] = {}
    answers: dict[str, Any] = {}
    try:
        answers = form.validate(submission, draft=draft, **GIVEN)
    except Invalid as refusal:
        errors = refusal.errors
        answers = {"refused": refusal.errors}
    if "refused" in answers:
        assert errors
        assert all(isinstance(path, str) and texts and all(texts) for path, texts in errors.items())
        json.dumps(errors)
        return None
    stored = json.loads(json.dumps(answers, allow_nan=False, ensure_ascii=False).encode())
    assert stored == answers
    assert form.validate(stored, draft=draft, **GIVEN) == answers
    json.dumps(form.process_data(answers))
    return answers


@settings(max_examples=250, deadline=None)
@given(submission=submissions(EVERYTHING.fields), draft=st.booleans())
def test_what_is_accepted_is_json_and_is_accepted_again(submission: dict[str, Any], draft: bool) -> None:
    either_valid_or_invalid(EVERYTHING, submission, draft)


@settings(max_examples=200, deadline=None)
@given(form=st.sampled_from(list(FORMS.values())), data=st.data(), draft=st.booleans())
def test_no_shipped_form_fails_otherwise_than_by_refusing(form: Form, data: st.DataObject, draft: bool) -> None:
    either_valid_or_invalid(form, data.draw(submissions(form.fields)), draft)


@settings(max_examples=150, deadline=None)
@given(form=st.sampled_from(list(FORMS.values())), submission=junk)
def test_any_json_is_either_a_form_or_refused(form: Form, submission: Any) -> None:
    either_valid_or_invalid(form, submission, False)


GOOD: dict[str, Any] = {"title": "河道整治", "sure": True}


def problems(submission: dict[str, Any], form: Form = EVERYTHING, **given: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as refusal:
        form.validate(submission, **given)
    return refusal.value.errors


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("title", "  河道整治\r\n", "河道整治"),
        ("people", "12", 12),
        ("people", "１２", 12),
        ("share", 0.25, 0.25),
        ("cost", "4,860,000", "4860000.00"),
        ("cost", 0.1, "0.10"),
        ("cost", "-0", "0.00"),
        ("day", "2026-05-08", "2026-05-08"),
        ("moment", "2026-05-08T09:30", "2026-05-08T09:30+08:00"),
        ("moment", "2026-05-08T01:30:59+00:00", "2026-05-08T09:30+08:00"),
        ("sure", "否", None),
        ("several", ["b", "a", "b"], ["b", "a"]),
        ("units", ["3", 4], [3, 4]),
        ("person", "12", 12),
    ],
)
def test_a_value_is_kept_in_one_way(field: str, typed: Any, kept: Any) -> None:
    if kept is None:
        assert EVERYTHING.validate({**GOOD, field: typed, "reason": "无"})[field] is False
    else:
        assert EVERYTHING.validate({**GOOD, field: typed})[field] == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("title", "一"), ("title", "长" * 21), ("title", 5), ("title", "有\x00字符"), ("story", "长" * 20_001),
        ("people", "1.5"), ("people", "十"), ("people", 101), ("people", True), ("share", float("nan")), ("share", 2),
        ("cost", "1.005"), ("cost", "-1"), ("cost", "1" * 20), ("day", "2026-02-30"), ("day", "08/05/2026"), ("day", "0026-05-08"),
        ("moment", "2026-05-08 later"), ("sure", "maybe"), ("kind", "c"), ("kind", ["a"]), ("several", ["a", "c"]),
        ("units", ["x"]), ("person", 0), ("person", True), ("paper", {"name": "x"}), ("paper", {"document_id": 1, "path": "/etc"}),
        ("rows", "x"), ("rows", [{"what": "x"}] * 6), ("nothing", 1),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_beside_its_field(field: str, typed: Any) -> None:
    assert any(path.split(".")[0] == field for path in problems({**GOOD, field: typed}))


def test_all_errors_come_at_once() -> None:
    told = problems(
        {"title": "一", "people": 1, "share": 1, "kind": "c", "rows": [{"what": "no"}, {"often": 9}, 3], "x": 1}
    )
    assert set(told) == {"title", "sure", "people", "kind", "rows.0.what", "rows.1.what", "rows.1.why", "rows.2", "x"}
    assert told["people"] == ["人数应当大于比例。（R-1，条例第一条）"]
    assert isinstance(told["title"][0], Text) and told["title"][0].value == 2


def test_a_field_that_does_not_apply_is_left_out_whatever_it_holds() -> None:
    answers = EVERYTHING.validate({**GOOD, "reason": 17, "rows": [{"what": "x", "often": 2, "why": "不适用"}]})
    assert "reason" not in answers
    assert answers["rows"] == [{"what": "x", "often": 2, "double": 4, "no": 1}]
    assert set(problems({**GOOD, "sure": False})) == {"reason"}


def test_a_draft_may_be_incomplete_and_loses_nothing() -> None:
    draft = {"sure": True, "reason": "先写着", "rows": [{"often": 2}]}
    kept = EVERYTHING.validate(draft, draft=True)
    assert kept["reason"] == "先写着" and kept["rows"][0]["often"] == 2
    assert set(problems({"people": "许多"}, draft=True)) == {"people"}


def test_what_the_product_fills_in_is_never_taken_from_the_sender() -> None:
    forged = {
        **GOOD,
        "version": 99,
        "times": 99,
        "signature": SIGNED["signature"],
        "rows": [{"what": "x", "often": 1, "double": 50}],
    }
    answers = EVERYTHING.validate(forged, auto={"draft_version": 3})
    assert (answers["version"], answers["times"], answers["rows"][0]["double"]) == (3, 1, 2)
    assert "signature" not in answers
    assert EVERYTHING.validate(forged, signed=SIGNED)["signature"] == SIGNED["signature"]
    assert set(problems(GOOD, signed={"signature": {"kind": "scan", "user_id": 7, "display": "", "at": ""}})) == {
        "signature"
    }


def test_a_required_signature_cannot_be_sent_along() -> None:
    assert "signature" in problems({"signature": SIGNED["signature"]}, FORMS["F-15s"])
    assert FORMS["F-15s"].validate({}, signed=SIGNED)["signature"]["user_id"] == 7


def test_computed_values_are_shown_while_the_form_is_incomplete() -> None:
    told = EVERYTHING.computed({"rows": [{"often": "3"}, {}]}, auto={"draft_version": 2})
    assert told["version"] == 2 and told["times"] == 3
    assert told["rows.0.double"] == 6 and told["rows.1.double"] is None


def test_process_data_leaves_out_long_texts_files_and_signatures() -> None:
    answers = EVERYTHING.validate({**GOOD, "story": "很长", "paper": {"document_id": 4}}, signed=SIGNED)
    data = EVERYTHING.process_data(answers)
    assert not {"story", "paper", "papers", "signature"} & set(data)
    assert data["people"] is None and data["rows"] == []


def test_files_and_assignments() -> None:
    answers = EVERYTHING.validate(
        {**GOOD, "paper": {"document_id": 4}, "papers": [{"document_id": 5}, {"document_id": 6}]}
    )
    assert [(name, file["document_id"]) for name, file in EVERYTHING.files(answers)] == [
        ("paper", 4),
        ("papers", 5),
        ("papers", 6),
    ]
    assert FORMS["F-18"].assignments({"effective_date": "2026-05-12"}) == {"effective_date": "2026-05-12"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{name = "a", label = "甲", type = "text", colour = "red"}', "colour"),
        ('{name = "a", label = "甲", type = "words"}', "words"),
        ('{name = "A-b", label = "甲", type = "text"}', "小写字母"),
        ('{name = "a", label = "", type = "text"}', "label"),
        ('{name = "a", label = "甲", type = "text", min = 3}', "min"),
        ('{name = "a", label = "甲", type = "text", required = "yes"}', "required"),
        ('{name = "a", label = "甲", type = "text", pattern = "("}', "pattern"),
        ('{name = "a", label = "甲", type = "text", required_if = "open(1)"}', "open"),
        ('{name = "a", label = "甲", type = "text", required_if = "b == 1"}', "b"),
        ('{name = "a", label = "甲", type = "text", required_if = "().__class__"}', "不能使用"),
        ('{name = "a", label = "甲", type = "text", assigns = "owner"}', "owner"),
        ('{name = "a", label = "甲", type = "enum"}', "选项"),
        ('{name = "a", label = "甲", type = "enum", options = [{value = "x", label = "x"}, {value = "x", label = "y"}]}', "重复"),
        ('{name = "a", label = "甲", type = "ref", ref = "planet"}', "planet"),
        ('{name = "a", label = "甲", type = "ref", ref = "role:emperor"}', "emperor"),
        ('{name = "a", label = "甲", type = "table"}', "没有列"),
        ('{name = "a", label = "甲", type = "table", columns = [{name = "b", label = "乙", type = "file"}]}', "file"),
        ('{name = "a", label = "甲", type = "text"}, {name = "a", label = "乙", type = "text"}', "重复"),
        ('{name = "a", label = "甲", type = "text", visible_if = "b == 1"}, {name = "b", label = "乙", type = "int"}', "前面的字段"),
    ],
)  # fmt: skip
def test_a_form_file_that_cannot_work_is_refused_by_file_and_place(line: str, reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Form.parse(f'id = "F-91"\ntitle = "x"\nfields = [{line}]'.encode())
    assert "F-91" in str(refusal.value) and reason in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"id = 5", b'id = "F-91"\ntitle = "x"', b'id = "F-91"\ntitle = "x"\nfields = 3',
        b'id = "F-91"\ntitle = "x"\nextra = 1\nfields = [{name = "a", label = "a", type = "text"}]',
        b'id = "../x"\ntitle = "x"\nfields = [{name = "a", label = "a", type = "text"}]',
        b'id = "F-91"\ntitle = "x"\nfields = [{name = "a", label = "a", type = "text"}]\nchecks = [{expr = "z > 1", message = "m"}]',
        b'id = "F-91"\ntitle = "x"\nfields = [{name = "a", label = "a", type = "text"}]\nchecks = [{expr = "a > 1", message = "m", field = "q"}]',
        b'id = "F-91"\ntitle = "x"\nfields = [{name = "a", label = "a", type = "text"}]\nchecks = [{expr = "a > 1", message = "m", each = "a"}]',
    ],
)  # fmt: skip
def test_a_broken_form_file_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        Form.parse(content, "F-91.toml")


def test_every_form_of_the_list_is_there() -> None:
    variants = {
        1: "bct", 3: "bw", 5: "b", 12: "b", 13: "abcdes", 15: "abs", 16: "bn", 17: "bei", 19: "bcde", 22: "b", 23: "a", 24: "b",
        25: "bcde", 26: "b", 29: "eprs", 34: "b", 35: "bcde", 40: "b",
    }  # fmt: skip
    listed = {f"F-{number:02}{letter}" for number in range(1, 42) for letter in ["", *variants.get(number, "")]}
    assert listed <= set(FORMS)
    assert all(name == form.id for name, form in FORMS.items())
