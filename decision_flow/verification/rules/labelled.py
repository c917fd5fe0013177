"""Whoever does a task or follows a branch can read what it is. Only a warning: it runs without."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.errors import N_
from decision_flow.verification.model import Model
from decision_flow.verification.report import Finding

RULE = "labelled"
BASIS = N_("办理人员应当看得懂程序图")
NAMED = ("userTask", "manualTask", "task", "callActivity")


def check(model: Model) -> Iterator[Finding]:
    """Look for tasks without a name, and for branches of a decision without a word on them."""
    for scope in model.scopes():
        branches: dict[str, list[str]] = {}
        for flow, origin, _, _ in scope.flows:
            branches.setdefault(origin, []).append(flow)
        for source in scope.elements.values():
            if source.kind in NAMED and not source.name.strip():
                yield Finding(
                    RULE, "warning", source.id, "这个环节没有名称", "The task has no name.", BASIS, (source.id,)
                )
            flows = branches.get(source.id, [])
            if source.kind not in ("exclusiveGateway", "inclusiveGateway") or len(flows) < 2:
                continue
            for flow in flows:
                if not scope.labels[flow].strip():
                    yield Finding(
                        RULE, "warning", flow, f"“{source.name or source.id}”的一条分支没有写明是什么情形",
                        "A branch of the decision does not say in which case it is taken.", BASIS, (source.id, flow),
                    )  # fmt: skip
