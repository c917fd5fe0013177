"""The trail taken away: an untouched one is intact, and every change of it is found and named."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from decision_flow import audit, checkpoints
from decision_flow.audit import SYSTEM, EventName
from decision_flow.cli import main
from decision_flow.config import Settings
from decision_flow.db import Database
from decision_flow.errors import Conflict
from decision_flow.verifier import verify_trail

VERIFIER = Path(verify_trail.__file__)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def write(database: Database, count: int, streams: tuple[str, ...] = ("a", "b")) -> None:
    with database.transaction() as session:
        for number in range(count):
            audit.append(
                session, streams[number % len(streams)], EventName.STEP_PASSED, actor=SYSTEM, rules=["R-15b"],
                facts={"n": number, "text": "=1+1"}, reason="=HYPERLINK(1)",
            )  # fmt: skip


def seal(database: Database, key: Ed25519PrivateKey = KEY) -> dict:
    with database.transaction() as session:
        made = checkpoints.seal(session, key)
        assert made is not None
        return checkpoints.as_line(made)


def taken(database: Database) -> list[dict]:
    with database.snapshot() as session:
        return list(checkpoints.lines(session))


@pytest.fixture(autouse=True)
def signatures_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes are signed in each of a thousand trails that are changed elsewhere."""
    monkeypatch.setattr(verify_trail, "signature_holds", lru_cache(verify_trail.signature_holds))


@pytest.fixture
def trail(database: Database) -> list[dict]:
    """Two streams, two checkpoints, and two events that no checkpoint covers."""
    write(database, 4)
    seal(database)
    write(database, 3)
    seal(database)
    write(database, 2)
    return taken(database)


def codes(lines: list, **given: object) -> list[str]:
    return [code for code, _ in verify_trail.verify(lines, **given).problems]


def test_an_untouched_trail_is_intact_and_says_what_is_not_yet_covered(trail: list[dict]) -> None:
    report = verify_trail.verify(trail)
    assert report.problems == []
    assert report.checkpoints == 2
    # The two events at the end, and the one that tells of the second checkpoint.
    assert report.events - report.covered == 3
    assert "尚无检查点覆盖的记录：3条" in report.text()
    assert "Not yet covered by a checkpoint: 3 events" in report.text("en")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_single_change_is_found(trail: list[dict]) -> None:
    """Each field of each line changed, each line taken out, doubled or swapped with the next, each cut."""
    assert codes(trail) == []
    for place, line in enumerate(trail):
        for field, value in line.items():
            if (line["kind"], field) in {("trail", "exported_at"), ("trail", "format"), ("trail", "scope")}:
                continue  # the header is not evidence
            for changed in _changes(value):
                other = copy.copy(trail)
                other[place] = {**line, field: changed}
                assert codes(other), (place, field, changed)
        assert codes(trail[:place] + trail[place + 1 :]), place
        assert codes(trail[:place]), place
        assert codes(trail[: place + 1] + trail[place:]), place
        if place + 1 < len(trail):
            swapped = copy.copy(trail)
            swapped[place : place + 2] = swapped[place + 1], swapped[place]
            # Lines of different streams, and the end and a checkpoint, may stand in either order.
            assert codes(swapped) or _independent(*swapped[place : place + 2])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_field_inside_an_event_is_found_and_its_place_named(trail: list[dict]) -> None:
    for place, line in enumerate(trail):
        if line["kind"] != "event":
            continue
        told = json.loads(line["canonical"])
        for field, value in told.items():
            for changed in _changes(value):
                other = copy.copy(trail)
                other[place] = {**line, "canonical": verify_trail.canonical_json({**told, field: changed})}
                found = verify_trail.verify(other).problems
                if field not in ("stream", "seq"):
                    assert ("hash", (told["stream"], told["seq"])) in found
                assert found, (place, field)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_changes_at_random_in_a_long_trail_are_found(database: Database) -> None:
    write(database, 600, ("a", "b", "c"))
    seal(database)
    whole = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in taken(database)).splitlines(keepends=True)
    chance = random.Random(713)
    for _ in range(40):
        place = chance.randrange(1, len(whole))
        at = chance.randrange(len(whole[place]) - 1)
        new = chance.choice("0123456789abcdef")
        if whole[place][at] == new or whole[place][at] == " ":
            continue
        lines = [*whole[:place], whole[place][:at] + new + whole[place][at + 1 :], *whole[place + 1 :]]
        assert codes([_parsed(line) for line in lines]), (place, at)


