"""A procedure drawn in a real Chromium: from a template, with mouse and Chinese input, to the first matter on it."""

from __future__ import annotations

import shutil
import time

import pytest
from playwright.sync_api import Browser, Page, Route
from sqlalchemy import select

from decision_flow import clock, engine
from decision_flow.db import Database
from decision_flow.modelling import comparison, drafts, sources
from decision_flow.models import Matter, ProcedureDraft, ProcedureVersion
from tests.browser.desk import Desk, window
from tests.browser.modelling import Drawing

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")]
sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WIDTH = 1440
# The editor waits so many seconds for more changes before it asks.
GATHERED = 0.025


def walk(desk: Desk, answers: dict[str, str]) -> None:
    """Press on until the walk ends, with `answers` where they are asked for."""
    page = desk.page
    for _ in range(40):
        if page.locator("button[name=_go]").count():
            for name, value in answers.items():
                control = page.locator(f".task-form select[name='{name}']")
                if control.count():
                    control.select_option(value)
            desk.press("button[name=_go]")
        elif page.locator("button[name=_wait]").count():
            desk.press("button[name=_wait]")
        else:
            break
    assert "这一次走完了" in page.text_content("main")


@sqlite_only
def test_a_local_procedure_from_template_to_the_first_matter(browser: Browser, base: str, database: Database) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("template:local_decision", "镇级项目决策程序", "town_project")
        assert drawing.verdict() == "lawful"

        # A step of the town's own, let fall between two others and named with an input method.
        drawing.drop_on_flow("create.user-task", "flow_local_decision_05")
        desk.page.wait_for_selector(".djs-direct-editing-content")
        drawing.compose("bumenhuiqian", "部门会签")
        before = drawing.checked()
        desk.page.keyboard.press("Enter")
        assert any("部门会签" in text for text in drawing.findings(before))
        assert drawing.verdict() == "unsupported"
        assert desk.page.locator(".ed-badge.has-error").count() == 1

        # It is told what it lacks, and given it.
        desk.page.locator(".ed-finding:has-text('部门会签')").first.click()
        drawing.field("岗位角色").select_option("consulted_unit")
        drawing.field("表单").select_option("F-05")
        before = drawing.checked()
        drawing.field("英文名称").fill("Departments sign")
        drawing.field("英文名称").blur()
        assert drawing.findings(before) == []
        assert drawing.verdict() == "lawful"
        steps = drawing.script(
            "return modeler.get('elementRegistry').filter(one => one.type === 'bpmn:UserTask').length;"
        )
        assert steps >= 10
        drawing.saved()

        # Somebody takes the legality review out: the hole is told in words and drawn, step by step.
        drawing.click("T_legality")
        before = drawing.checked()
        drawing.pad("delete")
        hole, unread = drawing.findings(before)
        assert "没有环节填写表单“F13”" in unread
        assert "不经过合法性审查也能到达集体讨论决定" in hole and "条例第二十五条" in hole
        assert "收到建议 → 决定是否启动" in hole and drawing.verdict() == "unlawful"
        assert desk.page.locator(".has-error[data-element-id='T_meeting']").count() == 1
        desk.page.click("button:has-text('演示这条路')")
        player = desk.page.locator("[data-part=player]")
        while player.locator("button:has-text('下一步')").is_enabled():
            player.locator("button:has-text('下一步')").click()
        assert "集体讨论" in player.text_content() and player.get_attribute("data-step") == player.get_attribute(
            "data-of"
        )
        assert desk.page.locator(".djs-container .on-way").count() >= 10
        assert desk.page.locator(".djs-container .at-step[data-element-id='T_meeting']").count() == 1
        assert desk.page.locator(".way-badge").count() >= 8
        desk.picture("hole")
        drawing.saved()
        desk.press("a:has-text('发布核对')")
        assert "不经过合法性审查" in desk.page.text_content("main")
        desk.page.go_back()
        drawing.ready()

        # It is mended: the review is drawn again between the risk report and the gateway.
        flow = drawing.script("return modeler.get('elementRegistry').get('T_risk').outgoing[0].id;")
        drawing.drop_on_flow("create.user-task", flow)
        desk.page.wait_for_selector(".djs-direct-editing-content")
        drawing.compose("hefaxingshencha", "合法性审查")
        desk.page.keyboard.press("Enter")
        drawing.field("岗位角色").select_option("legality_reviewer")
        drawing.field("法定环节").select_option("legality_review")
        before = drawing.checked()
        drawing.field("表单").select_option("F-13")
        (late,) = drawing.findings(before)
        assert "合法性审查没有声明办理期限" in late and "条例第二十六条" in late
        before = drawing.checked()
        drawing.field("工作日").select_option("working_days_after")
        assert drawing.findings(before) == []
        assert drawing.verdict() == "lawful"
        assert drawing.overlaps() == []
        drawing.saved()
        desk.picture("mended")
        assert drawing.misses() == []
        assert desk.outside == []

        # Played to each of its ends by the real engine.
        desk.press("a:has-text('试走')")
        walk(desk, {"initiate": "false"})
        desk.press("button[name=_restart]")
        walk(desk, {"initiate": "true", "conclusion": "lawful", "decision": "rejected"})
        desk.press("button[name=_restart]")
        walk(desk, {"initiate": "true", "conclusion": "lawful", "decision": "approved"})
        assert "每个结局都走到了" in desk.page.text_content("main")
        desk.press("a:has-text('去发布核对')")
        assert "您参与了起草" in desk.page.text_content("main")
        assert not desk.page.locator("button:has-text('发布并生效')").count()
        gate = desk.page.url

    with window(browser, base, WIDTH) as desk:
        desk.sign_in("qiaolin")
        desk.page.goto(gate)
        assert desk.violations() == []
        desk.press("button:has-text('发布并生效')")
        assert "已发布为第1版并生效" in desk.page.text_content("main")

    with window(browser, base, WIDTH) as desk:
        desk.sign_in("wuting")
        desk.open("/matters/new?_procedure=town_project")
        assert "镇级项目决策程序" in desk.page.text_content("main")
        desk.fill({
            "matter_name": "清河镇老街排水改造", "suggestion_source": "department", "proposer_name": "吴婷",
            "proposer_contact": "0871", "received_date": clock.today().isoformat(), "matter_category": "public_construction",
            "exclusion_type": "none", "contains_state_secret": False,
            "summary": "老街雨季积水严重，影响居民出行和商户经营，建议更换主管网并增设两处泵站，列入镇级项目。",
        })  # fmt: skip
        desk.submit()
        desk.page.wait_for_url("**/matters/*")
    with database.transaction(read_only=True) as session:
        matter = session.scalars(select(Matter)).one()
        version = session.get_one(ProcedureVersion, matter.procedure_version_id)
        assert (matter.title, version.number, version.main) == ("清河镇老街排水改造", 1, "town_project")
        assert matter.current_step == "initiation"


