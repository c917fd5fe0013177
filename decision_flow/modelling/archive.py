"""A bundle as one file: a ZIP of `bundle.toml`, its diagrams, tables and forms, and nothing else.

What comes in is a stranger's: counted, measured and named before a byte of it is unpacked.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from typing import Any

from decision_flow.engine import Bundle
from decision_flow.errors import N_, Invalid
from decision_flow.procedures import ProcedureSource

MAX_ENTRIES = 200
MAX_FILE = 4_000_000
MAX_TOTAL = 20_000_000
FOLDERS = {"bpmn": "diagrams", "dmn": "decision-tables", "form": "forms"}
_ENTRY = re.compile(r"(diagrams|decision-tables|forms)/([A-Za-z0-9][A-Za-z0-9_.-]{0,70}\.(?:bpmn|dmn|toml))")
# The same bundle gives the same bytes, whenever it is packed.
_EPOCH = (2026, 1, 1, 0, 0, 0)


def pack(source: ProcedureSource) -> bytes:
    """Return `source` as a ZIP. The same source gives the same bytes."""
    head = "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in (
            ("id", source.key), ("title", source.title), ("title_en", source.title_en), ("main", source.bundle.main),
            ("start_form", source.start_form), ("digest", source.bundle.digest),
        )
    )  # fmt: skip
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        _write(packed, "bundle.toml", head.encode())
        bundle = source.bundle
        for kind, files in (("bpmn", bundle.bpmn), ("dmn", bundle.dmn), ("form", bundle.forms)):
            for name in sorted(files):
                _write(packed, f"{FOLDERS[kind]}/{name}", files[name])
    return target.getvalue()


def unpack(content: bytes) -> ProcedureSource:
    """Return the bundle in a ZIP. Raises `Invalid` for anything that is not one, or was changed on the way."""
    told: dict[str, Any] = {}
    files: dict[str, dict[str, bytes]] = {"diagrams": {}, "decision-tables": {}, "forms": {}}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_TOTAL:
                raise Invalid(N_("程序包过大，不能导入。"))
            for entry in entries:
                body = _read(packed, entry)
                if entry.filename == "bundle.toml":
                    told = tomllib.loads(body.decode())
                    continue
                match = _ENTRY.fullmatch(entry.filename)
                if match is None:
                    raise Invalid(N_("程序包中有不属于它的文件“%(name)s”，没有导入。"), name=entry.filename[:80])
                files[match[1]][match[2]] = body
    except (zipfile.BadZipFile, zipfile.LargeZipFile, tomllib.TOMLDecodeError, ValueError, OSError, EOFError,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise Invalid(N_("这不是一个程序包，没有导入：%(reason)s"), reason=str(error)[:200]) from error
    needed = ("id", "title", "main")
    optional = ("title_en", "start_form", "digest")
    if not all(isinstance(told.get(name), str) and told[name] for name in needed) or not all(
        isinstance(told.get(name, ""), str) for name in optional
    ):
        raise Invalid(N_("程序包的 bundle.toml 不完整，没有导入。"))
    bundle = Bundle(
        main=told["main"], bpmn=files["diagrams"], dmn=files["decision-tables"], forms=files["forms"]
    )  # fmt: skip
    if told.get("digest") and told["digest"] != bundle.digest:
        raise Invalid(N_("程序包的内容与它的摘要不符，可能在传送中被改动，没有导入。"))
    return ProcedureSource(
        told["id"][:60], told["title"][:120], told.get("title_en", "")[:200], told.get("start_form", "")[:20], bundle
    )  # fmt: skip


def _write(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(entry, content)


def _read(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # The size in the directory may lie: never read more than may be.
    with packed.open(entry) as stream:
        body = stream.read(MAX_FILE + 1)
    if len(body) > MAX_FILE or len(body) != entry.file_size:
        raise Invalid(N_("程序包过大，不能导入。"))
    return body
