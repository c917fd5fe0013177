"""What stands out against the ordinary course, as people see it: a reason that another approves, a step done on paper."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from tests.browser.desk import window
from tests.web.test_late_pages import PDF

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")]
REASON = "规模较小，可行性研究中已经测算，不再另作分析。"
UNAPPROVED = "不作成本效益分析的理由还没有经批准"


# The pages do not depend on the database.
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reason_waits_for_another_and_paper_is_marked(
    browser: Browser, base: str, database: Database, files: FileStore
) -> None:
    matter = f"/matters/{cases.OTHERS[4](database, files).matter_id}"
    on_paper = cases.OTHERS[2](database, files)
    with window(browser, base) as asker, window(browser, base, width=390) as other:
        asker.sign_in("sunli")
        asker.open(f"{matter}/exceptions")
        asker.page.select_option("#rule", "R-12c")
        asker.page.fill("#reason", REASON)
        asker.press("main button:has-text('提出例外')")
        waiting = asker.page.locator("tr", has_text=REASON)
        # Who asked is offered no approval, and gets none with a form of her own making.
        assert "待批准" in waiting.inner_text() and waiting.locator("button").count() == 0
        asker.open(f"{matter}/checklist")
        assert UNAPPROVED in asker.page.locator("tr.row-open", has_text="R-12a").inner_text()

        other.sign_in("mabo")
        other.open(f"{matter}/exceptions")
        action = other.page.locator("form:has(button[name=_approve])").get_attribute("action")
        asker.page.evaluate(
            "action => { const form = document.querySelector('.topbar form'); form.action = action;"
            " form.insertAdjacentHTML('beforeend', '<input name=_approve value=1>'); }",
            action,
        )
        asker.press(".topbar form button")
        assert "不能批准本人提出的例外或者豁免" in asker.page.inner_text("main")
        assert "SOD-14" in asker.page.inner_text("main")

        other.press("button[name=_approve]")
        approved = other.page.locator("tr", has_text=REASON).inner_text()
        assert "已批准" in approved and "马波" in approved
        assert other.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        asker.open(f"{matter}/checklist")
        assert UNAPPROVED not in asker.page.inner_text("main")
        asker.picture("approved-checklist")

    with window(browser, base) as desk:
        desk.sign_in("gaojianming")
        desk.open(f"/matters/{on_paper.matter_id}")
        desk.press("section.now a")
        desk.press("main a:has-text('上传扫描件补录')")
        signed_on = clock.today() - timedelta(days=2)
        desk.fill({"_late_on": signed_on.isoformat(), "_late_by": "高建明", "_late_reason": "停电期间纸质签署",
                   "initiate": True, "decided_on": signed_on.isoformat()})  # fmt: skip
        desk.page.set_input_files("#_late_scan", {"name": "签字页.pdf", "mimeType": "application/pdf", "buffer": PDF})
        desk.press(".task-form .btn-primary")
        assert desk.is_done(), desk.page.inner_text("main")
        for page, mark in (("", f"实际办理 {signed_on.isoformat()} 高建明"), ("/checklist", "补录")):
            desk.open(f"/matters/{on_paper.matter_id}{page}")
            row = desk.page.locator("tr", has_text="决定是否启动").filter(has=desk.page.locator(".mark-unconfirmed"))
            assert mark in row.inner_text() and "补录" in row.inner_text()
        desk.picture("entered-late")
