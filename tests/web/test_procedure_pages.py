"""The pages of procedures over HTTP: who sees what, nothing typed is lost, nothing that can be sent is a fault."""

from __future__ import annotations

import io
import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from decision_flow import bundles
from decision_flow.audit import EventName
from decision_flow.db import Database
from decision_flow.modelling import form_files, sources
from decision_flow.models import DraftFile, Matter, ProcedureDraft
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import shipped_forms
from tests.core.registry import person, recorded
from tests.core.test_modelling import TEMPLATE, walk
from tests.importing import attacks
from tests.past_the_gate import put_in_force
from tests.web.client import Desk
from tests.web.conftest import ENTER, Browser

NAME = "local_decision.bpmn"


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def send(browser: Browser, path: str, body: Any) -> TestResponse:
    """Post JSON as the editor's script does."""
    headers = {"X-CSRFToken": browser.token, "Accept": "application/json"}
    return browser.client.post(path, json=body, headers=headers)


@pytest.fixture
def modeller(signed_in: ENTER) -> Browser:
    found = signed_in("dengjie")
    found.get("/procedures")
    return found


@pytest.fixture
def draft(modeller: Browser) -> str:
    answer = modeller.post("/procedures/drafts", source="template:local_decision", key="", title="")
    assert answer.status_code == 302, text(answer)
    return str(answer.location)


def number(draft: str) -> int:
    return int(draft.rsplit("/", 1)[1])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_are_sound_in_both_languages(app: Any, database: Database, draft: str, language: str) -> None:
    desk = Desk(app, "dengjie")
    desk.client.get(f"/language/{language}")
    start = desk.post("/procedures/drafts", source="version:major_decision@1").location
    pages = ["/procedures", "/procedures/major_decision", "/procedures/major_decision/versions/1",
             f"/procedures/major_decision/compare?draft={number(start)}", "/procedures/major_decision/compare",
             draft, start, f"{draft}/walk", f"{draft}/publish", f"{start}/publish", f"{draft}/forms/F-03",
             f"{draft}/forms/new", f"{start}/tables/D-01-scope.dmn"]  # fmt: skip
    for path in pages:
        page = desk.get(path)
        if language == "en":
            words = re.sub(
                r"<p class=.crumbs.*?</p>|<(textarea|td|li|option|code|dd|h1|title|header).*?</\1>|\{.*?\}|value=\"[^\"]*\"|data-\w+=\"[^\"]*\"",
                "",
                page,
                flags=re.S,
            )
            assert not re.search(
                r"[\u4e00-\u9fff]",
                re.search(r"<main.*</main>", words, re.S)[0]
                .replace("本地决策程序", "")
                .replace("重大行政决策程序", ""),
            ), path


def test_a_clerk_reads_and_changes_nothing(signed_in: ENTER, modeller: Browser, draft: str) -> None:
    clerk = signed_in("wuting")
    clerk.get("/procedures")
    for path in (
        "/procedures",
        draft,
        f"{draft}/walk",
        f"{draft}/publish",
        "/procedures/major_decision/versions/1/export",
    ):
        assert clerk.client.get(path).status_code == 200, path
    for path in (f"{draft}/content", f"{draft}/copy", f"{draft}/forms/F-03", f"{draft}/tables/x.dmn"):
        assert send(clerk, path, {"revision": 1}).status_code == 403, path
    for path in (
        "/procedures/drafts",
        "/procedures/import",
        f"{draft}/discard",
        f"{draft}/publish",
        "/procedures/major_decision/retire",
    ):
        assert clerk.post(path).status_code == 403, path
    assert "开始起草" not in text(clerk.get("/procedures"))
    # A member of the public's side of the district has no procedures at all.
    assert signed_in("moqing").get("/procedures").status_code == 403


