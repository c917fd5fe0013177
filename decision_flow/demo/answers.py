"""Plausible answers to every shipped form, so that demo matters read like an office's own.

What a case does not say itself is filled from here; a field nobody speaks of gets the shortest answer that
its own definition allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from decision_flow import clock
from decision_flow.forms import Field, Form, holds

LONG = "经实地调研并听取各方意见，情况清楚、依据充分，有关数据已与财政和主管部门核对，现如实报告，供研究决定。"

TYPICAL: dict[str, dict[str, Any]] = {
    "F-02": {"conclusion": "recommend", "controllability_preview": "controllable"},
    "F-03": {"initiate": True},
    "F-04": {
        "research_methods": ["field", "symposium"],
        "legal_basis": [
            {"title": "重大行政决策程序暂行条例", "doc_no": "国务院令第713号", "article": "第三条", "effect": "requires"}
        ],
        "cost_benefit_needed": False,
        "not_needed_reason": "资金已列入年度预算，规模较小，可行性研究中已作测算。",
        "consulted_units": [],
    },
    "F-05": {"position": "agree"},
    "F-05b": {"has_dispute": False},
    "F-06": {
        "has_major_disagreement": False,
        "options": [{"option_code": "A", "content": "按原方案实施", "cost": "0"}],
        "is_technical": False,
        "affects_market_entities": False,
        "affects_specific_group": False,
        "direct_vital_interest": False,
        "public_concern": False,
        "withheld_by_law": False,
        "npc_report_required": False,
        "government_pricing": False,
        "affected_people_count": 1200,
        "targets": [{"indicator": "群众满意度", "unit": "%", "baseline": "78", "target": "90"}],
    },
    "F-08": {"reason": "属于常规管理事项，不涉及专业性、技术性较强的问题，所需资料均已具备。"},
    "F-09": {
        "q_social_stability": False, "q_public_safety": False, "q_ecology": False, "q_fiscal_economic": False,
        "q_public_opinion": False, "q_legal": False, "q_other": False,
    },
    "F-11": {
        "material_change": False,
        "adoption": [{"source": "public", "opinion": "建议细化实施步骤", "disposition": "adopted"}],
    },
    "F-12": {
        "basis_list_ok": True,
        "procedure_explanation": "已公开征求意见并研究采纳；专家论证按规定办理豁免；已作风险筛查；"
        "公平竞争审查按是否涉及市场主体办理；承办单位已集体讨论通过，现送合法性审查。",
    },
    "F-12b": {"complete": True},
    "F-13": {
        "finding_authority": "pass", "finding_procedure": "pass", "finding_substance": "pass",
        "prohibited_rule_found": False, "exploratory_reform": False, "conclusion": "lawful", "points": [],
    },
    "F-13s": {"agree": True},
    "F-13e": {"change_kind": "wording", "confirmed": True},
    "F-15a": {"accepted": True},
    "F-16": {"target": "party_committee"},
    "F-16b": {"reply": "agreed"},
    "F-17": {},
    "F-17b": {"channels": ["website", "notice_board"], "url": ""},
    "F-18": {
        "progress_report_months": 3,
        "post_eval_plan": [{"months": 6, "mode": "light"}, {"months": 12, "mode": "full"}],
    },
    "F-20": {
        "forms": ["open_solicitation", "symposium"],
        "no_hearing_reason": "各方意见可以通过公开征求意见和座谈会充分表达，暂不举行听证会。",
    },
    "F-21": {"has_secret": False, "has_personal_info": False, "result": "pass"},
    "F-22": {
        "purpose": "群众反映集中，现有办法已不能满足需要，经调研论证拟作统一安排。",
        "affected": "辖区居民和有关经营者；实施期间出行和办事会受到一些影响，实施后更加便利。",
        "how_to_submit": "在本页直接填写；或者寄送承办单位（信封注明“征求意见”），电话0871-60007788，工作日9:00至17:00。",
        "channels": ["website", "notice_board"],
    },
    "F-22b": {"support_rate": 0.84},
    "F-23": {"summary": "意见集中在实施步骤和资金公开，已逐条研究，合理意见在草案中作了修改。"},
    "F-23a": {"form_type": "symposium", "support_rate": 0.84},
    "F-24": {"retention": "permanent", "security_class": "public"},
    "F-24b": {"accepted": True},
    "F-28": {"has_direct_interest": False, "confidentiality_signed": True, "pool_level": "own"},
    "F-29": {"necessity": "yes", "feasibility": "yes", "soundness": "yes", "overall": "support"},
    "F-30": {"assessor_type": "own", "assessor_name": "承办单位"},
    "F-31": {"methods": ["key_visits", "consultation"], "scope": ["social_stability", "public_safety"]},
    "F-34": {"opposition_known": True, "opposition_share": 0.1},
    "F-34b": {"finding": "controllable"},
    "F-10": {"exception_used": False, "conclusion": "no_restriction"},
    "F-19": {"percent_done": 40, "serious_problem": False, "finished": False},
    "F-36": {"start": True, "trigger_type": "scheduled"},
    "F-37": {"assessor_type": "own", "assessor_name": "档案馆评估组", "did_main_argumentation": False,
             "independence_reason": "简易评估由承办单位先行自查，结论由办公室审核。"},
    "F-40": {"recommendation": "continue"},
    "F-40b": {"accepted": True},
    "F-41": {"outcome": "continue"},
    "F-35b": {"kind": "minor"},
}  # fmt: skip


# Who sits in the meeting of each organ, the head last, and what kind of meeting it is.
MEETINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "清河镇人民政府": ("township_head_meeting", ("孙丽", "马波", "陈斌", "李强", "徐静", "高建明")),
    "石桥镇人民政府": ("township_head_meeting", ("万玲", "陶然", "段锐", "邵军")),
    "云岭区人民政府": (
        "executive", ("宋妍", "郭立", "谢芳", "丁磊", "潘峰", "任洁", "姜华", "梁伟"),
    ),
}  # fmt: skip


def dated(form_id: str, organ: str) -> dict[str, Any]:
    """Return typical answers that depend on the day or on the organ, or that stand for what the registers suggest."""
    today = clock.today()
    kind, members = MEETINGS.get(organ, MEETINGS["清河镇人民政府"])
    told: dict[str, dict[str, Any]] = {
        "F-14": {
            "items": [
                {"item": item, "present": True}
                for item in (
                    "draft", "explanation", "public_adoption", "expert_adoption", "risk_report", "fair_competition",
                    "department_consultation", "legality_opinion",
                )
            ]
        },
        "F-15b": {"meeting_type": kind, "members_total": len(members) + 1, "members": []},
        "F-15": minutes(list(members[:-1]), members[-1]),
        "F-22": {"open_on": today.isoformat(), "close_on": (today + timedelta(days=30)).isoformat()},
        "F-35": {
            "measure": "suspend", "ground": "force_majeure", "urgent": True, "scope": "whole",
            "from": f"{today.isoformat()}T09:00", "review_by": (today + timedelta(days=20)).isoformat(),
        },
        "F-29e": {"few_reason": "本领域专家较少，另征求市级专家意见",
                "no_dissent_reason": "公开征集后没有持不同意见的专家报名"},
    }  # fmt: skip
    return told.get(form_id, {})


def minutes(members: list[str], head: str, decision: str = "approved", against: int = 0) -> dict[str, Any]:
    """Return the minutes of a meeting: everybody speaks, the head last."""
    rows = [
        {
            "order": number,
            "person": name,
            "is_head": False,
            "position": "disagree" if number <= against else "agree",
            "option_code": "" if number <= against else "A",
            "words": "资金安排还需论证" if number <= against else "同意草案，请抓好落实",
        }
        for number, name in enumerate(members, 1)
    ]
    rows.append(
        {
            "order": len(rows) + 1,
            "person": head,
            "is_head": True,
            "position": "agree",
            "option_code": "A",
            "words": "综合大家意见，同意",
        }
    )
    return {
        "members_total": len(rows) + 1,
        "attendance": [{"person": row["person"], "status": "present", "recused": False} for row in rows]
        + [{"person": "钱进", "status": "leave", "recused": False}],
        "opinions": rows,
        "decision": decision,
        "material_change": False,
    }


def fill(form: Form, given: Mapping[str, Any], references: Mapping[str, int]) -> dict[str, Any]:
    """Return complete answers to `form`: what the case says, then what is typical, then the shortest.

    `references` gives an id for each reference target (`organisation`, `role:expert`, …). Files and
    signatures are left to the caller.
    """
    told = {**TYPICAL.get(form.id, {}), **given}
    answers = dict(told)
    for _ in range(3):  # conditions of one field may depend on another that is filled in this same pass
        for field in form.fields:
            if field.name in answers or field.type in ("file", "sign") or field.auto:
                continue
            names = {**dict.fromkeys(one.name for one in form.fields), **answers}
            asked = field.required or field.min_rows
            if not asked and field.required_if and field.type not in ("text", "long"):  # a reason is never invented
                asked = holds(field.required_if, names)
            if asked:
                answers[field.name] = _shortest(field, references)
    return answers


def _shortest(field: Field, references: Mapping[str, int]) -> Any:
    today = clock.today()
    if field.type == "table":
        row = {c.name: _shortest(c, references) for c in field.columns if c.required and not c.auto}
        return [dict(row) for _ in range(max(1, field.min_rows))]
    values: dict[str, Any] = {
        "long": LONG,
        "text": _short_text(field, today),
        "int": field.min if field.min is not None else 1,
        "number": 0.8,
        "money": "100000.00",
        "date": today.isoformat(),
        "datetime": f"{today.isoformat()}T09:30",
        "bool": False,
        "ref": references.get(field.ref, 1),
    }
    if field.type == "enum":
        return field.values[0]
    if field.type == "multi":
        return [references.get(field.ref, 1)] if field.ref else [field.values[0]]
    return values[field.type]


def _short_text(field: Field, today: date) -> str:
    samples = {
        "planned_decision_month": (today + timedelta(days=90)).strftime("%Y-%m"),
        "doc_no": f"政请〔{today.year}〕18号",
        "reply_doc_no": f"党复〔{today.year}〕11号",
        "meeting_no": f"{today.year}年第7次",
        "file_no": f"ZD-{today.year}-D30-0018",
        "place": "机关三楼会议室",
        "page_title": "关于印发决策事项的公告",
        "title": "关于决策事项的公告",
        "phone": "0871-60001234",
        "side": "沿线村民",
        "how": "座谈会和入户走访",
        "plan_dates": "公告期满后一周内完成座谈和走访",
        "indicator": "群众满意度",
        "value": "86%",
        "target": "90%",
        "actual": "91%",
        "task": "完成前期手续",
        "receipt": "本人签收",
        "school": "工程技术，注重造价控制",
        "who": "本地施工企业",
        "view": "没有意见",
        "unit": "财政部门",
        "content": "按方案实施",
        "assessor_name": "承办单位",
        "command_lead": "分管领导",
        "hearing_subject": "决策方案",
        "name": "村民代表",
    }
    text = samples.get(field.name, "情况属实")
    return text if not field.min_length or len(text) >= field.min_length else text * field.min_length
