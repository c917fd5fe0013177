"""Case C: 征地补偿安置方案: not the town's to decide, and no household's data on the page.

Its notices, objections, hearing and agreements stand with the steps of land expropriation.
"""

from __future__ import annotations

from datetime import date

import pytest

from decision_flow.db import Database
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import QINGHE
from decision_flow.documents import FileStore
from decision_flow.errors import Invalid
from decision_flow.models import Matter, MatterStatus
from tests.stories.conftest import Told
from tests.stories.telling import names, outcome, status

M, PP, HE, LR, PU = "T_major_decision_", "T_public_participation_", "T_hearing_", "T_legality_review_", "T_publication_"
TITLE = "云岭区城东片区征收土地补偿安置方案"
LAW = {"special_procedure_law": "土地管理法", "special_procedure_article": "第四十七条"}


def attempted(database: Database, files: FileStore) -> Play:
    """The town begins it as a decision of its own, and the review finds that it is not the town's."""
    play = Play(database, files, date(2026, 1, 5))
    play.suggest("wuting", QINGHE, {
        "matter_name": TITLE, "suggestion_source": "department", "proposer_name": "规划建设办",
        "proposer_contact": "0871-60001234", "matter_category": "public_policy", "exclusion_type": "none",
        **LAW, "contains_state_secret": False,
        "summary": "城东片区成片开发拟征收集体土地,需制定补偿安置方案,明确补偿标准、安置房和过渡费。",
    })  # fmt: skip
    unit = units(database)["清河镇规划建设和生态环境办公室"]
    play.run_to(LR + "04", given={
        M + "05": {"undertaking_units": [unit], "in_catalogue": False},
    })  # fmt: skip
    play.do(LR + "04", "wangmin", finding_authority="fail", conclusion="unlawful_authority",
            note_authority="征收土地由县级以上人民政府组织实施。")  # fmt: skip
    return play.do(LR + "06", "zhaolei")


def published(database: Database, files: FileStore) -> Play:
    """The district has drafted the plan and is about to publish it."""
    town = attempted(database, files)
    district = units(database)["云岭区人民政府"]
    town.do(M + "15t", "zhoukai", route="transfer", transfer_to=district, reason="由区人民政府组织实施征收。")
    (play,) = town.linked("transfer")
    unit = units(database)["区发展和改革局"]
    return play.run_to(PP + "04a", given={
        M + "01": {"matter_name": TITLE, **LAW, "matter_category": "public_policy"},
        M + "05": {"undertaking_units": [unit], "in_catalogue": False},
        M + "09": {"direct_vital_interest": True, "public_concern": True, "affected_people_count": 206},
    })  # fmt: skip


def test_the_town_cannot_decide_it(told: Told) -> None:
    town = told(attempted)
    assert names(town) == {M + "15t"}
    district = units(town.database)["云岭区人民政府"]
    town.do(M + "15t", "zhoukai", route="transfer", transfer_to=district, reason="由区人民政府组织实施征收。")
    (moved,) = town.linked("transfer")
    town.run_to()
    assert (status(town), outcome(town)) == (MatterStatus.COMPLETED, "E_terminated")
    with town.database.transaction(read_only=True) as session:
        assert session.get_one(Matter, moved.matter_id).organ_id == district


def test_the_account_of_a_household_is_not_published(told: Told) -> None:
    """F-21: personal data that were not redacted stop the page."""
    play = told(published)
    play.run_to(PU + "02", given={
        PU + "01": {"interpretation": "补偿标准、安置房和过渡费的说明。", "adoption_summary": "意见已逐条研究。"},
    })  # fmt: skip
    with pytest.raises(Invalid) as refusal:
        play.do(PU + "02", "pengfei", has_personal_info=True, redaction_done=False, result="pass")
    assert "result" in refusal.value.errors
    assert names(play) == {PU + "02"}
    play.do(PU + "02", "pengfei", has_personal_info=True, redaction_done=True, result="pass")
    assert names(play) == {PU + "03"}
