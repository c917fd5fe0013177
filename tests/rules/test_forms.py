"""Rows that a form holds: the violation is refused by the form itself, in whichever diagram it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decision_flow import clock
from decision_flow.demo import answers
from decision_flow.errors import Invalid
from decision_flow.forms import Form
from decision_flow.resources import BPMN

SOON = (clock.today() + timedelta(days=3)).isoformat()
ROWS = [
    ("R-20a", "F-29p", {"form_type": ""}, "form_type"),
    ("R-23a", "F-31", {"methods": []}, "methods"),
    ("R-23b", "F-32", {"points": [{"risk_type": "public_safety", "description": "施工", "likelihood": 3, "impact": 3}]}, "points.0.measure"),
    ("R-10b", "F-02", {"feasibility": ""}, "feasibility"),
    ("R-03a", "F-01", {"matter_category": ""}, "matter_category"),
    ("R-03b", "F-01", {"special_procedure_law": "价格法"}, "special_procedure_article"),
    ("R-12b", "F-04", {"legal_basis": []}, "legal_basis"),
    ("R-12c", "F-04", {"not_needed_reason": ""}, "not_needed_reason"),
    ("R-26a", "F-12", {"procedure_explanation": ""}, "procedure_explanation"),
    ("R-15a", "F-22", {"channels": []}, "channels"),
    ("R-26c", "F-12b", {"complete": True, "agreed_due_on": SOON, "shorten_reason": ""}, "shorten_reason"),
    ("R-37c", "F-35b", {"kind": "minor", "alters": ["amount"], "second_reviewer_id": ""}, "second_reviewer_id"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "form_id", "wrong", "field"), ROWS, ids=[row[0] for row in ROWS])
def test_a_form_refuses_what_the_row_forbids(rule: str, form_id: str, wrong: dict[str, Any], field: str) -> None:
    form = Form.parse((BPMN / "forms" / f"{form_id}.toml").read_bytes())
    given = answers.fill(form, {}, {"organisation": 1})
    assert field in errors(form, {**given, **wrong})
    assert field not in errors(form, given)


def errors(form: Form, given: dict[str, Any]) -> dict[str, list[str]]:
    try:
        form.validate(given)
    except Invalid as error:
        return error.errors
    return {}