def test_saving_tells_who_was_faster(modeller: Browser, draft: str, database: Database) -> None:
    told = modeller.get(f"{draft}/content").json
    assert told["may_edit"] and told["revision"] == 1 and NAME in told["files"]
    assert ["legality_reviewer", "合法性审查人员"] in told["roles"]
    xml = told["files"][NAME].replace("拟订草案", "起草方案")
    saved = send(modeller, f"{draft}/content", {"revision": 1, "files": {NAME: xml}})
    assert saved.json["revision"] == 2 and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", saved.json["saved_at"])
    late = send(modeller, f"{draft}/content", {"revision": 1, "files": {NAME: told["files"][NAME]}})
    assert late.status_code == 409 and "邓洁已于" in late.json["conflict"] and late.json["revision"] == 2
    kept = send(modeller, f"{draft}/copy", {"files": {NAME: told["files"][NAME]}})
    assert "拟订草案" in modeller.get(f"{kept.json['url']}/content").json["files"][NAME]
    assert "起草方案" in modeller.get(f"{draft}/content").json["files"][NAME]


def test_findings_come_without_writing_anything(modeller: Browser, draft: str, database: Database) -> None:
    xml = TEMPLATE.bundle.bpmn[NAME].decode()
    assert send(modeller, f"{draft}/findings", {"files": {}}).json["findings"] == []
    wrong = xml.replace(' camunda:candidateGroups="legality_reviewer"', "")
    told = send(modeller, f"{draft}/findings", {"files": {NAME: wrong}}).json
    assert told["verdict"] == "unsupported"
    assert {finding["element"] for finding in told["findings"]} == {"T_legality"}
    # In the language of the reader, with its values, and with the reason of a reason.
    for text_of_fault, english in (
        (' camunda:assignee="a"', "The attribute camunda:assignee would have no effect; remove it"),
        (' isForCompensation="1"', "The attribute isForCompensation must be true or false"),
    ):
        odd = xml.replace(
            ' camunda:candidateGroups="legality_reviewer"',
            f'{text_of_fault} camunda:candidateGroups="legality_reviewer"',
        )
        (found, *_) = send(modeller, f"{draft}/findings?lang=en", {"files": {NAME: odd}}).json["findings"]
        assert (found["element"], found["message"]) == ("T_legality", english) and found["name"]
    bent = re.sub(r"(<bpmn:conditionExpression[^>]*>)[^<]*", r"\1a.__class__", xml, count=1)
    (found, *_) = send(modeller, f"{draft}/findings?lang=en", {"files": {NAME: bent}}).json["findings"]
    assert found["message"] == "Expression “a.__class__” cannot be used: a name must not begin with an underscore."
    # A form that the drawing has only just been given is looked up before it is saved.
    other = xml.replace('formKey="F-29s"', 'formKey="F-08"')
    assert send(modeller, f"{draft}/findings", {"files": {NAME: other}}).json["findings"] == []
    with database.transaction(read_only=True) as session:
        assert session.get_one(ProcedureDraft, number(draft)).revision == 1


HOSTILE = [
    "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "", "<", "<a/>", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "<bpmn:definitions xmlns:bpmn='http://www.omg.org/spec/BPMN/20100524/MODEL'>" + "<a>" * 3000 + "</a>" * 3000 + "</bpmn:definitions>",
]  # fmt: skip


@pytest.mark.parametrize("xml", HOSTILE)
def test_hostile_drawings_are_findings_and_no_fault(modeller: Browser, draft: str, xml: str) -> None:
    answer = send(modeller, f"{draft}/findings", {"files": {NAME: xml}})
    assert answer.status_code == 200 and answer.json["findings"], text(answer)
    assert send(modeller, f"{draft}/content", {"revision": 1, "files": {NAME: xml}}).status_code in (200, 422)
    for path in ("", "/walk", "/publish", "/content", "/export", "/diagrams/" + NAME):
        assert modeller.client.get(draft + path).status_code == 200, path


