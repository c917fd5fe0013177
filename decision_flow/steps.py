"""The statutory steps of a major administrative decision: the one enumeration, in the law's order."""

from __future__ import annotations

from enum import StrEnum


class StatutoryStep(StrEnum):
    """A step that Decree 713 (or the law beside it) prescribes; the value is what a model writes."""

    INITIATION = "initiation"
    DRAFTING = "drafting"
    PUBLIC_PARTICIPATION = "public_participation"
    EXPERT_ARGUMENTATION = "expert_argumentation"
    RISK_ASSESSMENT = "risk_assessment"
    FAIR_COMPETITION_REVIEW = "fair_competition_review"
    LEGALITY_REVIEW = "legality_review"
    COLLECTIVE_DISCUSSION = "collective_discussion"
    PARTY_REPORT = "party_report"
    PUBLICATION = "publication"
    EXECUTION = "execution"
    ARCHIVING = "archiving"
    EVALUATION = "evaluation"

    @property
    def label(self) -> str:
        """The legal name in Chinese."""
        return _NAMES[self][0]

    @property
    def label_en(self) -> str:
        """The name in English."""
        return _NAMES[self][1]

    @property
    def article(self) -> str:
        """Where the step is prescribed."""
        return _NAMES[self][2]


_NAMES: dict[StatutoryStep, tuple[str, str, str]] = {
    StatutoryStep.INITIATION: ("启动", "Initiation", "条例第十条、第十一条"),
    StatutoryStep.DRAFTING: ("拟订", "Drafting", "条例第十二条、第十三条"),
    StatutoryStep.PUBLIC_PARTICIPATION: ("公众参与", "Public participation", "条例第十四条至第十八条"),
    StatutoryStep.EXPERT_ARGUMENTATION: ("专家论证", "Expert argumentation", "条例第十九条至第二十一条"),
    StatutoryStep.RISK_ASSESSMENT: ("风险评估", "Risk assessment", "条例第二十二条至第二十四条"),
    StatutoryStep.FAIR_COMPETITION_REVIEW: (
        "公平竞争审查",
        "Fair competition review",
        "条例第二十九条、公平竞争审查条例",
    ),
    StatutoryStep.LEGALITY_REVIEW: ("合法性审查", "Legality review", "条例第二十五条至第二十八条"),
    StatutoryStep.COLLECTIVE_DISCUSSION: ("集体讨论决定", "Collective discussion", "条例第二十九条、第三十条"),
    StatutoryStep.PARTY_REPORT: ("请示报告", "Party report", "条例第三十一条"),
    StatutoryStep.PUBLICATION: ("公布", "Publication", "条例第三十二条"),
    StatutoryStep.EXECUTION: ("执行", "Execution", "条例第三十四条、第三十五条"),
    StatutoryStep.ARCHIVING: ("归档", "Archiving", "条例第三十三条"),
    StatutoryStep.EVALUATION: ("后评估", "Post-decision evaluation", "条例第三十六条"),
}
