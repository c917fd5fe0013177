"""The one table from domain error to status, and how an error is told: page or problem+json."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import structlog
from flask import Flask, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from decision_flow import audit
from decision_flow import errors as domain
from decision_flow.audit import EventName
from decision_flow.errors import N_
from decision_flow.models import Matter, Task
from decision_flow.whole_files import NO_ROOM
from web.language import gettext, said
from web.presentation import basis
from web.request import came_from, transaction, wants_json

log = structlog.get_logger(__name__)

STATUS: dict[type[domain.DecisionFlowError], int] = {
    domain.DecisionFlowError: 400,
    domain.NotAuthenticated: 401,
    domain.NotPermitted: 403,
    domain.NotFound: 404,
    domain.Conflict: 409,
    domain.Refused: 409,
    domain.Barred: 403,
    domain.Invalid: 422,
    domain.NotConforming: 422,
    domain.ProcedureFault: 500,
}
HEADINGS = {
    403: N_("您不能办理此事"),
    404: N_("没有找到"),
    409: N_("现在不能办理"),
    413: N_("上传内容过大"),
    422: N_("填写有误"),
    500: N_("系统出现故障"),
    503: N_("暂时不能办理"),
}
HTTP_TEXTS = {
    400: N_("请求不完整，请返回后重试。"),
    404: N_("没有这个页面，或者您无权查看。"),
    405: N_("不能这样访问这个地址。"),
    413: N_("上传的内容过大，请拆分或压缩后重试。"),
    500: N_("系统出现故障，您填写的内容没有提交。请稍后重试；仍不成功的，请把编号告知系统管理员。"),
    503: N_("数据库没有应答，或者磁盘空间不足，您填写的内容没有提交。请稍后重试；仍不成功的，请把编号告知系统管理员。"),
}
# What the machine says when it can keep, or hold open, no more.
EXHAUSTED = (*NO_ROOM, errno.EROFS, errno.EMFILE, errno.ENFILE)
STALE = N_("页面停留时间过长，安全校验已失效。请返回上一页刷新后重新提交，已暂存的内容不会丢失。")


def status_of(error: domain.DecisionFlowError) -> int:
    """Return the status of an error: its own class's, or that of the nearest class above."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def told(error: domain.DecisionFlowError) -> str:
    """Return the sentence of an error in the reader's language."""
    return filled(error.message, error.values)


def filled(message: str, values: Mapping[str, object]) -> str:
    """Return a sentence in the reader's language with its values; names in a row stand apart as that language does."""
    mark = gettext("、")
    told_of = {
        key: (said(value) if isinstance(value, domain.Text) else value).replace("、", mark)
        if isinstance(value, str)
        else value
        for key, value in values.items()
    }
    return gettext(message) % told_of if values else gettext(message)


def told_with_rule(error: domain.DecisionFlowError) -> str:
    """Return the sentence of an error and, of a refusal by the law, its rule and article."""
    if not isinstance(error, domain.Refused):
        return told(error)
    return gettext("%(told)s（%(rule)s，%(article)s）", told=told(error), rule=error.rule, article=basis(error.article))


def by_field(error: domain.DecisionFlowError, otherwise: str = "") -> dict[str, list[str]]:
    """Return what is wrong with each field in the reader's language; what names no field stands at `otherwise`."""
    errors = error.errors if isinstance(error, domain.Invalid) else {}
    return {path: [said(text) for text in texts] for path, texts in errors.items()} or {
        otherwise: [told_with_rule(error)]
    }


def refusals(error: domain.Refused) -> list[dict[str, str]]:
    """Return each thing that is missing: `rule`, `article`, `text`, `todo` in the reader's language, and the `form`."""
    return [
        {
            "rule": refusal.rule,
            "article": refusal.article,
            "text": filled(refusal.message, refusal.values),
            "todo": gettext(refusal.todo) if refusal.todo else "",
            "form": refusal.form,
        }
        for refusal in error.refusals
    ]


