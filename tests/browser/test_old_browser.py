"""The pages in a Chromium 86, which office PCs still run: nothing fails, the parts that have script work.

Today's drivers ask such a browser for functions it does not have, so everything here is done by the page itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from decision_flow.db import Database
from decision_flow.demo import PASSWORD, cases
from decision_flow.documents import FileStore
from tests.browser.desk import FLAGS

OLD = Path(__file__).parents[2] / ".cache/chromium-86/chromium"
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not OLD.exists(), reason="no Chromium 86")]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        flags = [*FLAGS, "--single-process", "--no-zygote", "--use-gl=swiftshader"]
        browser: Browser = playwright.chromium.launch(executable_path=str(OLD), args=flags)
        assert browser.version.startswith("86.")
        found = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
        found.problems = []
        found.on("pageerror", lambda error: found.problems.append(str(error)))
        found.on("console", lambda told: found.problems.append(told.text) if told.type == "error" else None)
        yield found
        browser.close()


def becomes(page: Page, condition: str) -> None:
    """Ask the page itself, again and again, until `condition` holds."""
    for _ in range(200):
        if page.evaluate(f"Boolean({condition})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never became true: {condition}; {page.problems}")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_desk_works_in_chromium_86(page: Page, base: str, database: Database, files: FileStore) -> None:
    play = cases.OTHERS[4](database, files)
    page.goto(f"{base}/sign-in")
    page.evaluate(
        "password => { document.querySelector('#username').value = 'liqiang';"
        " document.querySelector('#password').value = password; }",
        PASSWORD,
    )
    with page.expect_navigation():
        page.evaluate("document.querySelector('#password').form.submit()")
    assert "/inbox" in page.url
    assert page.evaluate("getComputedStyle(document.querySelector('.topbar')).backgroundColor") != "rgba(0, 0, 0, 0)"
    page.goto(f"{base}/matters/{play.matter_id}")
    becomes(page, "document.querySelector('#diagram[data-ready] .now, #diagram[data-ready] .passed')")
    page.goto(f"{base}/inbox?tab=todo")
    with page.expect_navigation():
        page.evaluate("document.querySelector('tbody td a').click()")
    becomes(page, "document.querySelector('.task-form')")
    rows = "document.querySelectorAll(\"[data-table='options'] tbody tr\").length"
    before = page.evaluate(rows)
    page.evaluate("document.querySelector(\"[data-add-row='options']\").click()")
    becomes(page, f"{rows} === {before + 1}")
    page.evaluate(
        "const field = document.querySelector(\"[name='affected_people_count']\"); field.value = '812';"
        " field.dispatchEvent(new Event('input', { bubbles: true }))"
    )
    becomes(page, "document.querySelector('.task-form[data-kept]')")
    assert page.problems == []
