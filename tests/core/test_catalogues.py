"""The annual catalogue (R-03d) and records linked to a matter: what is refused, and that nothing published changes."""

from __future__ import annotations

from datetime import date

import pytest

from decision_flow import catalogues, clock, linked_records
from decision_flow.audit import EventName
from decision_flow.db import Database
from decision_flow.demo import cases, office
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from decision_flow.models import Catalogue, LinkedRecord
from tests.core.registry import person, recorded, unit

ITEM = {"matter_name": "清河镇停车管理办法", "planned_finish": "2026-05", "required_steps": ["public_participation"]}


def drafted(session, **change) -> Catalogue:
    organ = unit(session, office.ORGAN)
    made = catalogues.begin(session, person(session, "zhoukai"), organ.id, clock.today().year)
    values = {**ITEM, "undertaking_unit_id": unit(session, office.UNIT).id, **change}
    catalogues.save_item(session, person(session, "zhoukai"), made.id, values)
    return made


def test_without_the_party_committees_consent_nothing_is_published(database: Database) -> None:
    with database.transaction() as session:
        office_clerk = person(session, "zhoukai")
        made = drafted(session)
        with pytest.raises(Refused) as refusal:
            catalogues.publish(session, office_clerk, made.id)
        assert refusal.value.rule == "R-03d"
        assert catalogues.published(session) == []
        # A number that nobody can read is none.
        with pytest.raises(Invalid):
            catalogues.consent(session, office_clerk, made.id, "\u200b\u3164", clock.today().isoformat())
        catalogues.consent(session, office_clerk, made.id, "清党复〔2026〕2号", clock.today().isoformat())
        catalogues.publish(session, office_clerk, made.id)
        assert [one.id for one in catalogues.published(session)] == [made.id]
        told = recorded(session, EventName.CATALOGUE_PUBLISHED)
        assert told["facts"]["doc_no"] == "清党复〔2026〕2号" and told["rules"] == ["R-03d"]
        # The two steps that no matter can do without are always among them.
        assert made.items[0].required_steps == ["public_participation", "legality_review", "collective_discussion"]


def test_a_published_version_is_replaced_and_never_changed(database: Database) -> None:
    with database.transaction() as session:
        clerk = person(session, "zhoukai")
        made = drafted(session)
        catalogues.consent(session, clerk, made.id, "x〔2026〕2号", clock.today().isoformat())
        catalogues.publish(session, clerk, made.id)
        item = made.items[0]
        attempts = [
            lambda: catalogues.save_item(session, clerk, made.id, ITEM, item.id),
            lambda: catalogues.save_item(session, clerk, made.id, ITEM),
            lambda: catalogues.remove_item(session, clerk, made.id, item.id),
            lambda: catalogues.consent(session, clerk, made.id, "y", clock.today().isoformat()),
            lambda: catalogues.publish(session, clerk, made.id),
        ]
        for attempt in attempts:
            with pytest.raises(Refused, match="不能改动"):
                attempt()
        with pytest.raises(Invalid):
            catalogues.revise(session, clerk, made.id, " ")
        new = catalogues.revise(session, clerk, made.id, "新增防汛项目")
        assert (new.number, new.status, new.party_consent_doc_no) == (2, "DRAFT", "")
        assert [one.matter_name for one in new.items] == [one.matter_name for one in made.items]
        with pytest.raises(Conflict):
            catalogues.revise(session, clerk, made.id, "再改")
        with pytest.raises(Refused):
            catalogues.publish(session, clerk, new.id)
        catalogues.consent(session, clerk, new.id, "x〔2026〕9号", clock.today().isoformat())
        catalogues.publish(session, clerk, new.id)
        assert (made.status, new.status) == ("REPLACED", "PUBLISHED")
        # Both stay public; only the one in force can be named by a matter.
        assert {one.id for one in catalogues.published(session)} == {made.id, new.id}
        assert [key for key, _ in catalogues.choices(session, new.organ_id)] == [new.items[0].id]