@sqlite_only
def test_two_people_at_one_draft_lose_nothing(browser: Browser, base: str, database: Database) -> None:
    with window(browser, base, WIDTH) as first, window(browser, base, WIDTH) as second:
        first.sign_in("dengjie")
        mine = Drawing(first).begin("template:local_decision")
        second.sign_in("dengjie")
        address = mine.address
        second.open(address)
        theirs = Drawing(second).ready()
        rename = (
            "modeler.get('modeling').updateProperties(modeler.get('elementRegistry').get('T_draft'), {name: argument});"
        )
        theirs.script(rename, "起草方案")
        theirs.saved()
        mine.script(rename, "写草案")
        warning = first.page.locator("[data-part=warning]")
        warning.wait_for()
        assert "邓洁已于" in warning.text_content()
        warning.locator("button").first.click()
        first.page.wait_for_url(lambda url: not url.endswith(address))
        kept = Drawing(first).ready()
        name = "return modeler.get('elementRegistry').get('T_draft').businessObject.name;"
        assert kept.script(name) == "写草案"
        second.page.reload()
        assert theirs.ready().script(name) == "起草方案"


@sqlite_only
def test_the_steps_are_edited_by_keyboard_alone(browser: Browser, base: str, database: Database) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("template:local_decision")
        press, page = desk.page.keyboard.press, desk.page
        page.focus("[data-part=table]")
        press("Enter")

        def order() -> list[str]:
            return [box.input_value() for box in page.locator("[data-part=steps] tbody tr td:first-child input").all()]

        page.focus("[data-row=T_adopt] [data-act=add]")
        press("Enter")
        page.keyboard.type("专题研究")
        press("Tab")
        assert order()[order().index("归纳并研究采纳意见") + 1] == "专题研究"
        for _ in range(40):  # the role, by the arrows
            if page.evaluate("() => document.activeElement.value") == "undertaking_unit":
                break
            press("ArrowDown")
        press("Tab")
        press("Tab")
        page.keyboard.type("F-04")
        press("Tab")
        new = page.evaluate("() => document.activeElement.closest('[data-row]').dataset.row")
        made = drawing.script(
            "const of = modeler.get('elementRegistry').get(argument).businessObject;"
            "return [of.name, of.get('camunda:candidateGroups'), of.get('camunda:formKey')];",
            new,
        )
        assert made == ["专题研究", "undertaking_unit", "F-04"]
        # Moved on, and back where it was.
        press("Alt+ArrowDown")
        names = order()
        assert names.index("汇总专家论证意见") < names.index("专题研究") < names.index("出具风险评估报告")
        press("Alt+ArrowUp")
        assert order().index("专题研究") < order().index("汇总专家论证意见")
        page.focus(f"[data-row={new}] [data-act=delete]")
        press("Enter")
        assert "专题研究" not in order()
        press("Control+z")
        page.focus("[data-part=undo]")
        press("Enter")
        drawing.saved()
        assert drawing.misses() == []
        assert desk.violations() == []


