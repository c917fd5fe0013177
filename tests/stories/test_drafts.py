"""The texts of a draft: numbered and hashed, the opinion bound to its text, old work marked until it is done again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select

from decision_flow import clock, drafts
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.demo.play import Play
from decision_flow.documents import FileStore
from decision_flow.models import Document, DraftVersion, Matter, StaleStep
from tests.web.client import Desk
from web import create_app

M, PP, CD, LR = cases.M, cases.PP, cases.CD, "T_legality_review_"


def texts(database: Database, play: Play) -> list[DraftVersion]:
    with database.transaction(read_only=True) as session:
        return drafts.versions(session, play.matter_id)


def marks(database: Database, play: Play) -> list[tuple[str, int, str | None]]:
    with database.transaction(read_only=True) as session:
        rows = session.scalars(select(StaleStep).where(StaleStep.matter_id == play.matter_id).order_by(StaleStep.id))
        return [(row.step, row.version, row.settled) for row in rows]


def period(day: date) -> dict[str, dict[str, str]]:
    close = day + timedelta(days=30)
    return {PP + "04a": {"open_on": day.isoformat(), "close_on": close.isoformat()}}


def test_a_material_change_marks_what_was_done_on_the_old_text(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[5](database, files)
    play.run_to(M + "12", given=period(play.day))
    assert [version.number for version in texts(database, play)] == [1]
    play.do(M + "12", material_change=True, affected_steps=["expert_argumentation"])
    second, first = texts(database, play)
    assert second.material and not first.material and second.form == "F-11"
    # What was not reviewed yet cannot be stale.
    assert marks(database, play) == [("expert_argumentation", 2, None)]
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        named = session.get_one(Document, second.document_id)
        assert matter.draft_sha256 == second.sha256 == named.sha256
        assert named.form == "F-11"
    play.do("T_required_steps_08")
    assert marks(database, play) == [("expert_argumentation", 2, "repeated")]


def test_the_opinion_is_bound_to_the_text_it_was_given_on(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    (first,) = texts(database, play)
    assert first.reviewed_at is None
    play.do(LR + "04", "wangmin", conclusion="lawful_after_revision",
            points=[{"no": 1, "issue": "表述", "legal_basis": "条例第十二条", "advice": "改正", "mandatory": False}])  # fmt: skip
    play.do(LR + "06")
    (first,) = texts(database, play)
    assert first.conclusion == "lawful_after_revision" and first.reviewed_at
    play.do(M + "15a", responses=[{"point_no": 1, "response": "changed", "clause": "第一条"}])
    second, first = texts(database, play)
    # A corrected text is not reviewed before the reviewer has confirmed it.
    assert (second.conclusion, second.reviewed_at) == ("", None)
    play.do(M + "15b", change_kind="wording", confirmed=True)
    second, _ = texts(database, play)
    assert second.conclusion == "confirmed" and second.reviewed_at


def test_a_new_draft_makes_the_whole_round_stale_until_it_is_repeated(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[6](database, files)
    play.do(LR + "04", "wangmin", finding_substance="fail", note_substance="抵触", conclusion="unlawful_content")
    play.do(LR + "06").run_to(M + "09")
    play.do(M + "09")
    stale = {step for step, version, settled in marks(database, play) if settled is None and version == 2}
    assert stale == {"public_participation", "expert_argumentation", "risk_assessment", "legality_review"}
    play.run_to(M + "16", given=period(play.day))
    assert {settled for _, _, settled in marks(database, play)} == {"repeated"}
    with database.transaction(read_only=True) as session:
        assert drafts.open_marks(session, play.matter_id) == []


def test_the_papers_of_a_matter_show_texts_hashes_and_who(
    database: Database, settings: Settings, files: FileStore
) -> None:
    play = cases.OTHERS[5](database, files)
    play.run_to(M + "12", given=period(play.day))
    play.do(M + "12", material_change=True, affected_steps=["expert_argumentation"])
    app = create_app(replace(settings, demo=True), database)
    page = Desk(app, "wuting").get(f"/matters/{play.matter_id}/papers")
    second, first = texts(database, play)
    assert first.sha256 in page and second.sha256 in page
    assert "第2版" in page and "现行" in page and "实质性修改" in page and "需重做" in page
    assert page.index("拟订") < page.index("公众参与", page.index("<h3"))
    assert clock.local_date(first.frozen_at).isoformat() in page