@pytest.mark.parametrize(
    "body",
    [None, [], "x", 5, {}, {"revision": "1"}, {"revision": True}, {"revision": 1, "files": []},
     {"revision": 1, "files": {"x.bpmn": 5}}, {"revision": 1, "title": 5}, {"revision": 1, "files": {"../x.bpmn": "x"}},
     {"revision": 1, "files": {NAME: "\x00"}}, {"revision": 1, "definition": []}, {"revision": 1, "definition": {"fields": [1]}}],
)  # fmt: skip
def test_whatever_a_script_may_send_is_answered(modeller: Browser, draft: str, body: Any) -> None:
    for path in (
        "content",
        "copy",
        "findings",
        "forms/F-03",
        "forms/F-03/preview",
        "tables/x.dmn",
        "tables/x.dmn/findings",
    ):
        assert send(modeller, f"{draft}/{path}", body).status_code in (200, 400, 409, 422), path
    assert modeller.get(f"{draft}/forms/none").status_code == 404
    assert modeller.get(f"{draft}/tables/none.dmn").status_code == 404
    assert modeller.get("/procedures/drafts/99999").status_code == 404
    assert modeller.get("/procedures/none").status_code == 404
    assert modeller.get("/procedures/major_decision/versions/9").status_code == 404


def test_a_form_is_designed_with_the_server_drawing_it(modeller: Browser, draft: str, database: Database) -> None:
    definition = form_files.read(TEMPLATE.bundle.forms["F-03.toml"])
    assert form_files.read(form_files.write(definition)) == definition
    definition["fields"][1]["label"] = "办理“理由”\n第二行"
    told = send(modeller, f"{draft}/forms/F-03/preview", {"definition": definition}).json
    assert "办理“理由”" in told["html"] and "<script" not in told["html"]
    wrong = {**definition, "fields": [{"name": "Größe", "label": "x", "type": "text"}]}
    assert "名称只能用小写字母" in send(modeller, f"{draft}/forms/F-03/preview", {"definition": wrong}).json["error"]
    assert send(modeller, f"{draft}/forms/F-03", {"revision": 1, "definition": wrong}).status_code == 422
    assert send(modeller, f"{draft}/forms/F-03", {"revision": 1, "definition": definition}).json["revision"] == 2
    with database.transaction(read_only=True) as session:
        row = session.query(DraftFile).filter_by(draft_id=number(draft), name="F-03.toml").one()
        assert form_files.parse(row.content).fields[1].label == "办理“理由”\n第二行"


def test_every_shipped_form_survives_the_designer() -> None:
    for key, body in shipped_forms().items():
        told = form_files.read(body)
        assert form_files.parse(form_files.write(told)) is not None, key
        assert form_files.read(form_files.write(told)) == told, key


def test_a_table_is_saved_with_its_findings(modeller: Browser, database: Database) -> None:
    draft = modeller.post("/procedures/drafts", source="version:major_decision@1").location
    told = modeller.get(f"{draft}/tables/D-01-scope.dmn/content").json
    assert told["findings"] == []
    wrong = told["xml"].replace('not("none")', "scope > and")
    found = send(modeller, f"{draft}/tables/D-01-scope.dmn/findings", {"xml": wrong}).json["findings"]
    assert [(one["element"], one["severity"]) for one in found] == [("D-01_1_1", "error")]
    saved = send(modeller, f"{draft}/tables/D-01-scope.dmn", {"revision": 1, "xml": wrong})
    assert saved.json["revision"] == 2 and saved.json["findings"]
    assert "决策表“D-01”" in text(modeller.get(f"{draft}/publish"))
    assert send(modeller, f"{draft}/tables/D-01-scope.dmn", {"revision": 1, "xml": wrong}).status_code == 409


