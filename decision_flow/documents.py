"""Files: a store that names bytes by their digest, and the register of what was filed where.

Only kinds of files that offices exchange are taken, judged by content and not by name; marked secrets are
refused (SEC-10, SEC-12). Files are served as attachments only.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock
from decision_flow.audit import EventName
from decision_flow.errors import N_, Invalid, NotFound
from decision_flow.identity import Actor
from decision_flow.models import Document

CHUNK = 1024 * 1024
MAX_UNPACKED = 400 * 1024 * 1024
SECRET = re.compile(r"(绝密|机密|秘密)\s*[★☆*]|[★☆]\s*(绝密|机密|秘密)|[((【\[](绝密|机密|秘密)[))】\]]")
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


class FileStore:
    """Bytes under `root`, named by their SHA-256 in two levels of folders."""

    def __init__(self, root: Path, max_bytes: int = 100 * CHUNK) -> None:
        self.root, self.max_bytes = root, max_bytes

    def put(self, stream: BinaryIO, check: Callable[[Path], str]) -> tuple[str, int, str]:
        """Store what `stream` holds; return (sha256 hex, size, what `check` said of it).

        Written to a temporary file, synced, checked, then renamed: a crash leaves the whole file or none, and
        what `check` refuses never has a name in the store. Raises `Invalid` when empty or too large.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.root, prefix="incoming-")
        try:
            with os.fdopen(handle, "wb") as target:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > self.max_bytes:
                        raise Invalid(N_("文件超过%(limit)s MB,请拆分或压缩后上传。"), limit=self.max_bytes // CHUNK)
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            if size == 0:
                raise Invalid(N_("文件是空的,请检查后重新上传。"))
            kind = check(Path(name))
            path = self.path(digest.hexdigest())
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest.hexdigest(), size, kind

    def path(self, sha256: str) -> Path:
        """Return where the bytes of that digest lie. Raises `ValueError` for anything but a digest."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError("not a digest")
        return self.root / sha256[:2] / sha256[2:4] / sha256


def clean_name(name: str) -> str:
    """Return a file name without folders, control characters and excess length; Chinese is kept."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    base = "".join(character for character in base if character.isprintable() and character not in '<>:"|?*')
    stem, dot, suffix = base.strip(" .").rpartition(".")
    return f"{stem[:120]}{dot}{suffix[:10]}" if dot else base.strip(" .")[:120]


def media_type(name: str, path: Path) -> str:
    """Return the media type of a stored file, judged by its bytes and its suffix together.

    Raises `Invalid` when the kind is not allowed, the content is not what the suffix says, it carries
    macros, or it is marked as secret.
    """
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    head = path.open("rb").read(16)
    if SECRET.search(name):
        raise Invalid(N_("文件标有密级,不得上传到本系统(保守国家秘密法)。"))
    if head.startswith(b"%PDF-") and suffix == "pdf":
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n") and suffix == "png":
        return "image/png"
    if head.startswith(b"\xff\xd8\xff") and suffix in ("jpg", "jpeg"):
        return "image/jpeg"
    if head.startswith(b"PK\x03\x04") and suffix in OFFICE:
        return _office(path, suffix)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and suffix in OLD_OFFICE:
        if "_VBA_PROJECT".encode("utf-16-le") in path.read_bytes():
            raise Invalid(N_("文件含有宏,请另存为不含宏的文件后上传。"))
        return OLD_OFFICE[suffix]
    if suffix in PLAIN:
        return _plain(path, suffix)
    raise Invalid(N_("不能上传「%(name)s」:只接受 %(allowed)s 文件,并且内容要与后缀一致。"), name=name, allowed=ALLOWED)


def _office(path: Path, suffix: str) -> str:
    marker, kind = OFFICE[suffix]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED or len(entries) > 20_000:
                raise Invalid(N_("文件解开后过大,不能上传。"))
            names = [entry.filename for entry in entries]
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Invalid(N_("文件含有宏,请另存为不含宏的文件后上传。"))
            if not any(name.startswith(marker) for name in names):
                raise Invalid(N_("文件内容与后缀不符,请检查后重新上传。"))
            for name in names:
                if suffix == "docx" and re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", name):
                    with archive.open(name) as part:
                        text = re.sub(rb"<[^>]+>", b"", part.read(4 * CHUNK)).decode(errors="ignore")
                    _refuse_secret(text[:4000])
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise Invalid(N_("文件已损坏,请检查后重新上传。")) from error
    return kind


def _plain(path: Path, suffix: str) -> str:
    sample = path.open("rb").read(4 * CHUNK)
    if b"\x00" in sample:
        raise Invalid(N_("文件内容与后缀不符,请检查后重新上传。"))
    # Read both ways: a stray byte must not hide the mark.
    for encoding in ("utf-8", "gb18030"):
        _refuse_secret(sample.decode(encoding, errors="ignore")[:4000])
    return PLAIN[suffix]


def _refuse_secret(text: str) -> None:
    if SECRET.search(text):
        raise Invalid(N_("文件标有密级,不得上传到本系统(保守国家秘密法)。"))


def store(
    session: Session,
    actor: Actor,
    files: FileStore,
    stream: BinaryIO,
    name: str,
    *,
    matter_id: int | None,
    task_id: int | None = None,
    form: str | None = None,
    field: str = "",
) -> Document:
    """Store an uploaded file and register it as part of a draft. Raises `Invalid`, and then nothing stays."""
    clean = clean_name(name)
    if not clean:
        raise Invalid(N_("文件没有名称,请重新命名后上传。"))
    sha256, size, kind = files.put(stream, lambda path: media_type(clean, path))
    document = Document(
        matter_id=matter_id,
        task_id=task_id,
        form=form,
        field=field,
        name=clean,
        media_type=kind,
        size=size,
        sha256=sha256,
        uploaded_at=clock.now(),
        uploaded_by_id=actor.user_id,
        uploaded_as=actor.display,
    )
    session.add(document)
    session.flush()
    if matter_id is not None:
        audit.append(
            session,
            audit.matter_stream(matter_id),
            EventName.DOCUMENT_FILED,
            actor=actor,
            matter_id=matter_id,
            task_id=task_id,
            facts={"document": document.id, "name": clean, "sha256": sha256, "size": size},
        )
    return document


def get(session: Session, document_id: int) -> Document:
    """Return a document; whether its matter may be seen is the caller's question. Raises `NotFound`."""
    document = session.scalars(select(Document).where(Document.id == document_id)).one_or_none()
    if document is None:
        raise NotFound(N_("没有这份材料,或者您无权查看。"))
    return document
