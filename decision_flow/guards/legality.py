"""G-LEGALITY: what must be done or exempted before a draft goes to the legality review, and stay so afterwards."""

from __future__ import annotations

from decision_flow.errors import N_
from decision_flow.guards import initiate
from decision_flow.guards.facts import CONTROLLABLE, Facts
from decision_flow.guards.said import Found, missing, unapproved

SCREENED = ("social_stability", "public_safety", "ecology", "fiscal_economic", "public_opinion", "legal", "other")


def drafted(facts: Facts) -> Found:
    """R-12a, R-12b, R-12d, R-25c: researched, its law listed, and a frozen text with options."""
    research = facts.last("F-04")
    if research is None or not research.get("research_summary"):
        yield missing("R-12a", 12, N_("没有调查研究记录。"), N_("完成调研并填写调研与依据清单。"), "F-04")
    if research is None or not research.get("legal_basis"):
        yield missing("R-12b", 12, N_("没有梳理法律法规规章政策依据。"), N_("在依据清单中至少列一项依据。"), "F-04")
    if research is not None and not research.get("cost_benefit_needed") and not research.get("not_needed_reason"):
        yield missing(
            "R-12c", 12, N_("没有成本效益分析，也没有说明不需要的理由。"), N_("补充分析或者写明理由。"), "F-04"
        )
    elif research is not None and not research.get("cost_benefit_needed") and "R-12c" not in facts.approved:
        yield unapproved("R-12c", 12, N_("不作成本效益分析的理由还没有经批准。"))
    draft = facts.last("F-06")
    if draft is None or not draft.get("options"):
        yield missing("R-12a", 12, N_("没有拟订决策草案。"), N_("拟订草案及说明。"), "F-06")
    elif (
        draft.get("has_major_disagreement") and len(draft.get("options")) < 2 and not draft.get("single_option_reason")
    ):
        yield missing(
            "R-12d", 12, N_("有较大分歧但只有一个方案，没有说明理由。"), N_("提出两个以上方案，或者写明理由。"), "F-06"
        )
    elif draft.get("single_option_reason") and "R-12d" not in facts.approved:
        yield unapproved("R-12d", 12, N_("有较大分歧只提一个方案，理由还没有经批准。"))
    if facts.text is None or not facts.text.sha256:
        yield missing(
            "R-25c", 25, N_("草案文本没有固定，不能确认审查的是哪一份文本。"), N_("上传草案文件并固定版本。"), "F-06"
        )


def consulted(facts: Facts) -> Found:
    """R-13a, R-13b: every unit asked has answered or timed out, and each dispute is stated."""
    if not (facts.of("F-04", "consulted_units") or []):
        return
    handled = facts.last("F-05b")
    if handled is None or facts.place(handled) < facts.place(facts.last("F-04")):
        yield missing("R-13a", 13, N_("征求部门意见还没有办结。"), N_("等各单位回复或者期满后处理部门意见。"), "F-05b")
        return
    asked = facts.place(facts.last("F-04"))
    disagree = any(one.get("position") == "disagree" and facts.place(one) > asked for one in facts.all("F-05"))
    if disagree and not str(handled.get("handling") or "").strip() and not handled.get("disputes"):
        yield missing(
            "R-13b",
            13,
            N_("有单位不同意，没有说明争议、各方意见和理由依据。"),
            N_("在部门意见处理中写明争议。"),
            "F-05b",
        )


def public_heard(facts: Facts) -> Found:
    """R-14a, R-18: the public was heard and every opinion disposed of, or the matter is lawfully not public.

    Where only a part of it is, the public is heard on the rest.
    """
    exempt = facts.last("F-07")
    if exempt is not None and exempt.get("scope") == "whole":
        if not (exempt.get("basis_law") and exempt.get("basis_article")):
            yield missing("R-14a", 14, N_("不予公开认定没有法律依据。"), N_("写明法律名称和条款。"), "F-07")
        return
    if not facts.has("F-23"):
        yield missing(
            "R-14a",
            14,
            N_("公众参与没有办结，也没有认定全部不予公开。"),
            N_("完成公众参与，归纳并研究采纳意见。"),
            "F-23",
        )
    if facts.of("F-20", "no_hearing_reason") and "R-16a" not in facts.approved:
        yield unapproved("R-16a", 16, N_("不举行听证会的理由还没有经批准。"))
    if facts.pending:
        yield missing(
            "R-18",
            18,
            N_("还有%(count)s条公众意见没有处理。"),
            N_("在意见台账中逐条写明采纳情况。"),
            "F-23",
            count=facts.pending,
        )


def experts_heard(facts: Facts) -> Found:
    """R-19a: experts argued a technical matter; for another the exemption has its reason."""
    if facts.of("F-29e", "few_reason") and "R-20c" not in facts.approved:
        yield unapproved("R-20c", 20, N_("专家人数少于规定，理由还没有经批准。"))
    technical = facts.of("F-06", "is_technical") is True
    if technical and not facts.has("F-29"):
        yield missing("R-19a", 19, N_("专业性、技术性较强的事项没有专家论证意见。"), N_("组织专家论证。"), "F-29")
    elif not technical and not facts.has("F-29s"):
        exempt = facts.last("F-08")
        if exempt is None or not str(exempt.get("reason") or "").strip():
            yield missing(
                "R-19a", 19, N_("没有专家论证，也没有经批准的豁免。"), N_("组织论证，或者由分管领导批准豁免。"), "F-08"
            )


