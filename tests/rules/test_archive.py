"""G-ARCHIVE reads the files again: what is gone or changed on disk bars archiving, and is named."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from decision_flow import archiving, clock, documents
from decision_flow.documents import FileStore
from decision_flow.errors import Refused
from decision_flow.models import Document, Task
from tests.guards.test_guards import lawful, of
from tests.rules.shortcut import ACTS, OFFICE, World
from tests.rules.test_acts import left_alone, says


def gone(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    # Of the same length, and with the dates that it had: neither is believed.
    before = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("act", ["F-24", "archive_part"])
@pytest.mark.parametrize("harm", [gone, changed])
def test_a_paper_that_is_not_as_it_was_filed_bars_archiving(
    world: World, act: str, harm: Callable[[Path], None]
) -> None:
    task = world.begin(act, of(archived=False)(lawful()))
    drawn, name = ACTS[act], f"会议纪要-{act}-{harm.__name__}.txt"
    kept = paper(world, task, "批复.txt", f"同意 {task.id}")
    harmed = paper(world, task, name, f"会议纪要正文 {task.id}")
    harm(world.files.path(harmed.sha256))
    answers = world.answers(task, {})
    before = world.standing(task)
    with pytest.raises(Refused) as refusal:
        world.try_it(task, drawn.who, answers)
    says(refusal.value, "R-33")
    told = next(one for one in refusal.value.refusals if one.rule == "R-33")
    assert name in str(told) and kept.name not in str(told) and "备份" in told.todo
    assert ("缺失" if harm is gone else "不一致") in str(told)
    answer = world.press(task, drawn.who, answers)
    assert answer.status_code == 409 and name in answer.get_data(as_text=True)
    left_alone(world, task, "R-33", before)

    # The very same original, uploaded anew, is the paper that was filed; another one is not.
    upload(world, task, name, "另一份文件")
    with pytest.raises(Refused):
        world.try_it(task, drawn.who, answers)
    upload(world, task, name, f"会议纪要正文 {task.id}")
    try:
        world.try_it(task, drawn.who, answers)
    except Refused as other:
        # What is left open in the file besides is told by its own rule.
        assert all(name not in str(one) for one in other.refusals)


def test_both_kinds_of_harm_are_told_at_once_and_only_some_names(world: World) -> None:
    task = world.begin("archive_part", of(archived=False)(lawful()))
    papers = [paper(world, task, f"材料{number:02d}.txt", f"{task.id}-{number}") for number in range(14)]
    for one in papers[:12]:
        gone(world.files.path(one.sha256))
    changed(world.files.path(papers[13].sha256))
    with pytest.raises(Refused) as refusal:
        world.try_it(task, ACTS["archive_part"].who, {})
    told = str(next(one for one in refusal.value.refusals if one.rule == "R-33"))
    assert "缺失" in told and "不一致" in told and "（12）" in told and "材料13" in told and told.count("《") == 11


def test_a_session_that_knows_no_store_holds_all_papers_missing(world: World) -> None:
    task = world.begin("archive_part", lawful())
    one = paper(world, task, "批复.txt", f"同意 {task.id}")
    with world.database.transaction(read_only=True) as session:
        assert documents.damaged(session, archiving.filed(session, task.matter_id)) == documents.Damage()
        session.info.pop("files")
        assert documents.damaged(session, archiving.filed(session, task.matter_id)).missing == (one.name,)


def test_a_large_file_is_read_in_parts(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    path = files.path("ab" * 32)
    path.parent.mkdir(parents=True)
    with path.open("wb") as out:
        out.truncate(96 * 1024 * 1024)
    tracemalloc.start()
    assert files.digest("ab" * 32) != "ab" * 32
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


def upload(world: World, task: Task, name: str, content: str) -> Document:
    with world.database.transaction() as session:
        return documents.store(
            session, world.person(session, OFFICE), world.files, BytesIO(content.encode()), name,
            matter_id=task.matter_id, task_id=task.id, form="F-16", field="reply_file",
        )  # fmt: skip


def paper(world: World, task: Task, name: str, content: str) -> Document:
    """A paper that was filed earlier."""
    stored = upload(world, task, name, content)
    with world.database.transaction() as session:
        found = session.scalars(select(Document).where(Document.id == stored.id)).one()
        found.filed_at = clock.now()
        return found
