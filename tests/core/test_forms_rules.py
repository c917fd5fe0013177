"""Each validation of the forms, once kept and once broken: the refusal names the rule and stands at its field."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from decision_flow import clock, policies
from decision_flow.demo import answers
from decision_flow.errors import Invalid
from decision_flow.forms import Field, Form
from decision_flow.resources import BPMN

FORMS = {path.stem: Form.parse(path.read_bytes()) for path in sorted((BPMN / "forms").glob("*.toml"))}
FILE = {"document_id": 3, "name": "文件.pdf", "sha256": "a" * 64, "size": 100}
SIGNATURE = {"kind": "attestation", "user_id": 7, "display": "镇政府·镇长·高建明", "at": "2026-05-08T09:30:00+00:00"}
REASON = "经研究，确有必要，理由充分，依据明确，现予说明。"
CONTEXT: dict[str, Any] = {
    "legal_opinions": [{"capacity": "legal_adviser"}],
    "policy": policies.numbers(policies.decree()),
}


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


def at(offset: int, hour: int = 9) -> str:
    return f"{day(offset)}T{hour:02}:00+08:00"


def sound(form: Form, given: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Answers that pass, with `given` in them; what `given` sets to null is left out."""
    values = answers.fill(form, {**BASE.get(form.id, dict)(), **given}, {"organisation": 4})

    def asked(field: Field) -> bool:
        return field.type == "file" and (field.required or field.required_if is not None) and field.name not in given

    values |= {field.name: [FILE] if field.multiple else FILE for field in form.fields if asked(field)}
    return {name: value for name, value in deepcopy(values).items() if value is not None}


def check(form: Form, given: dict[str, Any], context: dict[str, Any], actor: int = 7) -> dict[str, Any]:
    return form.validate(
        sound(form, given, context),
        context=context,
        auto={"draft_version": 2, "current_draft_version": 1, "actor_id": actor, "today": day(0)},
        signed={field.name: SIGNATURE for field in form.fields if field.type == "sign"},
    )


def row(**given: Any) -> list[dict[str, Any]]:
    return [given]


def minutes() -> dict[str, Any]:
    return {
        **answers.minutes(["孙丽", "马波", "陈斌"], "高建明"),
        "held_at": at(-1),
        "ended_at": at(-1, 11),
        "implementing_unit_id": 4,
    }


def with_opinions(**change: Any) -> dict[str, Any]:
    told = minutes()
    told["opinions"][0] |= change
    return told


def against(**given: Any) -> dict[str, Any]:
    told = {**minutes(), **answers.minutes(["孙丽", "马波", "陈斌"], "高建明", against=2)}
    return {**told, **given}


def papers(*items: str, present: bool = True) -> dict[str, Any]:
    return {"items": [{"item": item, "present": present} for item in items]}


POINT = {"no": 1, "issue": "表述不清", "advice": "补充", "mandatory": False}
OPTION = {"option_code": "A", "content": "按原方案实施"}
RISK = {
    "risk_type": "public_safety", "description": "通行安全", "likelihood": 3, "impact": 3, "measure": "专人疏导",
    "owner_unit": "规划办", "residual_likelihood": 1, "residual_impact": 2,
}  # fmt: skip
BASE: dict[str, Any] = {
    "F-42e": lambda: {"disclosed": True, "channels": ["notice_board"]},
    "F-42m": lambda: {"matter_number": "ZD-2026-0001"},
    "F-43b": lambda: {"confirmed": True, "villagers_took_part": True},
    "F-43c": lambda: {"hearing_right_told": True, "members_total": 206},
    "F-43d": lambda: {"objections": 118},
    "F-43f": lambda: {"approved_on": day(-3), "received_on": day(-1)},
    "F-43e": lambda: {"signed": 187, "unsigned_statement": REASON, "funds_ready": True},
    "F-01": lambda: {"summary": REASON * 2, "received_date": day(-3), "exclusion_type": "none", "contains_state_secret": False, "suggestion_source": "citizen"},
    "F-07": lambda: {"reviewer_id": 8, "review_on": day(180)},
    "F-14": lambda: papers("draft", "explanation", "legality_opinion"),
    "F-15": minutes,
    "F-15n": lambda: {"original": "同意", "reason": REASON},
    "F-35": lambda: {"urgent": True, "review_by": day(30)},
    "F-22": lambda: {"open_on": day(0), "close_on": day(30)},
    "F-25": lambda: {"sides": [{"side": "消费者", "is_consumer": True, "seats": 2}, {"side": "企业", "is_consumer": False, "seats": 3}], "held_at": at(40)},
    "F-26b": lambda: {"signed": True},
    "F-29e": lambda: {"few_reason": "本领域专家较少", "no_dissent_reason": "公开征集后没有持不同意见的专家"},
    "F-26": lambda: {"opened_at": at(-1, 9), "presentation_at": at(-1, 9), "debate_at": at(-1, 10)},
    "F-31": lambda: {"scope": ["public_safety"]},
    "F-32": lambda: {"points": [RISK]},
}  # fmt: skip

