"""Timestamps of checkpoints: asked for, brought by hand, refused when they are not of it, told of in exports."""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from decision_flow import clock, live_trail, senders, time_authority, timestamps
from decision_flow.cli import main
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Invalid
from decision_flow.models import CronSlot, TrailCheckpoint, TrailTimestamp
from decision_flow.verifier import verify_trail
from tests.core.authority import Authority, answer, listening
from tests.core.test_checkpoints import KEY, codes, seal, signatures_checked_once, taken, write  # noqa: F401


@pytest.fixture
def authority() -> Iterator[Authority]:
    with listening() as found:
        yield found


@pytest.fixture
def sealed(database: Database) -> Database:
    """Two checkpoints, and something that none covers."""
    for _ in range(2):
        write(database, 3)
        seal(database)
    write(database, 1)
    return database


def stamps(database: Database) -> list[tuple[int, int]]:
    with database.transaction(read_only=True) as session:
        return [tuple(row) for row in session.execute(select(TrailTimestamp.number, TrailTimestamp.checkpoint))]


def settings(authority: Authority) -> Settings:
    return Settings.of({"tsa_url": authority.url})


def good(request: bytes) -> bytes:
    return answer(request, clock.now())


def request_of(database: Database, number: int) -> bytes:
    with database.transaction(read_only=True) as session:
        return timestamps.request(timestamps.point(session, number))


# A checkpoint made by hand, the request for it, and what OpenSSL's authority answered (`openssl ts -reply`).
NOTE = verify_trail.note_of(1, "2026-01-05T01:00:00.000000+00:00", 1, "ab" * 32, [["a", 1]], "0" * 64)
POINT = {"note": NOTE, "signature": KEY.sign(NOTE.encode()).hex(), "at": "2026-01-05T01:00:00.000000+00:00"}
REQUEST = (
    "30430201013031300d06096086480165030402010500042074a33ae30574dda6a138421174042e44ba46481211d07727c329ca9f6c649fa4"
    "02085a0025205a70d1bf0101ff"
)
OPENSSL = (Path(__file__).parent / "checkpoint-1.tsr").read_bytes()


def test_the_request_is_that_of_the_standard_and_openssl_answers_it() -> None:
    point = TrailCheckpoint(note=NOTE, signature=POINT["signature"])
    assert timestamps.request(point).hex() == REQUEST
    fault, at = verify_trail.stamp_fault(POINT, OPENSSL)
    assert (fault, at.isoformat()) == ("", "2026-11-28T14:50:55+00:00")
    assert verify_trail.stamp_fault({**POINT, "note": NOTE + " "}, OPENSSL)[0] == "stamp_imprint"


def test_nothing_that_is_no_reply_is_read_or_breaks_the_reader() -> None:
    for cut in range(len(OPENSSL)):
        assert verify_trail.stamp_fault(POINT, OPENSSL[:cut])[0] == "stamp_unreadable"
    told = verify_trail.read_stamp(OPENSSL)
    for place in range(len(OPENSSL)):
        changed = bytearray(OPENSSL)
        changed[place] ^= 0x41
        fault, at = verify_trail.stamp_fault(POINT, bytes(changed))
        # What is taken says the same of digest and nonce; the rest is for whoever has the authority's certificate.
        assert fault or verify_trail.read_stamp(bytes(changed))[:4] == told[:4] or at != told.at
    assert verify_trail.stamp_fault(POINT, OPENSSL + b"\x05\x00")[0] == "stamp_unreadable"


