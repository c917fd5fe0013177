"""Supervision (Art. 8): a superior's reader sees its organs' registers and can write nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from decision_flow.roles import Permission
from tests.web.client import Desk

# Says what is wrong with a drawing that is sent along, or shows a form that is; stores nothing.
CHECKING = (
    "/procedures/drafts/<int:draft_id>/findings",
    "/procedures/drafts/<int:draft_id>/tables/<name>/findings",
    "/procedures/drafts/<int:draft_id>/forms/<form_id>/preview",
)


@pytest.mark.parametrize("username", ["lvping", "tangjing"])
def test_a_supervisor_can_write_nothing(app: Flask, at_desk: Callable[[str], Desk], username: str) -> None:
    """Every writing route but those of one's own account and of the public's pages answers 403."""
    desk = at_desk(username)
    desk.get("/inbox")
    walked: dict[str, int] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "POST" not in (rule.methods or ()) or getattr(view, "is_public", False):
            continue
        if view.required_permission == Permission.ACCOUNT_OWN:  # type: ignore[attr-defined]
            assert rule.rule.split("/")[1] in ("account", "messages", "sign-out"), rule
            continue
        if rule.rule in CHECKING:
            continue
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        answer = desk.post(re.sub(r"<\w+>", "F-06", path), reason="x", _approve="1")
        walked[rule.rule] = answer.status_code
    assert {path: status for path, status in walked.items() if status != 403} == {}
    assert len(walked) > 50


@pytest.mark.parametrize("path", ["/matters", "/exceptions", "/catalogues", "/major-items", "/evaluations", "/audit",
                                  "/registries/experts", "/procedures", "/rules", "/audit/conformance", "/audit/checkpoints"])  # fmt: skip
def test_a_supervisor_reads_every_register(at_desk: Callable[[str], Desk], path: str) -> None:
    at_desk("tangjing").get(path)