@sqlite_only
def test_a_word_being_composed_is_left_alone(browser: Browser, base: str, database: Database) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("template:local_decision")
        drawing.click("T_draft")
        # Another change is on its way to be saved and checked while the word is being written.
        drawing.field("办理提示").fill("先调研")
        drawing.field("名称").focus()
        desk.page.keyboard.press("Control+a")
        drawing.compose("qicaofangan", "起草方案", slowly=0.2)
        assert drawing.field("名称").input_value() == "起草方案"
        drawing.field("英文名称").focus()
        told = drawing.script(
            "const of = modeler.get('elementRegistry').get('T_draft').businessObject; return of.name;"
        )
        assert told == "起草方案"
        # Three fields filled as fast as a machine can: none is lost.
        for label, text in (("英文名称", "Draft it"), ("依据", "条例第十二条"), ("英文提示", "Go and look")):
            drawing.field(label).fill(text)
        drawing.field("名称").focus()
        for label, text in (("英文名称", "Draft it"), ("依据", "条例第十二条"), ("英文提示", "Go and look")):
            assert drawing.field(label).input_value() == text
        drawing.saved()
    with database.transaction(read_only=True) as session:
        source = drafts.source_of(session, session.scalars(select(ProcedureDraft)).one())
        text = source.bundle.bpmn["local_decision.bpmn"].decode()
        for word in ("起草方案", "先调研", "Draft it", "条例第十二条", "Go and look"):
            assert word in text


@sqlite_only
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_of_the_editor_is_said(browser: Browser, base: str, database: Database, language: str) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.open(f"/language/{language}")
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("version:major_decision@1")
        for entry in desk.page.locator(".djs-palette .entry").all():
            entry.hover()
        desk.page.click(".djs-minimap .toggle")
        desk.page.click(".djs-minimap .toggle")
        # Every kind of element: its panel, its pad and the menu of what it may become.
        kinds = drawing.script(
            "const seen = new Map(); modeler.get('elementRegistry').forEach(one => { if (one.type !== 'label' && one.businessObject && !seen.has(one.type)) seen.set(one.type, one.id); });"
            "return [...seen];"
        )
        assert len(kinds) >= 12
        for kind, id in kinds:
            drawing.script(
                "const element = modeler.get('elementRegistry').get(argument); modeler.get('selection').select(element);"
                "if (!modeler.get('popupMenu').isEmpty(element, 'bpmn-replace')) { modeler.get('popupMenu').open(element, 'bpmn-replace', {x: 300, y: 300}); modeler.get('popupMenu').close(); }",
                id,
            )
            if language == "en" and kind != "bpmn:Participant":
                labels = desk.page.locator("[data-part=panel] label, [data-part=panel] legend").all_text_contents()
                own = drawing.script(
                    "return modeler.get('elementRegistry').get(argument).businessObject.name || '';", id
                )
                chinese = [text for text in labels if any("一" <= sign <= "鿿" for sign in text)]
                assert not chinese or own or kind in ("bpmn:ExclusiveGateway", "bpmn:InclusiveGateway"), (kind, chinese)
        desk.page.click("[data-part=table]")
        assert drawing.misses() == []
        assert desk.page.evaluate(
            "() => { const a = document.querySelector('.bjs-powered-by'), q = a.getBoundingClientRect();"
            " return a.contains(document.elementFromPoint(q.x + q.width / 2, q.y + q.height / 2)); }"
        )


