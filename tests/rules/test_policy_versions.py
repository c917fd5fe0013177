"""Policies in versions: changed by two people, never in place, never looser than the law, and kept by what has begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError

from decision_flow import (
    clock,
    evaluations,
    matter_facts,
    migrations,
    policies,
    policy_changes,
    policy_versions,
    wording,
)
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.answers import fill
from decision_flow.demo.play import Play
from decision_flow.demo.roster import DISTRICT, QINGHE
from decision_flow.documents import FileStore
from decision_flow.errors import Conflict, Invalid, NotPermitted, Refused
from decision_flow.forms import Form
from decision_flow.guards import decide
from decision_flow.guards.facts import Facts, Filed
from decision_flow.models import AuditEvent, Matter, Notification, Organisation, PolicyState, PolicyVersion, Task
from decision_flow.policies import Settings
from decision_flow.policy_changes import Wanted
from decision_flow.resources import BPMN
from tests.participation.bare import person

KEEPER, SECOND, OFFICER = "tengyun", "guanyue", "zhoukai"


def organ(database: Database, name: str = QINGHE) -> int:
    with database.transaction(read_only=True) as session:
        return session.scalars(select(Organisation.id).where(Organisation.name == name)).one()


def wanted(days: int = 0, **changed: str) -> Wanted:
    told = {
        "reason": "本级会议议定",
        "basis": "清政发〔2026〕3号",
        "effective_on": str(clock.today() + timedelta(days)),
    }
    return Wanted(**(told | changed))


def ask(database: Database, key: str, value: int | str, who: str = KEEPER, days: int = 0) -> int:
    with database.transaction() as session:
        actor = person(session, who)
        return policy_changes.change(
            session, actor, organ(database), key, str(value), "confirmed", wanted(days)
        ).id  # fmt: skip


def confirm(database: Database, version_id: int, who: str = SECOND, note: str = "", *, yes: bool = True) -> None:
    with database.transaction() as session:
        policy_changes.decide(session, person(session, who), version_id, yes, note)


def change(database: Database, key: str, value: int) -> None:
    confirm(database, ask(database, key, value))


def counted(database: Database) -> Settings:
    with database.transaction(read_only=True) as session:
        version = policy_versions.in_force(session, organ(database))
        return policy_versions.settings(session, version.digest)


def due(play: Play, element: str) -> int:
    """The count that the deadline of a task was computed with."""
    with play.database.transaction(read_only=True) as session:
        task = session.scalars(
            select(Task).where(Task.matter_id == play.matter_id, Task.element_id == element).order_by(Task.id)
        ).first()
        assert task is not None
        return int(task.deadline["count"])


def test_what_is_installed_is_the_decree_as_shipped(database: Database) -> None:
    with database.transaction(read_only=True) as session:
        version = policy_versions.in_force(session, organ(database))
        assert (version.organ_id, version.number, version.policy) == (None, 1, policies.DECREE)
        # What this release ships besides counts as shipped.
        assert policy_versions.complete(policy_versions.settings(session, version.digest)) == policies.decree()
    with database.transaction() as session:
        begun = policy_versions.to_begin_with(session, organ(database))
        assert policy_versions.settings(session, begun.digest) == policies.decree()
        # Entered once: the next matter begins with this very row.
        assert policy_versions.to_begin_with(session, organ(database)).id == begun.id


def test_a_running_matter_keeps_its_count_and_a_new_one_takes_the_new(database: Database, files: FileStore) -> None:
    old = cases.OTHERS[3](database, files)
    change(database, "consultation_reply_workdays", 3)
    change(database, "quorum_percent", 66)
    change(database, "public_comment_days", 45)
    change(database, "evaluation_opinion_days", 30)
    change(database, "evaluation_opinions_least", 7)
    new = cases._resting("清河镇新建停车场方案", QINGHE, "wuting", cases._GH, 0, (cases.M + "06",))(database, files)
    for play, days, quorum, period in ((old, 5, 50, 30), (new, 3, 66, 45)):
        play.run_to(cases.M + "08", given={cases.M + "06": {"consulted_units": [
            {"unit_id": cases.units(database)["清河镇财政所"], "question": "资金"},
        ]}})  # fmt: skip
        assert due(play, cases.M + "08") == days
        with database.transaction(read_only=True) as session:
            matter = session.get_one(Matter, play.matter_id)
            facts = matter_facts.of(session, matter)
            assert facts.settings["quorum_percent"].value == quorum
            assert policy_versions.setting(session, matter, "public_comment_days").value == period
            watched = evaluations.facts_of(session, matter.id, clock.today())
            assert (watched.opinion_days, watched.opinion_threshold) == ((90, 20) if play is old else (30, 7))
        play.run_to(cases.PP + "04a")
        opened = {"open_on": play.day.isoformat(), "close_on": (play.day + timedelta(days=31)).isoformat()}
        if play is new:
            with pytest.raises(Invalid) as refusal:
                play.do(cases.PP + "04a", title="征求意见公告", **opened)
            assert set(refusal.value.errors) == {"short_reason_public"}
        else:
            play.do(cases.PP + "04a", title="征求意见公告", **opened)


def test_a_change_takes_two_people_and_leaves_what_was(database: Database) -> None:
    waiting = ask(database, "legality_review_workdays", 10)
    assert counted(database)["legality_review_workdays"].value == 7
    with pytest.raises(Conflict):
        ask(database, "public_comment_days", 40)
    with pytest.raises(Refused) as own:
        confirm(database, waiting, KEEPER)
    assert own.value.rule == "SOD-14"
    confirm(database, waiting)
    with pytest.raises(Conflict):
        confirm(database, waiting, who="qiaolin")
    one = counted(database)["legality_review_workdays"]
    assert (one.value, one.basis, one.asked, one.source) == (10, "清政发〔2026〕3号", 7, policies.OWN)
    refused = ask(database, "public_comment_days", 40)
    with pytest.raises(Invalid):
        confirm(database, refused, yes=False)
    confirm(database, refused, note="依据不足", yes=False)
    assert counted(database)["public_comment_days"].value == 30
    with database.transaction(read_only=True) as session:
        assert session.get_one(Organisation, organ(database)).binding == "by_reference"
        found = policy_changes.of_organ(session, person(session, SECOND), organ(database))
        own = [one.state for one in found.history if one.organ_id is not None]
        assert own == [PolicyState.REFUSED, PolicyState.CONFIRMED]
        line = next(line for line in found.lines if line.setting.key == "legality_review_workdays")
        assert line.since.number == 1 and "滕云" in line.since.asked_as and "关越" in line.since.decided_as
        told = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.stream == policy_versions.stream(organ(database)))
            .order_by(AuditEvent.seq)
        ).all()
    assert [one.event for one in told] == ["policy.asked", "policy.confirmed", "policy.asked", "policy.refused"]
    assert '"before":7' in told[1].canonical and '"after":10' in told[1].canonical


def test_who_is_to_confirm_and_who_counts_by_it_are_told(database: Database) -> None:
    town, above = organ(database), organ(database, DISTRICT)
    change(database, "legality_review_workdays", 10)
    with database.transaction(read_only=True) as session:
        told = session.scalars(select(Notification).order_by(Notification.id)).all()
        pools = {(one.event, one.pool) for one in told}
    assert {("policy.asked", f"policy_keeper:{above}"), ("policy.asked", f"procedure_publisher:{town}"),
            ("policy.confirmed", f"government_office:{town}")} <= pools  # fmt: skip
    said = wording.say("policy.asked", told[0].payload)
    assert "清河镇人民政府" in said.subject and "合法性审查时间 7 → 10" in said.body
    assert "legality" not in said.body and "7 → 10" in wording.say("policy.confirmed", told[-1].payload, "en").body


def test_less_than_the_law_asks_is_refused_with_its_article_and_recorded(database: Database) -> None:
    for key, value, article in (
        ("public_comment_days", 29, "条例第十五条"), ("legality_review_workdays", 6, "条例第二十六条"),
        ("disclosure_workdays", 21, "政府信息公开条例第二十六条"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            ask(database, key, value)
        assert refusal.value.article == article and refusal.value.rule == policies.decree()[key].rule
    # Stricter, and back as far as the law: nothing below.
    change(database, "public_comment_days", 60)
    change(database, "public_comment_days", 30)
    with database.transaction(read_only=True) as session:
        assert session.scalar(select(func.count()).where(AuditEvent.event == "action.refused")) == 3
        assert session.scalar(select(func.count()).where(PolicyVersion.organ_id.is_not(None))) == 2


def test_who_runs_matters_neither_asks_nor_confirms(database: Database) -> None:
    with pytest.raises(NotPermitted):
        ask(database, "public_comment_days", 40, OFFICER)
    waiting = ask(database, "public_comment_days", 40)
    with pytest.raises(NotPermitted):
        confirm(database, waiting, OFFICER)
    # A publisher of the town confirms for the town, not for the district above it.
    with database.transaction() as session:
        above = policy_changes.change(
            session, person(session, KEEPER), organ(database, DISTRICT), "public_comment_days", "40", "confirmed", wanted()
        ).id  # fmt: skip
    with pytest.raises(NotPermitted):
        confirm(database, above, "qiaolin")
    confirm(database, waiting, "qiaolin")


@pytest.mark.parametrize("wrong", [
    {"value": "abc"}, {"value": "0"}, {"value": "99999"}, {"value": "30"}, {"value": "366"}, {"value": "²"}, {"status": "x"},
    {"reason": " "}, {"basis": ""}, {"effective_on": "2020-01-01"}, {"effective_on": "?"}, {"key": "nothing"},
])  # fmt: skip
def test_a_faulty_change_is_told_by_field(database: Database, wrong: dict[str, str]) -> None:
    told = {"key": "public_comment_days", "value": "40", "status": "confirmed", **wrong}
    with pytest.raises(Invalid) as refusal, database.transaction() as session:
        rest = {name: wrong[name] for name in ("reason", "basis", "effective_on") if name in wrong}
        policy_changes.change(
            session, person(session, KEEPER), organ(database), told["key"], told["value"], told["status"], wanted(**rest)
        )  # fmt: skip
    assert set(refusal.value.errors) == set(wrong)


def test_an_organ_adopts_an_overlay_and_keeps_what_is_stricter(database: Database) -> None:
    change(database, "legality_review_workdays", 15)
    change(database, "progress_report_months", 2)
    with database.transaction() as session:
        asked = policy_changes.adopt(
            session, person(session, KEEPER), organ(database), "province-example", "direct", wanted(10)
        )
        asked_id = asked.id
    confirm(database, asked_id)
    # It counts from its day on, and is what the next change rests on.
    assert counted(database)["legality_review_workdays"].asked == 7
    with pytest.raises(Invalid):
        ask(database, "public_comment_days", 40)
    with pytest.raises(Refused):
        ask(database, "legality_review_workdays", 9, days=10)
    with clock.pretend(clock.now() + timedelta(days=11)), database.transaction(read_only=True) as session:
        version = policy_versions.in_force(session, organ(database))
        found = policy_versions.settings(session, version.digest)
        assert (version.policy, version.binding) == ("province-example", "direct")
        assert session.get_one(Organisation, organ(database)).binding == "direct"
    assert (found["legality_review_workdays"].value, found["legality_review_workdays"].asked) == (15, 10)
    assert found["progress_report_months"].value == 2


def test_a_version_is_never_changed(database: Database) -> None:
    change(database, "public_comment_days", 40)
    for change_of in ({"settings": {}}, {"digest": "0" * 64}, {"reason": "另一理由"}):
        with pytest.raises((DatabaseError, Conflict)), database.transaction() as session:
            session.execute(update(PolicyVersion).where(PolicyVersion.organ_id.is_not(None)).values(**change_of))
    with pytest.raises((DatabaseError, Conflict)), database.transaction() as session:
        session.execute(text("DELETE FROM policy_version WHERE organ_id IS NOT NULL"))


def test_the_quorum_counted_is_that_of_the_policy() -> None:
    rows = [{"person": str(number), "status": "present" if number < 6 else "leave"} for number in range(10)]
    minutes = Filed("F-15", {"members_total": 10, "attendance": rows})
    stricter = policies.changed(policies.decree(), "quorum_percent", 66, "某县会议规则", "confirmed")
    assert not list(decide.quorum(Facts(filed=(minutes,))))
    (refusal,) = decide.quorum(Facts(filed=(minutes,), settings=stricter))
    assert (refusal.rule, refusal.article) == ("R-30g", "某县会议规则") and "66%" in str(refusal)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(policies.decree())), st.integers(1, 120)),
        st.tuples(st.just("adopt"), st.sampled_from(["decree-713", "province-example", "township-example"])),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_no_sequence_of_changes_makes_a_setting_looser_than_its_basis(steps: list[tuple[str, int | str]]) -> None:
    found, law = policies.decree(), policies.decree()
    for what, value in steps:
        if what == "adopt":
            found = policies.adopted(str(value), found)
        else:
            try:
                found = policies.changed(found, what, int(value), "某规定", "confirmed")
            except Refused as refusal:
                assert refusal.article == found[what].asked_by
                assert not found[what].allows(int(value))
        for key, one in found.items():
            if one.at_least:
                assert one.value >= one.asked >= law[key].value
            if one.at_most:
                assert one.value <= one.asked <= law[key].value
        # What is stored and read again is the same policy.
        assert policies.restored(policies.stored(found)) == found


def test_the_decree_of_a_release_is_entered_once_whatever_the_clock_says(
    database: Database, travel: Callable[[date], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = policies.decree()
    later = {**told, "public_comment_days": replace(told["public_comment_days"], value=31)}
    monkeypatch.setattr(policies, "decree", lambda: later)
    policy_versions._shipped.cache_clear()
    found = []
    for day in (date(2026, 10, 11), date(2026, 9, 1), date(2026, 10, 12)):
        travel(day)
        with database.transaction() as session:
            found.append(policy_versions.to_begin_with(session, organ(database)).digest)
    policy_versions._shipped.cache_clear()
    assert len(set(found)) == 1
    with database.transaction(read_only=True) as session:
        assert session.scalar(select(func.count()).where(PolicyVersion.digest == found[0])) == 1


def test_what_ran_before_versions_were_kept_is_counted_by_the_decree(database: Database, files: FileStore) -> None:
    """The migration gives each matter that is there the version of the decree; back and forth nothing is lost."""
    play = cases.OTHERS[0](database, files)
    migrations.downgrade(database, "0011")
    migrations.upgrade(database)
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        assert policy_versions.began_with(session, matter.id).digest == matter.policy_digest
        assert policy_versions.of_matter(session, matter) == policies.decree()


def test_the_review_of_a_suspension_is_counted_by_the_policy() -> None:
    """An act stands at no token of the diagram; its form is counted by the matter's policy all the same."""
    form = Form.parse((BPMN / "forms" / "F-35.toml").read_bytes())
    given = fill(form, {"review_by": (clock.today() + timedelta(days=25)).isoformat()}, {})
    for days, refused in ((30, False), (20, True)):
        context = {"policy": {**policies.numbers(policies.decree()), "suspension_review_days": days}}
        with pytest.raises(Invalid) as refusal:
            form.validate({**given, "ground": ""}, context=context)
        assert ("review_by" in refusal.value.errors) is refused
