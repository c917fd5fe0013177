"""Files made to do harm, or to slip past the marks: each is refused for its own reason, and quickly (SEC-10, SEC-12)."""

from __future__ import annotations

import io
import os
import time
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pylopdf_fonts_zh_cn
import pytest
import typst

from decision_flow import clock, documents
from decision_flow.db import Database
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.filedates import created_on
from decision_flow.filetypes import clean_name, media_type
from decision_flow.pdf_text import readable_texts
from tests.core.registry import person
from tests.core.test_documents import OLD, WORD, packed

FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent
SECRET, MACRO, ACTIVE, BIG, KIND = "密级", "宏", "脚本", "过大", "只接受"


def judged(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / "file"
    path.write_bytes(content)
    start = time.monotonic()
    try:
        return media_type(name, path)
    except Invalid as refusal:
        return str(refusal)
    finally:
        assert time.monotonic() - start < 3


def pdf(text: str) -> bytes:
    return typst.compile(text.encode(), font_paths=[str(FONTS)])


def relation(kind: str, target: str) -> dict[str, str]:
    return {
        **WORD,
        "word/_rels/settings.xml.rels": f'<Relationships><Relationship Id="r1" Type="http://x/{kind}" '
        f'Target="{target}" TargetMode="External"/></Relationships>',
    }


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<w:t>x</w:t>")
        archive.writestr("word/media/image1.bmp", b"\x00" * (60 * 1024 * 1024))
    return target.getvalue()


def overlapping() -> bytes:
    """An archive whose directory counts the same bytes many times over."""
    content = bytearray(packed({"word/document.xml": "x" * 9000}))
    at = content.find(b"PK\x01\x02")
    end = content.find(b"PK\x05\x06")
    entry, tail = bytes(content[at:end]), bytearray(content[end:])
    tail[8:12] = (50).to_bytes(2, "little") * 2
    tail[12:16] = (50 * len(entry)).to_bytes(4, "little")
    return bytes(content[:at]) + entry * 50 + bytes(tail)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.html", b"<html><script>alert(1)</script>", KIND),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", KIND),
        ("a.png", b"<svg onload=alert(1)>", KIND),
        ("a.pdf.html", b"%PDF-1.7", KIND),
        ("a.pdf", b"MZ\x90", KIND),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", KIND),
        ("a.docm", packed(WORD), KIND),
        ("a.zip", packed(WORD), KIND),
        ("a.docx", packed({**WORD, "word/vbaProject.bin": "x"}), MACRO),
        ("a.docx", packed({**WORD, "[Content_Types].xml": "application/vnd.ms-word.document.macroEnabled.main+xml"}), MACRO),
        ("a.xlsx", packed({"xl/workbook.xml": "x", "xl/activeX/activeX1.xml": "x"}), ACTIVE),
        ("a.docx", packed({**WORD, "word/embeddings/run.vbs": "x"}), ACTIVE),
        ("a.docx", packed(relation("attachedTemplate", "https://evil.example/t.dotm")), ACTIVE),
        ("a.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj", ACTIVE),
        ("a.pdf", b"%PDF-1.7\n1 0 obj<</S/Launch/F(cmd.exe)>>endobj", ACTIVE),
        ("a.docx", bomb(), BIG),
        ("a.docx", overlapping(), BIG),
        ("机密-征收方案.pdf", b"%PDF-1.7", SECRET),
        ("方案（秘密）.docx", packed(WORD), SECRET),
        ("a.docx", packed({**WORD, "word/document.xml": "<w:p><w:r><w:t>机</w:t></w:r><w:r><w:t> 密 ★ 5年</w:t></w:r></w:p>"}), SECRET),
        ("a.docx", packed({**WORD, "docProps/core.xml": "<dc:title>方案【秘密】</dc:title>"}), SECRET),
        ("a.docx", packed({**WORD, "word/header2.xml": "<w:p><w:t>密级：机密</w:t></w:p>"}), SECRET),
        ("a.docx", packed({**WORD, "word/document.xml": "<w:p><w:t>绝密</w:t></w:p><w:p><w:t>方案</w:t></w:p>"}), SECRET),
        ("a.xlsx", packed({"xl/workbook.xml": "x", "xl/sharedStrings.xml": "<si><t>秘密★10年</t></si>"}), SECRET),
        ("a.txt", "机\u200b密★".encode(), SECRET),
        ("a.doc", OLD + "秘密★3年".encode("utf-16-le"), SECRET),
        ("a.pdf", pdf("机密★5年\n\n关于征收的方案"), SECRET),
        ("a.pdf", pdf("密级：秘密 方案"), SECRET),
    ],
)  # fmt: skip
def test_each_is_refused_for_its_own_reason(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    assert why in judged(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("商业秘密保护办法.pdf", pdf("商业秘密保护办法\n\n第一条 为保护商业秘密，制定本办法。")),
        ("a.docx", packed({**WORD, "word/document.xml": "<w:p><w:t>依照保守国家秘密法，核定机密级范围。</w:t></w:p>"})),
        ("a.docx", packed(relation("hyperlink", "https://www.gov.cn/"))),
        ("a.docx", packed(relation("attachedTemplate", "file:///C:/Users/x/Normal.dotm"))),
        ("a.pdf", b"%PDF-1.7\n1 0 obj<</Length 9>>stream\n/JS /JS 1\nendstream endobj"),
    ],
)  # fmt: skip
def test_what_only_speaks_of_secrets_or_links_is_taken(tmp_path: Path, name: str, content: bytes) -> None:
    assert "/" in judged(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-" + b"<" * 3_000_000), ("a.pdf", b"%PDF-" + b"stream\n" * 300_000),
        ("a.pdf", b"%PDF-" + b"/Title (" * 300_000), ("a.txt", b"<" * 3_000_000),
        ("a.docx", packed({**WORD, "word/document.xml": "<" * 3_000_000})),
        ("a.docx", packed({**WORD, "word/_rels/document.xml.rels": "<Relationship " * 60_000})),
        ("a.pdf", b"%PDF-\n1 0 obj<<>>stream\n" + b"beginbfchar<" * 200_000 + b"begincmap\nendstream"),
    ],
)  # fmt: skip
def test_nothing_makes_the_look_slow(tmp_path: Path, name: str, content: bytes) -> None:
    judged(tmp_path, name, content)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("..\\..\\windows\\system32\\方案.docx", "方案.docx"),
        ("/etc/passwd\x00.pdf", "passwd.pdf"),
        ("方案\u202efdp.exe", "方案fdp.exe"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ("名" * 4000 + ".docx", "名" * 120 + ".docx"),
        ("a." + "b" * 4000, "a.bbbbbbbbbb"),
        ("..", ""),
        ("C:", "C"),
    ],
)
def test_a_name_is_only_a_name(given: str, clean: str) -> None:
    assert clean_name(given) == clean


