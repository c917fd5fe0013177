"""One's notices, which of them are mailed, and the feed of one's deadlines for a calendar program."""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from decision_flow import feeds, notifications, wording
from decision_flow.identity import Permission
from web.auth import public, requires
from web.language import gettext
from web.request import actor, language, page_number, settings, transaction

page = Blueprint("messages", __name__, url_prefix="/messages")
PER_PAGE = 20


@page.get("")
@requires(Permission.ACCOUNT_OWN)
def index() -> str:
    """List one's notices."""
    unread = request.args.get("show") == "unread"
    with transaction(read_only=True) as session:
        rows, total = notifications.mine(session, actor().user_id, unread=unread, page=page_number(), per_page=PER_PAGE)
        choices = feeds.choices(session, actor())
        over = notifications.settled(session, rows)
    told = [(row, wording.say(row.event, row.payload, language())) for row in rows]
    return render_template(
        "messages/index.html", told=told, over=over, total=total, unread=unread, page=page_number(),
        pages=max(1, -(-total // PER_PAGE)), choices=choices, events=feeds.EVENTS, mail=bool(settings().smtp_host),
    )  # fmt: skip


@page.get("/count")
@requires(Permission.ACCOUNT_OWN)
def count() -> Response:
    """Return how many are unread, for the badge."""
    with transaction(read_only=True) as session:
        return jsonify(unread=notifications.count_unread(session, actor().user_id))


@page.get("/<int:notice_id>")
@requires(Permission.ACCOUNT_OWN)
def follow(notice_id: int) -> Response:
    """Note a notice as read and go to what it is about."""
    with transaction() as session:
        notifications.mark_read(session, actor().user_id, notice_id)
        target = notifications.target(session, actor().user_id, notice_id)
    if target is None:
        return redirect(url_for("messages.index"))
    task_id, matter_id, event = target
    if task_id:
        return redirect(url_for("tasks.show", task_id=task_id))
    if matter_id and event.startswith("evaluation."):
        return redirect(url_for("evaluations.watch", matter_id=matter_id))
    if matter_id and event.startswith("exception."):
        return redirect(url_for("exceptions.show", matter_id=matter_id))
    if matter_id and event == "timer.refused":
        return redirect(url_for("rules.of_matter", matter_id=matter_id))
    return redirect(url_for("matters.show", matter_id=matter_id) if matter_id else url_for("inbox.show"))


@page.post("/read")
@requires(Permission.ACCOUNT_OWN)
def read() -> Response:
    """Note all one's notices as read."""
    with transaction() as session:
        notifications.mark_read(session, actor().user_id)
    return redirect(url_for("messages.index"))


@page.post("/choices")
@requires(Permission.ACCOUNT_OWN)
def choose() -> Response:
    """Keep which notices are mailed."""
    with transaction() as session:
        feeds.choose(session, actor(), request.form.get("mail", ""), request.form.getlist("event"))
    flash(gettext("已保存。"), "success")
    return redirect(url_for("messages.index"))


@page.post("/feed")
@requires(Permission.ACCOUNT_OWN)
def feed_address() -> Response:
    """Make a new secret address for one's calendar; the one before stops working."""
    with transaction() as session:
        token = feeds.new_address(session, actor())
    address = url_for("messages.feed", token=token, _external=True)
    flash(
        gettext("日历地址：%(address)s。只显示一次，请复制到日历软件中订阅；重新生成后旧地址失效。", address=address),
        "secret",
    )
    return redirect(url_for("messages.index"))


@page.get("/calendar/<token>.ics")
@public
def feed(token: str) -> Response:
    """Return the open deadlines of whoever has this secret address, as iCalendar."""
    with transaction(read_only=True) as session:
        content = feeds.calendar(session, token, settings())
    return Response(content, mimetype="text/calendar", headers={"Cache-Control": "private, max-age=600"})
