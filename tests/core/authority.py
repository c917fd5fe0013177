"""A timestamp authority (RFC 3161) for tests: what it answers, built of DER by itself, and where it listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHA256 = "608648016503040201"


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (length if len(content) < 128 else bytes([0x80 + len(length)]) + length) + content


def number(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(told: str) -> bytes:
    return der(6, bytes.fromhex(told))


def answer(
    request: bytes, at: datetime, *, status: int = 0, digest: bytes | None = None, nonce: int | None = None,
    algorithm: str = SHA256, without_nonce: bool = False, signature: bytes = b"signed",
) -> bytes:  # fmt: skip
    """Return the reply to a request; digest and nonce are read from where they stand in it."""
    asked = request.index(bytes.fromhex("0500")) + 4
    said = request[asked : asked + 32] if digest is None else digest
    length = request[asked + 33]
    given = int.from_bytes(request[asked + 34 : asked + 34 + length], "big") if nonce is None else nonce
    moment = der(0x18, f"{at:%Y%m%d%H%M%S}.5Z".encode())
    imprint = der(0x30, der(0x30, oid(algorithm), der(5)), der(4, said))
    tail = [der(0x30, number(1)), der(1, b"\xff"), *([] if without_nonce else [number(given)])]
    info = der(0x30, number(1), oid("2a030401"), imprint, number(77), moment, *tail)
    carried = der(0x30, oid("2a864886f70d0109100104"), der(0xA0, der(4, info)))
    signed = der(0x30, number(3), der(0x31, der(0x30, oid(SHA256))), carried, der(0x31, der(4, signature)))
    token = der(0x30, oid("2a864886f70d010702"), der(0xA0, signed))
    return der(0x30, der(0x30, number(status)), *([token] if status < 2 else []))


class Authority:
    """Listens on this machine; `replies` is asked for (status, parts of the body) of each request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.replies: Callable[[bytes], tuple[int, Iterator[bytes]]] = lambda request: (500, iter([b""]))
        self.url = ""

    def gives(self, status: int, make: Callable[[bytes], bytes]) -> None:
        """Answer every request with the status and what `make` makes of it."""
        self.replies = lambda request: (status, iter([make(request)]))


@contextmanager
def listening() -> Iterator[Authority]:
    """Yield an authority that listens."""
    found = Authority()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append((self.headers["Content-Type"], request))
            status, parts = found.replies(request)
            self.send_response(status)
            self.end_headers()
            try:
                for part in parts:
                    self.wfile.write(part)
                    self.wfile.flush()
            except OSError:
                return  # whoever asked has gone

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/tsa"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()
