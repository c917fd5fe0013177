"""The differences between two bundles in words."""

from __future__ import annotations

from flask import Flask

from decision_flow.errors import N_
from decision_flow.roles import ROLES
from decision_flow.steps import StatutoryStep
from web.language import gettext
from web.presentation import text_of

KINDS = {
    "process": N_("流程"), "element": N_("环节"), "flow": N_("连线"), "form": N_("表单"), "field": N_("字段"),
    "table": N_("决策表"), "row": N_("行"),
}  # fmt: skip
ASPECTS = {
    "name": N_("名称"), "name_en": N_("英文名称"), "kind": N_("类型"), "role": N_("岗位角色"),
    "form": N_("表单"), "step": N_("法定环节"), "exempts": N_("豁免的环节"), "basis": N_("依据"),
    "due": N_("办理期限"), "due_rule": N_("期限依据"), "hint": N_("办理提示"), "hint_en": N_("英文提示"),
    "unit": N_("办理单位"), "person": N_("办理人"), "process": N_("被调用的流程"), "table": N_("决策表"),
    "topic": N_("系统功能"), "on": N_("附着于"), "interrupts": N_("是否中断"), "timer": N_("等待到"),
    "event": N_("触发方式"), "list": N_("逐项办理的列表"), "sequential": N_("依次办理"), "source": N_("起点"),
    "target": N_("终点"), "condition": N_("条件"), "default": N_("默认连线"), "title": N_("名称"),
    "title_en": N_("英文名称"), "label": N_("名称"),
    "label_en": N_("英文名称"), "type": N_("类型"), "required": N_("必填"), "required_if": N_("必填条件"),
    "visible_if": N_("显示条件"), "options": N_("选项"), "help": N_("填写说明"), "policy": N_("命中策略"),
    "description": N_("说明"), "inputs": N_("输入列"), "outputs": N_("输出列"), "checks": N_("检查"),
}  # fmt: skip


def change_kind(what: str) -> str:
    """Return what kind of thing changed."""
    return gettext(KINDS.get(what, what))


def aspect_name(aspect: str) -> str:
    """Return a property's name; one we have no word for stands as it is written."""
    return gettext(ASPECTS.get(aspect, aspect))


def aspect_value(value: str, aspect: str) -> str:
    """Return a property's value as a reader knows it."""
    if aspect == "role":
        return "、".join(text_of(ROLES[code]) if code in ROLES else code for code in value.split(","))
    if aspect in ("step", "exempts") and value in set(StatutoryStep):
        return text_of(StatutoryStep(value))
    if value in ("true", "false"):
        return gettext("是") if value == "true" else gettext("否")
    return value


def register(app: Flask) -> None:
    """Make the words known to the templates of `app`."""
    app.jinja_env.filters.update(change_kind=change_kind, aspect_name=aspect_name, aspect_value=aspect_value)
