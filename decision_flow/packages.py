"""The archive package of a matter (section 7.2 of the domain): what is handed over, and all that proves it.

`NUMBER/` holds `content/` (numbered: the record and each form as PDF/A, the papers as they were filed),
`metadata.xml`, `audit.jsonl` (the chain with its checkpoints and proofs), `index.html`, `verify_trail.py`, and
`manifest.json` with every file's size and hashes, signed in `manifest.sig`. The format: docs/trail-format.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from decision_flow import archives, archiving, audit, checkpoints, clock, late_entries, matter_records, printing
from decision_flow.documents import CHUNK, FileStore
from decision_flow.errors import N_, Invalid
from decision_flow.filetypes import clean_name
from decision_flow.models import AuditEvent, Document, Matter, Task
from decision_flow.printing import Printed
from decision_flow.verifier import verify_trail
from decision_flow.verifier.verify_trail import MANIFEST, SIGNATURE, TRAIL

Entry = dict[str, Any]


def write(
    session: Session,
    files: FileStore,
    key: Ed25519PrivateKey,
    matter_id: int,
    target: Path,
    tick: Callable[[int], None] = lambda count: None,
) -> int:
    """Write the package of a matter as a ZIP file; return how many files it holds.

    `session` is a snapshot; `key` signs the manifest; `tick` is told the files written so far. Whether the matter
    may be seen is the caller's question. Raises `NotFound`, and `Invalid` when the bytes of a filed paper are gone.
    """
    matter = matter_records.get(session, matter_id)
    forms = matter_records.forms(session, matter)
    papers = archiving.filed(session, matter_id)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        package = _Writer(archive, matter.number, tick)
        package.add("content/001-全过程记录.pdf", matter_records.pdf(session, matter_id), "全过程记录", "record")
        for task, told in forms:
            content = printing.pdf("form", told.context(), task.completed_at or clock.now())
            title = told.title + (matter_records.LATE if told.marks else "")
            package.add(package.numbered(f"{told.form}-{told.title}.pdf"), content, title, "form", task=task.id)
        kept, late = archiving.retentions(papers), late_entries.of_matter(session, matter_id)
        for paper in papers:
            title = paper.name + (matter_records.LATE if paper.task_id in late else "")
            package.copy(package.numbered(paper.name), files.path(paper.sha256), paper, title, kept[paper.id])
        ends = package.trail(checkpoints.matter_lines(session, matter_id))
        package.add("metadata.xml", _metadata(matter, package.entries, kept.values()), "元数据", "metadata")
        items = _checklist(session, matter, forms)
        package.add("index.html", _index(matter, package.entries, items), "目录", "index")
        package.add("verify_trail.py", Path(verify_trail.__file__).read_bytes(), "验证程序", "verifier")
        manifest = {
            "format": 1,
            "matter": {"id": matter.id, "number": matter.number, "title": matter.title},
            "made_at": clock.now().isoformat(timespec="seconds"),
            "files": package.entries,
            "checklist": items,
            "streams": ends,
        }
        content = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        signature = key.sign(verify_trail.signed_of(content)).hex()
        archive.writestr(f"{matter.number}/{MANIFEST}", content)
        archive.writestr(
            f"{matter.number}/{SIGNATURE}", verify_trail.signature_file(checkpoints.public_key(key), signature)
        )
    return len(package.entries) + 2


class _Writer:
    """Writes files into the archive and keeps what the manifest says of each."""

    def __init__(self, archive: zipfile.ZipFile, top: str, tick: Callable[[int], None]) -> None:
        self.archive, self.top, self.tick = archive, top, tick
        self.entries: list[Entry] = []

    def numbered(self, name: str) -> str:
        """Return the next name in `content/`."""
        return f"content/{len(self.entries) + 1:03d}-{clean_name(name) or 'file'}"

    def add(self, path: str, content: bytes, title: str, kind: str, **more: Any) -> None:
        """Add a file that is in memory."""
        self.stream(path, iter([content]), title=title, kind=kind, **more)

    def copy(self, path: str, source: Path, paper: Document, title: str, retention: str) -> None:
        """Add a filed paper, byte for byte; `Invalid` when what is stored is not what was filed."""
        told = {"title": title, "kind": "original", "document": paper.id, "media_type": paper.media_type}
        try:
            with source.open("rb") as stored:
                entry = self.stream(path, iter(lambda: stored.read(CHUNK), b""), **told, retention=retention)
        except OSError as error:
            told_of = N_("材料《%(name)s》的文件读不出来，没有生成档案包。请先核对存储。")
            raise Invalid(told_of, name=paper.name) from error
        if entry["sha256"] != paper.sha256:
            raise Invalid(N_("材料《%(name)s》的文件与登记的散列值不符，没有生成档案包。"), name=paper.name)

    def trail(self, lines: Iterable[Entry]) -> list[Any]:
        """Add the trail; return where its streams end."""
        ends: list[Any] = []

        def text() -> Iterable[bytes]:
            for line in lines:
                if line["kind"] == "end":
                    ends.extend(line["heads"])
                yield json.dumps(line, ensure_ascii=False).encode() + b"\n"

        self.stream(TRAIL, text(), title="过程记录", kind="trail")
        return ends

    def stream(self, path: str, parts: Iterable[bytes], **told: Any) -> Entry:
        """Add a file part by part, and return what the manifest says of it."""
        size, sha256, sm3 = 0, hashlib.sha256(), audit.Sm3()
        info = zipfile.ZipInfo(f"{self.top}/{path}", clock.now().astimezone(clock.BUSINESS_ZONE).timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        with self.archive.open(info, "w", force_zip64=True) as out:
            for part in parts:
                out.write(part)
                size += len(part)
                sha256.update(part)
                sm3.update(part)
        entry = {"path": path, "size": size, "sha256": sha256.hexdigest(), "sm3": sm3.hexdigest(), **told}
        self.entries.append(entry)
        self.tick(len(self.entries))
        return entry


def _checklist(session: Session, matter: Matter, forms: list[tuple[Task, Printed]]) -> list[Entry]:
    """Return the items of the file list (R-33), each with the completed tasks it rests on."""
    # The form a matter is registered with has no completion of its own in the trail.
    told_of = select(AuditEvent.task_id).where(AuditEvent.matter_id == matter.id, AuditEvent.event == "task.completed")
    completed, done = set(session.scalars(told_of)), dict[str, list[int]]()
    for task, told in forms:
        if task.id in completed:
            done.setdefault(told.form, []).append(task.id)
    found = []
    for item in archives.checklist(archiving.facts_of(session, matter)):
        # A matter that still runs may still get what is not there.
        state = "not_yet" if item.state == archives.MISSING and matter.closed_at is None else item.state
        rests_on = [task for form in item.needed for task in done.get(form, ())]
        what: dict[str, Any] = {
            "name": item.name,
            "state": state,
            "forms": list(item.needed),
            "missing": list(item.missing),
        }
        if exempted := item.exemption:
            what["exemption"] = {
                "article": exempted.article, "reason": exempted.reason, "approved_as": exempted.approved_as,
                "approved_at": exempted.approved_at.isoformat(),
            }  # fmt: skip
        found.append({"number": item.number, **what, "tasks": rests_on})
    return found


def _metadata(matter: Matter, entries: list[Entry], kept: Iterable[str]) -> bytes:
    """Return the metadata, its elements named after DA/T 46."""
    unit = matter.undertaking_unit.name if matter.undertaking_unit else matter.organ.name
    facts = {
        "档号": matter.number, "题名": matter.title, "责任者": matter.organ.name, "机构或问题": unit,
        "日期": clock.local_date(matter.registered_at).isoformat(),
        "办结日期": clock.local_date(matter.closed_at).isoformat() if matter.closed_at else "",
        "保管期限": matter_records.RETENTIONS[archives.longest(kept)], "密级": "非密",
        "生成程序": "Decision Flow",
    }  # fmt: skip
    out = io.StringIO()
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<文书类电子文件元数据>\n')
    for name, value in facts.items():
        out.write(f"  <{name}>{_xml(value)}</{name}>\n")
    for number, entry in enumerate(entries, 1):
        told = {"件号": number, "题名": entry["title"], "文件名": entry["path"], "大小": entry["size"]}
        hashes = {"SHA-256": entry["sha256"], "SM3": entry["sm3"]}
        inside = "".join(f"<{name}>{_xml(str(value))}</{name}>" for name, value in {**told, **hashes}.items())
        out.write(f"  <文件>{inside}</文件>\n")
    out.write("</文书类电子文件元数据>\n")
    return out.getvalue().encode()


def _index(matter: Matter, entries: list[Entry], items: list[Entry]) -> bytes:
    rows = "".join(
        f'<tr><td>{number}</td><td><a href="{escape(entry["path"])}">{escape(entry["title"])}</a></td>'
        f"<td>{entry['size']}</td><td><code>{entry['sha256']}</code></td></tr>"
        for number, entry in enumerate(entries, 1)
    )
    states = {**matter_records.ITEMS, "not_yet": "尚未形成"}
    checks = "".join(
        f"<tr><td>{item['number']}</td><td>{escape(item['name'])}</td><td>{states[item['state']]}</td></tr>"
        for item in items
    )
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(matter.number)} 档案包</title><style>
body {{ font: 16px/1.6 "Noto Sans SC", "Microsoft YaHei", sans-serif; margin: 2rem auto; max-width: 60rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border: 1px solid #b9c1c9; padding: .3rem .5rem; text-align: left }}
code {{ font-size: .7rem; word-break: break-all }}
@media (max-width: 600px) {{ body {{ margin: 1rem }} h1 {{ font-size: 1.4rem }}
.files td:nth-child(3), .files th:nth-child(3) {{ display: none }} }}</style></head><body>
<h1>{escape(matter.title)}</h1><p>{escape(matter.organ.name)} · {escape(matter.number)}</p>
<h2>文件</h2><table class="files">
<tr><th>序</th><th>名称</th><th>字节</th><th>SHA-256</th></tr>{rows}</table>
<h2>归档材料核对（条例第三十三条）</h2><table><tr><th>序</th><th>材料</th><th>情况</th></tr>{checks}</table>
<h2>核对</h2><p>装有 Python 3.9 以上版本的计算机，不需联网，在本文件夹中运行：</p>
<pre>python verify_trail.py .</pre>
<p>程序核对记录的链接、检查点的签名与包含证明、每个文件的散列值和材料是否齐全。请将显示的公钥与机关公布的公钥比对。</p>
</body></html>
""".encode()


def _xml(value: str) -> str:
    return escape("".join(one if one >= " " else " " for one in value))
