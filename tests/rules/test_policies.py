"""Settings as data: each with basis and status; an overlay only stricter where the law says "at least"."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from decision_flow import policies
from decision_flow.errors import Invalid
from decision_flow.resources import BPMN
from decision_flow.verification import policy


def test_every_number_has_its_basis_and_status() -> None:
    found = policies.settings()
    assert (found["public_comment_days"].value, found["legality_review_workdays"].unit) == (30, "working_days")
    assert (
        found["min_experts_district"].status == "unconfirmed" and found["progress_report_months"].status == "proposed"
    )
    assert all(one.basis and one.label and one.label_en and one.source == policies.DECREE for one in found.values())


def test_an_overlay_may_ask_for_more() -> None:
    found = policies.settings("province-example")
    assert (found["legality_review_workdays"].value, found["legality_review_workdays"].source) == (
        10,
        "province-example",
    )
    assert found["public_comment_days"].value == 30


@pytest.mark.parametrize(
    "key", ["public_comment_days", "legality_review_workdays", "hearing_papers_days", "quorum_percent"]
)
def test_an_overlay_may_not_ask_for_less(key: str) -> None:
    base = policies.settings()
    less = {"settings": {key: {"value": base[key].value - 1, "basis": "某市规定", "status": "confirmed"}}}
    with pytest.raises(Invalid) as refusal:
        policies.read(less, base, "city")
    assert base[key].label in str(refusal.value) and base[key].basis in str(refusal.value)
    loose = {key: replace(base[key], at_least=False)}
    assert policies.read(less, loose, "city")[key].value == base[key].value - 1


@pytest.mark.parametrize("row", [{"value": 0, "basis": "x"}, {"value": True, "basis": "x"}, {"value": 40, "basis": ""}])
def test_what_is_no_setting_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        policies.read({"settings": {"public_comment_days": row}}, policies.settings(), "city")


def test_what_a_drawing_waits_for_is_what_the_law_is_counted_by() -> None:
    """Each shipped policy states a period twice, for drawings and for matters: never two numbers."""
    for name in policies.names():
        counted = policies.settings(name)
        for required in policy.load(name).requirements:
            if required.kind == "period" and required.told["form"] == "F-22":
                assert required.told["days"] == counted["public_comment_days"].value


def test_an_overlay_that_names_no_base_lies_on_the_decree() -> None:
    assert policies.settings("township-example") == policies.decree()
    loose = {"settings": {"disclosure_workdays": {"value": 30, "basis": "某市规定", "status": "confirmed"}}}
    with pytest.raises(Invalid, match="超过政府信息公开条例第二十六条要求的20"):
        policies.read(loose, policies.decree(), "city")


def test_every_setting_is_counted_by_something() -> None:
    """A number that is shown and changed but counts for nothing would be a lie."""
    drawn = [path.read_text("utf-8") for path in BPMN.glob("[pf]*/**/*") if path.suffix in (".bpmn", ".toml")]
    sources = Path(policies.__file__).parent.glob("**/*.py")
    coded = [path.read_text("utf-8") for path in sources if "migrations" not in path.parts]
    used = set(re.findall(r"policy\.([a-z_]+)", "".join(part for part in drawn)))
    used |= {key for key in policies.decree() if any(f'"{key}"' in text for text in coded)}
    assert set(policies.decree()) <= used
