"""What an event of the trail says, in one sentence: who did what, in words that an auditor reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask

from decision_flow import clock
from decision_flow.auditing.reading import Line
from decision_flow.errors import N_
from decision_flow.event_names import EVENTS
from decision_flow.roles import ROLES
from decision_flow.steps import StatutoryStep
from web.language import gettext
from web.presentation import text_of
from web.request import language

# Who acts stands before the sentence; a word in %()s is taken from the facts of the event.
SENTENCES: dict[str, str] = {
    "matter.registered": N_("登记事项《%(title)s》，编号%(number)s，适用程序%(procedure)s第%(version)s版。"),
    "matter.finished": N_("事项办结，结果：%(outcome)s。"),
    "matter.cancelled": N_("事项撤销。"),
    "matter.suspended": N_("决策中止执行，自%(from)s起，至迟%(review_by)s复核。"),
    "matter.resumed": N_("决策恢复执行。"),
    "matter.major_item_entered": N_("列入三重一大台账，金额%(amount)s。"),
    "task.opened": N_("产生任务“%(task)s”。"),
    "task.claimed": N_("签收任务“%(task)s”。"),
    "task.released": N_("退回签收的任务“%(task)s”。"),
    "task.transferred": N_("将任务“%(task)s”转办给%(to)s。"),
    "task.completed": N_("办结任务“%(task)s”%(form)s%(papers)s。"),
    "task.entered_late": N_("补录环节“%(task)s”，实际于%(done_on)s由%(done_by)s办理。"),
    "task.withdrawn": N_("撤回任务“%(task)s”。"),
    "task.returned": N_("任务“%(task)s”由%(from)s退回岗位。"),
    "timer.fired": N_("等待的期限届满，程序继续。"),
    "document.uploaded": N_("上传材料《%(name)s》。"),
    "document.filed": N_("材料《%(name)s》归入事项。"),
    "document.read": N_("下载材料《%(name)s》。"),
    "draft.frozen": N_("固定决策草案第%(version)s版%(papers)s。"),
    "draft.reviewed": N_("对决策草案第%(version)s版出具审查结论：%(conclusion)s。"),
    "draft.stale_settled": N_("草案修改后，环节“%(step)s”已处理。"),
    "decision.recorded": N_("作出决定：%(decision)s，会议编号%(meeting_no)s，草案第%(draft_version)s版。"),
    "publication.recorded": N_("公布决策。"),
    "evaluation.scheduled": N_("安排后评估，日期%(due_on)s。"),
    "evaluation.started": N_("启动后评估。"),
    "evaluation.triggered": N_("出现需要评估的情形。"),
    "evaluation.closed": N_("后评估办结。"),
    "archive.filed": N_("材料归档%(papers)s，保管期限：%(retention)s。"),
    "feedback.recorded": N_("登记对决策执行的意见。"),
    "reminder.sent": N_("发出办理提醒，到期%(due)s。"),
    "deadline.moved": N_("期限由%(from)s变为%(to)s。"),
    "deadline.paused": N_("中止计算期限。"),
    "deadline.resumed": N_("恢复计算期限，期限由%(from)s变为%(to)s。"),
    "deadline.extended": N_("批准延长期限，由%(from)s变为%(to)s。"),
    "substitution.made": N_("安排%(substitute_name)s代理%(principal_name)s，%(from)s至%(to)s。"),
    "action.refused": N_("操作被拒绝：%(told)s"),
    "procedure.published": N_("发布程序%(key)s第%(version)s版。"),
    "procedure.retired": N_("停用程序%(key)s。"),
    "organisation.created": N_("登记单位“%(name)s”。"),
    "organisation.changed": N_("修改单位（编号%(id)s）。"),
    "post.created": N_("设置岗位“%(title)s”，角色：%(role)s。"),
    "post.changed": N_("修改岗位（编号%(id)s）。"),
    "user.created": N_("开立账号，姓名%(name)s。"),
    "user.changed": N_("修改账号（编号%(id)s）。"),
    "user.disabled": N_("停用%(name)s的账号。"),
    "user.enabled": N_("启用%(name)s的账号。"),
    "appointment.made": N_("%(name)s任“%(title)s”，自%(starts_on)s起，角色：%(role)s。"),
    "appointment.ended": N_("任职（编号%(id)s）自%(after)s结束。"),
    "exception.recorded": N_("登记豁免或者例外。"),
    "exception.decided": N_("对申请的例外作出处理：%(state)s。"),
    "record.linked": N_("关联记录%(number)s。"),
    "catalogue.edited": N_("编制%(year)s年度目录。"),
    "catalogue.consented": N_("%(year)s年度目录报党委同意，文号%(doc_no)s。"),
    "catalogue.published": N_("公布%(year)s年度目录。"),
    "session.failed": N_("登录失败。"),
    "notice.published": N_("发布公告%(notice)s，%(open_on)s至%(close_on)s。"),
    "notice.withdrawn": N_("撤回公告%(notice)s。"),
    "opinion.received": N_("收到第%(no)s号意见。"),
    "opinion.disposed": N_("处理意见%(numbers)s：%(disposition)s。"),
    "opinion.changed": N_("整理意见%(numbers)s。"),
    "hearing.enrolled": N_("听证报名第%(no)s号，代表%(side)s。"),
    "hearing.drawn": N_("从%(entries)s份报名中抽取听证参加人。"),
    "expert.registered": N_("专家%(name)s入库。"),
    "institution.registered": N_("机构“%(name)s”入库。"),
    "party.recorded": N_("登记利害关系方“%(name)s”。"),
    "calendar.imported": N_("导入放假安排%(year)s。"),
    "trail.read": N_("查阅过程记录：%(view)s。"),
    "trail.exported": N_("导出过程记录，格式%(format)s。"),
    "trail.sealed": N_("签发第%(number)s号检查点，覆盖%(size)s条记录。"),
    "trail.stamped": N_("存入第%(number)s号检查点的时间戳：%(at)s。"),
    "certificate.issued": N_("出具%(name)s的不同意见证明。"),
    "trail.verified": N_("验证过程记录，结果：%(outcome)s。"),
}
# What the codes in the facts are called; a code that stands nowhere here is shown as it was recorded.
WORDS: dict[str, str] = {
    "approved": N_("通过"), "approved_with_changes": N_("修改后通过"), "deferred": N_("暂缓"), "returned": N_("退回"),
    "rejected": N_("不予通过"), "lawful": N_("合法"), "lawful_after_revision": N_("修改后合法"),
    "unlawful": N_("不合法"),
    "confirmed": N_("已确认修改"), "permanent": N_("永久"), "30y": N_("30年"), "10y": N_("10年"), "asked": N_("已提出"),
    "refused": N_("不批准"), "stated": N_("已说明"), "adopted": N_("采纳"), "partly": N_("部分采纳"),
    "not_adopted": N_("不采纳"), "intact": N_("完整"), "broken": N_("不完整"), "search": N_("检索"),
    "matter": N_("一个事项"), "person": N_("一名人员"), "document": N_("一份材料"), "rule": N_("一项规则"),
    "event": N_("一条记录"), "access": N_("材料查阅情况"), "accountability": N_("责任倒查"),
    "major_decision": N_("重大行政决策"), "three_major_one_large": N_("三重一大"), "post_evaluation": N_("决策后评估"),
    "decision_adjustment": N_("决策调整"), "problem_handling": N_("问题处理"),
    "conformance": N_("程序和期限核对"), "certificate": N_("不同意见证明"), "completed": N_("办结"),
}  # fmt: skip


def sentence(line: Line) -> str:
    """Return what was done, without who: a plain sentence in the reader's language."""
    try:
        return gettext(SENTENCES[line.event]) % _values(line)
    except KeyError:
        # No sentence for this event, or one that needs a fact which this one lacks: its name says what was done.
        return gettext(EVENTS.get(line.event, line.event)) + gettext("。")


