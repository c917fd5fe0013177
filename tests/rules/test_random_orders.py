"""Whatever is pressed in whatever order by whomever, on a diagram where all lies open at once: no duty is skipped.

The oracle is the list of forms that the decree asks for before each act, written here anew and not the guards.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import undefer

from decision_flow import identity, tasks
from decision_flow.db import Database
from decision_flow.demo.answers import minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import PEOPLE
from decision_flow.documents import FileStore
from decision_flow.engine import Bundle
from decision_flow.errors import Conflict, DecisionFlowError
from decision_flow.models import AuditEvent, Matter, Task, TaskState, User
from decision_flow.procedures import ProcedureSource
from decision_flow.resources import BPMN
from tests.conftest import database_at
from tests.drawing import Drawing
from tests.stories.telling import names
from tests.stories.test_negative import under

ACTS = (
    ("F-02", "undertaking_unit", ""), ("F-03", "admin_head", ""), ("F-03b", "government_office", ""),
    ("F-04", "undertaking_unit", ""), ("F-06", "undertaking_unit", "freeze_draft"), ("F-09", "undertaking_unit", ""),
    ("F-23a", "undertaking_unit", ""), ("F-23", "undertaking_unit", ""), ("F-08", "deputy_head", ""),
    ("F-09b", "deputy_head", ""), ("F-12", "undertaking_unit", ""), ("F-13d", "legality_head", ""), ("F-13a", "legal_adviser", ""),
    ("F-13", "legality_reviewer", ""), ("F-13s", "legality_head", ""), ("F-14", "undertaking_unit", ""),
    ("F-15", "hearing_clerk", ""), ("F-15s", "admin_head", "record_decision"), ("F-16b", "government_office", ""),
    ("F-17", "disclosure_officer", ""), ("F-21", "confidentiality_reviewer", ""),
    ("F-17b", "disclosure_officer", "record_publication"), ("F-19c", "implementing_unit", ""),
    ("F-24", "government_office", "archive_part"),
)  # fmt: skip
BEFORE_DECISION = {"F-02", "F-03", "F-04", "F-06", "F-09", "F-23", "F-08", "F-09b", "F-12", "F-13d", "F-13a", "F-13", "F-13s",
                   "F-14", "F-15", "F-15s"}  # fmt: skip
BEFORE_PUBLICATION = BEFORE_DECISION | {"F-16b", "F-17", "F-21", "F-17b"}


def all_at_once() -> ProcedureSource:
    """Everything lies open from the first moment on; nothing in the drawing comes before anything else."""
    drawing = Drawing("shortcut", "捷径").start("E_short").fork("G_all").fork("G_end").end("E_short_end")
    drawing.chain("E_short", "G_all")
    for form, role, effect in ACTS:
        name = form.replace("-", "_")
        if form == "F-13d":
            # The reviewer's form counts the opinions that came before it on its own branch.
            drawing.user("T_F_13d", form=form, role=role).flow("G_all", "T_F_13d")
            continue
        if form == "F-13a":
            drawing.user("T_F_13a", form=form, role=role, each="F13d.advisers", item="adviser",
                         results="legal_opinions", person="adviser.adviser_id")  # fmt: skip
            drawing.user("T_F_13", form="F-13", role="legality_reviewer")
            drawing.chain("T_F_13d", "T_F_13a", "T_F_13", "G_end")
            continue
        if form == "F-13":
            continue
        drawing.user(f"T_{name}", form=form, role=role).flow("G_all", f"T_{name}")
        if effect:
            drawing.service(f"S_{name}", effect).chain(f"T_{name}", f"S_{name}", "G_end")
        else:
            drawing.flow(f"T_{name}", "G_end")
    drawing.flow("G_end", "E_short_end")
    forms = {path.name: path.read_bytes() for path in (BPMN / "forms").glob("*.toml")}
    bundle = Bundle(main="shortcut", bpmn={"shortcut.bpmn": drawing.xml()}, forms=forms)
    return ProcedureSource("major_decision", "捷径", "Shortcut", "F-01", bundle)


def never_skipped(database: Database, matter_id: int) -> set[str]:
    """Assert that what the decree puts before each act lies in the file; return the acts that were reached."""
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, matter_id)
        done = set(
            session.scalars(select(Task.form).where(Task.matter_id == matter_id, Task.state == TaskState.COMPLETED))
        )
        events = set(session.scalars(select(AuditEvent.event).where(AuditEvent.matter_id == matter_id)))
        reached = set()
        if matter.decided_at is not None:
            assert done >= BEFORE_DECISION, BEFORE_DECISION - done
            reached.add("decided")
        if matter.published_at is not None:
            assert done >= BEFORE_PUBLICATION, BEFORE_PUBLICATION - done
            reached.add("published")
        if "archive.filed" in events or matter.status == "COMPLETED":
            assert done >= BEFORE_PUBLICATION, BEFORE_PUBLICATION - done
            assert matter.published_at is not None
            reached.add("archived")
        return reached


def press(play: Play, element: str, who: str) -> bool:
    """Do what anybody may try; whether it was let through."""
    unit = units(play.database)["清河镇规划建设和生态环境办公室"]
    given = {
        "T_F_03b": {"undertaking_units": [unit], "in_catalogue": False},
        "T_F_15": {"implementing_unit_id": unit, **minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明")},
    }
    try:
        play.do(element, who, **given.get(element, {}))
    except (DecisionFlowError, RuntimeError):
        return False
    return True


@settings(max_examples=3, deadline=None)
@given(
    order=st.permutations([f"T_{form.replace('-', '_')}" for form, _, _ in ACTS]),
    strangers=st.lists(st.sampled_from([person.username for person in PEOPLE]), min_size=4, max_size=4),
)
def test_no_order_of_acts_skips_a_duty(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, order: list[str], strangers: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("random")
    shutil.copy(sqlite_template, folder / "one.db")
    database = database_at(f"sqlite:///{folder / 'one.db'}")
    play = under(all_at_once(), database, FileStore(folder / "files"))
    for element, stranger in zip(order, strangers, strict=False):
        press(play, element, stranger)
        never_skipped(database, play.matter_id)
    moved = True
    while moved:
        moved = False
        for element in [one for one in order if one in names(play)]:
            if press(play, element, ""):
                moved = True
                never_skipped(database, play.matter_id)
    never_skipped(database, play.matter_id)
    database.dispose()


def test_a_lawful_order_goes_through(database: Database, files: FileStore) -> None:
    """The same diagram in the law's order: the property above does not hold for want of any way through."""
    play = under(all_at_once(), database, files)
    for form, _, _ in ACTS:
        element = f"T_{form.replace('-', '_')}"
        assert press(play, element, ""), form
    assert never_skipped(database, play.matter_id) == {"decided", "published", "archived"}


def test_minutes_once_filed_are_not_changed(database: Database, files: FileStore) -> None:
    """R-30f: what was said stays as it was filed; a second filing is refused, also to whoever filed the first."""
    play = under(all_at_once(), database, files)
    for form, _, _ in ACTS[: [form for form, _, _ in ACTS].index("F-15") + 1]:
        assert press(play, f"T_{form.replace('-', '_')}", "")
    with database.transaction(read_only=True) as session:
        filed = session.scalars(select(Task).where(Task.form == "F-15").options(undefer(Task.submission))).one()
        clerk = identity.actor_of(session, session.get_one(User, filed.completed_by_id))
    with pytest.raises(Conflict), database.transaction() as session:
        tasks.complete(session, clerk, filed.id, {**filed.submission, "opinions": filed.submission["opinions"][1:]})
    with database.transaction(read_only=True) as session:
        after = session.scalars(select(Task).where(Task.id == filed.id).options(undefer(Task.submission))).one()
        assert after.submission == filed.submission
