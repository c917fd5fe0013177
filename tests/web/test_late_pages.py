"""补录: a step done on paper is entered with its scan and true date, marked everywhere, and never dated back (R-39)."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from decision_flow import audit, checkpoints, clock, late_entries, matter_records, packages
from decision_flow.audit import EventName
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import answers, cases, office
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid, NotPermitted
from decision_flow.models import LateEntry, Task
from tests.core.registry import person, recorded, unit
from tests.core.test_documents import WORD, packed
from tests.core.test_printing import texts
from tests.web.client import Desk

CD = cases.CD
PDF = b"%PDF-1.7 /CreationDate (D:20200101000000)"


def at_the_signature(database: Database, settings: Settings) -> tuple[Play, int]:
    """A matter whose minutes are there and wait for the head to sign."""
    play = cases.OTHERS[7](database, FileStore(Path(settings.data_dir) / "files"))
    play.run_to(CD + "10", given={CD + "06": _minutes(database)})
    with database.transaction(read_only=True) as session:
        query = select(Task.id).where(Task.matter_id == play.matter_id, Task.element_id == CD + "10")
        return play, session.scalars(query).one()


def _minutes(database: Database) -> dict[str, object]:
    with database.transaction(read_only=True) as session:
        told = answers.minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明")
        return {"implementing_unit_id": unit(session, office.UNIT).id, **told}


def test_a_decision_signed_on_paper_is_entered_with_its_scan(
    app: Flask, database: Database, settings: Settings
) -> None:
    play, task = at_the_signature(database, settings)
    clerk, day = Desk(app, "zhoukai"), (clock.today() - timedelta(days=3)).isoformat()
    assert f"/tasks/{task}/late" in clerk.get(f"/tasks/{task}")
    path = f"/tasks/{task}/late"
    clerk.get(path)
    told = {"_late_on": day, "_late_by": "高建明", "_late_reason": "停电期间纸质签署"}
    # Somebody else's signature without the scan is no signature; nothing typed is lost.
    without = clerk.post(path, **told)
    html = without.get_data(as_text=True)
    assert without.status_code == 422 and "没有扫描件的不能补录" in html and "停电期间纸质签署" in html
    hostile = clerk.post(path, **told, _late_scan=("x.html", b"<script>"))
    assert hostile.status_code == 422
    wrong = clerk.post(path, **{**told, "_late_on": "2999-01-01"}, _late_scan=("签字页.pdf", PDF))
    html = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "签字页.pdf" in html
    kept = html.split('name="_late_scan_kept" value="')[1].split('"')[0]
    assert clerk.post(path, **told, _late_scan_kept=kept).status_code == 302
    with database.transaction(read_only=True) as session:
        entry, done = session.get_one(LateEntry, task), session.get_one(Task, task)
        assert (entry.done_on.isoformat(), entry.done_by, entry.signed) == (day, "高建明", True)
        assert entry.entered_as == done.completed_as and "周凯" in entry.entered_as
        # Nothing is dated back.
        assert clock.local_date(done.completed_at) == clock.today()
        facts = recorded(session, EventName.TASK_ENTERED_LATE)["facts"]
        assert facts["done_by"] == "高建明" and facts["later_files"] == []
        assert audit.verify(session, audit.matter_stream(play.matter_id)) is None
    assert "高建明（纸质签署）" in clerk.get(f"/tasks/{task}")
    for page in (
        f"/tasks/{task}",
        f"/matters/{play.matter_id}",
        f"/matters/{play.matter_id}/papers",
        f"/tasks/{task}/print",
    ):
        assert "补录" in clerk.get(page), page
    assert "补录：高建明于" in texts(clerk.client.get(f"/tasks/{task}/word").data)
    # On the checklist, in the timeline, in the record and the package that are handed over, and in every export of the trail.
    checklist = clerk.get(f"/matters/{play.matter_id}/checklist")
    row = next(one for one in checklist.split("<tr") if f'/tasks/{task}"' in one)
    assert "补录" in row and checklist.count("mark-unconfirmed") < checklist.count("<tr")
    assert "补录" in clerk.get(f"/matters/{play.matter_id}/trail")
    with database.snapshot() as session:
        told_of = matter_records.values(session, matter_records.get(session, play.matter_id))
        assert [name for _, name, *_ in told_of["documents"] if "补录" in name] == ["签字页.pdf（补录）"]
        assert any(
            "补录：高建明于" in mark for form in told_of["forms"] if form["form"] == "F-15s" for mark in form["marks"]
        )
        assert any(event.startswith("补录") for _, _, event, *_ in told_of["timeline"])
        store = FileStore(Path(settings.data_dir) / "files")
        packages.write(
            session, store, checkpoints.signing_key(settings.folder), play.matter_id, settings.folder / "p.zip"
        )
    with zipfile.ZipFile(settings.folder / "p.zip") as package:
        index = next(package.read(name).decode() for name in package.namelist() if name.endswith("/index.html"))
    assert "签字页.pdf（补录）" in index and index.count("（补录）") == 2
    auditor = Desk(app, "audit")
    assert "补录" in auditor.get(f"/audit/conformance/{play.matter_id}")
    for kind in ("csv", "jsonl"):
        assert "task.entered_late" in auditor.client.get(
            f"/audit/export?format={kind}&matter={play.matter_id}"
        ).get_data(as_text=True)
    assert "Entered later" in clerk.get(f"/tasks/{task}?lang=en")


def test_a_file_made_after_the_claimed_day_is_warned_of(app: Flask, database: Database, settings: Settings) -> None:
    play, task = at_the_signature(database, settings)
    word = packed({**WORD, "docProps/core.xml": f"<dcterms:created>{clock.today()}T01:00:00Z</dcterms:created>"})
    clerk = Desk(app, "zhoukai")
    clerk.get(f"/tasks/{task}/late")
    day = (clock.today() - timedelta(days=30)).isoformat()
    answer = clerk.post(f"/tasks/{task}/late", _late_on=day, _late_by="高建明", _late_reason="线下会议签署",
                         _late_scan=("签字页.docx", word))  # fmt: skip
    assert answer.status_code == 302
    with database.transaction(read_only=True) as session:
        assert "签字页.docx" in session.get_one(LateEntry, task).later_files
        assert recorded(session, EventName.TASK_ENTERED_LATE)["rules"] == ["R-39"]
    assert "文件生成日期晚于所填日期" in clerk.get(answer.location)
    assert "文件生成日期晚于所填日期" in clerk.get(f"/tasks/{task}/print")
    assert play.matter_id


def test_only_who_may_and_never_where_the_form_names_its_author(
    database: Database, files: FileStore, app: Flask, settings: Settings
) -> None:
    play, task = at_the_signature(database, settings)
    review = cases.OTHERS[6](database, files)
    with database.transaction() as session:
        query = select(Task.id).where(Task.matter_id == review.matter_id, Task.state == "CLAIMED")
        reviewing = session.get_one(Task, session.scalars(query).one())
        assert not late_entries.may_enter(session, person(session, "zhoukai"), reviewing)
        signing = session.get_one(Task, task)
        assert late_entries.may_enter(session, person(session, "zhoukai"), signing)
        assert not late_entries.may_enter(session, person(session, "yujia"), signing)
        with pytest.raises(NotPermitted):
            late_entries.complete(session, person(session, "wuting"), files, task, {}, {})
        with pytest.raises(Invalid) as refusal:
            late_entries.complete(session, person(session, "zhoukai"), files, task, {}, {"scan": "99999"})
        assert set(refusal.value.errors) == {"_late_on", "_late_by", "_late_reason", "_late_scan"}
        assert session.get_one(Task, task).state == "OPEN"
    assert Desk(app, "wuting").client.get(f"/tasks/{task}/late").status_code == 403
    assert Desk(app, "taoran").client.get(f"/tasks/{task}/late").status_code == 404
    assert Desk(app, "zhoukai").post("/tasks/999999/late").status_code == 404
    assert play.matter_id
