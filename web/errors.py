"""The one table from domain error to status, and how an error is told: page or problem+json."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

import structlog
from flask import Flask, g, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from decision_flow import audit
from decision_flow import errors as domain
from decision_flow.audit import EventName
from decision_flow.errors import N_
from web.language import gettext
from web.request import transaction

log = structlog.get_logger(__name__)

STATUS: dict[type[domain.DecisionFlowError], int] = {
    domain.DecisionFlowError: 400,
    domain.NotAuthenticated: 401,
    domain.NotPermitted: 403,
    domain.NotFound: 404,
    domain.Conflict: 409,
    domain.Refused: 409,
    domain.Invalid: 422,
    domain.NotConforming: 422,
    domain.ProcedureFault: 500,
}
HTTP_TEXTS = {
    400: N_("请求不完整,请返回后重试。"),
    404: N_("没有这个页面,或者您无权查看。"),
    405: N_("不能这样访问这个地址。"),
    413: N_("上传的内容过大,请拆分或压缩后重试。"),
    500: N_("系统出现故障,您填写的内容没有提交。请稍后重试;仍不成功的,请把编号告知系统管理员。"),
}


def status_of(error: domain.DecisionFlowError) -> int:
    """Return the status of an error: its own class's, or that of the nearest class above."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def told(error: domain.DecisionFlowError) -> str:
    """Return the sentence of an error in the reader's language."""
    sentence = gettext(error.message)
    return sentence % error.values if error.values else sentence


def handle(app: Flask) -> None:
    """Register the handlers of `app`."""

    @app.errorhandler(domain.DecisionFlowError)
    def domain_error(error: domain.DecisionFlowError) -> Response | tuple[Response | str, int]:
        status = status_of(error)
        if isinstance(error, domain.NotAuthenticated) and request.method == "GET" and not _wants_json():
            return redirect(url_for("sign_in.show") + "?" + urlencode({"next": request.full_path.rstrip("?")}))
        if isinstance(error, domain.Refused | domain.NotPermitted):
            _record_refusal(error)
        if isinstance(error, domain.ProcedureFault):
            log.error("procedure_fault", element=error.element, expression=error.expression, told=str(error))
        if _wants_json():
            return _problem(error, status), status
        page = render_template("errors/error.html", status=status, text=told(error), error=error)
        return page, status

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> tuple[str, int]:
        text = gettext("页面停留时间过长,安全校验已失效。请返回上一页刷新后重新提交,已暂存的内容不会丢失。")
        return render_template("errors/error.html", status=400, text=text, error=None), 400

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[str, int]:
        code = error.code or 500
        text = gettext(HTTP_TEXTS.get(code, HTTP_TEXTS[400]))
        return render_template("errors/error.html", status=code, text=text, error=None), code

    @app.errorhandler(Exception)
    def fault(error: Exception) -> tuple[str, int]:
        number = uuid.uuid4().hex[:8]
        log.exception("fault", number=number, path=request.path)
        return render_template("errors/error.html", status=500, text=gettext(HTTP_TEXTS[500]), number=number), 500


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" and request.accept_mimetypes["text/html"] < 1


def _problem(error: domain.DecisionFlowError, status: int) -> Response:
    body: dict[str, object] = {"code": error.code, "detail": told(error), "status": status}
    if isinstance(error, domain.Refused):
        body |= {"rule": error.rule, "article": error.article}
    if isinstance(error, domain.Invalid):
        body["errors"] = error.errors
    response = jsonify(body)
    response.mimetype = "application/problem+json"
    return response


def _record_refusal(error: domain.DecisionFlowError) -> None:
    """A refusal is a fact of its own; the refused transaction is gone, so this one stands alone."""
    who = g.get("actor")
    if who is None:
        return
    with transaction() as session:
        audit.append(
            session,
            audit.ACCESS,
            EventName.ACTION_REFUSED,
            actor=who,
            result="refused",
            rules=[error.rule] if isinstance(error, domain.Refused) else [],
            facts={"path": request.path[:200], "method": request.method, "told": str(error)[:500]},
        )
