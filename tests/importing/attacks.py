"""Files of somebody who wants the product to spend memory, time or secrets: by name, made when they are asked for."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from tests.drawing import Drawing

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SECRET = "file:///etc/passwd"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
# Written as conditions of a gateway: nothing of them may be worked out, whatever it takes to refuse them.
EXPRESSIONS = {
    "power": "9**9**9",
    "repetition": "'x' * 10**9",
    "shift": "1 << 10**9",
    "huge integer": "9" * 1990,
    "infinite number": "1e400",
    "parentheses": "(" * 900 + "a" + ")" * 900,
    "brackets": "[" * 900 + "]" * 900,
    "signs": "-" * 1900 + "1",
    "negations": "not " * 480 + "a",
    "comparisons": "<".join(["a"] * 990),
    "conditional chain": " if a else ".join(["b"] * 150),
    "attributes": "a" + ".a" * 990,
    "comprehension": "[x for x in range(10**9)]",
    "format": "f'{a:>1000000000}'",
    "very long": "a or " * 700_000 + "a",
}


def _document(inside: str, head: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<definitions xmlns="{BPMN}">{inside}</definitions>'.encode()


def _with_condition(text: str) -> bytes:
    drawing = Drawing("p").start().xor("g").user("t").end().chain("start", "g").chain("t", "end")
    return drawing.flow("g", "t", "else").flow("g", "end", text).xml()


def _bundle(*entries: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


def _lying() -> bytes:
    """Return a bomb whose directory says that it is small."""
    content = _bundle(("diagrams/a.bpmn", b"\0" * 30_000_000))
    return content.replace(struct.pack("<L", 30_000_000), struct.pack("<L", 10))


DIAGRAMS: dict[str, Callable[[], bytes]] = {
    "billion laughs": lambda: _document("&l11;", f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>'),
    "quadratic blow-up": lambda: _document("&a;" * 50_000, f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'),
    "external entity": lambda: _document("&e;", f'<!DOCTYPE x [<!ENTITY e SYSTEM "{SECRET}">]>'),
    "external document type": lambda: _document("", f'<!DOCTYPE x SYSTEM "{SECRET}">'),
    "parameter entity": lambda: _document("", f'<!DOCTYPE x [<!ENTITY % e SYSTEM "{SECRET}"> %e;]>'),
    "little-endian document type": lambda: "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>".encode("utf-16"),
    "big-endian document type": lambda: b"\xfe\xff" + "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>".encode("utf-16-be"),
    "undeclared entity": lambda: _document("&nothing;"),
    "depth of 10,000": lambda: _document("<subProcess>" * 10_000 + "</subProcess>" * 10_000),
    "50 MB": lambda: _document("<x/>" * 12_500_000),
    "1,000,000 elements": lambda: _document("<x/>" * 900_000),
    "many attributes": lambda: _document("<process" + "".join(f' a{n}=""' for n in range(200_000)) + "/>"),
    "many name spaces": lambda: _document("".join(f'<x xmlns:n{n}="u{n}"/>' for n in range(100_000))),
}
BUNDLES: dict[str, Callable[[], bytes]] = {
    "zip bomb": lambda: _bundle(("diagrams/a.bpmn", b"\0" * 60_000_000)),
    "zip bomb in many files": lambda: _bundle(*((f"forms/f{n}.toml", b"\0" * 3_900_000) for n in range(6))),
    "zip bomb that lies": _lying,
    "path upwards": lambda: _bundle(("bundle.toml", b""), ("diagrams/../../../tmp/a.bpmn", b"<x/>")),
    "path from the root": lambda: _bundle(("bundle.toml", b""), ("/etc/cron.d/a", b"x")),
    "path of windows": lambda: _bundle(("bundle.toml", b""), ("diagrams\\..\\..\\a.bpmn", b"<x/>")),
    "100,000 entries": lambda: _bundle(*((f"{n:x}", b"") for n in range(100_000))),
    "cut off": lambda: _bundle(("diagrams/a.bpmn", b"<x/>" * 1000))[:-30],
    "bomb of TOML": lambda: _bundle(("bundle.toml", b"a = " + b"[" * 100_000)),
}
CONDITIONS = {f"condition: {name}": lambda text=text: _with_condition(text) for name, text in EXPRESSIONS.items()}
