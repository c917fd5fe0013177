"""R-38c: recorded dissent mitigates; who did not dissent gets no certificate, and nobody gets another's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from decision_flow import checkpoints, clock, minutes
from decision_flow.auditing import certificates
from decision_flow.cli import main
from decision_flow.demo.play import Play
from decision_flow.errors import Invalid, NotPermitted, Refused
from decision_flow.models import Document, LateEntry, Matter, Task, User
from decision_flow.verifier import verify_trail
from tests.auditing.certified import root_of
from tests.auditing.conftest import actor, disputed
from tests.long_trail import KEY
from tests.stories.conftest import Told
from tests.web.client import Desk


@pytest.fixture
def road(told: Told) -> Play:
    return told(disputed)


@pytest.fixture
def dissent(road: Play) -> tuple[int, str, str]:
    """(user id, username, words) of a member who dissented at the meeting on the road."""
    with road.database.transaction() as session:
        checkpoints.seal(session, KEY)
    with road.database.transaction(read_only=True) as session:
        found = certificates.dissenters(session, session.get_one(Matter, road.matter_id))
        assert found
        person, said = found[0]
        return person.id, person.username, said.words


def test_a_member_who_dissented_gets_the_very_words_with_their_proof(road: Play, dissent: tuple[int, str, str]) -> None:
    user_id, username, _ = dissent
    member = actor(road, username)
    with road.database.transaction(read_only=True) as session:
        found = certificates.certificate(session, member, road.matter_id, user_id)
        minutes = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.form == "F-15")).all()[-1]
        row = next(one for one in minutes.submission["opinions"] if one["person"] == member.name)
        content = certificates.as_html(found)
    said = found.dissents[-1]
    assert said.marks == ()
    assert (said.words, said.position, said.meeting_no) == (
        row.get("words") or "",
        row["position"],
        minutes.submission["meeting_no"],
    )
    assert said.post and said.recorded_as == minutes.completed_as
    assert {"task.completed", "decision.recorded"} <= {one.event for one in found.evidence}
    assert ("会议纪要.txt" in dict(found.papers)) and found.draft is not None
    # The file holds what is needed to compute the root that was signed, with nothing of ours.
    told = json.loads(re.search(r'id="evidence">(.+?)</script>', content)[1])  # type: ignore[index]
    assert len(told) == len(found.evidence)
    for one in told:
        placed = one["inclusion"]
        leaf = verify_trail.leaf_hash(one["canonical"].encode())
        assert root_of(leaf, placed["path"]) == placed["root"]
        assert f"root {placed['root']}\n" in placed["note"]
        key, signature = bytes.fromhex(placed["public_key"]), bytes.fromhex(placed["signature"])
        assert verify_trail.signature_holds(key, placed["note"].encode(), signature)
    assert any(row.get("words", "") in one["canonical"] for one in told if row.get("words"))


def test_nobody_else_gets_one(road: Play, dissent: tuple[int, str, str]) -> None:
    user_id, _, _ = dissent
    with road.database.transaction(read_only=True) as session:
        auditor, official = actor(road, "audit"), actor(road, "chenbin")
        minutes = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.form == "F-15")).all()[-1]
        agreed = [row["person"] for row in minutes.submission["opinions"] if row["position"] == "agree"]
        for person in session.scalars(select(User).where(User.name.in_([*agreed, official.name]))):
            with pytest.raises(Refused) as refused:
                certificates.certificate(session, auditor, road.matter_id, person.id)
            assert refused.value.rule == "R-38c"
        with pytest.raises(NotPermitted):
            certificates.certificate(session, official, road.matter_id, user_id)


def test_somebody_of_the_same_name_is_not_the_member(road: Play, dissent: tuple[int, str, str]) -> None:
    user_id, _, _ = dissent
    with road.database.transaction() as session:
        session.get_one(User, actor(road, "shaojun").user_id).name = session.get_one(User, user_id).name
        session.flush()
        with pytest.raises(Refused):
            certificates.made(session, road.matter_id, actor(road, "shaojun").user_id)


def test_two_members_of_one_name_are_told_apart_by_the_person(road: Play, dissent: tuple[int, str, str]) -> None:
    user_id, _, words = dissent
    with road.database.transaction() as session:
        member, other = session.get_one(User, user_id), session.get_one(User, actor(road, "mabo").user_id)
        other.name = member.name
        session.flush()
        matter = session.get_one(Matter, road.matter_id)
        (task,) = minutes.of_matter(session, matter.id)
        told = dict(task.submission)

        def chosen(member_id: int | None) -> dict[str, object]:
            rows = [
                {**row, "member_id": member_id} if row["person"] == member.name else row for row in told["opinions"]
            ]
            return {**told, "opinions": rows}

        # Without the person the minutes are not completed, and what was completed so is nobody's.
        with pytest.raises(Invalid) as doubtful:
            minutes.must_be_told_apart(session, matter, chosen(None))
        assert list(doubtful.value.errors) == ["opinions.0.member_id"]
        assert certificates.dissenters(session, matter) == ()
        with pytest.raises(Refused):
            certificates.made(session, matter.id, user_id)
        # Whoever has another name, or held no post there, cannot be chosen.
        for wrong in (actor(road, "linyue").user_id, actor(road, "shaojun").user_id):
            with pytest.raises(Invalid):
                minutes.must_be_told_apart(session, matter, chosen(wrong))
        for right, namesake in ((member.id, other.id), (other.id, member.id)):
            minutes.must_be_told_apart(session, matter, chosen(right))
            task.submission = chosen(right)
            session.flush()
            found = certificates.made(session, matter.id, right)
            assert found.dissents[0].words == words and found.dissents[0].post
            with pytest.raises(Refused):
                certificates.made(session, matter.id, namesake)
        session.rollback()


def test_the_pages_and_the_command_give_it(
    road: Play,
    dissent: tuple[int, str, str],
    at_desk: Callable[[str], Desk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user_id, username, _ = dissent
    path = f"/audit/matters/{road.matter_id}/certificates/{user_id}"
    for who in (username, "audit", "lvping"):
        assert "不同意见证明" in at_desk(who).get(path)
    assert at_desk(username).client.get(path + "/file").status_code == 200
    at_desk("chenbin").get(path, status=403)
    at_desk("audit").get(f"/audit/matters/{road.matter_id}/certificates/{actor(road, 'chenbin').user_id}", status=409)
    # The member finds it from the page of the matter and from the account; whoever agreed does not.
    for place in (f"/matters/{road.matter_id}", "/account/dissents"):
        assert path in at_desk(username).get(place) and path not in at_desk("chenbin").get(place)
    assert path in at_desk("lvping").get(f"/matters/{road.matter_id}")
    config = tmp_path / "settings.toml"
    config.write_text(
        f'database_url = "{road.database.engine.url.render_as_string(hide_password=False)}"\ndata_dir = "{tmp_path}"\n'
    )
    asked = ["--config", str(config), "audit", "certificate", "--matter", str(road.matter_id), "--person"]
    done = CliRunner().invoke(main, [*asked, str(user_id), "-o", str(tmp_path / "c.html")])
    assert done.exit_code == 0, done.output
    assert "不同意见证明" in (tmp_path / "c.html").read_text("utf-8")
    refused = CliRunner().invoke(main, [*asked, str(actor(road, "chenbin").user_id), "-o", str(tmp_path / "no.html")])
    assert refused.exit_code == 2 and not (tmp_path / "no.html").exists()


def test_minutes_that_were_entered_later_are_marked_on_the_certificate(
    road: Play, dissent: tuple[int, str, str], at_desk: Callable[[str], Desk]
) -> None:
    user_id, username, _ = dissent
    with road.database.transaction() as session:
        minutes = session.scalars(select(Task).where(Task.matter_id == road.matter_id, Task.form == "F-15")).all()[-1]
        paper = session.scalars(select(Document.id).where(Document.matter_id == road.matter_id)).first()
        session.add(
            LateEntry(
                task_id=minutes.id, matter_id=road.matter_id, done_on=clock.today(), done_by="林悦", reason="停电",
                scan_id=paper, entered_at=clock.now(), entered_by_id=minutes.completed_by_id, entered_as="办公室·周凯",
                signed=False, later_files="",
            )
        )  # fmt: skip
    with road.database.transaction(read_only=True) as session:
        found = certificates.certificate(session, actor(road, username), road.matter_id, user_id)
    assert "补录：林悦于" in certificates.as_html(found)
    assert "补录：林悦于" in at_desk(username).get(f"/audit/matters/{road.matter_id}/certificates/{user_id}")
