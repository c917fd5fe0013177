"""The opinion ledger of a matter, and its notices as the office sees them: bulk work, entry by hand, import."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from decision_flow import formalities, matters, notices, opinion_files, opinions, typed_in
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.identity import Permission
from decision_flow.models import Matter, Notice
from decision_flow.opinion_entries import Entry, entry_errors
from decision_flow.opinions import LedgerQuery
from web.auth import requires
from web.errors import status_of, told
from web.language import gettext
from web.pages.public import CHANNELS as NOTICE_CHANNELS
from web.pages.public import KINDS, POSITIONS
from web.request import actor, page_number, transaction

page = Blueprint("opinions", __name__)

CHANNELS = {
    "website": N_("网站"), "letter": N_("信函"), "phone": N_("电话"), "meeting": N_("座谈走访"),
    "hearing": N_("听证会"), "questionnaire": N_("问卷"),
}  # fmt: skip
DISPOSITIONS = {
    "pending": N_("待研究"), "adopted": N_("采纳"), "partly": N_("部分采纳"), "not_adopted": N_("未采纳"),
}  # fmt: skip


@page.get("/matters/<int:matter_id>/opinions")
@requires(Permission.MATTER_READ)
def ledger(matter_id: int) -> str:
    """Show one page of the ledger."""
    return _page(matter_id)


@page.post("/matters/<int:matter_id>/opinions")
@requires(Permission.TASK_WORK)
def work(matter_id: int) -> Response | tuple[str, int]:
    """Dispose of, group or assign the ticked opinions, or all that the filter finds."""
    sent = request.form
    which: list[int] | LedgerQuery = (
        _query() if sent.get("all") == "1" else [typed_in.number(key) for key in sent.getlist("chosen")][:500]
    )
    action = sent.get("action", "")
    try:
        with transaction() as session:
            if action == "dispose":
                given = (sent.get("disposition", ""), sent.get("reason", ""))
                count = opinions.dispose(session, actor(), matter_id, which, *given)
            elif action == "group":
                count = opinions.group(session, actor(), matter_id, which, sent.get("group_label", ""))
            elif action == "assign":
                wanted = typed_in.number(sent.get("assignee_id"))
                count = opinions.assign(session, actor(), matter_id, which, wanted)
            else:
                raise NotFound(N_("没有这个操作。"))
    except Invalid as error:
        return _page(matter_id, errors=error.errors, problem=told(error)), 422
    except Conflict as error:
        return _page(matter_id, problem=told(error)), status_of(error)
    flash(gettext("已办理%(n)s条意见。", n=count), "success")
    return redirect(request.full_path.rstrip("?"))


@page.post("/matters/<int:matter_id>/opinions/entries")
@requires(Permission.TASK_WORK)
def enter(matter_id: int) -> Response | tuple[str, int]:
    """Enter an opinion that came on paper, by telephone or at a meeting."""
    names = ("channel", "content", "position", "person_or_org", "contact", "group_label", "received_on")
    typed = {name: request.form.get(name, "") for name in names}
    try:
        received, wrong = _day(typed["received_on"])
        entry = Entry(**{**typed, "received_on": received})  # type: ignore[arg-type]
        if wrong:
            raise Invalid(wrong, errors={**entry_errors(entry), "received_on": [wrong]})
        with transaction() as session:
            receipt = opinions.enter(session, actor(), matter_id, entry).receipt
    except Invalid as error:
        return _page(matter_id, written=typed, entry_errors=error.errors), 422
    flash(gettext("已录入，回执编号%(no)s。", no=receipt), "success")
    return redirect(url_for("opinions.ledger", matter_id=matter_id))


@page.post("/matters/<int:matter_id>/opinions/import")
@requires(Permission.TASK_WORK)
def bring(matter_id: int) -> Response | tuple[str, int]:
    """Import a file of opinions: all rows, or none with every error by row."""
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid(gettext("请选择文件。"), errors={"file": [N_("请选择文件。")]})
        content = sent.stream.read(opinion_files.MAX_BYTES + 1)
        with transaction() as session:
            done = opinion_files.import_file(session, actor(), matter_id, sent.filename, content)
    except Invalid as error:
        return _page(matter_id, import_errors=error.errors, import_problem=told(error)), 422
    if done.duplicates:
        rows = "、".join(str(row) for row in done.duplicates[:30])
        flash(gettext("已导入%(n)s条；第%(rows)s行与台账中的意见重复，没有导入。", n=done.added, rows=rows), "warning")
    else:
        flash(gettext("已导入%(n)s条意见。", n=done.added), "success")
    return redirect(url_for("opinions.ledger", matter_id=matter_id))


@page.get("/matters/<int:matter_id>/notices")
@requires(Permission.MATTER_READ)
def notices_of(matter_id: int) -> str:
    """Show the notices of a matter; its organ's disclosure officer may withdraw and republish."""
    return _notices(matter_id)


