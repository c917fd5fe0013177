"""The desk in a real browser, in the words of its users."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from decision_flow.demo import PASSWORD

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parents[2] / "web/assets/node_modules/axe-core/axe.min.js"


class Desk:
    """One person at one browser window."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.outside: list[str] = []
        page.on(
            "request",
            lambda request: self.outside.append(request.url) if not request.url.startswith((base, "data:")) else None,
        )

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def sign_in(self, username: str) -> None:
        self.open("/sign-in")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.press("main button:has-text('登录'), main button:has-text('Sign in')")
        self.page.wait_for_url("**/inbox*")

    def press(self, selector: str) -> None:
        """Press what leads to another page, and wait until that page is there as a whole.

        A click alone returns when the next page has begun: what is counted or read then may not have arrived yet.
        """
        with self.page.expect_navigation(wait_until="load"):
            self.page.locator(selector).first.click()

    def take(self, title: str) -> None:
        """Claim the task of the matter with this title from the inbox, or open it if it is mine already."""
        self.open(f"/inbox?tab=claimable&text={title}")
        claim = "tbody button:has-text('签收')"
        if self.page.locator(claim).count():
            self.press(claim)
        self.open(f"/inbox?tab=todo&text={title}")
        self.press("tbody td a")

    def fill(self, values: Mapping[str, Any]) -> None:
        """Type answers into the form: by field name, tables row by row."""
        for name, value in values.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                for number, row in enumerate(value):
                    rows = self.page.locator(f"[data-table='{name}'] tbody tr")
                    if number >= rows.count():
                        self.page.click(f"[data-add-row='{name}']")
                    for column, entry in row.items():
                        self._set(f"{name}-{number}-{column}", entry)
            else:
                self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        for entry in text if isinstance(text, list) else [text]:
            boxes = self.page.locator(
                f".task-form [type=checkbox][name='{name}'], .task-form [type=radio][name='{name}']"
            )
            control = self.page.locator(f".task-form [name='{name}']").first
            if boxes.count():
                self.page.locator(f".task-form [name='{name}'][value='{entry}']").check()
            elif control.evaluate("element => element.tagName") == "SELECT":
                control.select_option(str(entry))
            else:
                control.fill(str(entry))

    def submit(self, password: bool = False) -> None:
        if password:
            self.page.locator(".task-form [type=password]").first.fill(PASSWORD)
        self.press(".task-form .actions .btn-primary")

    def is_done(self) -> bool:
        return "/done" in self.page.url

    def picture(self, name: str) -> None:
        """Keep a picture of the page where `DECISION_FLOW_TEST_PICTURES` says, for whoever wants to look."""
        if folder := os.environ.get("DECISION_FLOW_TEST_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def violations(self) -> list[str]:
        """Return what axe finds on the page."""
        self.page.evaluate(AXE.read_text("utf-8"))
        return self.page.evaluate("axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].target))")


@contextmanager
def window(browser: Browser, base: str, width: int = 1366) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    try:
        yield Desk(context.new_page(), base)
    finally:
        context.close()