def test_a_walk_through_plays_and_cannot_be_forged(modeller: Browser, draft: str, database: Database) -> None:
    page = text(modeller.get(f"{draft}/walk"))
    assert "还没有走到" in page and 'name="matter_name"' in page

    def press(page: str, **given: str) -> str:
        hidden = dict(re.findall(r'name="(_play|_token)" value="([^"]*)"', page))
        answer = modeller.post(f"{draft}/walk", **hidden, **given)
        assert answer.status_code == 200, text(answer)
        return text(answer)

    page = press(page, _go="1", matter_name="试走事项", received_date="昨天")
    assert "field-error" in page and "试走事项" in page
    page = press(page, _go="1", matter_name="试走事项")
    assert "行政首长" in page and "决定是否启动" in page and "个工作日" in page
    forged = re.sub(r'(name="_play" value=")([^"]{20})', r"\1AAAA", page)
    hidden = dict(re.findall(r'name="(_play|_token)" value="([^"]*)"', forged))
    assert modeller.post(f"{draft}/walk", **hidden, _go="1").status_code == 400
    page = press(page, _go="1", initiate="false")
    assert "整理归档" in page and "档案人员" in page
    page = press(page, _go="1")
    assert "这一次走完了" in page and "不予启动" in page
    with database.transaction(read_only=True) as session:
        assert session.get_one(ProcedureDraft, number(draft)).walked["ends"] == ["E_declined"]
        assert session.query(Matter).count() == 0
    # The draft is changed: what was played on it before no longer counts.
    xml = TEMPLATE.bundle.bpmn[NAME].decode().replace("拟订草案", "起草")
    send(modeller, f"{draft}/content", {"revision": 1, "files": {NAME: xml}})
    assert "还没有走到：不予启动、不予通过、办结" in text(modeller.get(f"{draft}/publish"))


def test_publishing_takes_a_second_person_and_a_complete_checklist(
    modeller: Browser, draft: str, signed_in: ENTER, database: Database
) -> None:
    publisher = signed_in("qiaolin")
    page = text(publisher.get(f"{draft}/publish"))
    assert re.search(r"<button[^>]*disabled[^>]*>发布并生效", page)
    assert publisher.post(f"{draft}/publish", revision="1").status_code in (409, 422)
    assert modeller.post(f"{draft}/publish", revision="1").status_code == 403
    walk(database, number(draft))
    page = text(publisher.get(f"{draft}/publish"))
    assert "您没有参与起草，可以发布" in page and not re.search(r"<button[^>]*disabled[^>]*>发布并生效", page)
    assert "这是本程序的第一个版本" in page
    done = publisher.post(f"{draft}/publish", revision="1")
    assert done.location == "/procedures/local_decision"
    page = text(publisher.get(done.location))
    assert "已发布为第1版并生效" in page and "邓洁" in page and "乔林" in page
    # A matter can begin on it.
    assert "本地决策程序" in text(signed_in("wuting").get("/matters/new?_procedure=local_decision"))
    again = modeller.post("/procedures/drafts", source="version:local_decision@1").location
    assert "没有改动" in text(modeller.get(f"/procedures/local_decision/compare?draft={number(again)}"))


def test_a_package_goes_out_and_in(modeller: Browser, draft: str) -> None:
    packed = modeller.client.get(f"{draft}/export").data
    sent = {"package": (io.BytesIO(packed), "x.zip")}
    answer = modeller.client.post("/procedures/import", data={"csrf_token": modeller.token, **sent})
    assert answer.status_code == 302
    assert modeller.client.get(f"{answer.location}/export").data == packed
    for wrong in (b"", b"x", packed[:-100]):
        sent = {"package": (io.BytesIO(wrong), "x.zip")}
        answer = modeller.client.post("/procedures/import", data={"csrf_token": modeller.token, **sent})
        assert answer.status_code == 422
        assert re.search("没有导入|请选择|不是有效的XML", text(answer))


FOREIGN = """<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:flowable="http://flowable.org/bpmn" targetNamespace="x"><process id="Leave-1" name="请假">
 <startEvent id="s"/><sequenceFlow sourceRef="s" targetRef="t"/>
 <userTask id="t" name="审批" flowable:candidateGroups="legality_reviewer" flowable:assignee="x"/>
 <sequenceFlow id="f" sourceRef="t" targetRef="e"/><endEvent id="e"/>%s</process></definitions>"""


def bring(modeller: Browser, content: bytes, name: str = "请假.bpmn") -> TestResponse:
    sent = {"csrf_token": modeller.token, "package": (io.BytesIO(content), name)}
    return modeller.client.post("/procedures/import", data=sent)


