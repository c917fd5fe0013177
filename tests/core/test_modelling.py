"""From a draft to a version in force: who may, nothing lost, the gate, and what running matters notice of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import func, select

from decision_flow import audit, bundles, clock, engine, notifications, wording
from decision_flow.audit import EventName
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.engine import Context
from decision_flow.errors import Conflict, Invalid, NotConforming, NotFound, NotPermitted
from decision_flow.modelling import archive, checking, comparison, drafts, gate, library, sources, walking
from decision_flow.modelling.drafts import Change
from decision_flow.models import (
    AuditStream,
    Matter,
    Notification,
    ProcedureDraft,
    ProcedureVersion,
    VersionStatus,
)
from decision_flow.policies import DECREE
from decision_flow.procedures import ProcedureSource
from decision_flow.projection import CalendarFunctions
from decision_flow.resources import shipped_tables
from tests.core.registry import person, recorded

MODELLER, PUBLISHER, CLERK = "dengjie", "qiaolin", "wuting"
TEMPLATE = sources.template("local_decision")
NAME = "local_decision.bpmn"


def begin(database: Database, **given: object) -> int:
    with database.transaction() as session:
        return drafts.start(session, person(session, MODELLER), TEMPLATE, origin="模板", **given).id


def walk(database: Database, draft_id: int, who: str = MODELLER) -> None:
    """Play the draft to each of its three ends, as the walk-through page does."""
    for end in ({"F03": False}, {"F03": True, "F15": "rejected"}, {"F03": True, "F15": "approved"}):
        with database.transaction() as session:
            draft = drafts.get(session, person(session, who), draft_id)
            source = drafts.source_of(session, draft)
            report = checking.check(source, DECREE)
            functions = CalendarFunctions(session)
            form = report.forms["F-01"]
            play = walking.begin(
                report.compiled, draft.key, form, walking.pretended(form, clock.now()), Context(clock.now(), functions)
            )
            while not play.finished:
                standing = walking.standing(report.compiled, play, functions)
                if not standing:
                    play = walking.wait(report.compiled, play, functions)
                    continue
                task = standing[0].task
                form = report.forms[task.element.form]
                answers = walking.pretended(form, play.at)
                if form.id == "F-03":
                    answers["initiate"] = end["F03"]
                if form.id == "F-13":
                    answers["conclusion"] = "lawful"
                if form.id == "F-15":
                    answers["decision"] = end["F15"]
                play = walking.answer(report.compiled, play, task.token, form, answers, Context(play.at, functions))
            drafts.note_walk(session, person(session, who), draft_id, source.bundle.digest, list(play.ends))


def publish(database: Database, draft_id: int, who: str = PUBLISHER) -> int:
    with database.transaction() as session:
        revision = session.get_one(ProcedureDraft, draft_id).revision
        return gate.publish(session, person(session, who), draft_id, revision).id


def changed(old: str, new: str) -> Change:
    content = TEMPLATE.bundle.bpmn[NAME].decode()
    assert old in content
    return Change(files={("bpmn", NAME): content.replace(old, new).encode()})


def test_only_modellers_draw_and_only_publishers_publish(database: Database) -> None:
    draft_id = begin(database)
    acts = (
        lambda session, actor: drafts.start(session, actor, TEMPLATE, origin="x"),
        lambda session, actor: drafts.save(session, actor, draft_id, 1, Change(title="x")),
        lambda session, actor: drafts.discard(session, actor, draft_id),
        lambda session, actor: drafts.copy(session, actor, draft_id, Change()),
    )
    for who in (CLERK, PUBLISHER, "admin"):
        with database.transaction() as session:
            for act in acts:
                with pytest.raises(NotPermitted):
                    act(session, person(session, who))
    for who in (CLERK, MODELLER):
        with database.transaction() as session, pytest.raises(NotPermitted):
            gate.publish(session, person(session, who), draft_id, 1)
        with database.transaction() as session, pytest.raises(NotPermitted):
            gate.retire(session, person(session, who), "major_decision", "不用了")


def test_nobody_overwrites_what_they_have_not_seen(database: Database) -> None:
    draft_id = begin(database)
    with database.transaction() as session:
        drafts.save(session, person(session, MODELLER), draft_id, 1, changed("拟订草案", "起草方案"))
    late = changed("拟订草案", "写草案")
    with database.transaction() as session, pytest.raises(Conflict, match="邓洁已于20"):
        drafts.save(session, person(session, MODELLER), draft_id, 1, late)
    with database.transaction() as session:
        kept = drafts.source_of(session, session.get_one(ProcedureDraft, draft_id)).bundle.bpmn[NAME].decode()
        assert "起草方案" in kept and "写草案" not in kept
        # What came too late is kept as a draft of its own.
        made = drafts.copy(session, person(session, MODELLER), draft_id, late)
        assert "写草案" in drafts.source_of(session, made).bundle.bpmn[NAME].decode()
        assert made.id != draft_id and made.key == "local_decision"


def test_forms_and_tables_that_a_diagram_names_are_taken_in(database: Database) -> None:
    draft_id = begin(database)
    with database.transaction() as session:
        actor = person(session, MODELLER)
        draft = drafts.save(session, actor, draft_id, 1, changed('formKey="F-29s"', 'formKey="F-08"'))
        names = set(drafts.source_of(session, draft).bundle.forms)
        assert "F-08.toml" in names and "F-29s.toml" not in names
        own = Change(files={("form", "F-901.toml"): b'id = "F-901"\ntitle = "x"\n'})
        draft = drafts.save(session, actor, draft_id, 2, own)
        assert "F-901.toml" in drafts.source_of(session, draft).bundle.forms


@pytest.mark.parametrize(
    ("kind", "name"), [("bpmn", "../x.bpmn"), ("bpmn", "x.txt"), ("other", "x.bpmn"), ("form", "a/b.toml")]
)
def test_a_file_that_no_bundle_has_is_refused(database: Database, kind: str, name: str) -> None:
    draft_id = begin(database)
    with database.transaction() as session, pytest.raises(Invalid):
        drafts.save(session, person(session, MODELLER), draft_id, 1, Change(files={(kind, name): b"x"}))


def test_a_draft_that_cannot_run_says_where(database: Database) -> None:
    draft_id = begin(database)
    with database.transaction() as session:
        change = changed('camunda:candidateGroups="legality_reviewer"', 'camunda:candidateGroups="wizard"')
        draft = drafts.save(session, person(session, MODELLER), draft_id, 1, change)
        report = checking.check(drafts.source_of(session, draft), DECREE)
        (found,) = report.errors
        assert found.element == "T_legality" and "wizard" in found.message and not report.runs
    with database.transaction() as session, pytest.raises(NotConforming):
        gate.publish(session, person(session, PUBLISHER), draft_id, 2)


def test_every_end_must_be_walked_on_the_very_content_that_is_published(database: Database) -> None:
    draft_id = begin(database)
    with database.transaction() as session, pytest.raises(Conflict, match="不予启动、不予通过、办结"):
        gate.publish(session, person(session, PUBLISHER), draft_id, 1)
    walk(database, draft_id)
    with database.transaction() as session:
        drafts.save(session, person(session, MODELLER), draft_id, 1, changed("拟订草案", "起草方案"))
    with database.transaction() as session, pytest.raises(Conflict, match="还有结局没有试走到"):
        gate.publish(session, person(session, PUBLISHER), draft_id, 2)
    walk(database, draft_id)
    # The publisher looked at an earlier revision.
    with database.transaction() as session, pytest.raises(Conflict, match="又有改动"):
        gate.publish(session, person(session, PUBLISHER), draft_id, 1)
    version_id = publish(database, draft_id)
    with database.transaction() as session:
        version = session.get_one(ProcedureVersion, version_id)
        draft = session.get_one(ProcedureDraft, draft_id)
        assert (version.number, version.status) == (1, VersionStatus.IN_FORCE)
        assert version.author_id == person(session, MODELLER).user_id
        assert version.publisher_id == person(session, PUBLISHER).user_id
        assert (draft.state, draft.version_id) == ("PUBLISHED", version_id)
        told = recorded(session, EventName.PROCEDURE_PUBLISHED)["facts"]
        assert told["digest"] == version.digest and told["policies"] == [DECREE]
        assert told["draft"] == {"id": draft_id, "revision": 2, "people": draft.authors}
        for stream in session.scalars(select(AuditStream.name)):
            assert audit.verify(session, stream) is None
    with database.transaction() as session, pytest.raises(Conflict, match="不能再修改"):
        drafts.save(session, person(session, MODELLER), draft_id, 2, Change(title="y"))
    with database.transaction() as session, pytest.raises(Conflict, match="不能再修改"):
        gate.publish(session, person(session, PUBLISHER), draft_id, 2)


def test_whoever_drew_any_of_it_cannot_publish_it(database: Database) -> None:
    draft_id = begin(database)
    walk(database, draft_id)
    with database.transaction() as session:
        draft = session.get_one(ProcedureDraft, draft_id)
        draft.authors = [*draft.authors, person(session, PUBLISHER).user_id]
        copied = drafts.copy(session, person(session, MODELLER), draft_id, Change()).id
    for drawn, revision in ((draft_id, 1), (copied, 2)):
        with database.transaction() as session, pytest.raises(NotPermitted, match="不能由您发布"):
            gate.publish(session, person(session, PUBLISHER), drawn, revision)


def test_running_matters_stay_on_their_version_and_the_roles_concerned_are_told(
    database: Database, files: FileStore
) -> None:
    play = cases.OTHERS[0](database, files)
    with database.transaction() as session:
        actor = person(session, MODELLER)
        source = library.source(session, actor, "major_decision", 1)
        old = bundles.in_force(session, "major_decision").id
        main = source.bundle.bpmn["major_decision.bpmn"].decode()
        draft = drafts.start(session, actor, source, origin="v1", base_version_id=old)
        change = Change(files={("bpmn", "major_decision.bpmn"): main.replace("登记与初核", "登记和初步核对").encode()})
        draft = drafts.save(session, actor, draft.id, 1, change)
        ends = [end.id for end in walking.ends_of(checking.check(drafts.source_of(session, draft), DECREE).compiled)]
        drafts.note_walk(session, actor, draft.id, drafts.source_of(session, draft).bundle.digest, ends)
        draft_id = draft.id
    publish(database, draft_id)
    with database.transaction() as session:
        assert bundles.in_force(session, "major_decision").number == 2
        assert session.get_one(Matter, play.matter_id).procedure_version_id == old
        told = session.scalars(select(Notification).where(Notification.event == "procedure.published")).all()
        assert {notice.pool.split(":")[0] for notice in told} == {"government_office"}
        assert len(told) == 3 and told[0].payload["changed"] == "登记和初步核对"
        said = wording.say("procedure.published", told[0].payload)
        assert "重大行政决策程序" in said.subject and "登记和初步核对" in said.body
        assert "登记和初步核对" in wording.say("procedure.published", told[0].payload, "en").body
        # Each holder of a post that is concerned has it in the inbox.
        notifications.spread(session)
        holder = person(session, "zhoukai").user_id
        assert session.scalar(
            select(func.count()).where(Notification.event == "procedure.published", Notification.recipient_id == holder)
        )
        lines = library.versions_of(session, person(session, CLERK), "major_decision")
        assert [(line.version.number, line.running) for line in lines] == [(2, 0), (1, 1)]
    play.run_to("T_major_decision_03")


def test_a_retired_procedure_begins_nothing_and_gives_its_reason(database: Database) -> None:
    with database.transaction() as session:
        actor = person(session, PUBLISHER)
        with pytest.raises(Conflict):
            gate.retire(session, actor, "major_decision", "  ")
        gate.retire(session, actor, "major_decision", "改用新程序")
        assert recorded(session, EventName.PROCEDURE_RETIRED)["facts"]["reason"] == "改用新程序"
        with pytest.raises(NotFound):
            bundles.in_force(session, "major_decision")
        with pytest.raises(NotFound):
            gate.retire(session, actor, "major_decision", "再来一次")


def test_a_draft_becomes_a_procedure_of_its_own(database: Database) -> None:
    draft_id = begin(database, key="purchase", title="采购程序")
    with database.transaction() as session:
        source = drafts.source_of(session, session.get_one(ProcedureDraft, draft_id))
        assert (source.key, source.title, source.bundle.main) == ("purchase", "采购程序", "purchase")
        assert checking.check(source, DECREE).runs
        for key in ("drafts", "import", "Über", "a", "x" * 60):
            with pytest.raises(Invalid):
                drafts.start(session, person(session, MODELLER), TEMPLATE, origin="x", key=key)


def packed(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return target.getvalue()


def test_a_bundle_goes_out_and_comes_back_as_one_file(database: Database) -> None:
    with database.transaction() as session:
        content = library.export(session, person(session, CLERK), "major_decision", 1)
        source = library.source(session, person(session, CLERK), "major_decision", 1)
        assert archive.unpack(content) == source
        assert archive.pack(source) == content
        assert recorded(session, EventName.PROCEDURE_EXPORTED)["facts"]["version"] == 1
        again = drafts.start(session, person(session, MODELLER), archive.unpack(content), origin="导入")
        assert drafts.source_of(session, again).bundle.digest == source.bundle.digest


HEAD = b'id = "x_y"\ntitle = "x"\nmain = "x"\n'


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no zip", packed(), packed(**{"bundle.toml": b"id = 1"}), packed(**{"bundle.toml": b"\xff"}),
        packed(**{"bundle.toml": HEAD, "evil.sh": b"x"}), packed(**{"bundle.toml": HEAD, "..__up.bpmn": b"x"}),
        packed(**{"bundle.toml": HEAD, "diagrams__.._x.bpmn": b"x"}),
        packed(**{"bundle.toml": HEAD + b'digest = "abc"\n', "diagrams__x.bpmn": b"x"}),
        packed(**{"bundle.toml": HEAD, **{f"diagrams__{n}.bpmn": b"x" for n in range(300)}}),
    ],
)  # fmt: skip
def test_a_package_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        archive.unpack(content)


def test_a_bomb_is_not_unpacked() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bundle.toml", HEAD)
        for number in range(6):
            made.writestr(f"diagrams/{number}.bpmn", bytes(4_000_000))
    assert len(target.getvalue()) < 200_000
    with pytest.raises(Invalid, match="过大"):
        archive.unpack(target.getvalue())


def edited(old: str, new: str) -> ProcedureSource:
    content = TEMPLATE.bundle.bpmn[NAME].decode()
    assert old in content
    bundle = engine.Bundle(
        TEMPLATE.bundle.main, {NAME: content.replace(old, new).encode()}, TEMPLATE.bundle.dmn, TEMPLATE.bundle.forms
    )
    return ProcedureSource(TEMPLATE.key, TEMPLATE.title, "", "F-01", bundle)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('candidateGroups="legality_reviewer"', 'candidateGroups="legality_head"', ("changed", "element", "T_legality", "role")),
        ("value=\"working_days_after(policy.legality_review_workdays)\"", "value=\"working_days_after(9)\"", ("changed", "element", "T_legality", "due")),
        ("F13.conclusion == 'lawful'", "F13.conclusion != 'unlawful'", ("changed", "flow", "flow_local_decision_12", "condition")),
        ('name="拟订草案"', 'name="起草"', ("changed", "element", "T_draft", "name")),
        ("date(F22.close_on)", "days_after(30)", ("changed", "element", "I_until", "timer")),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_property(old: str, new: str, told: tuple[str, ...]) -> None:
    changes = comparison.compare(TEMPLATE.bundle, edited(old, new).bundle)
    found = [(one.kind, one.what, one.id, detail.aspect) for one in changes for detail in one.details]
    assert told in found
    assert found == [told]


def test_layout_is_no_difference_and_forms_are_compared_field_by_field() -> None:
    moved = edited('<dc:Bounds x="142"', '<dc:Bounds x="150"')
    assert comparison.compare(TEMPLATE.bundle, moved.bundle) == ()
    forms = {**TEMPLATE.bundle.forms}
    forms["F-03.toml"] = forms["F-03.toml"].replace(b'name = "decision_reason"', b'name = "why"')
    after = engine.Bundle(TEMPLATE.bundle.main, TEMPLATE.bundle.bpmn, {}, forms)
    changes = comparison.compare(TEMPLATE.bundle, after)
    assert {(one.kind, one.what, one.id) for one in changes} >= {
        ("added", "field", "F-03.why"),
        ("removed", "field", "F-03.decision_reason"),
    }
    assert comparison.roles_concerned(TEMPLATE.bundle, after) == {"admin_head"}


def test_a_table_is_looked_at_cell_by_cell() -> None:
    from decision_flow.modelling import tables

    name, content = shipped_tables()["D-01"]
    assert tables.findings({name: content}) == ()
    wrong = content.replace(b'<text>not("none")</text>', b"<text>import os</text>", 1)
    (found,) = tables.findings({name: wrong})
    assert (found.element, found.severity) == ("D-01_1_1", "error")
    unique = content.replace(b'hitPolicy="FIRST"', b'hitPolicy="UNIQUE"')
    assert any("重叠" in found.message for found in tables.findings({name: unique}))
    rows = content.split(b"<rule ")
    gap = b"<rule ".join(rows[:-1]) + b"</decisionTable></decision></definitions>"
    assert any("没有一行适用于" in found.message for found in tables.findings({name: gap}))


def test_a_walk_tells_who_gets_what_and_by_when(database: Database, travel: Callable[[date], None]) -> None:
    travel(date(2026, 3, 9))
    report = checking.check(TEMPLATE, DECREE)
    with database.transaction(read_only=True) as session:
        functions = CalendarFunctions(session)
        play = walking.begin(report.compiled, "x", report.forms["F-01"], {}, Context(clock.now(), functions))
        (standing,) = walking.standing(report.compiled, play, functions)
        assert (standing.task.element.id, standing.role) == ("T_initiate", "admin_head")
        assert standing.due.due_on == date(2026, 3, 16)
        # The play is a value: it goes out as JSON and comes back.
        assert walking.Play.of_json(play.to_json(), report.compiled) == play
        assert session.scalar(select(func.count()).select_from(Matter)) == 0