def handle(app: Flask) -> None:
    """Register the handlers of `app`. Nobody signed in: `pages/sign_in.py` asks for it."""

    @app.errorhandler(domain.DecisionFlowError)
    def domain_error(error: domain.DecisionFlowError) -> tuple[Response | str, int]:
        status = status_of(error)
        record_refusal(error)
        if isinstance(error, domain.ProcedureFault):
            log.error("procedure_fault", element=error.element, expression=error.expression, told=str(error))
        facts: dict[str, object] = {"code": error.code}
        if isinstance(error, domain.Refused):
            facts |= {"rule": error.rule, "article": error.article, "refusals": refusals(error)}
        if isinstance(error, domain.Invalid):
            facts["errors"] = by_field(error) if error.errors else {}
        return answer(status, told(error), **facts), status

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> tuple[Response | str, int]:
        return answer(400, gettext(STALE), code="stale_page"), 400

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | tuple[Response | str, int]:
        code = error.code or 500
        if code < 400:
            return error.get_response()
        return answer(code, gettext(HTTP_TEXTS.get(code, HTTP_TEXTS[400])), code=f"http_{code}"), code

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(TimeoutError)
    def away(error: SQLAlchemyError) -> tuple[Response | str, int]:
        # The database is away, full or too busy: nobody's mistake, and nothing of it is stored.
        log.exception("database_away", path=_where())
        return answer(503, gettext(HTTP_TEXTS[503]), code="unavailable"), 503

    @app.errorhandler(OSError)
    def no_room(error: OSError) -> tuple[Response | str, int]:
        if error.errno not in EXHAUSTED:
            return fault(error)
        log.exception("no_room", path=_where())
        return answer(503, gettext(HTTP_TEXTS[503]), code="unavailable"), 503

    @app.errorhandler(Exception)
    def fault(error: Exception) -> tuple[Response | str, int]:
        # The request id stands in the log beside the traceback: with it the administrator finds the cause.
        log.exception("fault", path=_where())
        return answer(500, gettext(HTTP_TEXTS[500]), code="fault"), 500


def answer(status: int, text: str, **facts: object) -> Response | str:
    """Return an error as problem+json (RFC 9457) where that was asked for, else as a page."""
    number = g.get("request_id", "")
    if wants_json():
        heading = gettext(HEADINGS.get(status, N_("未能办理")))
        response = jsonify(title=heading, detail=text, status=status, instance=number, **facts)
        response.mimetype = "application/problem+json"
        return response
    shown = {"rule": "", "article": "", "errors": {}, "refusals": [], **facts}
    heading = HEADINGS.get(status, N_("未能办理"))
    return render_template(
        "errors/error.html", status=status, heading=heading, text=text, number=number, back=came_from(), **shown
    )


def record_refusal(error: domain.DecisionFlowError) -> None:
    """Record that somebody was refused, on the stream of the matter if the address names one.

    The refused transaction is gone, so this one stands alone. Errors that are no refusal are left alone.
    """
    who = g.get("actor")
    if who is None or not isinstance(error, domain.Refused | domain.NotPermitted):
        return
    if isinstance(error, domain.Refused) and error.recorded:
        return
    try:
        with transaction() as session:
            matter_id, task_id = _subject(session)
            audit.append(
                session,
                audit.matter_stream(matter_id) if matter_id else audit.ACCESS,
                EventName.ACTION_REFUSED,
                actor=who,
                matter_id=matter_id,
                task_id=task_id,
                result="refused",
                rules=error.rules if isinstance(error, domain.Refused) else [],
                facts={"path": request.path[:200], "method": request.method, "told": str(error)[:500]},
            )
    except (SQLAlchemyError, domain.DecisionFlowError):
        # The person is told of the refusal in any case.
        log.exception("refusal_not_recorded", path=_where())


def _where() -> str:
    """Return the address for the log; where a part of it is somebody's secret (receipt, calendar), its pattern."""
    return str(request.url_rule) if request.blueprint in ("public", "messages") else request.path


def _subject(session: Session) -> tuple[int | None, int | None]:
    named = request.view_args or {}
    if task := session.get(Task, named.get("task_id", 0)):
        return task.matter_id, task.id
    matter = session.get(Matter, named.get("matter_id", 0))
    return (matter.id if matter else None), None
