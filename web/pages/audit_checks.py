"""What is proven of the trail and what follows from it: verification, checkpoints, certificates, conformance."""

from __future__ import annotations

import json

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from decision_flow import checkpoints, time_authority, timestamps, typed_in
from decision_flow.auditing import access, accountability, certificates, conformance, proof
from decision_flow.errors import Invalid
from decision_flow.identity import Permission, require
from decision_flow.models import TrailCheckpoint
from web.auth import requires
from web.errors import told
from web.language import gettext
from web.request import actor, database, page_number, settings, transaction

page = Blueprint("audit_checks", __name__, url_prefix="/audit")
SHOWN = 200


@page.get("/matters/<int:matter_id>/verify")
@requires(Permission.AUDIT_READ)
def verify(matter_id: int) -> str:
    """Verify the live trail of a matter, and say what is proven by which checkpoint and what by none."""
    with transaction() as session:
        matter = access.matter(session, actor(), matter_id)
        key = settings().folder / checkpoints.KEY_FILE
        ours = checkpoints.public_key(checkpoints.signing_key(settings().folder)) if key.exists() else ""
        proofs = proof.of_matter(session, matter, ours)
        proof.note_verified(session, actor(), matter, proofs)
    return render_template("audit/verify.html", subject=matter, proofs=proofs, key=ours)


@page.get("/checkpoints")
@requires(Permission.AUDIT_READ)
def index() -> str:
    """List the checkpoints, the latest first."""
    with transaction(read_only=True) as session:
        query = select(TrailCheckpoint).order_by(TrailCheckpoint.number.desc()).limit(SHOWN)
        points = session.scalars(query).all()
    seals = Permission.AUDIT_SEAL in actor().permissions
    return render_template("audit/checkpoints.html", points=points, seals=seals)


@page.post("/checkpoints")
@requires(Permission.AUDIT_SEAL)
def seal() -> BaseResponse:
    """Sign a checkpoint now."""
    require(actor(), Permission.AUDIT_SEAL)
    with database().snapshot() as session:
        found = checkpoints.survey(session)
    if found is None:
        flash(gettext("上一个检查点以后没有新的记录，没有签发。"), "warning")
        return redirect(url_for("audit_checks.index"))
    with transaction() as session:
        checkpoints.seal(session, checkpoints.signing_key(settings().folder), actor(), found)
    flash(gettext("已签发第%(number)s号检查点。请下载并交由本单位以外的人员保存。", number=found.number), "success")
    return redirect(url_for("audit_checks.checkpoint", number=found.number))


@page.get("/checkpoints/<int:number>")
@requires(Permission.AUDIT_READ)
def checkpoint(number: int) -> str:
    """Show a checkpoint as a page to be printed and kept."""
    return _checkpoint(number)


@page.get("/checkpoints/<int:number>/download")
@requires(Permission.AUDIT_READ)
def download(number: int) -> Response:
    """Return a checkpoint as the verifier takes it."""
    with transaction(read_only=True) as session:
        line = json.dumps(checkpoints.as_line(timestamps.point(session, number)), ensure_ascii=False) + "\n"
    return _attached(line, "application/json", f"checkpoint-{number}.json")


@page.get("/checkpoints/<int:number>/request")
@requires(Permission.AUDIT_READ)
def timestamp_request(number: int) -> Response:
    """Return the request for a timestamp as a file, to be carried to the authority."""
    with transaction(read_only=True) as session:
        content = timestamps.request(timestamps.point(session, number))
    return _attached(content, "application/timestamp-query", f"checkpoint-{number}.tsq")


@page.get("/checkpoints/<int:number>/timestamps/<int:stamp>")
@requires(Permission.AUDIT_READ)
def timestamp(number: int, stamp: int) -> Response:
    """Return a timestamp as the authority gave it."""
    with transaction(read_only=True) as session:
        content = timestamps.reply(session, number, stamp)
    return _attached(content, "application/timestamp-reply", f"checkpoint-{number}.tsr")


@page.post("/checkpoints/<int:number>/timestamps")
@requires(Permission.AUDIT_SEAL)
def take_timestamp(number: int) -> BaseResponse | tuple[str, int]:
    """Take in the authority's reply, brought as a file."""
    sent = request.files.get("reply")
    content = sent.read(timestamps.LARGEST + 1) if sent is not None else b""
    try:
        with transaction() as session:
            require(actor(), Permission.AUDIT_SEAL)
            timestamps.take(session, number, content, actor())
    except Invalid as error:
        return _checkpoint(number, told(error)), 422
    flash(gettext("已存入第%(number)s号检查点的时间戳。", number=number), "success")
    return redirect(url_for("audit_checks.checkpoint", number=number))


@page.get("/matters/<int:matter_id>/certificates/<int:user_id>")
@requires(Permission.ACCOUNT_OWN)
def certificate(matter_id: int, user_id: int) -> str:
    """Show the certificate of a member who dissented, to the member or an auditor, as a page to be printed."""
    with transaction() as session:
        found = certificates.certificate(session, actor(), matter_id, user_id)
        certificates.note_issued(session, actor(), found)
    return render_template("audit/certificate.html", found=found, positions=certificates.POSITIONS)


@page.get("/matters/<int:matter_id>/certificates/<int:user_id>/file")
@requires(Permission.ACCOUNT_OWN)
def certificate_file(matter_id: int, user_id: int) -> Response:
    """Return the certificate as a file that holds its evidence."""
    with transaction() as session:
        found = certificates.certificate(session, actor(), matter_id, user_id)
        certificates.note_issued(session, actor(), found)
        content = certificates.as_html(found)
    return _attached(content, "text/html", f"certificate-{matter_id}-{user_id}.html")


@page.get("/accountability")
@requires(Permission.AUDIT_READ)
def look_up() -> str:
    """Look up who answers for a matter, by its number, its id or a part of its title."""
    words = request.args.get("matter", "").strip()[:80]
    with transaction() as session:
        me, found = actor(), None
        matters = accountability.find(session, me, words) if words else ()
        if words:
            only = typed_in.number(words) or (matters[0].id if len(matters) == 1 else 0)
            if only:
                found = accountability.of_matter(session, me, only)
                access.note(session, me, "accountability", {"number": found.matter.number})
    return render_template("audit/accountability.html", words=words, matters=matters, found=found)


@page.get("/conformance")
@requires(Permission.AUDIT_READ)
def conformance_index() -> str:
    """List the matters that are finished or decided: did they keep their procedure and deadlines."""
    words = request.args.get("text", "").strip()[:80]
    with transaction() as session:
        access.note(session, actor(), "conformance", {"text": words})
        found = conformance.listing(session, actor(), page_number(), words)
    return render_template("audit/conformance_index.html", found=found, words=words)


@page.get("/conformance/<int:matter_id>")
@requires(Permission.AUDIT_READ)
def conformance_of(matter_id: int) -> str:
    """Show steps, exemptions and deadlines of one matter."""
    with transaction() as session:
        found = conformance.of_matter(session, actor(), matter_id)
        access.note(session, actor(), "conformance", {"number": found.matter.number})
    return render_template("audit/conformance.html", found=found)


def _checkpoint(number: int, refusal: str = "") -> str:
    with transaction(read_only=True) as session:
        point = timestamps.point(session, number)
        failed = time_authority.failure(session, number)
    return render_template(
        "audit/checkpoint.html", point=point, refusal=refusal, failed=failed, digest=timestamps.digest_of(point),
        seals=Permission.AUDIT_SEAL in actor().permissions,
    )  # fmt: skip


def _attached(content: str | bytes, kind: str, name: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