def test_the_worker_asks_once_for_the_newest_and_only_when_told_where(
    sealed: Database, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.gives(200, good)
    with monkeypatch.context() as nowhere:
        nowhere.setattr(senders, "post", lambda *_: pytest.fail("a connection without an address"))
        assert time_authority.stamp(sealed, "w", Settings()) == 0
    assert time_authority.stamp(sealed, "w", settings(authority)) == 1
    assert time_authority.stamp(sealed, "w", settings(authority)) == 0
    assert authority.requests == [("application/timestamp-query", request_of(sealed, 2))]
    assert stamps(sealed) == [(1, 2)]
    seal(sealed)
    assert time_authority.stamp(sealed, "w", settings(authority)) == 1
    assert stamps(sealed) == [(1, 2), (2, 3)]


def slow(request: bytes) -> tuple[int, Iterator[bytes]]:
    return 200, itertools.repeat(b"\x30", 10**9)


EARLY = timedelta(minutes=6)
BAD = {
    "no reply": ("读不出来", 200, lambda request: b"<html>busy</html>"),
    "empty": ("读不出来", 200, lambda request: b""),
    "rejected": ("拒绝", 200, lambda request: answer(request, clock.now(), status=2)),
    "other digest": ("不是为这个检查点", 200, lambda request: answer(request, clock.now(), digest=bytes(32))),
    "other hash": (
        "不是为这个检查点",
        200,
        lambda request: answer(request, clock.now(), algorithm="608648016503040203"),
    ),
    "other nonce": ("不是对本系统请求", 200, lambda request: answer(request, clock.now(), nonce=5)),
    "no nonce": ("不是对本系统请求", 200, lambda request: answer(request, clock.now(), without_nonce=True)),
    "too early": ("早于", 200, lambda request: answer(request, clock.now() - EARLY)),
    "error": ("500", 500, good),
    "elsewhere": ("302", 302, good),
    "too large": ("过大", 200, lambda request: bytes(senders.LARGEST + 1)),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_reply_stores_nothing_and_is_asked_for_again(sealed: Database, authority: Authority, why: str) -> None:
    said, status, make = BAD[why]
    authority.gives(status, make)
    before = taken(sealed)
    assert time_authority.stamp(sealed, "w", settings(authority)) == 0
    assert stamps(sealed) == [] and taken(sealed)[1:] == before[1:]
    with sealed.transaction() as session:
        assert said in time_authority.failure(session, 2)
    # It rests first; the checkpoints go on being signed meanwhile.
    authority.gives(200, good)
    assert time_authority.stamp(sealed, "w", settings(authority)) == 0 and len(authority.requests) == 1
    with sealed.transaction() as session:
        session.execute(update(CronSlot).values(lease_until=clock.now() - timedelta(days=1)))
    assert time_authority.stamp(sealed, "w", settings(authority)) == 1
    assert stamps(sealed) == [(1, 2)]
    with sealed.transaction() as session:
        assert time_authority.failure(session, 2) == ""


def test_who_answers_without_end_or_not_at_all_keeps_nobody(
    sealed: Database, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "LONGEST", 0.05)
    monkeypatch.setattr(senders, "LARGEST", 1 << 40)
    authority.replies = slow
    with pytest.raises(senders.Unsendable, match="太慢"):
        time_authority.ask(sealed, settings(authority), 2)
    nobody = Settings.of({"tsa_url": "http://127.0.0.1:9/tsa"})
    assert time_authority.stamp(sealed, "w", nobody) == 0
    with sealed.transaction() as session:
        assert "ConnectionError" in time_authority.failure(session, 2)
    assert codes(taken(sealed)) == []


@pytest.fixture
def stamped(sealed: Database) -> list[dict]:
    """A trail with timestamps of both checkpoints, and a checkpoint over what tells of them."""
    for number in (1, 2):
        with sealed.transaction() as session:
            timestamps.take(session, number, answer(request_of(sealed, number), clock.now()))
    seal(sealed)
    return taken(sealed)


def test_the_timestamps_go_with_the_trail_and_what_was_not_checked_is_said(
    sealed: Database, stamped: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [line for line in stamped if line["kind"] == "checkpoint"]
    assert [len(point.get("timestamps", [])) for point in points] == [1, 1, 0] and stamped[-1]["timestamps"] == 2
    assert codes(stamped) == []
    with sealed.snapshot() as session:
        assert live_trail.verify(session).problems == []
    target = tmp_path / "trail.jsonl"
    target.write_text("".join(json.dumps(line) + "\n" for line in stamped), "utf-8")
    assert verify_trail.main([str(target), "--stamps", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    digest = hashlib.sha256(points[1]["note"].encode()).hexdigest()
    assert "附有时间戳的检查点：2个" in told and "没有核对时间戳机构的签名和证书" in told
    assert f"openssl ts -verify -digest {digest} -in checkpoint-2.tsr" in told
    assert (tmp_path / "out" / "checkpoint-2.tsr").read_bytes() == base64.b64decode(points[1]["timestamps"][0])


def test_every_change_of_a_timestamp_is_found_and_named(stamped: list[dict]) -> None:
    place = next(i for i, line in enumerate(stamped) if line["kind"] == "checkpoint" and line["number"] == 2)
    reply = base64.b64decode(stamped[place]["timestamps"][0])

    def found(*replies: bytes) -> list[tuple]:
        changed = copy.deepcopy(stamped)
        changed[place]["timestamps"] = [base64.b64encode(one).decode() for one in replies]
        return verify_trail.verify(changed).problems

    assert found(reply) == []
    for at in range(len(reply)):
        bits = bytearray(reply)
        bits[at] ^= 1
        assert any(values[0] == 2 and code.startswith("stamp_") for code, values in found(bytes(bits))), at
    assert ("stamp_missing", (2,)) in found()
    assert ("stamp_unknown", (2,)) in found(reply, reply)
    one = next(line for line in stamped if line["kind"] == "checkpoint" and line["number"] == 1)
    assert ("stamp_imprint", (2,)) in found(base64.b64decode(one["timestamps"][0]))


def test_a_timestamp_is_kept_for_ever_and_once(sealed: Database, stamped: list[dict]) -> None:
    with sealed.transaction() as session:
        reply = timestamps.reply(session, 2, 2)
        assert timestamps.take(session, 2, reply).number == 2
    assert stamps(sealed) == [(1, 1), (2, 2)]
    for statement in ("DELETE FROM trail_timestamp", "UPDATE trail_timestamp SET checkpoint = 1"):
        with pytest.raises(DatabaseError), sealed.engine.begin() as connection:
            connection.execute(text(statement))


def test_by_hand_the_request_goes_out_and_the_reply_comes_in(sealed: Database, tmp_path: Path) -> None:
    if not sealed.is_sqlite:
        address = sealed.engine.url.render_as_string(hide_password=False)
    else:
        address = str(sealed.engine.url)
    config = tmp_path / "decision-flow.toml"
    config.write_text(f'data_dir = "{tmp_path}"\ndatabase_url = "{address}"\n')
    query, reply, kept = tmp_path / "c.tsq", tmp_path / "c.tsr", tmp_path / "kept.tsr"

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--config", str(config), "audit", "timestamp", "2", *words])
        return result.exit_code, result.output

    status, told = run()
    assert status == 2 and "tsa_url" in told
    assert run("--request", str(query))[0] == 0
    reply.write_bytes(answer(query.read_bytes()[:-3], clock.now(), nonce=1))
    status, told = run("--reply", str(reply))
    assert status != 0 and "请使用从本检查点导出的请求文件" in told and stamps(sealed) == []
    reply.write_bytes(answer(query.read_bytes(), clock.now()))
    assert run("--reply", str(reply), "-o", str(kept))[0] == 0
    assert stamps(sealed) == [(1, 2)] and kept.read_bytes() == reply.read_bytes()
    with sealed.transaction() as session, pytest.raises(Invalid):
        timestamps.take(session, 1, reply.read_bytes())
