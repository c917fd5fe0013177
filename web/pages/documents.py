"""Papers: downloaded as attachments, and only by who may see their matter."""

from __future__ import annotations

from flask import Blueprint, Response, send_file

from decision_flow import documents, experts, matters
from decision_flow.errors import N_, NotFound
from decision_flow.identity import Permission
from web.auth import requires
from web.request import actor, files, transaction

page = Blueprint("documents", __name__)


@page.get("/documents/<int:document_id>")
@requires(Permission.MATTER_READ)
def download(document_id: int) -> Response:
    """Return a document's bytes as an attachment, never to be shown inline."""
    with transaction() as session:
        document = documents.get(session, document_id)
        if document.matter_id is None or (document.filed_at is None and document.uploaded_by_id != actor().user_id):
            raise NotFound(N_("没有这份材料，或者您无权查看。"))
        matters.get(session, actor(), document.matter_id)
        experts.must_have_undertaken(session, actor(), document.matter_id)
        documents.note_reading(session, actor(), document)
    path = files().path(document.sha256)
    if not path.exists():
        raise NotFound(N_("这份材料的文件不在存储中，请联系系统管理员。"))
    return send_file(
        path.absolute(), mimetype="application/octet-stream", as_attachment=True, download_name=document.name
    )
