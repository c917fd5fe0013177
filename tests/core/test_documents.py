"""Files: what is taken, what is refused, and that a refused one leaves nothing behind."""

from __future__ import annotations

import io
import resource
import zipfile
from pathlib import Path

import pytest

from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.filetypes import clean_name, media_type

WORD = {"word/document.xml": "<w:t>关于道路改造的方案</w:t>", "[Content_Types].xml": "<x/>"}
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def packed(parts: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def kind(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / "file"
    path.write_bytes(content)
    return media_type(name, path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7 x"), ("a.png", b"\x89PNG\r\n\x1a\n"), ("a.JPG", b"\xff\xd8\xff\xe0"), ("a.docx", packed(WORD)),
        ("a.xlsx", packed({"xl/workbook.xml": "x"})), ("a.ofd", packed({"OFD.xml": "x"})), ("a.doc", OLD), ("a.wps", OLD),
        ("说明.txt", "正文".encode()), ("说明.csv", "名称,数量".encode("gb18030")),  # as it is
    ],
)  # fmt: skip
def test_what_offices_exchange_is_taken(tmp_path: Path, name: str, content: bytes) -> None:
    assert kind(tmp_path, name, content)


def encrypted() -> bytes:
    content = bytearray(packed(WORD))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = content.find(mark)
        while at >= 0:
            content[at + (6 if mark == b"PK\x03\x04" else 8)] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ"), ("a.html", b"<script>"), ("a.svg", b"<svg/>"), ("a", b"x"), ("a.pdf", b"MZ"), ("a.docx", b"PK\x03\x04"),
        ("a.docx", packed({"xl/workbook.xml": "x"})), ("a.docx", packed({**WORD, "word/vbaProject.bin": "x"})),
        ("a.docx", encrypted()), ("a.docx", packed({**WORD, "word/header1.xml": "<w:t>机密</w:t><w:t>★10年</w:t>"})),
        ("a.doc", OLD + "_VBA_PROJECT".encode("utf-16-le")), ("a.txt", b"\x00\x01"), ("绝密★方案.pdf", b"%PDF-"),
        ("a.txt", "秘密★".encode()), ("a.txt", "绝密★".encode() + b"\xff\xff\xff"), ("a.txt", "机密★".encode("gb18030")),
    ],
)  # fmt: skip
def test_the_rest_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(Invalid):
        kind(tmp_path, name, content)


def test_a_refused_file_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files", max_bytes=1000)
    for name, content in (("a.txt", "绝密★".encode()), ("a.txt", b""), ("a.txt", b"x" * 2000)):
        with pytest.raises(Invalid):
            store.put(io.BytesIO(content), lambda path, name=name: media_type(name, path))
    assert list((tmp_path / "files").iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(Invalid, match="磁盘空间不足"):
            store.put(io.BytesIO(b"x" * 200_000), lambda path: "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "files").iterdir()) == []
    assert store.put(io.BytesIO(b"x" * 200_000), lambda path: "x")[1] == 200_000


def test_the_same_bytes_are_stored_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    first = store.put(io.BytesIO(b"same"), lambda path: "x")
    assert store.put(io.BytesIO(b"same"), lambda path: "x") == first
    assert store.path(first[0]).read_bytes() == b"same"
    with pytest.raises(ValueError, match="digest"):
        store.path("../../etc/passwd")


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("C:\\文件\\方案.docx", "方案.docx"),  # as it is
        ("../../x.txt", "x.txt"),
        ("a\x00b.txt", "ab.txt"),
        ("方" * 300 + ".pdf", "方" * 120 + ".pdf"),
    ],
)
def test_names_are_cleaned(given: str, clean: str) -> None:
    assert clean_name(given) == clean
