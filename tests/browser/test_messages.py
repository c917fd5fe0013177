"""The badge of unread notices, and a notice that leads to its task."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Browser

from decision_flow import worker
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from tests.browser.desk import window

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")]


def test_the_badge_counts_and_a_notice_leads_to_its_task(
    browser: Browser, base: str, database: Database, files: FileStore
) -> None:
    cases.OTHERS[6](database, files)
    worker.tick(database, "a")
    with window(browser, base) as desk:
        desk.sign_in("wangmin")
        badge = desk.page.locator("[data-unread] .badge-n")
        badge.wait_for(state="visible")
        before = int(badge.text_content() or 0)
        desk.open("/messages?show=unread")
        desk.page.locator(".message.is-unread a").first.click()
        desk.page.wait_for_url("**/tasks/*")
        counted = "n => Number(document.querySelector('[data-unread] .badge-n').textContent || 0) === n"
        desk.page.wait_for_function(counted, arg=before - 1 if before > 1 else 0)
        assert desk.outside == []
