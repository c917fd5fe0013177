"""What a file is, judged by its bytes and its suffix together, and what may not be taken in (SEC-10, SEC-12).

Only kinds of files that offices exchange are taken. Marked secrets, macros, content that loads something
from outside and archives that unpack beyond measure are refused. Nothing here is unpacked to disk or parsed
as XML, and every read has a bound.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
import zlib
from pathlib import Path

from decision_flow.errors import N_, Invalid
from decision_flow.pdf_text import is_active, readable_texts

CHUNK = 1024 * 1024
MAX_UNPACKED = 400 * CHUNK
MAX_RATIO = 300
# Below this a part cannot do harm, however well it was compressed.
SMALL = 20 * CHUNK
MAX_ENTRIES = 20_000
# A mark stands at the head of a text; further down the same words are talked about.
HEAD = 4000

_CLASS = r"(?:绝\s*密|机\s*密|秘\s*密)"
SECRET = re.compile(
    rf"{_CLASS}\s*[★☆*]|[★☆]\s*{_CLASS}|[(【\[〔]\s*{_CLASS}\s*[)】\]〕]|密\s*级\s*[::]?\s*{_CLASS}|^\s*{_CLASS}\s*$",
    re.M,
)
# In a name the mark stands apart: 「机密-方案」, not 「商业秘密保护办法」.
SECRET_NAME = re.compile(rf"(?:^|[\W_\d]){_CLASS}(?:$|[\W_\d])")
OFFICE = {
    "docx": ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pptx": ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "ofd": ("OFD.xml", "application/ofd"),
}
OLD_OFFICE = {
    "doc": "application/msword", "wps": "application/vnd.ms-works", "xls": "application/vnd.ms-excel",
    "et": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint", "dps": "application/vnd.ms-powerpoint",
}  # fmt: skip
PLAIN = {"txt": "text/plain", "csv": "text/csv"}
ALLOWED = "PDF、OFD、Word、Excel、PowerPoint、WPS、PNG、JPG、TXT、CSV"

_TEXT_PARTS = re.compile(
    r"word/(document|header\d*|footer\d*|footnotes)\.xml|xl/(sharedStrings|worksheets/sheet1)\.xml"
    r"|ppt/slides/slide\d+\.xml|Doc_\d+/Pages/Page_\d+/Content\.xml|docProps/(core|custom|app)\.xml"
)
_ACTIVE_PART = re.compile(
    r"(vbaproject\.bin|vbadata\.xml|/activex/.*|\.(vbs|js|exe|dll|bat|cmd|scr|hta|html?|svg))$", re.I
)
_MACRO_TYPE = re.compile(rb"macroEnabled|vbaProject", re.I)
# A template or an object fetched from elsewhere when the file is opened; a link in the text is no danger.
_RELATION = re.compile(rb"<Relationship\b[^<>]*>")
_LOADED = re.compile(rb"/(?:attachedTemplate|oleObject|frame|subDocument)\"")
_REMOTE = re.compile(rb"Target=\"(?:https?:|ftp:|\\\\|file:////)", re.I)

_SECRET_TEXT = N_("文件标有密级，不得上传到本系统（保守国家秘密法）。")
_MACRO_TEXT = N_("文件含有宏，请另存为不含宏的文件后上传。")
_ACTIVE_TEXT = N_("文件含有脚本、嵌入程序或打开时从外部加载的内容，不能上传。")
_MISMATCH = N_("文件内容与后缀不符，请检查后重新上传。")
_BROKEN = N_("文件已损坏，请检查后重新上传。")
_TOO_MUCH = N_("文件解开后过大，不能上传。")


def clean_name(name: str) -> str:
    """Return a file name without folders, control characters and excess length; Chinese is kept."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    base = "".join(character for character in base if character.isprintable() and character not in '<>:"|?*')
    stem, dot, suffix = base.strip(" .").rpartition(".")
    return f"{stem[:120]}{dot}{suffix[:10]}" if dot else base.strip(" .")[:120]


