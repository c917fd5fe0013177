"""Typesetting: plain values through a template of ours to PDF/A. Values are data, never markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn as fonts
import typst

from decision_flow.printing.glyphs import shown


def pdf(template: str, values: Mapping[str, Any], moment: datetime) -> bytes:
    """Return the PDF/A of `values` by a template of this package (`record`, `form`), dated `moment`.

    PDF/A-2b: every font embedded, no script, no link outside. A template reads `values` as JSON from its inputs, so
    a text in them is shown as it is whatever it holds.
    """
    data = json.dumps(_clean(values), ensure_ascii=False)
    made = _compiler(template).compile(
        format="pdf",
        sys_inputs={"data": data},
        pdf_standards=["a-2b"],
        timestamp=moment.replace(microsecond=0),
    )
    if not isinstance(made, bytes):
        raise TypeError("one document is one file")
    return made


@cache
def _compiler(template: str) -> typst.Compiler:
    source = Path(__file__).with_name(f"{template}.typ")
    return typst.Compiler(
        str(source),
        root=str(source.parent),
        font_paths=_fonts(),
        # A template fetches nothing.
        package_path="/-",
        package_cache_path="/-",
    )


@cache
def _fonts() -> typst.Fonts:
    folder = str(Path(fonts.sans_path()).parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {key: _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value
