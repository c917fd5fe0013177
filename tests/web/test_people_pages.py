"""The pages of the administrators: accounts, appointments, units and posts."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import PASSWORD
from decision_flow.models import Appointment, AuditEvent, Organisation, Post, User
from tests.web.conftest import ENTER, Browser


def key(database: Database, table: type, **of: object) -> int:
    with database.transaction(read_only=True) as session:
        return session.scalars(select(table.id).filter_by(**of).order_by(table.id)).first()


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def chenbin(database: Database) -> int:
    return key(database, User, username="chenbin")


PATHS = ("/people", "/people/1", "/people/organisations", "/people/organisations/9", "/account", "/account/password")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("who", ["admin", "security", "audit"])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_built_as_pages_are(signed_in: ENTER, who: str, path: str, lang: str) -> None:
    answer = signed_in(who).get(f"{path}?lang={lang}")
    page = text(answer)
    assert answer.status_code == 200
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert f"<title>{heading} ·" in page
    named = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    controls = re.findall(r"<(?:input|select|textarea)\b(?![^>]*type=\"hidden\")[^>]*", page)
    assert controls or who != "admin"
    for control in controls:
        assert re.search(r'id="([^"]+)"', control)[1] in named, control
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    if lang == "en":
        # Names of people, units and posts that have no English stay; words of the product do not.
        assert "单位" not in re.sub(r"<td.*?</td>|<option.*?</option>", "", re.search(r"<main.*</main>", page, re.S)[0])


def test_an_account_is_opened_and_its_password_shown_once(signed_in: ENTER, database: Database) -> None:
    admin = signed_in("admin")
    admin.get("/people")
    wrong = admin.post("/people", username="a b", name="")
    assert wrong.status_code == 422
    assert 'value="a b"' in text(wrong)
    assert re.search(r'aria-describedby="name-error-1".*?id="name-error-1"', text(wrong), re.S)
    done = admin.post("/people", username="qianjin", name="钱进", name_en="Qian Jin")
    shown = text(admin.get(done.location))
    password = re.search(r"初始密码：([\w-]+)", shown)[1]
    assert password not in text(admin.get(done.location))
    person = Browser(admin.client.application)
    assert person.sign_in("qianjin", password).status_code == 302
    assert person.get("/inbox").location == "/account/password"


def test_a_reset_password_is_shown_once_and_the_old_one_is_gone(signed_in: ENTER, database: Database) -> None:
    security, user_id = signed_in("security"), chenbin(database)
    security.get(f"/people/{user_id}")
    shown = text(security.get(security.post(f"/people/{user_id}/password").location))
    password = re.search(r"临时密码：([\w-]+)", shown)[1]
    person = Browser(security.client.application)
    assert person.sign_in("chenbin", PASSWORD).status_code == 401
    assert person.sign_in("chenbin", password).status_code == 302


def test_a_locked_account_can_be_unlocked(signed_in: ENTER, database: Database) -> None:
    user_id = chenbin(database)
    with database.transaction() as session:
        session.get_one(User, user_id).locked_until = clock.now() + timedelta(minutes=9)
    security = signed_in("security")
    assert "已锁定至" in text(security.get(f"/people/{user_id}"))
    assert security.post(f"/people/{user_id}/unlock").status_code == 302
    assert "已锁定至" not in text(security.get(f"/people/{user_id}"))


def test_a_disabled_person_is_out_at_once(signed_in: ENTER, database: Database) -> None:
    person, admin, user_id = signed_in("chenbin"), signed_in("admin"), chenbin(database)
    assert person.get("/inbox").status_code == 200
    admin.get(f"/people/{user_id}")
    admin.post(f"/people/{user_id}/active", active="false")
    assert person.get("/inbox").status_code == 302
    assert "停用" in text(admin.get(f"/people/{user_id}"))


def test_an_appointment_is_made_and_ended(signed_in: ENTER, database: Database) -> None:
    security, user_id = signed_in("security"), chenbin(database)
    post_id = key(database, Post, role_code="expert")
    security.get(f"/people/{user_id}")
    wrong = security.post(f"/people/{user_id}/appointments", post_id="", starts_on="soon")
    assert wrong.status_code == 422
    assert "日期不正确" in text(wrong)
    day = clock.today().isoformat()
    assert security.post(f"/people/{user_id}/appointments", post_id=post_id, starts_on=day).status_code == 302
    held = key(database, Appointment, user_id=user_id, post_id=post_id)
    past = (clock.today() - timedelta(days=1)).isoformat()
    early = security.post(f"/people/{user_id}/appointments/{held}/end", ends_on=past)
    assert early.status_code == 422
    assert "早于" in text(early)
    assert security.post(f"/people/{user_id}/appointments/{held}/end", ends_on=day).status_code == 302
    assert f"{day} – {day}" in text(security.get(f"/people/{user_id}"))


def test_a_forbidden_combination_is_told_on_the_page_and_recorded(signed_in: ENTER, database: Database) -> None:
    """SOD-13: the refusal names its rule, the rest of the page stays usable with what was typed."""
    security, user_id = signed_in("security"), key(database, User, username="admin")
    post_id = key(database, Post, role_code="undertaking_unit")
    sent = {"post_id": post_id, "starts_on": "2030-05-01"}
    security.get(f"/people/{user_id}")
    answer = security.post(f"/people/{user_id}/appointments", **sent)
    assert answer.status_code == 409
    page = text(answer)
    assert "SOD-13" in page
    assert f'<option value="{post_id}" selected>' in page
    assert 'value="2030-05-01"' in page
    with database.transaction(read_only=True) as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert last.event == "action.refused"
        assert '"SOD-13"' in last.canonical
    granted = security.post(
        f"/people/{user_id}/appointments", **sent, exception_reason="人手不足", exception_approver="高建明"
    )
    assert granted.status_code == 302


def test_details_are_corrected_beside_their_fields(signed_in: ENTER, database: Database) -> None:
    admin, user_id = signed_in("admin"), chenbin(database)
    admin.get(f"/people/{user_id}")
    wrong = admin.post(f"/people/{user_id}", name="", name_en="Chen", phone="0871", email="nowhere")
    assert wrong.status_code == 422
    assert {"name-error-1", "email-error-1"} <= set(re.findall(r'id="([\w-]+)"', text(wrong)))
    assert 'value="0871"' in text(wrong)
    assert admin.post(f"/people/{user_id}", name="陈彬", name_en="", phone="", email="").status_code == 302
    assert "<h1>陈彬</h1>" in text(admin.get(f"/people/{user_id}"))


def test_the_list_is_searched_and_paged(signed_in: ENTER, database: Database) -> None:
    with database.transaction() as session:
        session.add_all(User(username=f"extra{n:02}", name=f"临时{n:02}", created_at=clock.now()) for n in range(65))
    audit = signed_in("audit")
    found = [set(re.findall(r"extra\d\d", text(audit.get(f"/people?text=临时&page={page}")))) for page in (1, 2, 3)]
    assert [len(names) for names in found] == [30, 30, 5]
    assert len(set.union(*found)) == 65
    assert "没有符合条件的人员" in text(audit.get("/people?text=无此人"))
    assert audit.get("/people?page=x").status_code == 200
    assert audit.get("/people/99999").status_code == 404


def test_the_tree_leads_to_a_unit_that_can_be_changed(signed_in: ENTER, database: Database) -> None:
    admin = signed_in("admin")
    page = text(admin.get("/people/organisations"))
    assert page.index("清河镇人民政府") < page.index("清河镇财政所")
    wrong = admin.post("/people/organisations", name="清河镇人民政府", name_en="", level="township", kind="office")
    assert wrong.status_code == 422
    assert re.search(r'id="binding"[^>]*>.*?</select><div class="field-error"', text(wrong), re.S)
    organ = key(database, Organisation, name="清河镇人民政府")
    made = admin.post("/people/organisations", name="清河镇信访办", level="township", kind="office", organ_id=organ)
    where = made.location
    assert admin.get(where).status_code == 200
    assert admin.post(f"{where}/posts", title="", role_code="expert").status_code == 422
    assert admin.post(f"{where}/posts", title="接访员", role_code="consulted_unit").location == where
    post_id = key(database, Post, title="接访员")
    bad = admin.post(f"{where}/posts/{post_id}", title="", active="true")
    assert bad.status_code == 422
    assert f'id="post-{post_id}-title-error-1"' in text(bad)
    admin.post(f"{where}/posts/{post_id}", title="接访专员", title_en="Officer", active="false")
    assert "接访专员" in text(admin.get(where))
    wrong = admin.post(where, name="", kind="office", credit_code="1")
    assert wrong.status_code == 422
    assert admin.post(where, name="清河镇信访办公室", kind="office", active="true").status_code == 302
    assert "清河镇信访办公室" in text(admin.get("/people/organisations"))
    used = admin.post(f"/people/organisations/{organ}", name="清河镇人民政府", kind="government", active="false")
    assert used.status_code == 409
    assert "还有人员在任" in text(used)


@pytest.mark.parametrize("who, controls", [("audit", 0), ("security", 0), ("admin", 1)])
def test_one_is_offered_what_one_may_do(signed_in: ENTER, who: str, controls: int) -> None:
    for path in ("/people", "/people/organisations", "/people/organisations/9"):
        main = re.search(r"<main.*</main>", text(signed_in(who).get(path)), re.S)[0]
        assert bool(re.findall(r'<form method="post"', main)) == bool(controls)


def test_pages_cost_the_same_for_many_as_for_few(signed_in: ENTER, database: Database) -> None:
    def cost(visitor: Browser, path: str) -> int:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        visitor.get(path)
        event.remove(database.engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith("SELECT")])

    visitor = signed_in("audit")
    for path, limit in (("/people", 7), ("/people/organisations", 6), (f"/people/{chenbin(database)}", 7)):
        assert cost(visitor, path) <= limit, path
    with database.transaction(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) > 20
    assert html.escape("清河") in text(visitor.get("/people/organisations"))
