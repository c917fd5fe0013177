"""The matters of the demo: the rural road carried to execution, and a dozen others at rest on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from decision_flow import clock
from decision_flow.db import Database
from decision_flow.demo import office, public_voice, water_price
from decision_flow.demo.answers import MEETINGS, minutes
from decision_flow.demo.play import Play, units
from decision_flow.demo.roster import DISTRICT, QINGHE, SHIQIAO
from decision_flow.demo.rural_road import RuralRoad
from decision_flow.documents import FileStore

M, PP, RA, LR, CD = (
    "T_major_decision_", "T_public_participation_", "T_risk_assessment_", "T_legality_review_",
    "T_collective_discussion_",
)  # fmt: skip


def load(database: Database, files: FileStore) -> None:
    """Play all matters; each ends where its title's step is waiting for somebody today."""
    water_price.pools(database)
    for play in (rural_road, *OTHERS):
        matter = play(database, files)
        if play is rural_road:
            office.linked(matter)
        if play is OTHERS[5]:
            public_voice.comment(matter, public_voice.REFUSE)
    water_price.play(database, files)
    office.major_items(database, files)


def rural_road(database: Database, files: FileStore, begun: date | None = None) -> Play:
    """Case A: 农村公路改造工程, from the suggestion to execution with its evaluations scheduled.

    `begun` is the day of the suggestion; by default so long ago that the first evaluation still lies ahead.
    """
    return RuralRoad(database, files, begun or clock.today() - timedelta(days=190)).whole()


def meeting_of(database: Database, against: int = 0) -> dict[str, dict[str, Any]]:
    """Return what a meeting of the town's needs besides typical answers, for `Play.run_to`."""
    told = minutes(["孙丽", "马波", "陈斌", "李强", "徐静"], "高建明", against=against)
    return {
        CD + "02": {"meeting_type": "township_head_meeting", "members_total": 7},
        CD + "06": {"implementing_unit_id": units(database)["清河镇农村公路管理站"], **told},
    }


def _resting(
    title: str,
    organ: str,
    proposer: str,
    unit: str,
    days_ago: int,
    stop: tuple[str, ...],
    *,
    category: str = "public_policy",
    claimed_by: str = "",
    against: int = 0,
    **draft: Any,
) -> Callable[[Database, FileStore], Play]:
    """Return the play of a matter that rests at one of `stop`."""  # fmt: skip

    def play_it(database: Database, files: FileStore) -> Play:
        unit_id, (meeting, members) = units(database)[unit], MEETINGS[organ]
        play = Play(database, files, clock.today() - timedelta(days=days_ago))
        play.suggest(proposer, organ, {
            "matter_name": title, "suggestion_source": "department", "proposer_name": unit,
            "proposer_contact": "0871-60001234", "matter_category": category, "exclusion_type": "none",
            "contains_state_secret": False,
            "summary": f"为解决群众反映集中的问题，{unit}经调研提出{title}，建议列为重大行政决策事项办理。",
        })  # fmt: skip
        opened = play.day
        given: dict[str, dict[str, Any]] = {
            M + "05": {"undertaking_units": [unit_id], "in_catalogue": False},
            M + "09": draft,
            PP + "04a": {
                "open_on": opened.isoformat(),
                "close_on": (opened + timedelta(days=30)).isoformat(),
                "title": f"关于公开征求《{title}》意见的公告",
            },
            CD + "02": {"meeting_type": meeting, "members_total": len(members) + 1},
            CD + "06": {"implementing_unit_id": unit_id, **minutes(list(members[:-1]), members[-1], against=against)},
            "T_expert_argumentation_02": {
                "few_reason": "本领域专家较少，另征求市级专家意见",
                "no_dissent_reason": "公开征集后没有持不同意见的专家报名",
            },
        }
        play.run_to(*stop, given=given)
        if claimed_by:
            play.claim(stop[0], claimed_by)
        return play

    return play_it


_JJ, _GH = "清河镇经济发展办公室", "清河镇规划建设和生态环境办公室"
_NY, _FG, _JT = "石桥镇农业农村办公室", "区发展和改革局", "区交通运输局"

OTHERS: tuple[Callable[[Database, FileStore], Play], ...] = (
    _resting("清河镇集镇停车收费管理办法", QINGHE, "wuting", _JJ, 1, (M + "01",)),
    _resting("清河镇农村人居环境整治三年行动方案", QINGHE, "wuting", _GH, 4, (M + "03",), claimed_by="wuting"),
    _resting("清河镇敬老院改扩建项目", QINGHE, "hanmei", _GH, 6, (M + "04",), category="public_construction"),
    _resting("清河镇古村落保护利用规划", QINGHE, "wuting", _GH, 9, (M + "06",), category="important_plan"),
    _resting("清河镇集贸市场搬迁方案", QINGHE, "wuting", _JJ, 14, (M + "09",), claimed_by="liqiang"),
    _resting("清河镇生活垃圾分类收集点布局方案", QINGHE, "wuting", _GH, 12, (PP + "04a2", "T_required_steps_08"),
             direct_vital_interest=True),
    _resting("清河镇校车线路优化方案", QINGHE, "hanmei", _GH, 48, (LR + "04",), claimed_by="wangmin"),
    _resting("清河镇河道采砂管理方案", QINGHE, "wuting", _GH, 44, (CD + "06",)),
    _resting("石桥镇高标准农田建设方案", SHIQIAO, "taoran", _NY, 8, (M + "09a",), category="public_construction"),
    _resting("石桥镇农贸市场改造方案", SHIQIAO, "taoran", _NY, 50, (LR + "01",)),
    _resting("石桥镇乡村旅游发展规划", SHIQIAO, "taoran", _NY, 52, (M + "16",), category="important_plan"),
    _resting("云岭区城区公交线网优化方案", DISTRICT, "yujia", _JT, 16, ("T_expert_argumentation_05",),
             is_technical=True, public_concern=True),
    _resting("云岭区保障性住房配租办法", DISTRICT, "fenghao", _FG, 55, ("T_party_report_03",), public_concern=True),
    _resting("云岭区老旧小区加装电梯补助办法", DISTRICT, "fenghao", _FG, 58, ("T_publication_01",), public_concern=True,
             against=1),
)  # fmt: skip
