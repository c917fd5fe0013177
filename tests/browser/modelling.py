"""The editor in the words of a modeller."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Locator

from tests.browser.desk import Desk


class Drawing:
    """A draft that is open in the editor."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page = desk, desk.page

    def begin(self, source: str, title: str = "", key: str = "") -> Drawing:
        """Start a draft on the library's page."""
        self.desk.open("/procedures")
        self.page.select_option("#source", source)
        self.page.fill("#title", title)
        self.page.fill("#key", key)
        self.desk.press("form[action$='/procedures/drafts'] button")
        return self.ready()

    def ready(self) -> Drawing:
        self.page.wait_for_selector("#editor[data-ready]")
        self.page.wait_for_selector("[data-part=findings][data-ready]")
        return self

    @property
    def address(self) -> str:
        return self.page.url.removeprefix(self.desk.base)

    def shape(self, id: str) -> Locator:
        return self.page.locator(f".djs-container [data-element-id='{id}'] > .djs-visual").first

    def at(self, id: str) -> tuple[float, float]:
        """Where an element is on the screen, once it is in view."""
        self.page.evaluate("id => window.decisionFlowEditor.showElement(id)", id)
        flow = self.script(
            "const one = modeler.get('elementRegistry').get(argument); if (!one.waypoints) return null;"
            "let best = null; one.waypoints.forEach((to, n) => { if (!n) return; const from = one.waypoints[n - 1];"
            " const length = Math.hypot(to.x - from.x, to.y - from.y);"
            " if (!best || length > best.length) best = { length, x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }; });"
            "const view = modeler.get('canvas').viewbox(), r = modeler.get('canvas').getContainer().getBoundingClientRect();"
            "return [r.left + (best.x - view.x) * view.scale, r.top + (best.y - view.y) * view.scale];",
            id,
        )
        if flow:
            return flow[0], flow[1]
        box = self.shape(id).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click(self, id: str) -> None:
        self.page.mouse.click(*self.at(id))
        self.page.wait_for_selector(".djs-context-pad.open")

    def pad(self, action: str) -> None:
        self.page.click(f".djs-context-pad [data-action='{action}']")

    def drop_on_flow(self, entry: str, flow: str) -> None:
        """Take a thing from the palette and let it fall on a flow."""
        self.page.click(f".djs-palette [data-action='{entry}']")
        x, y = self.at(flow)
        self.page.mouse.move(x - 20, y - 20)
        self.page.mouse.move(x, y, steps=4)
        self.page.mouse.click(x, y)

    def compose(self, letters: str, text: str, slowly: float = 0.0) -> None:
        """Write as an input method does: letters under way, then the characters they become."""
        session = self.page.context.new_cdp_session(self.page)
        for end in range(1, len(letters) + 1):
            session.send("Input.imeSetComposition", {"text": letters[:end], "selectionStart": end, "selectionEnd": end})
            time.sleep(slowly)
        session.send("Input.insertText", {"text": text})

    def checked(self) -> int:
        return int(self.page.get_attribute("[data-part=findings]", "data-checked") or 0)

    def findings(self, after: int) -> list[str]:
        """The findings in words, once the server has answered the last of what was asked since `after`."""
        self.page.wait_for_function(
            "after => { const told = document.querySelector('[data-part=findings]').dataset;"
            " return Number(told.checked || 0) > after && told.asked === told.answered; }",
            arg=after,
        )
        return [text.strip() for text in self.page.locator(".ed-list li").all_text_contents()]

    def verdict(self) -> str:
        return self.page.get_attribute(".ed-verdict", "data-verdict") or ""

    def saved(self) -> None:
        self.page.wait_for_selector("[data-state=saved]")

    def field(self, label: str) -> Locator:
        return self.page.locator("[data-part=panel]").get_by_label(label, exact=True).first

    def script(self, text: str, argument: Any = None) -> Any:
        """Run a piece of script over the open editor."""
        return self.page.evaluate(
            f"(argument) => {{ const {{ modeler }} = window.decisionFlowEditor; {text} }}", argument
        )

    def overlaps(self) -> list[list[str]]:
        """Pairs of tasks that lie on one another."""
        return self.script(
            "const tasks = modeler.get('elementRegistry').filter(one => /Task$/.test(one.type)), found = [];"
            "tasks.forEach((a, n) => tasks.slice(n + 1).forEach(b => { if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) found.push([a.id, b.id]); }));"
            "return found;"
        )

    def misses(self) -> list[str]:
        return sorted(self.page.evaluate("() => [...window.decisionFlowMisses]"))
