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

    always = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if https:
        always["Strict-Transport-Security"] = "max-age=31536000"
    plain, with_diagram = (POLICY.format(styles=styles) for styles in ("", " 'unsafe-inline'"))

    @app.after_request
    def headers(response: Response) -> Response:
        # Nobody else sets these: added as they are, they need not be looked for first.
        response.headers.extend(always)
        response.headers.add("Content-Security-Policy", with_diagram if g.get("diagram") else plain)
        still = request.endpoint == "static"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if still else "no-store"
        return response