@sqlite_only
def test_what_ships_is_opened_and_saved_as_it_was(browser: Browser, base: str, database: Database) -> None:
    bundle = engine.Bundle
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        for source in ("version:major_decision@1", "version:post_evaluation@1", "version:decision_adjustment@1"):
            drawing = Drawing(desk).begin(source)
            written = desk.page.evaluate(
                """async () => {
                    const editor = window.decisionFlowEditor, found = {}, unread = document.querySelector('[data-part=unread]');
                    const chosen = document.querySelector('[data-part=diagram]');
                    for (const name of [...chosen.options].map(option => option.value)) {
                        await editor.open(name);
                        found[name] = [(await editor.modeler.saveXML({ format: true })).xml, unread.hidden];
                    }
                    return found;
                }"""
            )
            with database.transaction(read_only=True) as session:
                draft = session.get_one(ProcedureDraft, int(drawing.address.rsplit("/", 1)[1]))
                old = drafts.source_of(session, draft).bundle
            assert set(written) == set(old.bpmn)
            assert all(clean for _, clean in written.values())
            new = bundle(old.main, {name: xml.encode() for name, (xml, _) in written.items()}, old.dmn, old.forms)
            assert comparison.compare(old, new) == ()
            assert engine.compile(new).elements.keys() == engine.compile(old).elements.keys()


@sqlite_only
def test_tables_and_forms_are_edited_on_pages_of_their_own(browser: Browser, base: str, database: Database) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("version:major_decision@1")
        loaded = desk.page.evaluate("() => performance.getEntriesByType('resource').map(entry => entry.name)")
        assert not any("decision-table" in name for name in loaded)
        address = drawing.address
        desk.open(f"{address}/tables/D-01-scope.dmn")
        desk.page.wait_for_selector("#decision-table[data-ready]")
        cell = desk.page.locator("[data-element-id='D-01_1_1'] [contenteditable]").first
        cell.click()
        desk.page.keyboard.press("Control+a")
        desk.page.keyboard.type("scope > and")
        desk.page.keyboard.press("Tab")
        desk.page.wait_for_selector("[data-part=findings] .ed-error")
        assert "不能判定" in desk.page.text_content("[data-part=findings]")
        assert desk.page.locator("[data-element-id='D-01_1_1'].cell-error").count() == 1
        desk.page.click("[data-part=save]")
        desk.page.wait_for_selector("[data-part=state]:has-text('已保存')")
        assert Drawing(desk).misses() == []

        desk.open(f"{address}/forms/F-03")
        desk.page.wait_for_selector("#designer[data-previewed]")
        desk.page.click("[data-part=add]")
        Drawing(desk).compose("lianxidianhua", "联系电话")
        desk.page.keyboard.press("Tab")
        desk.page.wait_for_selector("[data-part=preview] label:has-text('联系电话')")
        # By keyboard alone: whoever moves a field, changes its kind or takes it away stays where the work is.
        rows = desk.page.locator("[data-part=fields] tbody tr")
        last = rows.count()
        at = "() => document.activeElement.getAttribute('aria-label')"
        for keys, label in (("Tab Tab", f"类型 {last}"), ("ArrowUp", f"类型 {last}")):
            for key in keys.split():
                desk.page.keyboard.press(key)
            assert desk.page.evaluate(at) == label
        desk.page.focus(f"[aria-label='上移 {last}']")
        desk.page.keyboard.press("Enter")
        assert desk.page.evaluate(at) == f"上移 {last - 1}"
        assert rows.nth(last - 2).locator("input").first.input_value() == "联系电话"
        desk.page.focus(f"[aria-label='删除 {last}']")
        desk.page.keyboard.press("Enter")
        assert (desk.page.evaluate(at), rows.count()) == (f"删除 {last - 1}", last - 1)
        desk.page.click("[data-part=save]")
        desk.page.wait_for_selector("[data-part=state]:has-text('已保存')")
        assert desk.violations() == []