def media_type(name: str, path: Path) -> str:
    """Return the media type of a stored file, judged by its bytes and its suffix together.

    Raises `Invalid` when the kind is not allowed, the content is not what the suffix says, it carries
    macros or scripts, unpacks beyond measure, or is marked as secret in its name or readable text.
    """
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    with path.open("rb") as source:
        head = source.read(16)
    if is_marked(name, SECRET) or is_marked(name.rpartition(".")[0] or name, SECRET_NAME):
        raise Invalid(_SECRET_TEXT)
    if head.startswith(b"%PDF-") and suffix == "pdf":
        return _pdf(path)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and suffix == "png":
        return "image/png"
    if head.startswith(b"\xff\xd8\xff") and suffix in ("jpg", "jpeg"):
        return "image/jpeg"
    if head.startswith(b"PK\x03\x04") and suffix in OFFICE:
        return _office(path, suffix)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and suffix in OLD_OFFICE:
        return _old_office(path, suffix)
    if suffix in PLAIN:
        return _plain(path, suffix)
    raise Invalid(N_("不能上传“%(name)s”：只接受 %(allowed)s 文件，并且内容要与后缀一致。"), name=name, allowed=ALLOWED)


def is_marked(text: str, pattern: re.Pattern[str] = SECRET) -> bool:
    """Whether the head of a text carries a mark of secrecy, however it is spaced or written."""
    plain = unicodedata.normalize("NFKC", text[: HEAD * 2])
    plain = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    return pattern.search(plain[:HEAD]) is not None


def _pdf(path: Path) -> str:
    content = path.read_bytes()
    if is_active(content):
        raise Invalid(_ACTIVE_TEXT)
    for text in readable_texts(content):
        if is_marked(text):
            raise Invalid(_SECRET_TEXT)
    return "application/pdf"


def _office(path: Path, suffix: str) -> str:
    marker, kind = OFFICE[suffix]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _measure(entries, path.stat().st_size)
            names = [entry.filename for entry in entries]
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Invalid(_MACRO_TEXT)
            if any(_ACTIVE_PART.search(name) for name in names):
                raise Invalid(_ACTIVE_TEXT)
            if not any(name.startswith(marker) for name in names):
                raise Invalid(_MISMATCH)
            for name in names:
                _look_into(archive, name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Invalid(_BROKEN) from error
    return kind


def _measure(entries: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    # Entries that share the same bytes add up to more than the file holds.
    if unpacked > MAX_UNPACKED or len(entries) > MAX_ENTRIES or packed > size:
        raise Invalid(_TOO_MUCH)
    if any(entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(1, entry.compress_size) for entry in entries):
        raise Invalid(_TOO_MUCH)


def _look_into(archive: zipfile.ZipFile, name: str) -> None:
    if name == "[Content_Types].xml":
        with archive.open(name) as part:
            if _MACRO_TYPE.search(part.read(CHUNK)):
                raise Invalid(_MACRO_TEXT)
    elif name.endswith(".rels"):
        with archive.open(name) as part:
            for found in _RELATION.findall(part.read(CHUNK)):
                if b"External" in found and _LOADED.search(found) and _REMOTE.search(found):
                    raise Invalid(_ACTIVE_TEXT)
    elif name.lower().endswith(".bin") and "/embeddings/" in name:
        with archive.open(name) as part:
            if "_VBA_PROJECT".encode("utf-16-le") in part.read(SMALL):
                raise Invalid(_MACRO_TEXT)
    elif _TEXT_PARTS.fullmatch(name):
        with archive.open(name) as part:
            source = part.read(4 * CHUNK).decode(errors="ignore")
        # A mark may be split over runs of one paragraph; the paragraph's end is a line's end.
        text = re.sub(r"<[^<>]*>", "", re.sub(r"</(?:w:p|a:p|si|cp:\w+|dc:\w+)>", "\n", source))
        if is_marked(text):
            raise Invalid(_SECRET_TEXT)


def _old_office(path: Path, suffix: str) -> str:
    content = path.read_bytes()
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise Invalid(_MACRO_TEXT)
    # Word keeps its text as UTF-16 at an even offset of the stream, so both ways of reading pairs are tried.
    for start in (0, 1):
        text = content[start : start + 4 * CHUNK].decode("utf-16-le", errors="ignore")
        if SECRET.search(re.sub(r"[^\u0020-\u007e\u3000-\u303f\u4e00-\u9fff\u2605\u2606\uff00-\uffef]", "\n", text)):
            raise Invalid(_SECRET_TEXT)
    return OLD_OFFICE[suffix]


def _plain(path: Path, suffix: str) -> str:
    with path.open("rb") as source:
        sample = source.read(4 * CHUNK)
    if b"\x00" in sample:
        raise Invalid(_MISMATCH)
    # Read both ways: a stray byte must not hide the mark.
    for encoding in ("utf-8", "gb18030"):
        if is_marked(sample.decode(encoding, errors="ignore")):
            raise Invalid(_SECRET_TEXT)
    return PLAIN[suffix]