def test_the_text_of_a_pdf_is_read_across_its_fonts() -> None:
    assert any("密级：内部 方案" in text for text in readable_texts(pdf("密级：内部 方案")))


def test_the_day_a_file_says_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed({**WORD, "docProps/core.xml": "<dcterms:created>2026-03-01T23:30:00Z</dcterms:created>"}))
    assert created_on(path, "application/vnd.openxmlformats-officedocument.x") == date(2026, 3, 2)
    path.write_bytes(b"%PDF-1.7 /CreationDate (D:20260405120000+08'00')")
    assert created_on(path, "application/pdf") == date(2026, 4, 5)
    when = b"2026:02:03 10:00:00\x00"
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + b"\x32\x01\x02\x00\x14\x00\x00\x00\x1a\x00\x00\x00" + b"\x00" * 4 + when
    path.write_bytes(b"\xff\xd8\xff\xe1\x00\x40Exif\x00\x00" + tiff)
    assert created_on(path, "image/jpeg") == date(2026, 2, 3)
    for broken in (b"\xff\xd8\xffExif\x00\x00II*\x00\xff\xff\xff\xff", b"%PDF-1.7 /CreationDate (D:20269999)", b"PK"):
        path.write_bytes(broken)
        for kind in ("image/jpeg", "application/pdf", "x.openxmlformats"):
            assert created_on(path, kind) is None


def test_the_store_is_swept_of_what_nothing_names(database: Database, files: FileStore) -> None:
    stray = files.put(io.BytesIO(b"stray"), lambda path: "text/plain")[0]
    with database.transaction() as session:
        actor = person(session, "wuting")
        kept = documents.store(session, actor, files, io.BytesIO(b"kept"), "a.txt", matter_id=None).sha256
    (files.root / "incoming-dead").write_bytes(b"half")
    (files.root / "incoming-live").write_bytes(b"half")
    long_ago = (clock.now() - timedelta(days=9)).timestamp()
    for path in (files.path(stray), files.path(kept), files.root / "incoming-dead"):
        os.utime(path, (long_ago, long_ago))
    young = files.put(io.BytesIO(b"young"), lambda path: "text/plain")[0]
    with database.transaction() as session:
        assert documents.sweep_by_age(session, files, 0) == 0
        assert documents.sweep_by_age(session, files, 7) == 2
    assert files.path(kept).exists() and files.path(young).exists() and (files.root / "incoming-live").exists()
    assert not files.path(stray).exists()
