"""A real Chromium, and the product served to it over a database of its own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from waitress import create_server, wasyncore

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore
from tests.browser.desk import FLAGS
from web import create_app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def base(database: Database, settings: Settings) -> Iterator[str]:
    server = create_server(create_app(replace(settings, demo=True), database), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    # The listening socket alone: a thread that still answers writes into the server's trigger, and once that is closed
    # its number is another file's, such as the next test's database.
    wasyncore.dispatcher.close(server)


@pytest.fixture
def files(settings: Settings) -> FileStore:
    return FileStore(Path(settings.data_dir) / "files")
