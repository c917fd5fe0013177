"""The web edge: `create_app(settings)` puts pages, security and error handling around the core."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter, ValidationError

from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.documents import FileStore, keep_files
from web import (
    auth,
    calendar_words,
    change_words,
    errors,
    language,
    observability,
    presentation,
    request,
    security,
    trail_words,
)
from web.pages import (
    absences,
    account,
    audit,
    audit_checks,
    calendar,
    catalogues,
    deadlines,
    documents,
    drafts,
    evaluations,
    exceptions,
    first_run,
    gates,
    hearings,
    help,
    inbox,
    late,
    linked,
    matters,
    messages,
    office,
    operations,
    opinions,
    organisations,
    people,
    policies,
    prints,
    procedures,
    public,
    registries,
    rules,
    sign_in,
    tasks,
    walks,
)

HERE = Path(__file__).parent
PAGES = (
    absences.page, calendar.page, deadlines.page, evaluations.page, messages.page, operations.page,
    observability.page, sign_in.page, first_run.page, account.page, inbox.page, tasks.page, matters.page,
    documents.page, people.page, organisations.page, help.page,
    public.page,
    opinions.page, hearings.page, registries.page,
    procedures.page, drafts.page, walks.page, gates.page, rules.page, policies.page,
    audit.page, audit_checks.page,
    catalogues.page, linked.page, office.page, prints.page, exceptions.page, late.page,
)  # fmt: skip


class Sessions(SecureCookieSessionInterface):
    """The cookie of whoever looks in, whose signer is made once and not with every request."""

    def __init__(self, app: Flask) -> None:
        self._signer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return self._signer


class Identifier(IntegerConverter):
    """A number in an address: what no row can bear is no such address, and never reaches the database."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**31 - 1)


class Word(UnicodeConverter):
    """A word in an address; no row bears one with a NUL, and PostgreSQL would not even look for it."""

    def to_python(self, value: str) -> str:
        if "\x00" in value:
            raise ValidationError
        return value


def equip(app: Flask, settings: Settings, database: Database) -> None:
    """Let `app` work on this database and on the files beside it; what it remembered of others is gone."""
    files = FileStore(settings.folder / "files", settings.upload_limit_mb * 1024 * 1024)
    keep_files(database, files)
    request.attach(app, settings=settings, database=database, files=files)


def create_app(settings: Settings, database: Database | None = None) -> Flask:
    """Return the application. The database is opened from the settings unless one is handed in."""
    app = Flask(__name__, static_folder=str(HERE / "static"), template_folder=str(HERE / "templates"))
    app.config.update(
        SECRET_KEY=settings.key(),
        MAX_CONTENT_LENGTH=settings.upload_limit_mb * 1024 * 1024 * 2,
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,
        MAX_FORM_PARTS=20_000,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.url_map.converters |= {"int": Identifier, "default": Word, "string": Word}
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.session_interface = Sessions(app)
    equip(app, settings, database or Database(settings.database))
    observability.observe(app)
    auth.guard(app)
    csrf = CSRFProtect(app)
    # Nobody is signed in there, so there is no session that another site could misuse; and no cookie is set.
    csrf.exempt(public.page)
    language.register(app)
    presentation.register(app)
    calendar_words.register(app)
    change_words.register(app)
    trail_words.register(app)
    security.protect(app, https=settings.https)
    errors.handle(app)
    for page in PAGES:
        app.register_blueprint(page)
    return app
