"""A split goes on whatever the answers are: by a default flow, or because its conditions cover every case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from decision_flow.errors import N_
from decision_flow.verification.covering import gap
from decision_flow.verification.model import Model
from decision_flow.verification.report import Finding

RULE = "gateway_complete"
BASIS = N_("程序必须能够办结")


def check(model: Model) -> Iterator[Finding]:
    """Look at every exclusive and inclusive gateway with conditions and no default flow."""
    fields = {
        f"{name.replace('-', '')}.{field.get('name', '')}": field
        for name, told in model.forms.items()
        for field in told.get("fields", ())
    }
    for scope in model.scopes():
        leaving: dict[str, list[str]] = {}
        for _, origin, _, condition in scope.flows:
            leaving.setdefault(origin, []).append(condition)
        for source in scope.elements.values():
            conditions = leaving.get(source.id, [])
            if source.kind not in ("exclusiveGateway", "inclusiveGateway") or source.default or not all(conditions):
                continue
            missed = gap(conditions, fields) if conditions else None
            if missed is not None:
                case = (
                    "、".join(f"{name} = {_shown(value)}" for name, value in missed.items()) or "情形过多，不能逐一核对"
                )
                yield Finding(
                    RULE, "error", source.id,
                    f"“{source.name or source.id}”没有默认连线，而条件没有覆盖所有情形：{case}",
                    "The split has no default flow, and its conditions do not cover every case.", BASIS, (source.id,),
                )  # fmt: skip


def _shown(value: Any) -> str:
    if value is None:
        return "未填写"
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)
