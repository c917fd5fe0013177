"""The differences between two bundles, and what an import changed, in words."""

from __future__ import annotations

from flask import Flask

from decision_flow.errors import Text
from decision_flow.importing import Note
from decision_flow.modelling.comparison import ASPECTS, KINDS
from decision_flow.roles import ROLES
from decision_flow.steps import StatutoryStep
from web.language import gettext, said
from web.presentation import text_of


def change_kind(what: str) -> str:
    """Return what kind of thing changed."""
    return gettext(KINDS.get(what, what))


def aspect_name(aspect: str) -> str:
    """Return a property's name; one we have no word for stands as it is written."""
    return gettext(ASPECTS.get(aspect, aspect))


def aspect_value(value: str, aspect: str) -> str:
    """Return a property's value as a reader knows it."""
    if aspect == "role":
        return "、".join(text_of(ROLES[code]) if code in ROLES else code for code in value.split(","))
    if aspect in ("step", "exempts") and value in set(StatutoryStep):
        return text_of(StatutoryStep(value))
    if value in ("true", "false"):
        return gettext("是") if value == "true" else gettext("否")
    return value


def note_text(note: Note) -> str:
    """Return what became of something in an imported diagram, in the reader's language."""
    values = {key: said(value) if isinstance(value, Text) else value for key, value in note.values.items()}
    return gettext(note.message, **values) if values else said(note.message)


def register(app: Flask) -> None:
    """Make the words known to the templates of `app`."""
    app.jinja_env.filters.update(change_kind=change_kind, aspect_name=aspect_name, aspect_value=aspect_value)
    app.jinja_env.filters.update(note_text=note_text)
