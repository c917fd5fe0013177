"""The shipped decision tables, cell by cell where the law or the specification gives an example."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest

from decision_flow.engine.decisions import read_tables
from decision_flow.errors import ProcedureFault
from decision_flow.modelling import tables
from decision_flow.resources import BPMN

TABLES = read_tables({path.name: path.read_bytes() for path in (BPMN / "decision-tables").glob("*.dmn")})


def ask(table: str, **names: Any) -> Any:
    return TABLES[table].decide(names, {})


def test_no_shipped_table_leaves_a_warning() -> None:
    files = {path.name: path.read_bytes() for path in (BPMN / "decision-tables").glob("*.dmn")}
    assert tables.findings(files) == ()
    # What the first rows do not answer is still found, and among the allowed values alone.
    (name,) = (name for name in files if name.startswith("D-03"))
    holed = files[name].replace(b"[8..14]", b"[8..11]", 1)
    assert [found.message for found in tables.findings({name: holed})] == [
        "没有一行适用于：影响 = 3、可能性 = 4、得分 = 12"
    ]
    wider = files[name].replace(b"1,2,3,4,5", b"1,2,3,4,5,6", 1)
    assert [found.message for found in tables.findings({name: wider})] == [
        "没有一行适用于：影响 = 6、可能性 = 1、得分 = 6"
    ]


def test_a_value_that_an_input_does_not_allow_stops_the_table() -> None:
    for impact in (0, 6, 2.5):
        with pytest.raises(ProcedureFault) as told:
            ask("D-03", point={"likelihood": 1, "impact": impact})
        assert "point.impact" in str(told.value)


def test_points_of_risk_cover_all_cells_once() -> None:
    levels = Counter(
        ask("D-03", point={"likelihood": likelihood, "impact": impact})["level"]
        for likelihood, impact in product(range(1, 6), repeat=2)
    )
    assert levels == {"high": 7, "medium": 7, "low": 11}


@pytest.mark.parametrize(
    ("levels", "share", "plan", "suggestion"),
    [
        (["high"], 0.1, True, "uncontrollable"), ([], 0.5, True, "uncontrollable"), (["medium"], 0.1, False, "uncontrollable"),
        (["medium"] * 3, 0.1, True, "uncontrollable"), (["medium"], 0.46, True, "controllable_with_measures"),
        ([], 0.2, False, "controllable_with_measures"), ([], 0.17, False, "controllable"), ([], None, False, "controllable"),
    ],
)  # fmt: skip
def test_overall_risk(levels: list[str], share: float | None, plan: bool, suggestion: str) -> None:
    names: dict[str, Any] = {
        "residual_levels": [{"level": level} for level in levels],
        "F34": {"opposition_known": share is not None, "opposition_share": share},
    }
    if plan:
        names["F33"] = {"command_lead": "x"}
    assert ask("D-04", **names)["suggestion"] == suggestion


@pytest.mark.parametrize(
    ("conclusion", "route"),
    [
        ("lawful", "to_meeting"), ("no_rule_risk_stated", "to_meeting"), ("lawful_after_revision", "revise"),
        ("unlawful_content", "redraft"), ("unlawful_procedure", "redraft"), ("unlawful_authority", "rescope"),
    ],
)  # fmt: skip
def test_routing_of_the_review(conclusion: str, route: str) -> None:
    assert ask("D-07", F13={"conclusion": conclusion}) == {"route": route}


def test_scope() -> None:
    def scope(**answers: Any) -> str:
        return ask("D-01", F01={"exclusion_type": "none", "matter_category": "public_policy", **answers})["scope"]

    assert scope() == "in"
    assert scope(exclusion_type="emergency_response") == "out_of_scope"
    assert scope(matter_category="other_major") == "office_judgement"
    assert scope(special_procedure_law="土地管理法第四十七条") == "in_with_adapter"


def test_a_hearing_on_utility_prices_is_mandatory() -> None:
    flags = {"government_pricing": False, "direct_vital_interest": False, "has_major_disagreement": False}
    assert ask("D-06", F06=flags)["hearing"] == "optional"
    assert ask("D-06", F06={**flags, "direct_vital_interest": True})["hearing"] == "advised"
    assert ask("D-06", F06={**flags, "government_pricing": True})["hearing"] == "mandatory"


TOWNSHIP = {"limit_meeting": "30000", "limit_joint": "100000", "limit_project": "300000", "limit_asset": "50000"}
DISTRICT = {"limit_meeting": "200000", "limit_joint": "1000000", "limit_project": "4000000", "limit_asset": "500000"}


@pytest.mark.parametrize(
    ("limits", "item", "route"),
    [
        (TOWNSHIP, {"kind": "fund", "route_amount": "29999.00"}, "leader_approval"),
        (TOWNSHIP, {"kind": "fund", "route_amount": "30000.00"}, "office_meeting"),
        (TOWNSHIP, {"kind": "fund", "route_amount": "87000.00"}, "office_meeting"),
        (TOWNSHIP, {"kind": "fund", "route_amount": "100000.00"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "fund", "route_amount": "10.00", "in_budget": False}, "joint_meeting"),
        (DISTRICT, {"kind": "fund", "route_amount": "199999.00"}, "leader_approval"),
        (DISTRICT, {"kind": "fund", "route_amount": "999999.00"}, "office_meeting"),
        (DISTRICT, {"kind": "fund", "route_amount": "1000000.00"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "project", "route_amount": "299999.00"}, "leader_approval"),
        (TOWNSHIP, {"kind": "project", "route_amount": "300000.00"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "project", "route_amount": "1.00", "financed_by_debt": True}, "joint_meeting"),
        (TOWNSHIP, {"kind": "personnel"}, "party_meeting"),
        (TOWNSHIP, {"kind": "asset", "route_amount": "49999.00"}, "leader_approval"),
        (TOWNSHIP, {"kind": "asset", "route_amount": "1.00", "lease_over_year": True}, "joint_meeting"),
        (DISTRICT, {"kind": "asset", "route_amount": "500000.00"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "guarantee", "route_amount": "1000000.00"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "guarantee", "route_amount": "999999.00"}, "leader_approval"),
        (TOWNSHIP, {"kind": "decision"}, "joint_meeting"),
        (TOWNSHIP, {"kind": "fund", "route_amount": "1.00", "is_major_decision": True}, "major_decision"),
    ],
)  # fmt: skip
def test_the_route_of_major_items(limits: dict[str, str], item: dict[str, Any], route: str) -> None:
    given = {
        "is_major_decision": False, "in_budget": True, "financed_by_debt": False, "lease_over_year": False,
        "route_amount": "0.00", "limit_guarantee": "1000000",
    }  # fmt: skip
    found = ask("D-05", F42={**given, **limits, **item})
    assert found["route"] == route
    assert found["legality_review"] == (item["kind"] in ("project", "guarantee") and route == "joint_meeting")
    assert found["risk_assessment"] == (item["kind"] == "guarantee" and route == "joint_meeting")


def test_triggers_of_an_evaluation() -> None:
    quiet = {
        "target_attainment": 1, "term_elapsed": 0.6, "negative_opinions": 3, "petitions": 0, "opinion_threshold": 20,
        "legal_basis_changed": False, "head_order": False,
    }  # fmt: skip

    def triggers(**change: Any) -> set[str]:
        return {hit["trigger"] for hit in ask("D-08", **{**quiet, **change})}

    assert triggers() == set()
    assert triggers(target_attainment=0.5) == {"below_expectation"}
    assert triggers(target_attainment=0.5, term_elapsed=0.4) == set()
    assert triggers(negative_opinions=20) == {"many_opinions"}
    assert triggers(negative_opinions=20, opinion_threshold=50) == set()
    assert triggers(petitions=5, head_order=True) == {"many_opinions", "deemed_necessary"}