def test_completion_is_published_once_and_says_why_something_is_not_done(database: Database) -> None:
    with database.transaction() as session:
        clerk = person(session, "zhoukai")
        made = drafted(session)
        with pytest.raises(Conflict):
            catalogues.record_completion(session, clerk, made.id, {})
        catalogues.consent(session, clerk, made.id, "x〔2026〕2号", clock.today().isoformat())
        catalogues.publish(session, clerk, made.id)
        item = made.items[0].id
        for told, field in (({}, f"completion-{item}"), ({item: ("postponed", " ")}, f"note-{item}")):
            with pytest.raises(Invalid) as refusal:
                catalogues.record_completion(session, clerk, made.id, told)
            assert set(refusal.value.errors) == {field}
        catalogues.record_completion(session, clerk, made.id, {item: ("postponed", "资金未到位，转下年")})
        assert made.items[0].completion == "postponed" and made.completion_published_at
        with pytest.raises(Conflict):
            catalogues.record_completion(session, clerk, made.id, {item: ("done", "")})


def test_only_the_office_of_the_organ_keeps_it_and_everything_wrong_is_told_at_once(database: Database) -> None:
    with database.transaction() as session:
        organ = unit(session, office.ORGAN)
        with pytest.raises(NotPermitted):
            catalogues.begin(session, person(session, "wuting"), organ.id, 2026)
        with pytest.raises(NotPermitted):
            catalogues.begin(session, person(session, "zhoukai"), unit(session, "云岭区人民政府").id, 2026)
        made = drafted(session)
        with pytest.raises(Conflict):
            catalogues.begin(session, person(session, "zhoukai"), organ.id, clock.today().year)
        with pytest.raises(Invalid) as refusal:
            wrong = {
                "matter_name": "短",
                "undertaking_unit_id": "x",
                "planned_finish": "2026-13",
                "required_steps": ["x"],
            }
            catalogues.save_item(session, person(session, "zhoukai"), made.id, wrong)
        assert set(refusal.value.errors) == set(wrong)
        with pytest.raises(Invalid):
            stranger = unit(session, "云岭区人民政府").id
            catalogues.save_item(
                session, person(session, "zhoukai"), made.id, {**ITEM, "undertaking_unit_id": stranger}
            )
        with pytest.raises(NotFound):
            catalogues.get(session, person(session, "taoran"), made.id)


def test_items_are_numbered_without_gaps(database: Database) -> None:
    with database.transaction() as session:
        clerk = person(session, "zhoukai")
        made = drafted(session)
        for name in ("清河镇第二项", "清河镇第三项"):
            told = {**ITEM, "matter_name": name, "undertaking_unit_id": made.items[0].undertaking_unit_id}
            catalogues.save_item(session, clerk, made.id, told)
        catalogues.remove_item(session, clerk, made.id, made.items[0].id)
        assert [(one.seq_no, one.matter_name) for one in made.items] == [(1, "清河镇第二项"), (2, "清河镇第三项")]


def test_linked_records_are_counted_and_checked(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[0](database, files)
    with database.transaction() as session:
        clerk = person(session, "zhoukai")
        good = {
            "kind": "petition",
            "number": "信-1",
            "occurred_on": "2026-03-01",
            "summary": "反映补偿标准",
            "state": "",
        }
        record = linked_records.add(session, clerk, play.matter_id, good)
        for again in (good, {**good, "number": "信-1\u200b"}):
            with pytest.raises(Conflict):
                linked_records.add(session, clerk, play.matter_id, again)
        wrong = {"kind": "x", "number": "", "occurred_on": "2999-01-01", "summary": "", "state": "x"}
        with pytest.raises(Invalid) as refusal:
            linked_records.add(session, clerk, play.matter_id, wrong)
        assert set(refusal.value.errors) == set(wrong)
        linked_records.add(session, clerk, play.matter_id, {**good, "kind": "mediation"})
        assert linked_records.count(session, play.matter_id, "petition") == 1
        linked_records.change_state(session, clerk, play.matter_id, record.id, "settled")
        assert session.get_one(LinkedRecord, record.id).state == "settled"
        with pytest.raises(NotFound):
            linked_records.add(session, person(session, "taoran"), play.matter_id, {**good, "number": "信-2"})


def test_the_demo_township_has_its_catalogue(database: Database) -> None:
    item = office.catalogue(database, date(2026, 3, 1))
    assert office.catalogue(database, date(2026, 5, 1)) == item
    with database.transaction(read_only=True) as session:
        named = dict(catalogues.choices(session, unit(session, office.ORGAN).id))
        assert named[item] == "2026-3 清河镇青石至柳湾农村公路改造工程"
