"""A web process that is told to stop finishes what it is at, and takes nothing new."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

SERVER = """
import sys
from waitress import create_server
from web.cli import run_until_told

def answer(environ, start):
    print("asked", flush=True)
    sys.stdin.readline()
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"done" * 100_000]

sockets = {}
server = create_server(answer, map=sockets, host="127.0.0.1", port=0)
print(server.effective_port, flush=True)
run_until_told(server, sockets)
print("stopped", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_answered_is_finished_and_nothing_new_is_taken(how: signal.Signals) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=-1, stdout=-1, text=True)
    assert server.stdin is not None and server.stdout is not None
    try:
        port, got = int(server.stdout.readline()), list[bytes]()
        asking = threading.Thread(
            target=lambda: got.append(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20).read())
        )
        asking.start()
        assert server.stdout.readline() == "asked\n"
        server.send_signal(how)
        while True:  # until the listening socket is closed
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except ConnectionResetError:
                continue  # it stood in the queue when the socket was closed
            except ConnectionRefusedError:
                break
        server.stdin.write("\n")
        server.stdin.flush()
        assert server.stdout.readline() == "stopped\n"
        asking.join()
        assert got == [b"done" * 100_000]
        assert server.wait(timeout=20) == 0
    finally:
        server.kill()