@sqlite_only
def test_an_answer_that_is_late_is_waited_for_and_never_taken_for_another(
    browser: Browser, base: str, database: Database
) -> None:
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("template:local_decision", "迟到的回答", "late_answers")
        rename = "modeler.get('modeling').updateProperties(modeler.get('elementRegistry').get('T_draft'), { name: argument });"
        late: dict[str, list[Route]] = {"content": [], "findings": []}

        def hold(route: Route) -> None:
            kept = late[route.request.url.rsplit("/", 1)[1]]
            if route.request.method == "POST" and not kept:
                kept.append(route)
            else:
                route.continue_()

        desk.page.route("**/content", hold)
        desk.page.route("**/findings", hold)
        with desk.page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/content")):
            drawing.script(rename, "起草甲")
        # What was found before is not said of what stands there now.
        desk.page.wait_for_selector(".ed-verdict:has-text('正在核对')")
        late["findings"][0].continue_()
        desk.page.wait_for_selector(".ed-verdict[data-verdict=lawful]")
        # A second save waits for the first: nobody else was at this draft.
        drawing.script(rename, "起草乙")
        desk.page.click("a[data-save-first]:has-text('试走')")
        late["content"][0].continue_()
        desk.page.wait_for_url("**/walk")
    with database.transaction(read_only=True) as session:
        draft = session.scalars(select(ProcedureDraft)).one()
        assert draft.revision == 3
        assert "起草乙" in drafts.source_of(session, draft).bundle.bpmn["late_answers.bpmn"].decode()


def working(page: Page) -> float:
    """Return the seconds that this process, which serves, and the page's own thread have worked: others do not count."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return time.process_time() + float(told["ThreadTime"])


def test_a_change_is_checked_in_less_than_a_third_of_a_second(browser: Browser, base: str, database: Database) -> None:
    """What is waited for is the work: of the page, from a change to the findings on it, and of the server."""
    if "postgresql" in database.url:
        pytest.skip("one database is enough for a figure")
    with window(browser, base, WIDTH) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("version:major_decision@1")
        figures = []
        for number in range(7):
            before, begun = drawing.checked(), working(desk.page)
            drawing.script(
                "modeler.get('modeling').updateProperties(modeler.get('elementRegistry').get('T_major_decision_01'), {name: argument});",
                f"登记与初步核对{number}",
            )
            drawing.findings(before)
            figures.append(working(desk.page) - begun + GATHERED)
        assert sorted(figures)[3] < 0.3, figures


def test_templates_are_shipped_with_every_form_they_name() -> None:
    for template in sources.templates():
        assert sources.missing(template) == []


@sqlite_only
@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_of_the_library_shuts_anybody_out(browser: Browser, base: str, database: Database, width: int) -> None:
    with window(browser, base, width) as desk:
        desk.sign_in("dengjie")
        drawing = Drawing(desk).begin("version:post_evaluation@1")
        address = drawing.address
        for path in ("/procedures", "/procedures/major_decision", address, f"{address}/walk", f"{address}/publish",
                     f"{address}/forms/F-36", "/procedures/post_evaluation/compare"):  # fmt: skip
            desk.open(path)
            _still(desk)
            found = [line for line in desk.violations() if "color-contrast" not in line or "djs" not in line]
            assert found == [], path
            assert desk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def _still(desk: Desk) -> None:
    for selector in ("#editor", "[data-diagram]"):
        if desk.page.locator(selector).count():
            desk.page.wait_for_selector(f"{selector}[data-ready]")
