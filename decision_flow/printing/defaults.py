"""The templates that come with the product, built by this code: a form in cells, a document and a notice in paragraphs.

Layout after GB/T 9704 as far as free fonts allow. East Asian fonts and language are set on the styles: without
the language a word processor sets commas and stops as in traditional typesetting.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

BODY, HEAD, TITLE = "仿宋_GB2312", "黑体", "方正小标宋简体"
# Forms that are read as documents of their own: opinions, minutes, requests, reports.
DOCUMENTS = frozenset({"F-13", "F-13a", "F-15", "F-16", "F-17b", "F-27", "F-34", "F-35", "F-40"})
# Forms that are a notice to the public, with the field that is its title.
NOTICES = {
    "F-17": "page_title", "F-17e": "title", "F-17i": "title", "F-22": "title", "F-25b": "", "F-43": "title",
    "F-43c": "title", "F-43g": "title",
}  # fmt: skip


def layout_of(form: str) -> str:
    """Return "notice", "document" or "form": how a form is laid out on paper unless an office has its own template."""
    return "notice" if form in NOTICES else "document" if form in DOCUMENTS else "form"


@lru_cache(maxsize=3)
def default_template(layout: str) -> bytes:
    """Return the default template of a layout as a Word file."""
    import docx
    from docx.shared import Mm

    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    notice, official = layout == "notice", layout != "form"
    section.top_margin, section.bottom_margin = (Mm(37), Mm(35)) if official else (Mm(25), Mm(22))
    section.left_margin, section.right_margin = (Mm(28), Mm(26)) if official else (Mm(22), Mm(22))
    _styles(document, 16 if official else 12)
    _paragraph(document, "{{ title }}", TITLE, 22, align="center", after=6)
    if not notice:
        _paragraph(document, "{{ matter }}", BODY, 16 if official else 12, align="center", after=6)
    _paragraph(document, "{{ organ }}  {{ number }}", BODY, 12, align="center", after=10)
    _paragraph(document, "{%p if marks %}")
    _paragraph(document, "{{ marks|join(';') }}", HEAD, 12, align="center", after=8)
    _paragraph(document, "{%p endif %}")
    _paragraph(document, "{%p for section in sections %}")
    if not notice:
        _paragraph(document, "{%p if section.heading %}")
        _paragraph(document, "{{ section.heading }}", HEAD, 16 if official else 12, before=6, after=4)
        _paragraph(document, "{%p endif %}")
    if official:
        _paragraph(document, "{%p for line in section.lines %}")
        if notice:
            _paragraph(document, "{%p if line.long %}")
            _paragraph(document, "{{ line.label }}", HEAD, 16, before=6)
            _paragraph(document, "{{ line.value }}", BODY, 16, indent=True)
            _paragraph(document, "{%p else %}")
        _paragraph(document, "{{ line.label }}:{{ line.value }}", BODY, 16, indent=True)
        if notice:
            _paragraph(document, "{%p endif %}")
        _paragraph(document, "{%p endfor %}")
    else:
        _lines(document)
    _paragraph(document, "{%p for table in section.tables %}")
    _paragraph(document, "{{ table.label }}", HEAD if official else BODY, 14 if official else 12, before=6, after=4)
    _rows(document, 10.5 if official else 10)
    _paragraph(document, "{%p endfor %}")
    _paragraph(document, "{%p endfor %}")
    signed = "{{ organ }}" if official else "{{ filled_as }}"
    _paragraph(document, signed, BODY, 16 if official else 12, align="right", before=18)
    _paragraph(document, "{{ date }}", BODY, 16 if official else 12, align="right")
    foot = section.footer.paragraphs[0]
    _run(foot, "{{ number }} {{ form }} 办理人：{{ filled_as }} 打印：{{ printed_at }} 内容摘要：{{ digest }}", BODY, 8)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def _styles(document: Any, size: int) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(size)
    properties = style.element.get_or_add_rPr()
    properties.rFonts.set(qn("w:eastAsia"), BODY)
    language = OxmlElement("w:lang")
    for name in ("val", "eastAsia"):
        language.set(qn(f"w:{name}"), "zh-CN")
    properties.append(language)
    style.paragraph_format.space_after = Pt(0)
    # The settings' own language decides for text that no style speaks of.
    for element in document.styles.element.iter(qn("w:lang")):
        element.set(qn("w:eastAsia"), "zh-CN")


def _paragraph(
    document: Any, text: str, font: str = BODY, size: float = 12, *, align: str = "", before: int = 0, after: int = 0,
    indent: bool = False,
) -> None:  # fmt: skip
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    shape = paragraph.paragraph_format
    shape.space_before, shape.space_after = Pt(before), Pt(after)
    if align:
        paragraph.alignment = {"center": WD_ALIGN_PARAGRAPH.CENTER, "right": WD_ALIGN_PARAGRAPH.RIGHT}[align]
    if indent:
        shape.first_line_indent, shape.line_spacing = Pt(2 * size), Pt(28)
    _run(paragraph, text, font, size)


def _run(paragraph: Any, text: str, font: str, size: float) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    run = paragraph.add_run(text)
    run.font.size, run.font.name = Pt(size), "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _lines(document: Any) -> None:
    """A table of two columns, one row for each answer."""
    from docx.shared import Mm

    table = document.add_table(rows=3, cols=2)
    table.style, table.autofit = "Table Grid", False
    table.columns[0].width, table.columns[1].width = Mm(46), Mm(120)
    for row, texts in zip(
        table.rows,
        (("{%tr for line in section.lines %}", ""), ("{{ line.label }}", "{{ line.value }}"), ("{%tr endfor %}", "")),
        strict=True,
    ):
        for cell, text, width in zip(row.cells, texts, (Mm(46), Mm(120)), strict=True):
            cell.width = width
            _run(cell.paragraphs[0], text, BODY, 12)


def _rows(document: Any, size: float) -> None:
    """A table with as many columns as the form's table has."""
    table = document.add_table(rows=4, cols=3)
    table.style = "Table Grid"
    texts = (
        ("{%tc for column in table.columns %}", "{{ column }}", "{%tc endfor %}"),
        ("{%tr for row in table.rows %}", "", ""),
        ("{%tc for value in row %}", "{{ value }}", "{%tc endfor %}"),
        ("{%tr endfor %}", "", ""),
    )
    for row, cells in zip(table.rows, texts, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            _run(cell.paragraphs[0], text, BODY, size)
