"""Everything drawn hangs together: something leads to it, and something follows until an end."""

from __future__ import annotations

from collections.abc import Iterator

from decision_flow.errors import N_
from decision_flow.verification.model import Model
from decision_flow.verification.report import Finding

RULE = "connected"
BASIS = N_("程序必须能够办结")


def check(model: Model) -> Iterator[Finding]:
    """Look for elements without a flow that comes in, and for others than ends without one that goes out."""
    for scope in model.scopes():
        coming = {target for _, _, target, _ in scope.flows}
        leaving = {origin for _, origin, _, _ in scope.flows}
        for source in scope.elements.values():
            name = source.name or source.id
            if source.id not in coming and source.kind not in ("startEvent", "boundaryEvent"):
                yield Finding(
                    RULE, "error", source.id, f"没有连线通到“{name}”", "No flow leads here.", BASIS, (source.id,)
                )
            elif source.id not in leaving and source.kind != "endEvent":
                yield Finding(
                    RULE, "error", source.id, f"“{name}”之后没有下一步，也没有画结束", "Nothing follows, not an end.",
                    BASIS, (source.id,),
                )  # fmt: skip
