"""Expressions read what can be there, and compare what can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from decision_flow.errors import N_
from decision_flow.verification.inference import Inference
from decision_flow.verification.kinds import Kind
from decision_flow.verification.model import Model
from decision_flow.verification.report import Finding
from decision_flow.verification.scopes import Source
from decision_flow.verification.standing import Standing

RULE = "expression_typed"
BASIS = N_("程序图的表达式应当能够计算")
_ISO = re.compile(r"^(P[0-9YMWDTHS]+|\d{4}-\d{2}-\d{2}([T ].*)?)$")
_DATES = ("any", "none", "text", "day", "moment", "date")
_NUMBERS = ("any", "none", "number")
# The properties of a task that are expressions: the kinds they must come to, and what to say otherwise.
PROPERTIES = {"due": (_DATES, "得不出日期"), "unit": (_NUMBERS, "得不出单位"), "person": (_NUMBERS, "得不出人员")}


def check(model: Model) -> Iterator[Finding]:
    """Type every expression against the forms and tables of the bundle. A diagram without forms is not asked."""
    if not model.forms:
        return
    standing = Standing(model)
    for scope in model.scopes():
        for flow, origin, _, condition in scope.flows:
            if condition and origin in scope.elements:
                names = standing.after(scope.elements[origin])
                yield from _told(flow, f"连线“{scope.labels[flow] or flow}”", _asked(standing, names, condition))
        for source in scope.elements.values():
            yield from _told(source.id, f"“{source.name or source.id}”", _element(standing, source))


def _element(standing: Standing, source: Source) -> list[str]:
    names, more = standing.before(source.id), standing.inside(source)
    problems: list[str] = []
    if source.timer and not _ISO.match(source.timer):
        problems += _asked(standing, names, source.timer, {}, _DATES, "得不出日期")
    for key, (wanted, otherwise) in PROPERTIES.items():
        if source.properties.get(key) and source.kind == "userTask":
            problems += _asked(standing, names, source.properties[key], more, wanted, otherwise)
    if source.each is not None:
        problems += _asked(standing, names, source.each.collection, {}, ("any", "list", "rows"), "不是列表")
        if source.each.until:
            problems += _asked(standing, names | {source.each.results}, source.each.until, more)
    if source.table in standing.tables:
        problems += _table(standing, source, names, more)
    return problems


def _table(standing: Standing, source: Source, names: set[str], more: Mapping[str, Kind]) -> list[str]:
    table = standing.tables[source.table]
    inference = Inference(standing.look(names, more))
    inputs = [inference.kind(text.text) for text in table.inputs]
    for rule in table.rules:
        for kind, condition in zip(inputs, rule.conditions, strict=True):
            if condition is not None:
                cell = Inference(standing.look(names, {**more, "value": kind}), inference.problems)
                cell.kind(condition.text)
        for result in rule.results:
            inference.kind(result.text)
    return [f"决策表 {table.id}：{problem}" for problem in inference.problems]


def _asked(
    standing: Standing,
    names: set[str],
    text: str,
    more: Mapping[str, Kind] | None = None,
    wanted: tuple[str, ...] = (),
    otherwise: str = "",
) -> list[str]:
    inference = Inference(standing.look(names, more or {}))
    kind = inference.kind(text)
    if wanted and kind.name not in wanted:
        inference.problems.append(f"“{text}”是{kind.label}，{otherwise}")
    return inference.problems


def _told(element: str, where: str, problems: list[str]) -> Iterator[Finding]:
    for problem in problems:
        yield Finding(
            RULE, "error", element, f"{where}的表达式不能使用：{problem}",
            "An expression here cannot be meant: a name, a comparison or a choice does not fit.", BASIS, (element,),
        )  # fmt: skip
