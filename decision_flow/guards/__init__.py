"""The law as pure rules over facts: what must stand before an act counts, whatever diagram runs (section G-*).

`FORMS`, `EFFECTS` and `STEPS` say which guard an act asks; `decision_flow.guarding` reads the facts and asks it
under the matter's lock, for page, interface, worker and import alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from decision_flow.guards import archive, decide, evaluator, execution, initiate, legality, meeting, publish
from decision_flow.guards.facts import Facts
from decision_flow.guards.said import Found

Guard = Callable[[Facts], Found]


def _to_sign(facts: Facts) -> Found:
    yield from meeting.to_meet(facts)
    yield from decide.to_decide(facts)


def _to_minute(facts: Facts) -> Found:
    yield from meeting.to_meet(facts)
    yield from decide.to_close_minutes(facts)


# The form that carries an act: asked before it is completed, with its answers counted as given.
FORMS: Mapping[str, tuple[str, Guard]] = {
    "F-03": ("G-INITIATE", initiate.to_decide_on_start),
    "F-06": ("G-CHANGE", execution.to_rewrite),
    "F-11": ("G-CHANGE", execution.to_rewrite),
    "F-13c": ("G-CHANGE", execution.to_rewrite),
    "F-12": ("G-LEGALITY", legality.to_review),
    "F-13": ("G-LEGALITY", legality.to_conclude),
    "F-13s": ("G-LEGALITY", legality.to_sign),
    "F-14": ("G-MEETING", meeting.to_submit),
    "F-15a": ("G-MEETING", meeting.to_submit),
    "F-15b": ("G-MEETING", meeting.to_submit),
    "F-15": ("G-DECIDE", _to_minute),
    "F-15s": ("G-DECIDE", _to_sign),
    "F-17b": ("G-PUBLISH", publish.to_publish),
    "F-18": ("G-PUBLISH", publish.to_execute),
    "F-35": ("G-SUSPEND", execution.to_suspend),
    "F-40": ("G-EVALUATOR", evaluator.to_report),
    "F-24": ("G-ARCHIVE", archive.to_archive),
}
EFFECTS: Mapping[str, tuple[str, Guard]] = {
    "freeze_draft": ("G-CHANGE", execution.to_rewrite),
    "record_decision": ("G-DECIDE", _to_sign),
    "record_publication": ("G-PUBLISH", publish.to_publish),
    "schedule_evaluations": ("G-PUBLISH", publish.to_execute),
    "suspend_execution": ("G-SUSPEND", execution.to_suspend),
    "end_execution": ("G-CHANGE", execution.to_end),
    "resume_execution": ("G-CHANGE", execution.to_resume),
    "archive_part": ("G-ARCHIVE", archive.to_archive),
}
# A task of one of these steps is guarded even when its drawing gives it a form of its own.
STEPS: Mapping[str, tuple[str, Guard]] = {
    "collective_discussion": ("G-MEETING", meeting.to_submit),
    "publication": ("G-PUBLISH", publish.approved),
    "party_report": ("G-DECIDE", publish.approved),
    "execution": ("G-PUBLISH", publish.to_execute),
}
FINISH: tuple[str, Guard] = ("G-ARCHIVE", archive.to_finish)
# Rows that only ask to be recorded: the trail names them where the form that shows them is completed.
RECORDED: Mapping[str, str] = {"F-16": "R-04", "F-16b": "R-04"}
# The minutes of 三重一大 are kept by the same rules, but its procedure is another.
MINUTES: Mapping[str, tuple[str, Guard]] = {
    "F-15": ("G-DECIDE", decide.to_close_minutes),
    "F-15s": ("G-DECIDE", decide.to_decide),
}
