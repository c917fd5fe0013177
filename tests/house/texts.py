"""Finds every text that a reader may see: `_()` in templates, `N_()` and `gettext()` in code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).parents[2]


def in_templates() -> Iterator[str]:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in sorted((ROOT / "web/templates").rglob("*.html")):
        for _, _, message in environment.extract_translations(path.read_text("utf-8")):
            # A text with values to fill comes as a tuple, the text first.
            first = message[0] if isinstance(message, tuple) else message
            if isinstance(first, str):
                yield first


def in_code() -> Iterator[str]:
    for folder in ("decision_flow", "web"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in ("N_", "gettext")
                    and node.args
                    and isinstance(node.args[0], ast.Constant)
                    and isinstance(node.args[0].value, str)
                ):
                    yield node.args[0].value


def everything() -> list[str]:
    return sorted({*in_templates(), *in_code()})
