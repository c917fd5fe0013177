"""The inbox: what waits for me, what I may take, what I did, what I started."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import exceptions, inbox, tasks, typed_in
from decision_flow.errors import DecisionFlowError
from decision_flow.identity import Permission
from decision_flow.inbox import TABS, InboxQuery
from decision_flow.steps import StatutoryStep
from web.auth import requires
from web.errors import told
from web.language import gettext
from web.request import actor, page_number, transaction

page = Blueprint("inbox", __name__)


@page.get("/inbox")
@requires(Permission.ACCOUNT_OWN)
def show() -> str:
    """Show one page of the inbox."""
    tab = request.args.get("tab", "")
    query = InboxQuery(
        tab=tab if tab in TABS else "todo",
        text=request.args.get("text", "")[:80],
        step=request.args.get("step", ""),
        due=request.args.get("due", ""),
        sort=request.args.get("sort", "due"),
        page=page_number(),
    )
    with transaction(read_only=True) as session:
        found = inbox.inbox(session, actor(), query)
        to_approve = exceptions.waiting(session, actor())
        if not tab and not found.counters.todo and found.counters.claimable:
            # Nothing in hand but something to take: show that instead of an empty list.
            query = replace(query, tab="claimable")
            found = inbox.inbox(session, actor(), query)
    return render_template(
        "inbox/show.html", found=found, query=query, to_approve=to_approve, steps=list(StatutoryStep)
    )


@page.post("/inbox/claim")
@requires(Permission.TASK_WORK)
def claim() -> Response:
    """Claim several tasks at once; what somebody else took meanwhile is told and stops nothing."""
    taken = 0
    for value in request.form.getlist("task")[:100]:
        try:
            with transaction() as session:
                tasks.claim(session, actor(), typed_in.number(value))
            taken += 1
        except DecisionFlowError as error:
            flash(told(error), "warning")
    if not request.form.getlist("task"):
        flash(gettext("请先选择要签收的任务。"), "warning")
    if taken:
        flash(gettext("已签收%(n)s项任务。", n=taken), "success")
    return redirect(url_for("inbox.show", tab="todo" if taken else "claimable"))
