"""The auditor's desk: search the trail, follow a matter, a person, a paper or a rule, and take it away."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file

from decision_flow import clock, rules, trail_exports, typed_in
from decision_flow.auditing import access, proof, reading, taking
from decision_flow.errors import N_, NotFound
from decision_flow.event_names import EVENTS
from decision_flow.identity import Permission
from decision_flow.trail_filters import Filters
from decision_flow.whole_files import whole
from web.auth import requires
from web.request import actor, database, transaction

page = Blueprint("audit", __name__, url_prefix="/audit")
LONGEST = {"text": 80, "matter": 80, "person": 40, "rule": 20, "event": 40, "result": 10, "document": 80}


@page.get("")
@requires(Permission.AUDIT_READ)
def index() -> str:
    """Search the trail."""
    filters = asked()
    found = _read("search", filters, {})
    return render_template(
        "audit/index.html", found=found, filters=filters, query=_query(filters), formats=list(trail_exports.WRITERS),
        events=EVENTS, rules=rules.all_rules(), further=bool(request.args.get("after")),
    )  # fmt: skip


@page.get("/events/<int:event_id>")
@requires(Permission.AUDIT_READ)
def event(event_id: int) -> str:
    """Show one event with all that was recorded, and its place in the chain."""
    with transaction() as session:
        line = reading.event(session, actor(), event_id)
        access.note(session, actor(), "event", {"stream": line.stream, "seq": line.seq})
        changes = reading.changes(session, line)
        before, after = reading.neighbours(session, line)
        covering = proof.covering(session, line.stream, line.seq)
    return render_template(
        "audit/event.html", line=line, changes=changes, before=before, after=after, covering=covering
    )


@page.get("/matters/<int:matter_id>")
@requires(Permission.AUDIT_READ)
def matter(matter_id: int) -> str:
    """Follow one matter through time."""
    with transaction(read_only=True) as session:
        subject = access.matter(session, actor(), matter_id)
    filters = replace(asked(), matter_id=matter_id)
    found = _read("matter", filters, {"number": subject.number}, oldest_first=True)
    return _followed("matter", subject, filters, found)


@page.get("/people/<int:user_id>")
@requires(Permission.AUDIT_READ)
def person(user_id: int) -> str:
    """Follow what one person did, said and signed."""
    with transaction(read_only=True) as session:
        subject = reading.person(session, actor(), user_id)
        posts = reading.posts(session, user_id)
    filters = replace(asked(), person_id=user_id)
    found = _read("person", filters, {"id": user_id, "name": subject.name})
    return _followed("person", subject, filters, found, posts=posts)


@page.get("/documents/<sha256>")
@requires(Permission.AUDIT_READ)
def document(sha256: str) -> str:
    """Follow one paper, by its digest."""
    with transaction(read_only=True) as session:
        copies = reading.copies(session, actor(), sha256)
    filters = replace(asked(), document=sha256)
    found = _read("document", filters, {"sha256": sha256}, oldest_first=True)
    return _followed("document", sha256, filters, found, copies=copies)


@page.get("/rules/<rule>")
@requires(Permission.AUDIT_READ)
def by_rule(rule: str) -> str:
    """Show every exception granted under a rule, every refusal, and whatever else rests on it."""
    known = next((row for row in rules.all_rules() if row.id == rule), None)
    if known is None:
        raise NotFound(N_("没有这项规则。"))
    filters = replace(asked(), rule=rule)
    found = _read("rule", filters, {"rule": rule})
    return _followed("rule", known, filters, found)


@page.get("/export")
@requires(Permission.AUDIT_READ)
def export() -> Response:
    """Take away what the filters choose, as a file; that it was taken is recorded first."""
    kind = request.args.get("format", "")
    if kind not in trail_exports.WRITERS:
        raise NotFound(N_("没有这种导出格式。"))
    filters = asked()
    with transaction() as session:
        wanted = taking.allowed(session, actor(), kind, filters)
    with tempfile.TemporaryDirectory(prefix="trail-") as folder:
        target = Path(folder) / f"trail.{kind}"
        with database().snapshot() as session, whole(target) as part:
            taking.write(session, kind, wanted, part)
        # The name goes with the folder; the open file stays until it was sent, or the download was cancelled.
        source = target.open("rb")
    name = f"过程记录-{clock.today().isoformat()}.{kind}"
    return send_file(source, "application/octet-stream", as_attachment=True, download_name=name)


def asked() -> Filters:
    """Return the filters of the address; what cannot be read counts as not asked."""
    given = request.args
    said = {key: given.get(key, "").strip()[:longest] for key, longest in LONGEST.items()}
    return Filters(
        matter_id=typed_in.number(given.get("matter_id")) or None,
        person_id=typed_in.number(given.get("person_id")) or None,
        first=typed_in.day(given.get("first")), last=typed_in.day(given.get("last")),
        text=said["text"], matter=said["matter"], person=said["person"], rule=said["rule"], event=said["event"],
        result=said["result"], document=said["document"], reads=False,
    )  # fmt: skip


def _read(view: str, filters: Filters, subject: Mapping[str, Any], *, oldest_first: bool = False) -> reading.Page:
    """Return the page asked for; that the trail was read is recorded with the first page, not with each further one."""
    after = request.args.get("after", "")[:60]
    me = actor()
    with transaction(read_only=bool(after)) as session:
        if not after:
            access.note(session, me, view, {**_query(filters), **subject})
        return reading.search(session, me, filters, after, oldest_first=_oldest_first(oldest_first))


def _oldest_first(usual: bool) -> bool:
    return {"oldest": True, "newest": False}.get(request.args.get("order", ""), usual)


def _followed(kind: str, subject: Any, filters: Filters, found: reading.Page, **more: Any) -> str:
    return render_template(
        f"audit/{kind}.html", subject=subject, filters=filters, query=_query(filters), found=found,
        formats=list(trail_exports.WRITERS), events=EVENTS, further=bool(request.args.get("after")), **more,
    )  # fmt: skip


def _query(filters: Filters) -> dict[str, str]:
    """Return the filters as they stand in an address: only what was asked."""
    told = {key: value for key, value in asdict(filters).items() if key not in ("reads", "organ_ids")}
    return {key: str(value) for key, value in told.items() if value not in (None, "")}