def test_a_foreign_diagram_shows_what_becomes_of_it_before_anything_is_kept(
    modeller: Browser, database: Database
) -> None:
    answer = bring(modeller, (FOREIGN % "").encode())
    page = text(answer)
    assert answer.status_code == 200 and "原样保留3个元素" in page
    assert "属性 flowable:assignee" in page and "没有编号，已编号" in page and "已重新排版" in page
    with database.transaction(read_only=True) as session:
        assert session.query(ProcedureDraft).count() == 0
    content = re.search(r'name="content" value="([^"]+)"', page)[1]
    sent = {"name": "请假.bpmn", "content": content, "title": "请假审批"}
    wrong = modeller.post("/procedures/import/keep", **sent, key="请假")
    assert wrong.status_code == 422 and 'value="请假审批"' in text(wrong) and "编号用小写字母" in text(wrong)
    kept = modeller.post("/procedures/import/keep", **sent, key="leave")
    assert kept.status_code == 302
    told = modeller.get(f"{kept.location}/content").json
    assert told["title"] == "请假审批" and told["main"] == "leave"
    drawn = told["files"]["leave.bpmn"]
    assert all(f'bpmnElement="{element}"' in drawn for element in ("s", "t", "e", "f"))


def test_what_cannot_run_is_named_and_nothing_is_kept(modeller: Browser) -> None:
    page = text(bring(modeller, (FOREIGN % '<complexGateway id="g"/>').encode()))
    assert "没有导入" in page and "<code>g</code>" in page and "导入为草案</button>" not in page
    for hostile in (
        b'<!DOCTYPE x [<!ENTITY a "b">]><definitions/>',
        "<!DOCTYPE x><a/>".encode("utf-16"),
        b"\x00\x01",
        b"<a>" * 9000,
    ):
        assert bring(modeller, hostile).status_code == 422
    assert modeller.post("/procedures/import/keep", name="x", content="%%").status_code == 422
    assert modeller.post("/procedures/import/keep").status_code == 422


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_attack_is_refused_on_the_page_of_import(modeller: Browser, database: Database) -> None:
    drafts = select(func.count()).select_from(ProcedureDraft)
    with database.transaction(read_only=True) as session:
        before = session.scalar(drafts)
    for name, make in {**attacks.DIAGRAMS, **attacks.BUNDLES, **attacks.CONDITIONS}.items():
        content = make()
        begun = time.process_time()
        answer = bring(modeller, content)
        assert time.process_time() - begun < 5, name
        page = text(answer)
        assert answer.status_code in (200, 413, 422) and "root:" not in page and len(page) < 200_000, name
        assert answer.status_code != 200 or ("没有导入" in page and "导入为草案</button>" not in page), name
    with database.transaction(read_only=True) as session:
        assert session.scalar(drafts) == before


def test_an_element_with_a_hostile_id_is_drawn_as_it_is_called(modeller: Browser) -> None:
    content = (FOREIGN % "").replace('"t"', '"t&quot;&lt;x"').encode()
    answer = bring(modeller, content)
    assert answer.status_code == 200 and "<x" not in re.search(r"<main.*</main>", text(answer), re.S)[0]


def test_what_was_typed_for_a_new_draft_stays(modeller: Browser) -> None:
    answer = modeller.post("/procedures/drafts", source="template:local_decision", key="采购", title="采购程序")
    assert answer.status_code == 422
    assert 'value="采购"' in text(answer) and 'value="采购程序"' in text(answer) and "编号用小写字母" in text(answer)
    assert modeller.post("/procedures/drafts", source="template:none").status_code == 404
    assert modeller.post("/procedures/drafts", source="version:major_decision@x").status_code == 404
    assert modeller.post("/procedures/drafts").status_code == 404


def test_a_discarded_draft_can_be_read_and_no_longer_changed(modeller: Browser, draft: str) -> None:
    assert modeller.post(f"{draft}/discard").status_code == 302
    assert json.loads(text(modeller.get(f"{draft}/content")))["may_edit"] is False
    assert send(modeller, f"{draft}/content", {"revision": 1}).status_code == 409
    assert modeller.post(f"{draft}/discard").status_code == 409


