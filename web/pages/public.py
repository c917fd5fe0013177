"""Pages for anyone, without an account: notices, comments, receipts. They set no cookie and follow nobody.

Reading is kept for some seconds in the process, because a notice that a town talks about is read far more
often than it changes. What is kept has a placeholder where each visitor's own token goes.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from decision_flow import clock, comments, hearings, masking, notices, rate_limits
from decision_flow.comments import Comment
from decision_flow.errors import N_, Conflict, Invalid, NotFound
from decision_flow.hearings import Application
from decision_flow.models import NoticeKind
from decision_flow.rate_limits import Limit
from web.auth import public
from web.errors import status_of, told
from web.language import gettext
from web.request import files, language, page_number, settings, transaction

page = Blueprint("public", __name__)

TOKEN = "token-of-this-visitor"  # noqa: S105 - the placeholder for one
KEPT_PAGES = 500
KINDS = {
    "solicitation": N_("征求意见"), "hearing": N_("听证公告"), "hearing_list": N_("听证参加人名单"),
    "adoption": N_("意见采纳情况"), "decision": N_("决策公布"), "interpretation": N_("政策解读"),
    "evaluation": N_("后评估结果"), "expropriation": N_("征收土地公告"),
}  # fmt: skip
SECTIONS = {
    "what": N_("拟决定什么"), "why": N_("为什么提出"), "whom": N_("影响到谁、怎样影响"),
    "short_reason": N_("缩短征求意见期限的说明"), "how": N_("意见提交方式"), "body": N_("内容"),
    "interpretation": N_("解读"), "adoption": N_("意见采纳情况"), "interpreter": N_("解读人"),
    "selection": N_("遴选办法"), "sides": N_("听证参加人构成"), "when": N_("时间和地点"),
    "participants": N_("参加人名单"), "seed": N_("抽取所用种子"), "entries": N_("参加抽取的报名人员"),
    "verify": N_("怎样自己复核"),
    "area": N_("征收范围和安排"), "plan": N_("补偿安置方案"), "objecting": N_("提出异议和申请听证的方式"),
}  # fmt: skip
CHANNELS = {
    "website": N_("政府网站"), "new_media": N_("政务新媒体"), "newspaper": N_("报纸"), "notice_board": N_("公告栏"),
    "broadcast": N_("广播电视"), "gazette": N_("政府公报"), "township_board": N_("乡镇公告栏"),
    "village_board": N_("村、村民小组公告栏"),
}  # fmt: skip
# What a period is for, and what the paper beside a notice is called; the other kinds have the first.
RUNNING = {"solicitation": N_("正在征求意见"), "hearing": N_("正在报名"), "expropriation": N_("正在公告")}
PAPERS = {"interpretation": N_("解读材料"), "expropriation": N_("公告文本")}
POSITIONS = {"support": N_("支持"), "oppose": N_("反对"), "suggest": N_("建议")}
# Which of the five kinds of openness a page serves (Organic Law of Local People's Congresses and Governments, Art. 66).
OPENNESS = {"decision": N_("决策公开"), "evaluation": N_("结果公开"), "interpretation": N_("决策公开")}


@page.get("/notices")
@public
def index() -> Response:
    """List the notices, those that can be answered now first among the filters."""
    return _kept(_index)


def _index() -> str:
    words, kind = request.args.get("text", "")[:80], request.args.get("kind", "")
    when = request.args.get("when", "")
    with transaction(read_only=True) as session:
        found = notices.listing(session, words=words, kind=kind if kind in KINDS else "", when=when, page=page_number())
    return render_template(
        "public/index.html",
        found=found,
        words=words,
        kind=kind,
        when=when,
        kinds=KINDS,
        running=RUNNING,
        today=clock.today(),
    )


@page.get("/notices/<number>")
@public
def show(number: str) -> Response:
    """Show a notice, and the form for a comment while its period runs."""
    return _kept(lambda: _notice(number))


@page.post("/notices/<number>/comments")
@public
def comment(number: str) -> BaseResponse | tuple[str, int]:
    """Take a comment and answer with its receipt; whatever is wrong, what was typed is shown again."""
    typed = {name: request.form.get(name, "") for name in ("content", "position", "name", "contact", "token")}
    typed["position"] = typed["position"] or "suggest"
    try:
        wait = _over(_comment_limits())
        if wait:
            return _slowed(wait, lambda: _notice(number, typed=typed, problem=_wait_text(wait)))
        with transaction() as session:
            opinion, _new = comments.submit(session, number, Comment(**typed, source=_source()))
            receipt = opinion.receipt
    except Invalid as error:
        return _notice(number, typed=typed, errors=error.errors, problem=told(error)), 422
    except Conflict as error:
        return _notice(number, typed=typed, problem=told(error)), status_of(error)
    return redirect(url_for("public.receipt", number=receipt, new=1), code=303)


@page.post("/notices/<number>/enrolments")
@public
def enrol(number: str) -> BaseResponse | tuple[str, int]:
    """Enrol somebody for a hearing and show the number; whatever is wrong, what was typed is shown again."""
    typed = {name: request.form.get(name, "") for name in ("name", "side", "contact", "view", "token")}
    typed["is_civil_servant"] = request.form.get("is_civil_servant", "")
    try:
        wait = _over(_comment_limits())
        if wait:
            return _slowed(wait, lambda: _notice(number, typed=typed, problem=_wait_text(wait)))
        with transaction() as session:
            told_of = {**typed, "is_civil_servant": typed["is_civil_servant"] == "1"}
            enrolment, _new = hearings.enrol(session, number, Application(**told_of))  # type: ignore[arg-type]
            receipt = enrolment.receipt
    except Invalid as error:
        return _notice(number, typed=typed, errors=error.errors, problem=told(error)), 422
    except Conflict as error:
        return _notice(number, typed=typed, problem=told(error)), status_of(error)
    return make_response(_notice(number, enrolled=receipt), 201)


@page.get("/receipts")
@public
def receipts() -> BaseResponse | tuple[str, int] | str:
    """Ask for a receipt number, or go to the one that was typed."""
    typed = request.args.get("no", "").strip()[:40]
    if not typed:
        return render_template(
            "public/receipt.html", opinion=None, typed="", problem="", new=False, positions=POSITIONS
        )
    return _receipt(typed)


@page.get("/receipts/<number>")
@public
def receipt(number: str) -> BaseResponse | tuple[str, int] | str:
    """Show what became of the comment with this receipt; name and contact are covered."""
    return _receipt(number[:40])


@page.get("/notices/<number>/files/<int:document_id>")
@public
def file(number: str, document_id: int) -> Response:
    """Return the draft or the explanation of a notice as an attachment."""
    with transaction(read_only=True) as session:
        notice = notices.by_number(session, number)
    paper = next((one for one in (notice.draft, notice.explanation) if one and one.id == document_id), None)
    if paper is None or not files().path(paper.sha256).exists():
        raise NotFound(N_("没有这份文件，请核对网址。"))
    return send_file(
        files().path(paper.sha256).absolute(), mimetype="application/octet-stream", as_attachment=True,
        download_name=paper.name,
    )  # fmt: skip


def _receipt(typed: str) -> BaseResponse | tuple[str, int] | str:
    wait = _over((Limit("receipt", settings().lookups_per_minute, 60),))
    if wait:
        return _slowed(wait, lambda: _drawn_receipt(typed, problem=_wait_text(wait)))
    try:
        with transaction(read_only=True) as session:
            opinion = comments.by_receipt(session, typed)
    except NotFound as error:
        return _drawn_receipt(typed, problem=told(error)), 404
    name = masking.name(opinion.person_or_org)
    contact = masking.contact(opinion.contact)
    return _drawn_receipt(typed, opinion=opinion, name=name, contact=contact, new=request.args.get("new") == "1")


def _drawn_receipt(typed: str, **shown: Any) -> str:
    base = {"opinion": None, "typed": typed, "problem": "", "new": False, "positions": POSITIONS}
    return render_template("public/receipt.html", **{**base, **shown})


def _notice(number: str, **shown: Any) -> str:
    with transaction(read_only=True) as session:
        view = notices.view(session, number)
    base: dict[str, Any] = {"typed": {"token": TOKEN}, "errors": {}, "problem": "", "enrolled": ""}
    return render_template(
        "public/notice.html", view=view, notice=view.notice, kinds=KINDS, section_names=SECTIONS, channels=CHANNELS,
        positions=POSITIONS, openness=gettext(OPENNESS.get(view.notice.kind, N_("决策公开"))),
        running=RUNNING.get(view.notice.kind, ""), paper_name=PAPERS.get(view.notice.kind, N_("草案说明")),
        takes_comments=view.notice.kind == NoticeKind.SOLICITATION and view.is_open, **{**base, **shown},
    )  # fmt: skip


def _kept(draw: Any) -> Response:
    """Return a page drawn some seconds ago at most, with this visitor's own token in it."""
    store: dict[Any, tuple[float, str]] = current_app.extensions.setdefault("public_pages", {})
    seconds = settings().public_cache_seconds
    key = (request.full_path, language(), request.cookies.get("df_size", ""), clock.today())
    kept = store.get(key)
    now = time.monotonic()
    if kept is None or kept[0] <= now:
        html = draw()
        if seconds > 0:
            if len(store) >= KEPT_PAGES:
                store.clear()
            store[key] = (now + seconds, html)
    else:
        html = kept[1]
    return make_response(html.replace(TOKEN, secrets.token_urlsafe(16)))


def _comment_limits() -> tuple[Limit, ...]:
    return (
        Limit("comment-minute", settings().comments_per_minute, 60),
        Limit("comment-day", settings().comments_per_day, 86400),
    )


def _source() -> str:
    return rate_limits.source_of(request.remote_addr or "", settings().key())


def _over(limits: tuple[Limit, ...]) -> int:
    """Count one attempt from this address; return the seconds to wait, 0 when it is within the limits."""
    # A transaction of its own: an attempt counts, whatever comes of it.
    with transaction() as session:
        return rate_limits.hit(session, _source(), limits).retry_after


def _slowed(seconds: int, draw: Any) -> BaseResponse:
    response: BaseResponse = make_response(draw(), 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _wait_text(seconds: int) -> str:
    if seconds <= 60:
        return gettext("提交过于频繁，请%(seconds)s秒后再试。您填写的内容还在，没有丢失。", seconds=seconds)
    return gettext("今天从这个网络提交的次数已达上限，请明天再试，或者用信函、电话提出。您填写的内容还在，没有丢失。")