def test_a_forged_hash_of_everything_after_a_change_is_found_by_the_checkpoint(trail: list[dict]) -> None:
    forged = _rehashed(trail, "a", lambda told: {**told, "facts": {"n": 99}} if told["seq"] == 1 else told)
    assert codes([line for line in forged if line["kind"] != "checkpoint" or True]).count("root") >= 1
    # Signing anew with a key of one's own is found by the published key.
    mine = Ed25519PrivateKey.generate()
    resigned = [
        {**line, "signature": mine.sign(line["note"].encode()).hex(), "public_key": checkpoints.public_key(mine)}
        if line["kind"] == "checkpoint"
        else line
        for line in trail
    ]
    # The trail tells which key signed; whoever writes that anew as well is found by the published key alone.
    assert codes(resigned) == ["sealed", "sealed"]
    assert codes(resigned, key=checkpoints.public_key(KEY))[:2] == ["key", "key"]


def test_a_cut_tail_is_found_with_the_checkpoint_kept_from_earlier(database: Database, trail: list[dict]) -> None:
    kept = [line for line in trail if line["kind"] == "checkpoint"][-1]
    assert codes(trail, kept=kept) == []
    # Whoever holds the database goes back to the first checkpoint, and makes all ends meet.
    first = next(line for line in trail if line["kind"] == "checkpoint")
    held = dict(first["streams"])
    held["trail"] = held.get("trail", 0) + 1  # that it was made is told after it
    short, heads = [trail[0]], {}
    for line in trail:
        told = json.loads(line["canonical"]) if line["kind"] == "event" else {}
        if told and told["seq"] <= held.get(told["stream"], 0):
            short.append(line)
            heads[told["stream"]] = [told["stream"], told["seq"], line["hash"], line["sm3"]]
    short += [first, {"kind": "end", "events": len(short) - 1, "heads": sorted(heads.values()), "checkpoints": 1}]
    assert codes(short) == []
    assert codes(short, kept=kept) == ["kept"]


def test_the_signatures_are_those_of_rfc_8032() -> None:
    for length in (0, 1, 64, 1000):
        message = random.Random(length).randbytes(length)
        signature, public = KEY.sign(message), bytes.fromhex(checkpoints.public_key(KEY))
        assert verify_trail.signature_holds(public, message, signature)
        assert not verify_trail.signature_holds(public, message + b"x", signature)
        for at in (0, 31, 32, 63):
            bad = bytes([*signature[:at], signature[at] ^ 1, *signature[at + 1 :]])
            assert not verify_trail.signature_holds(public, message, bad)
    # Section 7.1, test 1.
    assert verify_trail.signature_holds(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        b"",
        bytes.fromhex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd"
            "25bf5f0595bbe24655141438e7a100b"
        ),
    )


@pytest.mark.parametrize("statement", ["UPDATE trail_checkpoint SET size = 1", "DELETE FROM trail_checkpoint"])
def test_the_database_refuses_to_change_a_checkpoint(database: Database, statement: str) -> None:
    write(database, 1)
    seal(database)
    with pytest.raises(DatabaseError, match="never changed"), database.engine.begin() as connection:
        connection.execute(text(statement))


def test_nothing_new_makes_no_checkpoint(database: Database) -> None:
    write(database, 1)
    seal(database)
    with database.transaction() as session:
        assert checkpoints.seal(session, KEY) is None


def test_nobody_waits_for_a_checkpoint_and_what_is_written_meanwhile_goes_into_the_next(database: Database) -> None:
    write(database, 4)
    with database.snapshot() as session:
        found = checkpoints.survey(session)
        assert found is not None
        write(database, 3)
    with database.transaction() as session:
        made = checkpoints.seal(session, KEY, found=found)
        assert made is not None
    trail = taken(database)
    report = verify_trail.verify(trail)
    assert report.problems == [] and report.covered == found.tree.size == made.size
    assert report.events - report.covered == 4
    # Two that were begun at once: the second is told.
    with pytest.raises(Conflict), database.transaction() as session:
        checkpoints.seal(session, KEY, found=found)
    assert seal(database)["size"] == report.events


