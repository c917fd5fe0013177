"""Signing a form through the page: by the password once more, or by a scan that was uploaded for this very task."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from decision_flow import tasks
from decision_flow.db import Database
from decision_flow.demo import PASSWORD, cases
from decision_flow.documents import FileStore
from decision_flow.identity import actor_of
from decision_flow.models import Document, Task, TaskState, User
from tests.web.conftest import Browser

SCAN = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def decision(database: Database, tmp_path: Path) -> int:
    """The head's decision to initiate (F-03), claimed by the head."""
    play = cases.OTHERS[2](database, FileStore(tmp_path / "play"))
    with database.transaction() as session:
        task = session.scalars(select(Task).where(Task.matter_id == play.matter_id, Task.state == TaskState.OPEN)).one()
        head = session.scalars(select(User).where(User.username == "gaojianming")).one()
        tasks.claim(session, actor_of(session, head), task.id)
        return task.id


def answers(database: Database, task_id: int) -> dict[str, object]:
    with database.transaction(read_only=True) as session:
        received = session.get_one(Task, task_id).received_at
    return {"initiate": "true", "decided_on": received.date().isoformat()}


def stored(database: Database, task_id: int) -> tuple[str, dict]:
    with database.transaction(read_only=True) as session:
        task = session.get_one(Task, task_id)
        return task.state, dict(task.submission or {})


def test_a_form_is_signed_with_the_password(
    database: Database, decision: int, signed_in: Callable[[str], Browser]
) -> None:
    head = signed_in("gaojianming")
    head.get(f"/tasks/{decision}")
    sent = answers(database, decision)
    refused = head.post(f"/tasks/{decision}", **sent)
    assert refused.status_code == 422 and 'id="field-head_sign-error"' in refused.get_data(as_text=True)
    assert head.post(f"/tasks/{decision}", **sent, _password="wrong").status_code == 422
    forged = '{"kind": "attestation", "user_id": 1, "display": "x", "at": "y"}'
    assert head.post(f"/tasks/{decision}", **sent, head_sign=forged).status_code == 422
    assert stored(database, decision)[0] == TaskState.CLAIMED
    assert head.post(f"/tasks/{decision}", **sent, _password=PASSWORD).status_code == 302
    state, kept = stored(database, decision)
    assert state == TaskState.COMPLETED
    assert kept["head_sign"]["kind"] == "attestation" and "高建明" in kept["head_sign"]["display"]


def test_a_form_is_signed_with_a_scan_that_survives_an_error(
    database: Database, decision: int, signed_in: Callable[[str], Browser]
) -> None:
    head = signed_in("gaojianming")
    head.get(f"/tasks/{decision}")
    refused = head.post(f"/tasks/{decision}", initiate="true", head_sign=(io.BytesIO(SCAN), "签署页.pdf"))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert 'name="head_sign-kept"' in page and "签署页.pdf" in page and 'id="field-head_sign-error"' not in page
    with database.transaction(read_only=True) as session:
        scan = session.scalars(select(Document).where(Document.task_id == decision)).one()
        assert scan.filed_at is None
    kept = f'{{"document_id": {scan.id}, "name": "签署页.pdf"}}'
    done = head.post(f"/tasks/{decision}", **answers(database, decision), **{"head_sign-kept": kept})
    assert done.status_code == 302
    signature = stored(database, decision)[1]["head_sign"]
    assert (signature["kind"], signature["document_id"]) == ("scan", scan.id)
    with database.transaction(read_only=True) as session:
        assert session.get_one(Document, scan.id).filed_at is not None


def test_no_other_document_signs(database: Database, decision: int, signed_in: Callable[[str], Browser]) -> None:
    with database.transaction(read_only=True) as session:
        other = session.scalars(select(Document).where(Document.task_id != decision)).first()
        assert other is not None
    head = signed_in("gaojianming")
    head.get(f"/tasks/{decision}")
    kept = f'{{"document_id": {other.id}, "name": "x"}}'
    assert head.post(f"/tasks/{decision}", **answers(database, decision), **{"head_sign-kept": kept}).status_code == 422
    assert stored(database, decision)[0] == TaskState.CLAIMED