@page.post("/matters/<int:matter_id>/notices/<int:notice_id>/withdraw")
@requires(Permission.TASK_WORK)
def withdraw(matter_id: int, notice_id: int) -> Response | tuple[str, int]:
    """Withdraw a faulty notice, with the reason that the public will read."""
    try:
        with transaction() as session:
            notices.withdraw(session, actor(), notice_id, request.form.get("reason", ""))
    except (Invalid, Conflict) as error:
        return _notices(matter_id, problem=told(error), errors=getattr(error, "errors", {}), at=notice_id), status_of(
            error
        )
    flash(gettext("公告已撤回。请重新发布，期限重新计算。"), "success")
    return redirect(url_for("opinions.notices_of", matter_id=matter_id))


@page.post("/matters/<int:matter_id>/notices/<int:notice_id>/republish")
@requires(Permission.TASK_WORK)
def republish(matter_id: int, notice_id: int) -> Response | tuple[str, int]:
    """Publish a corrected solicitation in the place of a withdrawn one."""
    names = ("title", "body", "purpose", "affected", "open_on", "close_on", "short_reason_public", "how_to_submit")
    typed: dict[str, Any] = {name: request.form.get(name, "")[:8000] for name in names}
    typed["channels"] = [one for one in request.form.getlist("channels") if one in NOTICE_CHANNELS]
    try:
        wrong = {name: [text] for name in ("open_on", "close_on") if (text := _day(typed[name])[1])}
        if wrong:
            raise Invalid(gettext("公告没有发布，请按提示修改。"), errors=wrong)
        with transaction() as session:
            fresh = formalities.republish(session, actor(), notice_id, typed).number
    except (Invalid, Conflict) as error:
        errors = getattr(error, "errors", {})
        return _notices(matter_id, problem=told(error), errors=errors, typed=typed, at=notice_id), status_of(error)
    flash(gettext("已重新发布，编号%(no)s。", no=fresh), "success")
    return redirect(url_for("opinions.notices_of", matter_id=matter_id))


def _page(matter_id: int, **shown: Any) -> str:
    query = _query()
    with transaction(read_only=True) as session:
        matter = matters.get(session, actor(), matter_id, joinedload(Matter.undertaking_unit))
        found = opinions.ledger(session, actor(), matter_id, query)
        keeps = opinions.may_keep(actor(), matter)
        people = opinions.colleagues(session, matter_id) if keeps else []
    base = {
        "errors": {}, "problem": "", "written": {}, "entry_errors": {}, "import_errors": {}, "import_problem": "",
    }  # fmt: skip
    return render_template(
        "opinions/ledger.html", matter=matter, found=found, query=query, keeps=keeps, people=people,
        channels=CHANNELS, positions=POSITIONS, dispositions=DISPOSITIONS, filters=request.args.to_dict(),
        **{**base, **shown},
    )  # fmt: skip


def _notices(matter_id: int, **shown: Any) -> str:
    with transaction(read_only=True) as session:
        matter = matters.get(session, actor(), matter_id)
        rows = notices.of_matter(session, matter_id)
        may = notices.may_publish_for(actor(), matter)
    base: dict[str, Any] = {"problem": "", "errors": {}, "typed": None, "at": 0}
    replaced = {row.replaces_id for row in rows}
    return render_template(
        "opinions/notices.html", matter=matter, rows=rows, may=may, kinds=KINDS, replaced=replaced,
        channels=NOTICE_CHANNELS, sections_of=_sections_of, **{**base, **shown},
    )  # fmt: skip


def _sections_of(notice: Notice) -> dict[str, Any]:
    """The former notice as first answers for the corrected one, without its dates: they are counted anew."""
    told_of = {entry["name"]: entry["text"] for entry in notice.sections}
    names = {"body": "what", "purpose": "why", "affected": "whom", "how_to_submit": "how"}
    return {
        "title": notice.title,
        "channels": notice.channels,
        "open_on": "",
        "close_on": "",
        "short_reason_public": notice.short_reason,
        **{field: told_of.get(name, "") for field, name in names.items()},
    }


def _query() -> LedgerQuery:
    told_of = request.args
    return LedgerQuery(
        words=told_of.get("text", "")[:80],
        disposition=told_of.get("disposition", "")[:12],
        position=told_of.get("position", "")[:10],
        channel=told_of.get("channel", "")[:20],
        group=told_of.get("group", "")[:60],
        assignee=typed_in.number(told_of.get("assignee")),
        page=page_number(),
    )


def _day(value: str) -> tuple[date | None, str]:
    """Return (date, "") or (None, what is wrong); an empty text is no date and not wrong."""
    try:
        return (date.fromisoformat(value) if value.strip() else None), ""
    except ValueError:
        return None, N_("日期写法不正确，请写成2026-05-08。")
