"""A second verifier, written from docs/trail-format.md alone: what the document does not say it cannot know.

It knows nothing of the product. `wrong_in_trail` and `wrong_in_package` return what they found, in words.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SM3, Hash

ZEROS = "0" * 64


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def sm3(content: bytes) -> str:
    hashing = Hash(SM3())
    hashing.update(content)
    return hashing.finalize().hex()


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def signed(key: str, signature: str, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is defined there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01", tree(leaves[:split]), tree(leaves[split:]))


def climbed(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """RFC 6962, 2.1.1, read backwards: the root above a leaf, by the path from the leaf up."""
    if size == 1 or not path:
        return leaf if size == 1 and not path else None
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        below = climbed(leaf, index, split, path[:-1])
        return below and sha256(b"\x01", below, path[-1])
    below = climbed(leaf, index - split, size - split, path[:-1])
    return below and sha256(b"\x01", path[-1], below)


def stamped_wrongly(point: dict[str, Any]) -> list[str]:
    """Only that the imprint and the nonce stand in the reply: reading DER is for a library."""
    nonce = int.from_bytes(sha256(bytes.fromhex(point["signature"]))[:8], "big") // 2
    wanted = (sha256(point["note"].encode()), nonce.to_bytes(nonce.bit_length() // 8 + 1, "big"))
    replies = [base64.b64decode(one) for one in point.get("timestamps", [])]
    return ["timestamp" for reply in replies if not all(one in reply for one in wanted)]


def wrong_in_trail(lines: Iterable[dict[str, Any]]) -> list[str]:
    wrong: list[str] = []
    head, *rest = list(lines)
    whole = head.get("scope") == "all"
    leaves: dict[str, list[bytes]] = {}
    last: dict[str, tuple[str, str]] = {}
    order: list[bytes] = []
    taken: dict[str, int] = {}
    points: dict[int, dict[str, Any]] = {}
    proven: dict[str, set[int]] = {}
    before, end, counts = ZEROS, None, {"event": 0, "checkpoint": 0, "inclusion": 0, "timestamp": 0}
    for line in rest:
        kind = line["kind"]
        counts[kind] = counts.get(kind, 0) + 1
        if kind == "event":
            content = line["canonical"].encode()
            told = json.loads(content)
            stream, old = told["stream"], told["format"] == 1
            ends = last.get(stream, (ZEROS, ZEROS))
            links = told["prev"] == ends[0] and (old or told["prev_sm3"] == ends[1])
            hashes = sha256(content).hex() == line["hash"] and line["sm3"] == ("" if old else sm3(content))
            if not links or not hashes or told["seq"] != len(leaves.get(stream, [])) + 1:
                wrong.append(f"{stream} {told['seq']}")
            leaves.setdefault(stream, []).append(sha256(b"\x00", content))
            last[stream] = (line["hash"], line["sm3"] or ZEROS)
        elif kind == "checkpoint":
            number, note = line["number"], line["note"]
            says = note.splitlines()
            words = [f"{name} {line[name]}" for name in ("number", "at", "size", "root")]
            if says[:5] != ["decision-flow checkpoint 1", *words] or len(says) != 7 or not note.endswith("\n"):
                wrong.append(f"note {number}")
            if not signed(line["public_key"], line["signature"], note.encode()):
                wrong.append(f"signature {number}")
            wrong += stamped_wrongly(line)
            counts["timestamp"] += len(line.get("timestamps", []))
            points[number] = line
            if whole:
                if says[5:] != [f"streams {sha256(canonical(line['streams'])).hex()}", f"previous {before}"]:
                    wrong.append(f"note {number}")
                for stream, seq in line["streams"]:
                    order += leaves.get(stream, [])[taken.get(stream, 0) : seq]
                    taken[stream] = seq
                if (len(order), tree(order).hex()) != (line["size"], line["root"]) or number != counts["checkpoint"]:
                    wrong.append(f"tree {number}")
                before = sha256(note.encode()).hex()
        elif kind == "inclusion":
            point, stream, seq = points.get(line["checkpoint"]), line["stream"], line["seq"]
            path = [bytes.fromhex(one) for one in line["path"]]
            leaf = leaves[stream][seq - 1]
            root = climbed(leaf, line["index"], point["size"], path) if point else None
            if point is None or root is None or root.hex() != point["root"]:
                wrong.append(f"inclusion {stream} {seq}")
            proven.setdefault(stream, set()).add(seq)
        elif kind == "end":
            end = line
    wrong += [f"dropped {stream}" for stream, seqs in proven.items() if seqs != set(range(1, max(seqs) + 1))]
    if end is None:
        return [*wrong, "end"]
    heads = {stream: [len(leaves[stream]), *last[stream]] for stream in leaves}
    if {stream: told for stream, *told in end["heads"]} != heads:
        wrong.append("heads")
    kinds = ("event", "checkpoint", "timestamp" if whole else "inclusion")
    return wrong + [f"count of {kind}s" for kind in kinds if end[f"{kind}s"] != counts[kind]]


def wrong_in_package(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        (top,) = {name.split("/")[0] for name in archive.namelist()}
        held = {name.removeprefix(f"{top}/"): archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    manifest, signature = held["manifest.json"], json.loads(held["manifest.sig"])
    told = json.loads(manifest)
    message = f"decision-flow package 1\n{sha256(manifest).hex()}\n".encode()
    wrong = [] if signed(signature["public_key"], signature["signature"], message) else ["manifest"]
    listed = {one["path"]: one for one in told["files"]}
    wrong += [f"file {name}" for name in set(listed) ^ (set(held) - {"manifest.json", "manifest.sig"})]
    for name in set(listed) & set(held):
        one, content = listed[name], held[name]
        if (one["size"], one["sha256"], one["sm3"]) != (len(content), sha256(content).hex(), sm3(content)):
            wrong.append(f"file {name}")
    lines = [json.loads(line) for line in held["audit.jsonl"].decode().splitlines()]
    events = [json.loads(line["canonical"]) for line in lines if line["kind"] == "event"]
    filed = {one["facts"]["sha256"] for one in events if one["event"] == "document.filed"}
    if filed != {one["sha256"] for one in told["files"] if one["kind"] == "original"}:
        wrong.append("papers")
    done = {one["task"] for one in events if one["event"] == "task.completed"}
    for item in told["checklist"]:
        wrong += [f"item {item['number']}"] if item["state"] == "missing" or not set(item["tasks"]) <= done else []
    if sorted(map(tuple, told["streams"])) != sorted(map(tuple, lines[-1]["heads"])):
        wrong.append("streams")
    return wrong + wrong_in_trail(lines)
