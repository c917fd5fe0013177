"""The law in the product: every duty with where it is held and which test breaks it; the checklist of one matter."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from decision_flow import checklist, late_entries, matters, policy_versions, rules, task_views
from decision_flow.identity import Permission
from web.auth import requires
from web.pages.matters import draw
from web.request import actor, transaction

page = Blueprint("rules", __name__)
STATES = ("done", "open", "later")


@page.get("/rules")
@requires(Permission.PROCEDURE_READ)
def index() -> str:
    """Show every rule: article, duty, how it is enforced, by what, and its tests."""
    state = request.args.get("state", "")
    found = rules.all_rules()
    counts = {name: sum(rule.status == name for rule in found) for name in STATES}
    shown = [rule for rule in found if state not in STATES or rule.status == state]
    return render_template("rules/index.html", rules=shown, counts=counts, total=len(found), state=state)


@page.get("/matters/<int:matter_id>/checklist")
@requires(Permission.MATTER_READ)
def of_matter(matter_id: int) -> str:
    """Show which duties of a matter are done, open, exempt or violated, with what shows it."""
    with transaction(read_only=True) as session:
        entries = checklist.of_matter(session, actor(), matter_id)
        version = policy_versions.began_with(session, matter_id)
        late = late_entries.of_matter(session, matter_id)
        missing = [one.form for entry in entries for one in entry.missing]
        places = task_views.places(session, matters.get(session, actor(), matter_id), missing)
    return draw(matter_id, "checklist", entries=entries, policy=version, entered_late=late, places=places)
