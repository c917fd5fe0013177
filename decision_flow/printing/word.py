"""Word files from templates. A template is code that somebody uploaded, so it runs in a cage.

It sees plain values only, may call nothing, has no arithmetic on texts and few filters, and its loops may not
be nested deeper than the default's. Whatever it does, it cannot read a file, reach an object or use up the
machine.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import LxmlError

from decision_flow.errors import N_, Invalid

KNOWN = frozenset(
    {"form", "title", "basis", "organ", "number", "matter", "unit", "filled_as", "date", "marks", "digest",
     "printed_at", "sections", "fields"}
)  # fmt: skip
MAX_TEMPLATE = 5 * 1024 * 1024
# sections → tables → rows → cells.
MAX_DEPTH = 4
_FILTERS = ("default", "d", "upper", "lower", "length", "count", "join", "trim", "first", "last", "e", "escape")
_LOOP = frozenset({"index", "index0", "first", "last", "length", "revindex"})
_SET_ASIDE = re.compile(rb"\{%[a-z]*\s+(?:include|import|from|extends|macro|call|block|do|set|filter|raw)\b|\{#", re.I)


class Cage(SandboxedEnvironment):
    """Jinja without calls, arithmetic, globals and most filters."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(autoescape=True)
        self.globals.clear()
        self.tests = {name: self.tests[name] for name in ("defined", "undefined", "none")}
        self.filters = {name: self.filters[name] for name in _FILTERS}

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing may be called."""
        return False

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Where a loop stands, and no other attribute: the keys of mappings are none."""
        return type(obj).__name__ == "LoopContext" and attr in _LOOP

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Texts and numbers are not calculated with."""
        raise SecurityError("no arithmetic")


def render(template: bytes, context: dict[str, Any]) -> bytes:
    """Return `template` (docx) filled with `context`. Raises `Invalid` when the template does not work."""
    from docxtpl import DocxTemplate

    try:
        document = DocxTemplate(io.BytesIO(template))
        document.render(context, jinja_env=Cage(), autoescape=True)
        target = io.BytesIO()
        document.save(target)
    except (TemplateError, LxmlError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise Invalid(N_("模板不能使用：%(reason)s"), reason=f"{type(error).__name__} {error}"[:200]) from error
    return target.getvalue()


def check_template(template: bytes, example: dict[str, Any]) -> None:
    """Raise `Invalid` unless `template` is a Word file that names only what there is and can be filled.

    It is filled once with `example` and what comes out is opened again.
    """
    import docx
    from docxtpl import DocxTemplate

    if len(template) > MAX_TEMPLATE:
        raise Invalid(N_("模板文件过大。"))
    try:
        document = DocxTemplate(io.BytesIO(template))
        document.init_docx()
        sources = _sources(document)
        if any(_SET_ASIDE.search(source.encode()) for source in sources):
            raise Invalid(N_("模板只能使用变量、条件和循环。"))
        trees = [Cage().parse(source) for source in sources]
        names = set().union(*(meta.find_undeclared_variables(tree) for tree in trees))
    except (TemplateError, LxmlError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Invalid(N_("模板不能使用：%(reason)s"), reason=f"{type(error).__name__} {error}"[:200]) from error
    if unknown := sorted(names - KNOWN):
        raise Invalid(N_("模板用到了没有的内容：%(names)s。"), names="、".join(unknown)[:200])
    if not names & {"sections", "fields"}:
        raise Invalid(N_("模板没有用到表单内容，打印出来会是空白。"))
    if any(_depth(tree) > MAX_DEPTH for tree in trees):
        raise Invalid(N_("模板的循环套得太深。"))
    filled = render(template, example)
    try:
        docx.Document(io.BytesIO(filled))
    except (ValueError, KeyError, LxmlError, zipfile.BadZipFile) as error:
        raise Invalid(N_("模板填写后的文件打不开，请检查模板。")) from error


def _sources(document: Any) -> list[str]:
    """Return the template's text and that of its headers and footers, as they will be rendered."""
    found = [document.patch_xml(document.get_xml())]
    for uri in (document.HEADER_URI, document.FOOTER_URI):
        for _, part in document.get_headers_footers(uri):
            found.append(document.patch_xml(document.get_part_xml(part)))
    return found


def _depth(node: nodes.Node) -> int:
    inner = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return inner + (1 if isinstance(node, nodes.For) else 0)
