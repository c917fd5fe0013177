"""A matter through real pages in a real Chromium: suggested, claimed, argued, reviewed, decided, published."""

from __future__ import annotations

import shutil
from datetime import UTC

import pytest
from playwright.sync_api import Browser

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from tests.browser.desk import window

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")]
TITLE = "清河镇客运站搬迁方案"


def test_from_suggestion_to_publication(
    browser: Browser, base: str, database: Database, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(database, files, clock.today())
    # What is done at the pages and what is told through the operations happens in one order of time.
    monkeypatch.setattr(clock, "now", lambda: clock._pretended.get() or play.since.astimezone(UTC))
    with window(browser, base) as desk:
        desk.sign_in("wuting")
        desk.open("/matters/new")
        desk.submit()
        assert desk.page.locator(".field-error").count() >= 5
        desk.fill({
            "matter_name": TITLE, "suggestion_source": "department", "proposer_name": "吴婷", "proposer_contact": "0871",
            "received_date": clock.today().isoformat(), "matter_category": "public_construction", "exclusion_type": "none",
            "contains_state_secret": False,
            "summary": "客运站位于老街，车辆进出困难、事故多发，建议迁至镇东新区并同步调整公交线路，方便群众出行。",
        })  # fmt: skip
        desk.submit()
        desk.page.wait_for_url("**/matters/*")
        play.matter_id = int(desk.page.url.rsplit("/", 1)[-1].split("?")[0])
        assert desk.outside == []
    with window(browser, base) as desk:
        desk.sign_in("zhoukai")
        desk.take(TITLE)
        desk.submit()
        assert desk.is_done(), desk.page.locator(".error-summary").text_content()
        assert "研究论证" in desk.page.text_content("main")

    unit = cases.units(database)[cases._GH]
    given = {
        cases.M + "05": {"undertaking_units": [unit], "in_catalogue": False},
        cases.M + "09": {"is_technical": True, "public_concern": True},
        "T_expert_argumentation_02": {"few_reason": "本领域专家较少，另征求市级专家意见"},
        cases.PP + "04a": {"open_on": clock.today().isoformat(), "close_on": clock.today().replace(year=clock.today().year + 1).isoformat()},
        "T_publication_01": {"interpretation": "搬迁原因和安排的说明。", "adoption_summary": "收到意见12条，均已研究。"},
        cases.CD + "02": {"meeting_type": "township_head_meeting", "members_total": 7},
    }  # fmt: skip
    play.run_to("T_expert_argumentation_05", cases.PP + "04a", given=given)
    with window(browser, base) as desk:
        desk.sign_in("moqing")
        desk.take(TITLE)
        desk.fill({"necessity": "yes", "feasibility": "yes", "soundness": "conditional", "necessity_text": "老街拥堵", "feasibility_text": "用地已落实",
                "soundness_text": "建议完善交通组织", "capacity": "individual",
                   "overall": "support"})  # fmt: skip
        desk.submit(password=True)
        if not desk.is_done():
            pytest.fail(desk.page.locator(".error-summary").text_content() or desk.page.url)

    start = play.day
    given[cases.PP + "04a"] = {
        "open_on": start.isoformat(), "close_on": cases.date.fromordinal(start.toordinal() + 30).isoformat()
    }  # fmt: skip
    play.run_to("T_legality_review_04", given=given)
    with window(browser, base) as desk:
        desk.sign_in("wangmin")
        desk.take(TITLE)
        desk.fill({"finding_authority": "pass", "finding_procedure": "pass", "finding_substance": "pass",
                   "prohibited_rule_found": False, "exploratory_reform": False, "conclusion": "lawful"})  # fmt: skip
        desk.submit()
        if not desk.is_done():
            pytest.fail(desk.page.locator(".error-summary").text_content() or desk.page.url)

    play.run_to(cases.CD + "06", given=given)
    told = minutes(["孙丽", "马波", "陈斌"], "高建明")
    play.run_to(cases.CD + "10", given={**given, cases.CD + "06": {"implementing_unit_id": unit, **told}})
    with window(browser, base) as desk:
        desk.sign_in("gaojianming")
        desk.take(TITLE)
        desk.submit(password=True)
        assert desk.is_done()

    play.run_to("T_publication_03", given=given)
    with window(browser, base) as desk:
        desk.sign_in("linyue")
        desk.take(TITLE)
        desk.fill({"channels": ["website"], "published_on": clock.today().isoformat()})
        desk.submit()
        if not desk.is_done():
            pytest.fail(desk.page.locator(".error-summary").text_content() or desk.page.url)
        desk.press("main a:has-text('" + TITLE + "')")
        desk.page.wait_for_selector("#diagram[data-ready]")
        assert desk.page.locator("#diagram .passed").count() > 20
        # The library's mark must stay visible and on top (its licence).
        assert desk.page.evaluate(
            "() => { const a = document.querySelector('.bjs-powered-by'), r = a.getBoundingClientRect();"
            " a.scrollIntoView({block: 'center', behavior: 'instant'}); const q = a.getBoundingClientRect();"
            " return a.contains(document.elementFromPoint(q.x + q.width / 2, q.y + q.height / 2)); }"
        )
        assert desk.outside == []


# The pages do not depend on the database.
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_shuts_anybody_out(
    browser: Browser, base: str, database: Database, files: FileStore, width: int, language: str
) -> None:
    play = cases.OTHERS[4](database, files)
    with window(browser, base, width) as desk:
        desk.open(f"/language/{language}")
        desk.open("/sign-in")
        assert desk.violations() == []
        desk.sign_in("liqiang")
        for path in (
            "/inbox",
            "/matters",
            "/matters/new",
            f"/matters/{play.matter_id}",
            f"/matters/{play.matter_id}/trail",
        ):
            desk.open(path)
            assert desk.violations() == [], path
            assert desk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        desk.open("/inbox?tab=todo")
        desk.press("tbody td a")
        assert desk.violations() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_typed_is_kept(browser: Browser, base: str, database: Database, files: FileStore) -> None:
    cases.OTHERS[4](database, files)
    with window(browser, base) as desk:
        desk.sign_in("liqiang")
        desk.open("/inbox?tab=todo")
        desk.press("tbody td a")
        desk.fill(
            {
                "affected_people_count": "812",
                "options": [{"option_code": "A"}, {"option_code": "B", "content": "就地改造"}],
            }
        )
        desk.page.wait_for_selector(".task-form[data-kept]")
        desk.page.reload()
        assert desk.page.input_value("[name='affected_people_count']") == "812"
        assert desk.page.input_value("[name='options-1-content']") == "就地改造"