DISPUTE = {
    "unit_id": 4,
    "negotiation_result": "unresolved",
    "dispute_statement": "资金渠道",
    "uu_view_and_grounds": "按预算办法",
}
SCREENED = {
    "F09": {
        f"q_{name}": name == "public_safety"
        for name in (
            "social_stability",
            "public_safety",
            "ecology",
            "fiscal_economic",
            "public_opinion",
            "legal",
            "other",
        )
    }
}
ADOPTED = {"source": "public", "opinion": "加强防护", "disposition": "adopted"}
# form, what is right, what is wrong, where it is said, the rule, process data
CASES: list[tuple[str, Any, Any, str, str, dict[str, Any]]] = [
    ("F-01", {}, {"matter_name": "公路"}, "matter_name", "", {}),
    ("F-01", {"matter_name": "长" * 80}, {"matter_name": "长" * 81}, "matter_name", "", {}),
    ("F-01", {}, {"received_date": day(1)}, "received_date", "", {}),
    ("F-01", {"received_date": day(0)}, {"summary": "太短"}, "summary", "", {}),
    ("F-01", {"suggestion_source": "npc_deputy", "suggestion_doc_no": "7号"}, {"suggestion_source": "cppcc_member"}, "suggestion_doc_no", "R-10c", {}),
    ("F-01", {}, {"matter_category": None}, "matter_category", "R-03a", {}),
    ("F-01", {"special_procedure_law": "价格法", "special_procedure_article": "第二十三条"}, {"special_procedure_law": "价格法"}, "special_procedure_article", "R-03b", {}),
    ("F-01", {}, {"contains_state_secret": True}, "contains_state_secret", "SEC-10", {}),
    ("F-01b", {}, {"reason": "不属于"}, "reason", "", {}),
    ("F-01c", {}, {"replied_on": day(1)}, "replied_on", "", {}),
    *[("F-02", {}, {name: None}, name, "R-10b", {}) for name in ("main_problem", "grounds", "preliminary_solution", "necessity", "feasibility")],
    ("F-02", {}, {"report_file": None}, "report_file", "", {}),
    ("F-03", {"initiate": False, "decision_reason": REASON}, {"initiate": False}, "decision_reason", "R-10d", {}),
    ("F-03", {"decided_on": day(-1)}, {"decided_on": day(-3)}, "decided_on", "R-10d", {"F02": {"studied_on": day(-2)}}),
    ("F-03b", {"undertaking_units": [4, 5], "lead_unit_id": 5, "in_catalogue": False}, {"undertaking_units": [4, 5], "lead_unit_id": 6, "in_catalogue": False}, "lead_unit_id", "R-11b", {}),
    ("F-03b", {"undertaking_units": [4], "in_catalogue": False}, {"undertaking_units": [4, 5], "lead_unit_id": "", "in_catalogue": False}, "lead_unit_id", "R-11b", {}),
    ("F-03b", {"in_catalogue": False}, {"undertaking_units": None, "in_catalogue": False}, "undertaking_units", "R-11a", {}),
    ("F-03b", {"in_catalogue": True, "catalogue_item_id": 3}, {"in_catalogue": True, "catalogue_item_id": ""}, "catalogue_item_id", "R-03d", {}),
    ("F-03b", {"planned_decision_month": "2026-05", "in_catalogue": False}, {"planned_decision_month": "2026-13", "in_catalogue": False}, "planned_decision_month", "", {}),
    ("F-04", {}, {"legal_basis": []}, "legal_basis", "R-12b", {}),
    ("F-04", {}, {"research_methods": []}, "research_methods", "R-12a", {}),
    ("F-04", {"cost_benefit_needed": True}, {"cost_benefit_needed": True, "cost_benefit_file": None}, "cost_benefit_file", "R-12c", {}),
    ("F-04", {"cost_benefit_needed": False, "not_needed_reason": REASON}, {"cost_benefit_needed": False, "not_needed_reason": None}, "not_needed_reason", "R-12c", {}),
    ("F-04", {}, {"consulted_units": [{"unit_id": 4, "question": "资金"}, {"unit_id": 4, "question": "用地"}]}, "consulted_units", "R-13a", {}),
    ("F-05", {"position": "disagree", "comments": REASON}, {"position": "disagree"}, "comments", "R-13a", {}),
    ("F-05", {"position": "no_reply"}, {"position": "agree_with_comments"}, "comments", "R-13a", {}),
    ("F-05b", {"has_dispute": True, "disputes": [DISPUTE]}, {"has_dispute": False}, "has_dispute", "R-13b", {"consultation_replies": [{"position": "disagree"}]}),
    ("F-05b", {"has_dispute": True, "disputes": [DISPUTE, DISPUTE]}, {"has_dispute": True, "disputes": [DISPUTE]}, "disputes", "R-13b", {"consultation_replies": [{"position": "disagree"}] * 2}),
    ("F-05b", {"has_dispute": False}, {"has_dispute": True, "disputes": [{**DISPUTE, "dispute_statement": ""}]}, "disputes.0.dispute_statement", "R-13b", {}),
    ("F-06", {"has_major_disagreement": True, "options": [OPTION, {**OPTION, "option_code": "B"}]}, {"has_major_disagreement": True, "options": [OPTION]}, "single_option_reason", "R-12d", {}),
    ("F-06", {"has_major_disagreement": True, "single_option_reason": REASON}, {"options": []}, "options", "R-12d", {}),
    ("F-06", {}, {"options": [OPTION, OPTION]}, "options", "R-12d", {}),
    ("F-06", {"affects_specific_group": True, "specific_groups": ["elderly"]}, {"affects_specific_group": True, "specific_groups": []}, "specific_groups", "R-14c", {}),
    ("F-06", {"fund_source": "mixed", "budget_amount": "4860000"}, {"fund_source": "mixed", "budget_amount": ""}, "budget_amount", "", {}),
    ("F-06", {"affected_people_count": 0}, {"affected_people_count": -1}, "affected_people_count", "", {}),
    ("F-06", {}, {"targets": []}, "targets", "", {}),
    ("F-06", {}, {"draft_file": None}, "draft_file", "", {}),
    ("F-06", {}, {"explanation_file": None}, "explanation_file", "R-15a", {}),
    ("F-07", {}, {"ground": "time_is_short"}, "ground", "", {}),
    ("F-07", {}, {"basis_law": ""}, "basis_law", "R-14a", {}),
    ("F-07", {}, {"reviewer_id": 7}, "reviewer_id", "SOD-12", {}),
    ("F-07", {"review_on": day(0)}, {"review_on": day(-1)}, "review_on", "", {}),
    ("F-08", {}, {"reason": "不复杂"}, "reason", "", {}),
    ("F-08", {}, {"reason": ""}, "reason", "R-19a", {}),
    ("F-09", {}, {"basis": ""}, "basis", "R-22a", {}),
    ("F-09", {"q_legal": True, "existing_assessment_no": "评12", "existing_assessment_date": day(-90), "existing_scope": ["legal"]},
     {"q_legal": True, "q_ecology": True, "existing_assessment_no": "评12", "existing_assessment_date": day(-90), "existing_scope": ["legal"]}, "existing_scope", "R-22b", {}),
    ("F-09", {"existing_assessment_no": ""}, {"existing_assessment_no": "评12", "existing_assessment_date": "", "existing_scope": ["legal"]}, "existing_assessment_date", "R-22b", {}),
    ("F-09b", {}, {"exempt_reason": ""}, "exempt_reason", "R-22a", {}),
    ("F-10", {}, {"stakeholders_heard": []}, "stakeholders_heard", "R-29c", {}),
    ("F-10", {"exception_used": True, "exception_ground": "tech_progress", "less_restrictive_alternative_considered": REASON, "implementation_end_date": day(300), "conclusion": "exception_ok", "standards_hit": ["cost"]},
     {"exception_used": True, "exception_ground": "tech_progress", "less_restrictive_alternative_considered": REASON, "implementation_end_date": "", "conclusion": "exception_ok", "standards_hit": ["cost"]}, "implementation_end_date", "R-29c", {}),
    ("F-10", {}, {"conclusion": "exception_ok", "standards_hit": ["cost"]}, "conclusion", "R-29c", {}),
    ("F-10", {"conclusion": "violates_no_exception", "standards_hit": ["cost"]}, {"conclusion": "violates_no_exception"}, "standards_hit", "R-29c", {}),
    ("F-11", {"adoption": [{**ADOPTED, "disposition": "partly", "reason": "按规范"}]}, {"adoption": [{**ADOPTED, "disposition": "not_adopted"}]}, "adoption.0.reason", "R-18", {}),
    ("F-11", {"adoption": [ADOPTED]}, {"adoption": []}, "adoption", "R-18", {}),
    ("F-11", {"material_change": True, "affected_steps": ["risk_assessment"]}, {"material_change": True, "affected_steps": []}, "affected_steps", "", {}),
    ("F-12", {}, {"procedure_explanation": REASON}, "procedure_explanation", "", {}),
    ("F-12", {}, {"procedure_explanation": ""}, "procedure_explanation", "R-26a", {}),
    ("F-12", {}, {"basis_list_ok": False}, "basis_list_ok", "R-12b", {}),
    ("F-12", {"attachments": ["draft", "basis"]}, {"attachments": ["basis"]}, "attachments", "R-26a", {}),
    ("F-12", {}, {"uu_collective_discussion_date": day(2)}, "uu_collective_discussion_date", "", {}),
    ("F-12b", {"complete": False, "missing_items": ["draft"]}, {"complete": False, "missing_items": []}, "missing_items", "R-26b", {}),
    ("F-12b", {"agreed_due_on": day(3), "shorten_reason": REASON, "shorten_approved_by": 9}, {"agreed_due_on": day(3), "shorten_approved_by": 9}, "shorten_reason", "R-26c", {}),
    ("F-12b", {}, {"agreed_due_on": day(3), "shorten_reason": REASON, "shorten_approved_by": ""}, "shorten_approved_by", "R-26c", {}),
    *[("F-13", {f"finding_{name}": "na", f"note_{name}": "不涉及"}, {f"finding_{name}": "na"}, f"note_{name}", "R-27", {}) for name in ("authority", "procedure", "substance")],
    *[("F-13", {}, {f"finding_{name}": None}, f"finding_{name}", "R-27", {}) for name in ("authority", "procedure", "substance")],
    ("F-13", {}, {"finding_authority": "fail", "note_authority": "无权限"}, "conclusion", "R-27", {}),
    ("F-13", {"finding_substance": "fail", "note_substance": "抵触", "conclusion": "unlawful_content"}, {"conclusion": "unlawful_content"}, "conclusion", "R-27", {}),
    ("F-13", {"conclusion": "lawful_after_revision", "points": [POINT]}, {"conclusion": "lawful_after_revision", "points": []}, "points", "R-28b", {}),
    ("F-13", {"points": [POINT]}, {"points": [{**POINT, "mandatory": True}]}, "conclusion", "R-27", {}),
    ("F-13", {"conclusion": "no_rule_risk_stated", "exploratory_reform": True, "legal_risk_statement": REASON}, {"conclusion": "no_rule_risk_stated", "exploratory_reform": True}, "legal_risk_statement", "R-25d", {}),
    ("F-13", {}, {"conclusion": "no_rule_risk_stated"}, "conclusion", "R-25d", {}),
    ("F-13", {"conclusion": "lawful"}, {"conclusion": "no_rule_risk_stated", "exploratory_reform": True, "legal_risk_statement": REASON}, "conclusion", "R-25d", {"F04": {"legal_basis": [{"effect": "prohibits"}]}}),
    ("F-13a", {}, {"opinion": ""}, "opinion", "R-28a", {}),
    ("F-13b", {"held_on": day(-1)}, {"held_on": day(1)}, "held_on", "", {}),
    ("F-13c", {"responses": [{"point_no": 2, "response": "changed"}, {"point_no": 1, "response": "not_changed", "reason": "已有规定"}]}, {"responses": [{"point_no": 1, "response": "changed"}]}, "responses", "R-28b", {"F13": {"points": [{"no": 1}, {"no": 2}]}}),
    ("F-13c", {}, {"responses": [{"point_no": 1, "response": "not_changed"}]}, "responses.0.reason", "R-28b", {}),
    ("F-13d", {}, {"advisers": []}, "advisers", "R-28a", {}),
    ("F-13d", {}, {"reviewer_id": ""}, "reviewer_id", "R-25a", {}),
    ("F-13e", {"confirmed": False, "note": REASON}, {"confirmed": False}, "note", "", {}),
    ("F-13s", {"agree": False, "note": REASON}, {"agree": False}, "note", "", {}),
    ("F-14", papers("draft", "explanation", "legality_opinion"), papers("draft", "explanation", "other"), "items", "R-29", {}),
    ("F-14", {"responses": [{"point_no": 1, "response": "accepted", "reason": "列入任务书"}]}, {"responses": [{"point_no": 2, "response": "accepted", "reason": "列入任务书"}]}, "responses", "R-28b", {"F13": {"conclusion": "lawful", "points": [{"no": 1}]}}),
    ("F-14", papers("draft", "explanation", "legality_opinion", "fair_competition"), papers("draft", "explanation", "legality_opinion"), "items", "R-29", {"F10": {"conclusion": "no_restriction"}}),
    ("F-14", papers("draft", "explanation", "legality_opinion", "expert_adoption"), papers("draft", "explanation", "legality_opinion"), "items", "R-29", {"expert_opinions": [{}]}),
    ("F-14", papers("draft", "explanation", "legality_opinion", "risk_report"), papers("draft", "explanation", "legality_opinion"), "items", "R-29", {"F34": {"opposition_known": False}}),
    ("F-14", papers("draft", "explanation", "legality_opinion"), {"items": [*papers("draft", "explanation")["items"], *papers("legality_opinion", present=False)["items"]]}, "items.2.present", "R-29", {}),
    ("F-15a", {"accepted": False, "note": REASON}, {"accepted": False}, "note", "", {}),
    ("F-15b", {"notice_sent_on": day(-2)}, {"notice_sent_on": day(2)}, "notice_sent_on", "", {}),
    ("F-15", {"decision": "deferred", "deviation_reason": REASON, "defer_until": day(9)}, {"decision": "deferred", "deviation_reason": REASON}, "defer_until", "", {}),
    ("F-15", {"decision": "deferred", "deviation_reason": REASON, "defer_until": day(9)}, {"decision": "deferred", "deviation_reason": REASON, "defer_until": day(0)}, "defer_until", "", {}),
    ("F-15", {}, {"members_total": 9}, "attendance", "R-30g", {}),
    ("F-15", {}, with_opinions(person="钱进"), "opinions", "R-30b", {}),
    ("F-15", {}, with_opinions(order=9), "opinions", "R-30c", {}),
    ("F-15", {}, with_opinions(is_head=True), "opinions", "R-30c", {}),
    ("F-15", {"decision": "deferred", "deviation_reason": REASON, "defer_until": day(9)}, {"decision": "deferred", "defer_until": day(9)}, "deviation_reason", "R-30d", {}),
    ("F-15", against(deviation_reason=REASON, deviation_stated_at=at(-1, 10)), against(deviation_reason=REASON, deviation_stated_at=at(0, 10)), "deviation_stated_at", "R-30d", {}),
    ("F-15", {}, {"implementing_unit_id": ""}, "implementing_unit_id", "R-34a", {}),
    ("F-15", {}, with_opinions(option_code=""), "opinions.0.option_code", "R-30b", {"F06": {"options": [{}, {}]}}),
    ("F-15", {}, {"minutes_file": None}, "minutes_file", "", {}),
    ("F-15", {"decision": "approved_with_changes", "changes_required": row(change="补充期限")}, {"decision": "approved_with_changes", "changes_required": []}, "changes_required", "", {}),
    ("F-15n", {"kind": "late_note", "original": ""}, {"kind": "correction", "original": ""}, "original", "R-30f", {}),
    ("F-16", {"sent_on": day(-1)}, {"sent_on": day(1)}, "sent_on", "", {}),
    ("F-16b", {"reply_on": day(-1)}, {"reply_on": day(-3)}, "reply_on", "R-31", {"F16": {"sent_on": day(-2)}}),
    ("F-16b", {"reply": "agreed_with_comments", "comments_handled": row(comment="加强监管", handling="已写入")}, {"reply": "agreed_with_comments", "comments_handled": []}, "comments_handled", "R-31", {}),
    ("F-16n", {}, {"doc_no": ""}, "doc_no", "R-08a", {}),
    ("F-17", {"adoption_summary": REASON, "interpretation": REASON}, {"interpretation": REASON}, "adoption_summary", "R-32b", {"F06": {"public_concern": True, "is_technical": False}}),
    ("F-17b", {}, {"channels": []}, "channels", "R-32a", {}),
    ("F-17b", {"url": "https://www.example.cn/1"}, {"url": "javascript:alert(1)"}, "url", "", {}),
    ("F-18", {}, {"post_eval_plan": []}, "no_eval_reason", "R-36a", {"F15": {"implementing_unit_id": 4}}),
    ("F-18", {"post_eval_plan": [], "no_eval_reason": REASON}, {"progress_report_months": 13}, "progress_report_months", "", {"F15": {"implementing_unit_id": 4}}),
    ("F-18", {"effective_date": day(4), "term_end": day(9)}, {"effective_date": day(4), "term_end": day(4)}, "term_end", "", {"F15": {"implementing_unit_id": 4}}),
    ("F-19", {"period_from": day(-90), "period_to": day(-1)}, {"period_from": day(-1), "period_to": day(-90)}, "period_to", "", {}),
    ("F-19b", {"occurred_on": day(-1)}, {"occurred_on": day(1)}, "occurred_on", "", {}),
    ("F-20", {"forms": ["hearing"]}, {"forms": ["symposium"]}, "forms", "R-16a", {"D06": {"hearing": "mandatory"}}),
    ("F-20", {"groups_to_negotiate": row(group="残联", how="座谈")}, {"groups_to_negotiate": []}, "groups_to_negotiate", "R-14c", {"F06": {"affects_specific_group": True}}),
    ("F-21", {"has_personal_info": True, "redaction_done": True}, {"has_personal_info": True, "redaction_done": False}, "result", "R-32a", {}),
    ("F-21", {"has_secret": True, "result": "return", "note": REASON}, {"has_secret": True}, "result", "SEC-10", {}),
    ("F-22", {"close_on": day(30)}, {"close_on": day(29)}, "short_reason_public", "R-15b", {}),
    ("F-22", {"close_on": day(20), "short_reason_public": REASON}, {"close_on": day(0), "short_reason_public": REASON}, "close_on", "", {}),
    ("F-22", {}, {"channels": []}, "channels", "R-15a", {}),
    ("F-22", {}, {"explanation_file": None}, "explanation_file", "R-15a", {}),
    ("F-23", {}, {"summary": ""}, "summary", "R-18", {}),
    ("F-23a", {"form_type": "questionnaire", "sample_size": 310}, {"form_type": "questionnaire", "sample_size": ""}, "sample_size", "", {}),
    ("F-24b", {}, {}, "received_by", "R-33", {"F24": {"handed_by": 8}}),
    ("F-25", {"is_price_hearing": True}, {"is_price_hearing": True, "sides": [{"side": "消费者", "is_consumer": True, "seats": 1}, {"side": "企业", "is_consumer": False, "seats": 2}]}, "sides", "R-16c", {}),
    ("F-25b", {"short_notice_reason": REASON}, {}, "short_notice_reason", "R-16b", {"F25": {"held_at": at(5)}}),
    ("F-25c", {"participants": [{"name": "甲", "side": "企业", "is_civil_servant": False}, {"name": "乙", "side": "消费者", "is_civil_servant": False}]}, {}, "participants", "R-16c", {"F25": {"sides": [{"side": "企业"}, {"side": "消费者"}]}}),
    ("F-26", {}, {"debate_at": at(-1, 8)}, "debate_at", "R-17a", {}),
    ("F-26b", {"signed": False, "refusal_note": "本人拒签"}, {"signed": False}, "refusal_note", "R-17a", {}),
    ("F-43f", {"approved_on": day(-1)}, {"approved_on": day(0)}, "received_on", "", {}),
    ("F-28", {"confidentiality_signed": True}, {"confidentiality_signed": False}, "confidentiality_signed", "R-19b", {}),
    ("F-29", {"capacity": "institution", "institution_name": "设计院"}, {"capacity": "institution", "institution_name": "设计院", "seal": None}, "seal", "R-19b", {}),
    ("F-30", {"assessor_type": "third_party", "assessor_name": "评估公司", "credit_code": "91530100MA6K12345X", "contract_no": "1"}, {"assessor_type": "third_party", "assessor_name": "评估公司", "credit_code": "91530100MA6K1234IO", "contract_no": "1"}, "credit_code", "", {}),
    ("F-31", {"scope": ["public_safety", "legal"]}, {"scope": ["legal"]}, "scope", "R-22a", SCREENED),
    ("F-32", {}, {"points": [{**RISK, "residual_likelihood": 5}]}, "points.0.residual_likelihood", "R-23b", {}),
    ("F-32", {}, {"points": [{**RISK, "measure": ""}]}, "points.0.measure", "R-23b", {}),
    ("F-34b", {"finding": "uncontrollable", "reason": REASON, "measures_required": row(measure="调整线位")}, {"finding": "uncontrollable", "measures_required": row(measure="调整线位")}, "reason", "R-24", {"D04": {"suggestion": "controllable"}}),
    ("F-35", {}, {"review_by": day(-1)}, "review_by", "R-37b", {}),
    ("F-35", {}, {"review_by": day(31)}, "review_by", "R-37b", {}),
    ("F-35", {}, {"ground": ""}, "ground", "R-37b", {}),
    ("F-35", {}, {"urgent": False}, "urgent", "R-37b", {}),
    ("F-35e", {"approved": False, "content": ""}, {"approved": True, "content": ""}, "content", "", {}),
    ("F-01t", {"route": "terminate"}, {"route": "transfer", "transfer_to": ""}, "transfer_to", "", {}),
    ("F-03w", {}, {"reply_text": ""}, "reply_text", "R-10c", {}),
    ("F-19e", {"until": day(3)}, {"until": day(-1)}, "until", "", {}),
    ("F-36", {"start": False, "decline_reason": REASON}, {"start": False}, "decline_reason", "R-36a", {}),
    ("F-37", {}, {"did_main_argumentation": True}, "did_main_argumentation", "R-36b", {}),
    ("F-39", {}, {"public_sources": []}, "public_sources", "R-36c", {}),
    ("F-41", {"outcome": "terminate"}, {"outcome": "continue"}, "reason", "R-36d", {"F40": {"recommendation": "terminate"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "right", "wrong", "path", "rule", "context"),
    CASES,
    ids=[f"{case[0]}-{case[3]}-{number}" for number, case in enumerate(CASES)],
)
def test_a_validation_is_kept_and_broken(
    form: str, right: dict[str, Any], wrong: dict[str, Any], path: str, rule: str, context: dict[str, Any]
) -> None:
    data = {**CONTEXT, **context}
    assert check(FORMS[form], right, data)
    with pytest.raises(Invalid) as refusal:
        check(FORMS[form], wrong, data, actor=8 if form == "F-24b" else 7)
    assert set(refusal.value.errors) == {path}
    said = refusal.value.errors[path][0]
    assert rule in said
    assert not rule or "条例" in said or "法" in said or "规则" in said


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.id)
def test_every_form_can_be_completed(form: Form) -> None:
    context = {**CONTEXT, "F15": {"implementing_unit_id": 4}, "F43c": {"members_total": 206}}
    if form.id == "F-41":
        context["F40"] = {"recommendation": "continue"}
    given = {"reason": REASON} if form.id in ("F-41",) else {}
    kept = check(form, given, context)
    assert form.process_data(kept).keys() <= {field.name for field in form.fields}


def test_a_review_without_an_adviser_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        check(FORMS["F-13"], {}, {"legal_opinions": []})
    assert "R-28a" in refusal.value.errors["opinions_heard"][0]


def test_the_reviewer_does_not_sign_the_own_opinion() -> None:
    assert check(FORMS["F-13s"], {}, {"F13": {"drafted_by": 5}})["signed_by"] == 7
    with pytest.raises(Invalid) as refusal:
        check(FORMS["F-13s"], {}, {"F13": {"drafted_by": 7}})
    assert "SOD-03" in refusal.value.errors["signed_by"][0]


def test_the_majority_is_counted_without_the_head() -> None:
    kept = check(FORMS["F-15"], against(decision="rejected"), CONTEXT)
    assert (kept["majority_position"], kept["deviation"], kept["head_opinion_order"]) == ("disagree", False, 4)


def test_a_recused_member_has_no_opinion_row() -> None:
    told = minutes()
    told["attendance"][0] |= {"recused": True, "recuse_reason": "近亲属受益"}
    with pytest.raises(Invalid) as refusal:
        check(FORMS["F-15"], told, CONTEXT)
    assert "R-30b" in refusal.value.errors["opinions"][0]
    told["opinions"] = [{**row, "order": number} for number, row in enumerate(told["opinions"][1:], 1)]
    assert check(FORMS["F-15"], told, CONTEXT)


@pytest.mark.parametrize("likelihood", range(1, 6))
@pytest.mark.parametrize("impact", range(1, 6))
def test_risk_levels_follow_the_matrix(likelihood: int, impact: int) -> None:
    point = {**RISK, "likelihood": likelihood, "impact": impact, "residual_likelihood": 1, "residual_impact": 1}
    level = check(FORMS["F-32"], {"points": [point]}, {})["points"][0]["level"]
    if impact == 5:
        assert level == ("high" if likelihood >= 2 else "medium")
    else:
        score = likelihood * impact
        assert level == ("high" if score >= 15 else "medium" if score >= 8 else "low")


def test_the_days_of_a_solicitation_do_not_count_the_day_of_publication() -> None:
    kept = check(FORMS["F-22"], {"open_on": "2026-03-09", "close_on": "2026-04-08"}, {})
    assert kept["days"] == 30 and "short_reason_public" not in kept
    assert date.fromisoformat(kept["close_on"]) == date(2026, 4, 8)


def test_the_hash_of_the_draft_is_taken_from_the_file() -> None:
    assert check(FORMS["F-06"], {}, {})["draft_sha256"] == FILE["sha256"]


def test_the_task_order_takes_unit_and_targets_from_what_was_decided() -> None:
    context = {
        "F15": {"implementing_unit_id": 12},
        "F06": {"targets": [{"indicator": "里程", "target": "7.2", "due_date": None}]},
    }
    kept = check(FORMS["F-18"], {"implementing_unit_id": 99}, context)
    assert kept["implementing_unit_id"] == 12
    assert kept["targets"] == [{"indicator": "里程", "target": "7.2"}]
