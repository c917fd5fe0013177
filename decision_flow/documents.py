"""Files: a store that names bytes by their digest, and the register of what was filed where.

What a file is and whether it may be taken in is judged by `filetypes` before it has a name in the store
(SEC-10, SEC-12). Files are served as attachments only.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import audit, clock
from decision_flow.audit import EventName
from decision_flow.db import Database
from decision_flow.errors import N_, Invalid, NotFound
from decision_flow.filetypes import clean_name, media_type
from decision_flow.identity import Actor
from decision_flow.models import Document
from decision_flow.whole_files import NO_ROOM, sync

CHUNK = 1024 * 1024
SWEEP_AT_ONCE = 500
# Every column that names bytes in the store; what none of them names may be swept.
NAMED_BY = (Document.sha256,)


class FileStore:
    """Bytes under `root`, named by their SHA-256 in two levels of folders."""

    def __init__(self, root: Path, max_bytes: int = 100 * CHUNK) -> None:
        self.root, self.max_bytes = root, max_bytes

    def put(self, stream: BinaryIO, check: Callable[[Path], str]) -> tuple[str, int, str]:
        """Store what `stream` holds; return (sha256 hex, size, what `check` said of it).

        Written to a temporary file, synced, checked, then renamed: a crash leaves the whole file or none, and
        what `check` refuses never has a name in the store. Raises `Invalid` when empty, too large, or without room.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.root, prefix="incoming-")
            try:
                return self._stored(handle, Path(name), stream, check)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise Invalid(N_("服务器磁盘空间不足，文件没有保存。请告知系统管理员，稍后重新上传。")) from error

    def _stored(
        self, handle: int, incoming: Path, stream: BinaryIO, check: Callable[[Path], str]
    ) -> tuple[str, int, str]:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as target:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > self.max_bytes:
                    raise Invalid(N_("文件超过%(limit)s MB，请拆分或压缩后上传。"), limit=self.max_bytes // CHUNK)
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if size == 0:
            raise Invalid(N_("文件是空的，请检查后重新上传。"))
        kind = check(incoming)
        path = self.path(digest.hexdigest())
        above = [] if path.parent.exists() else [path.parent.parent, self.root]
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(incoming, path)
        # The row that names the file is committed after this; the name must not be lost when the machine stops.
        for folder in (path.parent, *above):
            sync(folder)
        return digest.hexdigest(), size, kind

    def path(self, sha256: str) -> Path:
        """Return where the bytes of that digest lie. Raises `ValueError` for anything but a digest."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError("not a digest")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def digest(self, sha256: str) -> str:
        """Return the SHA-256 of the bytes that lie under that digest today, read in parts; "" when none do."""
        try:
            with self.path(sha256).open("rb") as stored:
                return hashlib.file_digest(stored, "sha256").hexdigest()
        except FileNotFoundError:
            return ""

    def older_than(self, before: datetime) -> Iterator[tuple[Path, list[Path]]]:
        """Yield (folder, files) of what was written before `before`: leavings of uploads, then stored files."""
        if self.root.is_dir():
            yield self.root, [path for path in self.root.glob("incoming-*") if self.is_older(path, before)]
            for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]")):
                if found := [path for path in folder.iterdir() if self.is_older(path, before)]:
                    yield folder, found

    @staticmethod
    def is_older(path: Path, before: datetime) -> bool:
        """Whether the file is there and was written before that moment."""
        try:
            return path.stat().st_mtime < before.timestamp()
        except FileNotFoundError:
            return False


def keep_files(database: Database, files: FileStore) -> None:
    """Say where the files of `database` lie, so that rules may look at the bytes themselves (`damaged`)."""
    database.info["files"] = files


@dataclass(frozen=True)
class Damage:
    """The names of filed papers whose bytes are gone, or are not those that were filed."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def damaged(session: Session, papers: Iterable[Document]) -> Damage:
    """Compute the hash of each of these papers anew, from the store; return what is not as it was.

    Each file is read once and in parts, whatever its size. Where nothing says where the files lie, all are missing.
    """
    files: FileStore | None = session.info.get("files")
    found: dict[str, list[str]] = {"missing": [], "changed": []}
    for sha256, name in {paper.sha256: paper.name for paper in papers}.items():
        there = files.digest(sha256) if files is not None else ""
        if there != sha256:
            found["changed" if there else "missing"].append(name)
    return Damage(tuple(found["missing"]), tuple(found["changed"]))


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
        raise Invalid(N_("文件没有名称，请重新命名后上传。"))
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
            EventName.DOCUMENT_UPLOADED,
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
        raise NotFound(N_("没有这份材料，或者您无权查看。"))
    return document


def note_reading(session: Session, actor: Actor, document: Document) -> None:
    """Record that the actor takes a paper to read, in a stream beside that of its matter."""
    if document.matter_id is None:
        return
    audit.append(
        session, audit.reading_stream(document.matter_id), EventName.DOCUMENT_READ, actor=actor,
        matter_id=document.matter_id, facts={"document": document.id, "name": document.name, "sha256": document.sha256},
    )  # fmt: skip


def sweep(session: Session, files: FileStore, before: datetime) -> int:
    """Remove what lies in the store, was written before `before` and is named by no record; return how many.

    Such files remain when a transaction failed after its file was stored, or a process died while one came
    in. The age keeps away from files whose transaction is still open.
    """
    removed = 0
    for folder, paths in files.older_than(before):
        known = {
            sha256
            for start in range(0, len(paths), SWEEP_AT_ONCE)
            for column in NAMED_BY
            for sha256 in session.scalars(
                select(column).where(column.in_([path.name for path in paths[start : start + SWEEP_AT_ONCE]]))
            )
        }
        for path in paths:
            # Looked at once more: the same bytes may just have come in again.
            if (folder == files.root or path.name not in known) and files.is_older(path, before):
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def sweep_by_age(session: Session, files: FileStore, days: int) -> int:
    """Sweep what is older than `days`; 0 leaves everything where it is."""
    return sweep(session, files, clock.now() - timedelta(days=days)) if days > 0 else 0
