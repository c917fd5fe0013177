"""Chinese is the source of every text; English comes from the catalogue as it lies in the tree.

Read with Babel at the first use, so that nothing has to be compiled after a translation was changed.
"""

from __future__ import annotations

import gettext as catalogues
import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, has_request_context

from decision_flow.errors import Text
from web.request import language

# One catalogue per part of the product, so that each stays readable; a text may stand in one of them only.
CATALOGUES = Path(__file__).parent / "translations/en/LC_MESSAGES"


@lru_cache(maxsize=1)
def english() -> catalogues.GNUTranslations:
    """Return the English texts of every catalogue, read once."""
    catalogue = Catalog(locale="en")
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale="en"):
                catalogue[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


def gettext(message: str, **values: object) -> str:
    """Return `message` in the reader's language, with `%(name)s` filled from `values`."""
    found = translated(message)
    return found % values if values else found


def translated(message: str) -> str:
    """Return `message` in the reader's language, as it stands."""
    if message and has_request_context() and language() == "en":
        return english().gettext(message)
    return message


def said(text: str) -> str:
    """Return a message of an error in the reader's language, filled."""
    if not isinstance(text, Text) or language() != "en":
        return translated(text)
    if text.english:
        return text.english
    found, value = translated(text.template), text.value
    if isinstance(value, Mapping):
        value = {key: said(each) if isinstance(each, Text) else each for key, each in value.items()}
    return found % value if value is not None else found


def register(app: Flask) -> None:
    """Give the templates of `app` `_()`, which fills `%(name)s` from its arguments."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        translated, lambda one, many, n: translated(one if n == 1 else many), newstyle=True
    )
