"""G-INITIATE: nobody begins a major decision that is out of scope, unstudied, or carried by nobody."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found, missing


def scope(facts: Facts) -> Found:
    """R-03a, R-03b, R-03c: a category of Art. 3, no exclusion, and a special law only with its article."""
    suggestion = facts.last("F-01")
    if suggestion is None:
        return
    if not (suggestion.get("matter_category") or facts.category):
        yield missing("R-03a", 3, N_("没有选择事项类别。"), N_("在登记表中选择事项类别。"), "F-01")
    if suggestion.get("exclusion_type") not in (None, "none") or facts.of("F-01b", "in_scope") is False:
        yield missing(
            "R-03c",
            3,
            N_("本事项属于不适用本程序的情形，不能继续办理。"),
            N_("按不适用本程序归档，并列入排除登记。"),
            "F-01b",
        )
    if suggestion.get("special_procedure_law") and not suggestion.get("special_procedure_article"):
        yield missing("R-03b", 3, N_("写明了另有规定的法律法规，没有写明条款。"), N_("补充具体条款。"), "F-01")


def studied(facts: Facts) -> Found:
    """R-10a, R-10b: a study report with its five parts before anybody decides to begin."""
    study = facts.last("F-02")
    if study is None:
        yield missing("R-10a", 10, N_("还没有研究论证报告，不能决定启动。"), N_("交有关单位研究论证。"), "F-02")
        return
    parts = ("main_problem", "grounds", "preliminary_solution", "necessity", "feasibility")
    if not all(str(study.get(part) or "").strip() for part in parts):
        yield missing(
            "R-10b", 10, N_("研究论证报告缺少法定内容。"), N_("补齐问题、理由依据、初步方案、必要性和可行性。"), "F-02"
        )


def begun(facts: Facts) -> Found:
    """R-10d: the organ decided to begin; the undertaking unit does not begin by itself."""
    start = facts.last("F-03")
    if start is None or start.get("initiate") is not True or start.role not in ("", "admin_head"):
        yield missing("R-10d", 10, N_("还没有决策机关启动决策的决定。"), N_("报请行政首长决定是否启动。"), "F-03")


def carried(facts: Facts) -> Found:
    """R-11a, R-11b: an undertaking unit, and a lead among several."""
    if facts.undertaking_unit is None:
        yield missing("R-11a", 11, N_("还没有明确决策承办单位。"), N_("确定承办单位。"), "F-03b")
    units = facts.of("F-03b", "undertaking_units") or []
    lead = facts.of("F-03b", "lead_unit_id")
    if len(units) > 1 and lead not in units:
        yield missing(
            "R-11b", 11, N_("两个以上单位承办，没有明确牵头单位。"), N_("在承办单位中确定牵头单位。"), "F-03b"
        )


def to_decide_on_start(facts: Facts) -> Found:
    """What must stand before the head decides whether to begin (F-03)."""
    yield from scope(facts)
    if facts.relation != "adjusts":
        yield from studied(facts)


def to_draft(facts: Facts) -> Found:
    """What must stand before work on the draft counts. What replaces a decision was begun with that decision."""
    yield from scope(facts)
    if facts.relation != "adjusts":
        yield from studied(facts)
        yield from begun(facts)
    yield from carried(facts)
