"""Headers of every answer: nothing from outside, nothing inline, nothing framed, nothing kept by a proxy."""

from __future__ import annotations

from flask import Flask, g, request
from werkzeug.wrappers import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def allow_diagram_styles() -> None:
    """Let this page's diagram set styles on its own shapes: bpmn-js cannot do without."""
    g.diagram = True


def protect(app: Flask, *, https: bool) -> None:
    """Add the headers to every answer of `app`."""

    @app.after_request
    def headers(response: Response) -> Response:
        styles = " 'unsafe-inline'" if g.get("diagram") else ""
        response.headers["Content-Security-Policy"] = POLICY.format(styles=styles)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            response.headers["Cache-Control"] = "no-store"
        return response
