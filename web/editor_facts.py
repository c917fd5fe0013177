"""What the script of the editor is told: choices for its panel, findings in words. Only this knows its JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from decision_flow import policies as settings
from decision_flow.engine.markup import NS, parse_xml
from decision_flow.errors import N_, Invalid
from decision_flow.forms import Field, Form
from decision_flow.modelling import checking
from decision_flow.modelling.tables import TableFinding
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import shipped_forms, shipped_tables
from decision_flow.roles import ADMINISTRATORS, ROLES
from decision_flow.steps import StatutoryStep
from decision_flow.verification import policy as policies
from decision_flow.verification.report import shortened
from web.language import gettext, said, translated
from web.presentation import basis, text_of
from web.request import language

TOPICS = {
    "freeze_draft": N_("固定草案版本"), "record_decision": N_("记录决定"), "record_publication": N_("记录公布"),
    "schedule_evaluations": N_("安排后评估"), "suspend_execution": N_("中止执行"), "resume_execution": N_("恢复执行"),
    "start_adjustment": N_("启动决策调整"), "archive_part": N_("归档"),
}  # fmt: skip
FIELD_TYPES = {
    "text": N_("单行文字"), "long": N_("多行文字"), "int": N_("整数"), "number": N_("数字"), "money": N_("金额"),
    "date": N_("日期"), "datetime": N_("日期和时间"), "bool": N_("是或否"), "enum": N_("单选"), "multi": N_("多选"),
    "ref": N_("引用登记簿"), "file": N_("文件"), "table": N_("表格"), "sign": N_("签名"),
}  # fmt: skip
# The function that counts each unit of a setting.
COUNTED = {"working_days": "working_days_after", "calendar_days": "days_after", "months": "months_after"}
# Roles that never have a task of their own.
_NO_TASKS = (*ADMINISTRATORS, "oversight_reader", "procedure_modeller", "procedure_publisher", "policy_keeper")


def field_types() -> dict[str, str]:
    """Return the kinds of fields with their names in the reader's language."""
    return {kind: translated(name) for kind, name in FIELD_TYPES.items()}


def facts(source: ProcedureSource, policy: str) -> dict[str, Any]:
    """Return what the panel offers: roles, steps, forms with their fields, tables, functions of the product."""
    return {
        "policy": checking.policy_of(policy).id,
        "start_form": source.start_form,
        "policies": [[one.id, text_of(one, "title")] for one in map(policies.load, policies.policies())],
        "roles": [[code, text_of(role)] for code, role in ROLES.items() if code not in _NO_TASKS],
        "steps": [[step.value, text_of(step), step.article] for step in StatutoryStep],
        "topics": [[topic, gettext(label)] for topic, label in TOPICS.items()],
        "forms": forms(source),
        "tables": tables(source),
        "settings": _settings(checking.policy_of(policy).id),
    }


def _settings(policy: str) -> list[dict[str, Any]]:
    """Return the numbers of the policy that deadlines and conditions may take, and which function counts each."""
    return [
        {"key": one.key, "label": text_of(one, "label"), "value": one.value, "counts": COUNTED.get(one.unit, "")}
        for one in settings.settings(policy).values()
    ]


def forms(source: ProcedureSource) -> list[dict[str, Any]]:
    """Return the forms of the draft and those that come with the product, with their fields."""
    own = {Path(name).stem: body for name, body in source.bundle.forms.items()}
    found = []
    for key, body in sorted({**shipped_forms(), **own}.items()):
        try:
            form = checking.parsed_form(body, key)
        except Invalid:
            found.append({"id": key, "key": key.replace("-", ""), "title": key, "own": True, "fields": []})
            continue
        found.append(_form(form, key in own))
    return found


def report(told: checking.Report, source: ProcedureSource) -> dict[str, Any]:
    """Return the findings on a draft in the reader's language, each counterexample with the names on its way."""
    names = {element.id: text_of(element, "name") or element.id for element in _elements(told)}
    names = names or _named(source)
    return {
        "verdict": told.verdict,
        "runs": told.runs,
        "findings": [
            {
                "rule": found.rule,
                "severity": found.severity,
                "element": found.element,
                "name": names.get(found.element, ""),
                "message": found.message_en if language() == "en" and found.message_en else said(found.message),
                "basis": basis(found.basis),
                "counterexample": list(found.counterexample),
                # The nodes on the way, which are its steps; the flows between them are only drawn.
                "steps": [step for step in found.counterexample if step in names],
                "way": (way := [names.get(step, step) for step in found.counterexample if step in names]),
                "told": shortened(way),
            }
            for found in told.findings
        ],
    }


def table_findings(found: Iterable[TableFinding]) -> list[dict[str, str]]:
    """Return the findings on a table in the reader's language."""
    english = language() == "en"
    return [
        {"element": one.element, "severity": one.severity, "message": one.message_en if english else one.message}
        for one in found
    ]


def _form(form: Form, own: bool) -> dict[str, Any]:
    return {
        "id": form.id, "key": form.key, "title": text_of(form, "title"), "own": own,
        "fields": [_field(field) for field in form.fields if field.type not in ("long", "file", "sign")],
    }  # fmt: skip


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name, "label": text_of(field), "type": field.type, "ref": field.ref,
        "options": [[option.value, text_of(option)] for option in field.options],
        "columns": [_field(column) for column in field.columns],
    }  # fmt: skip


def tables(source: ProcedureSource) -> list[dict[str, str]]:
    """Return the decision tables of the draft and those that come with the product."""
    files = dict(shipped_tables().values()) | dict(source.bundle.dmn)
    found: dict[str, dict[str, str]] = {}
    for name, body in files.items():
        try:
            tree = parse_xml(name, body)
        except Invalid:
            continue
        for decision in tree.iter("{*}decision"):
            key = decision.get("id", "")
            own = "yes" if name in source.bundle.dmn else ""
            found[key] = {"id": key, "name": decision.get("name") or key, "file": name, "own": own}
    return [found[key] for key in sorted(found)]


def _elements(told: checking.Report) -> Iterable[Any]:
    return told.compiled.elements.values() if told.compiled is not None else ()


def _named(source: ProcedureSource) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, body in source.bundle.bpmn.items():
        try:
            tree = parse_xml(name, body)
        except Invalid:
            continue
        for node in tree.iterfind(".//*[@id]", NS):
            if node.get("name"):
                names[node.get("id", "")] = node.get("name", "").replace("\n", "")
    return names