def reason(line: Line) -> str:
    """Return the words given for the act: those of the event, or those in its facts."""
    facts = line.facts
    return str(line.told.get("reason") or facts.get("reason") or facts.get("note") or "")


def on_behalf_of(line: Line) -> str:
    """Return for whom the actor stood in, or ""."""
    return str(line.told.get("on_behalf_of") or "")


def word(value: Any) -> str:
    """Return a recorded value in words: a code by its name, a moment in China, a list with its marks."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    if isinstance(value, list):
        return gettext("、").join(word(one) for one in value[:20]) + (" …" if len(value) > 20 else "")
    if isinstance(value, Mapping):
        named = value.get("display") or value.get("name")
        return str(named) if named else gettext("；").join(f"{key} {word(inner)}" for key, inner in value.items())
    text = str(value)
    if text in WORDS:
        return gettext(WORDS[text])
    if text in ROLES:
        return text_of(ROLES[text])
    return text_of(StatutoryStep(text)) if text in set(StatutoryStep) else _moment(text)


def papers(line: Line) -> list[tuple[str, str]]:
    """Return the papers that an event names: (name, SHA-256)."""
    facts = line.facts
    listed = [*(facts.get("documents") or ()), *(facts.get("files") or ())]
    if line.event.startswith("document."):
        listed.append(facts)
    return [
        (str(one.get("name", "")), str(one["sha256"])) for one in listed if isinstance(one, dict) and "sha256" in one
    ]


def _values(line: Line) -> Mapping[str, Any]:
    named = papers(line)
    values = {key: word(value) for key, value in line.facts.items()}
    task = (line.task_en if language() == "en" else "") or line.task or str(line.facts.get("name") or "")
    values["task"] = task or str(line.facts.get("element") or "—")
    values["form"] = gettext("（%(form)s）", form=line.form) if line.form else ""
    values["papers"] = (
        gettext("，材料%(n)s份", n=len(named)) if named and not line.event.startswith("document.") else ""
    )
    if line.event == "action.refused":
        values["told"] = gettext("；").join(str(one) for one in line.facts.get("told") or ())
    return values


def _moment(text: str) -> str:
    if len(text) > 18 and text[10:11] == "T":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return moment.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M") if moment.tzinfo else text
    return text


def register(app: Flask) -> None:
    """Make the words known to the templates of `app`."""
    app.jinja_env.filters.update(
        sentence=sentence, trail_reason=reason, trail_word=word, trail_papers=papers, on_behalf_of=on_behalf_of
    )
