"""Help: how the desk works, and whose software is inside."""

from __future__ import annotations

from flask import Blueprint, render_template

from web.auth import public

page = Blueprint("help", __name__)


@page.get("/help")
@public
def show() -> str:
    """Show the short help and the licences."""
    return render_template("help/show.html")
