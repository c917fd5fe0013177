"""A meeting begins with what the registers know: its papers, its members, the head last (Arts. 29, 30)."""

from __future__ import annotations

from decision_flow import formalities, submitted
from decision_flow.db import Database
from decision_flow.demo import cases
from decision_flow.documents import FileStore
from decision_flow.models import Matter


def test_papers_and_minutes_begin_with_what_is_known(database: Database, files: FileStore) -> None:
    play = cases.OTHERS[7](database, files)
    with database.transaction(read_only=True) as session:
        matter = session.get_one(Matter, play.matter_id)
        papers = formalities.suggested(session, matter, "F-14")
        # No expert was heard and no risk assessed: their papers are not asked for.
        assert [row["item"] for row in papers["items"]] == [
            "draft",
            "explanation",
            "public_adoption",
            "legality_opinion",
        ]
        assert papers["responses"] == []
        notice = formalities.suggested(session, matter, "F-15b")
        assert notice["members_total"] == len(notice["members"]) == 3
        minutes = formalities.suggested(session, matter, "F-15")
        told = submitted.latest(session, matter.id, "F-15b")
        assert (minutes["held_at"], minutes["place"]) == (told["held_at"], told["place"])
        assert minutes["members_total"] == told["members_total"]
        assert [row["person"] for row in minutes["attendance"]] == ["孙丽", "马波", "高建明"]
        assert [(row["order"], row["is_head"]) for row in minutes["opinions"]] == [(1, False), (2, False), (3, True)]
        # Who was there and what they said is for the clerk to write.
        assert not any("status" in row for row in minutes["attendance"])
        assert not any("position" in row for row in minutes["opinions"])