def test_the_key_is_its_owners_alone(settings: Settings) -> None:
    made = checkpoints.signing_key(settings.folder)
    assert (settings.folder / checkpoints.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert checkpoints.public_key(checkpoints.signing_key(settings.folder)) == checkpoints.public_key(made)


def test_events_and_checkpoints_may_stand_mixed_but_none_after_the_checkpoint_that_covers_it(trail: list[dict]) -> None:
    at = next(place for place, line in enumerate(trail) if line["kind"] == "checkpoint")
    uncovered = trail[at - 1]
    assert json.loads(uncovered["canonical"])["stream"] == "trail"
    assert codes([*trail[: at - 1], *trail[at:-1], uncovered, trail[-1]]) == []
    assert codes([trail[0], trail[at], *trail[1:at], *trail[at + 1 :]])[:2] == ["covers", "covers"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_commands_and_a_machine_with_only_python(database: Database, tmp_path: Path) -> None:
    write(database, 5)
    config = tmp_path / "decision-flow.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\ndatabase_url = "{database.url}"\n')
    point, whole = tmp_path / "point.json", tmp_path / "trail.jsonl"

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--config", str(config), "audit", *words])
        return result.exit_code, result.output

    assert run("checkpoint", "-o", str(point))[0] == 0
    assert run("export", "-o", str(whole))[0] == 0
    assert run("verify")[0] == 0
    status, told = run("verify", str(whole), "--checkpoint", str(point), "--lang", "en")
    assert status == 0 and told.startswith("Intact")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "verify_trail.py").write_bytes(VERIFIER.read_bytes())
    command = [sys.executable, "-I", "-S", "verify_trail.py", str(whole)]
    alone = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert (alone.returncode, alone.stdout[:2]) == (0, "完整")
    whole.write_text(whole.read_text("utf-8").replace('\\"n\\":3', '\\"n\\":8'), "utf-8")
    alone = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert alone.returncode == 1
    assert "流b第2条：内容与SHA-256散列值不符" in alone.stdout
    with database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_update"))
        connection.execute(text("UPDATE audit_event SET actor = 'x' WHERE stream = 'a' AND seq = 2"))
    status, told = run("verify")
    assert status == 1 and "流a第2条" in told


def _changes(value: object) -> list:
    if isinstance(value, bool) or value is None:
        return [1]
    if isinstance(value, int):
        return [value + 1, value - 1, None]
    if isinstance(value, str):
        return [value + "0", value[:-1] + ("1" if value[-1:] == "0" else "0"), None]
    if isinstance(value, list):
        return [[*value, value[0]] if value else [1], value[:-1] if value else [2]]
    return [{**value, "n": 99}]


def _independent(one: dict, two: dict) -> bool:
    if one["kind"] == two["kind"] == "event":
        return json.loads(one["canonical"])["stream"] != json.loads(two["canonical"])["stream"]
    return {one["kind"], two["kind"]} in ({"event", "checkpoint"}, {"checkpoint", "end"})


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _rehashed(lines: list[dict], stream: str, change) -> list[dict]:
    made, prev, prev_sm3, heads = [], audit.GENESIS, audit.GENESIS, {}
    for line in lines:
        told = json.loads(line["canonical"]) if line["kind"] == "event" else {}
        if told.get("stream") == stream:
            told = {**change(told), "prev": prev, "prev_sm3": prev_sm3}
            canonical = verify_trail.canonical_json(told)
            prev, prev_sm3 = audit.hashlib.sha256(canonical.encode()).hexdigest(), audit.sm3_of(canonical.encode())
            line = {"kind": "event", "canonical": canonical, "hash": prev, "sm3": prev_sm3}
            heads[stream] = [stream, told["seq"], prev, prev_sm3]
        if line["kind"] == "end":
            line = {**line, "heads": [heads.get(head[0], head) for head in line["heads"]]}
        made.append(line)
    return made