def later_release(
    monkeypatch: pytest.MonkeyPatch, old: str = "登记与初核", new: str = "登记和初步核对"
) -> ProcedureSource:
    """Ship another main procedure from here on, as a later release does."""
    known = sources.shipped_procedures()
    source = known["major_decision"]
    main = source.bundle.bpmn["major_decision.bpmn"].replace(old.encode(), new.encode())
    bundle = replace(source.bundle, bpmn={**source.bundle.bpmn, "major_decision.bpmn": main})
    shipped = {**known, "major_decision": replace(source, bundle=bundle)}
    monkeypatch.setattr(sources, "shipped_procedures", lambda: shipped)
    return shipped["major_decision"]


def test_after_an_upgrade_the_shipped_version_is_put_in_force_in_one_press(
    modeller: Browser, signed_in: ENTER, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in force stays so and says what is wrong with it; running matters keep theirs (ADR 0096)."""
    publisher, clerk = signed_in("qiaolin"), signed_in("wuting")
    assert "升级后待处理" not in text(publisher.get("/procedures"))
    with database.transaction() as session:
        holey = TEMPLATE.bundle.bpmn[NAME].replace(b'value="legality_review"', b'value="drafting"')
        old = replace(TEMPLATE, key="major_decision", bundle=replace(TEMPLATE.bundle, bpmn={NAME: holey}))
        assert put_in_force(session, old).number == 2
    page = text(publisher.get("/procedures"))
    assert "不符合现行核对规则" in page and "条例第二十五条" in page and "请程序建模员处理" in page
    assert "发布随产品提供的版本" not in page  # it was in force already, and something else took its place
    digest = later_release(monkeypatch).bundle.digest
    shown = text(publisher.get("/procedures"))
    assert "不符合现行核对规则" in shown and digest in shown and "以新版本起草" not in shown
    assert "流程“本地决策”" in text(publisher.get("/procedures/major_decision/shipped"))
    assert "以新版本起草" in text(modeller.get("/procedures/major_decision"))
    assert "请程序发布人处理" in text(clerk.get("/procedures"))
    assert "还没有发布" in text(clerk.get("/matters/new?_procedure=major_decision"))
    press = "/procedures/major_decision/shipped"
    assert modeller.post(press, digest=digest).status_code == 403
    assert publisher.post(press, digest="0" * 64).status_code == 409
    assert publisher.post("/procedures/none/shipped", digest=digest).status_code == 404
    assert publisher.post(press, digest=digest).status_code == 302
    assert publisher.post(press, digest=digest).status_code == 409
    with database.transaction(read_only=True) as session:
        version = bundles.in_force(session, "major_decision")
        assert (version.number, version.digest, version.author_id) == (3, digest, None)
        assert version.publisher_id == person(session, "qiaolin").user_id
        told = recorded(session, EventName.PROCEDURE_PUBLISHED)["facts"]
        assert told["policies"] == ["decree-713"] and told["release"] and told["author"]["id"] is None
    assert "升级后待处理" not in text(publisher.get("/procedures"))
    assert "还没有发布" not in text(clerk.get("/matters/new?_procedure=major_decision"))


def test_what_the_office_drew_itself_is_never_replaced_in_one_press(
    modeller: Browser, signed_in: ENTER, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        bundles.in_force(session, "major_decision").author_id = person(session, "dengjie").user_id
    digest = later_release(monkeypatch).bundle.digest
    publisher = signed_in("qiaolin")
    assert "请程序建模员处理" in text(publisher.get("/procedures"))
    refused = publisher.post("/procedures/major_decision/shipped", digest=digest)
    assert refused.status_code == 409 and "本单位起草" in text(refused)
    begun = modeller.post("/procedures/drafts", source="shipped:major_decision", key="", title="")
    with database.transaction(read_only=True) as session:
        draft = session.get_one(ProcedureDraft, number(begun.location))
        assert draft.base_version_id == bundles.in_force(session, "major_decision").id
    assert "登记和初步核对" in text(modeller.get(f"{begun.location}/publish"))
    assert modeller.post("/procedures/drafts", source="shipped:none", key="", title="").status_code == 404