def risk_assessed(facts: Facts) -> Found:
    """R-22a, R-22b, R-24: screened, assessed or exempted, and under control."""
    screening = facts.last("F-09")
    if screening is None:
        yield missing("R-22a", 22, N_("没有风险筛查。"), N_("填写风险筛查表。"), "F-09")
        return
    flagged = {name for name in SCREENED if screening.get(f"q_{name}") is True}
    finding = facts.last("F-34b")
    if finding is not None and finding.get("finding") not in CONTROLLABLE:
        yield missing("R-24", 24, N_("风险不可控，不能提交。"), N_("调整草案或者采取措施，重新评估到可控。"), "F-34b")
    if finding is not None:
        return
    if flagged and screening.get("existing_assessment_no"):
        if not flagged <= set(screening.get("existing_scope") or ()):
            yield missing(
                "R-22b", 22, N_("引用的已有评估没有覆盖全部风险类型。"), N_("补充评估没有覆盖的风险。"), "F-09"
            )
        elif "R-22b" not in facts.approved:
            yield unapproved("R-22b", 22, N_("以已有评估代替风险评估，还没有经批准。"))
    elif flagged:
        yield missing("R-22a", 22, N_("筛查有风险，没有风险评估报告和可控性认定。"), N_("组织风险评估。"), "F-34")
    elif not str(facts.of("F-09b", "exempt_reason") or "").strip():
        yield missing(
            "R-22a", 22, N_("没有风险评估，也没有经批准的豁免。"), N_("由分管领导批准豁免并写明理由。"), "F-09b"
        )


def competition_reviewed(facts: Facts) -> Found:
    """R-29c: what touches market entities was reviewed for fair competition, and not found against it."""
    if facts.of("F-06", "affects_market_entities") is not True:
        return
    review = facts.last("F-10")
    if review is None:
        yield missing(
            "R-29c",
            "公平竞争审查条例第十二条",
            N_("涉及市场主体，没有公平竞争审查。"),
            N_("办理公平竞争审查。"),
            "F-10",
        )
    elif review.get("conclusion") not in ("no_restriction", "exception_ok"):
        yield missing(
            "R-29c", "公平竞争审查条例第十四条", N_("公平竞争审查没有通过。"), N_("修改草案后重新审查。"), "F-10"
        )
    elif review.get("exception_used") and not review.get("implementation_end_date"):
        yield missing(
            "R-29c", "公平竞争审查条例第十二条", N_("适用例外规定，没有写明实施期限。"), N_("写明实施期限。"), "F-10"
        )


def nothing_stale(facts: Facts) -> Found:
    """R-25c (P): what was done on an older text is done again, or reasoned away and approved."""
    if [step for step in facts.stale if step != "legality_review"]:
        yield missing(
            "R-25c", 25, N_("草案作了实质性修改，有的环节是按旧文本办理的。"), N_("重新办理，或者说明理由并经批准。")
        )


def steps(facts: Facts) -> Found:
    """Every step that applies, done or exempted."""
    yield from drafted(facts)
    yield from consulted(facts)
    yield from public_heard(facts)
    yield from experts_heard(facts)
    yield from risk_assessed(facts)
    yield from competition_reviewed(facts)


def explained(facts: Facts) -> Found:
    """R-26a: the papers for the reviewer come with an explanation of the procedure that was followed."""
    if not str(facts.of("F-12", "procedure_explanation") or "").strip():
        yield missing("R-26a", 26, N_("没有履行法定程序情况的说明。"), N_("在送审表中说明各环节办理情况。"), "F-12")


def to_review(facts: Facts) -> Found:
    """What must stand before the draft is sent to the reviewer (F-12)."""
    if facts.kind != "major":
        return
    yield from initiate.to_draft(facts)
    yield from steps(facts)
    yield from nothing_stale(facts)
    yield from explained(facts)


def to_sign(facts: Facts) -> Found:
    """R-25a: there is an opinion to sign, drafted after the papers were sent."""
    review = facts.last("F-13")
    if review is None or facts.place(review) < facts.place(facts.last("F-12")):
        yield missing("R-25a", 25, N_("没有可以签发的审查意见。"), N_("由审查人员先作出审查意见。"), "F-13")


def to_conclude(facts: Facts) -> Found:
    """What must stand before the reviewer's opinion counts (F-13): R-27 and R-28a."""
    if facts.last("F-12") is None:
        yield missing("R-26a", 26, N_("承办单位还没有送审。"), N_("由承办单位报送审查材料。"), "F-12")
    opinion = facts.last("F-13a")
    if opinion is None or facts.place(opinion) < facts.place(facts.last("F-13d")):
        yield missing(
            "R-28a", 28, N_("没有法律顾问或者公职律师的意见。"), N_("组织法律顾问、公职律师提出意见。"), "F-13a"
        )
    review = facts.last("F-13")
    if review is not None and not all(
        review.get(f"finding_{part}") for part in ("authority", "procedure", "substance")
    ):
        yield missing("R-27", 27, N_("权限、程序、内容三项没有逐项认定。"), N_("逐项作出认定。"), "F-13")
